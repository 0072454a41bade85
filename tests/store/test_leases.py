"""Leases: one holder at a time, a higher fence for each new one, and nothing written by an earlier one."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from core.clock import SystemClock
from core.errors import LeaseLost, StoreError
from store import postgres
from store.database import Database
from store.leases import Lease, Leases
from store.owners import OwnerLock
from store.posts import Posts
from store.sources import Sources
from tests.builders import NOW, a_mention, some_progress
from tests.store.conftest import ask_half
from tests.store.test_owners import ROOT, SCRIPT


def _process(database: Database, folder: Path, *, seconds: float = 60) -> Leases:
    """The leases of a process of its own, on a machine of its own."""
    return Leases(database, OwnerLock(folder), SystemClock(), seconds=seconds)


async def _taken(leases: Leases, name: str = "hear x-main") -> Lease:
    lease = await leases.take(name)
    assert lease is not None
    return lease


async def test_one_process_holds_a_lease_and_the_next_gets_it_with_a_higher_fence(
    database: Database, tmp_path: Path
) -> None:
    first, second = _process(database, tmp_path / "a"), _process(database, tmp_path / "b")
    held = await _taken(first)
    assert await second.take("hear x-main") is None
    assert (await _taken(second, "hear reddit-main")).fence == 1
    await first.give_up(held)
    taken = await _taken(second)
    assert (taken.fence, taken.is_inherited) == (held.fence + 1, False), "let go in order"
    assert not await first.renew(held)
    assert await second.renew(taken)


async def test_a_lease_that_nobody_renews_runs_out(database: Database, tmp_path: Path) -> None:
    first, second = _process(database, tmp_path / "a", seconds=0.2), _process(database, tmp_path / "b")
    held = await _taken(first)
    await asyncio.sleep(0.3)
    assert await first.renew(held), "as long as nobody else took it, its holder may go on"
    await asyncio.sleep(0.3)
    assert (await _taken(second)).is_inherited, "nobody said what it had met"
    assert not await first.renew(held)


async def test_of_many_that_want_a_free_lease_at_once_one_gets_it(database: Database, tmp_path: Path) -> None:
    processes = [_process(database, tmp_path / str(number)) for number in range(8)]
    got = await asyncio.gather(*(process.take("hear x-main") for process in processes))
    assert len([lease for lease in got if lease is not None]) == 1


async def test_an_earlier_holder_writes_nothing_and_the_cursor_never_goes_back(
    database: Database, tmp_path: Path
) -> None:
    first, second = _process(database, tmp_path / "a", seconds=0.1), _process(database, tmp_path / "b")
    posts, sources = Posts(database), Sources(database)
    old = await _taken(first)
    with first.fenced(old):
        await posts.save_batch([a_mention("1")], some_progress("c1"), at=NOW)
    await asyncio.sleep(0.2)
    new = await _taken(second)
    with second.fenced(new):
        await posts.save_batch([a_mention("2")], some_progress("c2"), at=NOW)
    with first.fenced(old):
        with pytest.raises(LeaseLost):
            await posts.save_batch([a_mention("3")], some_progress("c1"), at=NOW)
        with pytest.raises(LeaseLost):
            await sources.stumble("x-main", "mentions", "it broke", at=NOW, opens_gap=True)
    assert await posts.count_by_stage() == {"saved": 2}
    assert await sources.cursor("x-main", "mentions") == "c2"
    assert await sources.gaps(covered_since=NOW) == []


async def test_whoever_takes_over_waits_for_what_is_being_saved(database: Database, tmp_path: Path) -> None:
    """Else the old holder's batch could land after the new one had read where to resume."""
    first, second = _process(database, tmp_path / "a", seconds=0.1), _process(database, tmp_path / "b")
    old = await _taken(first)
    saving, saved = asyncio.Event(), asyncio.Event()

    async def save() -> None:
        with first.fenced(old):
            async with database.begin() as connection:
                saving.set()
                await asyncio.sleep(0.5)
                await connection.execute(text("UPDATE sources SET heard = heard"))
            saved.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(save())
        await saving.wait()
        await asyncio.sleep(0.2)
        await _taken(second)
        assert saved.is_set()


async def test_whoever_takes_over_does_not_wait_for_who_stands_still_while_saving(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL waits for ever for the second half of a question. On SQLite the one machine's lock files tell."""
    if database.is_sqlite:
        pytest.skip("SQLite asks in one piece")
    monkeypatch.setattr(postgres, "STUCK_SECONDS", 0.3)
    first, second = _process(database, tmp_path / "a", seconds=0.1), _process(database, tmp_path / "b")
    old = await _taken(first)

    async def save() -> None:
        with first.fenced(old):
            async with database.begin() as connection:
                await ask_half(connection)
                await asyncio.sleep(0.5)
                await asyncio.wait_for(_taken(second), 10)
                await connection.execute(text("UPDATE sources SET heard = heard"))

    with pytest.raises(StoreError):
        await save()
    assert not await first.renew(old)


async def test_the_lease_of_a_process_that_died_on_this_machine_is_free_at_once_and_a_frozen_ones_is_not(
    database: Database, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    theirs, ours = OwnerLock(tmp_path), _process(database, tmp_path)
    theirs.name = (await process.stdout.readline()).decode().strip()
    held = await _taken(Leases(database, theirs, SystemClock()))
    process.send_signal(signal.SIGSTOP)
    assert await ours.take("hear x-main") is None
    process.kill()
    await process.wait()
    taken = await _taken(ours)
    assert (taken.fence, taken.is_inherited) == (held.fence + 1, True)


async def test_a_restart_frees_what_its_dead_predecessor_held_before_the_lock_file_goes(
    database: Database, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    theirs, ours = OwnerLock(tmp_path), _process(database, tmp_path)
    theirs.name = (await process.stdout.readline()).decode().strip()
    await _taken(Leases(database, theirs, SystemClock()))
    elsewhere = _process(database, tmp_path / "elsewhere")
    held = await _taken(elsewhere, "hear reddit-main")
    assert await ours.free_the_dead() == 0
    process.kill()
    await process.wait()
    assert await ours.free_the_dead() == 1
    theirs.tidy(theirs.dead(), keep=())
    await _taken(ours)
    assert await elsewhere.renew(held), "who lives elsewhere keeps what it holds"


async def test_what_is_written_outside_a_lease_needs_none(database: Database, tmp_path: Path) -> None:
    leases = _process(database, tmp_path, seconds=0.05)
    with leases.fenced(await _taken(leases)):
        pass
    await asyncio.sleep(0.1)
    await _taken(_process(database, tmp_path / "b"))
    await Posts(database).save_batch([a_mention("1")], some_progress("c1"), at=NOW)
