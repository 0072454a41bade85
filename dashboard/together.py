"""Who is here, and what can still be taken back: what an open page tells and asks, beside its forms.

Owns POST /conversations/ID/looking, GET /lookers and GET /held. Refuses to remember anybody: Redis does, for seconds.
"""

from aiohttp import web

from core.rights import Right, may
from dashboard.desk import desk_of, reader_of, session_of
from dashboard.forms import number, one_of
from dashboard.pages import render
from store.lookers import Does, plain


async def looking(request: web.Request) -> web.Response:
    """POST /conversations/ID/looking: somebody looks, types, or is gone. The first look sees the notes for them."""
    desk, form = desk_of(request), await request.post()
    conversation_id, reader, now = number(request.match_info["id"]), reader_of(request), desk.clock.now()
    does = Does(one_of(form, "does", Does))
    # Who may only read writes nothing, and holds up nobody who does.
    if does is Does.TYPING and not may(session_of(request).staff.role, Right.WORK):
        does = Does.LOOKING
    await desk.lookers.note(conversation_id, reader, does, at=now)
    if form.get("first") == "yes":
        await desk.notes.see(conversation_id, reader, at=now)
    return web.Response(status=204)


async def lookers(request: web.Request) -> web.Response:
    """GET /lookers: who is where, for a page that was just opened."""
    desk = desk_of(request)
    everywhere = await desk.lookers.everywhere(at=desk.clock.now())
    return web.json_response([{"id": one, "who": plain(who)} for one, who in everywhere.items()])


async def held(request: web.Request) -> web.Response:
    """GET /held: the toast alone, for a page that is open."""
    return await render(request, "_held.html", {})
