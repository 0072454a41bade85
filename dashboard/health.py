"""Whether this process lives, can work, and what it counts: three addresses for machines, without a sign-in.

Owns these answers, also for a process that serves no pages. Refuses to know what being ready means: `readiness` tells.
"""

import asyncio
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core.errors import StoreError
from dashboard.desk import Readiness

READINESS: web.AppKey[Readiness] = web.AppKey("readiness")
PATHS = ("/healthz", "/readyz", "/metrics")
# Whoever asks waits no longer than this: a database that hangs is one that does not answer.
_READY_SECONDS = 5.0


def build_health(readiness: Readiness) -> web.Application:
    """Return the application of a process that serves no pages."""
    app = web.Application()
    add_health(app, readiness)
    return app


def add_health(app: web.Application, readiness: Readiness) -> None:
    """Add the three addresses to an application."""
    app[READINESS] = readiness
    app.add_routes([web.get("/healthz", _healthz), web.get("/readyz", _readyz), web.get("/metrics", _metrics)])


async def serve_health(
    app: web.Application, host: str, port: int, *, on_listening: Callable[[str], None] | None = None
) -> None:
    """Serve until cancelled. `on_listening` gets the address in use."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        if on_listening is not None:
            on_listening(f"http://{host}:{runner.addresses[0][1]}")
        await asyncio.Event().wait()
    finally:
        await asyncio.shield(runner.cleanup())


async def _healthz(_request: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _readyz(request: web.Request) -> web.Response:
    try:
        async with asyncio.timeout(_READY_SECONDS):
            problems = await request.app[READINESS]()
    except StoreError as err:
        problems = {"database": str(err)}
    except TimeoutError:
        problems = {"database": f"no answer within {_READY_SECONDS:g} seconds, of the database or of Redis"}
    return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
