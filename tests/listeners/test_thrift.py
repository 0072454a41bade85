"""Spending is saved every few seconds, kept while the database is away, and told of once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.budget import Budget, Purse, Use, next_month
from core.clock import ManualClock
from core.config import AccountConfig
from core.errors import BudgetSpent
from core.post import Platform
from listeners.thrift import Thrift
from store import tables as t
from store.accounts import Accounts
from store.bell import Bell
from store.database import Database, open_database
from store.spending import Spending
from tests.builders import NOW

ACCOUNT = AccountConfig(name="x-main", platform=Platform.X, handle="fjordnet", credentials={})


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    await Accounts(opened).enrol([ACCOUNT], at=NOW)
    yield opened
    await opened.close()


@pytest.fixture
async def thrift(database: Database) -> AsyncIterator[Thrift]:
    bell, clock = Bell.open("redis://127.0.0.1:1/0", consumer="test"), ManualClock(NOW)
    purse = Purse(account="x-main", budget=Budget(calls_a_day=100), clock=clock)
    yield Thrift(spending=Spending(database), bell=bell, clock=clock, purses={"x-main": purse})
    await bell.close()


async def test_a_restart_knows_what_was_spent_but_for_what_a_kill_forgot(thrift: Thrift, database: Database) -> None:
    purse = thrift.purses["x-main"]
    purse.spend("mentions", calls=7, money=30)
    await thrift.save()
    purse.spend("mentions", calls=2)  # within the last five seconds: a kill forgets these
    again = Purse(account="x-main", clock=thrift.clock)
    reborn = Thrift(spending=Spending(database), bell=thrift.bell, clock=thrift.clock, purses={"x-main": again})
    await reborn.open()
    assert (again.calls_today(), again.money_this_month()) == (7, 30)


async def test_what_the_database_does_not_take_is_kept_and_saved_once(thrift: Thrift, database: Database) -> None:
    purse = thrift.purses["x-main"]
    purse.spend("mentions", calls=7)
    async with database.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE spending RENAME TO away")
    await thrift.save()
    async with database.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE away RENAME TO spending")
    assert purse.calls_today() == 7
    await thrift.save()
    await thrift.save()
    ((row,),) = (await thrift.spending.this_month(at=NOW)).values()
    assert row.calls == purse.calls_today() == 7


async def test_people_are_told_of_a_spent_budget_once_a_period_whoever_meets_it(
    thrift: Thrift, database: Database
) -> None:
    thrift.purses["x-main"].spend("mentions", calls=100)
    for source in ("stream", "mentions", "stream"):
        await thrift.tell(refused(thrift), source)
    async with database.read() as connection:
        [alert] = (await connection.execute(select(t.alerts))).all()
    assert (alert.title, alert.account) == ("x-main: the budget is spent, the day's calls", "x-main")
    assert "what it misses is a gap" in alert.body


async def test_people_are_told_of_each_budget_by_itself(database: Database) -> None:
    clock, bell = ManualClock(NOW.replace(day=3)), Bell.open("redis://127.0.0.1:1/0", consumer="test")
    purse = Purse(account="x-main", budget=Budget(calls_a_day=10, money_a_month=100), clock=clock)
    thrift = Thrift(spending=Spending(database), bell=bell, clock=clock, purses={"x-main": purse})
    purse.spend("mentions", calls=10)
    await thrift.tell(refused(thrift), "mentions")
    await clock.advance(17 * 86_400.0)
    purse.spend("mentions", calls=0, money=100)
    for _ in range(2):
        await thrift.tell(refused(thrift), "mentions")
    last_day = next_month(clock.now()) - timedelta(hours=12)
    await clock.advance((last_day - clock.now()).total_seconds())
    await thrift.tell(refused(thrift), "mentions")
    async with database.read() as connection:
        titles = list((await connection.execute(select(t.alerts.c.title).order_by(t.alerts.c.id))).scalars())
    assert titles == [
        "x-main: the budget is spent, the day's calls",
        "x-main: the budget is spent, the month's money",
    ]
    await bell.close()


def refused(thrift: Thrift) -> BudgetSpent:
    with pytest.raises(BudgetSpent) as caught:
        thrift.purses["x-main"].check(Use.POLL)
    return caught.value
