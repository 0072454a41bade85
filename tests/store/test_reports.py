"""The numbers of small worlds that a person can count by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from sqlalchemy import select, text

from core.assessment import Intent, Language, Sentiment
from core.conversation import Move
from core.decision import Action
from core.report import (
    ANY,
    DELETED,
    NONE,
    TOOK,
    UNREAD,
    Answer,
    Facet,
    Fate,
    Kind,
    Outcome,
    Which,
    percentile,
    period,
    split,
)
from core.sla import Hours, Span
from store import tables as t
from store.combined import Tally
from store.database import Database
from store.migrate import alembic_config
from store.posts import Posts
from store.replies import Replies
from store.reports import Line, Reports
from tests.report_crowd import Crowd
from tests.report_world import World

CPH = ZoneInfo("Europe/Copenhagen")
OFFICE = Hours(
    week=((Span(start=8 * 60, end=16 * 60),),) * 5 + ((), ()), holidays=frozenset({date(2026, 12, 25)}), zone=CPH
)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def _at(day: int, hour: int, minute: int = 0, second: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=CPH)


def _in(kind: Kind, first: int = 1, last: int = 30, *, month: int = 11) -> Which:
    days = period(date(2026, month, first), date(2026, month, last), CPH)
    return Which(kind=kind, start=days.start, until=days.until)


async def _tally(world: World, which: Which, *facets: Facet, now: datetime = LATER) -> Tally:
    async with Reports(world.database, OFFICE).look(at=now) as look:
        return await look.tally(which, *facets)


async def _count(world: World, which: Which, *, now: datetime = LATER) -> int:
    """Counted, and listed to the last page: the same."""
    async with Reports(world.database, OFFICE).look(at=now) as look:
        counted = await look.count(which)
        assert counted == len(await look.lines(which, limit=1000))
        return counted


async def _lines(world: World, which: Which, *, now: datetime = LATER) -> list[Line]:
    async with Reports(world.database, OFFICE).look(at=now) as look:
        return await look.lines(which, limit=1000)


async def test_a_day_begins_and_ends_at_the_houses_midnight(world: World) -> None:
    for at in (_at(21, 23, 59, 59), _at(22, 0), _at(22, 23, 59, 59), _at(23, 0)):
        await world.post(at)
    assert [await _count(world, _in(Kind.POSTS, day, day)) for day in (21, 22, 23)] == [1, 2, 1]
    assert await _count(world, _in(Kind.POSTS)) == 4


async def test_the_days_of_both_clock_changes_hold_their_own_posts(world: World) -> None:
    for hour in range(72):
        await world.post(datetime(2026, 3, 28, tzinfo=CPH).astimezone(UTC) + timedelta(hours=hour))
        await world.post(datetime(2026, 10, 24, tzinfo=CPH).astimezone(UTC) + timedelta(hours=hour))
    for month, first, hours in ((3, 28, [24, 23, 24]), (10, 24, [24, 25, 23])):
        days = period(date(2026, month, first), date(2026, month, first + 2), CPH)
        which = Which(kind=Kind.POSTS, start=days.start, until=days.until)
        async with Reports(world.database, OFFICE).look(at=LATER) as look:
            parts = [replace(which, start=part.start, until=part.until) for part in split(days, CPH)]
            assert [await look.count(part) for part in parts] == hours


async def test_a_post_has_one_mood_and_counts_with_each_of_its_topics(world: World) -> None:
    await world.post(_at(2, 9), intents=(Intent.COMPLAINT, Intent.BILLING))
    await world.post(_at(2, 9), intents=(Intent.COMPLAINT,), sentiment=Sentiment.NEUTRAL)
    await world.post(_at(2, 9), sentiment=Sentiment.POSITIVE, language=Language.SV)
    await world.post(_at(2, 9), is_read=False)
    posts = _in(Kind.POSTS)
    assert await _tally(world, posts, Facet.MOOD) == {
        ("negative",): 1, ("neutral",): 1, ("positive",): 1, (UNREAD,): 1,
    }  # fmt: skip
    assert await _tally(world, posts, Facet.TOPIC) == {("complaint",): 2, ("billing",): 1, (NONE,): 1, (UNREAD,): 1}
    for topic, number in (("complaint", 2), ("billing", 1), (NONE, 1), (UNREAD, 1), ("legal", 0)):
        assert await _count(world, posts.having(Facet.TOPIC, topic)) == number
    assert await _count(world, posts.having(Facet.LANGUAGE, "sv").having(Facet.MOOD, "positive")) == 1


async def test_a_deleted_post_stays_counted_on_its_day_and_says_that_it_is_deleted(world: World) -> None:
    gone = await world.post(_at(2, 9), intents=(Intent.COMPLAINT,))
    await world.post(_at(2, 10), intents=(Intent.COMPLAINT,))
    await world.delete(gone, _at(5, 9))
    posts = _in(Kind.POSTS, 2, 2)
    assert await _count(world, posts) == 2
    for facet in (Facet.MOOD, Facet.LANGUAGE, Facet.TOPIC, Facet.WATCH):
        tally = await _tally(world, posts, facet)
        assert tally[DELETED,] == 1
        assert tally.total() == 2
    [line] = await _lines(world, posts.having(Facet.MOOD, DELETED))
    assert (line.text, line.is_deleted, line.url) == ("", True, "")


async def test_what_is_forgotten_after_the_retention_time_changes_no_number(world: World) -> None:
    post = await world.post(_at(2, 9), intents=(Intent.COMPLAINT,))
    await world.decide(post, Action.DRAFT, _at(2, 9))
    await world.publish((await world.approve(post, _at(2, 10), text="Anders.")).id, _at(2, 10))
    async with Reports(world.database, OFFICE).look(at=LATER) as look:
        before = [await look.tally(_in(Kind.POSTS), Facet.MOOD, Facet.TOPIC, Facet.LANGUAGE, Facet.WATCH)]
        before.append(await look.tally(_in(Kind.DRAFTS), Facet.FATE, Facet.LANGUAGE))
    await Posts(world.database).purge(before=_at(20, 0), at=_at(20, 0))
    async with Reports(world.database, OFFICE).look(at=LATER) as look:
        after = [await look.tally(_in(Kind.POSTS), Facet.MOOD, Facet.TOPIC, Facet.LANGUAGE, Facet.WATCH)]
        after.append(await look.tally(_in(Kind.DRAFTS), Facet.FATE, Facet.LANGUAGE))
    assert before == after
    assert after[1] == {("edited", "da"): 1}


async def test_a_conversation_that_the_machine_and_then_a_person_answered_has_both_times(world: World) -> None:
    post = await world.post(_at(20, 15, 30))
    await world.acknowledge(post, _at(20, 15, 31))
    await world.answer(post, _at(23, 8, 10))
    which = _in(Kind.CONVERSATIONS)
    async with Reports(world.database, OFFICE).look(at=LATER) as look:
        times = [await look.times(which, facet) for facet in TOOK]
    # A Friday afternoon to a Monday morning: 64 hours and 40 minutes by the clock, 40 minutes of open time.
    assert times == [[60.0], [64 * 3600 + 40 * 60], [40 * 60]]
    assert await _tally(world, which, Facet.ANSWER) == {(Answer.PERSON,): 1}
    assert await _count(world, which.having(Facet.AUTOMATIC_TOOK, "5m")) == 1
    assert await _count(world, which.having(Facet.PERSON_TOOK, "3d")) == 1
    assert await _count(world, which.having(Facet.PERSON_TOOK, "1h")) == 0
    assert await _count(world, which.having(Facet.PERSON_TOOK_OPEN, "1h")) == 1
    assert await _count(world, which.having(Facet.PERSON_TOOK_OPEN, "any").having(Facet.PLATFORM, "x")) == 1


async def test_a_holiday_and_a_weekend_are_no_open_time(world: World) -> None:
    post = await world.post(_at(24, 15, month=12))
    await world.answer(post, _at(28, 9, month=12))
    async with Reports(world.database, OFFICE).look(at=LATER) as look:
        times = await look.times(_in(Kind.CONVERSATIONS, 24, 24, month=12), Facet.PERSON_TOOK_OPEN)
    assert times == [2 * 3600]


async def test_only_the_first_answer_to_a_conversation_counts_and_every_conversation_is_one_of_three(
    world: World,
) -> None:
    twice = await world.post(_at(2, 9), root="t", author="a")
    await world.answer(twice, _at(2, 10))
    again = await world.post(_at(2, 12), root="t", author="a")
    await world.answer(again, _at(2, 13))
    closed = await world.post(_at(2, 9))
    await world.move(closed, Move.RESOLVE, _at(2, 11))
    waiting = await world.post(_at(2, 9))
    await world.acknowledge(waiting, _at(2, 9, 1))
    which = _in(Kind.CONVERSATIONS)
    assert await _tally(world, which, Facet.ANSWER) == {("person",): 1, ("closed",): 1, ("waiting",): 1}
    assert await _count(world, which.having(Facet.ANSWER, "waiting").having(Facet.ACKNOWLEDGED, "yes")) == 1
    async with Reports(world.database, OFFICE).look(at=LATER) as look:
        assert await look.times(which, Facet.PERSON_TOOK) == [3600]


async def test_an_older_post_that_a_backfill_brings_does_not_move_a_conversation_to_another_day(world: World) -> None:
    await world.post(_at(25, 9), root="t", author="a")
    await world.post(_at(23, 9), root="t", author="a", is_late=True, heard_at=_at(26, 9))
    assert await _count(world, _in(Kind.CONVERSATIONS, 25, 25)) == 1
    assert await _count(world, _in(Kind.CONVERSATIONS, 23, 23)) == 0
    assert await _tally(world, _in(Kind.POSTS), Facet.LATE) == {("yes",): 1, ("no",): 1}


async def test_an_answer_that_is_not_published_answers_nobody(world: World) -> None:
    post = await world.post(_at(2, 9))
    await Replies(world.database).answer(post, "Hej.", by="Lars", at=_at(2, 10))
    assert await _tally(world, _in(Kind.CONVERSATIONS), Facet.ANSWER) == {("waiting",): 1}
    assert await _count(world, _in(Kind.REPLIES)) == 0


async def test_the_bots_report_card_counts_every_draft_once(world: World) -> None:
    posts = [await world.post(_at(2, 9)) for _ in range(9)]
    for nth, post in enumerate(posts):
        await world.decide(post, Action.ACKNOWLEDGE if nth >= 7 else Action.DRAFT, _at(2, 9), rule=f"r{nth % 2}")
    await world.approve(posts[0], _at(2, 10))
    edited = await world.approve(posts[1], _at(2, 10), text="Noget andet.")
    await world.publish(edited.id, _at(2, 10))
    await world.drop(posts[2], _at(2, 10))
    await world.delete(posts[3], _at(2, 10))
    held = await world.approve(posts[4], _at(2, 10))
    await world.hold(held.id, _at(2, 11))
    # A person takes back what they approved, and writes another text.
    back = await world.approve(posts[5], _at(2, 10))
    await Replies(world.database).redraft(back.id, by="Lars", version=back.version, at=_at(2, 10, 1))
    await world.approve(posts[5], _at(2, 10, 2), text="Bedre.")
    await world.publish((await world.reply_of(posts[7])).id, _at(2, 11))
    which = _in(Kind.DRAFTS)
    assert await _tally(world, which, Facet.FATE) == {
        (Fate.UNCHANGED,): 1, (Fate.EDITED,): 2, (Fate.REJECTED,): 1, (Fate.VOID,): 1, (Fate.HELD,): 1,
        (Fate.WAITING,): 2, (Fate.BY_ITSELF,): 1,
    }  # fmt: skip
    for fate in Fate:
        await _count(world, which.having(Facet.FATE, fate))
    assert (await _tally(world, which, Facet.RULE)) == {("r0",): 5, ("r1",): 4}
    await world.delete(posts[1], _at(3, 9))
    assert (await _tally(world, which, Facet.FATE))[Fate.EDITED,] == 2


async def test_a_due_time_is_kept_by_an_answer_a_takeover_or_a_resolution_in_time(world: World) -> None:
    due = _at(2, 10)
    kinds = ("answered", "late", "taken", "resolved", "before", "gone", "nobody", "at the second")
    posts = {name: await world.post(_at(2, 9)) for name in kinds}
    await world.move(posts["before"], Move.TAKE_OVER, _at(2, 9))
    await world.move(posts["before"], Move.HAND_BACK, _at(2, 9))
    for post in posts.values():
        await world.decide(post, Action.SHOW, _at(2, 9, 1), due_at=due)
    await world.answer(posts["answered"], _at(2, 9, 59))
    await world.answer(posts["at the second"], due)
    await world.answer(posts["late"], _at(2, 10, 0, 1))
    await world.move(posts["taken"], Move.TAKE_OVER, _at(2, 9, 30))
    await world.move(posts["resolved"], Move.RESOLVE, _at(2, 9, 30))
    await world.delete(posts["gone"], _at(2, 9, 30))
    promises = _in(Kind.PROMISES)
    assert await _tally(world, promises, Facet.OUTCOME) == {
        (Outcome.MET,): 4, (Outcome.MISSED,): 3, (Outcome.WITHDRAWN,): 1,
    }  # fmt: skip
    assert await _tally(world, promises, Facet.OUTCOME, now=_at(2, 9, 45)) == {
        (Outcome.MET,): 4, (Outcome.RUNNING,): 3, (Outcome.WITHDRAWN,): 1,
    }  # fmt: skip
    for outcome in Outcome:
        await _count(world, promises.having(Facet.OUTCOME, outcome))
    # Once it is over it does not change, though the post goes and somebody resolves the conversation.
    await world.delete(posts["nobody"], _at(3, 9))
    await world.move(posts["late"], Move.RESOLVE, _at(3, 9))
    assert (await _tally(world, promises, Facet.OUTCOME))[Outcome.MISSED,] == 3


async def test_work_is_counted_by_who_did_it_and_when(world: World) -> None:
    one, two = await world.post(_at(2, 9)), await world.post(_at(2, 9), language=Language.SV)
    await world.answer(one, _at(3, 9), by="Lars")
    await world.answer(two, _at(3, 9), by="Nora")
    await world.move(one, Move.TAKE_OVER, _at(3, 8), by="Lars")
    await world.move(one, Move.RESOLVE, _at(4, 9), by="Lars")
    assert await _tally(world, _in(Kind.REPLIES), Facet.BY) == {("Lars",): 1, ("Nora",): 1}
    assert await _tally(world, _in(Kind.MOVES), Facet.BY, Facet.MOVE) == {
        ("Lars", "take over"): 1, ("Lars", "resolve"): 1,
    }  # fmt: skip
    assert await _count(world, _in(Kind.MOVES, 3, 3).having(Facet.BY, "Lars")) == 1
    assert await _count(world, _in(Kind.REPLIES).having(Facet.LANGUAGE, "sv")) == 1
    assert await _count(world, _in(Kind.MOVES).having(Facet.LANGUAGE, "sv")) == 0


async def test_the_slowest_comes_first_where_the_question_is_how_long_it_took(world: World) -> None:
    for minutes in (5, 90, 30):
        await world.answer(await world.post(_at(2, 9)), _at(2, 9) + timedelta(minutes=minutes))
    lines = await _lines(world, _in(Kind.CONVERSATIONS).having(Facet.PERSON_TOOK, "any"))
    taken = [line.person_took for line in lines if line.person_took is not None]
    assert taken == [90 * 60, 30 * 60, 5 * 60]
    assert percentile(sorted(taken), 50) == 30 * 60


async def test_a_house_from_before_these_columns_counts_the_same(database: Database) -> None:
    """Down to version 0018 and up again: what the migration finds is what was written with the facts."""
    await Crowd(seed=6, until=LATER).settle_in(database, conversations=120)
    before = await _counted_from(database)
    async with database.begin() as connection:
        await connection.run_sync(lambda bare: command.downgrade(alembic_config(bare), "0018"))
        await connection.run_sync(lambda bare: command.upgrade(alembic_config(bare), "head"))
    assert await _counted_from(database) == before
    assert sum(took is not None for *_, took, _answers in before[1]) > 20


async def _counted_from(database: Database) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    p, c = t.posts.c, t.conversations.c
    async with database.read() as connection:
        posts = await connection.execute(select(p.id, p.reading).order_by(p.id))
        threads = await connection.execute(
            select(c.id, c.first_post_id, c.began_at, c.automatic_took, c.person_took, c.answers).order_by(c.id)
        )
        # In whole microseconds: a difference of two instants is no exact float.
        took = [(*row[:3], *(None if one is None else round(one * 1_000_000) for one in row[3:])) for row in threads]
        return [tuple(row) for row in posts], took


async def test_a_file_of_how_long_it_took_may_have_more_lines_than_a_statement_has_places(world: World) -> None:
    """PostgreSQL takes 32,767 values in a statement; a file has up to 50,000 lines."""
    post = await world.post(_at(3, 9))
    await world.answer(post, _at(3, 10))
    many, same = 33_000, ", ".join(one.name for one in t.conversations.c if one.name not in ("id", "root_id"))
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})"
    copied = f"SELECT 1000 + i, 'r' || i, {same} FROM conversations, n WHERE id < 1000"
    async with world.database.begin() as connection:
        await connection.execute(text(f"INSERT INTO conversations (id, root_id, {same}) {numbers} {copied}"))
    which = _in(Kind.CONVERSATIONS).having(Facet.PERSON_TOOK, ANY)
    async with Reports(world.database, OFFICE).look(at=LATER) as look:
        assert len(await look.lines(which, limit=50_000)) == await look.count(which) == many + 1
