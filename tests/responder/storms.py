"""A public to try the crisis breaker on: seeded weeks as they usually are, and storms of several shapes.

Owns the generators. Refuses to know the breaker: what it calls a storm is none of this file's business.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.assessment import Sentiment
from core.incident import Arrival, Hour

# A Monday, after four weeks of past.
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
_PAST = timedelta(days=28)
_MINUTE = timedelta(minutes=1)
COPIED = "Aldrig mere hos dem, de skjuler sandheden om vores data, del videre"


@dataclass(frozen=True, kw_only=True)
class Brand:
    """A brand by the posts an hour it usually gets, and how many of them are angry."""

    per_hour: float
    negative: float = 0.25


SMALL, MIDDLE, BIG = Brand(per_hour=2), Brand(per_hour=25), Brand(per_hour=200)
TELECOM = Brand(per_hour=60, negative=0.55)


class Public:
    """What a brand hears, minute by minute, from one seed."""

    def __init__(self, brand: Brand, seed: int) -> None:
        self.brand = brand
        self._people = 400 * math.ceil(brand.per_hour)
        self.rng = random.Random(f"{brand.per_hour} {brand.negative} {seed}")
        self._numbers = iter(range(1, 10**9))
        self._gusts: dict[datetime, float] = {}
        self._days: dict[object, float] = {}
        self._campaigns = self._plan_campaigns()
        self._quarrels = self._plan_quarrels()

    def past(self) -> list[Hour]:
        """The four weeks before MONDAY, as counts by the hour."""
        hours: dict[datetime, list[int]] = {}
        at = MONDAY - _PAST
        while at < MONDAY:
            counts = hours.setdefault(at.replace(minute=0), [0, 0])
            times, share = self._campaign(at)
            quarrels = sum(at <= when < at + 10 * _MINUTE for when, _ in self._quarrels_on(at))
            number = self._poisson(self.rate(at) * times / 6)
            counts[0] += number + quarrels
            counts[1] += sum(self.rng.random() < share for _ in range(number)) + quarrels // 2
            at += 10 * _MINUTE
        return [Hour(at=at, heard=heard, negative=negative) for at, (heard, negative) in hours.items()]

    def week(self, days: float = 7) -> Iterator[Arrival]:
        """The week from MONDAY on: seasons, gusts, a quiet weekend, campaigns and quarrels. No storm."""
        at = MONDAY
        while at < MONDAY + timedelta(days=days):
            yield from self.minute(at)
            at += _MINUTE

    def minute(self, at: datetime) -> list[Arrival]:
        """One minute's posts, in order."""
        times, share = self._campaign(at)
        posts = [self.post(at, self._mood(share)) for _ in range(self._poisson(self.rate(at) * times / 60))]
        posts += [self.post(at, self._mood(0.5), author=author) for when, author in self._quarrels_on(at) if when == at]
        return sorted(posts, key=lambda one: one.at)

    def rate(self, at: datetime) -> float:
        """Posts an hour at an instant, campaigns apart."""
        hour = at.hour + at.minute / 60
        # Little at four in the night, most at seven in the evening.
        season = 0.15 + 1.6 * math.pow(0.5 - 0.5 * math.cos(2 * math.pi * (hour - 4) / 24), 0.8)
        season *= 1.25 if 17 <= hour < 21 else 1.0
        weekend = 0.55 if at.weekday() >= 5 else 1.0
        if at.date() not in self._days:
            self._days[at.date()] = self.rng.lognormvariate(0, 0.2)
        ten = at.replace(minute=at.minute // 10 * 10)
        if ten not in self._gusts:
            self._gusts[ten] = self.rng.gammavariate(8, 1 / 8)
        return self.brand.per_hour * season * weekend * self._days[at.date()] * self._gusts[ten]

    def post(
        self, at: datetime, mood: Sentiment, *, author: int | None = None, text: str | None = None, spread: float = 60
    ) -> Arrival:
        """One post within `spread` seconds after an instant."""
        number = next(self._numbers)
        return Arrival(
            post_id=number,
            at=at + timedelta(seconds=self.rng.uniform(0, spread)),
            author_id=author if author is not None else 1_000_000 + self.rng.randrange(self._people),
            text=text if text is not None else f"hvad sker der for det her, {_word(number)} {_word(number * 7)} igen",
            mood=mood,
        )

    def _campaign(self, at: datetime) -> tuple[float, float]:
        """How many times the usual, and how many are angry: contests please people, though not all of them."""
        times = next((times for begin, end, times in self._campaigns if begin <= at < end), 1.0)
        return times, self.brand.negative * (0.7 if times > 1 else 1.0)

    def _quarrels_on(self, at: datetime) -> list[tuple[datetime, int]]:
        return self._quarrels.get(at.date(), [])

    def _mood(self, negative: float) -> Sentiment:
        dice = self.rng.random()
        if dice < negative:
            return Sentiment.NEGATIVE
        return Sentiment.POSITIVE if dice < negative + (1 - negative) * 0.45 else Sentiment.NEUTRAL

    def _poisson(self, mean: float) -> int:
        limit, product, count = math.exp(-mean), self.rng.random(), 0
        while product > limit:
            product *= self.rng.random()
            count += 1
        return count

    def _plan_campaigns(self) -> list[tuple[datetime, datetime, float]]:
        """Two a week, two hours each, beginning at once, up to four times the usual."""
        planned = []
        for week in range(-4, 1):
            for _ in range(2):
                day, hour = self.rng.randrange(5), self.rng.randrange(9, 20)
                begin = MONDAY + timedelta(days=7 * week + day, hours=hour, minutes=self.rng.randrange(60))
                planned.append((begin, begin + timedelta(hours=2), self.rng.uniform(2, 4)))
        return planned

    def _plan_quarrels(self) -> dict[object, list[tuple[datetime, int]]]:
        """A handful of people going on at each other in one thread, most days, within ten minutes."""
        planned: dict[object, list[tuple[datetime, int]]] = {}
        for day in range(-28, 7):
            begin = MONDAY + timedelta(days=day, minutes=self.rng.randrange(7 * 60, 23 * 60))
            people = [10 + self.rng.randrange(400) for _ in range(self.rng.randrange(1, 4))]
            turns = range(self.rng.randrange(2, 9))
            planned[begin.date()] = [(begin + self.rng.randrange(10) * _MINUTE, self.rng.choice(people)) for _ in turns]
        return planned


# A storm's posts in one of its minutes, counted from 0.
Storm = Callable[[Public, datetime, int], list[Arrival]]


def fast(public: Public, at: datetime, minute: int) -> list[Arrival]:
    """Everybody at once: a hundred a minute, nearly all angry."""
    return [_angry(public, at) for _ in range(100)]


def steady(public: Public, at: datetime, minute: int) -> list[Arrival]:
    """Twenty a minute above the usual."""
    return [_angry(public, at) for _ in range(20)]


def slow(public: Public, at: datetime, minute: int) -> list[Arrival]:
    """A handful in the first minute, half as many again in each that follows."""
    return [_angry(public, at) for _ in range(round(6 * 1.5**minute))]


def copypasta(public: Public, at: datetime, minute: int) -> list[Arrival]:
    """One text, many mouths, a few marks changed; the model cannot make up its mind about it."""
    tails = ("", " !!", " @hav", " 🙃", " https://t.co/x1")
    return [
        public.post(at, Sentiment.UNSURE, author=5_000_000 + public.rng.randrange(5000), text=COPIED + tails[n % 5])
        for n in range(12)
    ]


def few_loud(public: Public, at: datetime, minute: int) -> list[Arrival]:
    """Five people, a post every few seconds, each a thread of its own."""
    return [public.post(at, Sentiment.NEGATIVE, author=6_000_000 + n % 5) for n in range(18)]


STORMS: dict[str, Storm] = {"fast": fast, "steady": steady, "slow": slow, "copypasta": copypasta, "few loud": few_loud}


def _angry(public: Public, at: datetime) -> Arrival:
    mood = Sentiment.NEGATIVE if public.rng.random() < 0.9 else Sentiment.NEUTRAL
    return public.post(at, mood, author=4_000_000 + public.rng.randrange(100_000))


def _word(number: int) -> str:
    """A word for a number, so that posts differ in more than digits."""
    return "".join("bdfgklmnprstvøæå"[int(digit, 16)] + "aeiou"[int(digit, 16) % 5] for digit in f"{number:x}")
