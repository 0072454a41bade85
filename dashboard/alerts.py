"""GET /alerts, and GET /alert/TOKEN: who was told of what, who is on it, and the one button that says so.

Owns both pages and their forms. Refuses to tell anybody: the responder does. A look acknowledges nothing, for chat
programs and mail scanners open every link they see; only the button does.
"""

from aiohttp import web

from core.ladder import ladder_of
from dashboard.auth import session_if_any
from dashboard.desk import Desk, desk_of, reader_of
from dashboard.forms import form_of, number
from dashboard.i18n import _
from dashboard.pages import refuse, render, see
from dashboard.present_alerts import AlertView, alert_view, lead
from store.alerts import Link, Listed, Standing
from store.tellings import hash_of

_SHOWN = 5
_A_PAGE = 500


async def alerts(request: web.Request) -> web.Response:
    """GET /alerts."""
    desk = desk_of(request)
    context = {
        "groups": [await _view(desk, standing, most=_SHOWN) for standing in await desk.alerts.open()],
        "past": [await _view(desk, standing) for standing in await desk.alerts.ended()],
        "lead": lead([step.name for step in desk.config.alerts.steps if step.urls]),
    }
    return await render(request, "alerts.html", context)


async def alert(request: web.Request) -> web.Response:
    """GET /alerts/ID: all of one group."""
    standing = await _standing(request, number(request.match_info["id"]))
    view = await _page(request, standing, has_words=True)
    return await render(request, "alert.html", {"alert": view, "action": f"/alerts/{view.id}/take"})


async def take(request: web.Request) -> web.Response:
    """POST /alerts/ID/take: somebody is on it, so nobody else is told."""
    group_id = number(request.match_info["id"])
    await _standing(request, group_id)
    is_first = await _acknowledge(request, group_id, by=reader_of(request), through="dashboard")
    return see("/alerts", "alert-taken" if is_first else "unchanged")


async def by_link(request: web.Request) -> web.Response:
    """GET /alert/TOKEN: what an alert was about, without what was said, for whoever holds the link."""
    link = await _link(request)
    view = await _page(request, await _standing(request, link.group_id), has_words=False)
    response = await render(request, "alert.html", {"alert": view, "action": request.path})
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


async def take_by_link(request: web.Request) -> web.Response:
    """POST /alert/TOKEN: whoever holds the link is on it. Signed in, they are known by name."""
    link, session = await _link(request), await session_if_any(request)
    by = session.staff.name if session is not None else f"somebody at {link.step}"
    is_first = await _acknowledge(request, link.group_id, by=by, through="link")
    return see(request.path, "alert-taken" if is_first else "unchanged")


async def _acknowledge(request: web.Request, group_id: int, *, by: str, through: str) -> bool:
    desk, seen = desk_of(request), number((await form_of(request)).get("seen"))
    is_first = await desk.alerts.acknowledge(group_id, by=by, through=through, seen=seen, at=desk.clock.now())
    await desk.bell.announce()
    return is_first


async def _link(request: web.Request) -> Link:
    desk = desk_of(request)
    link = await desk.alerts.link(hash_of(request.match_info["token"]), at=desk.clock.now())
    if link is None:
        message = _("The link is not one of ours, or too old. Sign in to see what is open.")
        raise refuse(404, _("No such alert"), message)
    if link.is_expired:
        message = _("Sign in: the page Alerts shows whether somebody is on it.")
        raise refuse(410, _("This link has expired"), message)
    return link


async def _standing(request: web.Request, group_id: int) -> Standing:
    standing = await desk_of(request).alerts.standing(group_id)
    if standing is None:
        raise refuse(404, _("No such alert"), _("The page Alerts shows what there is."))
    return standing


async def _view(desk: Desk, standing: Standing, *, most: int = 0) -> AlertView:
    """One group with its most urgent alerts."""
    members = await desk.alerts.most_urgent(standing.group.id, limit=most) if most else []
    return await _shown(desk, standing, members, is_page=False, has_words=True)


async def _page(request: web.Request, standing: Standing, *, has_words: bool) -> AlertView:
    """One group with a page of all its alerts."""
    desk, after = desk_of(request), number(request.query.get("after", "0"))
    members = await desk.alerts.members(standing.group.id, limit=_A_PAGE, after=after)
    return await _shown(desk, standing, members, is_page=True, has_words=has_words)


async def _shown(desk: Desk, standing: Standing, members: list[Listed], *, is_page: bool, has_words: bool) -> AlertView:
    newest, ladder = await desk.alerts.newest(standing.group.id), ladder_of(desk.config)
    about = [member.conversation_id for member in members if member.conversation_id is not None]
    cards = {card.conversation.id: card for card in await desk.conversations.cards(about)} if has_words else {}
    return alert_view(standing, members, cards, newest=newest, is_page=is_page, ladder=ladder, now=desk.clock.now())
