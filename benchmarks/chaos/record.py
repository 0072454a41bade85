"""What a chaos run leaves to be judged: what the platforms show, what we say we did, and what was done to us.

Owns the shapes. Refuses to fetch and to judge: `stage` and `check` do. Rows are as the platforms' sandbox and
`genlyd export` write them.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = dict[str, Any]
Source = tuple[str, str]

SOURCES: dict[str, tuple[Source, ...]] = {
    "x": (("x-main", "stream"), ("x-main", "mentions")),
    "reddit": (("reddit-main", "r/sandbox"), ("reddit-main", "mentions"), ("reddit-main", "search")),
}
EVERYWHERE = SOURCES["x"] + SOURCES["reddit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One post of the public, as it was written. `gone_at` is when its author deleted it."""

    platform: str
    id: str
    kind: str
    author: str
    written_at: datetime
    concerns_us: bool
    may_be_answered: bool
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """Something that kept sources from being heard, or may have. `must`: each of them has a gap then."""

    what: str
    sources: tuple[Source, ...]
    from_at: datetime
    until_at: datetime
    must: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that is compared. `public` and `faults` are the platforms' own, by platform."""

    said: tuple[Said, ...]
    public: dict[str, list[Row]]
    faults: dict[str, list[Row]]
    posts: list[Row]
    decisions: list[Row]
    replies: list[Row]
    gaps: list[Row]
    planned: Counter[str]
    done: Counter[str]
    disturbances: tuple[Disturbance, ...] = ()
    logs: tuple[str, ...] = ()
    ended_by_itself: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def stored(self) -> set[tuple[str, str]]:
        """The platform and the id of every post that we have."""
        return {(row["platform"], row["native_id"]) for row in self.posts}
