"""POST /replies/ID/...: a person approves, drops, takes back or settles one reply.

Owns those forms, and telling whoever came second what the first one did. Refuses to send: it rings.
"""

from aiohttp import web

from core.errors import Conflict
from core.reply import Reply, ReplyState
from dashboard import words
from dashboard.conversation import check_may_write, check_nothing_new, entry_of, load_thread
from dashboard.desk import desk_of, reader_of
from dashboard.forms import number, one_of, text_of
from dashboard.pages import Stop, refuse, see


async def approve(request: web.Request) -> web.Response:
    """POST /replies/ID/approve: these words, edited or not, go out."""
    desk, form = desk_of(request), await request.post()
    reply, text = await _load(request), text_of(form, "text")
    if reply.state is not ReplyState.DRAFT:
        raise _second(reply, text)
    thread = await load_thread(request, reply.conversation_id)
    check_nothing_new(thread, number(form.get("seen")), text, reader=reader_of(request))
    check_may_write(thread, entry_of(thread, reply.post_id), text, reader=reader_of(request))
    try:
        approved = await desk.replies.approve(
            reply.id, text, by=reader_of(request), version=number(form.get("version")), at=desk.clock.now()
        )
    except Conflict as err:
        raise _second(await _load(request), text) from err
    await desk.send(approved)
    return _back(approved, "approved")


async def drop(request: web.Request) -> web.Response:
    """POST /replies/ID/drop: it is not to be sent."""
    return await _act(request, "dropped")


async def redraft(request: web.Request) -> web.Response:
    """POST /replies/ID/redraft: take back what has not left, or write a failed one anew."""
    return await _act(request, "redrafted")


async def settle(request: web.Request) -> web.Response:
    """POST /replies/ID/settle: a person looked whether an unknown reply is there."""
    return await _act(request, one_of(await request.post(), "outcome", ("there", "again", "dropped")))


async def _act(request: web.Request, what: str) -> web.Response:
    desk, reply = desk_of(request), await _load(request)
    version = number((await request.post()).get("version"))
    by, at, replies = reader_of(request), desk.clock.now(), desk.replies
    try:
        match what:
            case "dropped":
                after = await replies.drop(reply.id, by=by, version=version, at=at)
            case "redrafted":
                after = await replies.redraft(reply.id, by=by, version=version, at=at)
            case _:
                after = await replies.settle_by_person(
                    reply.id, is_there=what == "there", by=by, version=version, at=at
                )
    except Conflict as err:
        raise _second(await _load(request), "") from err
    if after.state is ReplyState.APPROVED:
        await desk.send(after)
    else:
        await desk.bell.announce()
    return _back(after, what)


async def _load(request: web.Request) -> Reply:
    reply = await desk_of(request).replies.get(number(request.match_info["id"]))
    if reply is None:
        raise refuse(404, "No such reply", "It may have been erased. The inbox shows what there is.")
    return reply


def _second(reply: Reply, text: str) -> Stop:
    """Say what the first one did. Their words are shown, and so are the reader's, to be kept."""
    by = reply.approved_by or "Somebody"
    state = words.REPLY_STATES[reply.state].word.lower()
    title = f"{by} was first" if reply.approved_by else "This reply moved on"
    return refuse(
        409,
        title,
        f"Nothing of yours was sent. The reply now stands at: {state}.",
        back=f"/conversations/{reply.conversation_id}",
        theirs=reply.text,
        theirs_by=by,
        yours=text,
    )


def _back(reply: Reply, done: str) -> web.Response:
    return see(f"/conversations/{reply.conversation_id}", done)
