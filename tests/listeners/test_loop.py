"""The loop around a source: what was fetched is kept until it is saved, whatever fails in between (I1)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.config import AccountConfig
from core.errors import NeedsOperator, StoreError, TryLater
from core.post import Platform
from core.watch import Identity, Watch
from emulators.world import NewPost
from listeners.base import Batch
from listeners.loop import Ear, run_listener
from store import tables as t
from store.accounts import Accounts, AccountState
from store.bell import Bell
from store.database import Database, open_database
from store.posts import Posts, Saved
from store.sources import Sources
from tests.builders import NOW, US, a_post
from tests.listeners.rig import Rig, a_rig, until


@dataclass
class Brook:
    """A source that brings each post once and never again, as a stream does."""

    batches: list[Batch | Exception]
    account: str = "x-main"
    source: str = "stream"
    poll_seconds: float = 0.0
    asked: list[str | None] = field(default_factory=list)

    async def identify(self) -> Identity:
        return US

    async def fetch(self, cursor: str | None) -> Batch:
        self.asked.append(cursor)
        if not self.batches:
            await asyncio.Event().wait()
        batch = self.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch

    def first_cursor(self, at: datetime, before: str | None = None) -> str:
        return before or "c0"

    def doubt(self) -> None:
        """Nothing to doubt."""

    async def close(self) -> None:
        """Nothing to let go of."""


class Stumbling(Posts):
    """A store whose disk is full for a while."""

    failures = 2

    async def save_batch(self, *given: Any, **named: Any) -> Saved:
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full")
        return await super().save_batch(*given, **named)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    account = AccountConfig(name="x-main", platform=Platform.X, handle="Fjordnet", credentials={})
    await Accounts(opened).enrol([account], at=NOW - timedelta(days=1))
    yield opened
    await opened.close()


class Away(Sources):
    """A database that is away when the line falls."""

    failures = 3

    async def stumble(self, *given: Any, **named: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("the database is away")
        await super().stumble(*given, **named)


async def _heard(
    brook: Brook, posts: Posts, database: Database, tmp_path: Path, *, until: int, sources: Sources | None = None
) -> list[str]:
    """Listen until so many posts are stored; return their ids."""
    clock = ManualClock(NOW)
    bell = Bell.open(f"unix://{tmp_path}/nobody.sock", consumer="test")
    ear = Ear(
        posts=posts,
        sources=sources or Sources(database),
        accounts=Accounts(database),
        bell=bell,
        clock=clock,
    )
    listening = asyncio.create_task(run_listener(brook, (Watch(account="x-main"),), ear))
    stored: list[str] = []
    async with asyncio.timeout(20):
        while len(stored) < until or brook.batches:
            await clock.advance(5)
            async with database.read() as connection:
                stored = list((await connection.execute(select(t.posts.c.native_id))).scalars())
    listening.cancel()
    await asyncio.wait([listening])
    await bell.close()
    return stored


async def test_a_batch_that_could_not_be_saved_is_kept_until_it_is(database: Database, tmp_path: Path) -> None:
    brook = Brook([Batch(posts=(a_post("1001"),), cursor="1"), Batch(posts=(a_post("1002"),), cursor="2")])
    assert await _heard(brook, Stumbling(database), database, tmp_path, until=2) == ["1001", "1002"]


class FullHalfway(Posts):
    """A store whose disk is full from the second save on."""

    saves = 0

    async def save_batch(self, *given: Any, **named: Any) -> Saved:
        self.saves += 1
        if self.saves > 1:
            raise StoreError("the disk is full")
        return await super().save_batch(*given, **named)


async def test_a_source_is_not_called_fresh_while_only_the_late_half_of_a_backfill_is_stored(
    database: Database, tmp_path: Path
) -> None:
    late, young = a_post("1", posted_at=NOW - timedelta(hours=1)), a_post("2", posted_at=NOW)
    brook = Brook([Batch(posts=(late, young), cursor="c9", is_backfill=True)])
    assert await _heard(brook, FullHalfway(database), database, tmp_path, until=1) == ["1"]
    (source,) = await Sources(database).all()
    assert (source.fresh_at, source.cursor, source.heard) == (None, "c0", 1)


async def test_after_a_lost_connection_it_asks_from_the_cursor_that_was_saved(
    database: Database, tmp_path: Path
) -> None:
    lost = TryLater("x-main", "the line fell")
    brook = Brook([Batch(posts=(a_post("1001"),), cursor="1"), lost, Batch(posts=(a_post("1002"),), cursor="2")])
    assert await _heard(brook, Posts(database), database, tmp_path, until=2) == ["1001", "1002"]
    assert brook.asked[:3] == ["c0", "1", "1"]


async def test_a_lost_connection_opens_a_gap(database: Database, tmp_path: Path) -> None:
    lost = TryLater("x-main", "the line fell")
    still_behind = Batch(posts=(a_post("1002"),), cursor="2", is_caught_up=False)
    brook = Brook([Batch(posts=(a_post("1001"),), cursor="1"), lost, still_behind])
    await _heard(brook, Posts(database), database, tmp_path, until=2)
    (gap,) = await Sources(database).gaps(covered_since=NOW)
    assert (gap.why, gap.closed_at) == ("the line fell", None)


async def test_a_gap_that_could_not_be_noted_is_noted_before_anything_is_asked(
    database: Database, tmp_path: Path
) -> None:
    lost = TryLater("x-main", "the line fell")
    brook = Brook([Batch(posts=(a_post("1001"),), cursor="1"), lost, Batch(posts=(a_post("1002"),), cursor="2")])
    await _heard(brook, Posts(database), database, tmp_path, until=2, sources=Away(database))
    (gap,) = await Sources(database).gaps(covered_since=NOW)
    assert gap.why == "the line fell"
    assert gap.closed_at is not None, "the fetch that followed covered it"


async def test_a_gap_is_noted_also_where_the_database_was_away_as_the_operator_was_needed(
    database: Database, tmp_path: Path
) -> None:
    refused = NeedsOperator("x-main", "401.", cure="Renew it.")
    brook = Brook([Batch(posts=(a_post("1001"),), cursor="1"), refused, Batch(posts=(a_post("1002"),), cursor="2")])
    sources = Away(database)
    sources.failures = 1
    woken = asyncio.create_task(_wake(Accounts(database)))
    await _heard(brook, Posts(database), database, tmp_path, until=2, sources=sources)
    woken.cancel()
    await asyncio.wait([woken])
    (gap,) = await Sources(database).gaps(covered_since=NOW)
    assert gap.why == "401. Renew it."
    assert gap.closed_at is not None, "the fetch that followed covered it"


async def _wake(accounts: Accounts) -> None:
    """The operator mends it."""
    while not await accounts.set_state("x-main", AccountState.ACTIVE, reason="", by="kari", at=NOW):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def test_a_database_that_was_away_for_an_hour_leaves_a_gap(database: Database, tmp_path: Path) -> None:
    """Nobody could ask meanwhile: the next answer covers it, and the ledger says so."""
    brook = Brook([Batch(posts=(a_post("1001"),), cursor="1"), Batch(posts=(a_post("1002"),), cursor="2")])
    await _heard(brook, Posts(database), database, tmp_path, until=2, sources=Blind(database))
    (gap,) = await Sources(database).gaps(covered_since=NOW)
    assert gap.closed_at is not None


class Blind(Sources):
    """A database that is away for a while when a source is to be asked again."""

    asked = 0

    async def cursor(self, account: str, source: str) -> str | None:
        self.asked += 1
        # It was asked where to begin, and once from where it stands.
        if 3 <= self.asked <= 13:
            raise StoreError("the database is away")
        return await super().cursor(account, source)


async def test_an_answer_to_us_that_the_subreddits_comments_bring_first_is_said_to_us_once_the_inbox_has_it(
    database: Database,
) -> None:
    async with a_rig("comments", database) as rig:
        ours = rig.world.write(NewPost(author="brand", text="We are looking into it.", kind="comment"))
        text = "acme router never listens, stop writing to me"
        rig.wrote.append(await rig.emulated.post("kari", text, in_reply_to=ours.id))
        await rig.start()
        await rig.hears_all()
        (overheard,) = await rig.heard()
        assert (overheard.via, overheard.is_summons) == ("keyword", False)
        await rig.stop()
        rig.kind = "inbox"
        await rig.start()
        await until(lambda: _is_summons(rig))
        (known,) = await rig.heard()
        assert (known.id, known.via, known.matched) == (overheard.id, "mention", "brand")
        assert known.parent_author_id is not None


async def _is_summons(rig: Rig) -> bool:
    return all(row.is_summons for row in await rig.heard())
