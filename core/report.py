"""The words of the numbers: what is counted, which rows of it, when days begin, and how long things took.

Owns Kind, Facet, Which, days and percentiles. A `Which` stands behind every figure and behind the list that opens from
it, so the two cannot differ. Refuses any I/O.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What is counted, and the instant that says in which range a row falls."""

    # Posts heard, by when they were written.
    POSTS = "posts"
    # Conversations, by when the first post that we heard of each was written.
    CONVERSATIONS = "conversations"
    # Replies that were published, by when we knew that they were.
    REPLIES = "replies"
    # Texts that the machine drafted, by when it did.
    DRAFTS = "drafts"
    # Conversations taken over, handed back, resolved and reopened, by when.
    MOVES = "moves"
    # Escalated posts with a due time, by that due time.
    PROMISES = "promises"


class Facet(StrEnum):
    """One thing that every row of a kind has one value of; of topics it may have several."""

    PLATFORM = "platform"
    ACCOUNT = "account"
    LANGUAGE = "language"
    TOPIC = "topic"
    MOOD = "mood"
    WATCH = "watch"
    LATE = "late"
    ANSWER = "answer"
    ACKNOWLEDGED = "acknowledged"
    SOLVED = "solved"
    AUTOMATIC_TOOK = "automatic_took"
    PERSON_TOOK = "person_took"
    PERSON_TOOK_OPEN = "person_took_open"
    AUTOMATIC = "automatic"
    BY = "by"
    MOVE = "move"
    FATE = "fate"
    TEMPLATE = "template"
    RULE = "rule"
    OUTCOME = "outcome"


# These hold for rows of every kind: the filters of the page.
COMMON = (Facet.PLATFORM, Facet.ACCOUNT, Facet.LANGUAGE, Facet.TOPIC)
TOOK = (Facet.AUTOMATIC_TOOK, Facet.PERSON_TOOK, Facet.PERSON_TOOK_OPEN)

# Values that stand where a post has none of its own.
DELETED = "deleted"
UNREAD = "unread"
NONE = "none"
YES, NO = "yes", "no"
# Of a facet that says how long something took: whatever it took.
ANY = "any"


class Answer(StrEnum):
    """How a conversation stands that began in the range; each is exactly one of these."""

    PERSON = "person"
    CLOSED = "closed"
    WAITING = "waiting"


class Solved(StrEnum):
    """How a conversation that a person answered was resolved. Each such is exactly one of these, the others NONE."""

    ONCE = "once"
    MORE = "more"
    OPEN = "open"


class Fate(StrEnum):
    """What became of a machine's draft; each is exactly one of these."""

    UNCHANGED = "unchanged"
    EDITED = "edited"
    REJECTED = "rejected"
    WAITING = "waiting"
    BY_ITSELF = "by-itself"
    HELD = "held"
    FAILED = "failed"
    VOID = "void"


class Outcome(StrEnum):
    """What became of a due time; each is exactly one of these."""

    MET = "met"
    MISSED = "missed"
    RUNNING = "running"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Rows of one kind, from `start` until just before `until`, that have these values."""

    kind: Kind
    start: datetime
    until: datetime
    facets: tuple[tuple[Facet, str], ...] = ()

    def having(self, facet: Facet, value: str) -> "Which":
        """Return those among them that have this value too. Only of topics may a row have several at once."""
        others = [pair for pair in self.facets if facet is Facet.TOPIC or pair[0] is not facet]
        return replace(self, facets=tuple(sorted({*others, (facet, value)})))


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One day, or some days in a row, of a house's calendar: `first` and `last` are both in it."""

    first: date
    last: date
    start: datetime
    until: datetime


def period(first: date, last: date, zone: tzinfo) -> Period:
    """Return the days from `first` to `last` as a stretch of time: a day may have 23 or 25 hours."""
    return Period(first=first, last=last, start=_begins(first, zone), until=_begins(last + _DAY, zone))


def split(whole: Period, zone: tzinfo) -> list[Period]:
    """Return its parts for a chart, in order and without a gap: days; whole weeks or months where that is too many."""
    days = (whole.last - whole.first).days + 1
    ends = _week_end if days > 92 else _day_end
    ends = _month_end if days > 732 else ends
    parts: list[Period] = []
    first = whole.first
    while first <= whole.last:
        last = min(ends(first), whole.last)
        parts.append(period(first, last, zone))
        first = last + _DAY
    return parts


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the smallest value that so many percent do not exceed: always one that occurred. None of none."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


# How long something took: each holds what is shorter than its end, and no shorter than the one before.
_BUCKETS = (
    ("1m", timedelta(minutes=1)),
    ("5m", timedelta(minutes=5)),
    ("15m", timedelta(minutes=15)),
    ("1h", timedelta(hours=1)),
    ("4h", timedelta(hours=4)),
    ("24h", timedelta(hours=24)),
    ("3d", timedelta(days=3)),
)
LONGER = "longer"
BUCKETS = (*(name for name, _ in _BUCKETS), LONGER)


def bucket(seconds: float) -> str:
    """Return the name of the bucket that so many seconds fall in."""
    return next((name for name, end in _BUCKETS if seconds < end.total_seconds()), LONGER)


def bucket_counts(ordered: Sequence[float]) -> dict[str, int]:
    """Return how many of these, given in order, fall in each bucket."""
    below = [bisect_left(ordered, end.total_seconds()) for _name, end in _BUCKETS]
    ends = [0, *below, len(ordered)]
    return {name: end - begin for name, (begin, end) in zip(BUCKETS, pairwise(ends), strict=True)}


def bounds() -> Iterator[tuple[str, timedelta | None, timedelta | None]]:
    """Yield each bucket with where it begins and ends."""
    begin: timedelta | None = None
    for name, end in _BUCKETS:
        yield name, begin, end
        begin = end
    yield LONGER, begin, None


def _begins(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _day_end(day: date) -> date:
    return day


def _week_end(day: date) -> date:
    return day + (6 - day.weekday()) * _DAY


def _month_end(day: date) -> date:
    return (day.replace(day=1) + 32 * _DAY).replace(day=1) - _DAY
