"""The crisis breaker against simulated brands: quiet weeks, which must trip nothing, and storms, which must trip soon.

`python -m benchmarks.breaker` prints the tables of RESULTS.md. Seeds from 3000 on were not looked at while the numbers
in `responder/breaker.py` were chosen; `--tuning` runs those that were. `--weeks`, `--storms` and `--sizes` shorten it.
"""

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from core.assessment import Sentiment
from core.config import BreakerConfig
from core.incident import Arrival, Conduct, Incident, Trip, tempo
from responder.breaker import LOOK_BACK, judge
from responder.usual import Usual, usual_for
from tests.responder.storms import (
    MONDAY,
    STORMS,
    WEAKER,
    Brand,
    Public,
    Storm,
    in_storm,
    quietly,
    with_contest,
)

CONFIG = BreakerConfig()
# Brands by the posts an hour they get, and how many weeks of each are heard.
WEEKS = {1: 80, 5: 70, 20: 32, 100: 14, 500: 4, 3000: 2}
SIZES = tuple(WEEKS)
MOST = 1000
_TUNING, _HELD_OUT = 0, 3000
_MINUTE = timedelta(minutes=1)


class Ears:
    """What the watchman would have at hand: the newest posts of an hour, a thousand at most, and what is usual."""

    def __init__(self, public: Public) -> None:
        self._past, self._sample = public.past(), public.sample()
        self._recent: deque[Arrival] = deque(maxlen=MOST)
        self._hour: datetime | None = None
        self._usual: Usual | None = None
        self.reset: Incident | None = None

    def hear(self, one: Arrival) -> None:
        self._recent.append(one)

    def judge(self, now: datetime) -> Trip | None:
        since = now - LOOK_BACK
        if self.reset is not None and self.reset.closed_at is not None:
            since = max(since, self.reset.closed_at)
        known = self._recent[0].at if len(self._recent) == MOST else None
        return judge(
            [one for one in self._recent if one.at > since],
            self.usual(now),
            Conduct(),
            CONFIG,
            now=now,
            known_since=known,
        )

    def usual(self, now: datetime) -> Usual:
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self._usual is None or hour != self._hour:
            self._hour = hour
            self._usual = usual_for(self._past, now, CONFIG, self.reset, self._sample)
        return self._usual

    def accept(self, now: datetime) -> None:
        """A person resets it."""
        heard, negative = tempo(self._recent, now=now)
        self.reset = Incident(
            id=1, account="x", opened_at=now, closed_at=now, heard_per_minute=heard, negative_per_minute=negative
        )
        self._usual = None


def quiet_week(brand: Brand, seed: int, days: float = 7) -> list[str]:
    """Hear a week; return the reason of each false trip. After one, an hour passes unjudged."""
    public = Public(brand, seed)
    ears, found, next_at = Ears(public), list[str](), MONDAY
    every = timedelta(seconds=15 if brand.per_hour > 50 else 0)
    for one in public.week(days):
        ears.hear(one)
        # Only such a post can make the evidence stronger.
        if one.mood in (Sentiment.NEGATIVE, Sentiment.UNSURE) and one.at >= next_at:
            next_at = one.at + every
            trip = ears.judge(one.at)
            if trip is not None:
                found.append(f"{one.at:%a %H:%M} {'; '.join(trip.reasons)}")
                next_at = one.at + timedelta(hours=1)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a storm. Seconds from its first post and from the line; None: it did not trip in time.

    `answered`: posts of the storm that got an automatic reply before the trip, were nothing else in the way; `sent`:
    all automatic replies in the five minutes before the trip, with the house's own bound in the way.
    """

    seconds: float | None
    after_line: float | None
    answered: int
    sent: int
    why: str = ""


def storm(brand: Brand, name: str, seed: int, minutes: int = 75) -> Outcome:
    """Let a storm come over a brand on a Tuesday, Wednesday or Thursday."""
    shape, public = (STORMS | WEAKER)[name], Public(brand, f"{name} {seed}")
    begin = MONDAY + timedelta(days=1 + seed % 3, hours=shape.hour, minutes=public.rng.randrange(60))
    quietly(public, begin)
    if shape.before == "contest":
        with_contest(public, begin)
    ears = Ears(public)
    for minute in range(-60, 0):
        at = begin + minute * _MINUTE
        earlier = shape.minute(public, at, at)[:10] if shape.before == "reset" and -10 <= minute < -3 else []
        for one in _in_order([*public.minute(at), *earlier]):
            ears.hear(one)
        if shape.before == "reset" and minute == -3:
            ears.accept(begin - 3 * _MINUTE)
    return _until_it_trips(public, shape, ears, begin, minutes)


def _until_it_trips(public: Public, shape: Storm, ears: Ears, begin: datetime, minutes: int) -> Outcome:
    first_at = line_at = None
    angry = answered = 0
    sent: deque[datetime] = deque()
    bound, next_at = CONFIG.replies_at_once, begin
    for minute in range(minutes):
        at = begin + minute * _MINUTE
        stormy = shape.minute(public, begin, at)
        theirs = {one.post_id for one in stormy}
        for one in _in_order([*public.minute(at), *stormy]):
            ears.hear(one)
            if one.post_id in theirs:
                angry += 1
                first_at = first_at or one.at
            if line_at is None and in_storm(public, shape, begin, angry, one.at):
                line_at = one.at
            if one.at >= next_at and one.mood in (Sentiment.NEGATIVE, Sentiment.UNSURE):
                next_at = one.at + timedelta(seconds=0.5)
                trip = ears.judge(one.at)
                if trip is not None and first_at is not None:
                    after = max(0.0, (one.at - line_at).total_seconds()) if line_at else 0.0
                    return Outcome(
                        seconds=(one.at - first_at).total_seconds(),
                        after_line=after,
                        answered=answered,
                        sent=len(sent),
                        why="; ".join(trip.reasons),
                    )
            while sent and sent[0] <= one.at - 5 * _MINUTE:
                sent.popleft()
            if one.mood in (Sentiment.NEGATIVE, Sentiment.POSITIVE):
                answered += one.post_id in theirs and line_at is not None
                if len(sent) < bound:
                    sent.append(one.at)
    return Outcome(seconds=None, after_line=None, answered=answered, sent=len(sent))


def _in_order(posts: Iterable[Arrival]) -> list[Arrival]:
    return sorted(posts, key=lambda one: one.at)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=float, default=1.0, help="so many times the weeks; 0: none")
    parser.add_argument("--storms", type=int, default=6, help="of each shape and size; 0: none")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="only brands of so many posts an hour")
    parser.add_argument("--tuning", action="store_true", help="the seeds that the numbers were chosen with")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args(arguments)
    first = _TUNING if asked.tuning else _HELD_OUT
    with ProcessPoolExecutor(asked.jobs) as pool:
        if asked.weeks:
            _print_weeks(pool.map, asked.sizes, first, asked.weeks)
        if asked.storms:
            _print_storms(pool.map, asked.sizes, first, asked.storms)


def _week(job: tuple[int, int]) -> list[str]:
    size, seed = job
    # Every third brand grows by a fifth each week.
    return quiet_week(Brand(per_hour=size, growth=1.2 if seed % 3 == 0 else 1.0), seed)


def _storm(job: tuple[int, str, int]) -> Outcome:
    size, name, seed = job
    return storm(Brand(per_hour=size), name, seed)


def _print_weeks(each: Callable[..., Iterable[list[str]]], sizes: Iterable[int], first: int, times: float) -> None:
    _say("| posts an hour | weeks | false trips |", "|--:|--:|--:|")
    for size in sizes:
        jobs = [(size, first + seed) for seed in range(max(1, round(WEEKS[size] * times)))]
        trips = [trip for found in each(_week, jobs) for trip in found]
        _say(f"| {size} | {len(jobs)} | {len(trips)} |", *(f"  {trip}" for trip in trips))


def _print_storms(each: Callable[..., Iterable[Outcome]], sizes: Iterable[int], first: int, number: int) -> None:
    _say(
        "| storm | posts an hour | tripped | from its first post, median / slowest (s) | from the line, slowest (s) "
        "| its posts that could be answered since the line, most | automatic replies within five minutes, most |",
        "|---|--:|--:|--:|--:|--:|--:|",
    )
    for name, shape in (STORMS | WEAKER).items():
        for size in sizes:
            if shape.sizes[0] <= size <= shape.sizes[1]:
                found = list(each(_storm, [(size, name, first + seed) for seed in range(number)]))
                _say(_row(name, size, found))


def _row(name: str, size: int, found: Sequence[Outcome]) -> str:
    seconds = [one.seconds for one in found if one.seconds is not None]
    after = [one.after_line for one in found if one.after_line is not None]
    if not seconds:
        return f"| {name} | {size} | 0 of {len(found)} | | | | |"
    return (
        f"| {name} | {size} | {len(seconds)} of {len(found)} | {median(seconds):.0f} / {max(seconds):.0f} "
        f"| {max(after):.0f} | {max(one.answered for one in found)} | {max(one.sent for one in found)} |"
    )


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
