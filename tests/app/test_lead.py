"""Leading: one works at a time; who is lost, cut off or frozen stops, and the next one begins."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.lead import lead
from core.clock import SystemClock
from core.errors import LeaseLost, StoreError
from store.database import Database, open_database
from store.leases import Lease, Leases
from store.owners import OwnerLock


class Cut(Leases):
    """Leases of a process that can be cut off from its database."""

    is_cut = False

    async def renew(self, lease: Lease) -> bool:
        if self.is_cut:
            await asyncio.sleep(60)
        return await super().renew(lease)

    async def take(self, name: str) -> Lease | None:
        if self.is_cut:
            raise StoreError("cut off")
        return await super().take(name)


class Room:
    """Work that notes who does it."""

    def __init__(self) -> None:
        self.working: list[str] = []
        self.seen = 0
        self.most = 0

    async def work(self, who: str) -> None:
        self.working.append(who)
        self.seen += 1
        self.most = max(self.most, len(self.working))
        try:
            await asyncio.sleep(60)
        finally:
            self.working.remove(who)

    async def until(self, who: list[str]) -> None:
        async with asyncio.timeout(20):
            while True:
                if self.working == who:
                    return
                await asyncio.sleep(0.02)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    yield opened
    await opened.close()


def _process(database: Database, folder: Path) -> Cut:
    return Cut(database, OwnerLock(folder), SystemClock(), seconds=1)


async def test_one_works_at_a_time_and_who_stops_in_order_is_followed_at_once(
    database: Database, tmp_path: Path
) -> None:
    room = Room()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(lead("w", lambda: room.work("a"), _process(database, tmp_path / "a")))
        await room.until(["a"])
        second = group.create_task(lead("w", lambda: room.work("b"), _process(database, tmp_path / "b")))
        await asyncio.sleep(1.5)
        assert room.working == ["a"], "a lease that is renewed is kept beyond its first end"
        first.cancel()
        await room.until(["b"])
        second.cancel()
    assert room.most == 1


async def test_who_is_cut_off_from_the_database_stops_before_the_next_one_begins(
    database: Database, tmp_path: Path
) -> None:
    room, cut = Room(), _process(database, tmp_path / "a")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(lead("w", lambda: room.work("a"), cut))
        await room.until(["a"])
        second = group.create_task(lead("w", lambda: room.work("b"), _process(database, tmp_path / "b")))
        cut.is_cut = True
        await room.until(["b"])
        cut.is_cut = False
        second.cancel()
        await room.until(["a"])
        first.cancel()
    assert (room.most, room.seen) == (1, 3)


async def test_work_that_finds_its_lease_lost_waits_for_it_again(database: Database, tmp_path: Path) -> None:
    tries = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise LeaseLost("somebody newer has it")
        done.set()
        await asyncio.sleep(60)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(lead("w", work, _process(database, tmp_path)))
        await asyncio.wait_for(done.wait(), 20)
        task.cancel()


async def test_work_that_fails_for_a_reason_of_our_own_is_not_tried_again(database: Database, tmp_path: Path) -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup):
        await lead("w", work, _process(database, tmp_path))
