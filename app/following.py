"""Following the rulebooks: the rules and watches in force, taken whole, as soon as they are put live.

Owns taking a new version in this process. Refuses to decide, to listen and to put anything live. A version that this
process cannot read changes nothing here: it goes on with what it has, says so at ERROR, and tells `problem`.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

from prometheus_client import Gauge

from app import books
from core.config import Config, Rule
from core.errors import ConfigError
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
        self, kind: Kind, files: tuple[T, ...], read: Callable[[str], tuple[T, ...]], store: Rulebooks
    ) -> None:
        self.kind = kind
        self.version = FILE
        self.problem = ""
        self._files = self._in_use = files
        self._read = read
        self._store = store
        self._looked_at = FILE

    async def fresh(self) -> tuple[T, ...]:
        """Return what is in force now. Raises: StoreError."""
        newest = await self._store.newest(self.kind)
        if newest != self._looked_at:
            await self._take(newest)
            self._looked_at = newest
        _version.labels(self.kind).set(self.version)
        return self._in_use

    async def _take(self, version: int) -> None:
        book = await self._store.get(version)
        try:
            taken = self._files if book is None or book.text is None else self._read(book.text)
        except ConfigError as err:
            self.problem = f"version {version} of the {self.kind} cannot be read here; mend it on the page /{self.kind}"
            fields = {"kind": self.kind, "version": version, "in_use": self.version, "error": str(err)}
            log.error("what was put live cannot be read here", extra=fields)
            return
        self._in_use, self.version, self.problem = taken, version, ""
        log.info("a new version is in force", extra={"kind": self.kind, "version": version, "count": len(taken)})


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
    return Follower(Kind.RULES, config.rules, lambda text: books.read_rules(text, names), store)


def follow_watches(config: Config, store: Rulebooks) -> Follower[Watch]:
    """Return what knows the watches in force."""
    return Follower(Kind.WATCHES, config.watches, lambda text: books.read_watches(text, config.accounts), store)
