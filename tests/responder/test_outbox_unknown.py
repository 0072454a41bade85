"""What nobody knows is looked at before it is sent again, and left to a person where looking does not help (I4)."""

import asyncio
import sys
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import NeedsOperator, OutcomeUnknown, RateLimited, TryLater
from core.reply import Receipt, Reply, ReplyState
from platforms.published import OwnReplies, Published
from responder.outbox import Outbox
from responder.senders.base import Look
from responder.senders.find import find_among
from store.accounts import AccountState
from store.database import Database
from store.owners import OwnerLock
from tests.builders import NOW, a_mention, a_post, an_author, decided
from tests.responder.wire import ACCOUNT, Wire, later, reply_of, state_of

ROOT = Path(__file__).parents[2]


async def test_an_unknown_outcome_is_looked_up_before_anything_else_and_found(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.published_although = True
    await outbox.send_due()
    assert await state_of(outbox) is ReplyState.UNKNOWN
    assert await outbox.send_due() == 0
    assert await outbox.settle_unknown() == 0, "the platform may show it late"
    await later(outbox, clock, 6)
    assert await state_of(outbox) is ReplyState.SENT
    assert (wire.send_calls, wire.find_calls, len(wire.published)) == (1, 1, 1)


async def test_a_reply_absent_twice_is_sent_again_and_not_after_one_look(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [Look.ABSENT, Look.ABSENT]
    await outbox.send_due()
    await later(outbox, clock, 6)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.UNKNOWN, 1)
    await later(outbox, clock, 6)
    assert (await state_of(outbox), wire.send_calls, wire.find_calls) == (ReplyState.SENT, 2, 2)
    assert len(wire.published) == 1


async def test_of_two_replies_under_one_post_each_is_looked_for_by_its_own_words(
    database: Database, outbox: Outbox, clock: ManualClock, due: int
) -> None:
    """The platform took the acknowledgement and not the answer, and said so of neither."""
    wire = Window(sends=[OutcomeUnknown(ACCOUNT, "503")], published_although=True)
    two = replace(outbox, senders={ACCOUNT: wire})
    await two.send_due()
    wire.sends, wire.published_although = [OutcomeUnknown(ACCOUNT, "503")], False
    await two.replies.answer(1, "Nu virker det.", by="kari", at=clock.now())
    await two.send_due()
    for _ in range(3):
        await later(two, clock, 6)
    assert [one.id for one in wire.published] == [1, 2]
    assert await two.replies.count_by_state() == {"sent": 2}


class Window(Wire):
    """A sender that looks at what was published, as those of the platforms do."""

    async def find(
        self,
        reply: Reply,
        *,
        not_these: Collection[str] = (),
        nor_saying: Collection[str] = (),
        has_spoken: bool = False,
    ) -> Receipt | Look:
        shown = tuple(
            Published(remote_id=f"9{one.id}", url="u", text=one.text, parent_id=one.target_id, published_at=NOW)
            for one in self.published
        )
        return find_among(OwnReplies(replies=shown, is_complete=True), reply, not_these, nor_saying)


async def test_every_sending_anew_is_looked_for_twice_again(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    """Looks of an earlier sending must not count for the next: it may be published and not shown yet."""
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell"), OutcomeUnknown(ACCOUNT, "the line fell again")]
    wire.looks = [Look.ABSENT, Look.ABSENT, Look.ABSENT, Receipt(remote_id="9", url="u")]
    await outbox.send_due()
    for _ in range(4):
        await later(outbox, clock, 6)
    await later(outbox, clock, 6)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 2)
    assert (await reply_of(outbox)).remote_id == "9"


@pytest.mark.parametrize("answer", [Look.CANNOT_TELL, RuntimeError("boom")])
async def test_what_nobody_can_tell_is_left_to_a_person_and_never_sent_again(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int, answer: Look | Exception
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [answer] * 6
    await outbox.send_due()
    for _ in range(30):
        await later(outbox, clock, 60)
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.problem) == (ReplyState.UNKNOWN, "nobody can tell whether it is published")
    assert (wire.send_calls, wire.find_calls) == (1, 6)


@pytest.mark.parametrize(
    ("answer", "every"),
    [(TryLater(ACCOUNT, "503"), 30), (RateLimited(ACCOUNT, "429", wait_seconds=120), 120), (TimeoutError(), 30)],
)
async def test_a_platform_that_is_away_uses_up_no_looks(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int, answer: Exception, every: float
) -> None:
    """What made the outcome unknown is what keeps us from looking: one look afterwards tells."""
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [answer] * 20
    await outbox.send_due()
    await later(outbox, clock, 6)
    for number in range(1, 20):
        await later(outbox, clock, every - 1)
        assert wire.find_calls == number, "it is asked no sooner than it says"
        await later(outbox, clock, 1)
    for _ in range(2):
        await later(outbox, clock, every)
    await later(outbox, clock, 6)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 2)


async def test_a_look_that_needs_the_operator_calls_one_and_is_made_once_cured(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [NeedsOperator(ACCOUNT, "401", cure="a new token"), Receipt(remote_id="9", url="u")]
    await outbox.send_due()
    await later(outbox, clock, 6)
    assert await outbox.accounts.state(ACCOUNT) is AccountState.NEEDS_OPERATOR
    await later(outbox, clock, 3_600)
    assert wire.find_calls == 1
    await outbox.accounts.set_state(ACCOUNT, AccountState.ACTIVE, reason="", by="kari", at=clock.now())
    await later(outbox, clock, 1)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 1)


async def test_one_look_that_cannot_tell_does_not_make_it_absent(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [Look.CANNOT_TELL, Look.CANNOT_TELL, Receipt(remote_id="9", url="u")]
    await outbox.send_due()
    for _ in range(3):
        await later(outbox, clock, 20)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 1)


async def test_what_a_sender_nobody_can_reach_published_is_found_after_its_lease(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    (claimed,) = await outbox.replies.claim_due("elsewhere:1:2", at=clock.now(), lease=timedelta(seconds=60))
    wire.published.append(claimed)
    await later(outbox, clock, 60)
    assert await state_of(outbox) is ReplyState.SENDING
    await later(outbox, clock, 1)
    assert (await state_of(outbox), wire.send_calls, wire.find_calls) == (ReplyState.SENT, 0, 1)


async def test_what_a_sender_nobody_can_reach_may_still_publish_is_left_to_a_person(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    """It may be frozen with the request in its hands: that the reply is absent now proves nothing."""
    await outbox.replies.claim_due("elsewhere:1:2", at=clock.now(), lease=timedelta(seconds=60))
    for _ in range(20):
        await later(outbox, clock, 61)
    reply = await reply_of(outbox, due)
    assert (reply.state, wire.send_calls, wire.find_calls) == (ReplyState.UNKNOWN, 0, 1)
    assert "cannot be reached" in (reply.problem or "")


async def test_a_look_for_an_unreachable_senders_reply_that_is_interrupted_sends_nothing_either(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    """Whoever takes over must not mistake it for one that may be sent again once it is surely absent."""
    await outbox.replies.claim_due("elsewhere:1:2", at=clock.now(), lease=timedelta(seconds=60))
    await clock.advance(61)
    claimed = await outbox.replies.claim_unreachable("killed:3:4", of=["elsewhere:1:2"], at=clock.now())
    assert [reply.id for reply in claimed] == [due]
    for _ in range(20):
        await later(outbox, clock, 61)
    reply = await reply_of(outbox, due)
    assert (reply.state, wire.send_calls) == (ReplyState.UNKNOWN, 0)
    assert "cannot be reached" in (reply.problem or "")


async def test_what_wakes_and_publishes_after_all_is_sent_though_a_person_was_to_decide(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    (claimed,) = await outbox.replies.claim_due("elsewhere:1:2", at=clock.now(), lease=timedelta(seconds=60))
    await later(outbox, clock, 61)
    assert await state_of(outbox) is ReplyState.UNKNOWN
    assert await outbox.replies.mark_sent(claimed, Receipt(remote_id="9", url="u"), at=clock.now())
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.remote_id, reply.problem) == (ReplyState.SENT, "9", None)


async def test_what_is_being_sent_as_an_account_that_left_the_config_is_left_to_a_person(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    await outbox.replies.claim_due("killed:1:2", at=clock.now(), lease=timedelta(seconds=60))
    without = replace(outbox, senders={"reddit-main": wire})
    await clock.advance(300)
    assert await without.leave_strangers() == 0, "another process may still know it"
    await clock.advance(600)
    assert await outbox.leave_strangers() == 0
    assert await without.leave_strangers() == 1
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.problem) == (ReplyState.UNKNOWN, f"account '{ACCOUNT}' is no longer in the config")
    await later(outbox, clock, 600)
    assert wire.find_calls + wire.send_calls == 0


async def test_a_sender_that_died_on_this_machine_is_looked_up_at_once(
    outbox: Outbox, wire: Wire, clock: ManualClock, tmp_path: Path, due: int
) -> None:
    (claimed,) = await outbox.replies.claim_due(
        await _killed_owner(tmp_path), at=clock.now(), lease=timedelta(seconds=60)
    )
    wire.published.append(claimed)
    await outbox.settle_unknown()
    assert (await state_of(outbox), wire.send_calls, wire.find_calls) == (ReplyState.SENT, 0, 1)


async def test_all_that_a_sender_died_with_is_looked_for_however_much_it_was(
    outbox: Outbox, wire: Wire, clock: ManualClock, database: Database, tmp_path: Path
) -> None:
    """More than one round of looking: the later rounds must still see that it died on this machine."""
    count = 20
    mentions = [a_mention(post=a_post(str(n), author=an_author(str(n)))) for n in range(1, count + 1)]
    await decided(database, *mentions)
    dead = await _killed_owner(tmp_path)
    assert len(await outbox.replies.claim_due(dead, at=clock.now(), lease=timedelta(seconds=60), limit=count)) == count
    for _ in range(20):
        await later(outbox, clock, 7)
    assert await outbox.replies.count_by_state() == {ReplyState.SENT: count}
    assert wire.send_calls == count, "nobody is asked to decide what can be known"


async def test_what_a_sender_died_with_is_looked_for_though_another_account_looked_first(
    outbox: Outbox, wire: Wire, clock: ManualClock, tmp_path: Path, due: int
) -> None:
    await outbox.replies.claim_due(await _killed_owner(tmp_path), at=clock.now(), lease=timedelta(seconds=60))
    await outbox.settle_unknown("reddit-main")
    for _ in range(4):
        await later(outbox, clock, 7)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 1)


async def test_a_sender_that_is_only_frozen_is_waited_for_however_long(
    outbox: Outbox, wire: Wire, clock: ManualClock, tmp_path: Path, due: int
) -> None:
    with OwnerLock(tmp_path) as frozen:
        await outbox.replies.claim_due(frozen.name, at=clock.now(), lease=timedelta(seconds=60))
        await later(outbox, clock, 3600)
        assert (await state_of(outbox), wire.find_calls) == (ReplyState.SENDING, 0)


async def _killed_owner(folder: Path) -> str:
    script = (
        "import pathlib, sys, time\n"
        "from store.owners import OwnerLock\n"
        "lock = OwnerLock(pathlib.Path(sys.argv[1])).__enter__()\n"
        "print(lock.name, flush=True)\n"
        "time.sleep(60)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(folder), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    name = (await process.stdout.readline()).decode().strip()
    process.kill()
    await process.wait()
    return name


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
                await clock.advance(0)
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
    reply = await reply_of(outbox, due)
    assert (reply.state, reply.problem) == (ReplyState.UNKNOWN, "no answer in time")


async def test_a_reply_of_an_account_that_left_the_config_is_left_to_a_person(outbox: Outbox, due: int) -> None:
    await replace(outbox, senders={}).send_due()
    reply = await reply_of(outbox, due)
    assert reply.state is ReplyState.UNKNOWN
    assert "no longer in the config" in (reply.problem or "")
    assert await outbox.settle_unknown() == 0


async def test_a_look_at_what_a_person_settled_meanwhile_is_not_remembered_for_ever(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "the line fell"), OutcomeUnknown(ACCOUNT, "the line fell")]
    wire.looks = [Look.ABSENT, Look.ABSENT]
    await outbox.send_due()
    await later(outbox, clock, 6)
    reply = await reply_of(outbox, due)
    await outbox.replies.drop(due, by="kari", version=reply.version, at=clock.now())
    await clock.advance(25 * 3600)
    answer = await outbox.replies.answer(1, "Nu virker det.", by="kari", at=clock.now())
    await outbox.send_due()
    await later(outbox, clock, 6)
    assert {number for number, _ in outbox._absent_since} == {answer}


async def test_senders_that_die_before_anything_leaves_use_up_no_try(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    for number in range(4):
        name, lease = outbox.owner.name, timedelta(seconds=60)
        (claimed,) = await outbox.replies.claim_due(name, at=clock.now(), lease=lease)
        assert claimed.attempts == number + 1
        await clock.advance(61)
        await outbox.settle_unknown()
        await clock.advance(7)
        await outbox.settle_unknown()
    assert await state_of(outbox) is ReplyState.APPROVED
    await outbox.send_due()
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 1)


async def test_a_platform_that_was_away_for_long_uses_up_no_try(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    away: list[Exception] = [TryLater(ACCOUNT, "503") for _ in range(4)]
    wire.sends = [*away, OutcomeUnknown(ACCOUNT, "the line fell")]
    for _ in range(8):
        await later(outbox, clock, 30)
    assert (await state_of(outbox), wire.send_calls) == (ReplyState.SENT, 6)


async def test_a_reply_that_is_absent_after_every_try_fails_instead_of_going_round_for_ever(
    outbox: Outbox, wire: Wire, clock: ManualClock, due: int
) -> None:
    wire.sends = [OutcomeUnknown(ACCOUNT, "duplicate content") for _ in range(3)]
    await outbox.send_due()
    for _ in range(12):
        await later(outbox, clock, 30)
    reply = await reply_of(outbox, due)
    assert (reply.state, wire.send_calls) == (ReplyState.FAILED, 3)
    assert "after 3 tries" in (reply.problem or "")
    again = await outbox.replies.redraft(due, by="kari", version=reply.version, at=clock.now(), has_looked=True)
    assert (reply.unanswered, again.unanswered) == (3, 0), "written anew"
