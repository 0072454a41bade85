"""In which order conversations ask for a person: a number that time does not change.

Owns rank() and its rates of exchange. A rank is an instant, in whole seconds since 1970: the moment since which a calm
conversation would have to wait to stand in the same place. The lowest comes first. Nothing about it depends on now, so
it is stored once and an index serves the order; the old climb by themselves, for what comes later has later ranks.
Refuses to know when anything happened: the caller says.
"""

import math
from datetime import datetime, timedelta

from core.conversation import Status

# What one point of urgency is worth in waiting: little up to RAISED, much above. A hundred points are 112 hours.
POINT = timedelta(minutes=6)
RAISED = 40
RAISED_POINT = timedelta(hours=1, minutes=48)
# Reach: each tenfold of followers from a hundred on, up to a million.
TENFOLD = timedelta(minutes=30)
_FROM, _UP_TO = 100, 1_000_000
# What is due now stands where it would stand if it had waited so long.
DUE_LEAD = timedelta(days=2)
# Where nobody waits: after everybody who does, what was said last first.
_NOBODY = 10_000_000_000


def rank(
    *,
    status: Status,
    waiting_since: datetime | None,
    due_at: datetime | None,
    urgency: int,
    followers: int | None,
    last_post_at: datetime,
) -> int:
    """Return a conversation's place: the lowest number is to be done first.

    Somebody waits where `waiting_since` says so and the conversation is not resolved. What has waited LONGEST longer
    than another comes before it, whatever the two are about, unless the other one was overdue as it came.
    """
    if waiting_since is None or status is Status.RESOLVED:
        return 2 * _NOBODY - _seconds(last_post_at)
    since = waiting_since if due_at is None else min(waiting_since, due_at - DUE_LEAD)
    return _seconds(since - worth(urgency, followers))


def worth(urgency: int, followers: int | None) -> timedelta:
    """Return how much waiting an urgency (0..100) and a reach make up for."""
    return POINT * min(urgency, RAISED) + RAISED_POINT * max(0, urgency - RAISED) + _reach(followers or 0)


def _reach(followers: int) -> timedelta:
    return TENFOLD * max(0.0, math.log10(max(1, min(followers, _UP_TO)) / _FROM))


def _seconds(at: datetime) -> int:
    return math.floor(at.timestamp())


LONGEST = worth(100, _UP_TO) + DUE_LEAD
