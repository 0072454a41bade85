"""GET /me: one's own password, second factor, language and sessions.

Owns that page and its forms. Refuses to touch anybody else: every form acts on whoever is signed in.
"""

import asyncio
import hashlib
import hmac
from datetime import timedelta

from aiohttp import web

from dashboard.cookies import as_bytes
from dashboard.desk import desk_of, session_of
from dashboard.factors import Setup, hash_code, new_codes, new_secret, setup_of
from dashboard.forms import form_of
from dashboard.i18n import _
from dashboard.limits import of_own_password, of_second_factor
from dashboard.opening import keep_session, known_browser, renew_session
from dashboard.pages import refuse, render, see
from dashboard.passwords import WeakPassword, hash_password
from dashboard.present_people import factor_view, session_views
from dashboard.signin import PASSWORDS, confirm, too_many, wait_for
from store.sessions import Session

_SETUP = "/me/second-factor"
_SETUP_LASTS = timedelta(minutes=30)


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
    secret = new_secret()
    if not await desk.factors.propose(session.staff.id, secret):
        return see("/me", "unchanged")
    until = int((desk.clock.now() + _SETUP_LASTS).timestamp())
    setup = setup_of(secret, session.staff.name, desk.config.brand)
    return await _setup(request, f"{until}.{_seal(session, secret, until)}", setup=setup)


async def confirm_factor(request: web.Request) -> web.StreamResponse:
    """POST /me/second-factor/confirm: a first code shows that the telephone counts with us.

    Only where this session showed the password for this very secret, and lately; the secret is not shown again.
    """
    desk, form, session = desk_of(request), await form_of(request), session_of(request)
    proof = str(form.get("proof", ""))
    if not await _is_proof(request, proof):
        await desk.factors.drop(session.staff.id)
        problem = _("This setup was begun elsewhere, or too long ago. Begin it again.")
        return await _page(request, where="second-factor", problem=problem, status=409)
    limits = of_second_factor(session.staff.id, await known_browser(request, session.staff))
    wait = await desk.tries.take(limits, at=desk.clock.now())
    if wait:
        return wait_for(await _setup(request, proof, problem=too_many(wait), status=429), wait)
    codes = await confirm(request, session.staff, str(form.get("code", "")), keep=session.token_hash)
    if codes is None:
        return await _setup(request, proof, problem=_wrong_code(), status=422)
    await desk.tries.forgive(limits)
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


async def _setup(
    request: web.Request, proof: str, *, setup: Setup | None = None, problem: str = "", status: int = 200
) -> web.Response:
    """The page of a setup; after a wrong code without the secret, which takes the password to see."""
    context = {
        "setup": setup,
        "proof": proof,
        "action": f"{_SETUP}/confirm",
        "next": "/me",
        "problem": problem,
        "is_door": False,
    }
    return await render(request, "second_factor.html", context, status=status)


async def _is_proof(request: web.Request, proof: str) -> bool:
    """Whether this session began the setup that waits, and not too long ago."""
    desk, session = desk_of(request), session_of(request)
    factor = await desk.factors.get(session.staff.id)
    until, _dot, seal = proof.partition(".")
    if factor is None or factor.since is not None or not (until.isascii() and until.isdigit() and len(until) <= 12):
        return False
    if int(until) <= desk.clock.now().timestamp():
        return False
    return hmac.compare_digest(as_bytes(seal), as_bytes(_seal(session, factor.secret, int(until))))


def _seal(session: Session, secret: str, until: int) -> str:
    """Nobody can make it who was not shown the secret, and it is worth nothing in another session."""
    said = f"second factor {session.token_hash} {until}"
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def _wrong_code() -> str:
    return _("This code is wrong. Wait for the next one, and check that the telephone's clock is right.")


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
