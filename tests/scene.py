"""One post at an emulated platform, one reply to it that is due here, and what became of both.

Used by the tests that kill and freeze senders. A broken promise is a sentence, so that a negative control can name
the one it must break.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.config import AccountConfig
from core.post import Platform
from core.reply import Reply, ReplyState
from store.accounts import Accounts
from store.database import Database
from store.decisions import Decisions
from store.replies import Replies
from tests.attacker import Attacker, Orders, Victim, acknowledge
from tests.builders import a_mention, a_post, assessed
from tests.conftest import Emulated

# Every point with every fault on both platforms takes minutes: `make attacks` asks for it.
IS_FULL = bool(os.environ.get("GENLYD_ATTACKS"))
TWICE = "two replies stand under one post"
LOST = "a reply is called sent and is not there"
DENIED = "a reply stands there and is called failed"
_RESTS = (ReplyState.SENT, ReplyState.FAILED, ReplyState.REFUSED, ReplyState.DROPPED)
# The endpoint that publishes, and the one that shows what we published.
ENDPOINTS = {Platform.X: ("create", "user_tweets"), Platform.REDDIT: ("comment", "user_comments")}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A platform, a database, and processes to be started between them."""

    emulated: Emulated
    account: AccountConfig
    url: str
    database: Database
    folder: Path
    attacker: Attacker

    @property
    def posting(self) -> str:
        """The emulator's name for publishing."""
        return ENDPOINTS[self.emulated.platform][0]

    def orders(self, work: str = "send", **changes: Any) -> Orders:
        """Orders to work on this scene."""
        plain = Orders(work=work, database=self.url, folder=self.folder, account=self.account)
        return replace(plain, **changes)

    def start(self, work: str = "send", **changes: Any) -> Victim:
        """Start a process."""
        return self.attacker.start(self.orders(work, **changes))

    async def begin(self) -> None:
        """The account is known."""
        await self.emulated.forget_faults()
        await Accounts(self.database).enrol([self.account], at=_now() - timedelta(days=1))

    async def due(self) -> str:
        """Somebody wrote, and an acknowledgement is due. Returns the post's native id."""
        target = await self.written()
        decisions = Decisions(self.database, repeat_alert_after=timedelta(minutes=60))
        await decisions.decide(1, acknowledge, at=_now())
        return target

    async def written(self) -> str:
        """Somebody wrote, and what they wrote was assessed."""
        target = await self.emulated.post("kari", "@brand u/brand min pakke er ikke kommet")
        post = a_post(target, platform=self.account.platform, posted_at=_now())
        await assessed(self.database, a_mention(post=post, account=self.account.name), at=_now())
        return target

    async def reply(self) -> Reply:
        """The one reply there is."""
        reply = await Replies(self.database).get(1)
        assert reply is not None
        return reply

    async def rests(self) -> bool:
        """Whether the reply has come to an end, waits for a person, or waits as long as the platform asked."""
        reply = await self.reply()
        waits_long = reply.not_before is not None and reply.not_before > _now() + timedelta(seconds=10)
        return (
            reply.state in _RESTS
            or (reply.state is ReplyState.UNKNOWN and reply.not_before is None)
            or (reply.state is ReplyState.APPROVED and waits_long)
        )

    async def broken(self, target: str) -> list[str]:
        """Return the promises that are broken, as the platform and the row show them."""
        there = await self.emulated.replies_to(target)
        state = (await self.reply()).state
        broken = [TWICE] if len(there) > 1 else []
        if state is ReplyState.SENT and not there:
            broken.append(LOST)
        if state in (ReplyState.FAILED, ReplyState.REFUSED, ReplyState.APPROVED) and there:
            broken.append(DENIED)
        return broken


async def eventually(ask: Callable[[], Awaitable[bool]], *, seconds: float = 90) -> None:
    """Wait until the answer is yes."""
    async with asyncio.timeout(seconds):
        while not await ask():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _now() -> datetime:
    return datetime.now(UTC)
