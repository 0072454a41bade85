"""Following deletions and edits: what two platforms answer, and a loop that no answer ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.clock import ManualClock
from core.config import AccountConfig
from core.errors import BudgetSpent, NeedsOperator, RateLimited
from core.post import Platform
from core.recheck import Answer, Pace
from listeners import build_checker
from listeners.base import Checker
from listeners.recheck import Following, report_overdue, run_rechecks
from listeners.x_check import newest_versions, read_page
from store.accounts import Accounts, AccountState
from store.alerts import Alerts
from store.bell import Bell
from store.database import Database, open_database
from store.rechecks import Rechecks
from tests.builders import NOW, a_mention, a_post, saved

if TYPE_CHECKING:
    from tests.conftest import Emulated

USERS = {"users": [{"id": "7", "username": "Kari"}]}


def raw_post(native_id: str, *history: str) -> dict[str, Any]:
    return {"id": native_id, "text": "@brand hei", "author_id": "7", "edit_history_tweet_ids": [*history, native_id]}


def an_error(native_id: str, kind: str = "resource-not-found", resource: str = "tweet") -> dict[str, Any]:
    where = f"https://api.twitter.com/2/problems/{kind}"
    return {"resource_id": native_id, "resource_type": resource, "type": where, "title": "Not Found Error"}


# what X's answers mean


def test_an_error_of_its_own_is_gone_and_a_post_that_is_not_named_is_not_judged() -> None:
    errors = [an_error("2"), an_error("3", "not-authorized-for-resource"), an_error("4", "internal-error")]
    answers = read_page({"data": [raw_post("1")], "includes": USERS, "errors": errors}, ["1", "2", "3", "4", "5"])
    assert {name: answer.is_gone for name, answer in answers.items()} == {"1": False, "2": True, "3": True}


def test_an_error_about_something_else_takes_no_post_away() -> None:
    errors = [an_error("1", resource="user"), an_error("9")]
    assert read_page({"data": [raw_post("1")], "includes": USERS, "errors": errors}, ["1"])["1"].post is not None
    assert read_page({"errors": errors}, ["1"]) == {}
    assert read_page({"errors": ["nonsense"]}, ["1"]) == {}


def test_the_newest_version_is_the_last_of_the_history() -> None:
    old = {**raw_post("1"), "edit_history_tweet_ids": ["1", "2", "3"]}
    assert newest_versions({"data": [old, raw_post("8", "7"), raw_post("9")]}) == {"1": "3"}


# both platforms


@pytest.fixture
async def x_checker(x_account: AccountConfig) -> AsyncIterator[Checker]:
    checker = build_checker(x_account)
    yield checker
    await checker.close()


@pytest.fixture
async def reddit_checker(reddit_account: AccountConfig) -> AsyncIterator[Checker]:
    checker = build_checker(reddit_account)
    yield checker
    await checker.close()


async def test_x_says_what_stands_what_is_edited_and_what_is_gone(x_checker: Checker, emulated_x: Emulated) -> None:
    same, edited, gone = [await emulated_x.post("kari", f"@brand nummer {number}") for number in range(3)]
    assert await emulated_x.edit(edited, "@brand noe annet") != edited
    await emulated_x.delete(gone)
    answers = await x_checker.look_up([same, edited, gone, "77"])
    assert (answers[same].is_gone, answers[same].is_edited) == (False, False)
    assert answers[edited].is_edited
    now = answers[edited].post
    assert now is not None
    assert (now.native_id, now.text) == (edited, "@brand noe annet")
    assert (answers[gone].is_gone, answers["77"].is_gone) == (True, True)


async def test_on_x_an_edited_post_that_is_deleted_is_gone_in_its_first_version(
    x_checker: Checker, emulated_x: Emulated
) -> None:
    first = await emulated_x.post("kari", "@brand hei")
    await emulated_x.delete(await emulated_x.edit(first, "@brand hallo"))
    assert (await x_checker.look_up([first]))[first].is_gone


async def test_reddit_says_what_stands_what_is_edited_and_what_is_gone(
    reddit_checker: Checker, emulated_reddit: Emulated
) -> None:
    same, edited, gone = [await emulated_reddit.post("kari", f"u/brand nummer {number}") for number in range(3)]
    submission = await emulated_reddit.post("kari", "Tittel\nog tekst", kind="submission")
    assert await emulated_reddit.edit(edited, "u/brand noe annet") == edited
    for name in (gone, submission):
        await emulated_reddit.delete(name)
    answers = await reddit_checker.look_up([same, edited, gone, submission, "t1_never"])
    assert (answers[same].is_gone, answers[same].is_edited) == (False, False)
    assert answers[edited].is_edited
    now = answers[edited].post
    assert now is not None
    assert now.text == "u/brand noe annet"
    assert (answers[gone].is_gone, answers[submission].is_gone) == (True, True)
    assert "t1_never" not in answers, "what Reddit leaves out is not judged"


async def test_a_full_ask_is_answered(x_checker: Checker, emulated_x: Emulated) -> None:
    written = [await emulated_x.post("kari", f"@brand {number}") for number in range(x_checker.most)]
    assert set(await x_checker.look_up(written)) == set(written)


async def test_a_platform_that_fails_says_so_and_judges_nothing(x_checker: Checker, emulated_x: Emulated) -> None:
    await emulated_x.faults({"on": "tweets", "do": "rate_limit", "seconds": 40})
    with pytest.raises(RateLimited):
        await x_checker.look_up(["1"])


# the loop


class Scripted:
    """A platform whose answers a test gives, one after the other."""

    account = "x-main"
    platform = Platform.X
    pace = Pace(first=timedelta(minutes=15), last=timedelta(hours=12))
    most = 100

    def __init__(self, *script: dict[str, Answer] | Exception) -> None:
        self.script = list(script)
        self.asked: list[list[str]] = []

    async def look_up(self, native_ids: Sequence[str]) -> dict[str, Answer]:
        self.asked.append(list(native_ids))
        said = self.script.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    async def close(self) -> None:
        self.script.clear()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    account = AccountConfig(name="x-main", platform=Platform.X, handle="Fjordnet", credentials={})
    await Accounts(opened).enrol([account], at=NOW - timedelta(days=1))
    yield opened
    await opened.close()


async def _run(database: Database, checker: Scripted, seconds: Sequence[float]) -> None:
    """Run the loop on a clock of the test's own, which is turned on `seconds` at a time."""
    clock = ManualClock(NOW + timedelta(minutes=16))
    bell = Bell.open("redis://127.0.0.1:1/0", consumer="test")
    following = Following(
        rechecks=Rechecks(database),
        accounts=Accounts(database),
        bell=bell,
        clock=clock,
        configured=("x-main",),
    )
    loop = asyncio.create_task(run_rechecks(checker, following))
    for step in seconds:
        await asyncio.sleep(0.3)
        await clock.advance(step)
    await asyncio.sleep(0.3)
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop
    await bell.close()


async def test_a_failed_look_is_done_again_and_nothing_is_forgotten_by_it(database: Database) -> None:
    await saved(database, a_mention("1"))
    limited = RateLimited("x-main", "too many", wait_seconds=60)
    checker = Scripted(limited, ValueError("our own mistake"), {"1": Answer(native_id="1", is_gone=True)})
    await _run(database, checker, [59, 2, 120, 120])
    assert checker.asked == [["1"], ["1"], ["1"]]
    assert checker.script == []
    assert await Rechecks(database).overdue(at=NOW + timedelta(days=9)) == {}, "it is gone now"


async def test_a_spent_budget_is_looked_at_again_within_the_hour(database: Database) -> None:
    await saved(database, a_mention("1"))
    again_at = NOW + timedelta(days=9)
    spent = BudgetSpent(
        "x-main", "spent", what="month's money", since=NOW, wait_seconds=9 * 86_400.0, again_at=again_at
    )
    checker = Scripted(spent, {"1": Answer(native_id="1", is_gone=True)})
    await _run(database, checker, [3590, 20])
    assert checker.asked == [["1"], ["1"]]


async def test_who_is_turned_away_waits_for_the_operator_and_people_are_told_once(database: Database) -> None:
    await saved(database, a_mention("1"))
    checker = Scripted(NeedsOperator("x-main", "revoked", cure="renew the token"))
    await _run(database, checker, [30, 30, 30])
    assert len(checker.asked) == 1
    assert await Accounts(database).state("x-main") is AccountState.NEEDS_OPERATOR
    assert await Alerts(database).count_by_state() == {"pending": 1}


async def test_posts_that_nobody_looked_up_in_time_are_said_at_error(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await saved(database, a_mention(post=a_post("1")))
    rechecks = Rechecks(database)
    await report_overdue(rechecks, ["x-main"], at=NOW + timedelta(hours=23))
    assert caplog.records == []
    await report_overdue(rechecks, ["x-main"], at=NOW + timedelta(hours=25))
    (said,) = caplog.records
    assert (said.levelname, said.getMessage()) == ("ERROR", "posts were not looked up within 24 hours")
