"""A house's start and end: gaps of sources that are gone end, and everything is told to stop until it has."""

import asyncio
import gc
import logging
from contextlib import suppress
from pathlib import Path

import pytest

from app import run
from app.wiring import open_stores
from core.config import AccountConfig, Config, Secret, StoreConfig
from core.post import Platform
from core.watch import Watch
from store.sources import Sources
from tests.builders import NOW


async def test_what_swallows_its_cancellation_is_told_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_END_SECONDS", 0.05)
    begun, stop = asyncio.Event(), asyncio.Event()

    async def deaf() -> None:
        # As a library does that gets its answer in the moment in which it is cancelled.
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def hearing() -> None:
        await asyncio.Event().wait()

    said: list[str] = []
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(run._until(stop, [deaf, hearing], said.append))
        await begun.wait()
        stop.set()
    assert said == ["stopping"]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "work goes on although it was told to end: told again"
    ]


@pytest.mark.parametrize(("problem", "is_said"), [(ConnectionError("lost"), False), (ValueError("ours"), True)])
async def test_a_connection_that_breaks_after_it_was_given_up_is_no_error(
    problem: Exception, is_said: bool, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(run.report_unheard)
    left: asyncio.Future[None] | None = loop.create_future()
    assert left is not None
    left.set_exception(problem)
    left = None
    gc.collect()
    assert [record.levelname for record in caplog.records] == (["ERROR"] if is_said else [])


async def test_a_task_of_ours_that_fails_unheard_is_an_error_whatever_it_fails_with(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(run.report_unheard)

    async def fails() -> None:
        raise ConnectionError("lost")

    task: asyncio.Task[None] | None = loop.create_task(fails())
    await asyncio.sleep(0.01)
    assert task is not None
    assert task.done()
    task = None
    gc.collect()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_posts_of_accounts_that_left_fall_to_the_first_account_on_their_platform() -> None:
    places = (("r", Platform.REDDIT), ("x", Platform.X), ("x2", Platform.X))
    accounts = [AccountConfig(name=name, platform=platform, handle="us", credentials={}) for name, platform in places]
    assert [run._beside(account, accounts) for account in accounts] == [("r",), ("x", "x2"), ("x", "x2")]


async def test_a_source_that_is_not_listened_to_any_more_has_no_gap_that_grows(tmp_path: Path) -> None:
    keys = ("client_id", "client_secret", "username", "password", "user_agent")
    account = AccountConfig(
        name="reddit-main",
        platform=Platform.REDDIT,
        handle="fjordnet",
        credentials={key: Secret(key) for key in keys},
        base_url="http://127.0.0.1:9",
    )
    config = Config(
        accounts=(account,),
        watches=(Watch(account="reddit-main", mentions=False, keywords=("fjordnet",), subreddits=("denmark",)),),
        store=StoreConfig(data=str(tmp_path), database=f"sqlite:///{tmp_path}/genlyd.db"),
    )
    async with asyncio.timeout(60), open_stores(config) as stores:
        for name, source in (("reddit-main", "r/denmrk"), ("reddit-main", "search"), ("x-gone", "mentions")):
            await stores.sources.stumble(name, source, "the line fell", at=NOW, opens_gap=True)
        await run._works(config, stores, ("listeners",), print, print)
        assert await _ended(stores.sources) == {("x-gone", "mentions")}
        lease = await stores.leases.take("hear reddit-main")
        assert lease is not None
        listening = asyncio.create_task(run._listen(account, stores, lease))
        while await _ended(stores.sources) != {("x-gone", "mentions"), ("reddit-main", "r/denmrk")}:
            assert not listening.done()
            await asyncio.sleep(0.02)
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _ended(sources: Sources) -> set[tuple[str, str]]:
    return {(gap.account, gap.source) for gap in await sources.gaps(covered_since=NOW) if gap.until_at is not None}
