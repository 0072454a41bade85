"""Trying rules and watches on what was heard: what the dashboard's pages ask (`dashboard.books`).

Owns the reading of the past and the threads that texts are read in and trials run in, since both may take a while and
others are served meanwhile. Refuses to decide, to send and to change anything.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from app import books
from app.following import Follower
from core.clock import Clock
from core.config import Config, Rule
from core.errors import ConfigError, Conflict, Problem
from core.rulebook import Kind
from core.trial import Trial
from core.watch import Watch
from core.watch_trial import Ours, WatchTrial, try_watches
from responder.trial import try_rules
from responder.worker import Desk
from store.pasts import Pasts

# What answers within a few seconds. More posts than these are cut, the oldest first, and the page says so.
MOST_POSTS = 20_000
# One tries, the others wait for it; more than these are sent away.
MOST_ASKING = 4


class Trials:
    """The port's one implementation. One trial at a time in each process: it is heavy."""

    def __init__(
        self, config: Config, desk: Desk, pasts: Pasts, clock: Clock, *, rules: Follower[Rule], watches: Follower[Watch]
    ) -> None:
        self._config = config
        self._desk = desk
        self._pasts = pasts
        self._clock = clock
        self._rules = rules
        self._watches = watches
        self._accounts = [account.name for account in config.accounts]
        self._one_at_a_time = asyncio.Lock()
        self._asking = 0

    async def problems(self, kind: Kind, text: str) -> tuple[Problem, ...]:
        """Return everything that is wrong with a text."""
        try:
            if kind is Kind.RULES:
                await asyncio.to_thread(books.read_rules, text, self._accounts)
            else:
                await asyncio.to_thread(books.read_watches, text, self._config.accounts)
        except ConfigError as err:
            return tuple(err.problems)
        return ()

    def file_text(self, kind: Kind) -> str:
        """Return what the file says, as a rulebook."""
        return books.spell(kind, self._config)

    async def try_rules(self, text: str, *, days: int) -> Trial:
        """Return what rules would have done. Raises: ConfigError, Conflict where too many ask, StoreError."""
        tried = replace(self._desk, rules=await asyncio.to_thread(books.read_rules, text, self._accounts))
        async with self._turn():
            in_force = replace(self._desk, rules=await self._rules.fresh())
            since = self._clock.now() - timedelta(days=days)
            history = await self._pasts.read(since=since, most=MOST_POSTS)
            return await asyncio.to_thread(try_rules, history, tried, in_force)

    async def try_watches(self, text: str, *, days: int) -> WatchTrial:
        """Return what watches would have heard. Raises: as `try_rules`."""
        tried = await asyncio.to_thread(books.read_watches, text, self._config.accounts)
        ours = {
            account.name: Ours(name=account.name, platform=account.platform, handle=account.handle)
            for account in self._config.accounts
        }
        async with self._turn():
            in_force = await self._watches.fresh()
            since = self._clock.now() - timedelta(days=days)
            posts, all_posts = await self._pasts.heard(self._accounts, since=since, most=MOST_POSTS)
            return await asyncio.to_thread(try_watches, posts, tried, in_force, ours, all_posts=all_posts)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._asking >= MOST_ASKING:
            raise Conflict("others are trying something here right now: wait a moment")
        self._asking += 1
        try:
            async with self._one_at_a_time:
                yield
        finally:
            self._asking -= 1
