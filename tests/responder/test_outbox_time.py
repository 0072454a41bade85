"""Time against the outbox: clocks that are set, processes that wake too late, answers that come too late (I4)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from core.clock import ManualClock
from core.errors import OutcomeUnknown, Rejected
from core.reply import Receipt, Reply, ReplyState
from responder.outbox import Outbox, Timing
from responder.senders.base import Look
from store.presence import Presence
from tests.responder.wire import ACCOUNT, Wire, later, reply_of, state_of


@dataclass
class SlowWire(Wire):
    """Takes a request, and publishes it only when the test says so."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, reply: Reply) -> Receipt:
        self.arrived.set()
        await self.go_on.wait()
        return await super().send(reply)


@asynccontextmanager
async def sending(outbox: Outbox, slow: SlowWire) -> AsyncIterator[Outbox]:
    """An outbox whose request is under way inside, and answered on leaving."""
    busy = replace(outbox, senders={ACCOUNT: slow})
    under_way = asyncio.create_task(busy.send_due())
    async with asyncio.timeout(10):
        await slow.arrived.wait()
    try:
        yield busy
    finally:
        slow.go_on.set()
        with suppress(asyncio.CancelledError):
            await under_way


async def test_a_clock_set_on_by_a_day_does_not_make_us_look_for_what_we_are_sending(
    outbox: Outbox, clock: ManualClock, due: int
) -> None:
    slow = SlowWire()
    async with sending(outbox, slow) as busy:
        clock.step(86_400)
        for _ in range(5):
            assert await busy.settle_unknown() == 0
            await clock.advance(10)
        assert await state_of(outbox) is ReplyState.SENDING
    assert (await state_of(outbox), len(slow.published), slow.find_calls) == (ReplyState.SENT, 1, 0)


async def test_a_clock_set_on_between_two_looks_brings_them_no_closer_together(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    """The platform shows it four seconds late; by the clock that was set, an hour has passed."""
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [Look.ABSENT, Look.ABSENT, Receipt(remote_id="9", url="u")]
    await outbox.send_due()
    clock.step(3600)
    await outbox.settle_unknown()
    clock.step(3600)
    await outbox.settle_unknown()
    assert await outbox.send_due() == 0, "two looks within no time at all are one look"
    await later(outbox, clock, 30)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 1)


async def test_a_clock_set_back_delays_and_sends_nothing_twice(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.published_although = True
    await outbox.send_due()
    clock.step(-3600)
    await later(outbox, clock, 60)
    assert await state_of(outbox) is ReplyState.UNKNOWN
    await later(outbox, clock, 3600)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 1)


async def test_who_was_held_up_between_claiming_and_sending_begins_nothing(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    """Frozen for 41 of the lease's 60 seconds, a request of 20 could end after another process has looked."""
    await _held_up(outbox, clock, seconds=41).send_due()
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.APPROVED, 0)
    await outbox.send_due()
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 1)


async def test_who_was_held_up_a_little_sends(outbox: Outbox, wire: Wire, clock: ManualClock, due: int) -> None:
    await _held_up(outbox, clock, seconds=39).send_due()
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 1)


def _held_up(outbox: Outbox, clock: ManualClock, *, seconds: float) -> Outbox:
    class HeldUp(type(outbox.replies)):  # type: ignore[misc]
        async def standing(self, *given: object, **named: object) -> object:
            await clock.advance(seconds)
            return await super().standing(*given, **named)

    return replace(outbox, replies=HeldUp(outbox.replies._db))


@dataclass
class Holding:
    """A presence that holds its lock as often as written down."""

    presence: Presence
    answers: list[bool]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.presence, name)

    async def holds(self) -> bool:
        return self.answers.pop(0)


@pytest.mark.parametrize("answers", [[False], [True, False]])
async def test_who_lost_its_lock_begins_to_send_nothing(
    outbox: Outbox, wire: Wire, due: int, answers: list[bool]
) -> None:
    """Before claiming, and again just before the request leaves."""
    await replace(outbox, owner=cast("Presence", Holding(outbox.owner, answers))).send_due()
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.APPROVED, 0)
    await outbox.send_due()
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 1)


def test_a_lease_shorter_than_a_request_is_refused() -> None:
    with pytest.raises(ValueError, match="outlive"):
        Timing(lease=timedelta(seconds=20))


async def test_an_answer_slower_than_the_time_we_give_it_is_looked_for_and_stands_once(
    outbox: Outbox, clock: ManualClock, due: int
) -> None:
    slow = SlowWire()
    quick = replace(outbox, senders={ACCOUNT: slow}, timing=Timing(send=timedelta(milliseconds=20)))
    await quick.send_due()
    assert await state_of(outbox) is ReplyState.UNKNOWN
    slow.published.append(await reply_of(outbox, due))
    await later(quick, clock, 6)
    assert (await state_of(outbox), len(slow.published), slow.send_calls) == (ReplyState.SENT, 1, 0)


@pytest.mark.parametrize("is_sent_anew", [True, False])
async def test_a_receipt_that_comes_late_is_an_alarm_only_where_the_reply_left_anew(
    outbox: Outbox, clock: ManualClock, caplog: pytest.LogCaptureFixture, due: int, *, is_sent_anew: bool
) -> None:
    async with sending(outbox, SlowWire()):
        after = clock.now() + timedelta(seconds=61)
        [looked] = await outbox.replies.claim_unsettled("another", at=after, lease=timedelta(seconds=60))
        if is_sent_anew:
            await outbox.replies.reschedule(looked, "absent", at=after, not_before=after)
            await outbox.replies.claim_due("another", at=after, lease=timedelta(seconds=60))
        else:
            await outbox.replies.mark_sent(looked, Receipt(remote_id="5001", url="u"), at=after)
    assert ("it may stand there twice" in caplog.text) is is_sent_anew
    assert await state_of(outbox) is (ReplyState.SENDING if is_sent_anew else ReplyState.SENT)


async def test_a_no_to_a_second_sending_says_nothing_about_the_first(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    """The platform showed the first one later than two looks; the second it turned away."""
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell"), Rejected(ACCOUNT, "403", reason="you said that before")]
    wire.looks = [Look.ABSENT, Look.ABSENT, Receipt(remote_id="9", url="u")]
    await outbox.send_due()
    for _ in range(4):
        await later(outbox, clock, 12)
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.remote_id, wire.send_calls) == (ReplyState.SENT, "9", 2)


async def test_a_no_to_a_second_sending_fails_it_once_it_is_surely_not_there(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell"), Rejected(ACCOUNT, "403", reason="the post is closed")]
    await outbox.send_due()
    for _ in range(6):
        await later(outbox, clock, 12)
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.problem, wire.send_calls) == (ReplyState.FAILED, "the post is closed", 2)


async def test_a_look_before_a_person_sent_it_again_does_not_count_for_the_second_sending(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell"), OutcomeUnknown(ACCOUNT, "the line fell again")]
    wire.looks = [Look.ABSENT, Look.ABSENT, Receipt(remote_id="9", url="u")]
    await outbox.send_due()
    await later(outbox, clock, 6)
    reply = await reply_of(outbox, due)
    await outbox.replies.settle_by_person(due, is_there=False, by="kari", version=reply.version, at=clock.now())
    await outbox.send_due()
    for _ in range(3):
        await later(outbox, clock, 6)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 2)
