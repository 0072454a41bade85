"""What the bot said lately is counted where it is decided and again before it leaves (I3, I5)."""

import asyncio
from datetime import datetime, timedelta

import pytest

from core.decision import Action, Facts, Lately, Plan
from core.reply import Receipt, ReplyState
from store import tables as t
from store.database import Database
from store.decisions import Decisions
from store.replies import Replies
from tests.builders import NOW, a_mention, a_plan, a_post, an_author, assessed

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def _decide(
    database: Database, native_id: str, *, action: Action = Action.ACKNOWLEDGE, at: datetime = NOW, **post: object
) -> Lately:
    """Hear a post at an instant and decide it; return what was counted then."""
    written = a_post(native_id, **{"posted_at": at - timedelta(seconds=5), **post})
    (post_id,) = await assessed(database, a_mention(post=written), at=at)
    seen: list[Facts] = []

    def plan(facts: Facts) -> Plan:
        seen.append(facts)
        return a_plan(action)(facts)

    await Decisions(database, repeat_alert_after=HOUR).decide(post_id, plan, at=at)
    return seen[0].lately


async def test_at_first_nothing_was_said(database: Database) -> None:
    assert await _decide(database, "1") == Lately()


async def test_what_was_said_counts_by_author_account_and_template_within_its_window(database: Database) -> None:
    for number, hours_ago in enumerate((30, 20, 2, 0.5), start=1):
        await _decide(database, str(number), at=NOW - hours_ago * HOUR)
    await _decide(database, "of another", author=an_author("88"), at=NOW - MINUTE)
    lately = await _decide(database, "6")
    assert (lately.author_hour, lately.author_day) == (1, 3)
    assert (lately.account_hour, lately.account_day) == (2, 4)
    assert lately.told == {"da/general/1": 2}
    assert lately.in_conversation == 0, "each of these posts began a thread of its own"


async def test_a_conversation_counts_for_good(database: Database) -> None:
    await _decide(database, "1", root_id="r", at=NOW - 40 * HOUR)
    assert (await _decide(database, "2", root_id="r")).in_conversation == 1
    assert (await _decide(database, "3", root_id="other")).in_conversation == 0


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (ReplyState.SENDING, True),
        (ReplyState.UNKNOWN, True),
        (ReplyState.SENT, True),
        (ReplyState.FAILED, False),
        (ReplyState.REFUSED, False),
        (ReplyState.DROPPED, False),
    ],
)
async def test_only_what_was_or_may_be_seen_counts(database: Database, state: ReplyState, counts: bool) -> None:
    await _decide(database, "1", at=NOW - MINUTE)
    async with database.begin() as connection:
        await connection.execute(t.replies.update().values(state=state))
    lately = await _decide(database, "2")
    assert (lately.author_hour, lately.account_hour) == ((1, 1) if counts else (0, 0))


async def test_what_people_approve_or_write_spends_no_budget(database: Database) -> None:
    replies = Replies(database)
    await _decide(database, "1", action=Action.DRAFT, at=NOW - MINUTE)
    await replies.approve(1, "Hej", by="kari", version=1, at=NOW - MINUTE)
    await replies.answer(1, "Hej igen", by="kari", at=NOW - MINUTE)
    assert (await _decide(database, "2")).account_day == 0


async def test_a_batch_counts_what_it_has_just_approved_itself(database: Database) -> None:
    posts = [a_post(str(number), author=an_author(str(number))) for number in range(4)]
    ids = await assessed(database, *(a_mention(post=post) for post in posts))
    seen: list[Lately] = []

    def plan(facts: Facts) -> Plan:
        seen.append(facts.lately)
        return a_plan(Action.DRAFT if len(seen) == 2 else Action.ACKNOWLEDGE)(facts)

    await Decisions(database, repeat_alert_after=HOUR).decide_all(ids, plan, at=NOW)
    assert [lately.account_hour for lately in seen] == [0, 1, 1, 2]
    assert [lately.account_day for lately in seen] == [0, 1, 1, 2]
    assert [sum(lately.told.values()) for lately in seen] == [0, 1, 1, 2]


async def test_the_authors_tempo_is_read_from_the_posts_own_times(database: Database) -> None:
    for number, seconds in enumerate((90, 50, 40, 30)):
        await _decide(database, str(number), action=Action.SHOW, posted_at=NOW - timedelta(seconds=seconds))
    await _decide(database, "of another", action=Action.SHOW, author=an_author("88"), posted_at=NOW)
    assert (await _decide(database, "last", posted_at=NOW)).author_posts_minute == 3


async def test_when_we_last_spoke_is_when_it_began_to_leave(database: Database) -> None:
    replies = Replies(database)
    await _decide(database, "1", root_id="r", at=NOW - MINUTE)
    (sent,) = await replies.claim_due("me", at=NOW - timedelta(seconds=4), lease=HOUR)
    assert (await _decide(database, "2", root_id="r", action=Action.SHOW)).last_sent_at is None
    await replies.mark_sent(sent, Receipt(remote_id="9", url=""), at=NOW)
    assert (await _decide(database, "3", root_id="r")).last_sent_at == NOW - timedelta(seconds=4)


async def test_what_is_about_to_leave_does_not_stand_in_its_own_way(database: Database) -> None:
    await _decide(database, "1", at=NOW - MINUTE)
    await _decide(database, "2")
    first, second = await Replies(database).claim_due("me", at=NOW, lease=HOUR)
    for reply in (first, second):
        facts = (await Replies(database).standing(reply, at=NOW)).facts
        assert facts is not None
        assert (facts.lately.author_hour, facts.lately.account_day, facts.lately.in_conversation) == (1, 1, 0)
        assert facts.lately.told == {"da/general/1": 1}


async def test_two_responders_that_decide_and_send_at_once_never_spend_more_than_the_budget(
    database: Database,
) -> None:
    """Each may find the budget unspent while the other spends it; what is asked again before sending makes it hold."""
    posts = [a_post(str(number), author=an_author(str(number))) for number in range(24)]
    ids = await assessed(database, *(a_mention(post=post) for post in posts))
    budget, replies = 5, Replies(database)

    def plan(facts: Facts) -> Plan:
        return a_plan(Action.DRAFT if facts.lately.account_hour >= budget else Action.ACKNOWLEDGE)(facts)

    async def respond(name: str, theirs: list[int]) -> None:
        for post_id in theirs:
            await Decisions(database, repeat_alert_after=HOUR).decide(post_id, plan, at=NOW)
            for reply in await replies.claim_due(name, at=NOW, lease=HOUR, limit=1):
                facts = (await replies.standing(reply, at=NOW)).facts
                assert facts is not None
                if facts.lately.account_hour >= budget:
                    await replies.mark_refused(reply, "the budget is spent", at=NOW)
                else:
                    await replies.mark_sent(reply, Receipt(remote_id=f"r{reply.id}", url=""), at=NOW)

    await asyncio.gather(*(respond(f"responder-{n}", ids[n::4]) for n in range(4)))
    states = await replies.count_by_state()
    assert 1 <= states["sent"] <= budget
    assert sum(states.values()) == 24
    assert set(states) <= {"sent", "refused", "draft"}
