"""Every disconnect is a gap until a fetch covers it, and what cannot be covered stays shown (I2)."""

from datetime import timedelta

from sqlalchemy import insert, select

from store import tables as t
from store.database import Database
from store.posts import Posts
from store.rows import AnyRow
from store.sources import Sources
from tests.builders import NOW, a_mention, some_progress

LATER = NOW + timedelta(minutes=10)


async def _gaps(database: Database) -> list[AnyRow]:
    async with database.read() as connection:
        return list(await connection.execute(select(t.gaps).order_by(t.gaps.c.id)))


async def test_a_source_never_heard_has_no_cursor(database: Database) -> None:
    assert await Sources(database).cursor("x-main", "mentions") is None


async def test_an_empty_answer_moves_the_freshness_and_keeps_the_cursor(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await posts.save_batch([], some_progress("c1"), at=NOW)
    await posts.save_batch([], some_progress(None), at=LATER)
    assert await sources.cursor("x-main", "mentions") == "c1"
    (source,) = await sources.all()
    assert (source.fresh_at, source.heard, source.open_gaps) == (LATER, 0, 0)


async def test_a_part_of_an_ask_is_counted_and_says_nothing_of_how_far_the_source_was_heard(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await posts.save_batch([], some_progress("c1"), at=NOW)
    await sources.stumble("x-main", "mentions", "the line fell", at=NOW, opens_gap=True)
    part = some_progress("c2", is_part=True, doubt="who knows", unreadable=("{",))
    await posts.save_batch([a_mention()], part, at=LATER)
    (source,) = await sources.all()
    assert (source.cursor, source.fresh_at, source.problem) == ("c1", NOW, "the line fell")
    assert (source.heard, source.unreadable, source.open_gaps) == (1, 0, 1)


async def test_a_disconnect_opens_one_gap_from_when_the_source_was_last_fresh(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await posts.save_batch([], some_progress(), at=NOW)
    for minutes in (1, 2, 3):
        at = NOW + timedelta(minutes=minutes)
        await sources.stumble("x-main", "mentions", "the line fell", at=at, opens_gap=True)
    (gap,) = await _gaps(database)
    assert (gap.from_at, gap.until_at, gap.closed_at, gap.why) == (NOW, None, None, "the line fell")
    (source,) = await sources.all()
    assert (source.open_gaps, source.problem, source.problem_at) == (1, "the line fell", NOW + timedelta(minutes=3))
    assert source.cursor == "c1"


async def test_a_gap_closes_once_a_fetch_has_reached_the_present(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await sources.stumble("x-main", "mentions", "the line fell", at=NOW, opens_gap=True)
    await posts.save_batch([], some_progress(is_caught_up=False, is_backfill=True), at=NOW)
    assert [gap.closed_at for gap in await _gaps(database)] == [None]
    await posts.save_batch([], some_progress(), at=LATER)
    (gap,) = await _gaps(database)
    assert (gap.until_at, gap.closed_at) == (LATER, LATER)
    (source,) = await sources.all()
    assert (source.open_gaps, source.problem) == (0, None)


async def test_what_the_platform_no_longer_has_stays_an_open_gap_with_its_reason(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await posts.save_batch([], some_progress(), at=NOW)
    await sources.stumble("x-main", "mentions", "the line fell", at=LATER, opens_gap=True)
    await posts.save_batch([], some_progress(gap="older than a week"), at=LATER)
    await posts.save_batch([], some_progress(), at=LATER + timedelta(minutes=1))
    (gap,) = await _gaps(database)
    assert (gap.from_at, gap.until_at, gap.closed_at, gap.why) == (NOW, LATER, None, "the line fell; older than a week")
    assert (await sources.all())[0].open_gaps == 1


async def test_a_permanent_gap_does_not_swallow_the_next_disconnect(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await posts.save_batch([], some_progress(gap="older than a week"), at=NOW)
    await sources.stumble("x-main", "mentions", "the line fell", at=LATER, opens_gap=True)
    assert [(gap.from_at, gap.until_at, gap.why) for gap in await _gaps(database)] == [
        (NOW, NOW, "older than a week"),
        (NOW, None, "the line fell"),
    ]


async def test_a_failing_disk_of_ours_is_no_gap(database: Database) -> None:
    await Sources(database).stumble("x-main", "mentions", "disk full", at=NOW, opens_gap=False)
    assert await _gaps(database) == []


async def test_gaps_of_one_source_are_not_anothers(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await sources.stumble("x-main", "search", "the line fell", at=NOW, opens_gap=True)
    await posts.save_batch([], some_progress(), at=LATER)
    assert [(source.source, source.open_gaps) for source in await sources.all()] == [("mentions", 0), ("search", 1)]


async def test_unreadable_items_are_counted_beyond_what_is_kept(database: Database) -> None:
    async with database.begin() as connection:
        row = {"account": "x-main", "source": "mentions", "raw": "{", "heard_at": NOW}
        await connection.execute(insert(t.unreadable), [row] * 999)
    await Posts(database).save_batch([], some_progress(unreadable=("a", "b", "c")), at=NOW)
    async with database.read() as connection:
        kept = list(await connection.execute(select(t.unreadable.c.raw).where(t.unreadable.c.raw != "{")))
    assert kept == [("a",)]
    assert (await Sources(database).all())[0].unreadable == 3


async def test_a_source_that_begins_again_late_has_a_gap_until_it_is_asked(database: Database) -> None:
    posts, sources, minute = Posts(database), Sources(database), timedelta(minutes=1)
    await sources.woke("x-main", "mentions", at=NOW, after=minute)
    assert await _gaps(database) == []
    await posts.save_batch([], some_progress(), at=NOW)
    await sources.woke("x-main", "mentions", at=NOW + minute, after=minute)
    assert await _gaps(database) == []
    await sources.woke("x-main", "mentions", at=LATER, after=minute)
    (gap,) = await _gaps(database)
    assert (gap.from_at, gap.until_at, gap.why) == (NOW, None, "Genlyd was not listening")
    await posts.save_batch([], some_progress(), at=LATER)
    (gap,) = await _gaps(database)
    assert (gap.closed_at, gap.closed_by) == (LATER, None)


async def test_a_person_closes_what_no_fetch_can_cover_and_nothing_else(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await sources.stumble("x-main", "mentions", "the line fell", at=NOW, opens_gap=True)
    (gap,) = await _gaps(database)
    assert not await sources.gap_seen(gap.id, by="Mette", at=LATER)
    await posts.save_batch([], some_progress(gap="away for more than 7 days"), at=LATER)
    assert await sources.gap_seen(gap.id, by="Mette", at=LATER)
    assert not await sources.gap_seen(gap.id, by="Lars", at=LATER)
    (seen,) = await sources.gaps(covered_since=NOW)
    assert (seen.closed_by, seen.closed_at, seen.why) == ("Mette", LATER, "the line fell; away for more than 7 days")
    async with database.read() as connection:
        lines = [(row.by, row.action) for row in await connection.execute(select(t.audit))]
    assert lines == [("Mette", "gap seen")]


async def test_a_gap_of_a_source_that_is_gone_ends_and_waits_for_a_person(database: Database) -> None:
    sources = Sources(database)
    for account, source in (("a", "r/denmrk"), ("a", "mentions"), ("b", "r/denmrk"), ("gone", "mentions")):
        await sources.stumble(account, source, "the line fell", at=NOW, opens_gap=True)
    assert await sources.leave("a", but=("r/denmark", "mentions"), at=LATER) == 1
    assert await sources.leave_accounts(but=("a", "b"), at=LATER) == 1
    assert [(gap.account, gap.source, gap.until_at, gap.closed_at) for gap in await _gaps(database)] == [
        ("a", "r/denmrk", LATER, None),
        ("a", "mentions", None, None),
        ("b", "r/denmrk", None, None),
        ("gone", "mentions", LATER, None),
    ]
    assert await sources.leave("b", but=(), at=LATER) == 1
    assert await sources.leave_accounts(but=(), at=LATER + timedelta(minutes=1)) == 1
    assert all([await sources.gap_seen(gap.id, by="Mette", at=LATER) for gap in await _gaps(database)])


async def test_open_gaps_come_first_and_old_covered_ones_not_at_all(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    for minutes, source in enumerate(("a", "b", "c")):
        at = NOW + timedelta(minutes=minutes)
        await sources.stumble("x-main", source, "the line fell", at=at, opens_gap=True)
    await posts.save_batch([], some_progress(source="c"), at=LATER)
    await posts.save_batch([], some_progress(source="a"), at=NOW)
    assert [gap.source for gap in await sources.gaps(covered_since=NOW + timedelta(minutes=1))] == ["b", "c"]
    assert [gap.source for gap in await sources.gaps(covered_since=NOW)] == ["b", "c", "a"]


async def test_a_doubt_keeps_what_is_open_open_and_the_next_full_fetch_closes_it(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await posts.save_batch([], some_progress(), at=NOW)
    await sources.stumble("x-main", "mentions", "the line fell", at=LATER, opens_gap=True)
    await posts.save_batch([], some_progress(doubt="a line could not be read"), at=LATER)
    (gap,) = await _gaps(database)
    assert (gap.from_at, gap.closed_at, gap.why) == (NOW, None, "the line fell")
    await posts.save_batch([], some_progress(), at=LATER)
    (gap,) = await _gaps(database)
    assert gap.closed_at == LATER


async def test_what_is_out_of_reach_ends_where_the_fetch_begins(database: Database) -> None:
    posts, sources, minute = Posts(database), Sources(database), timedelta(minutes=1)
    await posts.save_batch([], some_progress(), at=NOW)
    await sources.stumble("x-main", "mentions", "the line fell", at=NOW + minute, opens_gap=True)
    await posts.save_batch([], some_progress(gap="too many", missing_until=NOW + 3 * minute), at=LATER)
    missing, covered = await _gaps(database)
    assert (missing.from_at, missing.until_at, missing.closed_at) == (NOW, NOW + 3 * minute, None)
    assert missing.why == "the line fell; too many"
    assert (covered.from_at, covered.until_at, covered.closed_at) == (NOW + 3 * minute, LATER, LATER)
    assert covered.why == "the line fell"


async def test_a_source_is_fresh_as_of_what_was_heard_and_a_first_start_is_remembered(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await sources.begin("x-main", "mentions", cursor="since then")
    await sources.begin("x-main", "mentions", cursor="since later")
    await sources.begin("x-main", "mentions", cursor="since later", instead_of="since ever")
    assert await sources.cursor("x-main", "mentions") == "since then"
    await sources.begin("x-main", "mentions", cursor="since then, and more", instead_of="since then")
    assert await sources.cursor("x-main", "mentions") == "since then, and more"
    await posts.save_batch([], some_progress(heard_until=NOW), at=LATER)
    (state,) = await sources.all()
    assert state.fresh_at == NOW
    await sources.stumble("x-main", "mentions", "deaf", at=LATER, opens_gap=True, since=NOW - timedelta(hours=1))
    (gap,) = await _gaps(database)
    assert gap.from_at == NOW - timedelta(hours=1)
