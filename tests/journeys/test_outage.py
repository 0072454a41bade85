"""Two hours away: what was missed is fetched, scored and shown, and nothing automatic is said about it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from listeners.reddit import Seen
from tests.conftest import Emulated
from tests.house import House
from tests.journeys.conftest import Eventually

ANGRY = "tredje gang jeg ringer, ingen hjælper!!! Jeg er rasende"


def _was_away_since(house: House, at: datetime) -> None:
    """Move what the house remembers into the past, as if it had stopped then."""
    spelled, before = (one.strftime("%Y-%m-%d %H:%M:%S.%f") for one in (at, at - timedelta(days=1)))
    database = sqlite3.connect(house.folder / "data" / "genlyd.db")
    with database:
        database.execute("UPDATE accounts SET enrolled_at = ?", [before])
        database.execute("UPDATE sources SET fresh_at = ?", [spelled])
        database.execute("UPDATE sources SET cursor = ? WHERE account = 'x-main'", [f"since {at.isoformat()}"])
        reddit = Seen(since=at.timestamp()).write()
        database.execute("UPDATE sources SET cursor = ? WHERE account = 'reddit-main'", [reddit])
    database.close()


async def _gaps_are_covered(house: House) -> bool:
    gaps = await house.export("gaps")
    return len(gaps) >= 4 and all(gap["closed_at"] for gap in gaps)


async def test_after_two_hours_away_posts_are_shown_with_a_draft_and_never_acknowledged(
    house: House, emulated_x: Emulated, emulated_reddit: Emulated, eventually: Eventually
) -> None:
    await house.start()
    await eventually(lambda: house.hears("stream"), seconds=120)
    await eventually(lambda: house.hears("r/sandbox"), seconds=120)
    assert await house.stop() == 0
    stopped = datetime.now(UTC) - timedelta(hours=2)
    _was_away_since(house, stopped)
    soon_after = (stopped + timedelta(minutes=5)).isoformat()
    missed = [
        await emulated_x.post("anna", f"@brand {ANGRY}", at=soon_after),
        await emulated_reddit.post("anna_s", f"u/brand {ANGRY}", at=soon_after),
    ]
    await house.start()
    now = await emulated_x.post("bo_larsen", f"@brand {ANGRY}")
    await eventually(lambda: emulated_x.replies_to(now), seconds=120)
    await eventually(lambda: _decided(house, 3), seconds=120)
    await eventually(lambda: _gaps_are_covered(house), seconds=120)

    posts = {post["native_id"]: post for post in await house.export("posts")}
    assert set(posts) == {*missed, now}
    actions = {decision["native_id"]: decision["action"] for decision in await house.export("decisions")}
    assert (actions[now], {actions[native_id] for native_id in missed}) == ("acknowledge", {"draft"})
    for native_id in missed:
        assert posts[native_id]["sentiment"] == "negative"
    assert await emulated_x.replies_to(missed[0]) == []
    assert await emulated_reddit.replies_to(missed[1]) == []
    for gap in await house.export("gaps"):
        assert gap["why"] == "Genlyd was not listening"
        assert datetime.fromisoformat(gap["from_at"]) - stopped < timedelta(seconds=1)
    await eventually(lambda: _is_counted(house), seconds=120)


async def _is_counted(house: House) -> bool:
    spent = {(row["account"], row["source"]): row["calls"] for row in await house.export("spending")}
    return all(spent.get(name) for name in (("x-main", "mentions"), ("x-main", "stream"), ("reddit-main", "r/sandbox")))


async def _decided(house: House, count: int) -> bool:
    return len(await house.export("decisions")) == count
