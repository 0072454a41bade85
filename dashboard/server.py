"""The dashboard as a web application: routes, headers, health, and serving it.

Owns the wiring of the pages. Refuses to know what runs beside it: `readiness` tells.
"""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web

from core.clock import Clock
from core.config import Config
from dashboard import alerts, conversation, corrections, inbox, incidents, replies, sources
from dashboard.auth import lock, set_up_auth
from dashboard.desk import DESK, Desk, Readiness
from dashboard.health import add_health
from dashboard.live import Hub
from dashboard.pages import calm
from dashboard.patterns import patterns
from dashboard.stream import live
from dashboard.throttle import Throttle
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


def build_app(*, database: Database, bell: Bell, clock: Clock, config: Config, readiness: Readiness) -> web.Application:
    """Return the application. `serve()` runs it together with its live hub."""
    app = web.Application(middlewares=[calm, lock], client_max_size=_MOST_BYTES)
    app[DESK] = Desk(
        database=database,
        bell=bell,
        clock=clock,
        config=config,
        hub=Hub(Conversations(database), bell, clock),
        throttle=Throttle(),
    )
    _set_up_templates(app, config)
    set_up_auth(app)
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
    versions = {path.name: _version(path) for path in _STATIC.iterdir()}
    environment.globals["asset"] = lambda name: f"/static/{name}?v={versions[name]}"
    environment.globals["brand"] = config.brand


def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _add_routes(app: web.Application) -> None:
    app.add_routes(
        [
            web.get("/", _home),
            web.get("/inbox", inbox.inbox),
            web.get("/inbox/fragment", inbox.fragment),
            web.get(r"/conversations/{id:\d{1,15}}", conversation.conversation),
            web.post(r"/conversations/{id:\d{1,15}}/move", conversation.move),
            web.post(r"/conversations/{id:\d{1,15}}/answer", conversation.answer),
            web.post(r"/conversations/{id:\d{1,15}}/opt-out", conversation.opt_out),
            web.post(r"/conversations/{id:\d{1,15}}/correct", corrections.correct),
            web.post(r"/replies/{id:\d{1,15}}/approve", replies.approve),
            web.post(r"/replies/{id:\d{1,15}}/drop", replies.drop),
            web.post(r"/replies/{id:\d{1,15}}/redraft", replies.redraft),
            web.post(r"/replies/{id:\d{1,15}}/settle", replies.settle),
            web.get("/corrections", corrections.corrections),
            web.post(r"/corrections/{id:\d{1,15}}/undo", corrections.undo),
            web.post("/taught", corrections.teach),
            web.post(r"/taught/{id:\d{1,15}}/undo", corrections.undo_taught),
            web.get("/alerts", alerts.alerts),
            web.get(r"/alerts/{id:\d{1,15}}", alerts.alert),
            web.post(r"/alerts/{id:\d{1,15}}/take", alerts.take),
            web.get(r"/alert/{token:[A-Za-z0-9_-]{1,100}}", alerts.by_link),
            web.post(r"/alert/{token:[A-Za-z0-9_-]{1,100}}", alerts.take_by_link),
            web.get("/incidents", incidents.incidents),
            web.post(r"/incidents/{id:\d{1,15}}/take", incidents.take),
            web.post(r"/incidents/{id:\d{1,15}}/statement", incidents.approve),
            web.post(r"/incidents/{id:\d{1,15}}/reset", incidents.reset),
            web.get("/sources", sources.sources),
            web.post("/house", sources.pause_house),
            web.post("/accounts/{name}", sources.pause_account),
            web.post("/gaps/{id:[0-9]+}", sources.gap_seen),
            web.get("/live", live),
            web.get("/patterns", patterns),
            web.static("/static", _STATIC),
        ]
    )


async def _home(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/inbox"})


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    # A static address carries its content's hash, so it may be kept; a page may not.
    is_asset = request.path.startswith("/static/") and "v" in request.query and response.status == 200
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_asset else "no-store"


async def _close_hub(app: web.Application) -> None:
    app[DESK].hub.close()
