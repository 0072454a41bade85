"""`genlyd doctor` names what is wrong and what mends it, and says nothing is wrong where nothing is."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.doctor import examine
from app.finding import Finding
from core.clock import SystemClock
from core.config import Config, StoreConfig
from responder.rules import DEFAULT_RULES
from store.database import open_database
from store.posts import MOST_ATTEMPTS, Posts
from store.sources import Sources
from tests.builders import a_mention, saved, some_progress


@pytest.fixture
def config(tmp_path: Path) -> Config:
    store = StoreConfig(data=str(tmp_path), database=f"sqlite:///{tmp_path}/genlyd.db")
    return Config(rules=DEFAULT_RULES, store=store)


async def found(config: Config) -> dict[str, Finding]:
    return {finding.what: finding async for finding in examine(config)}


async def test_of_a_new_house_all_is_well_but_that_nobody_is_told(config: Config) -> None:
    findings = await found(config)
    assert [what for what, finding in findings.items() if not finding.is_well] == ["alerts"]
    assert findings["gaps"].detail == "none open"
    assert findings["stuck posts"].detail == "0"
    assert findings["clock"].detail.endswith(" s from that of Redis")
    assert findings["Redis snapshots"].is_well


async def test_gaps_and_stuck_posts_are_named_with_what_mends_them(config: Config) -> None:
    database = await open_database(config.store.database)
    try:
        at, posts = SystemClock().now() - timedelta(hours=3), Posts(database)
        (stuck,) = await saved(database, a_mention())
        for _ in range(MOST_ATTEMPTS):
            await posts.fail(stuck, "boom", at=at)
        await Sources(database).stumble("x-main", "stream", "the line fell", at=at, opens_gap=True)
        await Sources(database).stumble("x-main", "mentions", "the line fell", at=at, opens_gap=True)
        await posts.save_batch([], some_progress(), at=at)
    finally:
        await database.close()
    findings = await found(config)
    assert findings["gaps"].detail.startswith("1 open, the oldest from ")
    assert findings["gaps"].detail.endswith("(x-main, stream)")
    assert "/sources" in findings["gaps"].cure
    assert (findings["stuck posts"].detail, findings["stuck posts"].is_well) == ("1", False)
    assert findings["stuck posts"].cure.startswith("genlyd retry")


async def test_a_redis_that_is_away_is_named_and_asked_nothing_more(config: Config) -> None:
    findings = await found(replace(config, store=replace(config.store, redis="redis://127.0.0.1:1/0")))
    assert not findings["Redis"].is_well
    assert "Redis snapshots" not in findings
    assert "clock" not in findings


async def test_a_database_that_is_away_is_named_with_its_cure(config: Config) -> None:
    away = "postgresql://genlyd:secret@127.0.0.1:1/genlyd"
    findings = await found(replace(config, store=replace(config.store, database=away)))
    assert not findings["database"].is_well
    assert "secret" not in findings["database"].detail
    assert "gaps" not in findings
