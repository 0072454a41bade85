"""Business hours: due times count open time, over nights, holidays, years and both changes of the clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.calendars import Holidays
from core.sla import ALL_DAY, ALWAYS, Hours, Span

CPH = ZoneInfo("Europe/Copenhagen")
DAY = (Span(start=8 * 60, end=16 * 60),)
OFFICE = Hours(week=(DAY,) * 5 + ((), ()), zone=CPH)
NORDIC = Hours(
    week=(DAY,) * 5 + ((), ()),
    days={"12-24": (Span(start=8 * 60, end=12 * 60),), "2026-12-31": ()},
    holidays=Holidays(countries=("DK", "SE", "NO", "FI"), with_customary=True),
    zone=CPH,
)
NIGHTS = Hours(week=((Span(end=6 * 60), Span(start=22 * 60)),) * 7, zone=CPH)
SPLIT = Hours(week=((Span(start=90, end=150), Span(start=165, end=1380)),) * 7, zone=CPH)
START = datetime(2024, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(min_value=0, max_value=6 * 366 * 86_400).map(lambda seconds: START + timedelta(seconds=seconds))
HOURS = st.sampled_from([OFFICE, NORDIC, NIGHTS, SPLIT, ALWAYS])
MINUTES = st.floats(min_value=0, max_value=3000)


def _at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=CPH)


@pytest.mark.parametrize(
    ("hours", "start", "minutes", "due"),
    [
        (OFFICE, _at(2026, 11, 20, 15, 30), 60, _at(2026, 11, 23, 8, 30)),  # Friday's last half hour, then Monday
        (OFFICE, _at(2026, 11, 20, 15, 30), 30, _at(2026, 11, 20, 16)),  # the moment it closes
        (OFFICE, _at(2026, 11, 21, 3), 15, _at(2026, 11, 23, 8, 15)),
        (OFFICE, _at(2026, 11, 20, 9), 8 * 60 * 5, _at(2026, 11, 27, 9)),
        (ALWAYS, _at(2026, 11, 21, 3), 15, _at(2026, 11, 21, 3, 15)),
        (NORDIC, _at(2026, 12, 23, 15), 90, _at(2026, 12, 24, 8, 30)),  # a half day
        (NORDIC, _at(2026, 12, 24, 11, 30), 60, _at(2026, 12, 28, 8, 30)),  # Christmas and a weekend
        (NORDIC, _at(2026, 12, 30, 15), 90, _at(2027, 1, 4, 8, 30)),  # a closed day, New Year, a weekend
        (NORDIC, _at(2026, 4, 1, 15), 61, _at(2026, 4, 7, 8, 1)),  # Maundy Thursday to Easter Monday
        (NIGHTS, _at(2026, 3, 29, 0), 300, _at(2026, 3, 29, 6)),  # an hour is missing in this night
        (NIGHTS, _at(2026, 10, 25, 0), 420, _at(2026, 10, 25, 6)),  # and comes twice in this one
    ],
)
def test_due_times_that_a_person_can_check(hours: Hours, start: datetime, minutes: float, due: datetime) -> None:
    assert hours.due_at(start, minutes) == due


@given(hours=HOURS, start=INSTANTS, minutes=MINUTES)
@example(hours=NIGHTS, start=datetime(2026, 3, 29, 0, 30, tzinfo=UTC), minutes=90)
@example(hours=SPLIT, start=datetime(2026, 10, 25, 0, 30, tzinfo=UTC), minutes=90)
def test_nothing_is_due_while_nobody_is_there(hours: Hours, start: datetime, minutes: float) -> None:
    due = hours.due_at(start, minutes)
    assert hours.is_open(due) or hours.is_open(due - timedelta(microseconds=1))
    assert due >= start + timedelta(minutes=minutes) - timedelta(microseconds=1)


@given(hours=HOURS, start=INSTANTS, minutes=MINUTES, later=MINUTES, longer=MINUTES)
def test_who_comes_later_or_takes_longer_is_never_due_sooner(
    hours: Hours, start: datetime, minutes: float, later: float, longer: float
) -> None:
    due = hours.due_at(start, minutes)
    assert hours.due_at(start + timedelta(minutes=later), minutes) >= due
    assert hours.due_at(start, minutes + longer) >= due


@given(hours=HOURS, start=INSTANTS, first=MINUTES, then=MINUTES)
def test_two_waits_after_each_other_are_one_long_wait(hours: Hours, start: datetime, first: float, then: float) -> None:
    apart = abs(hours.due_at(hours.due_at(start, first), then) - hours.due_at(start, first + then))
    assert apart < timedelta(milliseconds=1) or not hours.is_open(hours.due_at(start, first))


@given(hours=HOURS, at=INSTANTS)
def test_the_next_open_moment_is_open_and_nothing_before_it_is(hours: Hours, at: datetime) -> None:
    opens = hours.next_open(at)
    assert opens >= at
    assert hours.is_open(opens)
    assert opens == at or not hours.is_open(at)


def test_hours_that_are_never_open_count_round_the_clock_instead_of_hanging() -> None:
    never = Hours(week=((),) * 7)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert never.due_at(start, 15) == start + timedelta(minutes=15)
    assert never.next_open(start) == start


def test_an_own_day_wins_over_a_holiday_and_one_date_over_each_years() -> None:
    hours = Hours(
        days={"12-25": ALL_DAY, "2026-12-25": DAY}, holidays=Holidays(countries=("DK",)), week=(DAY,) * 7, zone=CPH
    )
    assert (hours.spans_on(date(2026, 12, 25)), hours.spans_on(date(2027, 12, 25))) == (DAY, ALL_DAY)
    assert hours.spans_on(date(2026, 12, 26)) == ()


@pytest.mark.parametrize(
    ("country", "day", "is_free", "with_customary"),
    [
        ("DK", date(2023, 5, 5), True, True),  # Store bededag, for the last time
        ("DK", date(2024, 4, 26), False, False),  # abolished from 2024 on
        ("DK", date(2026, 4, 2), True, True),  # Maundy Thursday, which Sweden works
        ("SE", date(2026, 4, 2), False, False),
        ("DK", date(2026, 6, 5), False, True),  # Grundlovsdag: no public holiday, by agreement free
        ("DK", date(2026, 12, 24), False, True),
        ("SE", date(2026, 6, 6), True, True),
        ("SE", date(2026, 6, 19), False, True),  # Midsummer Eve: by custom in Sweden ...
        ("FI", date(2026, 6, 19), True, True),  # ... a public holiday in Finland ...
        ("DK", date(2026, 6, 19), False, False),  # ... and nothing in Denmark
        ("SE", date(2026, 10, 31), True, True),
        ("NO", date(2026, 5, 17), True, True),
        ("NO", date(2026, 12, 24), False, False),  # the library knows no custom there: see [hours.days]
        ("FI", date(2026, 12, 6), True, True),
        ("FI", date(2026, 12, 24), True, True),
    ],
)
def test_nordic_holidays_are_what_the_law_says(country: str, day: date, is_free: bool, with_customary: bool) -> None:
    assert (day in Holidays(countries=(country,))) is is_free
    assert (day in Holidays(countries=(country,), with_customary=True)) is with_customary


def test_several_countries_together_are_free_where_one_of_them_is() -> None:
    both = Holidays(countries=("SE", "DK"))
    assert all(day in both for day in (date(2026, 4, 2), date(2026, 6, 6), date(2026, 12, 25)))
    assert "2026-12-25" not in both
