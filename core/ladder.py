"""The ladder: who is told next of a group of alerts, and when. Pure, so that a year of nights can be tried in a second.

Owns Ladder, Group, and the moves of a group: opening(), next_at(), advance(). Refuses to tell anybody, and to
know rows.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.config import PEOPLE, Config, Step
from core.decision import INCIDENT, ORDINARY
from core.sla import ALWAYS, Hours

_MINUTE = timedelta(minutes=1)
# A lull this long ends a group: what comes then is news, and told as such.
LULL = 30 * _MINUTE
# The wait between two tellings of one group grows by this while more than one alert comes in it, and shrinks by it.
_GROWTH = 3
_LONGEST = timedelta(hours=1)
# Where a person is called now, people wait less for the next telling.
_LONGEST_URGENT = 10 * _MINUTE
_URGENT_SHARE = 3
_LONGEST_AGAIN = timedelta(days=1)


class Why(StrEnum):
    """Why people are told now: the first of a group, more of it, a step further up, or once more at the top."""

    FIRST = "first"
    MORE = "more"
    CLIMB = "climb"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The steps, and the times that bound them.

    `awake` is when ordinary alerts may be told. `gather_seconds` is how long alerts are gathered after one was told;
    0 tells each by itself. At the top people are told again after `again_minutes`, and at double distance each time;
    of an incident instead after each of `reminders`, where there are any.
    """

    steps: tuple[Step, ...] = (Step(name=PEOPLE),)
    hours: Hours = ALWAYS
    awake: Hours = ALWAYS
    gather_seconds: float = 90.0
    again_minutes: int = 0
    reminders: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Alerts of one account and kind that are told together.

    `step` is the last one told, -1 for none; `waiting` how many alerts nobody was told of yet; `is_telling` whether a
    telling is on its way.
    """

    id: int
    account: str
    kind: str
    opened_at: datetime
    first_at: datetime
    pace_seconds: float
    step: int = -1
    started_at: datetime | None = None
    told_at: datetime | None = None
    repeats: int = 0
    waiting: int = 0
    is_telling: bool = False
    next_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None


def ladder_of(config: Config) -> Ladder:
    """Return the ladder a config asks for. Plain `urls` are one step that is told once, and of incidents again."""
    alerts = config.alerts
    return Ladder(
        steps=alerts.steps,
        hours=config.hours,
        awake=alerts.awake,
        gather_seconds=alerts.gather_seconds,
        again_minutes=alerts.again_after_minutes if alerts.ladder else 0,
        reminders=() if alerts.ladder else config.breaker.remind_after_minutes,
    )


def opening(ladder: Ladder, kind: str, at: datetime, last: Group | None) -> tuple[datetime, float]:
    """Return when a new group is told first, and the seconds to gather after that.

    At once in calm times. `last` is the group before it: right after one that is told at a slow pace the pace stays,
    so that acknowledging in the middle of a storm does not make it louder.
    """
    base = _base(ladder, kind)
    if last is None or last.told_at is None or not base:
        return at, base
    pace = timedelta(seconds=last.pace_seconds)
    if at - last.told_at >= 2 * pace:
        return at, base
    return max(at, last.told_at + pace), last.pace_seconds


def is_over(group: Group, joined_at: datetime, at: datetime) -> bool:
    """Whether a group takes no more alerts: none came for a while."""
    lull = max(LULL, timedelta(seconds=group.pace_seconds))
    return group.started_at is not None and not group.waiting and at - joined_at > lull


def next_at(group: Group, ladder: Ladder) -> datetime | None:
    """Return when people are told next, None for never unless something comes."""
    if group.acknowledged_at is not None:
        return None
    if group.started_at is None:
        return _may_tell(group, ladder, _rungs(group, ladder)[0], group.first_at)
    times = [_climb_at(group, ladder)]
    if not group.is_telling:
        times += [_gathered_at(group, ladder), _again_at(group, ladder)]
    return min((at for at in times if at is not None), default=None)


def advance(group: Group, ladder: Ladder, at: datetime) -> tuple[Group, Why]:
    """Return the group once people are told at `at`, and why they are. Ask only when next_at() has come."""
    climb_at, gathered_at = _climb_at(group, ladder), _gathered_at(group, ladder)
    after = replace(group, told_at=at, pace_seconds=_pace_after(group, ladder), waiting=0, is_telling=True)
    if group.started_at is None:
        return replace(after, step=_rungs(group, ladder)[0], started_at=at), Why.FIRST
    rung = _next_rung(group, ladder)
    if rung is not None and climb_at is not None and climb_at <= at:
        return replace(after, step=rung), Why.CLIMB
    if gathered_at is not None and gathered_at <= at:
        return after, Why.MORE
    return replace(after, repeats=group.repeats + 1), Why.AGAIN


def told_before(group: Group, ladder: Ladder, step: int, why: Why) -> tuple[str, ...]:
    """Return the names of those who were told of a group before `step` is."""
    most = step if why is Why.AGAIN else step - 1
    return tuple(ladder.steps[rung].name for rung in _rungs(group, ladder) if rung <= most)


def _base(ladder: Ladder, kind: str) -> float:
    return ladder.gather_seconds if kind == ORDINARY else ladder.gather_seconds / _URGENT_SHARE


def _pace_after(group: Group, ladder: Ladder) -> float:
    longest = (_LONGEST if group.kind == ORDINARY else _LONGEST_URGENT).total_seconds()
    base = _base(ladder, group.kind)
    if group.waiting > 1:
        return max(base, min(group.pace_seconds * _GROWTH, longest))
    return max(base, group.pace_seconds / _GROWTH)


def _rungs(group: Group, ladder: Ladder) -> tuple[int, ...]:
    """Return the steps of this group. Where a person is called now, those who are not there are left out."""
    everyone = tuple(range(len(ladder.steps)))
    if group.kind == ORDINARY or ladder.hours.is_open(group.first_at):
        return everyone
    return tuple(at for at in everyone if not ladder.steps[at].only_open) or everyone


def _next_rung(group: Group, ladder: Ladder) -> int | None:
    return next((step for step in _rungs(group, ladder) if step > group.step), None)


def _climb_at(group: Group, ladder: Ladder) -> datetime | None:
    step = _next_rung(group, ladder)
    if step is None or group.started_at is None:
        return None
    rungs = _rungs(group, ladder)
    if group.kind != ORDINARY:
        return group.started_at + (ladder.steps[step].after_minutes - ladder.steps[rungs[0]].after_minutes) * _MINUTE
    # In order: whoever comes later in the ladder is not told before those who come earlier.
    return max(_reached_at(group, ladder, rung, group.started_at) for rung in rungs if rung <= step)


def _reached_at(group: Group, ladder: Ladder, step: int, started_at: datetime) -> datetime:
    minutes = ladder.steps[step].after_minutes
    hours = ladder.hours if ladder.steps[step].only_open else ALWAYS
    return _may_tell(group, ladder, step, hours.due_at(started_at, minutes))


def _gathered_at(group: Group, ladder: Ladder) -> datetime | None:
    if not group.waiting or group.told_at is None:
        return None
    return _may_tell(group, ladder, group.step, group.told_at + timedelta(seconds=group.pace_seconds))


def _again_at(group: Group, ladder: Ladder) -> datetime | None:
    if _next_rung(group, ladder) is not None or group.started_at is None or group.told_at is None:
        return None
    if group.kind == INCIDENT and ladder.reminders:
        left = ladder.reminders[group.repeats :]
        return group.started_at + left[0] * _MINUTE if left else None
    if not ladder.again_minutes:
        return None
    wait = min(_LONGEST_AGAIN, ladder.again_minutes * _MINUTE * 2.0 ** min(group.repeats, 20))
    return _may_tell(group, ladder, group.step, group.told_at + wait)


def _may_tell(group: Group, ladder: Ladder, step: int, at: datetime) -> datetime:
    """Return `at`, or the instant until which an ordinary alert is held back."""
    if group.kind != ORDINARY:
        return at
    only_open = ladder.steps[min(step, len(ladder.steps) - 1)].only_open
    for _ in range(100):
        later = ladder.awake.next_open(at)
        later = ladder.hours.next_open(later) if only_open else later
        if later == at:
            break
        at = later
    return at
