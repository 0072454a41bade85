"""The crisis breaker's judgement: is this a storm, or are we ourselves the trouble? Pure, with reasons in plain words.

What is usual is learned from the account's own past: the same hours of the same weekdays. A trip needs more than a rare
count. Negative posts must be too many for the hour and too large a share of what comes, so a campaign does not trip it;
or there must be more than even a campaign brings; one author counts four times at most.

Owns judge(), usual_for() and storm_post(). Refuses I/O, and to act on what it says: `watchman` does.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from core.assessment import Assessment, Intent, Sentiment
from core.config import BreakerConfig
from core.incident import Arrival, Conduct, Hour, Incident, Measure, Trip

# Minutes over which posts are counted, and how many times the least number of posts each asks for.
WINDOWS = ((1, 1), (5, 1), (30, 2))
LOOK_BACK = timedelta(minutes=WINDOWS[-1][0])
HISTORY = timedelta(days=28)
# How rare a count must be. A week has some ten thousand minutes, and a house several accounts.
_RARE = 1e-7
# For negative posts the number and the share are weighed together: each rare, both together very rare.
_RARE_EACH = 1e-3
# Half an hour may be livelier than its hour.
_LIVELY = 1.5
_RARE_TOGETHER = 1e-9
# One person shouting in a thread is no storm.
_MOST_OF_ONE_AUTHOR = 4
# A campaign pleases: a smaller share of what it brings is negative.
_PLEASED = 0.7
# Until a day is known the house's own guess stands in; known hours outweigh it from then on.
_KNOWN_HOURS = 24
_GUESS_WEIGHT = 2.0
_USUAL_SHARE = 0.3
_SHARE_WEIGHT = 20.0
# Days differ: how far the true rate of an hour strays from its mean, as a share of it, squared.
_LEAST_SPREAD, _MOST_SPREAD = 0.03, 0.12
_COPY_MINUTES = 10
_COPY_AUTHORS = 4
_COPY_LENGTH = 15
_ACCEPTED_FOR = timedelta(hours=1)
_REFUSED, _OPTED_OUT, _ASKED, _SENT = 5, 3, 3, 20

# Asked of us after we answered: the public has noticed.
_IS_BOT = re.compile(
    r"\b(?:are you|is this|er du|er det|er dette|är du|är det|är detta)\s+(?:a|an|en|ein|ett|bare en|bara en|just a)\s+"
    r"(?:bot|robot|ro-bot|chatbot|maskine|maskin|machine)\b"
    r"|\b(?:bot|robot|chatbot)(?:svar| reply| answer)\b",
    re.IGNORECASE,
)
_NAMES = re.compile(r"https?://\S+|[@#]\w+|\bu/\w+")
_MARKS = re.compile(r"[\W\d_]+")
_DANGER = frozenset({Intent.SAFETY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What an account usually hears: posts an hour, the share of negative ones, and how much hours differ."""

    per_hour: float
    negative_share: float
    spread: float = _LEAST_SPREAD
    negative_per_hour: float = 0.0

    def heard(self, minutes: float) -> float:
        """Return how many posts are usual in some minutes."""
        return self.per_hour * minutes / 60

    def negative(self, minutes: float) -> float:
        """Return how many negative ones are."""
        return max(self.per_hour * self.negative_share, self.negative_per_hour) * minutes / 60


def usual_for(hours: Sequence[Hour], at: datetime, config: BreakerConfig, last: Incident | None = None) -> Usual:
    """Return what is usual at an instant, from full hours of the past; `last` is the incident reset last, if any.

    The hour before and the hour after count too, and the liveliest of the three is usual: mornings come early and late.
    """
    known = len(hours) >= _KNOWN_HOURS
    guess = sum(hour.heard for hour in hours) / len(hours) if known else config.usual_per_hour
    near = (at + timedelta(hours=shift) for shift in (-1, 0, 1))
    per_hour = max(_mean(_alike(hours, instant), guess) for instant in near)
    heard, negative = sum(hour.heard for hour in hours), sum(hour.negative for hour in hours)
    share = (negative + _USUAL_SHARE * _SHARE_WEIGHT) / (heard + _SHARE_WEIGHT)
    accepted = last if last and last.closed_at and at - last.closed_at < _ACCEPTED_FOR else None
    return Usual(
        per_hour=max(per_hour, accepted.heard_per_minute * 60 if accepted else 0.0),
        negative_share=share,
        spread=_spread(hours),
        negative_per_hour=accepted.negative_per_minute * 60 if accepted else 0.0,
    )


def judge(
    arrivals: Sequence[Arrival], usual: Usual, conduct: Conduct, config: BreakerConfig, *, now: datetime
) -> Trip | None:
    """Return why the breaker trips now, or None. `arrivals` are the newest of the last half hour, in any order."""
    reasons: list[str] = []
    measures: list[Measure] = []
    posts: set[int] = set()
    for minutes, times in WINDOWS:
        within = [one for one in arrivals if one.at > now - timedelta(minutes=minutes)]
        why = _too_negative(within, usual, config, minutes, times) or _too_many(within, usual, config, minutes)
        if why is not None:
            reasons.append(why)
            measures += _measures(within, usual, minutes)
            posts |= {one.post_id for one in within if one.mood is not Sentiment.POSITIVE}
            break
    copies = _copies([one for one in arrivals if one.at > now - timedelta(minutes=_COPY_MINUTES)], config)
    if copies:
        authors = len({one.author_id for one in copies})
        reasons.append(f"{len(copies)} posts in {_COPY_MINUTES} minutes say the same words, from {authors} authors")
        measures.append(Measure(name="The same words", number=str(len(copies)), usual="hardly ever"))
        posts |= {one.post_id for one in copies}
    reasons += _own_faults(conduct, arrivals)
    if not reasons:
        return None
    return Trip(reasons=tuple(reasons), measures=tuple(measures), post_ids=tuple(sorted(posts)))


def storm_post(assessment: Assessment) -> bool:
    """Whether a post of a stormy hour belongs to the storm: it is listed there and not escalated by itself.

    What touches danger to somebody always is.
    """
    return assessment.sentiment is not Sentiment.POSITIVE and not _DANGER & set(assessment.intents)


def tail(number: int, mean: float, spread: float) -> float:
    """Return how likely `number` or more are, where `mean` is usual: a Poisson count whose rate itself varies.

    `spread` is the variance of the rate, as a share of its square (a negative binomial's 1/r).
    """
    if number <= mean:
        return 1.0
    shape = 1 / spread
    odds = mean / (shape + mean)
    chance = math.exp(shape * math.log(shape / (shape + mean)))
    below = 0.0
    for count in range(number):
        below += chance
        chance *= odds * (shape + count) / (count + 1)
    # Once the sum of what lies below has eaten all digits, the first term beyond says it better.
    return max(1.0 - below, chance)


def share_tail(number: int, of: int, share: float) -> float:
    """Return how likely `number` or more of `of` are, where `share` is usual."""
    if number <= of * share:
        return 1.0
    logs = (
        math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * math.log(share)
        + (of - k) * math.log(1 - share)
        for k in range(number, of + 1)
    )  # fmt: skip
    return math.fsum(math.exp(log) for log in logs)


def _alike(hours: Sequence[Hour], at: datetime) -> list[Hour]:
    """The same hour of the same weekday; where too few are known, of workdays or weekends; else any."""
    same_hour = [hour for hour in hours if hour.at.hour == at.hour]
    same_day = [hour for hour in same_hour if hour.at.weekday() == at.weekday()]
    same_kind = [hour for hour in same_hour if (hour.at.weekday() >= 5) == (at.weekday() >= 5)]
    return next((found for found in (same_day, same_kind) if len(found) >= 3), [])


def _mean(hours: Sequence[Hour], guess: float) -> float:
    """Without the busiest, which may have been a storm of its own; `guess` weighs as two hours."""
    counts = sorted(hour.heard for hour in hours)
    counts = counts[:-1] if len(counts) >= 3 else counts
    return (sum(counts) + _GUESS_WEIGHT * guess) / (len(counts) + _GUESS_WEIGHT)


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


def _negative(arrivals: Iterable[Arrival]) -> list[Arrival]:
    return [one for one in arrivals if one.mood is Sentiment.NEGATIVE]


def _weight(arrivals: Iterable[Arrival]) -> int:
    """Count posts, of one author four at most."""
    return sum(min(_MOST_OF_ONE_AUTHOR, count) for count in Counter(one.author_id for one in arrivals).values())


def _too_negative(
    within: Sequence[Arrival], usual: Usual, config: BreakerConfig, minutes: int, times: int
) -> str | None:
    """Too many negative posts for the hour, and too large a share of all."""
    angry = _negative(within)
    number = _weight(angry)
    if number < config.least_posts * times:
        return None
    rare = tail(number, usual.negative(minutes) * _LIVELY, usual.spread)
    # Angry people come in clusters, and the model errs: a share a quarter above the usual one still is.
    share = share_tail(number, number + _weight(one for one in within if one not in angry), _cautious(usual))
    if rare > _RARE_EACH or share > _RARE_EACH or rare * share > _RARE_TOGETHER:
        return None
    authors = len({one.author_id for one in angry})
    return (
        f"{len(angry)} negative posts in {_spelled(minutes)}, from {authors} authors; "
        f"usual at this hour: {usual.negative(minutes):.1f}"
    )


def _cautious(usual: Usual) -> float:
    return min(0.9, usual.negative_share * 1.25)


def _too_many(within: Sequence[Arrival], usual: Usual, config: BreakerConfig, minutes: int) -> str | None:
    """More than a campaign brings, of negative posts or of all."""
    for posts, mean, times, what in (
        (_negative(within), usual.negative(minutes), config.campaign_times * _PLEASED, "negative posts"),
        (list(within), usual.heard(minutes), config.campaign_times, "posts"),
    ):
        number = _weight(posts)
        if number >= 1.5 * config.least_posts and tail(number, mean * times, usual.spread) < _RARE:
            authors = len({one.author_id for one in posts})
            return (
                f"{len(posts)} {what} in {_spelled(minutes)}, from {authors} authors: more than a campaign brings; "
                f"usual at this hour: {mean:.1f}"
            )
    return None


def _spelled(minutes: int) -> str:
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _measures(within: Sequence[Arrival], usual: Usual, minutes: int) -> list[Measure]:
    angry = _negative(within)
    read = sum(one.mood is not None for one in within)
    share = len(angry) / read if read else 0.0
    topic = Counter(one.matched for one in within if one.matched).most_common(1)
    about = [Measure(name="Most of them matched", number=topic[0][0])] if topic else []
    return [
        Measure(name=f"Posts in {_spelled(minutes)}", number=str(len(within)), usual=f"{usual.heard(minutes):.1f}"),
        Measure(name="Negative", number=str(len(angry)), usual=f"{usual.negative(minutes):.1f}"),
        Measure(name="Share negative", number=f"{share:.0%}", usual=f"{usual.negative_share:.0%}"),
        Measure(name="Authors", number=str(len({one.author_id for one in within}))),
        *about,
    ]


def _copies(arrivals: Sequence[Arrival], config: BreakerConfig) -> list[Arrival]:
    """The largest group of posts that say the same, where it is large enough and from several people.

    Entries in a contest are alike too: what is neutral must be twice as many, and what is positive never counts.
    """
    groups: dict[str, list[Arrival]] = {}
    for one in arrivals:
        if one.mood is not Sentiment.POSITIVE and len(words := bare(one.text)) >= _COPY_LENGTH:
            groups.setdefault(words, []).append(one)
    largest = max(groups.values(), key=_weight, default=[])
    calm = sum(one.mood is Sentiment.NEUTRAL for one in largest)
    least = config.least_posts * (2 if calm * 2 > len(largest) else 1)
    is_many = _weight(largest) >= least and len({one.author_id for one in largest}) >= _COPY_AUTHORS
    return largest if is_many else []


@lru_cache(maxsize=4096)
def bare(text: str) -> str:
    """Return what copies have in common: no names, addresses, numbers, marks or capitals."""
    return _MARKS.sub(" ", _NAMES.sub(" ", text.casefold())).strip()


def _own_faults(conduct: Conduct, arrivals: Sequence[Arrival]) -> list[str]:
    """What we do wrong ourselves, over the last hour."""
    found: list[str] = []
    tried = conduct.sent + conduct.refused
    if conduct.refused >= _REFUSED and conduct.refused * 2 >= tried:
        found.append(f"the platform refused {conduct.refused} of our last {tried} automatic replies")
    if conduct.opt_outs >= _OPTED_OUT and conduct.opt_outs * 5 >= conduct.sent:
        found.append(f"{conduct.opt_outs} people asked us to stop within an hour, after {conduct.sent} replies")
    asked = len({one.author_id for one in arrivals if _IS_BOT.search(one.text)}) if conduct.sent else 0
    if asked >= _ASKED and asked * 5 >= conduct.sent:
        found.append(f"{asked} people asked within half an hour whether a robot answers them")
    if conduct.sent >= _SENT and conduct.sent > conduct.arrivals:
        found.append(f"we sent {conduct.sent} automatic replies in an hour and heard only {conduct.arrivals} posts")
    return found
