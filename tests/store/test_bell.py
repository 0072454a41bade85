"""The bell on a real Valkey: it may be lost at any moment, and nothing raises (I8)."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.errors import ConfigError
from store.bell import Bell, Entry, Ring
from store.embedded import EmbeddedValkey
from store.redis_urls import open_redis
from tests.cable import Cable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a socket's may have no more than about a hundred characters."""
    made = Path(tempfile.mkdtemp(prefix="g-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
async def valkey(folder: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(folder)
    assert await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def bell(valkey: EmbeddedValkey) -> AsyncIterator[Bell]:
    opened = Bell.open(valkey.url, consumer="first")
    yield opened
    await opened.close()


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey.url, decode_responses=True)
    yield client
    await client.aclose()


async def _heard(bell: Bell, ring: Ring = Ring.ASSESS) -> list[int]:
    """Wait as a worker does, and strike what came."""
    entries = await bell.wait(ring, count=64, seconds=0.05)
    await bell.done(ring, entries)
    return [entry.row_id for entry in entries]


async def test_what_is_rung_is_heard_in_order_and_once(bell: Bell) -> None:
    await bell.ring(Ring.ASSESS, range(1, 6))
    assert await _heard(bell) == [1, 2, 3, 4, 5]
    assert await _heard(bell) == []
    assert (await bell.depth())["assess"] == 0


async def test_what_was_rung_before_anybody_listened_is_heard_too(bell: Bell) -> None:
    await bell.ring(Ring.TELL, [7])
    assert await _heard(bell, Ring.DECIDE) == []
    assert await _heard(bell, Ring.TELL) == [7]


async def test_a_waiting_worker_wakes_at_once(bell: Bell, valkey: EmbeddedValkey) -> None:
    other = Bell.open(valkey.url, consumer="second")
    waiting = asyncio.create_task(other.wait(Ring.SEND, count=1, seconds=5))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    await bell.ring(Ring.SEND, [3])
    assert [entry.row_id for entry in await waiting] == [3]
    assert time.monotonic() - started < 1
    await other.close()


async def test_two_workers_share_the_work(bell: Bell, valkey: EmbeddedValkey) -> None:
    other = Bell.open(valkey.url, consumer="second")
    await bell.ring(Ring.ASSESS, range(20))
    first = await bell.wait(Ring.ASSESS, count=10, seconds=0.05)
    second = await other.wait(Ring.ASSESS, count=10, seconds=0.05)
    assert sorted(entry.row_id for entry in first + second) == list(range(20))
    await other.close()


async def test_what_a_dead_worker_held_is_taken_over(bell: Bell, valkey: EmbeddedValkey, redis: Redis) -> None:
    await bell.ring(Ring.ASSESS, [1, 2])
    held = await bell.wait(Ring.ASSESS, count=2, seconds=0.05)
    other = Bell.open(valkey.url, consumer="second")
    assert await _heard(other) == [], "not while its holder may be at work"
    # As if half a minute had passed: the server's own clock cannot be turned.
    await redis.xclaim(Ring.ASSESS, "workers", "first", 0, [entry.entry_id for entry in held], idle=31_000)
    assert await _heard(other) == [1, 2]
    assert await _heard(bell) == []
    await other.close()


async def test_a_flush_in_the_middle_of_the_day_costs_no_later_ring(bell: Bell, redis: Redis) -> None:
    await bell.ring(Ring.ASSESS, [1, 2])
    held = await bell.wait(Ring.ASSESS, count=1, seconds=0.05)
    await redis.flushall()
    await bell.done(Ring.ASSESS, held)
    assert await _heard(bell) == []
    await bell.ring(Ring.ASSESS, [3])
    assert await _heard(bell) == [3]
    assert bell.is_up


async def test_while_the_server_is_gone_nothing_raises_and_once_it_is_back_it_rings(
    bell: Bell, valkey: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    await bell.ring(Ring.ASSESS, [1])
    assert await _heard(bell) == [1]
    await valkey.stop()
    await bell.ring(Ring.ASSESS, [2])
    assert await bell.wait(Ring.ASSESS, count=1, seconds=0.05) == []
    await bell.done(Ring.ASSESS, [Entry(entry_id="1-1", row_id=1)])
    await bell.announce()
    assert await bell.depth() == {}
    assert not await bell.check()
    was_up = bell.is_up
    assert not was_up
    assert caplog.text.count("Redis does not answer") == 1, "said once, not at every call"
    assert await valkey.start()
    assert await bell.check()
    assert bell.is_up
    await bell.ring(Ring.ASSESS, [4])
    assert (await _heard(bell))[-1:] == [4]


async def test_a_worker_that_waits_while_the_server_is_killed_comes_back_empty(
    bell: Bell, valkey: EmbeddedValkey, redis: Redis
) -> None:
    await bell.wait(Ring.ASSESS, count=1, seconds=0.01)
    pid = int((await redis.info("server"))["process_id"])
    waiting = asyncio.create_task(bell.wait(Ring.ASSESS, count=1, seconds=0.5))
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    assert await waiting == []
    assert not bell.is_up
    await _until_gone(valkey)
    assert await valkey.start(), "a socket left behind by a killed server is no obstacle"
    await bell.ring(Ring.ASSESS, [5])
    assert await _heard(bell) == [5]


async def test_live_pages_wake_when_something_changed(bell: Bell) -> None:
    woken = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        page = tasks.create_task(_page(bell, woken, at_least_every_seconds=30))
        for _ in range(100):
            await bell.announce()
            await asyncio.sleep(0.02)
            if woken.is_set():
                break
        page.cancel()
    assert woken.is_set()


async def test_live_pages_look_now_and_then_even_without_a_server(folder: Path) -> None:
    bell = Bell.open(f"unix://{folder}/nobody.sock", consumer="page")
    woken = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        page = tasks.create_task(_page(bell, woken, at_least_every_seconds=0.05))
        for _ in range(3):
            woken.clear()
            await asyncio.wait_for(woken.wait(), 2)
        page.cancel()
    await bell.close()


async def _page(bell: Bell, woken: asyncio.Event, *, at_least_every_seconds: float) -> None:
    async for _ in bell.announcements(at_least_every_seconds=at_least_every_seconds):
        woken.set()


def test_a_url_that_is_no_redis_names_its_cure() -> None:
    with pytest.raises(ConfigError, match="redis://HOST:6379/0"):
        Bell.open("http://localhost", consumer="me")


async def test_a_folder_with_a_long_name_gets_a_short_socket(folder: Path) -> None:
    server = EmbeddedValkey(folder / ("long" * 30))
    assert len(server.url) < 100
    assert await server.start()
    bell = Bell.open(server.url, consumer="me")
    assert await bell.check()
    await bell.close()
    await server.stop()


async def test_a_second_start_attaches_to_the_server_a_killed_parent_left(folder: Path) -> None:
    script = (
        "import asyncio, sys, pathlib\n"
        "from store.embedded import EmbeddedValkey\n"
        "asyncio.run(EmbeddedValkey(pathlib.Path(sys.argv[1])).start())\n"
        "print('started', flush=True)\n"
        "sys.stdin.read()\n"
    )
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(folder), cwd=ROOT, stdin=pipe, stdout=pipe
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"started\n"
    parent.kill()
    assert await parent.wait() == -signal.SIGKILL
    server = EmbeddedValkey(folder)
    assert not await server.start(), "it was not started but attached to"
    bell = Bell.open(server.url, consumer="me")
    await bell.ring(Ring.SEND, [9])
    assert await _heard(bell, Ring.SEND) == [9]
    await bell.close()
    await server.stop()
    await _until_gone(server)


_SHARER = (
    "import asyncio, sys, pathlib\n"
    "from store.embedded import EmbeddedValkey\n"
    "async def main():\n"
    "    server = EmbeddedValkey(pathlib.Path(sys.argv[1]))\n"
    "    print(await server.start(), flush=True)\n"
    "    await asyncio.to_thread(sys.stdin.read)\n"
    "    await server.stop()\n"
    "asyncio.run(main())\n"
)


async def test_processes_that_start_at_once_share_one_server_and_the_last_one_out_stops_it(folder: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", _SHARER, str(folder))
    sharers = [await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe) for _ in range(4)]
    said = [await sharer.stdout.readline() for sharer in sharers if sharer.stdout]
    assert sorted(said) == [b"False\n"] * 3 + [b"True\n"]
    bell = Bell.open(EmbeddedValkey(folder).url, consumer="me")
    starter = sharers.pop(said.index(b"True\n"))
    others = sharers
    for sharer in (starter, others[0], others[1]):
        assert await bell.check(), "whoever started it may leave"
        assert sharer.stdin is not None
        sharer.stdin.close()
        assert await sharer.wait() == 0
    assert await bell.check()
    await bell.close()
    others[2].kill()
    await others[2].wait()
    last = EmbeddedValkey(folder)
    assert not await last.start()
    await last.stop()
    await _until_gone(last)


async def test_stopping_what_is_not_there_is_well(folder: Path) -> None:
    await EmbeddedValkey(folder).stop()


async def test_a_network_that_swallows_everything_holds_up_nobody_for_long(
    valkey: EmbeddedValkey,
) -> None:
    socket = valkey.url.removeprefix("unix://")
    cable = Cable(lambda: asyncio.open_unix_connection(socket))
    await cable.mend()
    bell = Bell(open_redis(f"redis://127.0.0.1:{cable.port}/0", socket_timeout=2), consumer="me")
    await bell.ring(Ring.ASSESS, [1])
    assert await _heard(bell) == [1]
    await cable.hush()
    await bell.ring(Ring.ASSESS, [2])
    assert not bell.is_up
    started = asyncio.get_running_loop().time()
    for number in range(3, 13):
        await bell.ring(Ring.ASSESS, [number])
        await bell.announce()
        assert await bell.wait(Ring.ASSESS, count=8, seconds=0.01) == []
    assert asyncio.get_running_loop().time() - started < 10, "each of these would else wait for two seconds"
    await cable.mend()
    async with asyncio.timeout(60):
        while True:
            await bell.ring(Ring.ASSESS, [99])
            if 99 in await _heard(bell):
                break
    assert await bell.check()
    await bell.close()
    await cable.cut()


async def test_what_was_rung_outlives_a_stop(valkey: EmbeddedValkey, bell: Bell) -> None:
    await bell.ring(Ring.ASSESS, [1])
    await valkey.stop()
    await valkey.start()
    assert await _heard(bell) == [1]


async def _until_gone(server: EmbeddedValkey) -> None:
    client = Redis.from_url(server.url)
    with contextlib.suppress(Exception):
        for _ in range(100):
            await client.ping()
            await asyncio.sleep(0.02)
    await client.aclose()
