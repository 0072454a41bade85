"""`genlyd doctor` names a source that fails, what nobody could read, late looks and spent budgets, and else nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.doctor_listening import examine
from app.finding import Finding
from core.budget import DOLLAR, Spent
from core.config import AccountConfig, Config
from core.post import Platform
from core.watch import Watch
from store.accounts import Accounts
from store.database import Database, open_database
from store.posts import Posts
from store.sources import Sources
from store.spending import Spending
from tests.builders import NOW, a_mention, some_progress

ACCOUNT = AccountConfig(name="x-main", platform=Platform.X, handle="fjordnet", credentials={})
CONFIG = Config(accounts=(ACCOUNT,), watches=(Watch(account="x-main"),))
TODAY = NOW.replace(hour=0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    await Accounts(opened).enrol(CONFIG.accounts, at=NOW - timedelta(days=3))
    for source in ("stream", "mentions", "a watch that is gone"):
        at = NOW - timedelta(days=9) if source.startswith("a ") else NOW
        await Posts(opened).save_batch([], some_progress(source=source), at=at)
    yield opened
    await opened.close()


async def found(database: Database, config: Config = CONFIG) -> dict[str, Finding]:
    return {finding.what: finding async for finding in examine(config, database, now=NOW)}


async def test_where_all_is_well_nothing_is_named(database: Database) -> None:
    findings = await found(database)
    assert all(finding.is_well for finding in findings.values())
    assert findings["sources"].detail == "2 heard"
    assert "budget x-main" not in findings


async def test_a_source_that_fails_or_is_silent_is_named_and_one_not_watched_is_not(database: Database) -> None:
    await Sources(database).stumble("x-main", "stream", "X answered 503", at=NOW, opens_gap=True)
    await Posts(database).save_batch([], some_progress(source="mentions"), at=NOW - timedelta(hours=2))
    finding = (await found(database))["sources"]
    assert not finding.is_well
    assert "x-main, stream fails since 2026-11-22 12:00 UTC: X answered 503" in finding.detail
    assert "x-main, mentions was last heard 2026-11-22 10:00 UTC" in finding.detail
    assert "gone" not in finding.detail
    assert "genlyd run" in finding.cure


async def test_what_nobody_could_read_is_counted_with_the_command_that_shows_it(database: Database) -> None:
    await Posts(database).save_batch([], some_progress(source="mentions", unreadable=("{", "[")), at=NOW)
    finding = (await found(database))["unreadable items"]
    assert (finding.is_well, finding.detail) == (False, "2 items of the last day could not be read")
    assert "genlyd export unreadable" in finding.cure


async def test_posts_that_were_looked_up_late_are_counted(database: Database) -> None:
    await Posts(database).save_batch([a_mention()], some_progress(source="mentions"), at=NOW - timedelta(hours=25))
    finding = (await found(database))["deletions followed"]
    assert (finding.is_well, finding.detail) == (False, "not looked up within 24 hours: 1 posts of x-main")
    assert "rechecks_a_day" in finding.cure


@pytest.mark.parametrize(
    ("money", "calls", "is_well", "said"),
    [
        (3 * DOLLAR, 5, True, "$3.00 of $10.00 this month, 5 of 100 calls today"),
        (8 * DOLLAR, 5, False, "$8.00 of $10.00 this month"),
        (10 * DOLLAR, 5, False, "spent, listening waits"),
        (DOLLAR, 99, False, "spent, listening waits"),
    ],
)
async def test_a_budget_is_named_once_it_is_nearly_spent(
    database: Database, money: int, calls: int, is_well: bool, said: str
) -> None:
    config = replace(CONFIG, accounts=(replace(ACCOUNT, budget_a_month=10.0, calls_a_day=100),))
    spent = Spent(day=TODAY, source="mentions", calls=calls, money=money)
    await Spending(database).add("x-main", [spent], at=NOW)
    finding = (await found(database, config))["budget x-main"]
    assert finding.is_well is is_well
    assert said in finding.detail
    assert "budget_a_month" in finding.cure
