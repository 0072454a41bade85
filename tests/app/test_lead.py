"""Leading: one works at a time; who is lost, cut off or frozen stops, and the next one begins."""

import asyncio
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from app.lead import CANNOT_LET_GO, lead
from core.clock import SystemClock
from core.errors import LeaseLost, StoreError
from store.database import Database, open_database
from store.leases import Lease, Leases
from store.owners import OwnerLock

ROOT = Path(__file__).parents[2]


class Cut(Leases):
    """Leases of a process that can be cut off from its database."""

    is_cut = False
    renewed = 0

    async def renew(self, lease: Lease) -> bool:
        if self.is_cut:
            await asyncio.sleep(60)
        self.renewed += 1
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
        self.inherited: list[bool] = []

    async def work(self, who: str, lease: Lease) -> None:
        self.working.append(who)
        self.inherited.append(lease.is_inherited)
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


def _process(database: Database, folder: Path, *, seconds: float = 2) -> Cut:
    return Cut(database, OwnerLock(folder), SystemClock(), seconds=seconds)


async def test_one_works_at_a_time_and_who_stops_in_order_is_followed_at_once(
    database: Database, tmp_path: Path
) -> None:
    # Longer than a busy machine stands still: a lease that runs out here is no order.
    keeps, waits = (_process(database, tmp_path / name, seconds=6) for name in ("a", "b"))
    room = Room()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(lead("w", partial(room.work, "a"), keeps))
        await room.until(["a"])
        second = group.create_task(lead("w", partial(room.work, "b"), waits))
        async with asyncio.timeout(60):
            while True:
                if keeps.renewed > 5:
                    break
                await asyncio.sleep(0.05)
        await room.until(["a"])
        first.cancel()
        await room.until(["b"])
        second.cancel()
    assert room.most == 1
    assert room.inherited == [False, False]


async def test_who_is_cut_off_from_the_database_stops_before_the_next_one_begins(
    database: Database, tmp_path: Path
) -> None:
    room, cut = Room(), _process(database, tmp_path / "a")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(lead("w", partial(room.work, "a"), cut))
        await room.until(["a"])
        second = group.create_task(lead("w", partial(room.work, "b"), _process(database, tmp_path / "b")))
        cut.is_cut = True
        await room.until(["b"])
        cut.is_cut = False
        second.cancel()
        await room.until(["a"])
        first.cancel()
    assert (room.most, room.seen) == (1, 3)
    assert room.inherited == [False, True, False], "only who came after the one that was cut off has its work to check"


async def test_work_that_finds_its_lease_lost_waits_for_it_again(database: Database, tmp_path: Path) -> None:
    tries = 0
    done = asyncio.Event()

    async def work(_lease: Lease) -> None:
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
    async def work(_lease: Lease) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup):
        await lead("w", work, _process(database, tmp_path))


STUBBORN = """
import asyncio, contextlib, sys
from pathlib import Path
from sqlalchemy import update
from app.lead import CANNOT_LET_GO, lead
from core.clock import SystemClock
from store import tables as t
from store.database import open_database
from store.leases import Lease, Leases
from store.owners import OwnerLock

async def work(_lease):
    async with database.begin() as connection:
        await connection.execute(update(t.leases).values(fence=99))
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

async def main():
    global database
    database = await open_database(sys.argv[1])
    with OwnerLock(Path(sys.argv[2])) as owner:
        leases = Leases(database, owner, SystemClock(), seconds=1)
        await lead("hear x-main", work, leases, let_go_seconds=0.5)

asyncio.run(main())
"""


async def test_work_that_does_not_stop_ends_its_process(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STUBBORN, f"sqlite:///{tmp_path}/genlyd.db", str(tmp_path), cwd=ROOT
    )
    async with asyncio.timeout(60):
        assert await process.wait() == CANNOT_LET_GO
