"""Real processes to be killed and frozen: each runs one room's own loop over the real store, against a real emulator.

What a process is to do travels to it as Orders. A fork server starts it in a few hundredths of a second, so a
hundred kills fit into a test. Refuses to judge: the tests ask the platform and the rows.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

import listeners
from core import failpoint
from core.assessment import Assessment
from core.clock import SystemClock
from core.config import AccountConfig, Config
from core.decision import Action, Decision, Draft, Facts, Plan
from core.reply import Receipt, Reply, ReplyState
from core.watch import Watch
from dashboard.desk import Desk
from dashboard.live import Hub
from listeners.loop import Ear, run_listener
from responder import senders
from responder import worker as deciding
from responder.outbox import Outbox, Timing
from sentiment import worker as assessing
from sentiment.guidance import Guidance
from sentiment.reader import Reader
from store.accounts import Accounts
from store.bell import Bell
from store.conversations import Conversations
from store.corrections import Corrections
from store.database import Database, open_database
from store.decisions import Decisions
from store.owners import OwnerLock, OwnerState
from store.posts import Posts
from store.presence import Presence
from store.reasons import Reasons
from store.replies import Replies
from store.sources import Sources
from store.taught import TaughtWords
from tests.builders import an_assessment

# A tenth of what the house takes, so that a test may wait for a lease to run out.
QUICK = Timing(send=timedelta(seconds=1.5), lease=timedelta(seconds=4), settle=timedelta(seconds=0.5))


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a process is to do. `folder` is its data folder: two that share it are on one machine."""

    work: str
    database: str
    folder: Path
    account: AccountConfig
    redis: str = ""
    fail_at: str = ""
    variant: str = ""
    reply_id: int = 0
    version: int = 1
    by: str = "kari"
    timing: Timing = QUICK


@dataclass
class Victim:
    """A started process, and the proof that its fail point was reached."""

    process: BaseProcess
    proof: Path

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def died(self, seconds: float = 60) -> int:
        """Wait for its end; return its status, -9 for SIGKILL."""
        async with asyncio.timeout(seconds):
            while self.process.exitcode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return self.process.exitcode

    async def fired(self, seconds: float = 60) -> None:
        """Wait until the fail point was reached. Fails where it was not: a kill that never came proves nothing."""
        async with asyncio.timeout(seconds):
            while not self.proof.exists():
                assert self.process.exitcode is None, f"it ended by itself with {self.process.exitcode}"
                await asyncio.sleep(0.01)

    async def froze(self) -> None:
        """Wait until it stands still at its fail point."""
        await self.fired()
        async with asyncio.timeout(30):
            while not _is_stopped(self.pid):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        """Kill it, whatever it does; a frozen one too."""
        with suppress(ProcessLookupError):
            self.send(signal.SIGKILL)
        await self.died()


def _is_stopped(pid: int) -> bool:
    """Linux tells; elsewhere the proof must do."""
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "T"


class Attacker:
    """Starts victims. Leaves none behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._victims: list[Victim] = []
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.attacker"])

    def start(self, orders: Orders) -> Victim:
        """Start a process with these orders."""
        folder = self._folder / f"process-{len(self._victims)}"
        folder.mkdir()
        process = self._context.Process(target=obey, args=(orders, folder), daemon=True)
        process.start()
        victim = Victim(process, folder / "proof")
        self._victims.append(victim)
        return victim

    async def end_all(self) -> None:
        for victim in self._victims:
            await victim.end()

    def logs(self) -> str:
        """What every process logged."""
        return "\n".join(file.read_text() for file in sorted(self._folder.glob("process-*/log")))

    def errors(self) -> str:
        """What ended a process that ended by an error."""
        return "\n".join(file.read_text() for file in sorted(self._folder.glob("process-*/error")))


# --- in the process ---


def obey(orders: Orders, folder: Path) -> None:
    """Run until killed."""
    logging.basicConfig(filename=folder / "log", level=logging.INFO, force=True)
    failpoint.arm({failpoint.AT: orders.fail_at, failpoint.PROOF: str(folder / "proof")})
    try:
        asyncio.run(_WORKS[orders.work](orders))
    except Exception:  # noqa: BLE001
        (folder / "error").write_text(traceback.format_exc())
        sys.exit(1)


@dataclass
class _Doors:
    database: Database
    bell: Bell
    clock: SystemClock = field(default_factory=SystemClock)


async def _doors(orders: Orders, stack: AsyncExitStack) -> _Doors:
    database = await open_database(orders.database)
    stack.push_async_callback(database.close)
    url = orders.redis or f"unix://{orders.folder}/nobody.sock"
    bell = Bell.open(url, consumer=f"{os.getpid()}")
    stack.push_async_callback(bell.close)
    return _Doors(database, bell)


async def _send(orders: Orders) -> None:
    async with AsyncExitStack() as stack:
        doors = await _doors(orders, stack)
        kind = _OUTBOXES[orders.variant]
        presence = _NoLock if orders.variant == "lease without lock" else Presence
        owner = await stack.enter_async_context(presence(OwnerLock(orders.folder), doors.database))
        await kind(
            owner=owner,
            senders={orders.account.name: senders.build(orders.account)},
            replies=Replies(doors.database),
            accounts=Accounts(doors.database),
            bell=doors.bell,
            clock=doors.clock,
            timing=orders.timing,
        ).run()


async def _listen(orders: Orders) -> None:
    watches = (Watch(account=orders.account.name, hashtags=("brandfail",)),)
    async with AsyncExitStack() as stack:
        doors = await _doors(orders, stack)
        ear = Ear(
            posts=Posts(doors.database),
            sources=Sources(doors.database),
            accounts=Accounts(doors.database),
            bell=doors.bell,
            clock=doors.clock,
        )
        async with asyncio.TaskGroup() as tasks:
            for source in listeners.build(orders.account, watches):
                tasks.create_task(run_listener(source, watches, ear))


class PlainReader:
    """Reads every text as the same: what is under attack is the loop around it."""

    version = "plain"

    def with_taught(self, _taught: object) -> PlainReader:
        return self

    def read(self, texts: Sequence[str], *_hints: object, explain: bool = False) -> list[Assessment]:
        return [an_assessment() for _ in texts]


async def _assess(orders: Orders) -> None:
    async with AsyncExitStack() as stack:
        doors = await _doors(orders, stack)
        reader = cast("Reader", PlainReader())
        guidance = Guidance(reader, Corrections(doors.database), TaughtWords(doors.database), doors.clock)
        await assessing.run_worker(guidance, Posts(doors.database), Reasons(doors.database), doors.bell, doors.clock)


async def _decide(orders: Orders) -> None:
    async with AsyncExitStack() as stack:
        doors = await _doors(orders, stack)
        decisions = Decisions(doors.database, repeat_alert_after=timedelta(minutes=60))
        desk = cast("deciding.Desk", _PlainDesk())
        await deciding.run_worker(
            desk, Posts(doors.database), decisions, doors.bell, doors.clock, look_first=partial(asyncio.sleep, 0)
        )


class _PlainDesk:
    async def fresh(self) -> _PlainDesk:
        return self

    def plan(self, facts: Facts) -> Plan:
        return acknowledge(facts)


def acknowledge(facts: Facts) -> Plan:
    """Answer every post at once; the words name it, so that no two are alike."""
    decision = Decision(
        action=Action.ACKNOWLEDGE,
        rule="all",
        because="a test says so",
        not_after=facts.now + timedelta(hours=1),
        alone_since=facts.now - timedelta(hours=24),
    )
    named = facts.heard.mention.post.native_id
    return Plan(decision=decision, draft=Draft(text=f"Vi har set {named}.", template=f"da/{named}"))


async def _approve(orders: Orders) -> None:
    async with AsyncExitStack() as stack:
        doors = await _doors(orders, stack)
        desk = Desk(
            database=doors.database,
            bell=doors.bell,
            clock=doors.clock,
            config=Config(),
            hub=Hub(Conversations(doors.database), doors.bell, doors.clock),
        )
        draft = await desk.replies.get(orders.reply_id)
        assert draft is not None
        approved = await desk.replies.approve(
            draft.id, draft.text, by=orders.by, version=orders.version, at=doors.clock.now()
        )
        await desk.send(approved)


# --- the ways it must not be done: negative controls ---


class _NoLock(Presence):
    """Believes leases alone, as if no lock told the frozen from the dead."""

    async def state(self, owner: str) -> OwnerState:
        return OwnerState.GONE


class _SendThenMark(Outbox):
    """Publishes first and writes it down afterwards."""

    async def send_due(self, account: str | None = None) -> int:
        for reply in await _approved(self):
            receipt = await self.senders[reply.account].send(reply)
            failpoint.reach("R5")
            (claimed,) = await self.replies.claim_due(self.owner.name, at=self.clock.now(), lease=self.timing.lease)
            await self.replies.mark_sent(claimed, receipt, at=self.clock.now())
        return 0


class _MarkThenSend(Outbox):
    """Writes down that it is sent, and publishes it afterwards."""

    async def send_due(self, account: str | None = None) -> int:
        for reply in await self.replies.claim_due(self.owner.name, at=self.clock.now(), lease=self.timing.lease):
            await self.replies.mark_sent(reply, Receipt(remote_id="?", url=""), at=self.clock.now())
            failpoint.reach("R3")
            await self.senders[reply.account].send(reply)
        return 0


class _NeverFirst(Outbox):
    """Sends only what somebody else has tried before: a process that comes second, however fast it is."""

    async def send_due(self, account: str | None = None) -> int:
        first = await self.replies.get(1)
        return 0 if first is None or not first.attempts else await super().send_due(account)


async def _approved(outbox: Outbox) -> list[Reply]:
    found = [await outbox.replies.get(number) for number in range(1, 4)]
    return [reply for reply in found if reply is not None and reply.state is ReplyState.APPROVED]


_OUTBOXES: dict[str, type[Outbox]] = {
    "": Outbox,
    "lease without lock": Outbox,
    "never first": _NeverFirst,
    "send then mark": _SendThenMark,
    "mark then send": _MarkThenSend,
}
_WORKS = {"send": _send, "listen": _listen, "assess": _assess, "decide": _decide, "approve": _approve}
