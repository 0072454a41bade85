"""Who is at the desk: signing in and out, sessions, and what a form must carry to be believed.

Owns the cookies, the CSRF tokens and the roles. Refuses to store anything: `store.people` does.
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import Counter

from core.rights import Right, may
from dashboard import i18n
from dashboard.desk import SESSION, Desk, desk_of, session_of
from dashboard.forms import form_of, one_of
from dashboard.health import PATHS as HEALTH_PATHS
from dashboard.i18n import N_, _
from dashboard.marks import local_path
from dashboard.pages import refuse, render
from dashboard.passwords import PasswordCheck
from store.people import Session, Staff

log = logging.getLogger(__name__)

SESSION_COOKIE = "genlyd_session"
DOOR_COOKIE = "genlyd_door"
LASTS = timedelta(hours=12)

_PUBLIC = frozenset({"/sign-in", *HEALTH_PATHS})
# An alert's own page: its address is the secret, and who is woken at night should not have to sign in.
_BY_LINK = "/alert/"
# Asked for by scripts, which can do nothing with a sign-in page.
_SCRIPTED = frozenset({"/live", "/inbox/cards", "/inbox/fresh"})
# What each route asks for, by method and path as `server` declares them.
RIGHTS = web.AppKey("rights", dict[tuple[str, str], Right])
_NEEDS: Mapping[Right | None, str] = {
    Right.READ: N_("You may not look at this."),
    Right.WORK: N_("You may read, but not work here."),
    Right.SEND: N_("Sending is for approvers."),
    Right.STEER: N_("Only a supervisor may do this."),
    Right.ADMIN: N_("Only an administrator may do this."),
    None: N_("Nobody may do this."),
}
_PASSWORDS = web.AppKey("passwords", PasswordCheck)

_sign_ins = Counter("genlyd_sign_ins_total", "Attempts to sign in", ["outcome"])


def set_up_auth(app: web.Application) -> None:
    """Add the doors and the lock. Called once by `build_app`."""
    app[_PASSWORDS] = PasswordCheck()
    app.router.add_get("/sign-in", sign_in_page)
    app.router.add_post("/sign-in", sign_in)
    app.router.add_post("/sign-out", sign_out)


@web.middleware
async def lock(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody past without a session, and no POST without its token from our own page."""
    if request.method == "POST":
        _check_origin(request)
    with i18n.speaking(i18n.choose_language(request.headers.get("Accept-Language", ""))):
        return await _let_in(request, handler)


async def _let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path in _PUBLIC or request.path.startswith(("/static/", _BY_LINK)):
        return await handler(request)
    session = await desk_of(request).people.session(_token_hash(request), at=desk_of(request).clock.now())
    if session is None:
        return _to_the_door(request)
    request[SESSION] = session
    if request.method == "POST":
        sent = (await form_of(request)).get("csrf")
        if not isinstance(sent, str) or not hmac.compare_digest(_bytes(sent), _bytes(session.csrf)):
            raise refuse(403, _("This form is out of date"), _("Go back, reload the page and try again."))
    with i18n.speaking(session.staff.language or i18n.language()):
        _check_right(request, session)
        return await handler(request)


async def still_signed_in(request: web.Request) -> bool:
    """Whether the session of a long request lives on. Raises: StoreError."""
    return await session_if_any(request) is not None


async def session_if_any(request: web.Request) -> Session | None:
    """Return the session of a browser that need not have one. Raises: StoreError."""
    desk = desk_of(request)
    return await desk.people.session(_token_hash(request), at=desk.clock.now())


async def sign_in_page(request: web.Request) -> web.Response:
    """GET /sign-in."""
    return await _door(request, name="", problem="")


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /sign-in: open a session, or say no in a way that tells nothing."""
    desk, form = desk_of(request), await form_of(request)
    if not _has_door_token(request, form):
        return await _door(request, name="", problem="The page was out of date. Please try again.", status=403)
    name, password = str(form.get("name", "")).strip()[:100], str(form.get("password", ""))
    address = request.remote or ""
    if not desk.throttle.try_now(name, address, at=desk.clock.now()):
        _sign_ins.labels("throttled").inc()
        problem = "Too many tries. Wait a minute, then try again."
        return await _door(request, name=name, problem=problem, status=429)
    staff = await desk.people.staff_named(name)
    if not await request.app[_PASSWORDS].is_right(staff.password_hash if staff else None, password) or staff is None:
        _sign_ins.labels("wrong").inc()
        log.warning("a sign-in failed", extra={"address": address})
        return await _door(request, name=name, problem="The name or the password is wrong.", status=401)
    desk.throttle.forget(name, address)
    _sign_ins.labels("right").inc()
    return await _open(desk, staff, local_path(str(form.get("next", ""))))


async def sign_out(request: web.Request) -> web.StreamResponse:
    """POST /sign-out: end this session."""
    await desk_of(request).people.close_session(_token_hash(request))
    response = web.Response(status=303, headers={"Location": "/sign-in"})
    response.del_cookie(SESSION_COOKIE)
    return response


async def choose_language(request: web.Request) -> web.StreamResponse:
    """POST /language: the desk speaks it to this person from now on."""
    desk, form = desk_of(request), await form_of(request)
    await desk.people.set_language(session_of(request).staff.id, one_of(form, "language", i18n.LANGUAGES))
    path = local_path(str(form.get("back", "/inbox"))).partition("?")[0]
    return web.Response(status=303, headers={"Location": path})


async def _open(desk: Desk, staff: Staff, path: str) -> web.Response:
    token, now = secrets.token_urlsafe(32), desk.clock.now()
    await desk.people.open_session(
        staff, token_hash=_hash(token), csrf=secrets.token_urlsafe(32), at=now, expires_at=now + LASTS
    )
    response = web.Response(status=303, headers={"Location": path})
    _set_cookie(response, desk, SESSION_COOKIE, token)
    response.del_cookie(DOOR_COOKIE)
    return response


async def _door(request: web.Request, *, name: str, problem: str, status: int = 200) -> web.Response:
    """The sign-in page. Its token is in the form and in a cookie; a stranger's page can set neither."""
    kept = request.cookies.get(DOOR_COOKIE, "")
    token = kept if kept and kept.isascii() else secrets.token_urlsafe(32)
    path = local_path(request.query.get("next") or str((await form_of(request)).get("next", "")))
    context = {"door": token, "next": path, "name": name, "problem": problem}
    response = await render(request, "signin.html", context, status=status)
    _set_cookie(response, desk_of(request), DOOR_COOKIE, token)
    return response


def _set_cookie(response: web.Response, desk: Desk, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=desk.config.dashboard.secure_cookies,
        path="/",
    )


def _has_door_token(request: web.Request, form: Mapping[str, object]) -> bool:
    sent, kept = form.get("csrf"), request.cookies.get(DOOR_COOKIE, "")
    return isinstance(sent, str) and bool(kept) and hmac.compare_digest(_bytes(sent), _bytes(kept))


def _to_the_door(request: web.Request) -> web.Response:
    if request.path in _SCRIPTED:
        return web.Response(status=401, text="signed out")
    path = quote(request.path_qs, safe="") if request.method == "GET" else ""
    return web.Response(status=303, headers={"Location": f"/sign-in?next={path}" if path else "/sign-in"})


def _check_right(request: web.Request, session: Session) -> None:
    """A route without a right of its own is nobody's: forgetting one shuts a door, and opens none."""
    right = request.app[RIGHTS].get((request.method if request.method != "HEAD" else "GET", _route_of(request)))
    if request.match_info.http_exception is not None or request.path == "/sign-out":
        return  # there is no such page, which it says itself; and everybody may leave
    if right is None or not may(session.staff.role, right):
        raise refuse(403, _("This is not yours to do"), _("{right} Ask an administrator.", right=_(_NEEDS[right])))


def _route_of(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def _check_origin(request: web.Request) -> None:
    """A POST comes from our own page.

    `Origin: null` passes to the token: our own Referrer-Policy makes browsers send it where they send
    no Sec-Fetch-Site, which is any plain-http address but localhost.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    ours = {request.host, urlsplit(desk_of(request).config.dashboard.url).netloc}
    is_foreign = origin not in (None, "null") and _host_of(origin or "") not in ours
    if site not in (None, "same-origin") or is_foreign:
        raise refuse(403, "This came from another site", "Open the page here and try again.")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _token_hash(request: web.Request) -> str:
    return _hash(request.cookies.get(SESSION_COOKIE, ""))


def _hash(token: str) -> str:
    return hashlib.sha256(_bytes(token)).hexdigest()


def _bytes(value: str) -> bytes:
    """Cookies and forms may hold bytes that are no text; they still have to be compared."""
    return value.encode("utf-8", errors="surrogateescape")
