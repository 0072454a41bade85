"""The ladder by itself: a storm is a handful of tellings, a night waits for morning, and danger waits for nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from core.config import AlertsConfig, Config, Secret, Step
from core.decision import ORDINARY, URGENT
from core.ladder import Group, Ladder, Why, advance, is_over, ladder_of, next_at, opening
from core.sla import Hours, Span

CPH = ZoneInfo("Europe/Copenhagen")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=CPH)  # a Friday
MINUTE = timedelta(minutes=1)
OFFICE = Hours(week=((Span(start=8 * 60, end=16 * 60),),) * 5 + ((), ()), zone=CPH)
AWAKE = Hours(week=((Span(start=7 * 60, end=22 * 60),),) * 7, zone=CPH)
STEPS = (
    Step(name="agent", only_open=True),
    Step(name="team", only_open=True, after_minutes=10),
    Step(name="supervisor", after_minutes=20),
    Step(name="on-call", after_minutes=40),
)
LADDER = Ladder(steps=STEPS, hours=OFFICE, awake=AWAKE)
PLAIN = Ladder(steps=tuple(replace(step, only_open=False) for step in STEPS))

Told = list[tuple[datetime, int, Why]]


def play(
    ladder: Ladder, arrivals: list[datetime], *, kind: str = ORDINARY, until: timedelta = timedelta(hours=3)
) -> Told:
    """Tell of alerts of one account as they come; every telling arrives at once. Nobody acknowledges."""
    told: Told = []
    waiting, end = sorted(arrivals), max(arrivals) + until
    now, group = waiting[0], _group(ladder, kind, waiting[0])
    while now <= end:
        come = [at for at in waiting if at <= now]
        waiting = waiting[len(come) :]
        group = replace(group, waiting=group.waiting + len(come))
        due = next_at(group, ladder)
        if due is not None and due <= now:
            group, why = advance(group, ladder, now)
            group = replace(group, is_telling=False)
            told.append((now, group.step, why))
            continue
        times = [at for at in (due, *waiting[:1]) if at is not None]
        if not times:
            break
        now = max(now, min(times))
    return told


def _group(ladder: Ladder, kind: str, at: datetime) -> Group:
    first_at, pace = opening(ladder, kind, at, None)
    return Group(id=1, account="x", kind=kind, opened_at=at, first_at=first_at, pace_seconds=pace)


def _minutes(told: Told) -> list[tuple[float, int]]:
    start = told[0][0]
    return [((at - start) / MINUTE, step) for at, step, _ in told]


def test_one_alert_climbs_step_by_step() -> None:
    assert _minutes(play(PLAIN, [NOON])) == [(0, 0), (10, 1), (20, 2), (40, 3)]


def test_a_thousand_alerts_in_ten_minutes_are_a_handful_of_tellings() -> None:
    told = play(PLAIN, [NOON + number * timedelta(seconds=0.6) for number in range(1000)])
    assert len(told) <= 8
    assert {step for _, step, _ in told} == {0, 1, 2, 3}


@given(seconds=st.lists(st.floats(min_value=0, max_value=600), min_size=1, max_size=60))
def test_whatever_comes_in_ten_minutes_is_at_most_twelve_tellings_over_the_whole_ladder(seconds: list[float]) -> None:
    assert len(play(PLAIN, [NOON + timedelta(seconds=one) for one in seconds])) <= 12


@given(seconds=st.lists(st.floats(min_value=0, max_value=6000), min_size=1, max_size=60))
def test_nothing_waits_untold_for_longer_than_an_hour(seconds: list[float]) -> None:
    arrivals = [NOON + timedelta(seconds=one) for one in seconds]
    times = [at for at, _, _ in play(PLAIN, arrivals)]
    for arrived in arrivals:
        assert any(arrived <= at <= arrived + timedelta(hours=1) for at in times)


def test_without_gathering_each_alert_is_told_by_itself() -> None:
    """The negative control: what the storm would be."""
    loud = replace(PLAIN, steps=PLAIN.steps[:1], gather_seconds=0)
    assert len(play(loud, [NOON + number * timedelta(seconds=1) for number in range(200)])) == 200


def test_a_calm_trickle_is_told_at_once_each_time() -> None:
    arrivals = [NOON + number * 20 * MINUTE for number in range(10)]
    told = play(replace(PLAIN, steps=PLAIN.steps[:1]), arrivals)
    assert [at for at, _, _ in told] == arrivals


def test_an_evening_alert_waits_for_those_who_are_there_in_the_morning() -> None:
    told = play(LADDER, [NOON.replace(hour=20)], until=timedelta(days=4))
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=CPH)
    assert [(at, step) for at, step, _ in told] == [
        (monday, 0),
        (monday + 10 * MINUTE, 1),
        (monday + 20 * MINUTE, 2),
        (monday + 40 * MINUTE, 3),
    ]


def test_a_step_for_business_hours_counts_only_those_and_no_later_one_comes_before_it() -> None:
    told = play(LADDER, [NOON.replace(hour=15, minute=55)], until=timedelta(days=4))
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=CPH)
    assert [at for at, _, _ in told] == [NOON.replace(hour=15, minute=55)] + [monday + 5 * MINUTE] * 3


def test_quiet_hours_hold_ordinary_alerts_and_tell_them_as_one_when_they_end() -> None:
    night = replace(PLAIN, awake=AWAKE)
    arrivals = [NOON.replace(hour=23) + number * MINUTE for number in range(100)]
    told = play(night, arrivals, until=timedelta(hours=9))
    morning = datetime(2026, 11, 21, 7, 0, tzinfo=CPH)
    assert _minutes(told) == [(0, 0), (10, 1), (20, 2), (40, 3)]
    assert told[0][0] == morning


def test_what_calls_a_person_waits_for_no_morning_and_skips_those_who_are_not_there() -> None:
    night = NOON.replace(hour=23)
    told = play(LADDER, [night], kind=URGENT)
    assert _minutes(told) == [(0, 2), (20, 3)]
    assert told[0][0] == night
    asleep = replace(LADDER, steps=LADDER.steps[:2])
    assert _minutes(play(asleep, [night], kind=URGENT)) == [(0, 0), (10, 1)]


def test_several_in_danger_are_told_sooner_than_several_who_are_angry_and_are_bounded_too() -> None:
    arrivals = [NOON + number * timedelta(seconds=3) for number in range(200)]
    told = play(replace(PLAIN, steps=PLAIN.steps[:1]), arrivals, kind=URGENT)
    assert _minutes(told)[1] == (0.5, 0)
    assert len(told) <= 8


def test_at_the_top_people_are_told_again_at_growing_distance_until_somebody_has_it() -> None:
    ladder = replace(PLAIN, steps=PLAIN.steps[:1], again_minutes=60)
    told = play(ladder, [NOON], until=timedelta(days=6))
    assert [minute for minute, _ in _minutes(told)][:5] == [0, 60, 180, 420, 900]
    assert max(later[0] - sooner[0] for sooner, later in pairwise(told)) == timedelta(days=1)


def test_acknowledged_it_is_never_told_again() -> None:
    group, _ = advance(_group(PLAIN, ORDINARY, NOON), PLAIN, NOON)
    assert next_at(group, PLAIN) == NOON + 10 * MINUTE
    assert next_at(replace(group, acknowledged_at=NOON), PLAIN) is None


def test_acknowledging_in_the_middle_of_a_storm_makes_it_no_louder() -> None:
    group = replace(_group(PLAIN, ORDINARY, NOON), waiting=500)
    group, _ = advance(group, PLAIN, NOON)
    first_at, pace = opening(PLAIN, ORDINARY, NOON + MINUTE, group)
    assert (first_at, pace) == (NOON + 4.5 * MINUTE, 270)
    calm = opening(PLAIN, ORDINARY, NOON + 9 * MINUTE, group)
    assert calm == (NOON + 9 * MINUTE, 90)


def test_after_a_lull_the_next_one_is_news_and_before_anybody_was_told_it_is_not() -> None:
    told, _ = advance(_group(PLAIN, ORDINARY, NOON), PLAIN, NOON)
    assert not is_over(told, NOON, NOON + 30 * MINUTE)
    assert is_over(told, NOON, NOON + 31 * MINUTE)
    assert not is_over(_group(PLAIN, ORDINARY, NOON), NOON, NOON + 600 * MINUTE)


def test_a_ladder_that_grew_shorter_goes_on_from_its_end() -> None:
    group, _ = advance(_group(PLAIN, ORDINARY, NOON), PLAIN, NOON)
    high = replace(group, step=3, is_telling=False, waiting=2)
    assert next_at(high, replace(PLAIN, steps=PLAIN.steps[:2])) is not None


def test_plain_urls_are_one_step_told_once_and_incidents_again() -> None:
    plain = ladder_of(Config(alerts=AlertsConfig(urls=(Secret("json://one"),))))
    assert [step.name for step in plain.steps] == ["people"]
    assert _minutes(play(plain, [NOON], until=timedelta(days=2))) == [(0, 0)]
    assert _minutes(play(plain, [NOON], kind="incident", until=timedelta(days=2))) == [(0, 0), (10, 0), (30, 0)]
    assert NOON.astimezone(UTC) == NOON
