"""POST /filters: a person's own named filters of the inbox.

Owns these forms. Refuses to keep anything but a query that the inbox itself would write.
"""

from aiohttp import web

from core.errors import Conflict
from dashboard.desk import desk_of, session_of
from dashboard.filters import filters_of_link
from dashboard.forms import form_of, line_of, number
from dashboard.i18n import _
from dashboard.pages import refuse, see
from store.saved_filters import MOST

_MOST_NAME = 60


async def save(request: web.Request) -> web.Response:
    """POST /filters: give the filters of the page a name."""
    desk, form = desk_of(request), await form_of(request)
    query = filters_of_link(str(form.get("query", ""))).with_()
    name = line_of(form.get("name"))[:_MOST_NAME]
    if not name:
        raise refuse(400, _("The filter has no name"), _("Go back and give it one: a word you will know it by."))
    try:
        await desk.saved_filters.save(session_of(request).staff.id, name, query, at=desk.clock.now())
    except Conflict as err:
        message = _("You have {most} saved filters, the most there can be. Delete one first.", most=MOST)
        raise refuse(409, _("Too many saved filters"), message, back=f"/inbox{query}") from err
    return see(f"/inbox{query}", "filter-saved")


async def delete(request: web.Request) -> web.Response:
    """POST /filters/ID/delete."""
    desk, form = desk_of(request), await form_of(request)
    query = filters_of_link(str(form.get("back", ""))).with_()
    filter_id = number(request.match_info["id"])
    is_gone = await desk.saved_filters.delete(filter_id, staff_id=session_of(request).staff.id)
    return see(f"/inbox{query}", "filter-deleted" if is_gone else "unchanged")
