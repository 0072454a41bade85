"""Business hours: when people are there, and by when something is due.

Owns Hours and its arithmetic, over time zones, clock changes and holidays. Refuses to know holidays by itself: a
calendar is handed in.
"""

from bisect import bisect_right
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FULL = 24 * 60
# Where nothing is open for so long, nothing ever is: then time counts round the clock.
_LONGEST_CLOSED = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Minutes of a day, from 0 to 1440: open from `start` and closed from `end` on."""

    start: int = 0
    end: int = _FULL


ALL_DAY = (Span(),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When people are there, by their own clock (`zone`). Without anything said, always.

    `week` holds the spans of each weekday, Monday first. `days` wins over it, and over `holidays`: its keys are
    "2026-12-24" for one day and "12-24" for that day of each year. A holiday is closed.
    """

    week: tuple[tuple[Span, ...], ...] = (ALL_DAY,) * 7
    days: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    holidays: Container[date] = frozenset()
    zone: tzinfo = UTC

    @property
    def ever_close(self) -> bool:
        """Whether there is any time when nobody is there."""
        return (self.week, self.days, self.holidays) != (ALWAYS.week, ALWAYS.days, ALWAYS.holidays)

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """Return when people are there on one day."""
        own = self.days.get(f"{day:%Y-%m-%d}", self.days.get(f"{day:%m-%d}"))
        if own is not None:
            return own
        return () if day in self.holidays else self.week[day.weekday()]

    def is_open(self, at: datetime) -> bool:
        """Whether people are there."""
        return self.next_open(at) == at

    def next_open(self, at: datetime) -> datetime:
        """Return `at` where people are there, else the instant at which they come."""
        opens, _ = next(self._open_from(at), (at, at))
        return opens

    def due_at(self, start: datetime, minutes: float) -> datetime:
        """Return the instant at which so many open minutes have passed: within open time, or as it ends."""
        left = minutes * _MINUTE
        for opens, closes in self._open_from(start):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        return start + left

    def open_between(self, start: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open times from `start` to `until`, in order and apart from each other."""
        for opens, closes in self._open_from(start):
            if opens >= until:
                return
            yield opens, min(closes, until)

    def _open_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open times from `at` on, in order and apart from each other, for as long as there are any."""
        now, closed = at.astimezone(UTC), 0
        # A day earlier, for the evening may belong to it by another clock.
        day = at.astimezone(self.zone).date() - _DAY
        while closed < _LONGEST_CLOSED:
            closed += 1
            for span in self.spans_on(day):
                opens, closes = max(now, self._instant(day, span.start)), self._instant(day, span.end, late=True)
                if opens < closes:
                    yield opens, closes
                    now, closed = closes, 0
            day += _DAY

    def _instant(self, day: date, minute: int, *, late: bool = False) -> datetime:
        """Return when a clock in the zone shows that minute: of two such moments the first, or the last if `late`."""
        whole, rest = divmod(minute, _FULL)
        shown = datetime.combine(day + whole * _DAY, time(rest // 60, rest % 60), self.zone)
        return shown.replace(fold=int(late)).astimezone(UTC)


ALWAYS = Hours()


class OpenTime:
    """How much open time lies between two instants of a stretch: worked out once for it, then looked up.

    Counted in whole microseconds: the answer does not depend on where the stretch begins.
    """

    def __init__(self, hours: Hours, start: datetime, until: datetime) -> None:
        self._opens: list[int] = []
        self._before: list[int] = []
        self._closes: list[int] = []
        passed = 0
        for opens, closes in hours.open_between(start, until):
            self._opens.append(_moment(opens))
            self._closes.append(_moment(closes))
            self._before.append(passed)
            passed += self._closes[-1] - self._opens[-1]

    def seconds(self, start: datetime, until: datetime) -> float:
        """Return the open seconds from `start` to `until`, both within the stretch; 0 where `until` is no later."""
        return max(0, self._passed(_moment(until)) - self._passed(_moment(start))) / 1_000_000

    def _passed(self, at: int) -> int:
        """Return the open microseconds from the beginning of the stretch to a moment."""
        nth = bisect_right(self._opens, at) - 1
        return 0 if nth < 0 else self._before[nth] + min(at, self._closes[nth]) - self._opens[nth]


def _moment(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
