"""Who is at the desk: nobody past without a session, no form that is not ours, nothing without its right.

Owns that lock, which every request meets. Refuses to let anybody in: `signin`, `provider` and `invited` do. What a
session is stands in `store.sessions`.
"""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from core.rights import Right, may
from dashboard import i18n
from dashboard.cookies import SESSION_COOKIE, cookie, hashed
from dashboard.desk import SESSION, desk_of, session_of
from dashboard.forms import form_of, one_of
from dashboard.health import PATHS as HEALTH_PATHS
from dashboard.i18n import N_, _
from dashboard.marks import local_path
from dashboard.opening import check_token
from dashboard.pages import refuse
from store.lookers import Does
from store.sessions import Session

# The ways in, which ask no session: each checks by itself who comes. Health is for machines.
PUBLIC = frozenset(
    {
        "/sign-in",
        "/sign-in/code",
        "/sign-in/second-factor",
        "/sign-in/provider",
        "/sign-in/provider/back",
        *HEALTH_PATHS,
    }
)
# Addresses that are secrets themselves: an alert's, so that who is woken at night need not sign in; an invitation's.
BY_LINK = ("/alert/", "/join/")
# Asked for by scripts, which can do nothing with a sign-in page; and which ask by themselves, so no sign of a person.
_SCRIPTED = frozenset({"/live", "/lookers", "/held", "/inbox/cards", "/inbox/fresh"})
_LOOKING = r"/conversations/{id}/looking"
# A page says so where it fetches by itself what a person may ask for too. It takes away, and gives no right.
_BY = "X-Genlyd-By"
_TOUCH_EVERY = timedelta(minutes=1)
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


@web.middleware
async def greet(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Speak what the browser asks for, until `lock` knows whom we speak to: errors are said in it too."""
    with i18n.speaking(i18n.choose_language(request.headers.get("Accept-Language", ""))):
        return await handler(request)


@web.middleware
async def lock(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody past without a session, and no POST without its token from our own page."""
    if any("\x00" in part for part in (request.path, *request.query.values())):
        raise refuse(400, _("We could not read that"), _("The address holds a character that no page takes."))
    if request.method not in ("GET", "HEAD"):
        _check_origin(request)
    if request.path in PUBLIC or request.path.startswith(("/static/", *BY_LINK)):
        return await handler(request)
    session = await session_if_any(request)
    if session is None:
        return _to_the_door(request)
    request[SESSION] = session
    i18n.speak(session.staff.language or i18n.language())
    if request.method not in ("GET", "HEAD"):
        check_token(await form_of(request), session.csrf)
    _check_right(request, session)
    await _stay_awake(request, session)
    return await handler(request)


async def still_signed_in(request: web.Request) -> bool:
    """Whether the session of a long request lives on. Raises: StoreError."""
    return await session_if_any(request) is not None


async def session_if_any(request: web.Request) -> Session | None:
    """Return the open session of a browser that need not have one. Raises: StoreError."""
    desk = desk_of(request)
    return await desk.sessions.get(hashed(cookie(request, SESSION_COOKIE)), at=desk.clock.now())


async def choose_language(request: web.Request) -> web.StreamResponse:
    """POST /language: the desk speaks it to this person from now on."""
    desk, form = desk_of(request), await form_of(request)
    language = one_of(form, "language", i18n.LANGUAGES)
    await desk.people.set_language(session_of(request).staff.id, language, at=desk.clock.now())
    path = local_path(str(form.get("back", "/inbox"))).partition("?")[0]
    return web.Response(status=303, headers={"Location": path})


async def _stay_awake(request: web.Request, session: Session) -> None:
    """An open tab that fetches by itself is no person: only what somebody does keeps a session awake."""
    desk, now = desk_of(request), desk_of(request).clock.now()
    if session.seen_at is not None and now - session.seen_at < _TOUCH_EVERY:
        return
    if await _is_by_itself(request):
        return
    idle_until = now + timedelta(minutes=desk.config.dashboard.idle_minutes)
    await desk.sessions.touch(session, at=now, idle_until=min(idle_until, session.expires_at))


async def _is_by_itself(request: web.Request) -> bool:
    """Whether a page asks this and no person: what it hears, that it is open, the pane that it keeps true."""
    if _route_of(request) == _LOOKING:
        return (await form_of(request)).get("does") != Does.TYPING
    return request.path in _SCRIPTED or request.headers.get(_BY) == "itself"


def _to_the_door(request: web.Request) -> web.Response:
    if request.path in _SCRIPTED:
        return web.Response(status=401, text="signed out")
    path = quote(request.path_qs, safe="") if request.method == "GET" else ""
    return web.Response(status=303, headers={"Location": f"/sign-in?next={path}" if path else "/sign-in"})


def _check_right(request: web.Request, session: Session) -> None:
    """A route without a right of its own is nobody's: forgetting one shuts a door, and opens none."""
    right = request.app[RIGHTS].get((request.method if request.method != "HEAD" else "GET", _route_of(request)))
    if request.match_info.http_exception is not None:
        return  # there is no such page, which it says itself
    if right is None or not may(session.staff.role, right):
        raise refuse(403, _("This is not yours to do"), _("{right} Ask an administrator.", right=_(_NEEDS[right])))


def _route_of(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def _check_origin(request: web.Request) -> None:
    """A form comes from our own page.

    `Origin: null` passes to the token: our own Referrer-Policy makes browsers send it where they send
    no Sec-Fetch-Site, which is any plain-http address but localhost.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    ours = {request.host, urlsplit(desk_of(request).config.dashboard.url).netloc}
    is_foreign = origin not in (None, "null") and _host_of(origin or "") not in ours
    if site not in (None, "same-origin") or is_foreign:
        raise refuse(403, _("This came from another site"), _("Open the page here and try again."))


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
