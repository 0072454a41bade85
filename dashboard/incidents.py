"""GET /incidents: storms, why the breaker tripped, the holding statement, and the reset.

Owns the page and its forms. Refuses to trip anything: the responder does.
"""

from datetime import datetime, timedelta

from aiohttp import web

from core.incident import Incident, tempo
from dashboard.desk import Desk, desk_of, reader_of
from dashboard.forms import SMALL, number, text_of
from dashboard.i18n import _
from dashboard.pages import refuse, render, see
from dashboard.present_incidents import IncidentView, incident_view, statement_field

_RECENT = timedelta(minutes=5)


async def incidents(request: web.Request) -> web.Response:
    """GET /incidents."""
    desk, now = desk_of(request), desk_of(request).clock.now()
    context = {
        "storms": [await _view(desk, incident, now) for incident in await desk.incidents.open()],
        "past": [await _view(desk, incident, now) for incident in await desk.incidents.closed()],
    }
    return await render(request, "incidents.html", context)


async def take(request: web.Request) -> web.Response:
    """POST /incidents/ID/take: somebody is on it, so nobody else is woken."""
    desk, incident = desk_of(request), await _load(request)
    await desk.incidents.take(incident.id, by=reader_of(request), version=await _version(request), at=desk.clock.now())
    return await _back(desk, "incident-taken")


async def approve(request: web.Request) -> web.Response:
    """POST /incidents/ID/statement: these holding texts, edited or not, stand in new drafts."""
    desk, incident, form = desk_of(request), await _load(request), await request.post()
    texts = {language: text_of(form, statement_field(language)) for language in incident.statements}
    if not all(texts.values()):
        raise refuse(400, _("A text is empty"), _("Each language needs its words. Go back and write them."))
    await desk.incidents.approve(
        incident.id, texts, by=reader_of(request), version=await _version(request), at=desk.clock.now()
    )
    return await _back(desk, "statement-approved")


async def reset(request: web.Request) -> web.Response:
    """POST /incidents/ID/reset: the account speaks by itself again. Supervisors only."""
    desk, incident = desk_of(request), await _load(request)
    now = desk.clock.now()
    recent = await desk.tempo.arrivals(incident.account, since=now - _RECENT)
    await desk.incidents.reset(
        incident.id, by=reader_of(request), version=await _version(request), at=now, tempo=tempo(recent, now=now)
    )
    return await _back(desk, "breaker-reset")


async def _view(desk: Desk, incident: Incident, now: datetime) -> IncidentView:
    members = await desk.incidents.members(incident.id) if incident.is_open else []
    return incident_view(incident, members, await desk.incidents.count_members(incident.id), now)


async def _load(request: web.Request) -> Incident:
    incident = await desk_of(request).incidents.get(number(request.match_info["id"]))
    if incident is None:
        raise refuse(404, _("No such incident"), _("The page Incidents shows what there is."), back="/incidents")
    return incident


async def _version(request: web.Request) -> int:
    return number((await request.post()).get("version"), most_digits=SMALL)


async def _back(desk: Desk, done: str) -> web.Response:
    await desk.bell.announce()
    return see("/incidents", done)
