"""Alerts are rows: grouped by one, told by one, ended by whoever acts, and none is lost on the way."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.config import Step
from core.conversation import Move
from core.decision import Action
from core.incident import Trip
from core.ladder import Ladder, Why
from store import tables as t
from store.alerts import Alerts
from store.conversations import Conversations
from store.database import Database
from store.incidents import Incidents
from store.promises import Promises
from store.replies import Replies
from store.tellings import Telling, Tellings, hash_of
from tests.builders import NOW, a_mention, a_notice, a_plan, a_post, an_author, decided

HOLD = timedelta(seconds=90)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
LADDER = Ladder(
    steps=(Step(name="agent"), Step(name="team", after_minutes=10), Step(name="on-call", after_minutes=30)),
    again_minutes=60,
)
OPERATOR = a_notice(kind="operator", title="x-main needs you", body="sign in again")


@pytest.fixture
def alerts(database: Database) -> Alerts:
    return Alerts(database)


@pytest.fixture
def tellings(database: Database) -> Tellings:
    return Tellings(database)


async def _told(tellings: Tellings, at: timedelta = timedelta(0), ladder: Ladder = LADDER) -> list[Telling]:
    """Gather and claim, as one look of a teller does."""
    now = NOW + at
    await tellings.gather(ladder, at=now)
    return await tellings.claim_due(ladder, at=now, hold_until=now + HOLD, links_until=now + DAY)


async def _tell(tellings: Tellings, at: timedelta = timedelta(0), ladder: Ladder = LADDER) -> list[Telling]:
    """The same, and everybody took it."""
    claimed = await _told(tellings, at, ladder)
    for telling in claimed:
        await tellings.mark_delivered(telling, ladder, at=NOW + at)
    return claimed


async def _angry(database: Database, *numbers: int, at: timedelta = timedelta(0)) -> list[int]:
    """Escalate a conversation of its own for each number. Returns the conversations."""
    authors = [an_author(str(number)) for number in numbers]
    posts = [a_post(str(1000 + number), author=author) for number, author in zip(numbers, authors, strict=True)]
    plan = a_plan(Action.DRAFT, notice=True, escalate=True)
    ids = await decided(database, *(a_mention(post=post) for post in posts), plan=plan, at=NOW + at)
    async with database.read() as connection:
        query = select(t.posts.c.conversation_id).where(t.posts.c.id.in_(ids)).order_by(t.posts.c.id)
        return list((await connection.execute(query)).scalars())


async def test_an_alert_comes_as_it_was_written(alerts: Alerts, tellings: Tellings) -> None:
    await alerts.queue(OPERATOR, at=NOW)
    (telling,) = await _told(tellings)
    (item,) = telling.items
    assert (item.title, item.body, item.conversation_id) == (OPERATOR.title, OPERATOR.body, None)
    assert (telling.why, telling.step, telling.attempts, telling.group.account) == (Why.FIRST, 0, 1, "x-main")


async def test_two_tellers_at_once_make_one_group_and_tell_it_once(alerts: Alerts, tellings: Tellings) -> None:
    for number in range(20):
        await alerts.queue(a_notice(account=f"x-{number % 3}"), at=NOW)
    await asyncio.gather(*(tellings.gather(LADDER, at=NOW) for _ in range(4)))
    # What one teller found locked it finds at its next look.
    await tellings.gather(LADDER, at=NOW)
    claims = await asyncio.gather(
        *(tellings.claim_due(LADDER, at=NOW, hold_until=NOW + HOLD, links_until=NOW + DAY, limit=2) for _ in range(4))
    )
    told = [telling for claim in claims for telling in claim]
    assert sorted(telling.group.account for telling in told) == ["x-0", "x-1", "x-2"]
    assert sum(telling.count for telling in told) == 20


async def test_a_telling_whose_teller_was_lost_is_claimed_again_after_the_hold(
    alerts: Alerts, tellings: Tellings
) -> None:
    await alerts.queue(OPERATOR, at=NOW)
    (first,) = await _told(tellings)
    assert await _told(tellings, HOLD / 2) == []
    (again,) = await _told(tellings, HOLD)
    assert (again.id, again.attempts, again.items) == (first.id, 2, first.items)
    assert again.token != first.token


async def test_a_failed_telling_comes_back_when_it_is_due_and_a_delivered_one_never(
    alerts: Alerts, tellings: Tellings
) -> None:
    ladder = Ladder(steps=LADDER.steps[:1])
    await alerts.queue(OPERATOR, at=NOW)
    (telling,) = await _told(tellings, ladder=ladder)
    await tellings.mark_failed(telling, "no target took it", not_before=NOW + timedelta(seconds=4))
    assert await _told(tellings, timedelta(seconds=3), ladder) == []
    (telling,) = await _tell(tellings, timedelta(seconds=4), ladder)
    assert await _told(tellings, DAY, ladder) == []
    assert (await alerts.count_by_state(), await tellings.count_by_state()) == ({"delivered": 1}, {"delivered": 1})


async def test_what_comes_while_people_are_told_is_gathered_and_every_alert_is_in_one_telling(
    database: Database, alerts: Alerts, tellings: Tellings
) -> None:
    for _ in range(3):
        await alerts.queue(a_notice(), at=NOW)
    (first,) = await _told(tellings)
    for _ in range(7):
        await alerts.queue(a_notice(urgency=80), at=NOW)
    await tellings.mark_delivered(first, LADDER, at=NOW)
    assert await _tell(tellings, timedelta(seconds=60)) == []
    (more,) = await _tell(tellings, timedelta(minutes=5))
    assert (first.count, more.count, more.total, more.why) == (3, 7, 10, Why.MORE)
    assert await alerts.count_by_state() == {"delivered": 10}


async def test_the_ladder_is_climbed_to_its_end_and_told_again_there(alerts: Alerts, tellings: Tellings) -> None:
    await alerts.queue(a_notice(), at=NOW)
    told = [(at, one.step, one.why) for at in range(240) for one in await _tell(tellings, at * MINUTE)]
    assert told == [(0, 0, Why.FIRST), (10, 1, Why.CLIMB), (30, 2, Why.CLIMB), (90, 2, Why.AGAIN), (210, 2, Why.AGAIN)]


async def test_one_click_ends_the_whole_group_and_the_next_one_is_told_who_was_first(
    database: Database, alerts: Alerts, tellings: Tellings
) -> None:
    for _ in range(3):
        await alerts.queue(a_notice(), at=NOW)
    (telling,) = await _tell(tellings)
    link = await alerts.link(hash_of(telling.token), at=NOW)
    assert link is not None
    assert (link.step, link.is_expired) == ("agent", False)
    assert await alerts.acknowledge(link.group_id, by="Kari", through="link", seen=99, at=NOW)
    assert not await alerts.acknowledge(link.group_id, by="Per", through="link", seen=99, at=NOW)
    assert await _told(tellings, DAY) == []
    standing = await alerts.standing(link.group_id)
    assert standing is not None
    assert (standing.group.acknowledged_by, standing.unhandled, await alerts.open()) == ("Kari", 0, [])
    async with database.read() as connection:
        (line,) = list(await connection.execute(select(t.audit)))
    assert (line.by, line.action, line.subject, line.detail) == (
        "Kari",
        "alert acknowledged",
        f"alert {link.group_id}",
        {"before": "open", "after": "acknowledged", "through": "link"},
    )


async def test_a_telling_on_its_way_is_void_once_somebody_acknowledges(alerts: Alerts, tellings: Tellings) -> None:
    await alerts.queue(a_notice(), at=NOW)
    (telling,) = await _told(tellings)
    await tellings.mark_failed(telling, "no target took it", not_before=NOW)
    await alerts.acknowledge(telling.group.id, by="Kari", through="dashboard", seen=99, at=NOW)
    assert await _told(tellings, DAY) == []
    assert await tellings.count_by_state() == {"void": 1}


async def test_what_came_after_the_page_was_opened_is_not_acknowledged_with_it(
    alerts: Alerts, tellings: Tellings
) -> None:
    await alerts.queue(a_notice(), at=NOW)
    (telling,) = await _tell(tellings)
    (seen,) = await alerts.members(telling.group.id, limit=10)
    await alerts.queue(a_notice(title="unseen"), at=NOW)
    await tellings.gather(LADDER, at=NOW)
    assert await alerts.acknowledge(telling.group.id, by="Kari", through="link", seen=seen.id, at=NOW)
    (news,) = await _tell(tellings, 2 * MINUTE)
    assert ([item.title for item in news.items], news.group.id != telling.group.id) == (["unseen"], True)


async def test_a_link_expires_and_is_kept_only_as_a_hash(
    database: Database, alerts: Alerts, tellings: Tellings
) -> None:
    await alerts.queue(a_notice(), at=NOW)
    (telling,) = await _tell(tellings)
    assert await alerts.link(telling.token, at=NOW) is None
    found = await alerts.link(hash_of(telling.token), at=NOW + DAY)
    assert found is not None
    assert found.is_expired
    async with database.read() as connection:
        (kept,) = list(await connection.execute(select(t.alert_links.c.token_hash)))
    assert telling.token not in kept.token_hash


@pytest.mark.parametrize("deed", ["take over", "resolve", "answer", "approve"])
async def test_who_acts_in_a_conversation_ends_its_alert(
    database: Database, alerts: Alerts, tellings: Tellings, deed: str
) -> None:
    (conversation_id,) = await _angry(database, 1)
    await _tell(tellings)
    await _do(database, deed, conversation_id)
    assert await _told(tellings, DAY) == []
    (ended,) = await alerts.ended()
    assert (ended.group.acknowledged_by, ended.unhandled) == ("Kari", 0)


async def _do(database: Database, deed: str, conversation_id: int) -> None:
    thread = await Conversations(database).thread(conversation_id)
    assert thread is not None
    entry, version = thread.entries[0], thread.conversation.version
    match deed:
        case "answer":
            await Replies(database).answer(entry.heard.id, "Vi ser på det.", by="Kari", at=NOW)
        case "approve":
            (reply,) = entry.replies
            await Replies(database).approve(reply.id, "Vi ser på det.", by="Kari", version=reply.version, at=NOW)
        case _:
            await Conversations(database).move(conversation_id, Move(deed), by="Kari", version=version, at=NOW)


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "called off"])
@pytest.mark.parametrize("was_told", [True, False], ids=["told", "not yet told"])
async def test_a_promise_that_ends_ends_its_alert_and_no_other(
    database: Database, alerts: Alerts, tellings: Tellings, is_kept: bool, was_told: bool
) -> None:
    (conversation_id,) = await decided(database, a_mention(), plan=a_plan(Action.SHOW))
    promises = Promises(database)
    for what in ("Ring tilbage", "Send en ny router"):
        await promises.make(conversation_id, what, NOW + MINUTE, by="Kari", at=NOW)
    await promises.tell_missed(at=NOW + MINUTE)
    if was_told:
        await _tell(tellings, MINUTE)
    first, second = (await promises.of([conversation_id]))[conversation_id]
    await promises.end(first.id, of=conversation_id, is_kept=is_kept, by="Kari", at=NOW + 2 * MINUTE)
    (told,) = await _tell(tellings, 12 * MINUTE)
    assert (told.why, told.count) == (Why.CLIMB if was_told else Why.FIRST, 1)
    await promises.end(second.id, of=conversation_id, is_kept=is_kept, by="Kari", at=NOW + 13 * MINUTE)
    assert await _told(tellings, DAY) == []
    (ended,) = await alerts.ended()
    assert (ended.group.acknowledged_by, ended.unhandled) == ("Kari", 0)


async def test_who_takes_one_of_three_has_not_taken_the_others(
    database: Database, alerts: Alerts, tellings: Tellings
) -> None:
    conversations = await _angry(database, 1, 2, 3)
    await _tell(tellings)
    await _do(database, "take over", conversations[0])
    (climb,) = await _tell(tellings, 10 * MINUTE)
    assert (climb.why, climb.count) == (Why.CLIMB, 2)
    for conversation_id in conversations[1:]:
        await _do(database, "take over", conversation_id)
    assert await _told(tellings, DAY) == []


async def test_who_has_it_before_people_are_told_spares_them(
    database: Database, alerts: Alerts, tellings: Tellings
) -> None:
    (conversation_id,) = await _angry(database, 1)
    await _do(database, "take over", conversation_id)
    assert await _told(tellings) == []
    assert await alerts.count_by_state() == {"settled": 1}


async def test_who_clicks_in_the_alert_of_a_storm_is_on_the_incident_and_the_other_way_round(
    database: Database, alerts: Alerts, tellings: Tellings
) -> None:
    incidents = Incidents(database)
    trip = Trip(reasons=("many",), measures=())
    notice = a_notice(kind="incident", title="Storm")
    storm = await incidents.trip("x-main", trip, statements={}, notice=notice, at=NOW)
    assert storm is not None
    (telling,) = await _tell(tellings)
    await alerts.acknowledge(telling.group.id, by="Kari", through="link", seen=99, at=NOW)
    taken = await incidents.get(storm.id)
    assert taken is not None
    assert (taken.taken_by, taken.version) == ("Kari", storm.version + 1)
    await incidents.reset(storm.id, by="Kari", version=taken.version, at=NOW)
    storm = await incidents.trip("x-main", trip, statements={}, notice=notice, at=NOW + DAY)
    assert storm is not None
    await _tell(tellings, DAY)
    await incidents.take(storm.id, by="Per", version=storm.version, at=NOW + DAY)
    assert await _told(tellings, 2 * DAY) == []


async def test_a_new_ladder_counts_from_the_next_start_on_and_wakes_nobody_for_what_is_over(
    alerts: Alerts, tellings: Tellings
) -> None:
    short = Ladder(steps=LADDER.steps[:1])
    await alerts.queue(a_notice(account="old"), at=NOW)
    await _tell(tellings, ladder=short)
    await alerts.queue(a_notice(account="new"), at=NOW)
    await _tell(tellings)
    quick = Ladder(steps=(LADDER.steps[0], Step(name="team", after_minutes=5)))
    await tellings.reckon(quick)
    (climb,) = await _tell(tellings, 5 * MINUTE, quick)
    assert (climb.group.account, climb.step) == ("new", 1)
