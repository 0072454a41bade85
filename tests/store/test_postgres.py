"""Connections to PostgreSQL: the other side is missed when it is gone, and a frozen transaction holds up nobody."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import StoreError
from store import postgres as ours
from store import tables
from store.database import alone, open_database
from store.exports import export
from store.sources import Sources
from tests.builders import NOW
from tests.cable import Cable
from tests.store.conftest import ask_half

pytestmark = pytest.mark.postgres


async def take_no_answer(connection: AsyncConnection) -> None:
    """Ask for more than the socket holds, and read nothing of it for a while: the server waits to write."""
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None
    line = raw.driver_connection._transport
    much = text("SELECT repeat('x', 1000) FROM generate_series(1, :rows)")
    # Asked once before: then its first half is known, and the whole question goes out at once.
    await connection.execute(much, {"rows": 1})
    line.pause_reading()
    asyncio.get_running_loop().call_later(3, line.resume_reading)
    await connection.execute(much, {"rows": 50_000})


@pytest.fixture
async def cable(postgres: Callable[[str], str]) -> AsyncIterator[Cable]:
    path = Path(parse_qs(urlsplit(postgres("postgres")).query)["host"][0]) / ".s.PGSQL.5432"
    made = Cable(lambda: asyncio.open_unix_connection(str(path)))
    await made.mend()
    yield made
    await made.cut()


async def test_a_connection_watches_whether_the_other_side_is_still_there(cable: Cable, postgres_url: str) -> None:
    database = await open_database(f"postgresql://postgres@127.0.0.1:{cable.port}/genlyd")
    async with database.read() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        line = raw.driver_connection._transport.get_extra_info("socket")
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 25_000
        patience = await connection.execute(text("SHOW idle_in_transaction_session_timeout"))
        assert patience.scalar_one() == "15s"
    await database.close()


async def test_a_server_that_went_away_is_a_store_error_and_one_that_came_back_is_used(
    cable: Cable, postgres_url: str
) -> None:
    database = await open_database(f"postgresql://postgres@127.0.0.1:{cable.port}/genlyd")
    await cable.cut()
    with pytest.raises(StoreError):
        await database.check()
    await cable.mend()
    await database.check()
    await database.close()


async def test_a_transaction_that_is_frozen_ends_and_lets_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, create_postgres: Callable[[str], Awaitable[str]]
) -> None:
    url = await create_postgres("frozen")
    other = await open_database(url)
    monkeypatch.setattr(ours, "_FROZEN_SECONDS", 1)
    frozen = await open_database(url)
    await Sources(other).stumble("x-main", "stream", "it broke", at=NOW, opens_gap=False)

    async def freeze() -> None:
        async with frozen.begin() as connection:
            await connection.execute(text("UPDATE sources SET heard = 1"))
            async with asyncio.timeout(30):
                await Sources(other).stumble("x-main", "stream", "again", at=NOW, opens_gap=False)

    with pytest.raises(StoreError):
        await freeze()
    [source] = await Sources(other).all()
    assert (source.heard, source.problem) == (0, "again")
    assert [row async for row in export(frozen, "audit")] == []
    await frozen.close()
    await other.close()


async def test_a_transaction_whose_process_takes_no_answer_is_ended_by_another_process(
    monkeypatch: pytest.MonkeyPatch, create_postgres: Callable[[str], Awaitable[str]]
) -> None:
    url = await create_postgres("deaf")
    frozen, other = await open_database(url), await open_database(url)
    await Sources(other).stumble("x-main", "stream", "it broke", at=NOW, opens_gap=False)

    async def freeze() -> None:
        async with frozen.begin() as connection:
            await connection.execute(text("UPDATE sources SET heard = 1"))
            await take_no_answer(connection)

    frozen_still = asyncio.create_task(freeze())
    await asyncio.sleep(1)
    assert await other.end_stuck() == 0, "it may go on any moment"
    monkeypatch.setattr(ours, "STUCK_SECONDS", 0.3)
    assert await other.end_stuck() == 1
    await asyncio.wait_for(Sources(other).stumble("x-main", "stream", "again", at=NOW, opens_gap=False), 10)
    with pytest.raises(StoreError):
        await frozen_still
    [source] = await Sources(other).all()
    assert (source.heard, source.problem) == (0, "again")
    await frozen.close()
    await other.close()


@pytest.mark.parametrize("held", ["a row", "a table"])
async def test_a_transaction_that_froze_in_the_middle_of_a_question_is_ended_by_another_process(
    held: str, monkeypatch: pytest.MonkeyPatch, create_postgres: Callable[[str], Awaitable[str]]
) -> None:
    url = await create_postgres(f"stuck_{held[2:]}")
    frozen, other = await open_database(url), await open_database(url)
    await Sources(other).stumble("x-main", "stream", "it broke", at=NOW, opens_gap=False)

    async def freeze() -> None:
        async with frozen.begin() as connection:
            if held == "a table":
                await alone(connection, tables.sources)
            else:
                await connection.execute(text("UPDATE sources SET heard = 1"))
            await ask_half(connection)
            waits = asyncio.create_task(Sources(other).stumble("x-main", "stream", "again", at=NOW, opens_gap=False))
            await asyncio.sleep(0.5)
            assert await other.end_stuck() == 0, "it may go on any moment"
            assert not waits.done()
            monkeypatch.setattr(ours, "STUCK_SECONDS", 0.3)
            assert await other.end_stuck() == 1, "the one that others wait for, and no other"
            await asyncio.wait_for(waits, 10)

    async with frozen.read() as reading, frozen.begin() as idle:
        await ask_half(reading)
        await idle.execute(text("SELECT version_num FROM alembic_version FOR UPDATE"))
        with pytest.raises(StoreError):
            await freeze()
        await idle.execute(text("SELECT 1"))
    [source] = await Sources(other).all()
    assert (source.heard, source.problem) == (0, "again")
    await frozen.close()
    await other.close()
