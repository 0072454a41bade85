"""A source under test: the real loop, client library and database, against an emulator in this process.

Owns the starting, the waiting and what was stored. Every planned fault must have fired when a rig closes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from core.budget import Budget, Purse
from core.config import AccountConfig
from core.post import Platform
from core.watch import Watch
from emulators import reddit, x
from emulators.serve import Server
from emulators.world import NewPost, World
from listeners.base import Listener
from listeners.loop import Ear, run_listener
from listeners.reddit import RedditCommentsListener, RedditMentionsListener, RedditSearchListener, phrases_of
from listeners.thrift import Thrift
from listeners.x import XMentionsListener, XStreamListener
from platforms.reddit import RedditClient
from platforms.x import XClient
from store import tables as t
from store.accounts import Accounts
from store.bell import Bell
from store.database import Database
from store.posts import Posts
from store.rows import AnyRow
from store.sources import Gap, Sources
from store.spending import Spending
from tests.conftest import REDDIT_CREDENTIALS, X_CREDENTIALS, Emulated

WATCHES = {
    Platform.X: Watch(account="us", keywords=("acme router",)),
    Platform.REDDIT: Watch(account="us", keywords=("acme router",), subreddits=("sandbox",)),
}
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class JumpyClock:
    """The machine's clock, moved by hand; nobody sleeps long."""

    ahead: timedelta = timedelta(0)
    slept: list[float] = field(default_factory=list)
    # What happens in the next pause, once.
    meanwhile: Callable[[], Awaitable[object]] | None = None

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def passed(self) -> float:
        return time.monotonic() + self.ahead.total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(min(seconds, 0.05))
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()


@dataclass
class Rig:
    """One source of one account, started and stopped at will."""

    kind: str
    emulated: Emulated
    world: World
    database: Database
    clock: JumpyClock = field(default_factory=JumpyClock)
    budget: Budget = field(default_factory=Budget)
    poll_seconds: float = 0.1
    # Long enough for a machine that stands still for a while; shortened where a fault is that nothing comes.
    patience_seconds: float = 15.0
    also: tuple[str, ...] = ()
    wrote: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    bell: Bell = field(init=False)
    sources: Sources = field(init=False)
    purse: Purse = field(init=False)

    def __post_init__(self) -> None:
        self.bell = Bell.open("redis://127.0.0.1:1/0", consumer="test")
        self.sources = Sources(self.database)
        self.purse = Purse(account="us", budget=self.budget, clock=self.clock)

    @property
    def on(self) -> str:
        """What the emulator calls the thing this source asks."""
        return {"stream": "stream", "mentions": "mentions", "inbox": "inbox"}.get(self.kind, self.kind)

    @property
    def account(self) -> AccountConfig:
        credentials = X_CREDENTIALS if self.emulated.platform is Platform.X else REDDIT_CREDENTIALS
        return AccountConfig(
            name="us",
            platform=self.emulated.platform,
            handle="brand",
            credentials=credentials,
            base_url=self.emulated.url,
            poll_seconds=self.poll_seconds,
        )

    @property
    def watches(self) -> tuple[Watch, ...]:
        """What is listened for: the platform's watch, and the keywords that joined it."""
        watch = WATCHES[self.emulated.platform]
        return (replace(watch, keywords=(*watch.keywords, *self.also)),)

    def listener(self) -> Listener:
        if self.emulated.platform is Platform.X:
            client = XClient(
                self.account,
                timeout_seconds=self.patience_seconds,
                quiet_seconds=self.patience_seconds,
                purse=self.purse,
            )
            is_stream = self.kind == "stream"
            return XStreamListener(client, self.watches, read_seconds=0.3) if is_stream else XMentionsListener(client)
        other = RedditClient(self.account, timeout_seconds=self.patience_seconds, purse=self.purse)
        if self.kind == "comments":
            return RedditCommentsListener(other, ("sandbox",))
        if self.kind == "inbox":
            return RedditMentionsListener(other)
        return RedditSearchListener(other, phrases_of(self.watches))

    async def start(self, *, is_inherited: bool = False) -> None:
        thrift = Thrift(spending=Spending(self.database), bell=self.bell, clock=self.clock, purses={"us": self.purse})
        await thrift.open()
        ear = Ear(
            posts=Posts(self.database),
            sources=self.sources,
            accounts=Accounts(self.database),
            bell=self.bell,
            clock=self.clock,
            thrift=thrift,
            is_inherited=is_inherited,
        )
        self.task = asyncio.create_task(run_listener(self.listener(), self.watches, ear))

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
            self.task = None

    async def say(self, what: str = "help", **extra: Any) -> str:
        """Somebody writes what this source hears."""
        if self.kind == "search":
            text = f"My acme router: {what} {len(self.wrote)}"
            native_id = await self.emulated.post("kari", text, kind="submission", **extra)
        else:
            name = "@brand" if self.emulated.platform is Platform.X else "u/brand acme router"
            native_id = await self.emulated.post("kari", f"{name} {what} {len(self.wrote)}", **extra)
        self.wrote.append(native_id)
        return native_id

    async def sleeps(self, length: timedelta) -> None:
        """The machine sleeps between two asks, and somebody writes meanwhile."""
        is_over = asyncio.Event()

        async def sleep() -> None:
            self.clock.ahead += length
            await self.say("while it slept")
            is_over.set()

        self.clock.meanwhile = sleep
        await asyncio.wait_for(is_over.wait(), 30)

    def flood(self, count: int) -> None:
        """Many write at once."""
        kind = {"search": "submission", "stream": "post", "mentions": "post"}.get(self.kind, "comment")
        for number in range(count):
            new = NewPost(author="kari", text=f"@brand u/brand acme router {number}", kind=kind)
            self.wrote.append(self.world.write(new).id)

    async def heard(self) -> list[AnyRow]:
        """Every stored post, in the order it was stored."""
        async with self.database.read() as connection:
            return list(await connection.execute(select(t.posts).order_by(t.posts.c.id)))

    async def hears_all(self) -> None:
        """Wait until everything written is stored; then each once, and in the order it was written."""
        await until(self._has_all)
        assert [row.native_id for row in await self.heard()] == self.wrote

    async def gaps(self) -> list[Gap]:
        """Every gap, the oldest first."""
        return sorted(await self.sources.gaps(covered_since=LONG_AGO), key=lambda gap: gap.id)

    async def a_gap(self, count: int = 1) -> Gap:
        """Wait for so many gaps and return the last one."""
        await until(lambda: self._has_gaps(count))
        return (await self.gaps())[-1]

    async def a_closed_gap(self) -> Gap:
        """Wait until the only gap is covered."""
        await until(self._is_covered)
        (gap,) = await self.gaps()
        return gap

    async def is_fresh(self, after: datetime) -> None:
        """Wait until the source was heard in full after an instant."""
        await until(lambda: self._was_fresh(after))

    async def age(self, cursor: str, fresh_at: datetime) -> None:
        """Make the source one that was last heard long ago."""
        async with self.database.begin() as connection:
            await connection.execute(update(t.sources).values(cursor=cursor, fresh_at=fresh_at))

    async def _has_all(self) -> bool:
        return len(await self.heard()) >= len(self.wrote)

    async def _has_gaps(self, count: int) -> bool:
        return len(await self.gaps()) >= count

    async def _is_covered(self) -> bool:
        gaps = await self.gaps()
        return bool(gaps) and all(gap.closed_at for gap in gaps)

    async def _was_fresh(self, after: datetime) -> bool:
        return any(state.fresh_at and state.fresh_at > after for state in await self.sources.all())


@asynccontextmanager
async def a_rig(kind: str, database: Database, **changes: Any) -> AsyncIterator[Rig]:
    """A rig of one source: stream or mentions on X; inbox, comments or search on Reddit."""
    if kind in ("stream", "mentions"):
        world = World("x")
        app = x.make_app(world, x.XSettings(heartbeat_seconds=0.1, limits_are_enforced=False))
        platform = Platform.X
    else:
        world, platform = World("reddit"), Platform.REDDIT
        app = reddit.make_app(world, limits_are_enforced=False)
    async with Server(app) as server:
        emulated = Emulated(platform=platform, url=server.url)
        rig = Rig(kind=kind, emulated=emulated, world=world, database=database, **changes)
        await Accounts(database).enrol([rig.account], at=rig.clock.now() - timedelta(days=30))
        try:
            yield rig
        finally:
            await rig.stop()
            await rig.bell.close()
        for fault in await rig.emulated.fired():
            assert fault["fired"] == fault["times"], f"a planned fault did not fire as often as planned: {fault}"


async def until(ask: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    """Ask until the answer is yes."""
    async with asyncio.timeout(seconds):
        while True:
            if await ask():
                return
            await asyncio.sleep(0.02)
