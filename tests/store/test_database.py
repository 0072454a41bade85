"""Opening, migrating and failing: a bad URL names its cure, a bad disk loses nothing."""

import asyncio
import gc
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from core.config import AccountConfig
from core.errors import ConfigError, StoreError
from core.ladder import Ladder
from core.post import Platform
from core.reply import ANSWERED, MAY_STAND, VOID
from store import tables as t
from store.accounts import Accounts
from store.database import Database, open_database, parse_url
from store.incidents import Incidents
from store.migrate import alembic_config, is_described
from store.posts import Posts
from store.sources import Sources
from store.tellings import Tellings
from tests.builders import NOW, a_mention, decided, saved, some_progress


def _switch(at: datetime) -> dict[str, Any]:
    return {"name": "a", "is_on": True, "changed_at": at, "changed_by": "kari"}


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"include_name": is_described})
    return list(compare_metadata(context, t.metadata))


async def test_the_migrations_make_the_schema_that_the_tables_describe(database: Database) -> None:
    async with database.read() as connection:
        assert await connection.run_sync(_differences) == []


async def test_migrating_again_changes_nothing_and_forgets_nothing(
    fresh_sqlite: Callable[[], AsyncIterator[str]],
) -> None:
    async for url in fresh_sqlite():
        first = await open_database(url)
        await saved(first, a_mention())
        await first.close()
        second = await open_database(url)
        assert await Posts(second).count_by_stage() == {"saved": 1}
        await second.close()


async def test_alerts_from_before_the_ladder_are_still_told_and_a_storm_keeps_its_posts(tmp_path: Path) -> None:
    """As version 0006 left them: one alert told, one not, and an incident with a post."""
    url = f"sqlite:///{tmp_path}/old.db"
    database = await open_database(url)
    (post_id,) = await saved(database, a_mention())
    async with database.begin() as connection:
        await connection.run_sync(lambda bare: command.downgrade(alembic_config(bare), "0006"))
        for state in ("delivered", "pending"):
            columns = "conversation_id, kind, title, body, state, attempts, not_before, created_at"
            values = f"1, 'escalation', 'Urgency 70', 'text', '{state}', 1, '{NOW:%F %T}', '{NOW:%F %T}'"
            await connection.exec_driver_sql(f"INSERT INTO alerts ({columns}) VALUES ({values})")
        columns = "id, account, opened_at, reasons, measures, statements, version, step, heard_per_minute"
        values = f"7, 'x-main', '{NOW:%F %T}', '[]', '[]', '{{}}', 1, 2, 0.0"
        await connection.exec_driver_sql(
            f"INSERT INTO incidents ({columns}, negative_per_minute) VALUES ({values}, 0.0)"
        )
        await connection.exec_driver_sql(f"INSERT INTO incident_posts VALUES ({post_id}, 7)")
    await database.close()
    database = await open_database(url)
    assert await Incidents(database).count_members(7) == 1
    tellings = Tellings(database)
    assert await tellings.gather(Ladder(), at=NOW) == 1
    (telling,) = await tellings.claim_due(Ladder(), at=NOW, hold_until=NOW, links_until=NOW)
    assert (telling.count, telling.group.account, telling.items[0].title) == (1, "x-main", "Urgency 70")
    await database.close()


async def test_what_was_dropped_before_0021_may_stand_but_for_what_no_person_dropped(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    database = await open_database(url)
    problems = ["no answer in time", VOID, ANSWERED]
    for number, problem in enumerate(problems, 1):
        await decided(database, a_mention(str(number)))
        async with database.begin() as connection:
            gone = {"state": "dropped", "sending_at": NOW, "problem": problem}
            await connection.execute(update(t.replies).where(t.replies.c.id == number).values(**gone))
    async with database.begin() as connection:
        await connection.run_sync(lambda bare: command.downgrade(alembic_config(bare), "0020"))
    await database.close()
    database = await open_database(url)
    async with database.read() as connection:
        told = list((await connection.execute(select(t.replies.c.problem).order_by(t.replies.c.id))).scalars())
    assert told == [MAY_STAND, VOID, ANSWERED]
    await database.close()


@pytest.mark.postgres
async def test_accounts_keep_all_but_when_people_were_told_of_a_budget_on_the_way_to_0023_and_back(
    database: Database,
) -> None:
    account = AccountConfig(name="x-main", platform=Platform.X, handle="Fjordnet", credentials={})
    accounts = Accounts(database)
    await accounts.enrol([account], at=NOW)
    before = await accounts.all()
    async with database.begin() as connection:
        await connection.run_sync(lambda bare: command.downgrade(alembic_config(bare), "0022"))
        await connection.execute(text("UPDATE accounts SET budget_told_at = enrolled_at"))
        await connection.run_sync(lambda bare: command.upgrade(alembic_config(bare), "head"))
    assert await accounts.all() == before


async def test_processes_that_start_at_once_migrate_one_postgresql_once(
    create_postgres: Callable[[str], Awaitable[str]],
) -> None:
    url = await create_postgres("started_at_once")
    for database in await asyncio.gather(*(open_database(url) for _ in range(3))):
        await database.check()
        await database.close()


async def test_processes_that_start_at_once_migrate_one_sqlite_file_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/genlyd.db"
    for database in await asyncio.gather(*(open_database(url) for _ in range(6))):
        await database.check()
        await database.close()


async def test_a_start_waits_while_another_process_writes_the_first_rows_of_a_new_file(tmp_path: Path) -> None:
    file = tmp_path / "genlyd.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("CREATE TABLE made (x)")
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO made VALUES (1)")
    asyncio.get_running_loop().call_later(0.3, other.execute, "COMMIT")
    database = await open_database(f"sqlite:///{file}")
    try:
        async with database.read() as connection:
            assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one() == "wal"
    finally:
        await database.close()
        other.close()


async def test_a_start_waits_for_nobody_where_the_schema_is_new_enough(tmp_path: Path) -> None:
    file = tmp_path / "genlyd.db"
    await (await open_database(f"sqlite:///{file}")).close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(60):
        await (await open_database(f"sqlite:///{file}")).close()
    other.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("not a url", "not a database URL"),
        ("", "not a database URL"),
        ("postgresql://user:hemmelig@host:port/db", "not a database URL"),
        ("mysql://user:hemmelig@host/db", "'mysql' is not supported"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
async def test_a_bad_url_names_its_cure_and_never_its_password(url: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await open_database(url)
    assert says in str(caught.value)
    assert "use sqlite:///FILE or postgresql://" in str(caught.value)
    assert "hemmelig" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://h/d", "postgres://h/d", "postgresql+psycopg2://h/d", "postgresql+asyncpg://h/d"]
)
def test_every_spelling_of_postgresql_gets_our_driver(url: str) -> None:
    assert parse_url(url).drivername == "postgresql+asyncpg"


def test_libpqs_sslmode_is_understood() -> None:
    assert dict(parse_url("postgresql://h/d?sslmode=require").query) == {"ssl": "require"}


@pytest.mark.postgres
async def test_a_postgresql_database_that_is_not_there_is_a_store_error(postgres: Callable[[str], str]) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        await open_database(postgres("nowhere"))


async def test_a_server_that_does_not_answer_is_a_store_error() -> None:
    with pytest.raises(StoreError):
        await open_database("postgresql://genlyd:hemmelig@127.0.0.1:1/genlyd")


async def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"/file cannot be written .*set \[store\] data"):
        await open_database(f"sqlite:///{tmp_path}/file/genlyd.db")


async def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "genlyd.db").write_bytes(b"these are holiday pictures " * 100)
    with pytest.raises(StoreError, match="not a database"):
        await open_database(f"sqlite:///{tmp_path}/genlyd.db")


async def test_on_a_full_disk_neither_posts_nor_cursor_move_and_later_both_do(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    posts, sources = Posts(database), Sources(database)
    await posts.save_batch([a_mention("1")], some_progress("c1"), at=NOW)
    fill = _fill_disk(database)
    await database.close()  # every connection from here on finds the disk full
    big = [a_mention(str(number), matched="x" * 20_000) for number in range(100, 140)]
    with pytest.raises(StoreError, match="full"):
        await posts.save_batch(big, some_progress("c2"), at=NOW)
    assert await posts.count_by_stage() == {"saved": 1}
    assert await sources.cursor("x-main", "mentions") == "c1"
    fill.pages = 1_000_000
    await database.close()
    assert len((await posts.save_batch(big, some_progress("c2"), at=NOW)).ids) == 40
    assert await sources.cursor("x-main", "mentions") == "c2"
    await database.close()


class _fill_disk:  # noqa: N801  (reads as a verb)
    """Lets SQLite's file grow no further than it is: what a full disk does to it."""

    def __init__(self, database: Database) -> None:
        self.pages = 1
        event.listen(database._engine.sync_engine, "connect", self._limit)

    def _limit(self, connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={self.pages}")
        cursor.close()


async def test_a_locked_sqlite_file_is_a_store_error_and_not_a_wait_for_ever(tmp_path: Path) -> None:
    file = tmp_path / "genlyd.db"
    database = await open_database(f"sqlite:///{file}")
    event.listen(
        database._engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=50")
    )
    await database.close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        await saved(database, a_mention())
    other.execute("ROLLBACK")
    other.close()
    assert len(await saved(database, a_mention())) == 1
    await database.close()


async def test_leaving_a_transaction_by_an_error_saves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError, match="half way"):
        await _break_off(database)
    async with database.read() as connection:
        assert (await connection.execute(select(t.switches.c.name))).first() is None


async def _break_off(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(insert(t.switches).values(_switch(NOW)))
        raise RuntimeError("half way")


async def test_a_task_that_is_stopped_in_the_middle_of_a_statement_leaves_no_lock(database: Database) -> None:
    """As when watches change, a lease is lost or the house ends while posts are saved: nobody else may wait for it."""
    is_writing = asyncio.Event()

    async def write() -> None:
        async with database.begin() as connection:
            await connection.execute(insert(t.switches).values(_switch(NOW)))
            is_writing.set()
            numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
            await connection.execute(text(f"{numbers} SELECT count(*) FROM n"))

    # Nothing may happen to forget the cursor: whoever waits for that waits for the collector.
    gc.disable()
    try:
        writing = asyncio.create_task(write())
        await is_writing.wait()
        await asyncio.sleep(0.02)
        writing.cancel()
        await asyncio.wait([writing])
        async with asyncio.timeout(8), database.begin() as connection:
            assert list(await connection.execute(select(t.switches))) == []
            await connection.execute(insert(t.switches).values(_switch(NOW)))
    finally:
        gc.enable()


async def test_emptying_the_journal_waits_for_no_long_reader(tmp_path: Path) -> None:
    """An export may be read for minutes; nobody could write, and every lease would be lost."""
    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    async with database.snapshot() as reading:
        await reading.execute(select(t.switches))
        async with database.begin() as connection:
            await connection.execute(insert(t.switches).values(_switch(NOW)))
        emptying = asyncio.create_task(database.empty_journal())
        await asyncio.sleep(0)
        async with asyncio.timeout(8), database.begin() as connection:
            assert (await connection.exec_driver_sql("PRAGMA busy_timeout")).scalar_one() == 10_000
        assert await emptying is False
    assert await database.empty_journal()
    async with database.begin() as connection:
        assert (await connection.exec_driver_sql("PRAGMA busy_timeout")).scalar_one() == 10_000
    await database.close()


async def test_a_broken_rule_of_the_schema_is_not_taken_for_a_failing_disk(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(insert(t.opt_outs).values(author_id=9, scope="a", since=NOW, because="b"))


async def test_instants_come_back_in_utc_whatever_zone_they_came_in(database: Database) -> None:
    oslo = NOW.astimezone(timezone(timedelta(hours=1)))
    async with database.begin() as connection:
        await connection.execute(insert(t.switches).values(_switch(oslo)))
    async with database.read() as connection:
        found = (await connection.execute(select(t.switches.c.changed_at))).scalar_one()
    assert (found, found.utcoffset()) == (NOW, timedelta(0))


async def test_a_naive_instant_is_refused(database: Database) -> None:
    naive = insert(t.switches).values(_switch(NOW.replace(tzinfo=None)))
    async with database.read() as connection:
        with pytest.raises(StatementError, match="naive"):
            await connection.execute(naive)


async def test_sqlite_keeps_what_a_power_cut_could_take(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    async with database.read() as connection:
        pragmas = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        ]
    await database.close()
    assert pragmas == ["wal", 2, 1, 1]


async def test_a_killed_writer_leaves_nothing_half_written(tmp_path: Path) -> None:
    file = tmp_path / "genlyd.db"
    database = await open_database(f"sqlite:///{file}")
    script = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('BEGIN IMMEDIATE')\n"
        "c.execute(\"INSERT INTO switches VALUES ('a', 1, '', '2026-11-22', 'k')\")\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = await asyncio.to_thread(subprocess.run, ["python3", "-c", script, str(file)], check=False)
    assert killed.returncode == -9
    async with database.read() as connection:
        assert (await connection.execute(select(t.switches.c.name))).first() is None
    assert len(await saved(database, a_mention())) == 1
    await database.close()
