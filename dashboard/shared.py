"""One answer for everybody who asks the same between two changes.

Two hundred open pages ask what is new within the same second, and most of them ask the same: the store is asked once.
Owns the answers and when they are out of date. Refuses what is one person's own, and pages that somebody opens: there
nothing is older than the look.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from core.clock import Clock
from dashboard.live import Hub

T = TypeVar("T")

# What the hub does not hear of, such as a lookout of time, is noticed after this.
_LASTS_SECONDS = 1.0
_MOST = 500


@dataclass(slots=True)
class _Answer:
    """What was answered, after which change, and when. Empty until the first look is done."""

    lock: asyncio.Lock
    end: int = -1
    at: float = 0.0
    value: Any = None


class Shared:
    """The answers of the last second."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub, self._clock = hub, clock
        self._answers: dict[Hashable, _Answer] = {}

    async def ask(self, question: Hashable, look: Callable[[], Awaitable[T]]) -> T:
        """Return what `look` answers, or answered to whoever asked the same since the last change known now."""
        wanted, now = self._hub.end, self._clock.now().timestamp()
        if question not in self._answers and len(self._answers) >= _MOST:
            self._answers.clear()
        answer = self._answers.setdefault(question, _Answer(asyncio.Lock()))
        async with answer.lock:
            # Not the changes since: whoever waited while others looked would else look again, each after the other.
            if answer.end < wanted or now - answer.at >= _LASTS_SECONDS:
                # Before the look: what changes during it makes the next one look again.
                end, at = self._hub.end, self._clock.now().timestamp()
                answer.value = await look()
                answer.end, answer.at = end, at
            value: T = answer.value
            return value
