"""Following the rulebooks: the rules and watches in force, taken whole, as soon as they are put live.

Owns taking a new version in this process. Refuses to decide, to listen and to put anything live. A version that this
process cannot read changes nothing here: it goes on with what it has, says so at ERROR, and tells `problem`. Where it
has nothing yet, as at its start, the file is no answer: what is in force was put live over it, perhaps to stop it. So
no rule answers by itself then. Watches may be the file's: to hear too much does no harm.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

from prometheus_client import Gauge

from app import books
from core.config import Config, Rule
from core.errors import ConfigError, Problem
from core.rulebook import FILE, Kind
from core.watch import Watch
from responder.worker import Desk
from store.rulebooks import Rulebooks

log = logging.getLogger(__name__)

_version = Gauge("genlyd_rulebook_version", "The version in use in this process; 0 for the file's", ["kind"])

T = TypeVar("T")


class Follower(Generic[T]):
    """What is in force of one kind. Asked at a safe point, it looks for a newer version: one cheap query."""

    def __init__(
        self,
        kind: Kind,
        files: tuple[T, ...],
        read: Callable[[str], tuple[T, ...]],
        store: Rulebooks,
        *,
        unread: tuple[T, ...],
        unread_means: str,
    ) -> None:
        """`unread` is what is used while nothing in force could be read yet, and `unread_means` says so."""
        self.kind = kind
        self.version = FILE
        self.problem = ""
        self._files = files
        self._in_use = unread
        self._unread_means = unread_means
        self._read = read
        self._store = store
        self._looked_at: int | None = None
        self._has_read = False

    async def fresh(self) -> tuple[T, ...]:
        """Return what is in force now. Raises: StoreError."""
        newest = await self._store.newest(self.kind)
        if newest != self._looked_at:
            await self._take(newest)
            self._looked_at = newest
        _version.labels(self.kind).set(self.version)
        return self._in_use

    async def _take(self, version: int) -> None:
        try:
            taken = await self._text_of(version)
        except ConfigError as err:
            self._refuse(version, err)
            return
        is_first, self._has_read = not self._has_read, True
        self._in_use, self.version, self.problem = taken, version, ""
        if version != FILE or not is_first:
            log.info("a new version is in force", extra={"kind": self.kind, "version": version, "count": len(taken)})

    async def _text_of(self, version: int) -> tuple[T, ...]:
        """Return what a version holds. Raises: ConfigError, StoreError."""
        if version == FILE:
            return self._files
        book = await self._store.get(version)
        if book is None:
            raise ConfigError([Problem(line=None, where=f"version {version}", what="is not there")])
        return self._files if book.text is None else await asyncio.to_thread(self._read, book.text)

    def _refuse(self, version: int, err: ConfigError) -> None:
        means = "" if self._has_read else self._unread_means
        cannot = f"version {version} of the {self.kind} cannot be read here"
        self.problem = "; ".join(filter(None, (cannot, means, f"mend it on the page /{self.kind}")))
        fields = {"kind": self.kind, "version": version, "in_use": self.version, "means": means, "error": str(err)}
        log.error("what was put live cannot be read here", extra=fields)


class Ruling:
    """A desk whose rules follow the rulebook."""

    def __init__(self, desk: Desk, rules: Follower[Rule]) -> None:
        self._desk = desk
        self._rules = rules

    async def fresh(self) -> Desk:
        """Return the desk with the rules in force now. Raises: StoreError."""
        rules = await self._rules.fresh()
        if self._desk.rules is not rules or self._desk.rulebook != self._rules.version:
            self._desk = replace(self._desk, rules=rules, rulebook=self._rules.version)
        return self._desk


def follow_rules(config: Config, store: Rulebooks) -> Follower[Rule]:
    """Return what knows the rules in force."""
    names = [account.name for account in config.accounts]
    return Follower(
        Kind.RULES,
        config.rules,
        lambda text: books.read_rules(text, names),
        store,
        unread=tuple(_without_answers(rule) for rule in config.rules),
        unread_means="nothing is answered by itself until it can be",
    )


def follow_watches(config: Config, store: Rulebooks) -> Follower[Watch]:
    """Return what knows the watches in force."""
    return Follower(
        Kind.WATCHES,
        config.watches,
        lambda text: books.read_watches(text, config.accounts),
        store,
        unread=config.watches,
        unread_means="the file's are followed until it can be",
    )


def _without_answers(rule: Rule) -> Rule:
    """The same rule, which still calls people, and leaves every answer to them."""
    return replace(rule, reply="draft") if rule.reply == "automatic" else rule
