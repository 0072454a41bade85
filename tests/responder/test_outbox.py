"""Sending: a reply leaves once, when it is due and nobody minds, and what a platform says is done (I3, I5)."""

import asyncio
from datetime import timedelta

from sqlalchemy import select, update

from core.clock import ManualClock
from core.decision import Action
from core.errors import NeedsOperator, RateLimited, Rejected, TryLater
from core.reply import ReplyState
from responder.outbox import Outbox
from store import tables as t
from store.accounts import AccountState
from store.database import Database
from tests.builders import NOW, a_mention, a_plan, a_post, an_author, decided
from tests.responder.wire import ACCOUNT, Wire, later, reply_of, state_of


async def test_a_reply_is_sent_once_and_sending_was_written_first(outbox: Outbox, wire: Wire, due: int) -> None:
    assert await outbox.send_due() == 1
    assert await outbox.send_due() == 0
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.remote_id, wire.send_calls) == (ReplyState.SENT, "5001", 1)
    assert wire.sent_states == [ReplyState.SENDING]


async def test_a_guards_no_is_written_and_nothing_leaves(outbox: Outbox, wire: Wire, due: int) -> None:
    await outbox.accounts.pause_house(True, by="kari", at=NOW)
    await outbox.send_due()
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.problem) == (ReplyState.REFUSED, "automatic replies are paused")
    assert wire.send_calls == 0


async def test_an_acknowledgement_that_could_not_leave_within_an_hour_never_does(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [TryLater(ACCOUNT, "503", wait_seconds=3601)]
    await outbox.send_due()
    await later(outbox, clock, 3601)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.REFUSED, 1)


async def test_a_rate_limit_waits_the_platforms_own_number(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [RateLimited(ACCOUNT, "429", wait_seconds=42)]
    await outbox.send_due()
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.not_before) == (ReplyState.APPROVED, NOW + timedelta(seconds=42))
    await later(outbox, clock, 41)
    assert wire.send_calls == 1
    await later(outbox, clock, 1)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 2)


async def test_without_a_number_the_wait_doubles(outbox: Outbox, wire: Wire, clock: ManualClock, due: int) -> None:
    wire.sends = [TryLater(ACCOUNT, "refused") for _ in range(3)]
    waits = []
    for _ in range(3):
        before = clock.now()
        await outbox.send_due()
        not_before = (await reply_of(outbox, due)).not_before
        assert not_before is not None
        waits.append((not_before - before).total_seconds())
        await clock.advance(waits[-1])
    assert waits == [2, 4, 8]
    await outbox.send_due()
    assert await state_of(outbox) is ReplyState.SENT


async def test_a_persons_answer_outlives_a_platform_that_is_away_for_days(
    outbox: Outbox, wire: Wire, database: Database, clock: ManualClock, due: int
) -> None:
    async with database.begin() as connection:
        await connection.execute(update(t.replies).values(is_automatic=False, attempts=2000))
    wire.sends = [TryLater(ACCOUNT, "no route")]
    await outbox.send_due()
    assert (await reply_of(outbox)).not_before == NOW + timedelta(seconds=300)
    await later(outbox, clock, 300)
    assert await state_of(outbox) is ReplyState.SENT


async def test_a_rejected_reply_fails_with_its_reason_and_is_not_tried_again(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [Rejected(ACCOUNT, "403", reason="the post is closed for replies")]
    await outbox.send_due()
    await later(outbox, clock, 3600)
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.problem, wire.send_calls) == (ReplyState.FAILED, "the post is closed for replies", 1)


async def test_an_account_that_needs_the_operator_is_paused_and_people_are_told_once(
    outbox: Outbox, wire: Wire, clock: ManualClock, database: Database
) -> None:
    posts = [a_post(str(number), author=an_author(str(number))) for number in range(3)]
    await decided(database, *(a_mention(post=post) for post in posts))
    wire.sends = [NeedsOperator(ACCOUNT, "401.", cure="Make new tokens.") for _ in range(3)]
    await outbox.send_due()
    assert await outbox.accounts.state(ACCOUNT) is AccountState.NEEDS_OPERATOR
    async with database.read() as connection:
        (alert,) = list(await connection.execute(select(t.alerts)))
    assert (alert.kind, alert.title, alert.body) == ("operator", "x-main needs you", "401. Make new tokens.")
    await later(outbox, clock, 600)
    assert wire.send_calls == 3
    assert await outbox.replies.count_by_state() == {"approved": 3}
    await outbox.accounts.set_state(ACCOUNT, AccountState.ACTIVE, reason="", by="kari", at=clock.now())
    await outbox.send_due()
    assert await outbox.replies.count_by_state() == {"sent": 3}


async def test_a_person_who_takes_over_between_deciding_and_sending_silences_the_bot(
    outbox: Outbox, wire: Wire, database: Database, due: int
) -> None:
    async with database.begin() as connection:
        await connection.execute(t.conversations.update().values(taken_by="kari"))
    await outbox.send_due()
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.REFUSED, 0)


async def test_a_persons_answer_goes_out_while_the_bot_is_paused(
    outbox: Outbox, wire: Wire, database: Database
) -> None:
    (post_id,) = await decided(database, a_mention(), plan=a_plan(Action.SHOW))
    await outbox.accounts.pause_house(True, by="kari", at=NOW)
    await outbox.replies.answer(post_id, "Hej, skriv til os i en besked.", by="kari", at=NOW)
    await outbox.send_due()
    assert [reply.text for reply in wire.published] == ["Hej, skriv til os i en besked."]


async def test_a_persons_answer_stays_here_when_the_author_wrote_again_before_it_left(
    outbox: Outbox, wire: Wire, database: Database, clock: ManualClock
) -> None:
    (post_id,) = await decided(database, a_mention(), plan=a_plan(Action.SHOW))
    await outbox.replies.answer(post_id, "Vi ringer", by="kari", at=NOW, hold=timedelta(seconds=15))
    again = a_post("1002", text="ring ikke", root_id=a_post().root_id)
    await decided(database, a_mention(post=again), plan=a_plan(Action.SHOW), at=NOW + timedelta(seconds=5))
    await later(outbox, clock, 16)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.DRAFT, 0)


async def test_two_outboxes_never_send_one_reply_twice(
    outbox: Outbox, wire: Wire, database: Database, clock: ManualClock
) -> None:
    posts = [a_post(str(number), author=an_author(str(number))) for number in range(20)]
    await decided(database, *(a_mention(post=post) for post in posts))
    while sum(await asyncio.gather(*(outbox.send_due() for _ in range(4)))):
        pass
    assert sorted(reply.id for reply in wire.published) == list(range(1, 21))
    async with database.read() as connection:
        remote = (await connection.execute(select(t.replies.c.remote_id))).scalars().all()
    assert len(set(remote)) == 20
