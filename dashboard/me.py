"""GET /me: one's own password, second factor, language and sessions.

Owns that page and its forms. Refuses to touch anybody else: every form acts on whoever is signed in.
"""

import asyncio
from datetime import timedelta

from aiohttp import web

from dashboard.desk import desk_of, session_of
from dashboard.factors import hash_code, new_codes, new_secret, setup_of
from dashboard.forms import form_of
from dashboard.i18n import _
from dashboard.limits import of_own_password
from dashboard.opening import keep_session, renew_session
from dashboard.pages import refuse, render, see
from dashboard.passwords import WeakPassword, hash_password
from dashboard.present_people import factor_view, session_views
from dashboard.signin import PASSWORDS, confirm, too_many, wrong_first_code

_SETUP = "/me/second-factor"


async def me(request: web.Request) -> web.Response:
    """GET /me."""
    return await _page(request)


async def set_password(request: web.Request) -> web.StreamResponse:
    """POST /me/password: the old one is asked, every other session ends, and this one goes on under a new cookie."""
    desk, form, session = desk_of(request), await form_of(request), session_of(request)
    problem = await _problem_with_password(request, str(form.get("old", "")))
    new = str(form.get("password", ""))
    if not problem and new != str(form.get("again", "")):
        problem = _("The two passwords differ.")
    if problem:
        return await _page(request, where="password", problem=problem, status=422)
    try:
        password_hash = await asyncio.to_thread(hash_password, new)
    except WeakPassword as err:
        return await _page(request, where="password", problem=err.said(), status=422)
    name, now = session.staff.name, desk.clock.now()
    await desk.people.set_password(name, password_hash, at=now, by=name, keep=session.token_hash)
    token, response = await renew_session(request), see("/me", "password-set")
    await keep_session(request, response, token)
    return response


async def begin_factor(request: web.Request) -> web.StreamResponse:
    """POST /me/second-factor: the password is asked, so that a stolen session cannot lock its owner out."""
    desk, form, session = desk_of(request), await form_of(request), session_of(request)
    problem = await _problem_with_password(request, str(form.get("old", "")))
    if problem:
        return await _page(request, where="second-factor", problem=problem, status=422)
    if not await desk.factors.propose(session.staff.id, new_secret()):
        return see("/me", "unchanged")
    return await _setup(request)


async def confirm_factor(request: web.Request) -> web.StreamResponse:
    """POST /me/second-factor/confirm: a first code shows that the telephone counts with us."""
    form, session = await form_of(request), session_of(request)
    codes = await confirm(request, session.staff, str(form.get("code", "")), keep=session.token_hash)
    if codes is None:
        return await _setup(request, problem=wrong_first_code(), status=422)
    return await _show_codes(request, codes)


async def renew_codes(request: web.Request) -> web.StreamResponse:
    """POST /me/second-factor/codes: ten new ones; the old ones work no longer."""
    desk, form, session = desk_of(request), await form_of(request), session_of(request)
    problem = await _problem_with_password(request, str(form.get("old", "")))
    if problem or session.staff.second_factor_since is None:
        return await _page(request, where="second-factor", problem=problem, status=422)
    codes = new_codes()
    hashes = [found for found in map(hash_code, codes) if found is not None]
    await desk.factors.renew_codes(session.staff, hashes, at=desk.clock.now())
    return await _show_codes(request, codes)


async def remove_factor(request: web.Request) -> web.StreamResponse:
    """POST /me/second-factor/remove. Where the house asks for one, the next sign-in sets a new one up."""
    desk, form, session = desk_of(request), await form_of(request), session_of(request)
    problem = await _problem_with_password(request, str(form.get("old", "")))
    if problem:
        return await _page(request, where="second-factor", problem=problem, status=422)
    is_needed = session.staff.role in desk.config.dashboard.second_factor
    keep = "" if is_needed else session.token_hash
    await desk.factors.remove(session.staff, by=session.staff.name, at=desk.clock.now(), keep=keep)
    if is_needed:
        return web.Response(status=303, headers={"Location": "/sign-in"})
    token, response = await renew_session(request), see("/me", "own-factor-removed")
    await keep_session(request, response, token)
    return response


async def end_sessions(request: web.Request) -> web.Response:
    """POST /me/sessions: end one of one's own, or all but this one."""
    desk, form, session = desk_of(request), await form_of(request), session_of(request)
    now, name = desk.clock.now(), session.staff.name
    wanted = str(form.get("session", ""))
    if wanted == "others":
        done = await desk.sessions.close_all(session.staff, by=name, at=now, keep=session.token_hash)
        return see("/me", "others-ended" if done else "unchanged")
    # Looked for among one's own only: what belongs to somebody else is not there.
    found = [one for one in await desk.sessions.of(session.staff.id, at=now) if one.label == wanted]
    for one in found:
        await desk.sessions.close(one, by=name, at=now)
    return see("/me", "session-ended" if found else "unchanged")


async def _problem_with_password(request: web.Request, password: str) -> str:
    """Return why the password shown is not enough, "" where it is right."""
    desk, staff = desk_of(request), session_of(request).staff
    if not staff.password_hash:
        raise refuse(403, _("You have no password here"), _("You sign in through your provider, which sees to both."))
    limits = of_own_password(staff.id)
    wait: timedelta = await desk.tries.take(limits, at=desk.clock.now())
    if wait:
        return too_many(wait)
    if not await request.app[PASSWORDS].is_right(staff.password_hash, password):
        return _("Your password is wrong.")
    await desk.tries.forgive(limits)
    return ""


async def _show_codes(request: web.Request, codes: tuple[str, ...]) -> web.Response:
    token = await renew_session(request)
    response = await render(request, "codes.html", {"codes": codes, "on": "/me", "is_door": False})
    await keep_session(request, response, token)
    return response


async def _setup(request: web.Request, *, problem: str = "", status: int = 200) -> web.Response:
    desk, session = desk_of(request), session_of(request)
    factor = await desk.factors.get(session.staff.id)
    if factor is None or factor.since is not None:
        return see("/me", "unchanged")
    context = {
        "setup": setup_of(factor.secret, session.staff.name, desk.config.brand),
        "action": f"{_SETUP}/confirm",
        "next": "/me",
        "problem": problem,
        "is_door": False,
    }
    return await render(request, "second_factor.html", context, status=status)


async def _page(request: web.Request, *, where: str = "", problem: str = "", status: int = 200) -> web.Response:
    desk, session = desk_of(request), session_of(request)
    now = desk.clock.now()
    staff = await desk.people.get(session.staff.id) or session.staff
    context = {
        "factor": factor_view(
            await desk.factors.get(staff.id),
            is_needed=staff.role in desk.config.dashboard.second_factor,
            has_password=bool(staff.password_hash),
            now=now,
        ),
        "has_password": bool(staff.password_hash),
        "sessions": session_views(await desk.sessions.of(staff.id, at=now), this=session.label, now=now),
        "where": where,
        "problem": problem,
    }
    return await render(request, "me.html", context, status=status)
