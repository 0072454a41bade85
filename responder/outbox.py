"""Sending: claim (SENDING is committed) > guards > send > settle; and looking, where nobody knows.

Owns the order that makes a second reply impossible (I3, I4): nothing leaves before SENDING is
committed, and nothing uncertain leaves again before somebody has looked. Refuses to know a platform.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from prometheus_client import Counter, Histogram

from core.clock import Clock
from core.config import SafetyConfig
from core.errors import NeedsOperator, OutcomeUnknown, PlatformError, Rejected, StoreError, TryLater
from core.failpoint import reach
from core.reply import Receipt, Reply, ReplyState
from responder.guards import refusal
from responder.senders.base import Look, Sender
from store.accounts import Accounts
from store.bell import Bell, Ring
from store.claims import UNREACHABLE
from store.owners import OwnerState
from store.presence import BEAT_SECONDS, Presence
from store.replies import Replies

log = logging.getLogger(__name__)

_settled = Counter("genlyd_replies_total", "Replies by what became of them", ["account", "outcome"])
_latency = Histogram(
    "genlyd_reply_seconds",
    "From the post's own time to the platform's receipt",
    buckets=(0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900),
)

# A round takes as long as its slowest reply: with 8, one account sent some 20 a second and fell behind.
_AT_ONCE = 16
_MOST_LOOKS = 6
# A reply that leaves and is absent again and again will not be taken: the same text twice, to X. What its sender did
# not live to see the end of does not count: perhaps nothing ever left.
_MOST_UNANSWERED = 3
_SLOWEST_RETRY_SECONDS = 300.0
# Who looked in vain and never came back to it: somebody else settled it.
_LOOKED_SECONDS = 86_400.0
# A platform that does not answer a look is asked again after so long, or as long as it says.
_AWAY_SECONDS = 30.0
# Another process may know an account that our config does not, or no longer: its own looks come first.
_STRANGERS_AFTER = timedelta(minutes=10)
_STRANGERS_SECONDS = 60.0
# What a platform says no to, once it may have taken it before, is looked for first.
_REFUSED_AGAIN = "refused when sent again: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a request may take, how long a claim holds, and how far apart looks are.

    Platforms show a new reply late: two looks, `settle` apart, before we believe that it is not there. A request is
    begun only where its end lies within the lease.
    """

    send: timedelta = timedelta(seconds=20)
    lease: timedelta = timedelta(seconds=60)
    settle: timedelta = timedelta(seconds=6)

    def __post_init__(self) -> None:
        if self.lease <= self.send:
            raise ValueError("a lease must outlive a request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Everything sending needs. `owner` is this process's name and locks."""

    owner: Presence
    senders: Mapping[str, Sender]
    replies: Replies
    accounts: Accounts
    bell: Bell
    clock: Clock
    limits: SafetyConfig = field(default_factory=SafetyConfig)
    timing: Timing = field(default_factory=Timing)
    # What is being sent right now, and when a reply was first looked for in vain, as time passes and not as it is set.
    _in_hand: set[int] = field(default_factory=set, init=False)
    _absent_since: dict[tuple[int, int], float] = field(default_factory=dict, init=False)

    async def run(self) -> None:
        """Send and settle for ever."""
        # Each account by itself: a platform that answers slowly must hold up nobody else.
        bells = {account: asyncio.Event() for account in self.senders}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._beat())
                tasks.create_task(self._tidy())
                tasks.create_task(self._loop(self.leave_strangers, asyncio.Event(), seconds=_STRANGERS_SECONDS))
                tasks.create_task(self._hear_bells(list(bells.values())))
                for account, bell in bells.items():
                    tasks.create_task(self._loop(partial(self.send_due, account), bell))
                    tasks.create_task(self._loop(partial(self.settle_unknown, account), asyncio.Event()))
        finally:
            for sender in self.senders.values():
                await sender.close()

    async def _beat(self) -> None:
        """By itself: a platform that answers slowly must not make us look frozen."""
        while True:
            await self.owner.beat()
            await asyncio.sleep(BEAT_SECONDS)

    async def _tidy(self) -> None:
        """Remove the lock files of the dead that left nothing behind, once every lease they held is over."""
        dead = self.owner.dead()
        await asyncio.sleep(self.timing.lease.total_seconds())
        with suppress(StoreError):
            self.owner.tidy(dead, keep=await self.replies.other_senders(self.owner.name))

    async def leave_strangers(self) -> int:
        """Leave to a person what was being sent as an account that the config no longer knows; return how many."""
        at, after = self.clock.now(), _STRANGERS_AFTER
        left = await self.replies.leave_strangers(list(self.senders), at=at, after=after)
        if left:
            log.warning("replies of accounts no longer in the config are left to a person", extra={"replies": left})
            await self.bell.announce()
        return len(left)

    async def _hear_bells(self, bells: list[asyncio.Event]) -> None:
        while True:
            entries = await self.bell.wait(Ring.SEND, count=64, seconds=1.0)
            for bell in bells if entries else ():
                bell.set()
            await self.bell.done(Ring.SEND, entries)

    async def _loop(self, step: Callable[[], Awaitable[int]], bell: asyncio.Event, *, seconds: float = 1.0) -> None:
        while True:
            try:
                bell.clear()
                if not await step():
                    await _until(bell, seconds=seconds)
            except StoreError as err:
                log.error("the database failed: replies wait", extra={"error": str(err)})
                await self.clock.sleep(1.0)

    async def send_due(self, account: str | None = None) -> int:
        """Send what is due now, several at once; return how many were claimed. `account` None: of all."""
        reach("R1")
        if not await self.owner.holds():
            return 0
        began = self.clock.passed()
        if back := await self.replies.take_back_moved(at=self.clock.now(), account=account):
            log.info("the conversations moved on before these left: drafts again", extra={"replies": back})
            await self.bell.announce()
        claimed = await self.replies.claim_due(
            self.owner.name, at=self.clock.now(), lease=self.timing.lease, limit=_AT_ONCE, account=account
        )
        self._in_hand.update(reply.id for reply in claimed)
        try:
            await self._all(partial(self._deliver, began=began), claimed)
        finally:
            self._in_hand.difference_update(reply.id for reply in claimed)
        return len(claimed)

    async def settle_unknown(self, account: str | None = None) -> int:
        """Look for replies whose outcome nobody knows; return how many were looked for."""
        alive, unreachable = await self._others()
        at, lease = self.clock.now(), self.timing.lease
        claimed = await self.replies.claim_unsettled(
            self.owner.name,
            at=at,
            lease=lease,
            limit=_AT_ONCE,
            not_of=[*alive, *unreachable],
            but_not=self._in_hand,
            account=account,
        )
        await self._all(self._look, claimed)
        if not unreachable:
            return len(claimed)
        lost = await self.replies.claim_unreachable(
            self.owner.name, of=unreachable, at=at, limit=_AT_ONCE, account=account
        )
        await self._all(self._look_once, lost)
        return len(claimed) + len(lost)

    async def _others(self) -> tuple[list[str], list[str]]:
        """Return the other senders that live, and those nobody can reach. The leases of the dead end here."""
        alive: list[str] = []
        unreachable: list[str] = []
        for name in await self.replies.other_senders(self.owner.name):
            match await self.owner.state(name):
                case OwnerState.ALIVE:
                    alive.append(name)
                case OwnerState.ELSEWHERE:
                    unreachable.append(name)
                case OwnerState.DEAD:
                    # Its lock file stays: without it, whoever asks next could not tell that this one is dead.
                    if ended := await self.replies.end_leases(name, at=self.clock.now()):
                        log.warning("a sender died on this machine: its replies are looked for", extra={"count": ended})
                case OwnerState.GONE:
                    # Perhaps only cut off: what it had begun must have ended, and its lease says when.
                    pass
        return alive, unreachable

    async def _all(self, step: Callable[[Reply, Sender], Awaitable[str]], claimed: list[Reply]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for reply in claimed:
                tasks.create_task(self._one(step, reply))
        if claimed:
            await self.bell.announce()

    async def _one(self, step: Callable[[Reply, Sender], Awaitable[str]], reply: Reply) -> None:
        sender = self.senders.get(reply.account)
        if sender is None:
            why = f"account {reply.account!r} is no longer in the config"
            await self.replies.mark_unknown(reply, why, at=self.clock.now(), look_at=None)
            return
        try:
            outcome = await step(reply, sender)
        except StoreError as err:
            # The row still says SENDING: its lease will run out and somebody will look.
            log.error("the outcome of a reply could not be saved", extra={"reply": reply.id, "error": str(err)})
        else:
            _settled.labels(reply.account, outcome).inc()
            reach("R6")
            log.info("a reply moved", extra={"reply": reply.id, "account": reply.account, "outcome": outcome})

    async def _deliver(self, reply: Reply, sender: Sender, *, began: float) -> str:
        reach("R2")
        standing = await self.replies.standing(reply, at=self.clock.now())
        why = refusal(reply, standing, self.limits)
        if why is not None:
            await self.replies.mark_refused(reply, why, at=self.clock.now())
            return "refused"
        if not await self._may_begin(began):
            now = self.clock.now()
            await self.replies.reschedule(reply, "this process was held up before sending", at=now, not_before=now)
            return "later"
        if reply.attempts > 1:
            reach("R8")
        reach("R3")
        try:
            async with asyncio.timeout(self.timing.send.total_seconds()):
                receipt = await sender.send(reply)
        except TimeoutError:
            return await self._unknown(reply, "no answer in time")
        except PlatformError as err:
            reach("R5")
            return await self._not_sent(reply, err)
        except Exception:
            log.exception("a sender failed in a way it should not", extra={"reply": reply.id})
            return await self._unknown(reply, "our own code failed while sending")
        reach("R5")
        return await self._sent(reply, receipt, posted_seconds=(self.clock.now() - standing.posted_at).total_seconds())

    async def _may_begin(self, began: float) -> bool:
        """Whether a request that begins now ends within the lease, and everybody knows that we live."""
        ends = self.clock.passed() - began + self.timing.send.total_seconds()
        return ends < self.timing.lease.total_seconds() and await self.owner.holds()

    async def _sent(self, reply: Reply, receipt: Receipt, *, posted_seconds: float) -> str:
        if reply.is_automatic:
            _latency.observe(posted_seconds)
        return await self._note_published(reply, receipt, "sent")

    async def _not_sent(self, reply: Reply, err: PlatformError) -> str:
        now = self.clock.now()
        match err:
            case Rejected() if reply.attempts > 1:
                # It says nothing about the first time: what stands there must not be called failed.
                return await self._unknown(reply, f"{_REFUSED_AGAIN}{err.reason}")
            case Rejected():
                await self.replies.mark_failed(reply, err.reason, at=now)
                return "failed"
            case OutcomeUnknown():
                return await self._unknown(reply, str(err))
            case NeedsOperator():
                await self.replies.reschedule(reply, str(err), at=now, not_before=now)
                await self._call_operator(err)
                return "waiting"
            case TryLater():
                # A platform may be away for days, and 2.0 ** 1024 is no number.
                wait = err.wait_seconds or min(_SLOWEST_RETRY_SECONDS, 2.0 ** min(reply.attempts, 30))
                later = now + timedelta(seconds=wait)
                await self.replies.reschedule(reply, str(err), at=now, not_before=later)
                return "later"
            case _:
                return await self._unknown(reply, str(err))

    async def _unknown(self, reply: Reply, why: str) -> str:
        now = self.clock.now()
        await self.replies.mark_unanswered(reply, why, at=now, look_at=now + self.timing.settle)
        return "unknown"

    async def _look(self, reply: Reply, sender: Sender) -> str:
        reach("R7")
        looks = await self.replies.looks(reply)
        found = await self._find(reply, sender)
        reach("R7b")
        now = self.clock.now()
        if isinstance(found, Receipt):
            self._absent_since.pop((reply.id, reply.attempts), None)
            return await self._note_published(reply, found, "found")
        if isinstance(found, PlatformError):
            return await self._not_asked(reply, found, looks=looks - 1)
        if found is Look.ABSENT and self._is_surely_absent(reply):
            return await self._absent(reply)
        if found is Look.CANNOT_TELL and looks >= _MOST_LOOKS:
            await self.replies.mark_unknown(reply, "nobody can tell whether it is published", at=now, look_at=None)
            return "left to a person"
        look_at = now + self.timing.settle * looks
        await self.replies.mark_unknown(reply, reply.problem or "unknown", at=now, look_at=look_at)
        return "looked"

    async def _not_asked(self, reply: Reply, err: PlatformError, *, looks: int) -> str:
        """The platform did not answer, so nothing was learnt: such a look does not count, and is made later."""
        if isinstance(err, NeedsOperator):
            await self._call_operator(err)
        wait = (err.wait_seconds if isinstance(err, TryLater) else None) or 0.0
        now = self.clock.now()
        look_at = now + timedelta(seconds=max(wait, _AWAY_SECONDS))
        await self.replies.mark_unknown(reply, reply.problem or "unknown", at=now, look_at=look_at, looks=looks)
        return "not asked"

    async def _look_once(self, reply: Reply, sender: Sender) -> str:
        """Its sender may be frozen and still publish it: absence proves nothing, so nobody but a person sends it."""
        reach("R7")
        found = await self._find(reply, sender)
        reach("R7b")
        if isinstance(found, Receipt):
            return await self._note_published(reply, found, "found")
        await self.replies.mark_unknown(reply, UNREACHABLE, at=self.clock.now(), look_at=None)
        return "left to a person"

    async def _note_published(self, reply: Reply, receipt: Receipt, outcome: str) -> str:
        if await self.replies.mark_sent(reply, receipt, at=self.clock.now()):
            return outcome
        now = await self.replies.get(reply.id)
        if now is not None and (now.state, now.attempts) == (ReplyState.SENT, reply.attempts):
            # Whoever looked for it meanwhile found it, or a person did.
            return outcome
        published = {"reply": reply.id, "account": reply.account, "remote_id": receipt.remote_id}
        log.error("a reply that moved on meanwhile is published: it may stand there twice", extra=published)
        return "published, and moved on"

    async def _find(self, reply: Reply, sender: Sender) -> Receipt | Look | PlatformError:
        try:
            async with asyncio.timeout(self.timing.send.total_seconds()):
                beside = await self.replies.beside(reply)
                return await sender.find(
                    reply, not_these=beside.remote_ids, nor_saying=beside.texts, has_spoken=beside.has_spoken
                )
        except (PlatformError, TimeoutError) as err:
            log.warning("looking for a reply failed", extra={"reply": reply.id, "account": reply.account})
            return err if isinstance(err, PlatformError) else TryLater(reply.account, "no answer in time")
        except StoreError:
            raise
        except Exception:
            log.exception("a sender failed in a way it should not", extra={"reply": reply.id})
        return Look.CANNOT_TELL

    def _is_surely_absent(self, reply: Reply) -> bool:
        """Two looks since this sending, apart as time passes: a clock that was set brings them no closer together."""
        self._forget_old_looks(but=(reply.id, reply.attempts))
        first = self._absent_since.setdefault((reply.id, reply.attempts), self.clock.passed())
        return self.clock.passed() - first >= 0.9 * self.timing.settle.total_seconds()

    def _forget_old_looks(self, *, but: tuple[int, int]) -> None:
        """What a person, or another process, settled after our first look is never asked for here again."""
        long_ago = self.clock.passed() - _LOOKED_SECONDS
        for key in [key for key, first in self._absent_since.items() if first < long_ago and key != but]:
            del self._absent_since[key]

    async def _absent(self, reply: Reply) -> str:
        self._absent_since.pop((reply.id, reply.attempts), None)
        now, problem = self.clock.now(), reply.problem or ""
        if problem.startswith(_REFUSED_AGAIN):
            await self.replies.mark_failed(reply, problem.removeprefix(_REFUSED_AGAIN), at=now)
            return "failed"
        if reply.unanswered >= _MOST_UNANSWERED:
            await self.replies.mark_failed(reply, f"it is not there after {reply.unanswered} tries: {problem}", at=now)
            return "failed"
        await self.replies.reschedule(reply, "it was surely not published", at=now, not_before=now)
        return "absent"

    async def _call_operator(self, err: NeedsOperator) -> None:
        if await self.accounts.call_operator(err, at=self.clock.now()):
            log.error("an account needs the operator", extra={"account": err.account, "cure": err.cure})
            await self.bell.ring(Ring.TELL, [0])


async def _until(bell: asyncio.Event, *, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
