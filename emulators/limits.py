"""Owns counting calls against a platform's published windows. Refuses to own the headers that tell of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    limit: int
    used: int
    resets_at: int

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def seconds_left(self) -> int:
        return max(0, self.resets_at - int(time.time()))

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.limit


class Limits:
    """Fixed windows, one a name. Switched off, every answer tells of an untouched window."""

    def __init__(self, limits: Mapping[str, int], *, window_seconds: int, are_enforced: bool = True) -> None:
        self._limits, self._seconds, self._enforced = limits, window_seconds, are_enforced
        self._used: dict[str, tuple[float, int]] = {}

    def spend(self, name: str) -> Window:
        opened, used = self._used.get(name, (0.0, 0))
        if time.time() >= opened + self._seconds:
            opened, used = time.time(), 0
        used += 1
        self._used[name] = (opened, used)
        limit = self._limits.get(name, 900)
        shown = used if self._enforced else 0
        return Window(limit=limit, used=shown, resets_at=int(opened + self._seconds))
