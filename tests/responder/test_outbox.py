"""Sending: whatever a platform does, one reply stands in public, and nobody is left guessing (I3, I4)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.decision import Action
from core.errors import NeedsOperator, OutcomeUnknown, RateLimited, Rejected, TryLater
from core.post import Platform
from core.reply import Receipt, Reply, ReplyState
from responder.outbox import Outbox
from responder.senders.base import Look
from store import tables as t
from store.accounts import Accounts, AccountState
from store.alerts import Alerts
from store.bell import Bell
from store.database import Database
from store.replies import Replies
from tests.builders import NOW, a_mention, a_plan, a_post, an_author, decided

ACCOUNT = "x-main"


@dataclass
class Wire:
    """A sender whose answers a test writes down beforehand. What is not written down goes well."""

    account: str = ACCOUNT
    platform: Platform = Platform.X
    sends: list[Exception] = field(default_factory=list)
    looks: list[Receipt | Look | Exception] = field(default_factory=list)
    published_although: bool = False
    published: list[Reply] = field(default_factory=list)
    sent_states: list[ReplyState | None] = field(default_factory=list)
    send_calls: int = 0
    find_calls: int = 0
    is_closed: bool = False
    replies: Replies | None = None
    _ids: Iterator[int] = field(default_factory=lambda: count(5001))

    async def send(self, reply: Reply) -> Receipt:
        self.send_calls += 1
        if self.replies is not None:
            there = await self.replies.get(reply.id)
            self.sent_states.append(there.state if there else None)
        if self.sends:
            fault = self.sends.pop(0)
            if self.published_although:
                self.published.append(reply)
            raise fault
        self.published.append(reply)
        return self._receipt()

    async def find(self, reply: Reply) -> Receipt | Look:
        self.find_calls += 1
        if self.looks:
            answer = self.looks.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self._receipt() if any(one.id == reply.id for one in self.published) else Look.ABSENT

    async def close(self) -> None:
        self.is_closed = True

    def _receipt(self) -> Receipt:
        number = next(self._ids)
        return Receipt(remote_id=str(number), url=f"https://x.com/i/status/{number}")


@pytest.fixture
async def wire(database: Database) -> AsyncIterator[Wire]:
    """Every fault a test writes down must have been met when it ends."""
    wire = Wire(replies=Replies(database))
    yield wire
    assert wire.sends == []
    assert wire.looks == []


@pytest.fixture
def outbox(database: Database, clock: ManualClock, bell: Bell, wire: Wire) -> Outbox:
    return Outbox(
        owner="me",
        senders={ACCOUNT: wire},
        replies=Replies(database),
        accounts=Accounts(database),
        alerts=Alerts(database),
        bell=bell,
        clock=clock,
    )


@pytest.fixture
async def due(database: Database) -> int:
    """One acknowledgement that is due."""
    await decided(database, a_mention())
    return 1


async def _state(outbox: Outbox, reply_id: int = 1) -> ReplyState:
    return (await _reply(outbox, reply_id)).state


async def _reply(outbox: Outbox, reply_id: int = 1) -> Reply:
    reply = await outbox.replies.get(reply_id)
    assert reply is not None
    return reply


async def _later(outbox: Outbox, clock: ManualClock, seconds: float) -> None:
    """Let time pass, and do what is due then."""
    await clock.advance(seconds)
    await outbox.settle_unknown()
    await outbox.send_due()


async def test_a_reply_is_sent_once_and_sending_was_written_first(outbox: Outbox, wire: Wire, due: int) -> None:
    assert await outbox.send_due() == 1
    assert await outbox.send_due() == 0
    reply = await _reply(outbox, due)
    assert (reply.state, reply.remote_id, wire.send_calls) == (ReplyState.SENT, "5001", 1)
    assert wire.sent_states == [ReplyState.SENDING]


async def test_a_guards_no_is_written_and_nothing_leaves(outbox: Outbox, wire: Wire, due: int) -> None:
    await outbox.accounts.pause_house(True, by="kari", at=NOW)
    await outbox.send_due()
    reply = await _reply(outbox, due)
    assert (reply.state, reply.problem) == (ReplyState.REFUSED, "automatic replies were paused before it left")
    assert wire.send_calls == 0


async def test_an_acknowledgement_that_could_not_leave_within_an_hour_never_does(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [TryLater(ACCOUNT, "503", wait_seconds=3601)]
    await outbox.send_due()
    await _later(outbox, clock, 3601)
    assert (await _state(outbox), wire.send_calls) == (ReplyState.REFUSED, 1)


async def test_a_rate_limit_waits_the_platforms_own_number(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [RateLimited(ACCOUNT, "429", wait_seconds=42)]
    await outbox.send_due()
    reply = await _reply(outbox, due)
    assert (reply.state, reply.not_before) == (ReplyState.APPROVED, NOW + timedelta(seconds=42))
    await _later(outbox, clock, 41)
    assert wire.send_calls == 1
    await _later(outbox, clock, 1)
    assert (await _state(outbox), wire.send_calls) == (ReplyState.SENT, 2)


async def test_without_a_number_the_wait_doubles(outbox: Outbox, wire: Wire, clock: ManualClock, due: int) -> None:
    wire.sends = [TryLater(ACCOUNT, "refused") for _ in range(3)]
    waits = []
    for _ in range(3):
        before = clock.now()
        await outbox.send_due()
        not_before = (await _reply(outbox, due)).not_before
        assert not_before is not None
        waits.append((not_before - before).total_seconds())
        await clock.advance(waits[-1])
    assert waits == [2, 4, 8]
    await outbox.send_due()
    assert await _state(outbox) is ReplyState.SENT


async def test_an_unknown_outcome_is_looked_up_before_anything_else_and_found(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.published_although = True
    await outbox.send_due()
    assert await _state(outbox) is ReplyState.UNKNOWN
    assert await outbox.send_due() == 0
    assert await outbox.settle_unknown() == 0, "the platform may show it late"
    await _later(outbox, clock, 6)
    assert await _state(outbox) is ReplyState.SENT
    assert (wire.send_calls, wire.find_calls, len(wire.published)) == (1, 1, 1)


async def test_a_reply_absent_twice_is_sent_again_and_not_after_one_look(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [Look.ABSENT, Look.ABSENT]
    await outbox.send_due()
    await _later(outbox, clock, 6)
    assert (await _state(outbox), wire.send_calls) == (ReplyState.UNKNOWN, 1)
    await _later(outbox, clock, 6)
    assert (await _state(outbox), wire.send_calls, wire.find_calls) == (ReplyState.SENT, 2, 2)
    assert len(wire.published) == 1


async def test_every_sending_anew_is_looked_for_twice_again(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    """Looks of an earlier sending must not count for the next: it may be published and not shown yet."""
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell"), OutcomeUnknown(ACCOUNT, "the line fell again")]
    wire.looks = [Look.ABSENT, Look.ABSENT, Look.ABSENT, Receipt(remote_id="9", url="u")]
    await outbox.send_due()
    for _ in range(4):
        await _later(outbox, clock, 6)
    await _later(outbox, clock, 6)
    assert (await _state(outbox), wire.send_calls) == (ReplyState.SENT, 2)
    assert (await _reply(outbox)).remote_id == "9"


@pytest.mark.parametrize("answer", [Look.CANNOT_TELL, TryLater(ACCOUNT, "503"), RuntimeError("boom")])
async def test_what_nobody_can_tell_is_left_to_a_person_and_never_sent_again(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int, answer: Look | Exception
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [answer] * 6
    await outbox.send_due()
    for _ in range(30):
        await _later(outbox, clock, 60)
    reply = await _reply(outbox, due)
    assert (reply.state, reply.problem) == (ReplyState.UNKNOWN, "nobody can tell whether it is published")
    assert (wire.send_calls, wire.find_calls) == (1, 6)


async def test_one_look_that_cannot_tell_does_not_make_it_absent(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [Look.CANNOT_TELL, Look.CANNOT_TELL, Receipt(remote_id="9", url="u")]
    await outbox.send_due()
    for _ in range(3):
        await _later(outbox, clock, 20)
    assert (await _state(outbox), wire.send_calls) == (ReplyState.SENT, 1)


async def test_a_sender_lost_in_the_middle_is_looked_up_and_never_sent_blind(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    (claimed,) = await outbox.replies.claim_due("killed", at=clock.now(), lease=timedelta(seconds=60))
    wire.published.append(claimed)
    await _later(outbox, clock, 60)
    assert await _state(outbox) is ReplyState.SENDING
    await _later(outbox, clock, 1)
    assert (await _state(outbox), wire.send_calls, wire.find_calls) == (ReplyState.SENT, 0, 1)


async def test_a_rejected_reply_fails_with_its_reason_and_is_not_tried_again(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [Rejected(ACCOUNT, "403", reason="the post is closed for replies")]
    await outbox.send_due()
    await _later(outbox, clock, 3600)
    reply = await _reply(outbox, due)
    assert (reply.state, reply.problem, wire.send_calls) == (ReplyState.FAILED, "the post is closed for replies", 1)


async def test_an_account_that_needs_the_operator_is_paused_and_people_are_told_once(
    outbox: Outbox, wire: Wire, clock: ManualClock, database: Database
) -> None:
    posts = [a_post(str(number), author=an_author(str(number))) for number in range(3)]
    await decided(database, *(a_mention(post=post) for post in posts))
    wire.sends = [NeedsOperator(ACCOUNT, "401.", cure="Make new tokens.") for _ in range(3)]
    await outbox.send_due()
    assert await outbox.accounts.state(ACCOUNT) is AccountState.NEEDS_OPERATOR
    (alert,) = await outbox.alerts.claim_due(at=NOW, hold_until=NOW)
    assert (alert.kind, alert.title, alert.body) == ("operator", "x-main needs you", "401. Make new tokens.")
    await _later(outbox, clock, 600)
    assert wire.send_calls == 3
    assert await outbox.replies.count_by_state() == {"approved": 3}
    await outbox.accounts.set_state(ACCOUNT, AccountState.ACTIVE, reason="", by="kari", at=clock.now())
    await outbox.send_due()
    assert await outbox.replies.count_by_state() == {"sent": 3}


async def test_a_sender_that_fails_in_a_way_it_should_not_leaves_unknown_and_the_loop_lives(
    outbox: Outbox, wire: Wire, clock: ManualClock, database: Database
) -> None:
    posts = [a_post(str(number), author=an_author(str(number))) for number in range(4)]
    await decided(database, *(a_mention(post=post) for post in posts))
    wire.sends = [KeyError("a bug of ours")]
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(outbox.run())
        async with asyncio.timeout(10):
            while await outbox.replies.count_by_state() != {"sent": 3, "unknown": 1}:
                await asyncio.sleep(0.02)
            await decided(database, a_mention("later"))
            while (await outbox.replies.count_by_state()).get("sent") != 4:
                await clock.advance(0.1)
                await asyncio.sleep(0.02)
        running.cancel()
    assert wire.is_closed
    assert len(wire.published) == 4


async def test_a_sender_that_gets_no_answer_in_time_leaves_unknown(outbox: Outbox, wire: Wire, due: int) -> None:
    wire.sends = [TimeoutError()]
    await outbox.send_due()
    reply = await _reply(outbox, due)
    assert (reply.state, reply.problem) == (ReplyState.UNKNOWN, "no answer in time")


async def test_a_reply_of_an_account_that_left_the_config_is_left_to_a_person(outbox: Outbox, due: int) -> None:
    await replace(outbox, senders={}).send_due()
    reply = await _reply(outbox, due)
    assert reply.state is ReplyState.UNKNOWN
    assert "no longer in the config" in (reply.problem or "")
    assert await outbox.settle_unknown() == 0


async def test_a_person_who_takes_over_between_deciding_and_sending_silences_the_bot(
    outbox: Outbox, wire: Wire, database: Database, due: int
) -> None:
    async with database.begin() as connection:
        await connection.execute(t.conversations.update().values(taken_by="kari"))
    await outbox.send_due()
    assert (await _state(outbox), wire.send_calls) == (ReplyState.REFUSED, 0)


async def test_a_persons_answer_goes_out_while_the_bot_is_paused(
    outbox: Outbox, wire: Wire, database: Database
) -> None:
    (post_id,) = await decided(database, a_mention(), plan=a_plan(Action.SHOW))
    await outbox.accounts.pause_house(True, by="kari", at=NOW)
    await outbox.replies.answer(post_id, "Hej, skriv til os i en besked.", by="kari", at=NOW)
    await outbox.send_due()
    assert [reply.text for reply in wire.published] == ["Hej, skriv til os i en besked."]


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
