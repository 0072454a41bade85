"""The promises under the hardest treatment: SIGKILL, FLUSHALL, a dead Redis, a full disk."""

from __future__ import annotations

import asyncio
import random
import resource
import sys
from collections import Counter
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.conftest import Emulated
from tests.house import House
from tests.journeys.conftest import ENGINES, Eventually

WORDS = (
    "@brand min pakke er ikke kommet, og ingen svarer mig",
    "@brand tak for hurtig hjælp i går!",
    "@brand appen virker ikke, hvad gør jeg?",
    "@brand fortfarande inget svar, riktigt dåligt",
    "@brand why was I charged twice?",
    "@brand når kommer varene mine? har ventet i to uker",
)


async def _write(x: Emulated, count: int, *, every: float = 0.02) -> list[str]:
    written = []
    for number in range(count):
        written.append(await x.post(f"kunde_{number}", f"{WORDS[number % len(WORDS)]} ({number})"))
        await asyncio.sleep(every)
    return written


async def _at_rest(house: House, expected: int) -> bool:
    posts, replies = await house.export("posts"), await house.export("replies")
    moving = [reply for reply in replies if reply["state"] in ("approved", "sending", "unknown")]
    return len(posts) >= expected and all(post["stage"] == "decided" for post in posts) and not moving


async def _check_promises(house: House, x: Emulated, written: list[str]) -> None:
    stored = Counter(post["native_id"] for post in await house.export("posts"))
    assert stored == Counter(written), "every post is stored exactly once (I1)"
    under = Counter(post["parent"] for post in await x.posts() if post["ours"])
    assert under, "nothing was answered at all"
    assert max(under.values()) == 1, "no post has two replies (I3)"


@pytest.mark.parametrize("engine", ENGINES)
async def test_killed_at_random_moments_each_post_is_stored_once_and_answered_at_most_once(
    house: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    rng = random.Random(20261122)
    await house.start()
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(_write(emulated_x, 120, every=0.1))
        for _ in range(3):
            await asyncio.sleep(rng.uniform(0.3, 1.5))
            await house.kill()
            await house.start()
    await eventually(lambda: _at_rest(house, 120), seconds=300)
    await _check_promises(house, emulated_x, writing.result())


async def test_flushing_redis_while_running_loses_nothing(
    house: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    await house.start()
    redis = Redis.from_url(f"unix://{_socket(house)}")
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(_write(emulated_x, 60))
        for _ in range(8):
            await asyncio.sleep(0.2)
            await redis.flushall()
    await redis.aclose()
    await eventually(lambda: _at_rest(house, 60), seconds=60)
    await _check_promises(house, emulated_x, writing.result())


async def test_without_redis_it_goes_on_from_rows_alone_and_says_so(
    house: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    await house.start()
    redis = Redis.from_url(f"unix://{_socket(house)}")
    await redis.shutdown(nosave=True)
    await redis.aclose()
    written = await _write(emulated_x, 10)
    await eventually(lambda: _at_rest(house, 10), seconds=90)
    await _check_promises(house, emulated_x, written)
    assert "Redis does not answer" in house.log()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit, which fills the disk for one process, is Linux's")
async def test_a_full_disk_loses_nothing_and_is_loud(
    house: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    await house.start()
    assert house.process is not None
    first = await _write(emulated_x, 5)
    await eventually(lambda: _at_rest(house, 5), seconds=60)
    full = max(file.stat().st_size for file in (house.folder / "data").glob("genlyd.db*"))
    _, hard = resource.prlimit(house.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(house.process.pid, resource.RLIMIT_FSIZE, (full, hard))
    then = await _write(emulated_x, 40)
    await eventually(lambda: "the database failed" in house.log(), seconds=60)
    resource.prlimit(house.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    await eventually(lambda: _at_rest(house, 45), seconds=120)
    await _check_promises(house, emulated_x, first + then)


def _socket(house: House) -> Path:
    found = list((house.folder / "data").rglob("valkey.sock"))
    if found:
        return found[0]
    from store.embedded import EmbeddedValkey  # noqa: PLC0415

    return Path(EmbeddedValkey(house.folder / "data").url.removeprefix("unix://"))
