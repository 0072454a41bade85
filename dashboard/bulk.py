"""POST /inbox/bulk and /inbox/undo: many conversations moved at once, and for a moment put back.

Owns these forms. With htmx they change the cards and say what was done, without it they lead back to the list. Refuses
to decide what may move.
"""

from collections.abc import Sequence

from aiohttp import web

from core.conversation import Move
from dashboard.desk import desk_of, reader_of
from dashboard.filters import Filters, filters_of_link
from dashboard.forms import form_of, line_of, one_of
from dashboard.i18n import _
from dashboard.inbox import MOST_SHOWN, card_views
from dashboard.pages import refuse, render, see
from dashboard.present_queue import ToastView, done_view, seen_in, undone_view
from dashboard.swaps import is_swap
from dashboard.whens import instant_of
from store.bulk import SNOOZE


async def bulk(request: web.Request) -> web.Response:
    """POST /inbox/bulk: one move with everything picked."""
    desk, form = desk_of(request), await request.post()
    action, filters = one_of(form, "move", (*Move, SNOOZE)), filters_of_link(str(form.get("back", "")))
    seen = seen_in([str(pick) for pick in form.getall("pick", [])], most=MOST_SHOWN)
    if not seen:
        raise refuse(400, _("Nothing is selected"), _("Select conversations first: press x, or tick their boxes."))
    by, now = reader_of(request), desk.clock.now()
    if action == SNOOZE:
        until = instant_of("tomorrow", "", zone=desk.config.hours.zone, now=now)
        batch = await desk.bulk.snooze(seen, until, by=by, at=now)
    else:
        batch = await desk.bulk.move(seen, Move(action), by=by, at=now)
    await desk.bell.announce()
    return await _answer(request, filters, tuple(seen), done_view(batch))


async def undo(request: web.Request) -> web.Response:
    """POST /inbox/undo: put back what this person moved a moment ago."""
    desk, form = desk_of(request), await form_of(request)
    filters = filters_of_link(str(form.get("back", "")))
    batch = await desk.bulk.undo(line_of(form.get("token")), by=reader_of(request), at=desk.clock.now())
    await desk.bell.announce()
    return await _answer(request, filters, batch.done if batch else (), undone_view(batch))


async def _answer(request: web.Request, filters: Filters, ids: Sequence[int], toast: ToastView) -> web.Response:
    if not is_swap(request):
        return see(f"/inbox{filters.link}", "", batch=toast.undo)
    found = await desk_of(request).conversations.cards(ids)
    context = {"changed": card_views(request, found, filters), "toast": toast, "query": filters.link}
    return await render(request, "_moved.html", context)
