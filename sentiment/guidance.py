"""What the worker knows of people's corrections and taught words, at most two seconds old.

Owns when to ask again, and the reading anew of corrected posts once another model reads here. Refuses to match.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, Self, TypeVar

from core.assessment import Assessment
from core.clock import Clock
from core.correction import TaughtCue
from sentiment.corrections import Lessons, lessons_of
from store.corrections import Corrections
from store.taught import TaughtWords

log = logging.getLogger(__name__)

FRESH_FOR = timedelta(seconds=2)
# So many corrections are read anew at a time, in a second or so: new posts wait for it.
_AT_ONCE = 32


class Teachable(Protocol):
    """What this file asks of a reader (sentiment.reader.Reader)."""

    version: str

    def with_taught(self, taught: Iterable[TaughtCue]) -> Self:
        """Return a reader that knows these phrases too."""
        ...

    def read(
        self, texts: Sequence[str], hints: Sequence[str | None], reach: Sequence[int | None], *, explain: bool
    ) -> list[Assessment]:
        """Return assessments in order."""
        ...


R = TypeVar("R", bound=Teachable)


@dataclass(frozen=True, slots=True)
class Known(Generic[R]):
    """The reader with the taught words in it, and the corrections to hold against what it says."""

    reader: R
    lessons: Lessons


class Guidance(Generic[R]):
    """Asks the store every two seconds while there is work."""

    def __init__(self, reader: R, corrections: Corrections, taught: TaughtWords, clock: Clock) -> None:
        self._plain = reader
        self._corrections = corrections
        self._taught = taught
        self._clock = clock
        self._words: tuple[TaughtCue, ...] = ()
        self._known = Known(reader, Lessons())
        self._asked_at: datetime | None = None
        self._renewed: set[int] = set()

    async def fresh(self, thread: Executor) -> Known[R]:
        """Return what is known. `thread` is the model's own. Raises: StoreError."""
        now = self._clock.now()
        # A clock that was set back makes it ask again, not wait.
        if self._asked_at is None or not timedelta(0) <= now - self._asked_at < FRESH_FOR:
            await self._ask(thread)
            self._asked_at = now
        return self._known

    async def _ask(self, thread: Executor) -> None:
        await self._renew(thread)
        words = await self._taught.active()
        reader = self._known.reader
        if words != self._words:
            reader = self._plain.with_taught(words)
            self._words = words
        self._known = Known(reader, lessons_of(await self._corrections.lessons()))

    async def _renew(self, thread: Executor) -> None:
        """Read the posts of corrections anew that another version of the model read: an upgrade forgets none."""
        old = [one for one in await self._corrections.outdated(self._plain.version) if one[0] not in self._renewed]
        if not old:
            return
        loop = asyncio.get_running_loop()
        for correction_id, text, hint in old[:_AT_ONCE]:
            read = await loop.run_in_executor(thread, self._read, correction_id, text, hint)
            if read is not None and read.embedding is not None:
                await self._corrections.renew(correction_id, read.embedding, self._plain.version)
            # Once only: two workers with different models must not go on renewing after each other.
            self._renewed.add(correction_id)
        log.info(
            "corrections were read anew by this model",
            extra={"count": min(len(old), _AT_ONCE), "left": max(0, len(old) - _AT_ONCE)},
        )

    def _read(self, correction_id: int, text: str, hint: str | None) -> Assessment | None:
        """Part of the worker's loop: one text that the model fails on must not end it."""
        try:
            [read] = self._plain.read([text], [hint], [None], explain=False)
        except Exception:
            log.exception("a corrected post could not be read anew", extra={"correction": correction_id})
            return None
        return read
