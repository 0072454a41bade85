"""A sender is killed at every point of its way, whatever the platform does: at most one reply, and no wrong state.

On Reddit, which takes the same words twice. X turns identical words away for a day, and so hides a second sending.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.failpoint import POINTS
from core.reply import ReplyState
from store.replies import Replies
from tests.scene import DENIED, IS_FULL, LOST, TWICE, Scene, eventually

Plan = list[dict[str, object]]

# What the platform does to the request, and at which points a sender that meets it comes by.
_AT_ONCE = ("R1", "R2", "R3", "R5", "R6")
_LOOKED_FOR = (*_AT_ONCE, "R7", "R7b")
_SENT_AGAIN = (*_LOOKED_FOR, "R8")
_UNANSWERED = ("R1", "R2", "R3", "R6", "R7", "R7b")
FAULTS: dict[str, tuple[Plan, tuple[str, ...]]] = {
    "ok": ([], _AT_ONCE),
    "500 before": ([{"do": "status", "status": 500}], _SENT_AGAIN),
    "503 after storing": ([{"do": "status_after", "status": 503}], _LOOKED_FOR),
    "cut off before": ([{"do": "drop"}], _SENT_AGAIN),
    "cut off after storing": ([{"do": "drop_after"}], _LOOKED_FOR),
    "never answers": ([{"do": "hang"}], (*_UNANSWERED, "R8")),
    "stores and never answers": ([{"do": "hang_after"}], _UNANSWERED),
    "429 with a reset": ([{"do": "rate_limit", "seconds": 1}], (*_AT_ONCE, "R8")),
    "429 without a reset": ([{"do": "rate_limit_bare"}], _AT_ONCE),
    "a no to the second": ([{"do": "status", "status": 500}, {"do": "status", "status": 404}], _SENT_AGAIN),
}
EVERY = [(point, fault) for fault, (_, points) in FAULTS.items() for point in points]
# Each point once, each fault at least once. All of them, on both platforms: make attacks.
TELLING = [
    ("R1", "429 without a reset"),
    ("R2", "ok"),
    ("R3", "503 after storing"),
    ("R5", "ok"),
    ("R5", "429 with a reset"),
    ("R6", "cut off after storing"),
    ("R7", "stores and never answers"),
    ("R7b", "cut off before"),
    ("R8", "500 before"),
    ("R8", "a no to the second"),
    ("R3", "never answers"),
]


@pytest.mark.parametrize(("point", "fault"), EVERY if IS_FULL else TELLING)
async def test_killed_at_any_point_whatever_the_platform_does_there_is_one_reply_at_most(
    scene: Scene, point: str, fault: str
) -> None:
    await scene.emulated.faults(*({"on": scene.posting, **one} for one in FAULTS[fault][0]))
    target = await scene.due()
    victim = scene.start(fail_at=f"{point}:kill")
    await victim.fired()
    assert await victim.died() == -signal.SIGKILL
    scene.start()
    await eventually(scene.rests)
    assert await scene.broken(target) == []
    for planned in await scene.emulated.fired():
        assert planned["fired"] == planned["times"]
    if fault not in ("429 without a reset", "a no to the second"):
        assert (await scene.reply()).state is ReplyState.SENT


def test_every_point_of_sending_is_struck() -> None:
    assert {point for point, _ in TELLING} == {point for point in POINTS if point.startswith("R")}
    assert {fault for _, fault in TELLING} == set(FAULTS)


@pytest.mark.parametrize("does", ["hang", "hang_after"])
async def test_killed_while_the_platform_has_not_answered_it_is_looked_for(scene: Scene, does: str) -> None:
    """R4, from outside: the request has arrived, the answer has not left."""
    await scene.emulated.faults({"on": scene.posting, "do": does})
    target = await scene.due()
    victim = scene.start()

    async def has_arrived() -> bool:
        return all(fault["fired"] for fault in await scene.emulated.fired())

    await eventually(has_arrived)
    await victim.end()
    scene.start()
    await eventually(scene.rests)
    assert await scene.broken(target) == []
    assert (await scene.reply()).state is ReplyState.SENT


async def test_killed_with_half_a_request_on_the_line_there_is_one_reply(scene_on_reddit: Scene) -> None:
    """R3, from outside: a wire lets half of the request through, and the sender dies on the other half."""
    scene = scene_on_reddit
    target = await scene.due()
    async with half_a_wire(scene.emulated.url, b"POST /api/comment") as (url, is_half):
        victim = scene.start(account=replace(scene.account, base_url=url))
        async with asyncio.timeout(60):
            await is_half.wait()
        assert await scene.emulated.replies_to(target) == []
        await victim.end()
    assert await scene.emulated.replies_to(target) == []
    scene.start()
    await eventually(scene.rests)
    assert await scene.broken(target) == []
    assert (await scene.reply()).state is ReplyState.SENT


@asynccontextmanager
async def half_a_wire(url: str, begins: bytes) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A way to `url` on which a request that begins so gets through by half. Yields its address, and when it did."""
    is_half = asyncio.Event()
    host, port = url.removeprefix("http://").split(":")

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_asking: bool) -> None:
        while data := await source.read(65536):
            if is_asking and data.startswith(begins):
                sink.write(data[: len(data) - len(data) // 10])
                await sink.drain()
                is_half.set()
                return
            sink.write(data)
            await sink.drain()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        answering = asyncio.create_task(carry(there, writer, is_asking=False))
        await carry(reader, back, is_asking=True)
        if is_half.is_set():
            # Until the sender is dead: only then does the platform see that no more comes.
            with suppress(ConnectionError):
                await reader.read()
        answering.cancel()
        await asyncio.wait([answering])
        for side in (back, writer):
            side.close()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", is_half
    finally:
        server.close()
        async with asyncio.timeout(30):
            await ended.wait()


# --- negative controls: the harness sees what it must see ---


async def test_a_sender_that_marks_after_sending_sends_twice(scene_on_reddit: Scene) -> None:
    scene = scene_on_reddit
    target = await scene.due()
    victim = scene.start(variant="send then mark", fail_at="R5:kill")
    assert await victim.died() == -signal.SIGKILL
    scene.start(variant="send then mark")
    await eventually(scene.rests)
    assert await scene.broken(target) == [TWICE]


async def test_a_sender_that_marks_before_sending_loses_one(scene_on_reddit: Scene) -> None:
    scene = scene_on_reddit
    target = await scene.due()
    victim = scene.start(variant="mark then send", fail_at="R3:kill")
    assert await victim.died() == -signal.SIGKILL
    scene.start(variant="mark then send")
    await eventually(scene.rests)
    assert await scene.broken(target) == [LOST]


async def test_a_failure_that_stands_at_the_platform_is_seen(scene_on_reddit: Scene) -> None:
    scene = scene_on_reddit
    target = await scene.due()
    victim = scene.start(fail_at="R5:stop")
    await victim.froze()
    await Replies(scene.database).mark_failed(await scene.reply(), "a test says so", at=datetime.now(UTC))
    assert await scene.broken(target) == [DENIED]
