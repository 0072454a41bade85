"""A desk to measure: the real application on a port, over a database that is there, with somebody signed in.

`python -m benchmarks.desk.house DATABASE-URL`, a process of its own so that its CPU is its own. Prints one line of JSON
(address, cookie, Redis) and serves until its input ends.
"""

import asyncio
import contextlib
import hashlib
import json
import secrets
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from benchmarks.desk.data import ACCOUNTS
from core.clock import SystemClock
from core.config import Config, DashboardConfig
from core.errors import Conflict
from core.rights import Role
from dashboard.auth import SESSION_COOKIE
from dashboard.server import build_app, serve
from store.bell import Bell
from store.database import Database, open_database
from store.embedded import EmbeddedValkey
from store.people import People

_NAME = "Lars"


async def _ready() -> dict[str, str]:
    return {}


async def sign_in(database: Database) -> str:
    """Open a session and return its cookie; a benchmark of the desk is none of passwords."""
    people, now, token = People(database), SystemClock().now(), secrets.token_urlsafe(32)
    with contextlib.suppress(Conflict):
        await people.add_staff(_NAME, "no password opens this", Role.SUPERVISOR, at=now, by="benchmark")
    staff = await people.staff_named(_NAME)
    assert staff is not None
    token_hash = hashlib.sha256(token.encode()).hexdigest()
    csrf = secrets.token_urlsafe(32)
    await people.open_session(staff, token_hash=token_hash, csrf=csrf, at=now, expires_at=now + timedelta(hours=12))
    return token


async def _main(url: str) -> None:
    database, clock = await open_database(url), SystemClock()
    with tempfile.TemporaryDirectory(prefix="gv") as folder:
        valkey = EmbeddedValkey(Path(folder))
        await valkey.start()
        bell = Bell.open(valkey.url, consumer="desk")
        config = Config(brand="Hav", accounts=ACCOUNTS, dashboard=DashboardConfig(secure_cookies=False))
        app = build_app(database=database, bell=bell, clock=clock, config=config, readiness=_ready)
        token = await sign_in(database)

        def tell(address: str) -> None:
            cookies = {SESSION_COOKIE: token}
            sys.stdout.write(json.dumps({"url": address, "cookies": cookies, "redis": valkey.url}) + "\n")
            sys.stdout.flush()

        serving = asyncio.create_task(serve(app, "127.0.0.1", 0, on_listening=tell))
        ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        await bell.close()
        await valkey.stop()
    await database.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
