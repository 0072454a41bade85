"""Opening a session: for whom, how far, and in which browser.

Owns that step, which every way in ends with. Refuses to check who somebody is: the ways in do.
"""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

from aiohttp import web

from dashboard.cookies import (
    DOOR_COOKIE,
    HALF_COOKIE,
    KNOWN_COOKIE,
    SESSION_COOKIE,
    as_bytes,
    cookie,
    drop_cookie,
    hashed,
    new_token,
    set_cookie,
)
from dashboard.desk import SESSION, Desk, desk_of, session_of
from dashboard.i18n import _
from dashboard.limits import address_of
from dashboard.pages import refuse
from store.people import Staff
from store.sessions import Opening, Session, Stage

# How long a browser has between the password and the code; and to set a telephone up.
_CODE_LASTS = timedelta(minutes=10)
_SETUP_LASTS = timedelta(minutes=30)
_KNOWN_LASTS = timedelta(days=180)
CODE_PAGE = "/sign-in/code"
SETUP_PAGE = "/sign-in/second-factor"


async def come_in(request: web.Request, staff: Staff, path: str, *, how: str) -> web.StreamResponse:
    """Somebody has shown a password or a link: open their session, or ask for the second factor first."""
    stage = next_stage(desk_of(request), staff)
    response = await open_session(request, staff, stage, how=how)
    page = {Stage.CODE: CODE_PAGE, Stage.SETUP: SETUP_PAGE}.get(stage)
    response.headers["Location"] = path if page is None else f"{page}?next={quote(path, safe='')}"
    return response


def next_stage(desk: Desk, staff: Staff) -> Stage:
    """Return what is still asked of somebody who has shown a password."""
    if staff.second_factor_since is not None:
        return Stage.CODE
    return Stage.SETUP if staff.role in desk.config.dashboard.second_factor else Stage.OPEN


async def open_session(
    request: web.Request, staff: Staff, stage: Stage, *, how: str, response: web.Response | None = None
) -> web.Response:
    """Open a session under a new token, and set its cookie. Whatever session this browser had before ends."""
    desk, token = desk_of(request), new_token()
    now, settings = desk.clock.now(), desk.config.dashboard
    lasts = {Stage.CODE: _CODE_LASTS, Stage.SETUP: _SETUP_LASTS}.get(stage, timedelta(hours=settings.session_hours))
    opening = Opening(
        token_hash=hashed(token),
        csrf=new_token(),
        stage=stage,
        how=how,
        expires_at=now + lasts,
        idle_until=min(now + lasts, now + timedelta(minutes=settings.idle_minutes)),
        address=address_of(request),
        browser=request.headers.get("User-Agent", ""),
        instead_of=tuple(hashed(cookie(request, name)) for name in (SESSION_COOKIE, HALF_COOKIE)),
    )
    if not await desk.sessions.open(staff, opening, at=now):
        raise refuse(403, _("You may not sign in any more"), _("Ask an administrator."))
    response = response or web.Response(status=303)
    is_open = stage is Stage.OPEN
    set_cookie(request, response, SESSION_COOKIE if is_open else HALF_COOKIE, token, lasts)
    if is_open:
        drop_cookie(request, response, HALF_COOKIE)
        drop_cookie(request, response, DOOR_COOKIE)
        await _know(request, response, staff)
    return response


async def renew_session(request: web.Request) -> str:
    """Give this session a new token, and the page that follows new form tokens: somebody's secrets changed.

    Returns the token for `keep_session`.
    """
    desk, session, token = desk_of(request), session_of(request), new_token()
    renewed = replace(session, token_hash=hashed(token), csrf=new_token())
    await desk.sessions.renew(session, token_hash=renewed.token_hash, csrf=renewed.csrf)
    request[SESSION] = renewed
    return token


async def keep_session(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Set the cookie of a renewed session. A new password forgets every browser; this one is known again."""
    session = session_of(request)
    set_cookie(request, response, SESSION_COOKIE, token, session.expires_at - desk_of(request).clock.now())
    await _know(request, response, session.staff)


async def half_open(request: web.Request, stage: Stage) -> Session | None:
    """Return the session that waits for a code, or to set up a second factor. It is no session anywhere else."""
    desk = desk_of(request)
    return await desk.sessions.get(hashed(cookie(request, HALF_COOKIE)), at=desk.clock.now(), stages=(stage,))


async def known_browser(request: web.Request, staff: Staff | None) -> str | None:
    """Return this browser's hash where this person has signed in from it. Asks the same for a name nobody has."""
    desk, browser = desk_of(request), hashed(cookie(request, KNOWN_COOKIE))
    is_known = await desk.sessions.knows_browser(staff.id if staff else 0, browser, at=desk.clock.now())
    return browser if is_known else None


def check_token(form: Mapping[str, object], wanted: str) -> None:
    """End the request where a form does not carry its token."""
    sent = form.get("csrf")
    if not isinstance(sent, str) or not wanted or not hmac.compare_digest(as_bytes(sent), as_bytes(wanted)):
        raise refuse(403, _("This form is out of date"), _("Go back, reload the page and try again."))


async def _know(request: web.Request, response: web.StreamResponse, staff: Staff) -> None:
    desk, token = desk_of(request), cookie(request, KNOWN_COOKIE)
    if await known_browser(request, staff) is None:
        token = new_token()
    await desk.sessions.know_browser(staff.id, hashed(token), at=desk.clock.now(), lasts=_KNOWN_LASTS)
    set_cookie(request, response, KNOWN_COOKIE, token, _KNOWN_LASTS)
