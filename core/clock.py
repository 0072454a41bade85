"""Time: what it is, and how to wait.

Owns every reading of the clock and every wait, so a test can turn time by hand. Refuses to know what
is being waited for.
"""

import asyncio
import heapq
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

# Linux's monotonic clock stands still while the machine sleeps; elsewhere it is the only one.
_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What time it is (aware UTC), how much has passed, and waiting."""

    def now(self) -> datetime:
        """Return the instant, aware, in UTC."""
        ...

    def passed(self) -> float:
        """Return seconds since some fixed instant. They pass while the machine sleeps; nobody can set them."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the instant, aware, in UTC."""
        return datetime.now(UTC)

    def passed(self) -> float:
        """Return seconds since the machine started."""
        return time.clock_gettime(_BOOT_TIME)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock a test turns: `advance` wakes whoever is due, in order."""

    def __init__(self, at: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) -> None:
        self._now = at
        self._passed = 0.0
        self._order = 0
        self._sleepers: list[tuple[datetime, int, asyncio.Event]] = []

    def now(self) -> datetime:
        """Return the instant the test set."""
        return self._now

    def passed(self) -> float:
        """Return the seconds that `advance` let pass; `step` lets none pass."""
        return self._passed

    def step(self, seconds: float) -> None:
        """Set the clock on or back, as an operator or NTP does. Nobody wakes, nothing has passed."""
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed `seconds`."""
        due = asyncio.Event()
        self._order += 1
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), self._order, due))
        await due.wait()

    async def advance(self, seconds: float) -> None:
        """Move time on, letting each sleeper run at its own instant."""
        end = self._now + timedelta(seconds=seconds)
        self._passed += seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, due = heapq.heappop(self._sleepers)
            self._now = max(self._now, at)
            due.set()
            await _settle()
        self._now = end
        await _settle()


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@dataclass(slots=True)
class Backoff:
    """The one jittered, doubling wait. `reset()` after something worked."""

    first_seconds: float = 0.5
    most_seconds: float = 60.0
    rng: random.Random = field(default_factory=random.Random)
    _tries: int = 0

    def next_seconds(self, at_least: float | None = None) -> float:
        """Return the next wait: doubled each time, jittered by half, never under `at_least`."""
        wait = min(self.most_seconds, self.first_seconds * float(2**self._tries))
        self._tries = min(self._tries + 1, 30)
        jittered = wait * (0.5 + self.rng.random() / 2)
        return max(jittered, at_least or 0.0)

    def reset(self) -> None:
        """Start over from the first wait."""
        self._tries = 0
