"""Signing in with a password and a second factor, and signing out.

Owns those pages and forms. Refuses to store or to count anything: the stores do.
"""

import hmac
import logging
from collections.abc import Mapping
from datetime import timedelta

from aiohttp import web
from prometheus_client import Counter

from dashboard import words
from dashboard.cookies import DOOR_COOKIE, SESSION_COOKIE, as_bytes, cookie, drop_cookie, new_token, set_cookie
from dashboard.desk import desk_of, session_of
from dashboard.factors import hash_code, new_codes, new_secret, setup_of, step_of
from dashboard.forms import form_of
from dashboard.i18n import _
from dashboard.limits import address_of, by_browser, by_stranger, of_second_factor
from dashboard.marks import local_path
from dashboard.opening import SETUP_PAGE, check_token, come_in, half_open, known_browser, open_session
from dashboard.pages import render
from dashboard.passwords import PasswordCheck
from store.people import Staff
from store.sessions import Session, Stage

log = logging.getLogger(__name__)

PASSWORDS = web.AppKey("passwords", PasswordCheck)
_DOOR_LASTS = timedelta(hours=12)
# What the audit calls everybody we do not have: a name that was typed may be a password.
_UNKNOWN = "unknown names"

_sign_ins = Counter("genlyd_sign_ins_total", "Attempts to sign in", ["outcome"])


async def sign_in_page(request: web.Request) -> web.Response:
    """GET /sign-in."""
    return await door(request)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /sign-in: open a session, or say no in a way that tells nothing."""
    desk, form = desk_of(request), await form_of(request)
    name, password = str(form.get("name", "")).strip()[:100], str(form.get("password", ""))
    if not has_door_token(request, form):
        return await door(request, problem=_("The page was out of date. Please try again."), status=403)
    staff = await desk.people.staff_named(name)
    browser = await known_browser(request, staff)
    limits = by_stranger(name, address_of(request)) if browser is None else by_browser(name, browser)
    wait = await desk.tries.take(limits, at=desk.clock.now())
    if wait:
        _sign_ins.labels("throttled").inc()
        return wait_for(await door(request, name=name, problem=too_many(wait), status=429), wait)
    if not await request.app[PASSWORDS].is_right(staff.password_hash if staff else None, password) or staff is None:
        await _failed(request, staff, "wrong")
        return await door(request, name=name, problem=_("The name or the password is wrong."), status=401)
    await desk.tries.forgive(limits[:1])
    await desk.tries.give_back(limits[1:])
    _sign_ins.labels("right").inc()
    return await come_in(request, staff, local_path(str(form.get("next", ""))), how="password")


async def code_page(request: web.Request) -> web.StreamResponse:
    """GET /sign-in/code: between the password and the desk."""
    half = await half_open(request, Stage.CODE)
    return _start_over() if half is None else await _code(request, half)


async def enter_code(request: web.Request) -> web.StreamResponse:
    """POST /sign-in/code: the code of a telephone, or one from paper."""
    desk, form, half = desk_of(request), await form_of(request), await half_open(request, Stage.CODE)
    if half is None:
        return _start_over()
    check_token(form, half.csrf)
    limits = of_second_factor(half.staff.id, await known_browser(request, half.staff))
    wait = await desk.tries.take(limits, at=desk.clock.now())
    if wait:
        _sign_ins.labels("throttled").inc()
        return wait_for(await _code(request, half, problem=too_many(wait), status=429), wait)
    how = await _which_code(request, half.staff, str(form.get("code", "")))
    if how is None:
        await _failed(request, half.staff, "wrong code")
        problem = _("This code is wrong, or was used before. Wait for the next one.")
        return await _code(request, half, problem=problem, status=401)
    await desk.tries.forgive(limits)
    response = await open_session(request, half.staff, Stage.OPEN, how=how)
    response.headers["Location"] = local_path(str(form.get("next", "")))
    return response


async def setup_page(request: web.Request) -> web.StreamResponse:
    """GET /sign-in/second-factor: for whoever may not come in without one."""
    half = await half_open(request, Stage.SETUP)
    return _start_over() if half is None else await _setup(request, half)


async def confirm_setup(request: web.Request) -> web.StreamResponse:
    """POST /sign-in/second-factor: a first code shows that the telephone counts with us."""
    form, half = await form_of(request), await half_open(request, Stage.SETUP)
    if half is None:
        return _start_over()
    check_token(form, half.csrf)
    desk = desk_of(request)
    limits = of_second_factor(half.staff.id, await known_browser(request, half.staff))
    wait = await desk.tries.take(limits, at=desk.clock.now())
    if wait:
        _sign_ins.labels("throttled").inc()
        return wait_for(await _setup(request, half, problem=too_many(wait), status=429), wait)
    codes = await confirm(request, half.staff, str(form.get("code", "")), keep=half.token_hash)
    if codes is None:
        return await _setup(request, half, problem=wrong_first_code(), status=422)
    await desk.tries.forgive(limits)
    path = local_path(str(form.get("next", "")))
    page = await render(request, "codes.html", {"codes": codes, "on": path, "is_door": True})
    return await open_session(request, half.staff, Stage.OPEN, how="password and new second factor", response=page)


async def sign_out(request: web.Request) -> web.StreamResponse:
    """POST /sign-out: end this session."""
    desk, session = desk_of(request), session_of(request)
    await desk.sessions.close(session, by=session.staff.name, at=desk.clock.now())
    response = web.Response(status=303, headers={"Location": "/sign-in"})
    drop_cookie(request, response, SESSION_COOKIE)
    return response


async def confirm(request: web.Request, staff: Staff, code: str, *, keep: str) -> tuple[str, ...] | None:
    """Confirm a second factor that waits for its first code; return the recovery codes. None: the code is wrong."""
    desk = desk_of(request)
    factor = await desk.factors.get(staff.id)
    step = step_of(factor.secret, code, desk.clock.now()) if factor is not None else None
    if factor is None or step is None:
        return None
    codes = new_codes()
    hashes = [found for found in map(hash_code, codes) if found is not None]
    is_new = await desk.factors.confirm(staff, factor.secret, step, hashes, at=desk.clock.now(), keep=keep)
    return codes if is_new else None


async def door(request: web.Request, *, name: str = "", problem: str = "", status: int = 200) -> web.Response:
    """The sign-in page. Its token is in the form and in a cookie; a stranger's page can set neither."""
    path = local_path(request.query.get("next") or str((await form_of(request)).get("next", "")))
    oidc = desk_of(request).config.oidc
    context = {
        "next": path,
        "name": name,
        "problem": problem,
        "provider": "" if oidc is None else oidc.label or _("your organisation"),
        "is_at_provider": oidc is not None,
    }
    return await render_door(request, "signin.html", context, status=status)


async def render_door(
    request: web.Request, template: str, context: Mapping[str, object], *, status: int = 200
) -> web.Response:
    """Return a page with a form for whoever is not signed in."""
    kept = cookie(request, DOOR_COOKIE)
    token = kept if len(kept) == 43 and kept.isascii() else new_token()
    response = await render(request, template, {"door": token, **context}, status=status)
    set_cookie(request, response, DOOR_COOKIE, token, _DOOR_LASTS)
    return response


def has_door_token(request: web.Request, form: Mapping[str, object]) -> bool:
    """Whether a form of the door carries the token that its page set."""
    sent, kept = form.get("csrf"), cookie(request, DOOR_COOKIE)
    return isinstance(sent, str) and bool(kept) and hmac.compare_digest(as_bytes(sent), as_bytes(kept))


def too_many(wait: timedelta) -> str:
    """Return what to say to whoever tried too often."""
    whole = timedelta(seconds=max(1, int(wait.total_seconds() + 0.999)))
    return _("Too many tries. Wait {span}, then try again.", span=words.span(whole))


def wait_for(response: web.StreamResponse, wait: timedelta) -> web.StreamResponse:
    """Say to programs too how long to wait."""
    response.headers["Retry-After"] = str(max(1, int(wait.total_seconds() + 0.999)))
    return response


def wrong_first_code() -> str:
    """Return what to say where a first code is wrong: mostly a clock, or an older picture."""
    return _("This code is wrong. Read the picture again, check that the telephone's clock is right, and try anew.")


async def _which_code(request: web.Request, staff: Staff, code: str) -> str | None:
    """Use a code up; return how somebody came in by it."""
    desk, now = desk_of(request), desk_of(request).clock.now()
    factor = await desk.factors.get(staff.id)
    if factor is None or factor.since is None:
        return None
    step, on_paper = step_of(factor.secret, code, now), hash_code(code)
    if step is not None and await desk.factors.let_in(staff.id, step):
        return "password and code"
    if on_paper is not None and await desk.factors.use_recovery(staff, on_paper, at=now):
        return "password and recovery code"
    return None


async def _failed(request: web.Request, staff: Staff | None, outcome: str) -> None:
    desk = desk_of(request)
    _sign_ins.labels(outcome).inc()
    log.warning("a sign-in failed", extra={"address": address_of(request), "outcome": outcome})
    await desk.audit.count_failure(staff.name if staff else _UNKNOWN, at=desk.clock.now())


async def _code(request: web.Request, half: Session, *, problem: str = "", status: int = 200) -> web.Response:
    path = local_path(request.query.get("next") or str((await form_of(request)).get("next", "")))
    context = {"half": half, "csrf": half.csrf, "next": path, "problem": problem}
    return await render(request, "code.html", context, status=status)


async def _setup(request: web.Request, half: Session, *, problem: str = "", status: int = 200) -> web.StreamResponse:
    desk = desk_of(request)
    factor = await desk.factors.get(half.staff.id)
    if factor is None:
        await desk.factors.propose(half.staff.id, new_secret())
        factor = await desk.factors.get(half.staff.id)
    if factor is None or factor.since is not None:
        return _start_over()
    path = local_path(request.query.get("next") or str((await form_of(request)).get("next", "")))
    context = {
        "setup": setup_of(factor.secret, half.staff.name, desk.config.brand),
        "proof": "",
        "action": SETUP_PAGE,
        "csrf": half.csrf,
        "next": path,
        "problem": problem,
        "is_door": True,
    }
    return await render(request, "second_factor.html", context, status=status)


def _start_over() -> web.Response:
    return web.Response(status=303, headers={"Location": "/sign-in"})
