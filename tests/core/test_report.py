"""Days, percentiles and open time: what the numbers are made of, with answers a person can check."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.report import BUCKETS, Facet, Kind, Which, bounds, bucket, bucket_counts, percentile, period, split
from core.sla import ALWAYS, Hours, OpenTime, Span

CPH = ZoneInfo("Europe/Copenhagen")
OFFICE = Hours(
    week=((Span(start=8 * 60, end=16 * 60),),) * 5 + ((), ()), holidays=frozenset({date(2026, 12, 25)}), zone=CPH
)


def _at(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=CPH)


@pytest.mark.parametrize(
    ("day", "begins", "hours"),
    [
        (date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        (date(2026, 11, 22), datetime(2026, 11, 21, 23, tzinfo=UTC), 24),
    ],
)
def test_a_day_is_the_houses_own_and_may_have_23_or_25_hours(day: date, begins: datetime, hours: int) -> None:
    one = period(day, day, CPH)
    assert (one.start, one.until - one.start) == (begins, timedelta(hours=hours))


@given(first=st.dates(date(2024, 1, 1), date(2027, 1, 1)), days=st.integers(0, 1500))
def test_the_parts_of_a_range_are_the_range(first: date, days: int) -> None:
    whole = period(first, first + timedelta(days=days), CPH)
    parts = split(whole, CPH)
    assert (parts[0].start, parts[-1].until) == (whole.start, whole.until)
    assert all(one.until == two.start for one, two in pairwise(parts))
    assert len(parts) <= 107


def test_days_become_weeks_and_months_where_there_are_too_many() -> None:
    assert len(split(period(date(2026, 8, 1), date(2026, 10, 31), CPH), CPH)) == 92
    weeks = split(period(date(2026, 1, 1), date(2026, 12, 31), CPH), CPH)
    assert (weeks[0].last, weeks[1].first, weeks[-1].last) == (date(2026, 1, 4), date(2026, 1, 5), date(2026, 12, 31))
    months = split(period(date(2023, 1, 15), date(2026, 3, 3), CPH), CPH)
    assert (months[0].last, months[-1].first) == (date(2023, 1, 31), date(2026, 3, 1))


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, None), ([7.0], 95, 7.0), ([1.0, 2.0, 3.0, 4.0], 50, 2.0), ([1.0, 2.0, 3.0], 50, 2.0)],
)
def test_a_percentile_is_a_value_that_occurred(values: list[float], percent: int, expected: float | None) -> None:
    assert percentile(values, percent) == expected


def test_nine_in_ten_took_no_longer_than_the_ninetieth_percentile() -> None:
    assert percentile([float(n) for n in range(1, 101)], 90) == 90.0
    assert percentile([float(n) for n in range(1, 12)], 90) == 10.0


def test_a_bucket_holds_what_is_shorter_than_its_end() -> None:
    assert [bucket(seconds) for seconds in (0, 59.9, 60, 3599, 3600, 86_400 * 3)] == [
        "1m", "1m", "5m", "1h", "4h", "longer",
    ]  # fmt: skip
    assert [name for name, _, _ in bounds()] == list(BUCKETS)


@given(st.lists(st.one_of(st.floats(0, 4e5), st.sampled_from([60.0, 300.0, 3600.0, 86_400.0]))))
def test_counting_buckets_at_once_and_one_by_one_is_the_same(values: list[float]) -> None:
    one_by_one = Counter(bucket(value) for value in values)
    assert bucket_counts(sorted(values)) == {name: one_by_one[name] for name in BUCKETS}


@pytest.mark.parametrize(
    ("start", "until", "minutes"),
    [
        (_at(20, 15, 30), _at(20, 15, 50), 20),
        (_at(20, 15, 30), _at(23, 8, 10), 40),  # Friday's last half hour, and Monday's first ten minutes
        (_at(21, 3), _at(22, 23), 0),  # a weekend
        (_at(24, 15, month=12), _at(28, 9, month=12), 120),  # a holiday on a Friday, and a weekend
        (_at(20, 7), _at(20, 20), 8 * 60),
        (_at(20, 9), _at(20, 8), 0),  # answered before it was asked, by clocks that differ
    ],
)
def test_only_open_minutes_count_in_open_time(start: datetime, until: datetime, minutes: int) -> None:
    open_time = OpenTime(OFFICE, _at(1, 0), _at(31, 0, month=12))
    assert open_time.seconds(start, until) == minutes * 60


@given(start=st.integers(0, 86_400 * 60), first=st.integers(0, 86_400 * 20), then=st.integers(0, 86_400 * 20))
def test_open_time_adds_up_and_is_no_longer_than_the_clock(start: int, first: int, then: int) -> None:
    begin = datetime(2026, 9, 20, tzinfo=UTC)
    one = begin + timedelta(seconds=start)
    two, three = one + timedelta(seconds=first), one + timedelta(seconds=first + then)
    for hours in (OFFICE, ALWAYS):
        open_time = OpenTime(hours, one, three)
        whole = open_time.seconds(one, three)
        assert open_time.seconds(one, two) + open_time.seconds(two, three) == pytest.approx(whole)
        assert whole <= first + then + 1e-6
    assert whole == pytest.approx(first + then)


def test_a_row_has_one_mood_and_may_have_several_topics() -> None:
    which = Which(kind=Kind.POSTS, start=_at(1, 0), until=_at(2, 0))
    moods = which.having(Facet.MOOD, "negative").having(Facet.PLATFORM, "x").having(Facet.MOOD, "positive")
    assert moods.facets == ((Facet.MOOD, "positive"), (Facet.PLATFORM, "x"))
    topics = which.having(Facet.TOPIC, "legal").having(Facet.TOPIC, "billing").having(Facet.TOPIC, "legal")
    assert topics.facets == ((Facet.TOPIC, "billing"), (Facet.TOPIC, "legal"))
