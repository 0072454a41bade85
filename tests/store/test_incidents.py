"""One incident an account, however many processes see the storm; a person closes it; the past is counted once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, select, text

from core.assessment import Language, Sentiment
from core.decision import Action, Facts, Notice, Plan
from core.errors import Conflict
from core.incident import Incident, Measure, Trip
from core.reply import Reply, ReplyState
from store import tables as t
from store.database import Database
from store.incidents import Incidents
from store.people import People, Scope
from store.posts import Posts
from store.replies import Replies
from store.tempo import Tempo, answered_since, opted_out_since, recent, sent_since
from tests.builders import (
    NOW,
    a_mention,
    a_plan,
    a_post,
    an_assessment,
    an_author,
    assessed,
    decided,
    saved,
    some_progress,
)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOTICE = Notice(kind="incident", title="Storm on x-main: drafts only", body="- many")
TRIP = Trip(reasons=("many",), measures=(Measure(name="Negative", number="9", usual="0.1"),), post_ids=())


async def _trip(database: Database, *post_ids: int, account: str = "x-main") -> Incident | None:
    trip = Trip(reasons=TRIP.reasons, measures=TRIP.measures, post_ids=post_ids)
    return await Incidents(database).trip(
        account, trip, statements={Language.DA: "Vi ser på det."}, notice=NOTICE, at=NOW
    )


async def _opened(database: Database, *post_ids: int) -> Incident:
    incident = await _trip(database, *post_ids)
    assert incident is not None
    return incident


async def _alerts(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.execute(select(t.alerts.c.title).order_by(t.alerts.c.id))).scalars())


async def test_processes_that_trip_at_once_open_one_incident_and_tell_people_once(database: Database) -> None:
    opened = await asyncio.gather(*(_trip(database) for _ in range(5)))
    assert len([one for one in opened if one is not None]) == 1
    assert [one.account for one in await Incidents(database).open()] == ["x-main"]
    assert await _alerts(database) == [NOTICE.title]
    assert await _trip(database, account="other") is not None


async def test_what_an_incident_says_is_read_back_as_it_was(database: Database) -> None:
    ids = await assessed(database, a_mention("1"), a_mention("2"))
    opened = await _opened(database, *ids)
    [again] = await Incidents(database).open()
    assert again == opened
    assert (again.reasons, again.measures, again.statements) == (
        TRIP.reasons, TRIP.measures, {Language.DA: "Vi ser på det."},
    )  # fmt: skip
    members = await Incidents(database).members(opened.id)
    assert [one.post_id for one in members] == ids[::-1]
    assert (members[0].handle, members[0].sentiment) == ("author77", Sentiment.NEGATIVE)
    assert await Incidents(database).count_members(opened.id) == 2


async def _incident_beside(database: Database, reply: Reply) -> Incident | None:
    """What the guards see just before sending."""
    facts = (await Replies(database).standing(reply, at=NOW)).facts
    assert facts is not None
    return facts.incident


async def test_while_it_is_open_the_facts_and_the_standing_say_so(database: Database) -> None:
    (before,) = await decided(database, a_mention("1"))
    (reply,) = await Replies(database).claim_due("me", at=NOW, lease=HOUR)
    assert await _incident_beside(database, reply) is None
    opened = await _opened(database)
    assert await _incident_beside(database, reply) == opened
    seen: list[Any] = []

    def plan(facts: Facts) -> Plan:
        seen.append(facts.incident)
        return a_plan(Action.SHOW, incident_id=opened.id)(facts)

    (after,) = await decided(database, a_mention("2"), plan=plan)
    assert seen == [opened]
    assert [one.post_id for one in await Incidents(database).members(opened.id)] == [after]
    await Incidents(database).reset(opened.id, by="kari", version=opened.version, at=NOW)
    assert await _incident_beside(database, reply) is None
    assert before != after


async def test_a_person_takes_approves_and_resets_it_and_each_is_audited(database: Database) -> None:
    incidents, opened = Incidents(database), await _opened(database)
    taken = await incidents.take(opened.id, by="kari", version=opened.version, at=NOW)
    approved = await incidents.approve(
        opened.id, {Language.DA: "Ny"}, by="lars", version=taken.version, at=NOW + MINUTE
    )
    assert (approved.taken_by, approved.approved_by, approved.statements) == ("kari", "lars", {Language.DA: "Ny"})
    closed = await incidents.reset(opened.id, by="kari", version=approved.version, at=NOW + HOUR, tempo=(4.0, 3.0))
    assert (closed.is_open, closed.closed_by, closed.heard_per_minute, closed.negative_per_minute) == (
        False, "kari", 4.0, 3.0,
    )  # fmt: skip
    assert await incidents.open() == []
    assert await incidents.closed() == [closed]
    assert await incidents.lately(since=NOW) == {"x-main": [closed]}
    assert await incidents.lately(since=NOW + 2 * HOUR) == {}
    async with database.read() as connection:
        audit = select(t.audit.c.action, t.audit.c.by).order_by(t.audit.c.id)
        assert [tuple(row) for row in await connection.execute(audit)] == [
            ("breaker tripped", "genlyd"), ("incident taken", "kari"), ("statement approved", "lars"),
            ("breaker reset", "kari"),
        ]  # fmt: skip
    assert await _trip(database) is not None


async def test_who_comes_second_is_told_so(database: Database) -> None:
    incidents, opened = Incidents(database), await _opened(database)
    both = (incidents.reset(opened.id, by=by, version=1, at=NOW) for by in ("kari", "lars"))
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "Incident"]
    with pytest.raises(Conflict):
        await incidents.take(opened.id, by="lars", version=2, at=NOW)


async def test_arrivals_are_the_newest_first_by_when_they_were_posted(database: Database) -> None:
    posts = [a_post(str(n), posted_at=NOW - n * MINUTE, author=an_author(str(n))) for n in range(1, 6)]
    await assessed(database, *(a_mention(post=post) for post in posts[:3]))
    await saved(database, a_mention(post=posts[3]))
    await Posts(database).save_batch([a_mention(post=posts[4])], some_progress(is_backfill=True), at=NOW)
    found = await Tempo(database).arrivals("x-main", since=NOW - 30 * MINUTE)
    assert [one.at for one in found] == [NOW - n * MINUTE for n in range(1, 5)]
    assert [one.mood for one in found] == [Sentiment.NEGATIVE] * 3 + [None]
    assert len(await Tempo(database).arrivals("x-main", since=NOW - 2 * MINUTE)) == 1
    assert await Tempo(database).arrivals("other", since=NOW - HOUR) == []


async def test_full_hours_are_counted_once_quiet_ones_too_and_none_from_before_we_listened(database: Database) -> None:
    tempo = Tempo(database)
    posts = [a_post(str(n), posted_at=NOW - 3 * HOUR + n * MINUTE) for n in range(1, 5)]
    await assessed(database, *(a_mention(post=post) for post in posts))
    first, second = await asyncio.gather(
        *(tempo.count_hours("x-main", since=NOW - timedelta(days=28), now=NOW + 5 * MINUTE) for _ in range(2))
    )
    assert max(first, second) == 23  # enrolled a day ago, and the last hour is not settled yet
    hours = await tempo.hours("x-main", since=NOW - timedelta(days=28))
    assert len(hours) == 23
    assert {one.at: (one.heard, one.negative) for one in hours if one.heard} == {NOW - 3 * HOUR: (4, 4)}
    assert await tempo.count_hours("x-main", since=NOW - timedelta(days=28), now=NOW + 5 * MINUTE) == 0
    assert await tempo.count_hours("x-main", since=NOW - timedelta(days=28), now=NOW + 15 * MINUTE) == 1


async def test_our_own_conduct_is_counted(database: Database) -> None:
    await decided(database, *(a_mention(str(n)) for n in range(1, 4)))
    replies = Replies(database)
    first, second, _ = await replies.claim_due("me", at=NOW, lease=HOUR)
    await replies.mark_failed(first, "403", at=NOW)
    await replies.reschedule(second, "later", at=NOW, not_before=NOW + HOUR)
    (card,) = {one.conversation_id for one in (first,)}
    async with database.read() as connection:
        author = (
            await connection.execute(select(t.conversations.c.author_id).where(t.conversations.c.id == card))
        ).scalar_one()
    await People(database).opt_out(author, Scope.AUTOMATIC, because="stop", by="genlyd", at=NOW)
    conduct = await Tempo(database).conduct("x-main", since=NOW - HOUR, now=NOW)
    # Whether there were as many posts as replies is all that is asked.
    assert (conduct.sent, conduct.refused, conduct.opt_outs, conduct.arrivals) == (1, 1, 1, 1)
    assert conduct.answered == frozenset()
    asked = await Tempo(database).conduct("x-main", since=NOW - HOUR, now=NOW, asking={author, author + 99})
    assert asked.answered == {author}
    later = await Tempo(database).conduct("x-main", since=NOW + HOUR, now=NOW)
    assert (later.sent, later.refused, later.opt_outs) == (0, 0, 0)
    assert (await Replies(database).count_by_state())[ReplyState.FAILED] == 1


async def test_only_authors_who_asked_themselves_count_as_asking_us_to_stop(database: Database) -> None:
    authors = [an_author(str(n)) for n in range(1, 4)]
    plan = a_plan(Action.SHOW, opt_out=True)
    await decided(database, a_mention(post=a_post("1", author=authors[0])), plan=plan)
    await assessed(database, *(a_mention(post=a_post(one.native_id, author=one)) for one in authors[1:]))
    async with database.read() as connection:
        ids = list((await connection.execute(select(t.authors.c.id).order_by(t.authors.c.id))).scalars())
    for author_id, scope in zip(ids[1:], (Scope.AUTOMATIC, Scope.LISTENING), strict=True):
        await People(database).opt_out(author_id, scope, because="a troll", by="Kari", at=NOW)
    conduct = await Tempo(database).conduct("x-main", since=NOW - HOUR, now=NOW)
    assert conduct.opt_outs == 1


async def test_the_sample_of_what_is_usual_leaves_the_last_hour_out(database: Database) -> None:
    posts = [a_post(str(n), posted_at=NOW - n * 30 * MINUTE) for n in range(1, 6)]
    await assessed(database, *(a_mention(post=post) for post in posts))
    sample = await Tempo(database).sample("x-main", since=NOW - 24 * HOUR, before=NOW - HOUR)
    assert [one.at for one in sample] == [NOW - n * 30 * MINUTE for n in (3, 4, 5)]
    assert {(one.mood, one.intents, one.is_summons) for one in sample} == {
        (Sentiment.NEGATIVE, an_assessment().intents, True)
    }


@pytest.mark.parametrize(
    ("look", "index"),
    [
        (answered_since("x-main", NOW - HOUR, [1, 2, 3]), "ix_conversations_author"),
        (recent("x-main", NOW - HOUR), "ix_posts_account"),
        (sent_since("x-main", NOW - HOUR), "ix_replies_sending"),
        (opted_out_since("x-main", NOW - HOUR), "ix_opt_outs_since"),
        (select(t.incidents).where(t.incidents.c.account == "x", t.incidents.c.closed_at.is_(None)), "incidents_"),
    ],
    ids=["answered", "posts", "replies", "opt-outs", "incidents"],
)
async def test_every_look_of_the_breaker_is_a_range_of_an_index(
    database: Database, look: Select[Any], index: str
) -> None:
    async with database.begin() as connection:
        if not database.is_sqlite:
            # On a handful of rows PostgreSQL rightly reads them all, by whatever index, and sorts them if asked to.
            for way in ("seqscan", "bitmapscan", *(["sort"] if "ORDER BY" in str(look) else [])):
                await connection.execute(text(f"SET LOCAL enable_{way} = off"))
        dialect = connection.dialect
        compiled = look.compile(dialect=dialect, compile_kwargs={"literal_binds": True, "render_postcompile": True})
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        said = "\n".join(str(tuple(row)) for row in await connection.exec_driver_sql(explain + str(compiled)))
    assert index in said, said
