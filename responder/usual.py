"""What an account usually hears: how much, how much of it is negative, and about what.

Owns Usual, usual_for() and the topics of a post. Pure. Refuses to judge what comes: `breaker` does.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from core.assessment import Intent, Sentiment
from core.config import BreakerConfig
from core.incident import Arrival, Hour, Incident

HISTORY = timedelta(days=28)
# Until a day is known the house's own guess stands in; known hours outweigh it from then on.
_KNOWN_HOURS = 24
_USUAL_SHARE, _MOST_SHARE = 0.3, 0.95
_SHARE_WEIGHT = 20.0
# Nothing is known of a new topic: as if two of twenty posts had been negative ones about it.
_TOPIC_WEIGHT = (2, 20)
# Days differ: how far the true rate of an hour strays from its mean, as a share of it, squared.
_LEAST_SPREAD, _MOST_SPREAD = 0.15, 0.20
# And how far the true share of negative posts does.
_LEAST_SHARE_SPREAD, _MOST_SHARE_SPREAD = 0.10**2, 0.12**2
_ACCEPTED_FOR = timedelta(hours=1)
# What a storm can be about. The other intents say how somebody writes, not about what.
_TOPICS = frozenset(
    {Intent.OUTAGE, Intent.BILLING, Intent.DELIVERY, Intent.CANCELLATION, Intent.SAFETY, Intent.LEGAL, Intent.SCAM}
)
_TAG = re.compile(r"#\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What an account usually hears: posts an hour, the share of negative ones, and how much hours differ.

    `topics`: of all posts, the share of negative ones about each topic; `topic_share` stands for one never heard.
    """

    per_hour: float
    negative_share: float
    spread: float = _LEAST_SPREAD
    share_spread: float = _LEAST_SHARE_SPREAD
    negative_per_hour: float = 0.0
    topics: Mapping[str, float] = field(default_factory=dict)
    topic_share: float = _TOPIC_WEIGHT[0] / _TOPIC_WEIGHT[1]

    def heard(self, minutes: float) -> float:
        """Return how many posts are usual in some minutes."""
        return self.per_hour * minutes / 60

    def negative(self, minutes: float, topic: str = "") -> float:
        """Return how many negative ones are, in all or about a topic."""
        return max(self.per_hour * self.share(topic), self.negative_per_hour) * minutes / 60

    def share(self, topic: str = "") -> float:
        """Return the share of negative posts, in all or about a topic."""
        return self.topics.get(topic, self.topic_share) if topic else self.negative_share


def usual_for(
    hours: Sequence[Hour],
    at: datetime,
    config: BreakerConfig,
    last: Incident | None = None,
    sample: Sequence[Arrival] = (),
) -> Usual:
    """Return what is usual at an instant, from full hours of the past; `last` is the incident reset last, if any.

    Mornings come early and late, and clocks shift: where the hours before and after are livelier, their mean counts.
    `sample` are posts of an ordinary time: what they are about is usual.
    """
    known = len(hours) >= _KNOWN_HOURS
    guess = sum(hour.heard for hour in hours) / len(hours) if known else config.usual_per_hour
    near = [_at_hour(hours, at + timedelta(hours=shift), guess) for shift in (-1, 0, 1)]
    per_hour = max(near[1], sum(near) / 3)
    heard, negative = sum(hour.heard for hour in hours), sum(hour.negative for hour in hours)
    share = min(_MOST_SHARE, (negative + _USUAL_SHARE * _SHARE_WEIGHT) / (heard + _SHARE_WEIGHT))
    accepted = last if last and last.closed_at and at - last.closed_at < _ACCEPTED_FOR else None
    seen = Counter(topic for one in sample if one.mood is Sentiment.NEGATIVE for topic in topics_of(one))
    weight, of = _TOPIC_WEIGHT[0], _TOPIC_WEIGHT[1] + len(sample)
    return Usual(
        per_hour=max(per_hour, accepted.heard_per_minute * 60 if accepted else 0.0),
        negative_share=share,
        spread=_spread(hours),
        share_spread=_share_spread(hours, share),
        negative_per_hour=accepted.negative_per_minute * 60 if accepted else 0.0,
        topics={topic: (count + weight) / of for topic, count in seen.items()},
        topic_share=weight / of,
    )


def topics_of(one: Arrival) -> Iterable[str]:
    """Return what a post is about: what is wrong, its hashtags, and what it matched."""
    yield from (intent for intent in one.intents if intent in _TOPICS)
    if "#" in one.text:
        yield from _tags(one.text)
    if one.matched:
        yield one.matched


@lru_cache(maxsize=4096)
def _tags(text: str) -> frozenset[str]:
    return frozenset(_TAG.findall(text.casefold()))


def _at_hour(hours: Sequence[Hour], at: datetime, guess: float) -> float:
    """The same hour of the same weekday, shrunk to that of workdays or weekends, and that to any hour."""
    same_hour = [hour for hour in hours if hour.at.hour == at.hour]
    same_kind = [hour for hour in same_hour if (hour.at.weekday() >= 5) == (at.weekday() >= 5)]
    same_day = [hour for hour in same_kind if hour.at.weekday() == at.weekday()]
    return _mean(same_day, _mean(same_kind, guess))


def _mean(hours: Sequence[Hour], guess: float) -> float:
    """Without the busiest, which may have been a storm of its own; `guess` weighs as one hour."""
    counts = sorted(hour.heard for hour in hours)
    counts = counts[: -1 - len(counts) // 10] if len(counts) >= 3 else counts
    return (sum(counts) + guess) / (len(counts) + 1)


def _spread(hours: Sequence[Hour]) -> float:
    """How much hours that should be alike differ, beyond chance."""
    slots: dict[tuple[int, int], list[int]] = {}
    for hour in hours:
        slots.setdefault((hour.at.weekday(), hour.at.hour), []).append(hour.heard)
    beyond = squares = 0.0
    for counts in slots.values():
        if len(counts) >= 3:
            mean = sum(counts) / len(counts)
            beyond += sum((count - mean) ** 2 for count in counts) * len(counts) / (len(counts) - 1) - sum(counts)
            squares += mean * mean * len(counts)
    return min(_MOST_SPREAD, max(_LEAST_SPREAD, beyond / squares)) if squares else _MOST_SPREAD


def _share_spread(hours: Sequence[Hour], share: float) -> float:
    """How much the share of negative posts strays from hour to hour, beyond chance."""
    beyond = sum((hour.negative - share * hour.heard) ** 2 - share * (1 - share) * hour.heard for hour in hours)
    squares = sum((share * hour.heard) ** 2 for hour in hours)
    return min(_MOST_SHARE_SPREAD, max(_LEAST_SHARE_SPREAD, beyond / squares)) if squares else _MOST_SHARE_SPREAD
