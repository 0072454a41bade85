"""The crisis breaker's judgement: is this a storm, or are we ourselves the trouble? Pure, with reasons in plain words.

What is usual is learned from the account's own past (`usual`). One question is asked of several windows, of all posts
and of each topic: are there too many negative posts for the hour, and are they too large a share of what comes? The
first alone is a campaign or a lively Monday, the second alone three cross words in a quiet night.

Owns judge(). Refuses I/O, and to act on what it says: `watchman` does.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.assessment import Assessment, Intent, Sentiment
from core.config import BreakerConfig
from core.incident import Arrival, Conduct, Measure, Trip
from responder.copies import copies
from responder.tails import share_tail, tail
from responder.usual import Usual, topics_of

# Minutes over which posts are counted, and how many times the least number of posts each asks for.
WINDOWS = ((1, 1.0), (2, 1.0), (5, 1.0), (15, 1.5), (60, 2.0))
LOOK_BACK = timedelta(minutes=WINDOWS[-1][0])
# How rare the number and the share must be: each, and both together. A week has some ten thousand minutes.
_RARE_EACH = 1e-2
_RARE_TOGETHER = 5e-8
# How often an hour has a campaign in it, and then posts come so many times more often (`campaign_times`).
_CAMPAIGN = 0.05
# One person shouting in a thread is no storm, nor are three.
_MOST_OF_ONE_AUTHOR = 2
# A topic grows by itself within minutes, or it is the whole account that grows.
_TOPIC_MINUTES = 15
# Small troubles of one kind come in handfuls: so many times the least number, and so much rarer.
_TOPIC_TIMES, _TOPIC_RARER = 1.25, 0.1
_COPY_MINUTES = 10
_REFUSED, _OPTED_OUT, _ASKED, _SENT = 5, 3, 3, 20
_DANGER = frozenset({Intent.SAFETY})


@dataclass(slots=True)
class _Count:
    """Posts of one window: of one author `most` count."""

    most: int
    heard: int = 0
    negative: int = 0
    _heard_of: Counter[int] = field(default_factory=Counter)
    negative_of: Counter[int] = field(default_factory=Counter)

    def add(self, one: Arrival, is_negative: bool) -> None:
        self._heard_of[one.author_id] += 1
        self.heard += self._heard_of[one.author_id] <= self.most
        if is_negative:
            self.negative_of[one.author_id] += 1
            self.negative += self.negative_of[one.author_id] <= self.most


def judge(
    arrivals: Sequence[Arrival],
    usual: Usual,
    conduct: Conduct,
    config: BreakerConfig,
    *,
    now: datetime,
    known_since: datetime | None = None,
) -> Trip | None:
    """Return why the breaker trips now, or None. `arrivals` are the newest, in any order.

    `known_since`: there were more before this instant than are at hand, so no window reaches further back.
    """
    newest = sorted((one for one in arrivals if one.mood is not None), key=lambda one: one.at, reverse=True)
    reasons: list[str] = []
    measures: list[Measure] = []
    posts: set[int] = set()
    found = _storm(newest, usual, config, now, known_since)
    if found is not None:
        reasons.append(found.reason)
        measures += found.measures
        posts |= {one.post_id for one in found.within if one.mood is not Sentiment.POSITIVE}
    copied = copies(one for one in newest if one.at > now - timedelta(minutes=_COPY_MINUTES))
    authors = len({one.author_id for one in copied})
    if authors >= config.least_posts:
        reasons.append(f"{len(copied)} posts in {_COPY_MINUTES} minutes say the same words, from {authors} authors")
        measures.append(Measure(name="The same words", number=str(len(copied)), usual="hardly ever"))
        posts |= {one.post_id for one in copied}
    reasons += _own_faults(conduct, newest)
    if not reasons:
        return None
    topic = found.topic if found is not None else ""
    return Trip(reasons=tuple(reasons), measures=tuple(measures), post_ids=tuple(sorted(posts)), topic=topic)


def storm_post(assessment: Assessment) -> bool:
    """Whether a post of a stormy hour belongs to the storm: it is listed there and not escalated by itself.

    What touches danger to somebody always is.
    """
    return assessment.sentiment is not Sentiment.POSITIVE and not _DANGER & set(assessment.intents)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Storm:
    reason: str
    measures: tuple[Measure, ...]
    within: Sequence[Arrival]
    topic: str = ""


def _storm(
    newest: Sequence[Arrival], usual: Usual, config: BreakerConfig, now: datetime, known_since: datetime | None
) -> _Storm | None:
    """The first window, the shortest first, in which the account or one of its topics is in a storm."""
    whole, topics, reached = _Count(most=_MOST_OF_ONE_AUTHOR), dict[str, _Count](), 0
    for minutes, times in WINDOWS:
        begin = now - timedelta(minutes=minutes)
        if known_since is not None and begin < known_since and reached:
            return None
        before = reached
        while reached < len(newest) and newest[reached].at > begin:
            one = newest[reached]
            is_negative = one.mood is Sentiment.NEGATIVE
            whole.add(one, is_negative)
            if is_negative and minutes <= _TOPIC_MINUTES:
                for topic in topics_of(one):
                    topics.setdefault(topic, _Count(most=_MOST_OF_ONE_AUTHOR)).add(one, is_negative)
            reached += 1
        least = config.least_posts * times
        if reached == before or whole.negative < least:
            continue
        if _is_storm(whole, whole.heard, usual, minutes, config):
            return _described(newest[:reached], whole, usual, minutes, topics)
        if minutes <= _TOPIC_MINUTES:
            found = _topic_storm(newest[:reached], topics, whole, usual, minutes, least, config)
            if found is not None:
                return found
    return None


def _topic_storm(
    within: Sequence[Arrival],
    topics: dict[str, _Count],
    whole: _Count,
    usual: Usual,
    minutes: int,
    least: float,
    config: BreakerConfig,
) -> _Storm | None:
    """The first topic that is in a storm; `topics` counts negative posts alone."""
    for topic, count in topics.items():
        if count.negative >= least * _TOPIC_TIMES:
            about = [one for one in within if topic in topics_of(one)]
            if _in_topic(count, len(about), whole, usual, minutes, config, topic):
                return _described(about, count, usual, minutes, topics, topic)
    return None


def _is_storm(count: _Count, heard: int, usual: Usual, minutes: int, config: BreakerConfig, topic: str = "") -> bool:
    """Too many negative posts and too large a share: for an ordinary hour, and for one with a campaign in it."""
    mean, share = usual.negative(minutes, topic), usual.share(topic)
    many = tail(count.negative, mean, usual.spread)
    if many > _RARE_EACH:
        return False
    large = share_tail(count.negative, max(heard, count.negative), share, usual.share_spread)
    many_for_a_campaign = _CAMPAIGN * tail(count.negative, mean * config.campaign_times, usual.spread)
    return large <= _RARE_EACH and max(many, many_for_a_campaign) * large <= _RARE_TOGETHER * (
        _TOPIC_RARER if topic else 1
    )


def _in_topic(
    count: _Count, heard: int, whole: _Count, usual: Usual, minutes: int, config: BreakerConfig, topic: str
) -> bool:
    """A storm in one topic. Of troubles it is known how often they come; of a hashtag how angry its posts are."""
    angrier = share_tail(count.negative, heard, usual.negative_share, usual.share_spread)
    if isinstance(topic, Intent):
        return angrier <= _RARE_EACH and _is_storm(count, whole.heard, usual, minutes, config, topic)
    many = tail(count.negative, usual.negative(minutes, topic), usual.spread)
    return many <= _RARE_EACH and _CAMPAIGN * angrier <= _RARE_TOGETHER * _TOPIC_RARER


def _described(
    within: Sequence[Arrival], count: _Count, usual: Usual, minutes: int, topics: dict[str, _Count], topic: str = ""
) -> _Storm:
    span = "1 minute" if minutes == 1 else f"{minutes} minutes"
    negative = sum(count.negative_of.values())
    authors = len(count.negative_of)
    usually = f"{usual.negative(minutes, topic):.1f}"
    about = f" about {topic}" if topic else ""
    most = max(topics, key=lambda name: topics[name].negative, default="")
    measures = [
        *([Measure(name="Topic", number=topic)] if topic else []),
        Measure(name=f"Posts in {span}", number=str(len(within)), usual="" if topic else f"{usual.heard(minutes):.1f}"),
        Measure(name="Negative", number=str(negative), usual=usually),
        Measure(name="Share negative", number=f"{negative / len(within):.0%}", usual=f"{usual.negative_share:.0%}"),
        Measure(name="Authors", number=str(len({one.author_id for one in within}))),
        *([Measure(name="Most of them are about", number=most)] if most and not topic else []),
    ]
    reason = f"{negative} negative posts{about} in {span}, from {authors} authors; usual at this hour: {usually}"
    return _Storm(reason=reason, measures=tuple(measures), within=within, topic=topic)


def _own_faults(conduct: Conduct, arrivals: Sequence[Arrival]) -> list[str]:
    """What we do wrong ourselves, over the last hour."""
    found: list[str] = []
    tried = conduct.sent + conduct.refused
    if conduct.refused >= _REFUSED and conduct.refused * 2 >= tried:
        found.append(f"the platform refused {conduct.refused} of our last {tried} automatic replies")
    if conduct.opt_outs >= _OPTED_OUT and conduct.opt_outs * 5 >= conduct.sent:
        found.append(f"{conduct.opt_outs} people asked us to stop within an hour, after {conduct.sent} replies")
    asked = {one.author_id for one in arrivals if Intent.PERSON in one.intents} & conduct.answered
    if len(asked) >= _ASKED and len(asked) * 5 >= conduct.sent:
        found.append(
            f"{len(asked)} people we answered asked within an hour whether a robot answers them, or for a person"
        )
    if conduct.sent >= _SENT and conduct.sent > conduct.arrivals:
        found.append(f"we sent {conduct.sent} automatic replies in an hour and heard only {conduct.arrivals} posts")
    return found
