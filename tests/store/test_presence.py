"""Who is still sending, told across machines by a lock that lives in a session of the database."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from store.database import Database, open_database
from store.owners import OwnerLock, OwnerState
from store.presence import Presence, _key_of

pytestmark = pytest.mark.postgres
ROOT = Path(__file__).parents[2]
SCRIPT = """
import asyncio, pathlib, sys
from store.database import Database, open_database
from store.owners import OwnerLock
from store.presence import Presence

async def main(url, folder):
    database = await open_database(url)
    async with Presence(OwnerLock(pathlib.Path(folder)), database) as presence:
        assert await presence.holds()
        print(presence.name, flush=True)
        while True:
            await presence.beat()
            await asyncio.sleep(0.2)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def url(fresh_postgres: Callable[[], AsyncIterator[str]]) -> AsyncIterator[str]:
    async for one in fresh_postgres():
        yield one


@asynccontextmanager
async def _presence(url: str, folder: Path) -> AsyncIterator[tuple[Presence, Database]]:
    database = await open_database(url)
    try:
        async with Presence(OwnerLock(folder), database) as presence:
            assert await presence.holds()
            yield presence, database
    finally:
        await database.close()


async def _until(ask: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await ask():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _process(url: str, folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Another process, and its name."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, url, str(folder), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _becomes(here: Presence, name: str, state: OwnerState) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        await here.beat()
        return await here.state(name) is state

    return ask


async def test_on_another_machine_who_lives_and_who_was_killed_are_told_apart(url: str, tmp_path: Path) -> None:
    async with _presence(url, tmp_path / "here") as (here, _), _process(url, tmp_path / "there") as (process, name):
        await _until(_becomes(here, name, OwnerState.ALIVE))
        process.kill()
        await process.wait()
        await _until(_becomes(here, name, OwnerState.GONE))


async def test_a_frozen_process_keeps_its_lock_and_without_it_nobody_can_tell(url: str, tmp_path: Path) -> None:
    """As when the network is cut, or the server starts anew, while a process stands still with a request in hand."""
    async with _presence(url, tmp_path / "here") as (here, db), _process(url, tmp_path / "there") as (process, name):
        await _until(_becomes(here, name, OwnerState.ALIVE))
        process.send_signal(signal.SIGSTOP)

        async def looks_frozen() -> bool:
            await here.beat()
            return not here._seen[_key_of(name)].is_running

        await _until(looks_frozen)
        assert await here.state(name) is OwnerState.ALIVE
        await _end_sessions(db)
        await _until(_becomes(here, name, OwnerState.ELSEWHERE))
        process.send_signal(signal.SIGCONT)
        await _until(_becomes(here, name, OwnerState.ALIVE))


async def test_who_left_in_order_is_gone_and_whom_we_never_saw_is_elsewhere(url: str, tmp_path: Path) -> None:
    async with _presence(url, tmp_path / "here") as (here, _):
        async with _presence(url, tmp_path / "there") as (there, _):
            await _until(_becomes(here, there.name, OwnerState.ALIVE))
        await _until(_becomes(here, there.name, OwnerState.GONE))
        async with _presence(url, tmp_path / "new") as (new, _):
            assert await new.state(there.name) is OwnerState.ELSEWHERE
            assert await new.state("a name that is none of ours") is OwnerState.ELSEWHERE


async def test_a_lost_session_is_noticed_and_taken_again(url: str, tmp_path: Path) -> None:
    async with _presence(url, tmp_path / "here") as (here, database):

        async def is_noticed() -> bool:
            return not await here.holds()

        await _end_sessions(database)
        await _until(is_noticed)

        async def is_back() -> bool:
            return await here.holds()

        await _until(is_back)


async def test_a_session_that_was_cut_off_and_still_stands_at_the_server_is_ended(url: str, tmp_path: Path) -> None:
    """As when the network was cut: we have a new connection, and the server still thinks of the old one as alive."""
    async with _presence(url, tmp_path / "here") as (here, database), _presence(url, tmp_path / "there") as (there, _):
        cut_off, here._session, here._held_at = here._session, None, None

        async def is_back() -> bool:
            return await here.holds()

        await _until(is_back)
        assert await there.state(here.name) is OwnerState.ALIVE
        assert await _locks(database) == 2
        assert cut_off is not None
        await cut_off.invalidate()
        await cut_off.close()


async def test_while_the_database_is_away_nobody_counts_as_a_sender(tmp_path: Path) -> None:
    database = Database(create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing"))
    async with Presence(OwnerLock(tmp_path), database) as presence:
        assert not await presence.holds()
    await database.close()


async def _end_sessions(database: Database) -> None:
    query = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    async with database.begin() as connection:
        await connection.execute(text(query))


async def _locks(database: Database) -> int:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
    async with database.read() as connection:
        count: int = (await connection.execute(text(query))).scalar_one()
        return count
