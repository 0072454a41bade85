"""A sender is frozen longer than its lease while another process works, and then goes on: one reply at most.

A lease cannot stop who is frozen, and no platform checks a fence. On one machine the operating system's lock tells
the frozen from the dead; between machines the session of PostgreSQL does, and where that is lost a person decides.
SQLite is one machine's: its journal lies in shared memory, so no second machine can open it.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.reply import ReplyState
from responder.outbox import Timing
from store.database import open_database
from store.presence import _FRESH_SECONDS
from tests.attacker import Victim
from tests.conftest import Emulated
from tests.journeys.conftest import staged
from tests.scene import IS_FULL, TWICE, Scene, eventually
from tests.store.conftest import administer

BRIEF = Timing(send=timedelta(seconds=0.8), lease=timedelta(seconds=2), settle=timedelta(seconds=0.3))
# Past the lease, and past both looks.
OVER_SECONDS = 3.5

_numbers = itertools.count(1)


@pytest.fixture
async def two_machines(
    postgres: Callable[[str], str], lasting_reddit: Emulated, tmp_path: Path
) -> AsyncIterator[Scene]:
    """One PostgreSQL; each process is given a data folder of its own, as on machines that share nothing."""
    name = f"frozen_{next(_numbers)}"
    await administer(postgres("postgres"), f"CREATE DATABASE {name}")
    await (await open_database(postgres(name))).close()
    async for made in staged(postgres(name), lasting_reddit, tmp_path):
        yield made


def elsewhere(scene: Scene, fail_at: str = "") -> Victim:
    """Start a sender on another machine."""
    return scene.start(fail_at=fail_at, timing=BRIEF, folder=scene.folder.with_name("another"))


def here(scene: Scene, fail_at: str = "", variant: str = "") -> Victim:
    return scene.start(fail_at=fail_at, timing=BRIEF, variant=variant)


@pytest.mark.parametrize("point", ["R2", "R3", "R5"])
async def test_on_one_machine_a_frozen_sender_is_waited_for(scene: Scene, point: str) -> None:
    target = await scene.due()
    frozen = here(scene, f"{point}:stop")
    await frozen.froze()
    here(scene)
    await asyncio.sleep(OVER_SECONDS)
    assert (await scene.reply()).state is ReplyState.SENDING, "the other one leaves it alone"
    frozen.send(signal.SIGCONT)
    await eventually(scene.rests)
    assert await scene.broken(target) == []
    assert (await scene.reply()).state is ReplyState.SENT


@pytest.mark.parametrize("does", ["hang_after", "slow"])
async def test_frozen_while_the_platform_takes_its_time_there_is_one_reply(scene: Scene, does: str) -> None:
    """R4, from outside: frozen with the request on its way, which the platform stores at once or later."""
    await scene.emulated.faults({"on": scene.posting, "do": does, "seconds": 1})
    target = await scene.due()
    frozen = here(scene)

    async def has_arrived() -> bool:
        return all(fault["fired"] for fault in await scene.emulated.fired())

    await eventually(has_arrived)
    frozen.send(signal.SIGSTOP)
    here(scene)
    await asyncio.sleep(OVER_SECONDS)
    frozen.send(signal.SIGCONT)
    await eventually(scene.rests)
    assert await scene.broken(target) == []


async def test_without_the_lock_a_lease_alone_lets_a_second_reply_through(scene_on_reddit: Scene) -> None:
    """The negative control: what the lock is for."""
    scene = scene_on_reddit
    target = await scene.due()
    frozen = here(scene, "R3:stop", "lease without lock")
    await frozen.froze()
    here(scene, variant="lease without lock")
    await eventually(scene.rests)
    frozen.send(signal.SIGCONT)

    async def are_two() -> bool:
        return await scene.broken(target) == [TWICE]

    await eventually(are_two)


@pytest.mark.postgres
@pytest.mark.parametrize("point", ["R2", "R3", "R5"] if IS_FULL else ["R3"])
async def test_on_another_machine_a_frozen_sender_is_waited_for(two_machines: Scene, point: str) -> None:
    target = await two_machines.due()
    frozen = elsewhere(two_machines, f"{point}:stop")
    await frozen.froze()
    here(two_machines)
    await asyncio.sleep(OVER_SECONDS)
    assert (await two_machines.reply()).state is ReplyState.SENDING, "the other one leaves it alone"
    frozen.send(signal.SIGCONT)
    await eventually(two_machines.rests)
    assert await two_machines.broken(target) == []
    assert (await two_machines.reply()).state is ReplyState.SENT


@pytest.mark.postgres
async def test_who_is_killed_on_another_machine_is_looked_for_and_its_reply_sent(two_machines: Scene) -> None:
    here(two_machines, variant="never first")
    killed = elsewhere(two_machines, "R3:kill")
    await eventually(_has_seen_another(two_machines))
    target = await two_machines.due()
    assert await killed.died() == -signal.SIGKILL
    await eventually(two_machines.rests)
    assert await two_machines.broken(target) == []
    assert (await two_machines.reply()).state is ReplyState.SENT


@pytest.mark.postgres
async def test_frozen_and_cut_off_from_the_database_its_reply_waits_for_a_person(two_machines: Scene) -> None:
    """Nobody can tell it from a dead one. Sent again by us it would stand twice: it does go out once it wakes."""
    target = await two_machines.due()
    frozen = elsewhere(two_machines, "R3:stop")
    await frozen.froze()
    await asyncio.sleep(_FRESH_SECONDS + 1)
    here(two_machines)
    await eventually(_has_seen_another(two_machines))
    await administer(two_machines.url, _END_SESSIONS)
    await eventually(two_machines.rests)
    reply = await two_machines.reply()
    assert (reply.state, reply.not_before) == (ReplyState.UNKNOWN, None)
    assert await two_machines.emulated.replies_to(target) == []
    frozen.send(signal.SIGCONT)

    async def is_there() -> bool:
        return bool(await two_machines.emulated.replies_to(target))

    await eventually(is_there)
    assert await two_machines.broken(target) == []

    async def is_known() -> bool:
        return (await two_machines.reply()).state is ReplyState.SENT

    await eventually(is_known)


@pytest.mark.postgres
async def test_on_two_machines_without_the_lock_a_second_reply_gets_through(two_machines: Scene) -> None:
    """The negative control of the session lock."""
    target = await two_machines.due()
    frozen = elsewhere(two_machines, "R3:stop")
    await frozen.froze()
    here(two_machines, variant="lease without lock")
    await eventually(two_machines.rests)
    frozen.send(signal.SIGCONT)

    async def are_two() -> bool:
        return await two_machines.broken(target) == [TWICE]

    await eventually(are_two)


_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND pid <> pg_backend_pid()
"""


def _has_seen_another(scene: Scene) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return "another process that sends is seen" in scene.attacker.logs()

    return ask
