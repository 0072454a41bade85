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
from core.decision import OPERATOR, Notice
from core.errors import NeedsOperator, OutcomeUnknown, PlatformError, Rejected, StoreError, TryLater
from core.reply import Receipt, Reply
from responder.guards import refusal
from responder.senders.base import Look, Sender
from store.accounts import Accounts, AccountState
from store.alerts import Alerts
from store.bell import Bell, Ring
from store.owners import OwnerLock, OwnerState
from store.replies import Replies

log = logging.getLogger(__name__)

_settled = Counter("genlyd_replies_total", "Replies by what became of them", ["account", "outcome"])
_latency = Histogram(
    "genlyd_reply_seconds",
    "From the post's own time to the platform's receipt",
    buckets=(0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900),
)

_AT_ONCE = 8
_SEND_SECONDS = 20.0
# Longer than any request may take, so a live sender is never taken for a lost one.
_LEASE = timedelta(seconds=60)
# Platforms show a new reply late: two looks, this far apart, before we believe it is not there.
_SETTLE = timedelta(seconds=6)
_LOOKS_TO_BELIEVE_ABSENT = 2
_MOST_LOOKS = 6
# A reply that leaves and is absent again and again will not be taken: the same text twice, to X.
_MOST_ATTEMPTS = 3
_SLOWEST_RETRY_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Everything sending needs. `owner` is this process's name and lock."""

    owner: OwnerLock
    senders: Mapping[str, Sender]
    replies: Replies
    accounts: Accounts
    alerts: Alerts
    bell: Bell
    clock: Clock
    limits: SafetyConfig = field(default_factory=SafetyConfig)

    async def run(self) -> None:
        """Send and settle for ever."""
        # Each account by itself: a platform that answers slowly must hold up nobody else.
        bells = {account: asyncio.Event() for account in self.senders}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear_bells(list(bells.values())))
                for account, bell in bells.items():
                    tasks.create_task(self._loop(partial(self.send_due, account), bell))
                    tasks.create_task(self._loop(partial(self.settle_unknown, account), asyncio.Event()))
        finally:
            for sender in self.senders.values():
                await sender.close()

    async def _hear_bells(self, bells: list[asyncio.Event]) -> None:
        while True:
            entries = await self.bell.wait(Ring.SEND, count=64, seconds=1.0)
            for bell in bells if entries else ():
                bell.set()
            await self.bell.done(Ring.SEND, entries)

    async def _loop(self, step: Callable[[], Awaitable[int]], bell: asyncio.Event) -> None:
        while True:
            try:
                bell.clear()
                if not await step():
                    await _until(bell, seconds=1.0)
            except StoreError as err:
                log.error("the database failed: replies wait", extra={"error": str(err)})
                await self.clock.sleep(1.0)

    async def send_due(self, account: str | None = None) -> int:
        """Send what is due now, several at once; return how many were claimed. `account` None: of all."""
        claimed = await self.replies.claim_due(
            self.owner.name, at=self.clock.now(), lease=_LEASE, limit=_AT_ONCE, account=account
        )
        await self._all(self._deliver, claimed)
        return len(claimed)

    async def settle_unknown(self, account: str | None = None) -> int:
        """Look for replies whose outcome nobody knows; return how many were looked for."""
        alive = await self._take_over_from_the_dead()
        claimed = await self.replies.claim_unsettled(
            self.owner.name, at=self.clock.now(), lease=_LEASE, limit=_AT_ONCE, not_of=alive, account=account
        )
        await self._all(self._look, claimed)
        return len(claimed)

    async def _take_over_from_the_dead(self) -> list[str]:
        """End the leases of processes that died on this machine; return those that live."""
        alive: list[str] = []
        for name in await self.replies.other_senders(self.owner.name):
            state = self.owner.state(name)
            if state is OwnerState.ALIVE:
                alive.append(name)
            elif state is OwnerState.DEAD:
                ended = await self.replies.end_leases(name, at=self.clock.now())
                log.warning("a sender died on this machine: its replies are looked for", extra={"count": ended})
                self.owner.forget(name)
        return alive

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
            log.info("a reply moved", extra={"reply": reply.id, "account": reply.account, "outcome": outcome})

    async def _deliver(self, reply: Reply, sender: Sender) -> str:
        standing = await self.replies.standing(reply, at=self.clock.now())
        why = refusal(reply, standing, self.limits)
        if why is not None:
            await self.replies.mark_refused(reply, why, at=self.clock.now())
            return "refused"
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                receipt = await sender.send(reply)
        except TimeoutError:
            return await self._unknown(reply, "no answer in time")
        except PlatformError as err:
            return await self._not_sent(reply, err)
        except Exception:
            log.exception("a sender failed in a way it should not", extra={"reply": reply.id})
            return await self._unknown(reply, "our own code failed while sending")
        return await self._sent(reply, receipt, posted_seconds=(self.clock.now() - standing.posted_at).total_seconds())

    async def _sent(self, reply: Reply, receipt: Receipt, *, posted_seconds: float) -> str:
        await self.replies.mark_sent(reply, receipt, at=self.clock.now())
        if reply.is_automatic:
            _latency.observe(posted_seconds)
        return "sent"

    async def _not_sent(self, reply: Reply, err: PlatformError) -> str:
        now = self.clock.now()
        match err:
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
                wait = err.wait_seconds or min(_SLOWEST_RETRY_SECONDS, 2.0**reply.attempts)
                later = now + timedelta(seconds=wait)
                await self.replies.reschedule(reply, str(err), at=now, not_before=later)
                return "later"
            case _:
                return await self._unknown(reply, str(err))

    async def _unknown(self, reply: Reply, why: str) -> str:
        now = self.clock.now()
        await self.replies.mark_unknown(reply, why, at=now, look_at=now + _SETTLE)
        return "unknown"

    async def _look(self, reply: Reply, sender: Sender) -> str:
        looks = await self.replies.looks(reply)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                found = await sender.find(reply, not_these=await self.replies.remote_ids(reply))
        except (PlatformError, TimeoutError):
            log.warning("looking for a reply failed", extra={"reply": reply.id, "account": reply.account})
            found = Look.CANNOT_TELL
        except Exception:
            log.exception("a sender failed in a way it should not", extra={"reply": reply.id})
            found = Look.CANNOT_TELL
        now = self.clock.now()
        if isinstance(found, Receipt):
            await self.replies.mark_sent(reply, found, at=now)
            return "found"
        if found is Look.ABSENT and looks >= _LOOKS_TO_BELIEVE_ABSENT and reply.attempts >= _MOST_ATTEMPTS:
            why = f"it is not there after {reply.attempts} tries: {reply.problem}"
            await self.replies.mark_failed(reply, why, at=now)
            return "failed"
        if found is Look.ABSENT and looks >= _LOOKS_TO_BELIEVE_ABSENT:
            await self.replies.reschedule(reply, "it was surely not published", at=now, not_before=now)
            return "absent"
        if found is Look.CANNOT_TELL and looks >= _MOST_LOOKS:
            await self.replies.mark_unknown(reply, "nobody can tell whether it is published", at=now, look_at=None)
            return "left to a person"
        await self.replies.mark_unknown(reply, reply.problem or "unknown", at=now, look_at=now + _SETTLE * looks)
        return "looked"

    async def _call_operator(self, err: NeedsOperator) -> None:
        reason = f"{err} {err.cure}"
        now = self.clock.now()
        if await self.accounts.set_state(err.account, AccountState.NEEDS_OPERATOR, reason=reason, by="genlyd", at=now):
            log.error("an account needs the operator", extra={"account": err.account, "cure": err.cure})
            notice = Notice(kind=OPERATOR, title=f"{err.account} needs you", body=reason, account=err.account)
            await self.alerts.queue(notice, at=now)
            await self.bell.ring(Ring.TELL, [0])


async def _until(bell: asyncio.Event, *, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
