"""A decision and all it causes are one transaction, and a conversation is acknowledged once (I3)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from core.conversation import Move, Status
from core.decision import URGENT, Action, Facts, Plan
from core.post import Platform
from core.reply import ReplyKind, ReplyState
from store import tables as t
from store.accounts import Accounts
from store.conversations import Conversations
from store.database import Database
from store.decisions import Decisions
from store.inbox import InboxFilters
from store.people import People, Scope
from store.posts import Posts, Stage
from store.promises import Promises
from store.replies import Replies
from tests.builders import NOW, a_mention, a_plan, a_post, an_author, assessed, decided, saved, some_progress

HOUR = timedelta(hours=1)


@pytest.fixture
def decisions(database: Database) -> Decisions:
    return Decisions(database, repeat_alert_after=HOUR)


async def _rows(database: Database, query: Any) -> list[Any]:
    async with database.read() as connection:
        return list(await connection.execute(query))


def _thread(*native_ids: str) -> list[Any]:
    return [a_mention(post=a_post(native_id, root_id="r")) for native_id in native_ids]


async def test_an_acknowledgement_is_approved_and_due_at_once(database: Database, decisions: Decisions) -> None:
    (post_id,) = await assessed(database, a_mention())
    await decisions.decide(post_id, a_plan(), at=NOW)
    (reply,) = await Replies(database).claim_due("me", at=NOW, lease=HOUR)
    assert (reply.post_id, reply.target_id, reply.kind) == (post_id, "1001", ReplyKind.ACKNOWLEDGEMENT)
    assert (reply.is_automatic, reply.approved_by, reply.template) == (True, "rule angry", "da/general/1")
    assert await Posts(database).count_by_stage() == {"decided": 1}


async def test_a_draft_waits_for_a_person(database: Database, decisions: Decisions) -> None:
    (post_id,) = await assessed(database, a_mention())
    await decisions.decide(post_id, a_plan(Action.DRAFT), at=NOW)
    replies = Replies(database)
    assert await replies.count_by_state() == {"draft": 1}
    assert await replies.claim_due("me", at=NOW, lease=HOUR) == []


async def test_two_posts_of_one_conversation_decided_at_once_give_one_acknowledgement(
    database: Database, decisions: Decisions
) -> None:
    ids = await assessed(database, *_thread("1", "2", "3", "4"))
    plans = await asyncio.gather(*(decisions.decide(post_id, a_plan(), at=NOW) for post_id in ids))
    assert sorted(plan.decision.action for plan in plans if plan) == [Action.ACKNOWLEDGE, *[Action.SHOW] * 3]
    assert await Replies(database).count_by_state() == {"approved": 1}


async def test_one_post_decided_by_two_workers_at_once_is_decided_once(
    database: Database, decisions: Decisions
) -> None:
    (post_id,) = await assessed(database, a_mention())
    plans = await asyncio.gather(*(decisions.decide(post_id, a_plan(notice=True), at=NOW) for _ in range(4)))
    assert len([plan for plan in plans if plan is not None]) == 1
    assert len(await _rows(database, select(t.decisions))) == 1
    assert len(await _rows(database, select(t.alerts))) == 1


async def test_batches_that_overlap_in_any_order_are_decided_and_saved_without_waiting_for_ever(
    database: Database, decisions: Decisions
) -> None:
    """New posts of the same conversations arrive, in another order, while two workers decide."""
    ids = await assessed(database, *_crowd("first"))
    arriving = _crowd("second")
    made = await asyncio.gather(
        decisions.decide_all(ids, a_plan(), at=NOW),
        saved(database, *arriving[::-1]),
        decisions.decide_all(ids[::-1], a_plan(), at=NOW),
        Posts(database).save_batch(arriving[10:] + arriving[:10], some_progress(source="search"), at=NOW),
    )
    assert len(made[0]) + len(made[2]) == len(ids)
    assert set(made[0]).isdisjoint(made[2])
    assert await Posts(database).count_by_stage() == {"decided": 30, "saved": 30}


def _crowd(prefix: str) -> list[Any]:
    """One post each of thirty people, in thirty threads."""
    posts = [a_post(f"{prefix}{n}", root_id=f"r{n}", author=an_author(str(n))) for n in range(30)]
    return [a_mention(post=post) for post in posts]


async def test_a_post_that_is_not_assessed_or_not_there_is_not_decided(
    database: Database, decisions: Decisions
) -> None:
    (post_id,) = await saved(database, a_mention())
    assert await decisions.decide(post_id, a_plan(), at=NOW) is None
    assert await decisions.decide(999, a_plan(), at=NOW) is None


async def test_a_planner_that_fails_leaves_the_post_waiting(database: Database, decisions: Decisions) -> None:
    (post_id,) = await assessed(database, a_mention())

    def broken(facts: Facts) -> Plan:
        raise KeyError(facts.heard.id)

    with pytest.raises(KeyError):
        await decisions.decide(post_id, broken, at=NOW)
    assert await Posts(database).count_by_stage() == {"assessed": 1}
    assert await decisions.decide(post_id, a_plan(), at=NOW) is not None


async def test_a_failure_while_saving_leaves_neither_decision_nor_reply(
    database: Database, decisions: Decisions
) -> None:
    (post_id,) = await assessed(database, a_mention())
    with pytest.raises(Exception, match="naive"):
        await decisions.decide(post_id, a_plan(escalate=True, due_at=NOW.replace(tzinfo=None)), at=NOW)
    assert await _rows(database, select(t.decisions)) == []
    assert await Replies(database).count_by_state() == {}
    assert await Posts(database).count_by_stage() == {"assessed": 1}


async def test_the_facts_say_how_everything_stands(database: Database, decisions: Decisions) -> None:
    first, second = await assessed(database, *_thread("1", "2"))
    seen: list[Facts] = []

    def look(facts: Facts) -> Plan:
        seen.append(facts)
        return a_plan()(facts)

    await decisions.decide(first, look, at=NOW)
    await Accounts(database).pause_house(True, by="kari", at=NOW)
    (card,) = (await Conversations(database).inbox(InboxFilters(statuses=tuple(Status)))).cards
    await Conversations(database).move(
        card.conversation.id, Move.TAKE_OVER, by="kari", version=card.conversation.version, at=NOW
    )
    thread = await Conversations(database).thread(card.conversation.id)
    assert thread is not None
    await People(database).opt_out(thread.author_id, Scope.AUTOMATIC, because="stop", by="kari", at=NOW)
    await decisions.decide(second, look, at=NOW + HOUR)
    before, after = seen
    assert (before.is_paused, before.is_opted_out, before.acknowledged_at, before.last_text) == (
        False,
        False,
        None,
        None,
    )
    assert (after.is_paused, after.is_opted_out, after.acknowledged_at) == (True, True, NOW)
    assert (after.last_text, after.has_reply) == (f"Vi har set opslag {first}.", False)
    assert (after.conversation.taken_by, after.now) == ("kari", NOW + HOUR)


@pytest.mark.parametrize(
    ("state", "counts"), [(ReplyState.UNKNOWN, True), (ReplyState.DROPPED, False), (ReplyState.REFUSED, False)]
)
async def test_only_what_may_have_been_seen_counts_as_acknowledged(
    database: Database, decisions: Decisions, state: ReplyState, counts: bool
) -> None:
    first, second = await assessed(database, *_thread("1", "2"))
    await decisions.decide(first, a_plan(), at=NOW)
    async with database.begin() as connection:
        await connection.execute(t.replies.update().values(state=state))
    plan = await decisions.decide(second, a_plan(), at=NOW)
    assert plan is not None
    assert (plan.decision.action is Action.SHOW) is counts


async def test_an_escalation_sets_when_it_is_due_and_the_earliest_stays(
    database: Database, decisions: Decisions
) -> None:
    first, second, third = await assessed(database, *_thread("1", "2", "3"))
    await decisions.decide(first, a_plan(Action.SHOW, escalate=True, due_at=NOW + HOUR), at=NOW)
    await decisions.decide(second, a_plan(Action.SHOW, escalate=True, due_at=NOW + HOUR / 4), at=NOW + HOUR / 10)
    await decisions.decide(third, a_plan(Action.SHOW, escalate=True, due_at=NOW + HOUR * 2), at=NOW + HOUR / 5)
    (card,) = (await Conversations(database).inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    assert (card.conversation.escalated_at, card.conversation.due_at) == (NOW, NOW + HOUR / 4)
    assert card.conversation.urgency == 70


async def test_what_is_ignored_is_resolved_and_what_waits_for_a_person_is_not(
    database: Database, decisions: Decisions
) -> None:
    (alone,) = await assessed(database, a_mention("9"))
    await decisions.decide(alone, a_plan(Action.IGNORE), at=NOW)
    shown, ignored = await assessed(database, *_thread("1", "2"))
    await decisions.decide(shown, a_plan(Action.SHOW), at=NOW)
    await decisions.decide(ignored, a_plan(Action.IGNORE), at=NOW)
    assert await Conversations(database).count() == {"resolved": 1, "open": 1}


async def test_a_new_post_opens_a_resolved_conversation_with_its_own_urgency(
    database: Database, decisions: Decisions
) -> None:
    conversations = Conversations(database)
    await decided(database, *_thread("1"))
    (card,) = (await conversations.inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    await conversations.move(card.conversation.id, Move.RESOLVE, by="k", version=card.conversation.version, at=NOW)
    (second,) = await assessed(database, *_thread("2"), urgency=10)
    await decisions.decide(second, a_plan(), at=NOW)
    (card,) = (await conversations.inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    assert (card.conversation.urgency, card.conversation.status) == (10, Status.OPEN)


async def test_people_are_not_told_twice_of_one_conversation_within_the_window(
    database: Database, decisions: Decisions
) -> None:
    ids = await assessed(database, *_thread("1", "2", "3"), a_mention("other"))
    for post_id, at in zip(ids, (NOW, NOW + HOUR / 2, NOW + HOUR * 1.1, NOW), strict=True):
        await decisions.decide(post_id, a_plan(notice=True), at=at)
    told = await _rows(database, select(t.alerts.c.conversation_id, t.alerts.c.created_at).order_by(t.alerts.c.id))
    assert [at for _, at in told] == [NOW, NOW + HOUR * 1.1, NOW]
    assert told[0][0] == told[1][0] != told[2][0]


async def test_who_calls_a_person_now_is_not_held_back_by_an_ordinary_alert(
    database: Database, decisions: Decisions
) -> None:
    def urgent(facts: Facts) -> Plan:
        made = a_plan(notice=True)(facts)
        assert made.notice is not None
        return replace(made, notice=replace(made.notice, kind=URGENT))

    ids = await assessed(database, *_thread("1", "2", "3", "4"))
    for post_id, plan in zip(ids, (a_plan(notice=True), urgent, urgent, a_plan(notice=True)), strict=True):
        await decisions.decide(post_id, plan, at=NOW)
    told = await _rows(database, select(t.alerts.c.kind).order_by(t.alerts.c.id))
    assert [kind for (kind,) in told] == ["escalation", "urgent"]


async def test_a_missed_promise_is_no_telling_of_what_its_author_writes_next(
    database: Database, decisions: Decisions
) -> None:
    first, second, third = await assessed(database, *_thread("1", "2", "3"))
    await decisions.decide(first, a_plan(Action.SHOW), at=NOW)
    (conversation_id,) = (await _rows(database, select(t.conversations.c.id)))[0]
    promises = Promises(database)
    await promises.make(conversation_id, "Ring tilbage", NOW + HOUR / 6, by="Kari", at=NOW)
    assert await promises.tell_missed(at=NOW + HOUR / 6) == 1
    await decisions.decide(second, a_plan(notice=True), at=NOW + HOUR / 2)
    await decisions.decide(third, a_plan(notice=True), at=NOW + HOUR)
    told = await _rows(database, select(t.alerts.c.created_at).order_by(t.alerts.c.id))
    assert [at for (at,) in told] == [NOW + HOUR / 6, NOW + HOUR / 2]


async def test_an_account_of_ours_is_known_by_its_handle_on_its_platform(
    database: Database, decisions: Decisions
) -> None:
    ours = a_mention(post=a_post("1", author=an_author("1", handle="FJORDNET")))
    other = a_mention(post=a_post("2", author=an_author("2", handle="Fjordnet2")))
    reddit = a_mention(post=a_post("3", platform=Platform.REDDIT, author=an_author("3", handle="Fjordnet")))
    seen: list[bool] = []

    def plan(facts: Facts) -> Plan:
        seen.append(facts.is_ours)
        return a_plan(Action.SHOW)(facts)

    for post_id in await assessed(database, ours, other, reddit):
        await decisions.decide(post_id, plan, at=NOW)
    assert seen == [True, False, False]


async def test_two_posts_that_escalate_at_once_tell_people_once(database: Database, decisions: Decisions) -> None:
    ids = await assessed(database, *_thread("1", "2", "3"))
    await asyncio.gather(*(decisions.decide(post_id, a_plan(notice=True), at=NOW) for post_id in ids))
    assert len(await _rows(database, select(t.alerts.c.id))) == 1


async def test_an_opt_out_is_recorded_with_its_reason_and_audited_without_a_handle(
    database: Database, decisions: Decisions
) -> None:
    (post_id,) = await assessed(database, a_mention())
    await decisions.decide(post_id, a_plan(Action.SHOW, opt_out=True), at=NOW)
    ((scope, since, because),) = await _rows(
        database, select(t.opt_outs.c.scope, t.opt_outs.c.since, t.opt_outs.c.because)
    )
    assert (scope, since, because) == (Scope.AUTOMATIC, NOW, "a test says so")
    audit = await _rows(database, select(t.audit).where(t.audit.c.action == "opt out"))
    assert len(audit) == 1
    assert "author77" not in repr(audit)


@pytest.mark.parametrize(
    ("rows", "by"),
    [
        ([(Scope.AUTOMATIC, "kari", "the desk")], "kari"),
        ([(Scope.AUTOMATIC, "genlyd", "asked")], None),
        ([(Scope.LISTENING, "kari", "the desk"), (Scope.AUTOMATIC, "genlyd", "asked")], None),
        # From before migration 0022.
        ([(Scope.AUTOMATIC, None, "a member of staff stopped automatic replies")], "a member of staff"),
        ([(Scope.AUTOMATIC, None, "the author asked us to stop: no automatic reply from now on")], None),
    ],
)
async def test_the_facts_tell_who_of_us_silenced_an_author(
    database: Database, decisions: Decisions, rows: list[tuple[Scope, str | None, str]], by: str | None
) -> None:
    (post_id,) = await assessed(database, a_mention())
    async with database.begin() as connection:
        given = [{"author_id": 1, "scope": scope, "since": NOW, "by": who, "because": why} for scope, who, why in rows]
        await connection.execute(t.opt_outs.insert(), given)
    seen: list[Facts] = []

    def look(facts: Facts) -> Plan:
        seen.append(facts)
        return a_plan()(facts)

    await decisions.decide(post_id, look, at=NOW)
    assert [(facts.is_opted_out, facts.opted_out_by) for facts in seen] == [(True, by)]


async def test_a_draft_never_replaces_a_reply_that_is_already_there(database: Database, decisions: Decisions) -> None:
    (post_id,) = await decided(database, a_mention())
    async with database.begin() as connection:
        await connection.execute(t.decisions.delete())
        await connection.execute(t.posts.update().values(stage=Stage.ASSESSED))
        await connection.execute(t.replies.update().values(state=ReplyState.REFUSED, text="the first"))
    await decisions.decide(post_id, a_plan(Action.DRAFT), at=NOW)
    assert await _rows(database, select(t.replies.c.text, t.replies.c.state)) == [("the first", "refused")]


async def test_one_reply_of_a_kind_under_a_post_is_the_databases_own_rule(database: Database) -> None:
    await decided(database, a_mention())
    (row,) = await _rows(database, select(t.replies))
    values = {key: value for key, value in row._mapping.items() if key != "id"}
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(insert(t.replies).values(**values))


@pytest.mark.parametrize("act", ["answer", "approve", "drop"])
async def test_after_a_person_has_acted_the_bot_knows_it(database: Database, decisions: Decisions, act: str) -> None:
    replies = Replies(database)
    (first,) = await decided(database, *_thread("1"), plan=a_plan(Action.DRAFT if act != "answer" else Action.SHOW))
    if act == "answer":
        await replies.answer(first, "Hej, vi ringer til dig.", by="kari", at=NOW)
    elif act == "approve":
        await replies.approve(1, "Hej, vi ringer til dig.", by="kari", version=1, at=NOW)
    else:
        await replies.drop(1, by="kari", version=1, at=NOW)
    seen: list[bool] = []

    def plan(facts: Facts) -> Plan:
        seen.append(facts.has_person_acted)
        return a_plan(Action.SHOW)(facts)

    await decided(database, *_thread("2"), plan=plan)
    assert seen == [True]
