"""What was spent outlives the process, is added up over processes, and people are told once of a spent budget."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from core.budget import Pace, Spent
from core.decision import Notice
from store.alerts import Alerts
from store.database import Database
from store.posts import Posts
from store.sources import Sources
from store.spending import Spending
from tests.builders import NOW, some_progress

TODAY = NOW.replace(hour=0)
DAY_SPENT = Notice(
    kind="operator", title="x-main: the budget is spent, the day's calls", body="It goes on.", account="x-main"
)
MONTH_SPENT = replace(DAY_SPENT, title="x-main: the budget is spent, the month's money")


async def test_two_processes_add_to_the_same_rows_and_each_learns_of_both(database: Database) -> None:
    spending = Spending(database)
    one = Spent(day=TODAY, source="mentions", calls=2, posts=1, money=5)
    await spending.add("x-main", [one], at=NOW)
    both = await spending.add("x-main", [one, Spent(day=TODAY, source="stream", calls=1)], at=NOW)
    assert [(row.source, row.calls, row.posts, row.money) for row in both] == [
        ("mentions", 4, 2, 10),
        ("stream", 1, 0, 0),
    ]


async def test_another_month_and_another_account_are_not_counted(database: Database) -> None:
    spending = Spending(database)
    await spending.add("x-main", [Spent(day=TODAY - timedelta(days=40), source="mentions", calls=2)], at=NOW)
    await spending.add("another", [Spent(day=TODAY, source="mentions", calls=7)], at=NOW)
    assert list(await spending.this_month(at=NOW)) == ["another"]


async def test_the_pace_of_a_source_is_kept_for_the_page(database: Database) -> None:
    await Posts(database).save_batch([], some_progress(), at=NOW)
    pace = Pace(seconds=90.0, because="so that the day's calls last until midnight UTC")
    await Spending(database).add("x-main", [], at=NOW, paces={"mentions": pace})
    (state,) = await Sources(database).all()
    assert (state.every_seconds, state.slow_because) == (90.0, pace.because)


async def test_people_are_told_once_in_a_period_of_each_budget(database: Database) -> None:
    spending, alerts = Spending(database), Alerts(database)
    assert await spending.tell_once(DAY_SPENT, since=TODAY, at=NOW)
    assert not await spending.tell_once(DAY_SPENT, since=TODAY, at=NOW)
    month = TODAY.replace(day=1)
    assert await spending.tell_once(MONTH_SPENT, since=month, at=NOW)
    assert not await spending.tell_once(MONTH_SPENT, since=month, at=NOW + timedelta(hours=1))
    assert (await alerts.count_by_state())["pending"] == 2
    tomorrow = TODAY + timedelta(days=1)
    assert await spending.tell_once(DAY_SPENT, since=tomorrow, at=tomorrow)


async def test_two_processes_that_meet_a_spent_budget_at_once_tell_people_once(database: Database) -> None:
    told = await asyncio.gather(
        *(Spending(database).tell_once(DAY_SPENT, since=TODAY, at=NOW) for _ in range(5)),
    )
    assert sorted(told) == [False] * 4 + [True]
