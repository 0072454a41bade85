"""A budget slows before it stops, never passes its end by more than one call, and lasts the period where it can."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.budget import DOLLAR, SLOWEST_SECONDS, Budget, Purse, Spent, Use
from core.clock import ManualClock
from core.errors import BudgetSpent

MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
DAY = 86_400.0


async def poll(purse: Purse, clock: ManualClock, *, base: float, until: datetime, calls: int = 1) -> tuple[int, int]:
    """Poll as a listener does; return how many asks were made, and how many the budget stopped."""
    asked = stopped = 0
    while clock.now() < until:
        try:
            for _ in range(calls):
                purse.check(Use.POLL)
                purse.spend("mentions")
            asked += 1
            wait = purse.pace("mentions", base).seconds
        except BudgetSpent as err:
            stopped += 1
            wait = (err.again_at - clock.now()).total_seconds()
        await clock.advance(wait)
    return asked, stopped


async def test_a_day_of_polling_uses_its_calls_up_to_the_end_and_never_stops() -> None:
    clock = ManualClock(MIDNIGHT)
    purse = Purse(account="us", budget=Budget(calls_a_day=1000), clock=clock)
    asked, stopped = await poll(purse, clock, base=15.0, until=MIDNIGHT + timedelta(days=1) - timedelta(seconds=1))
    assert stopped == 0
    assert 980 <= asked <= 1000


async def test_a_month_of_polling_never_stops_where_the_slowest_pace_is_enough() -> None:
    clock = ManualClock(MIDNIGHT)
    purse = Purse(account="us", budget=Budget(calls_a_day=60), clock=clock)
    asked, stopped = await poll(purse, clock, base=60.0, until=MIDNIGHT + timedelta(days=30))
    assert stopped == 0
    assert 30 * 50 <= asked <= 30 * 60


async def test_a_budget_below_the_slowest_pace_stops_and_goes_on_at_midnight() -> None:
    clock = ManualClock(MIDNIGHT)
    purse = Purse(account="us", budget=Budget(calls_a_day=20), clock=clock)
    asked, stopped = await poll(purse, clock, base=60.0, until=MIDNIGHT + timedelta(days=2))
    assert stopped == 2
    assert asked <= 40


@given(
    limit=st.integers(1, 200),
    base=st.floats(1, 600),
    calls=st.integers(1, 60),
    others=st.lists(st.sampled_from([Use.STREAM, Use.RECHECK, Use.POLL]), max_size=50),
)
async def test_calls_never_exceed_their_budget(limit: int, base: float, calls: int, others: list[Use]) -> None:
    clock = ManualClock(MIDNIGHT + timedelta(hours=3))
    purse = Purse(account="us", budget=Budget(calls_a_day=limit), clock=clock)
    for use in others:
        try:
            purse.check(use)
        except BudgetSpent:
            continue
        purse.spend("another")
    await poll(purse, clock, base=base, until=MIDNIGHT + timedelta(hours=8), calls=calls)
    assert purse.calls_today() <= limit


@given(
    limit=st.integers(1, 50) | st.integers(1, 50 * DOLLAR),
    prices=st.lists(st.integers(0, 5 * DOLLAR), max_size=60),
    uses=st.lists(st.sampled_from([Use.STREAM, Use.RECHECK, Use.POLL]), min_size=1),
)
def test_money_never_exceeds_its_budget_by_more_than_one_call(limit: int, prices: list[int], uses: list[Use]) -> None:
    purse = Purse(account="us", budget=Budget(money_a_month=limit), clock=ManualClock(MIDNIGHT + timedelta(days=9)))
    dearest = 0
    for number, price in enumerate(prices):
        try:
            purse.check(uses[number % len(uses)])
        except BudgetSpent:
            continue
        purse.spend("any", money=price)
        dearest = max(dearest, price)
    assert purse.money_this_month() <= limit + dearest


def test_the_stream_goes_first_then_polling_then_looking_again_and_sending_never() -> None:
    purse = Purse(account="us", budget=Budget(money_a_month=100), clock=ManualClock(MIDNIGHT))
    for spent, still in ((79, 4), (2, 3), (10, 2), (5, 1), (100, 1)):
        purse.spend("any", money=spent)
        allowed = 0
        for use in Use:
            try:
                purse.check(use)
            except BudgetSpent:
                continue
            allowed += 1
        assert allowed == still, purse.money_this_month()


def test_the_stream_leaves_what_mentions_will_need_to_the_end_of_the_month() -> None:
    clock = ManualClock(MIDNIGHT + timedelta(days=15))
    purse = Purse(account="us", budget=Budget(money_a_month=100), clock=clock)
    purse.pace("mentions", 60.0)
    purse.spend("mentions", money=40)
    with suppress(BudgetSpent):
        while True:
            purse.check(Use.STREAM)
            purse.spend("stream", money=1)
    # Fifteen days of mentions cost 40, so the other fifteen get as much.
    assert purse.money_this_month() <= 61
    purse.check(Use.POLL)


@pytest.mark.parametrize("since", [timedelta(0), timedelta(minutes=1), timedelta(hours=6), timedelta(days=1)])
def test_a_month_that_has_just_begun_with_a_mention_lets_the_stream_be(since: timedelta) -> None:
    purse = Purse(account="us", budget=Budget(money_a_month=200 * DOLLAR), clock=ManualClock(MIDNIGHT + since))
    purse.pace("mentions", 60.0)
    purse.spend("mentions", money=11_000)
    purse.check(Use.STREAM)


def test_a_spent_budget_says_when_it_goes_on() -> None:
    clock = ManualClock(datetime(2026, 12, 31, 22, tzinfo=UTC))
    purse = Purse(account="us", budget=Budget(money_a_month=1, calls_a_day=10), clock=clock)
    purse.spend("any", money=5)
    with pytest.raises(BudgetSpent, match="the month's money; it goes on 2027-01-01 00:00 UTC") as caught:
        purse.check(Use.POLL)
    assert caught.value.wait_seconds == 7200
    purse.spend("any", calls=10)
    with pytest.raises(BudgetSpent, match="the day's calls; it goes on 2027-01-01 00:00 UTC"):
        purse.check(Use.POLL)


async def test_a_new_day_and_a_new_month_begin_at_nought() -> None:
    clock = ManualClock(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    purse = Purse(account="us", budget=Budget(money_a_month=1, calls_a_day=1), clock=clock)
    purse.spend("any", money=5)
    await clock.advance(61)
    purse.check(Use.POLL)
    assert (purse.calls_today(), purse.money_this_month()) == (0, 0)


def test_no_source_is_slower_than_the_slowest_pace_or_its_own() -> None:
    purse = Purse(account="us", budget=Budget(calls_a_day=2), clock=ManualClock(MIDNIGHT))
    assert purse.pace("mentions", 60.0).seconds == SLOWEST_SECONDS
    assert purse.pace("mentions", 3600.0).seconds == 3600.0
    assert purse.pace("mentions", 60.0).because == "so that the day's calls last until midnight UTC"
    assert Purse(clock=ManualClock(MIDNIGHT)).pace("mentions", 60.0).seconds == 60.0


def test_what_could_not_be_saved_is_counted_once_and_saved_later() -> None:
    clock = ManualClock(MIDNIGHT)
    purse = Purse(account="us", budget=Budget(calls_a_day=10), clock=clock)
    purse.spend("mentions", calls=3, money=7)
    taken = purse.take_unsaved()
    assert (purse.take_unsaved(), purse.calls_today()) == ([], 3)
    purse.give_back(taken)
    purse.spend("mentions")
    assert (purse.calls_today(), purse.money_this_month()) == (4, 7)
    assert [(row.calls, row.money) for row in purse.take_unsaved()] == [(4, 7)]
    # The rows hold what another process spent too.
    purse.learn_all([Spent(day=MIDNIGHT, source="mentions", calls=9, money=7)])
    assert purse.calls_today() == 9


async def test_a_resource_is_billed_once_a_day() -> None:
    clock = ManualClock(MIDNIGHT)
    purse = Purse(clock=clock)
    assert (purse.newly_billed(["1", "2"]), purse.newly_billed(["2", "3"])) == (2, 1)
    await clock.advance(DAY)
    assert purse.newly_billed(["1"]) == 1
