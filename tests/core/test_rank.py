"""The order of the inbox: what matters first, and nothing waits for ever."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.conversation import Status
from core.rank import LONGEST, rank, worth

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_WAITING = (Status.OPEN, Status.PENDING, Status.SNOOZED)

minutes = st.integers(min_value=0, max_value=60 * 24 * 400)
urgencies = st.integers(min_value=0, max_value=100)
reaches = st.none() | st.integers(min_value=0, max_value=10**9)
dues = st.none() | st.integers(min_value=0, max_value=60 * 24 * 30)


def _rank(waited: int | None = 0, *, due_in: int | None = None, **changes: Any) -> int:
    """The rank of what has waited so many minutes; due so many minutes after it came."""
    since = None if waited is None else NOW - timedelta(minutes=waited)
    given = {
        "status": Status.OPEN,
        "waiting_since": since,
        "due_at": None if due_in is None or since is None else since + timedelta(minutes=due_in),
        "urgency": 0,
        "followers": None,
        "last_post_at": NOW,
    }
    return rank(**{**given, **changes})


@given(minutes, minutes, urgencies, reaches)
def test_who_waits_longer_comes_first(one: int, other: int, urgency: int, followers: int | None) -> None:
    ranks = [_rank(waited, urgency=urgency, followers=followers) for waited in (one, other)]
    assert (ranks[0] < ranks[1]) == (one > other)


@given(minutes, urgencies, urgencies, reaches, dues)
def test_what_is_more_urgent_comes_first(waited: int, one: int, other: int, reach: int | None, due: int | None) -> None:
    ranks = [_rank(waited, urgency=urgency, followers=reach, due_in=due) for urgency in (one, other)]
    assert (ranks[0] < ranks[1]) == (one > other)


@given(minutes, urgencies, reaches, reaches, dues)
def test_more_reach_never_comes_later(
    waited: int, urgency: int, one: int | None, other: int | None, due: int | None
) -> None:
    ranks = [_rank(waited, urgency=urgency, followers=reach, due_in=due) for reach in (one, other)]
    if (one or 0) > (other or 0):
        assert ranks[0] <= ranks[1]


@given(minutes, urgencies, reaches, dues, dues)
def test_what_is_due_sooner_never_comes_later(
    waited: int, urgency: int, reach: int | None, one: int | None, other: int | None
) -> None:
    ranks = [_rank(waited, urgency=urgency, followers=reach, due_in=due) for due in (one, other)]
    if one is not None and (other is None or one < other):
        assert ranks[0] <= ranks[1]


@given(minutes, urgencies, urgencies, reaches, reaches, dues)
def test_nothing_starves(
    later: int, calm: int, urgent: int, few: int | None, many: int | None, due: int | None
) -> None:
    """Whatever comes LONGEST after it, due at once or never, comes after it."""
    old = _rank(int(LONGEST / timedelta(minutes=1)) + later + 1, urgency=calm, followers=few)
    new = _rank(later, urgency=urgent, followers=many, due_in=due)
    assert old < new


@given(minutes, urgencies, reaches, dues, st.sampled_from(_WAITING), minutes)
def test_whoever_waits_comes_before_everybody_who_does_not(
    waited: int, urgency: int, reach: int | None, due: int | None, status: Status, said: int
) -> None:
    last: dict[str, Any] = {"last_post_at": NOW - timedelta(minutes=said)}
    waits = _rank(waited, urgency=urgency, followers=reach, due_in=due, status=status, **last)
    assert waits < _rank(None, urgency=100, **last)
    assert waits < _rank(waited, urgency=100, status=Status.RESOLVED, **last)


@given(minutes, minutes)
def test_among_those_where_nobody_waits_the_latest_word_comes_first(one: int, other: int) -> None:
    ranks = [_rank(None, last_post_at=NOW - timedelta(minutes=ago)) for ago in (one, other)]
    assert (ranks[0] < ranks[1]) == (one < other)


def test_the_rates_of_exchange_are_those_the_documents_name() -> None:
    assert worth(1, None) == timedelta(minutes=6)
    assert worth(40, 100) == timedelta(hours=4)
    assert worth(70, 0) == timedelta(hours=58)
    assert worth(100, 0) == timedelta(hours=112)
    assert worth(0, 10_000) == timedelta(hours=1)
    assert worth(0, 10**9) == timedelta(hours=2)


def test_what_came_on_friday_evening_waits_behind_what_is_dangerous_on_monday_morning() -> None:
    calm, danger = _rank(60 * 62, urgency=20), _rank(0, urgency=75)
    assert danger < calm
    assert _rank(60 * 90, urgency=20) < danger


def test_what_is_due_now_stands_before_what_has_waited_a_day() -> None:
    assert _rank(60, due_in=60, urgency=30) < _rank(60 * 24, urgency=30)
