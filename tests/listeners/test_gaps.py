"""Every cause of a gap, on every source: opened from when to when and why, covered or left open, nothing lost (I2).

docs/gaps.md holds the matrix of these tests.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.budget import DOLLAR, Budget
from listeners.reddit import TOO_MANY, Seen
from listeners.x_posts import id_at
from store.alerts import Alerts
from store.database import Database, open_database
from tests.listeners.rig import Rig, a_rig, until
from tests.store.conftest import sqlite_template

__all__ = ["sqlite_template"]

POLLED = ("mentions", "inbox", "comments", "search")
ALL = ("stream", *POLLED)
SLACK = timedelta(seconds=2)
# Under the three seconds that a fault keeps silent, and far over what an answer takes.
IMPATIENT_SECONDS = 1.5


@pytest.fixture
async def database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "genlyd.db")
    opened = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    yield opened
    await opened.close()


async def fails_and_recovers(rig: Rig, fault: dict[str, Any], why: str) -> None:
    """One post is heard, then a fault befalls the source, then another post comes: one gap, covered, nothing lost."""
    await rig.start()
    await rig.say("before")
    await rig.hears_all()
    await rig.is_fresh(datetime.now(UTC))
    before = datetime.now(UTC)
    await rig.emulated.faults({"on": rig.on, **fault})
    planned = datetime.now(UTC)
    await rig.say("while it failed")
    gap = await rig.a_closed_gap()
    assert why in gap.why
    # From the last word heard, not from when the failure was noticed.
    assert before - SLACK <= gap.from_at <= planned + timedelta(seconds=1)
    assert gap.until_at is not None
    assert gap.from_at < gap.until_at == gap.closed_at
    assert gap.closed_by is None
    await rig.hears_all()
    assert len(await rig.gaps()) == 1


def a_rig_for(fault: dict[str, Any], kind: str, database: Database) -> AbstractAsyncContextManager[Rig]:
    if fault["do"] in ("hang", "stall"):
        return a_rig(kind, database, patience_seconds=IMPATIENT_SECONDS)
    return a_rig(kind, database)


POLL_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a cut connection": ({"do": "drop", "times": 2}, "could not be reached"),
    "no answer": ({"do": "hang", "seconds": 3.0}, "could not be reached"),
    "a 503": ({"do": "status", "status": 503}, "answered 503"),
    "a page of HTML": ({"do": "status", "status": 502, "html": True}, "answered 502"),
    "half an answer": ({"do": "not_json"}, "cannot be read"),
    "a 429 with its reset": ({"do": "rate_limit", "seconds": 1}, ""),
    "a 429 without one": ({"do": "rate_limit_bare"}, "answered 429"),
}


@pytest.mark.parametrize("cause", POLL_FAULTS)
@pytest.mark.parametrize("kind", POLLED)
async def test_a_poll_that_fails_is_one_gap_that_the_next_answer_covers(
    kind: str, cause: str, database: Database
) -> None:
    fault, why = POLL_FAULTS[cause]
    async with a_rig_for(fault, kind, database) as rig:
        await fails_and_recovers(rig, fault, why)


STREAM_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a clean close": ({"do": "close"}, "closed the stream"),
    "a reset": ({"do": "reset"}, "could not be reached"),
    "no heartbeat": ({"do": "stall", "seconds": 6}, "nothing on X's stream"),
    "X's farewell": ({"do": "disconnect_error"}, "UpstreamOperationalDisconnect"),
    "half a line": ({"do": "truncate"}, ""),
    "a line that is no JSON": ({"do": "garbage"}, "could not be read"),
}


@pytest.mark.parametrize("cause", STREAM_FAULTS)
async def test_a_stream_that_breaks_is_one_gap_that_search_covers(cause: str, database: Database) -> None:
    fault, why = STREAM_FAULTS[cause]
    async with a_rig_for(fault, "stream", database) as rig:
        await fails_and_recovers(rig, fault, why)


@pytest.mark.parametrize("cause", POLL_FAULTS)
async def test_a_connect_that_fails_after_a_reset_is_part_of_the_same_gap(cause: str, database: Database) -> None:
    fault, _ = POLL_FAULTS[cause]
    async with a_rig_for(fault, "stream", database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.emulated.faults({"on": "stream", **fault}, {"on": "stream", "do": "reset"})
        await rig.say("while it failed")
        gap = await rig.a_closed_gap()
        assert "could not be reached" in gap.why
        await rig.hears_all()
        assert len(await rig.gaps()) == 1


@pytest.mark.parametrize("cause", POLL_FAULTS)
async def test_a_backfill_that_fails_leaves_the_gap_open_until_it_succeeds(cause: str, database: Database) -> None:
    fault, _ = POLL_FAULTS[cause]
    async with a_rig_for(fault, "stream", database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.emulated.faults({"on": "search", **fault}, {"on": "stream", "do": "close"})
        await rig.say("while it failed")
        await rig.a_closed_gap()
        await rig.hears_all()
        assert len(await rig.gaps()) == 1


async def test_a_stream_that_beats_and_brings_nothing_is_found_out_by_search(database: Database) -> None:
    async with a_rig("stream", database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        silent_from = datetime.now(UTC)
        await rig.emulated.faults({"on": "stream", "do": "deaf", "seconds": 20})
        await rig.say("left out")
        await until(lambda: _has_fired(rig))
        await a_night(rig, minutes=17)
        gap = await rig.a_closed_gap()
        assert "leaves out what search finds (1)" in gap.why
        assert gap.from_at <= silent_from + SLACK
        await rig.hears_all()


async def test_a_long_silence_that_search_confirms_is_no_gap(database: Database) -> None:
    async with a_rig("stream", database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await a_night(rig, minutes=20)
        assert await rig.gaps() == []
        await rig.hears_all()


async def test_an_empty_listing_that_held_comments_before_is_not_believed(database: Database) -> None:
    async with a_rig("comments", database) as rig:
        await fails_and_recovers(rig, {"do": "empty", "times": 2}, "lists nothing in r/sandbox")


async def test_an_empty_listing_whose_comments_are_all_deleted_is_believed(database: Database) -> None:
    async with a_rig("comments", database) as rig:
        await rig.start()
        native_id = await rig.say("before")
        await rig.hears_all()
        await rig.emulated.delete(native_id)
        await rig.is_fresh(datetime.now(UTC) + timedelta(seconds=0.3))
        assert await rig.gaps() == []


@pytest.mark.parametrize("kind", ["mentions", "inbox", "search"])
async def test_an_empty_answer_elsewhere_loses_nothing(kind: str, database: Database) -> None:
    async with a_rig(kind, database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.emulated.faults({"on": rig.on, "do": "empty", "times": 2})
        await rig.say("left out for a while")
        await rig.hears_all()


@pytest.mark.parametrize("kind", ALL)
async def test_a_restart_is_a_gap_until_what_came_meanwhile_is_fetched(kind: str, database: Database) -> None:
    async with a_rig(kind, database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.stop()
        stopped = datetime.now(UTC)
        await rig.say("while we were away")
        rig.clock.ahead += timedelta(minutes=10)
        await rig.start()
        gap = await rig.a_closed_gap()
        assert gap.why == "Genlyd was not listening"
        assert abs(gap.from_at - stopped) < SLACK
        assert gap.until_at is not None
        assert gap.until_at - gap.from_at >= timedelta(minutes=9)
        await rig.hears_all()


@pytest.mark.parametrize("kind", ALL)
async def test_whoever_follows_a_process_that_was_killed_notes_a_gap_however_short(
    kind: str, database: Database
) -> None:
    async with a_rig(kind, database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.stop()
        await rig.say("while nobody listened")
        await rig.start(is_inherited=True)
        gap = await rig.a_closed_gap()
        assert gap.why == "Genlyd was not listening"
        await rig.hears_all()


@pytest.mark.parametrize("kind", ALL)
async def test_a_machine_that_slept_has_a_gap_until_it_has_asked(kind: str, database: Database) -> None:
    async with a_rig(kind, database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.is_fresh(rig.clock.now())
        slept_from = rig.clock.now()
        await rig.sleeps(timedelta(hours=3))
        gap = await rig.a_closed_gap()
        assert "slept" in gap.why
        assert abs(gap.from_at - slept_from) < SLACK
        assert gap.until_at is not None
        assert gap.until_at - gap.from_at > timedelta(hours=2)
        await rig.hears_all()


@pytest.mark.parametrize("kind", ALL)
async def test_what_fails_before_the_first_answer_is_covered_from_the_first_start_on(
    kind: str, database: Database
) -> None:
    async with a_rig(kind, database) as rig:
        on = "rules" if kind == "stream" else rig.on
        await rig.emulated.faults({"on": on, "do": "status", "status": 503, "times": 3})
        await rig.start()
        gap = await rig.a_gap()
        await rig.say("nobody heard us begin")
        await rig.stop()
        # Days later, in another process, the platform answers for the first time.
        rig.clock.ahead += timedelta(days=2)
        await rig.start()
        covered = await rig.a_closed_gap()
        assert covered.id == gap.id
        await rig.hears_all()


async def test_a_stream_that_was_away_for_longer_than_search_reaches_keeps_a_gap(database: Database) -> None:
    now = datetime.now(UTC)
    async with a_rig("stream", database) as rig:
        await rig.sources.begin("us", "stream", cursor="0")
        await rig.age(str(id_at(now - timedelta(days=9))), now - timedelta(days=9))
        await rig.say("lately")
        await rig.start()
        await rig.hears_all()
        gap, rest = await rig.gaps()
        assert rest.closed_at is not None
        assert rest.from_at == gap.until_at
        assert gap.why == "Genlyd was not listening; away for more than 7 days; X's search goes no further back"
        assert abs(gap.from_at - (now - timedelta(days=9))) < SLACK
        assert gap.until_at is not None
        assert abs(gap.until_at - (now - timedelta(days=7))) < timedelta(minutes=11)
        assert gap.closed_at is None


async def test_x_refusing_how_far_back_we_ask_is_a_gap_and_no_call_for_the_operator(database: Database) -> None:
    async with a_rig("stream", database) as rig:
        # Our clock is behind: what we take for seven days ago is longer ago for X.
        rig.clock.ahead = -timedelta(hours=5)
        away = rig.clock.now() - timedelta(days=7) + timedelta(hours=2)
        await rig.sources.begin("us", "stream", cursor="0")
        await rig.age(str(id_at(away)), away)
        await rig.say("lately")
        await rig.start()
        await rig.hears_all()
        gap, rest = await rig.gaps()
        assert rest.closed_at is not None
        assert rest.from_at == gap.until_at
        assert "search goes no further back" in gap.why
        assert gap.closed_at is None
        assert gap.until_at is not None


async def test_a_quiet_brand_that_restarts_after_days_without_a_post_has_no_lasting_gap(database: Database) -> None:
    async with a_rig("stream", database) as rig:
        await rig.start()
        await rig.say("the last for a long time")
        await rig.hears_all()
        await rig.stop()
        # Two days later its search brings that post once more; then it is heard in full, for long.
        rig.clock.ahead += timedelta(days=2)
        await rig.start()
        await rig.a_closed_gap()
        await rig.stop()
        rig.clock.ahead += timedelta(days=6)
        await rig.start()
        await rig.is_fresh(rig.clock.now())
        gaps = await rig.gaps()
        assert {gap.why for gap in gaps} == {"Genlyd was not listening"}
        assert all(gap.closed_at for gap in gaps)
        await rig.hears_all()


async def test_more_mentions_than_x_shows_is_a_gap_up_to_the_oldest_it_shows(database: Database) -> None:
    async with a_rig("mentions", database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.stop()
        rig.flood(801)
        await rig.start()
        gap = await rig.a_gap()
        assert "more than 800 mentions" in gap.why
        heard = [row.posted_at for row in await rig.heard()][1:]
        assert len(heard) == 800
        assert (gap.until_at, gap.closed_at) == (min(heard), None)


async def test_more_than_one_backfill_reads_is_a_gap_up_to_the_oldest_it_read(database: Database) -> None:
    # A budget that is spent in the middle of a backfill cuts it short as its own limit of 50 pages does.
    async with a_rig("stream", database, budget=Budget(money_a_month=2 * DOLLAR)) as rig:
        rig.flood(600)
        await rig.start()
        gap = await rig.a_gap()
        assert "the budget is spent" in gap.why
        heard = [row.posted_at for row in await rig.heard()]
        assert 0 < len(heard) < 600
        assert gap.until_at is None or abs(gap.until_at - min(heard)) < SLACK
        assert rig.purse.money_this_month() <= 2 * DOLLAR + DOLLAR


async def test_mentions_away_for_longer_than_a_week_keep_a_gap(database: Database) -> None:
    async with a_rig("mentions", database) as rig:
        now = rig.clock.now()
        cursor = f"since {(now - timedelta(days=9)).isoformat()}"
        await rig.sources.begin("us", "mentions", cursor=cursor)
        await rig.age(cursor, now - timedelta(days=9))
        await rig.say("lately")
        await rig.start()
        await rig.hears_all()
        gap, rest = await rig.gaps()
        assert rest.closed_at is not None
        assert rest.from_at == gap.until_at
        assert "away for more than 7 days" in gap.why
        assert gap.until_at is not None
        assert abs(gap.until_at - (now - timedelta(days=7))) < timedelta(minutes=11)
        assert gap.closed_at is None


@pytest.mark.parametrize("kind", ["comments", "inbox", "search"])
async def test_more_than_a_listing_holds_is_a_gap_up_to_the_oldest_it_shows(kind: str, database: Database) -> None:
    async with a_rig(kind, database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.stop()
        rig.flood(1005)
        await rig.start()
        gap = await rig.a_gap()
        assert gap.why == TOO_MANY
        heard = [row.posted_at for row in await rig.heard()][1:]
        assert len(heard) == 1000
        assert gap.until_at is not None
        assert abs(gap.until_at - min(heard)) < SLACK
        assert gap.closed_at is None


@pytest.mark.parametrize("kind", ["comments", "inbox", "search"])
async def test_an_anchor_that_is_deleted_or_old_loses_nothing_on_reddit(kind: str, database: Database) -> None:
    async with a_rig(kind, database) as rig:
        week_ago = datetime.now(UTC) - timedelta(days=8)
        cursor = Seen(since=week_ago.timestamp(), names=("t1_1", "t3_1")).write()
        await rig.sources.begin("us", rig.listener().source, cursor=cursor)
        await rig.age(cursor, week_ago)
        await rig.say("more than a week ago", at=(week_ago + timedelta(hours=5)).isoformat())
        await rig.say("lately")
        await rig.start()
        gap = await rig.a_closed_gap()
        assert abs(gap.from_at - week_ago) < SLACK
        await rig.hears_all()


async def test_a_keyword_that_joins_while_reddit_fails_begins_then_and_not_with_the_first_answer(
    database: Database,
) -> None:
    async with a_rig("search", database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.stop()
        rig.also = ("bredbånd",)
        await rig.emulated.faults({"on": "search", "do": "status", "status": 503})
        rig.clock.meanwhile = asyncio.Event().wait
        await rig.start()
        await rig.a_gap()
        await rig.stop()
        rig.wrote.append(await rig.emulated.post("kari", "bredbånd is down", kind="submission"))
        rig.clock.ahead += timedelta(hours=5)
        await rig.start()
        await rig.hears_all()
        assert (await rig.a_closed_gap()).closed_at is not None


async def test_an_unreadable_post_is_kept_for_a_person_and_is_no_gap(database: Database) -> None:
    async with a_rig("stream", database) as rig:
        await rig.start()
        await rig.say("before")
        await rig.hears_all()
        await rig.emulated.faults({"on": "stream", "do": "garbage", "times": 2})
        await rig.a_closed_gap()
        (state,) = await rig.sources.all()
        assert state.unreadable == 2


@pytest.mark.parametrize("kind", POLLED)
async def test_people_are_told_that_the_budget_is_spent_and_the_gap_says_why(kind: str, database: Database) -> None:
    async with a_rig(kind, database, budget=Budget(calls_a_day=20)) as rig:
        await rig.start()
        gap = await rig.a_gap()
        assert "the budget is spent, the day's calls; it goes on" in gap.why
        assert rig.purse.calls_today() <= 20
        missed = await rig.say("too late for today")
        assert [row.native_id for row in await rig.heard()] == []
        rig.clock.ahead += timedelta(days=1)
        await until(lambda: _heard(rig, missed))
        first = (await rig.gaps())[0]
        assert first.closed_at is not None
        # Once for the first day; the second one is spent in its turn.
        assert (await Alerts(database).count_by_state())["pending"] <= 2


async def test_a_spent_months_money_lets_go_of_the_stream(database: Database) -> None:
    async with a_rig("stream", database, budget=Budget(money_a_month=DOLLAR // 20)) as rig:
        await rig.start()
        for _ in range(12):
            await rig.say("dear")
        gap = await rig.a_gap()
        assert "the budget is spent, the month's money" in gap.why
        assert gap.until_at is None
        assert rig.purse.money_this_month() < DOLLAR // 10


async def a_night(rig: Rig, *, minutes: int) -> None:
    """Time passes, heartbeats come, and nobody writes."""
    for _ in range(minutes * 60 // 50):
        rig.clock.ahead += timedelta(seconds=50)
        await rig.is_fresh(rig.clock.now())


async def _has_fired(rig: Rig) -> bool:
    return all(fault["fired"] for fault in await rig.emulated.fired())


async def _heard(rig: Rig, native_id: str) -> bool:
    return native_id in [row.native_id for row in await rig.heard()]
