"""The dashboard as a web application: routes, headers, health, and serving it.

Owns the wiring of the pages. Refuses to know what runs beside it: `readiness` tells.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from core import report, rulebook
from core.clock import Clock
from core.config import Config
from core.rights import Right
from dashboard import (
    alerts,
    audit,
    beside,
    bulk,
    conversation,
    corrections,
    handing,
    i18n,
    inbox,
    incidents,
    invited,
    me,
    people,
    provider,
    replies,
    reports,
    rulebooks,
    saved,
    signin,
    sources,
    together,
)
from dashboard.auth import RIGHTS, choose_language, greet, lock
from dashboard.books import Books
from dashboard.desk import DESK, Desk, Readiness
from dashboard.health import add_health
from dashboard.live import Hub
from dashboard.pages import calm
from dashboard.passwords import PasswordCheck
from dashboard.patterns import patterns
from dashboard.stream import live
from store.bell import Bell
from store.conversations import Conversations
from store.database import Database

_HERE = Path(__file__).parent
_STATIC = _HERE / "static"
# A form carries a text and a token, nothing larger.
_MOST_BYTES = 256 * 1024
# Open streams end by themselves when the hub closes; this is for a stuck client.
_SHUTDOWN_SECONDS = 3.0

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One route."""

    method: str
    path: str
    handler: Handler
    right: Right


def build_app(
    *,
    database: Database,
    bell: Bell,
    clock: Clock,
    config: Config,
    readiness: Readiness,
    books: Books | None = None,
) -> web.Application:
    """Return the application. `serve()` runs it together with its live hub. `books` reads and tries rulebooks."""
    app = web.Application(middlewares=[greet, calm, lock], client_max_size=_MOST_BYTES)
    app[DESK] = Desk(
        database=database,
        bell=bell,
        clock=clock,
        config=config,
        hub=Hub(Conversations(database), bell, clock),
        books=books,
    )
    _set_up_templates(app, config)
    app[signin.PASSWORDS] = PasswordCheck()
    _add_routes(app)
    add_health(app, readiness)
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(_close_hub)
    return app


async def serve(
    app: web.Application, host: str, port: int, *, on_listening: Callable[[str], None] | None = None
) -> None:
    """Serve until cancelled, then end open streams and let requests finish.

    `on_listening` gets the address in use, which tells the port where `port` is 0. A failure of the live
    hub ends the serving: bad state of our own always does.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        if on_listening is not None:
            on_listening(f"http://{host}:{runner.addresses[0][1]}")
        await app[DESK].hub.run()
    finally:
        await asyncio.shield(runner.cleanup())


def _set_up_templates(app: web.Application, config: Config) -> None:
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    files = (path for path in _STATIC.rglob("*") if path.is_file())
    versions = {path.relative_to(_STATIC).as_posix(): _version(path) for path in files}
    environment.globals["asset"] = lambda name: f"/static/{name}?v={versions[name]}"
    environment.globals["_"] = i18n._
    environment.globals["ngettext"] = i18n.ngettext
    environment.globals["pgettext"] = i18n.pgettext
    environment.globals["number"] = i18n.number
    environment.globals["brand"] = config.brand


def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def page(method: str, path: str, handler: Handler, right: Right) -> Page:
    """Declare a page or a form, and what one must be allowed to use it."""
    return Page(method=method, path=path, handler=handler, right=right)


def _add_routes(app: web.Application) -> None:
    app[RIGHTS] = {}
    for one in PAGES:
        add = app.router.add_get if one.method == "GET" else app.router.add_post
        route = add(one.path, one.handler)
        if route.resource is not None:
            app[RIGHTS][one.method, route.resource.canonical] = one.right
    for method, path, handler in DOORS:
        add = app.router.add_get if method == "GET" else app.router.add_post
        add(path, handler)
    app.router.add_static("/static", _STATIC)


async def _home(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/inbox"})


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    # Which versions we run on is nobody's business.
    response.headers.pop("Server", None)
    if request.config_dict[DESK].config.dashboard.secure_cookies:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    # A static address carries its content's hash, so it may be kept; a page may not.
    is_asset = request.path.startswith("/static/") and "v" in request.query and response.status == 200
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_asset else "no-store"


async def _close_hub(app: web.Application) -> None:
    app[DESK].hub.close()


PAGES = (
    page("GET", "/", _home, Right.READ),
    page("GET", "/inbox", inbox.inbox, Right.READ),
    page("GET", "/inbox/cards", inbox.cards, Right.READ),
    page("GET", "/inbox/fresh", inbox.fresh, Right.READ),
    page("POST", "/inbox/bulk", bulk.bulk, Right.WORK),
    page("POST", "/inbox/undo", bulk.undo, Right.WORK),
    page("POST", "/filters", saved.save, Right.READ),
    page("POST", r"/filters/{id:\d{1,15}}/delete", saved.delete, Right.READ),
    page("GET", r"/conversations/{id:\d{1,15}}", conversation.conversation, Right.READ),
    page("POST", r"/conversations/{id:\d{1,15}}/move", conversation.move, Right.WORK),
    page("POST", r"/conversations/{id:\d{1,15}}/answer", conversation.answer, Right.SEND),
    page("POST", r"/conversations/{id:\d{1,15}}/suggest", conversation.suggest, Right.WORK),
    page("POST", r"/conversations/{id:\d{1,15}}/assign", conversation.assign, Right.WORK),
    page("POST", r"/conversations/{id:\d{1,15}}/snooze", conversation.snooze, Right.WORK),
    page("POST", r"/conversations/{id:\d{1,15}}/notes", beside.note, Right.WORK),
    page("POST", r"/conversations/{id:\d{1,15}}/tags", beside.tag, Right.WORK),
    page("POST", r"/conversations/{id:\d{1,15}}/promises", beside.promise, Right.WORK),
    page(
        "POST",
        r"/conversations/{id:\d{1,15}}/promises/{promise:\d{1,15}}",
        beside.end_promise,
        Right.WORK,
    ),
    page("POST", r"/conversations/{id:\d{1,15}}/skip", handing.skip, Right.WORK),
    page("POST", r"/conversations/{id:\d{1,15}}/looking", together.looking, Right.READ),
    page("GET", "/lookers", together.lookers, Right.READ),
    page("GET", "/held", together.held, Right.READ),
    page("POST", "/next", handing.next_one, Right.WORK),
    page("GET", "/for-you", handing.for_you, Right.READ),
    page("POST", r"/staff/{id:\d{1,15}}/skills", handing.set_skills, Right.WORK),
    page("POST", r"/conversations/{id:\d{1,15}}/opt-out", conversation.opt_out, Right.WORK),
    page("POST", r"/conversations/{id:\d{1,15}}/correct", corrections.correct, Right.WORK),
    page("POST", r"/replies/{id:\d{1,15}}/approve", replies.approve, Right.SEND),
    page("POST", r"/replies/{id:\d{1,15}}/revise", replies.revise, Right.WORK),
    page("POST", r"/replies/{id:\d{1,15}}/reject", replies.reject, Right.SEND),
    page("POST", r"/replies/{id:\d{1,15}}/drop", replies.drop, Right.SEND),
    page("POST", r"/replies/{id:\d{1,15}}/redraft", replies.redraft, Right.SEND),
    page("POST", r"/replies/{id:\d{1,15}}/settle", replies.settle, Right.SEND),
    page("GET", "/corrections", corrections.corrections, Right.READ),
    page("POST", r"/corrections/{id:\d{1,15}}/undo", corrections.undo, Right.WORK),
    page("POST", "/taught", corrections.teach, Right.WORK),
    page("POST", r"/taught/{id:\d{1,15}}/undo", corrections.undo_taught, Right.WORK),
    page("GET", "/alerts", alerts.alerts, Right.READ),
    page("GET", r"/alerts/{id:\d{1,15}}", alerts.alert, Right.READ),
    page("POST", r"/alerts/{id:\d{1,15}}/take", alerts.take, Right.WORK),
    page("GET", "/incidents", incidents.incidents, Right.READ),
    page("POST", r"/incidents/{id:\d{1,15}}/take", incidents.take, Right.WORK),
    page("POST", r"/incidents/{id:\d{1,15}}/statement", incidents.approve, Right.SEND),
    page("POST", r"/incidents/{id:\d{1,15}}/reset", incidents.reset, Right.STEER),
    page("GET", "/sources", sources.sources, Right.READ),
    page("POST", "/house", sources.pause_house, Right.STEER),
    page("POST", "/accounts/{name}", sources.pause_account, Right.STEER),
    page("POST", r"/gaps/{id:\d{1,15}}", sources.gap_seen, Right.STEER),
    *(
        one
        for kind in rulebook.Kind
        for one in (
            page("GET", f"/{kind}", rulebooks.show, Right.READ),
            page("POST", f"/{kind}/try", rulebooks.try_out, Right.READ),
            page("POST", f"/{kind}/live", rulebooks.put_live, Right.STEER),
            page("POST", f"/{kind}/return", rulebooks.take_up, Right.STEER),
            *(page("GET", f"/{kind}/{form}", rulebooks.to_page, Right.READ) for form in ("try", "live", "return")),
        )
    ),
    page("GET", "/reports", reports.reports, Right.READ),
    page("GET", r"/reports/table/{key:[a-z-]{1,40}}.csv", reports.table, Right.READ),
    page("GET", rf"/reports/{{kind:{'|'.join(report.Kind)}}}", reports.listing, Right.READ),
    page("GET", rf"/reports/{{kind:{'|'.join(report.Kind)}}}.csv", reports.listing_file, Right.READ),
    page("GET", "/live", live, Right.READ),
    page("GET", "/patterns", patterns, Right.READ),
    page("POST", "/language", choose_language, Right.READ),
    page("POST", "/sign-out", signin.sign_out, Right.READ),
    page("GET", "/me", me.me, Right.READ),
    page("POST", "/me/password", me.set_password, Right.READ),
    page("POST", "/me/second-factor", me.begin_factor, Right.READ),
    page("POST", "/me/second-factor/confirm", me.confirm_factor, Right.READ),
    page("POST", "/me/second-factor/codes", me.renew_codes, Right.READ),
    page("POST", "/me/second-factor/remove", me.remove_factor, Right.READ),
    page("POST", "/me/sessions", me.end_sessions, Right.READ),
    page("GET", "/people", people.people, Right.ADMIN),
    page("POST", "/people", people.invite, Right.ADMIN),
    page("POST", r"/people/{id:\d{1,15}}/link", people.make_link, Right.ADMIN),
    page("POST", r"/people/{id:\d{1,15}}/withdraw", people.withdraw, Right.ADMIN),
    page("POST", r"/people/{id:\d{1,15}}/role", people.set_role, Right.ADMIN),
    page("POST", r"/people/{id:\d{1,15}}/state", people.set_state, Right.ADMIN),
    page("POST", r"/people/{id:\d{1,15}}/second-factor", people.remove_factor, Right.ADMIN),
    page("POST", r"/people/{id:\d{1,15}}/sessions", people.end_sessions, Right.ADMIN),
    page("GET", "/audit", audit.audit, Right.ADMIN),
    page("GET", "/audit.csv", audit.audit_file, Right.ADMIN),
)

_LINK = r"{token:[A-Za-z0-9_-]{1,100}}"
# The ways in, without a session: each handler checks by itself who comes. `auth` lets nothing else past.
DOORS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/sign-in", signin.sign_in_page),
    ("POST", "/sign-in", signin.sign_in),
    ("GET", "/sign-in/code", signin.code_page),
    ("POST", "/sign-in/code", signin.enter_code),
    ("GET", "/sign-in/second-factor", signin.setup_page),
    ("POST", "/sign-in/second-factor", signin.confirm_setup),
    ("GET", "/sign-in/provider", provider.way_out),
    ("GET", "/sign-in/provider/back", provider.way_back),
    ("GET", f"/join/{_LINK}", invited.join_page),
    ("POST", f"/join/{_LINK}", invited.join),
    # Whoever holds an alert's link need not sign in.
    ("GET", f"/alert/{_LINK}", alerts.by_link),
    ("POST", f"/alert/{_LINK}", alerts.take_by_link),
)
