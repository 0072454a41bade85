"""Killed while hearing, reading, deciding and approving: each post is stored, read, decided and answered once."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.failpoint import POINTS
from core.reply import ReplyState
from store import tables as t
from store.decisions import Decisions
from store.embedded import EmbeddedValkey
from store.replies import Replies
from tests.builders import a_mention, a_plan, a_post, an_author, assessed, saved
from tests.scene import Scene, eventually

HEARING = ("I1", "I2", "I3", "I4", "I5")
READING = ("S1", "S2", "S3")


@pytest.fixture
async def redis() -> AsyncIterator[str]:
    """A bell that rings, on a socket with a short name."""
    with tempfile.TemporaryDirectory(prefix="g-") as folder:
        server = EmbeddedValkey(Path(folder))
        await server.start()
        yield server.url
        await server.stop()


def test_every_point_on_the_way_in_is_struck() -> None:
    assert {*HEARING, *READING, "T1", "A1", "A2"} == {point for point in POINTS if not point.startswith("R")}


@pytest.mark.parametrize("point", HEARING)
async def test_killed_while_hearing_each_post_is_stored_once(scene_on_x: Scene, point: str) -> None:
    scene = scene_on_x
    first = scene.start("listen")
    primed = [await _until_stored(scene)]
    await first.end()
    victim = scene.start("listen", fail_at=f"{point}:kill")
    # Named and tagged, so the mentions and the stream both bring it: that is what I5 is about.
    written = [await scene.emulated.post(f"kari{n}", f"@brand hej ({n}) #brandfail") for n in range(5)]
    assert await victim.died() == -signal.SIGKILL
    await victim.fired()
    scene.start("listen")
    written += [await scene.emulated.post(f"lars{n}", f"@brand hallo ({n}) #brandfail") for n in range(3)]

    async def are_there() -> bool:
        return len(await _stored(scene)) >= len(primed) + len(written)

    await eventually(are_there)
    await asyncio.sleep(0.5)
    assert Counter(await _stored(scene)) == Counter([*primed, *written])


@pytest.mark.parametrize("point", READING)
async def test_killed_while_reading_each_post_is_read_once(scene: Scene, redis: str, point: str) -> None:
    victim = scene.start("assess", redis=redis, fail_at=f"{point}:kill")
    await _three_posts(scene, redis)
    assert await victim.died() == -signal.SIGKILL
    await victim.fired()
    scene.start("assess", redis=redis)
    await eventually(_all_at(scene, "assessed"))
    assert await _rows(scene, t.assessments) == 3


async def test_read_for_longer_than_the_bell_waits_a_post_is_read_once(scene: Scene, redis: str) -> None:
    """S4: frozen with the work done and not saved, while another reads the same; then the first goes on."""
    frozen = scene.start("assess", redis=redis, fail_at="S2:stop")
    await _three_posts(scene, redis)
    await frozen.froze()
    scene.start("assess", redis=redis)
    await eventually(_all_at(scene, "assessed"))
    frozen.send(signal.SIGCONT)
    await asyncio.sleep(0.5)
    assert frozen.process.exitcode is None
    assert await _rows(scene, t.assessments) == 3


async def test_killed_while_deciding_a_post_is_decided_once_and_drafted_once(scene: Scene) -> None:
    await scene.written()
    victim = scene.start("decide", fail_at="T1:kill")
    assert await victim.died() == -signal.SIGKILL
    await victim.fired()
    assert await _rows(scene, t.decisions) == 0, "what was not committed was never there"
    scene.start("decide")
    await eventually(_all_at(scene, "decided"))
    assert (await _rows(scene, t.decisions), await _rows(scene, t.replies)) == (1, 1)


async def test_killed_while_approving_the_draft_is_still_one(scene: Scene) -> None:
    target = await _draft(scene)
    victim = scene.start("approve", reply_id=1, fail_at="A1:kill")
    assert await victim.died() == -signal.SIGKILL
    await victim.fired()
    assert (await scene.reply()).state is ReplyState.DRAFT
    again = scene.start("approve", reply_id=1, by="lars")
    assert await again.died() == 0
    await _sent_once(scene, target, by="lars")


async def test_killed_between_an_approval_and_its_bell_the_reply_leaves(scene: Scene) -> None:
    target = await _draft(scene)
    victim = scene.start("approve", reply_id=1, fail_at="A2:kill")
    assert await victim.died() == -signal.SIGKILL
    await victim.fired()
    await _sent_once(scene, target, by="kari")


async def test_two_who_approve_at_once_in_two_processes_send_one_reply(scene: Scene) -> None:
    """A1: the first is frozen in the middle of its approval. Its lock holds the second off, and then one is told."""
    target = await _draft(scene)
    first = scene.start("approve", reply_id=1, fail_at="A1:stop")
    await first.froze()
    second = scene.start("approve", reply_id=1, by="lars")
    await asyncio.sleep(0.5)
    first.send(signal.SIGCONT)
    assert sorted([await first.died(), await second.died()]) == [0, 1]
    assert "the reply changed since you opened it" in scene.attacker.errors()
    await _sent_once(scene, target, by="kari")


async def test_two_senders_at_once_send_each_reply_once(scene: Scene) -> None:
    posts = [await scene.emulated.post(f"kari{n}", f"@brand u/brand hjælp ({n})") for n in range(12)]
    for _ in range(2):
        scene.start()
    now = datetime.now(UTC)
    mentions = [
        a_mention(
            post=a_post(name, author=an_author(name), platform=scene.account.platform, posted_at=now),
            account=scene.account.name,
        )
        for name in posts
    ]
    ids = await assessed(scene.database, *mentions, at=now)
    decisions = Decisions(scene.database, repeat_alert_after=timedelta(minutes=60))
    plan = a_plan(not_after=now + timedelta(hours=1))
    for post_id in ids:
        await decisions.decide(post_id, plan, at=now)

    async def are_sent() -> bool:
        return await Replies(scene.database).count_by_state() == {"sent": len(posts)}

    await eventually(are_sent)
    ours = Counter(post["parent"] for post in await scene.emulated.posts() if post["ours"])
    assert {name: ours[name] for name in posts} == dict.fromkeys(posts, 1)


async def _draft(scene: Scene) -> str:
    """A draft that waits for a person."""
    target = await scene.due()
    reply = await scene.reply()
    await Replies(scene.database).redraft(reply.id, by="kari", version=reply.version, at=datetime.now(UTC))
    async with scene.database.begin() as connection:
        await connection.execute(t.replies.update().values(version=1))
    return target


async def _sent_once(scene: Scene, target: str, *, by: str) -> None:
    scene.start()
    await eventually(scene.rests)
    assert await scene.broken(target) == []
    reply = await scene.reply()
    assert (reply.state, reply.approved_by) == (ReplyState.SENT, by)


async def _until_stored(scene: Scene) -> str:
    """A first post was heard: from here on the source has a cursor."""
    await asyncio.sleep(0.5)
    name = await scene.emulated.post("kari", "@brand den første #brandfail")

    async def is_there() -> bool:
        return bool(await _stored(scene))

    await eventually(is_there)
    return name


async def _three_posts(scene: Scene, redis: str) -> None:
    from store.bell import Bell, Ring  # noqa: PLC0415

    ids = await saved(scene.database, *(a_mention(f"{n}") for n in range(3)), at=datetime.now(UTC))
    bell = Bell.open(redis, consumer="test")
    await bell.ring(Ring.ASSESS, ids)
    await bell.close()


async def _stored(scene: Scene) -> list[str]:
    async with scene.database.read() as connection:
        return list((await connection.execute(select(t.posts.c.native_id))).scalars())


async def _rows(scene: Scene, table: object) -> int:
    async with scene.database.read() as connection:
        count: int = (await connection.execute(select(func.count()).select_from(table))).scalar_one()  # type: ignore[arg-type]
        return count


def _all_at(scene: Scene, stage: str):  # type: ignore[no-untyped-def]
    async def ask() -> bool:
        async with scene.database.read() as connection:
            stages = set((await connection.execute(select(t.posts.c.stage))).scalars())
        return stages == {stage}

    return ask
