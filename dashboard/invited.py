"""GET /join/TOKEN: a one-time link, for somebody new or for a new password.

Owns that page and its form. Refuses to make links: `people` does. A look uses nothing up, for mail scanners open links.
"""

import asyncio

from aiohttp import web

from dashboard import words
from dashboard.cookies import hashed
from dashboard.desk import desk_of
from dashboard.forms import form_of
from dashboard.i18n import _
from dashboard.opening import come_in
from dashboard.pages import Stop, refuse
from dashboard.passwords import WeakPassword, hash_password
from dashboard.signin import has_door_token, render_door
from store.invitations import Invitation


async def join_page(request: web.Request) -> web.Response:
    """GET /join/TOKEN."""
    return await _page(request, await _invitation(request))


async def join(request: web.Request) -> web.StreamResponse:
    """POST /join/TOKEN: choose a password, and come in. The link works no longer."""
    desk, form, invitation = desk_of(request), await form_of(request), await _invitation(request)
    if not has_door_token(request, form):
        return await _page(request, invitation, problem=_("The page was out of date. Please try again."), status=403)
    password = str(form.get("password", ""))
    if password != str(form.get("again", "")):
        return await _page(request, invitation, problem=_("The two passwords differ."), status=422)
    try:
        password_hash = await asyncio.to_thread(hash_password, password)
    except WeakPassword as err:
        return await _page(request, invitation, problem=err.said(), status=422)
    staff = await desk.invitations.accept(hashed(request.match_info["token"]), password_hash, at=desk.clock.now())
    if staff is None:
        raise _spent()
    return await come_in(request, staff, "/", how="link")


async def _invitation(request: web.Request) -> Invitation:
    desk = desk_of(request)
    invitation = await desk.invitations.look(hashed(request.match_info["token"]), at=desk.clock.now())
    if invitation is None:
        raise _spent()
    return invitation


def _spent() -> Stop:
    message = _("It works once, for three days. Ask whoever sent it for a new one; or sign in, if you have a password.")
    return refuse(410, _("This link works no longer"), message)


async def _page(request: web.Request, invitation: Invitation, *, problem: str = "", status: int = 200) -> web.Response:
    context = {
        "who": invitation.staff.name,
        "role_said": words.ROLES[invitation.staff.role],
        "made_by": invitation.made_by,
        "is_new": invitation.staff.is_invited,
        "problem": problem,
    }
    response = await render_door(request, "join.html", context, status=status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
