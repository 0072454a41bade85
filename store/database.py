"""Opening the database: SQLite (WAL) or PostgreSQL, from one URL.

Owns the engine, transactions and the translation of their failures. Refuses to know any table.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, event, func, make_url, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from core.errors import ConfigError, Problem, StoreError
from store import migrate, postgres
from store.mounts import shared_by_machines

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}

_PATIENCE_MS = 10_000
_PATIENCE = f"PRAGMA busy_timeout={_PATIENCE_MS}"
_JOURNAL_PATIENCE_MS = 500

Check = Callable[[AsyncConnection], Awaitable[None]]
# What a write transaction begins with, where a task writes under a lease. No write can forget it.
_check: ContextVar[Check | None] = ContextVar("check", default=None)


class Database:
    """One engine. `begin()` is a write transaction, `read()` a look."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.dialect = engine.dialect.name
        self.is_sqlite = self.dialect == "sqlite"
        # Each question sees what is committed as it is asked, in a transaction or not; without one it takes two round
        # trips less. SQLite makes none.
        self._reading = engine if self.is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        # SQLite lets one writer in at a time; queueing here is fair, its own busy wait is not.
        self._one_writer = asyncio.Lock() if self.is_sqlite else None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in a transaction that commits on leaving.

        Raises: StoreError where the disk or the server failed; nothing is saved then.
        """
        async with _maybe(self._one_writer), _translated(), self._engine.connect() as connection:
            if self.is_sqlite:
                # A write transaction takes its lock at once: upgrading later can deadlock.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            async with _committed(connection):
                check = _check.get()
                if check is not None:
                    await check(connection)
                yield connection

    @asynccontextmanager
    async def read(self, *, slowly: bool = False) -> AsyncIterator[AsyncConnection]:
        """Yield a connection for reading what is committed; `slowly` where rows are streamed, at somebody's own pace.

        Raises: StoreError.
        """
        engine = self._engine if slowly else self._reading
        async with _translated(), engine.connect() as connection:
            if slowly and not self.is_sqlite:
                await connection.exec_driver_sql(postgres.SLOW_READ)
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection for reading what was committed at one moment, however many questions are asked.

        Raises: StoreError.
        """
        async with _translated(), self._engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN" if self.is_sqlite else postgres.SNAPSHOT)
            yield connection

    async def check(self) -> None:
        """Raise StoreError unless the database answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def session(self, *, seconds: float) -> AsyncConnection:
        """Return a connection outside the pool and outside transactions; the caller closes it. PostgreSQL only.

        It waits `seconds` at most for an answer. Raises: StoreError.
        """
        apart = create_async_engine(
            self._engine.url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=postgres.connect_args() | {"timeout": seconds, "command_timeout": seconds},
        )
        async with _translated():
            return await apart.connect()

    async def end_stuck(self) -> int:
        """End what keeps others out though its process stands still; return how many. Raises: StoreError."""
        if self.is_sqlite:
            return 0
        async with self.read() as connection:
            return await postgres.end_stuck(connection)

    async def clock(self) -> datetime | None:
        """Return what the database server's clock says; None for SQLite, whose clock is this machine's."""
        if self._engine.dialect.name == "sqlite":
            return None
        async with self.read() as connection:
            now: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
        return now

    async def empty_journal(self) -> bool:
        """Write SQLite's journal into its file and empty it, so that nothing forgotten stands there.

        False where somebody was reading and it has to be done again later. Elsewhere the server sees to its own.
        """
        if not self.is_sqlite:
            return True
        async with _maybe(self._one_writer), _translated(), self._engine.connect() as connection:
            # Nobody writes meanwhile, no lease is renewed: a long reader must not be waited for.
            await connection.exec_driver_sql(f"PRAGMA busy_timeout={_JOURNAL_PATIENCE_MS}")
            is_empty = await _truncate(connection)
            await connection.exec_driver_sql(_PATIENCE)
            return is_empty

    async def compact(self, tables: Sequence[Table]) -> bool:
        """Write the tables anew, without the remains of what was deleted. Nobody else writes meanwhile.

        False where SQLite's journal could not be emptied, for somebody was reading. Raises: StoreError.
        """
        async with _maybe(self._one_writer), _translated(), self._engine.connect() as connection:
            if self.is_sqlite:
                await connection.exec_driver_sql("VACUUM")
                return await _truncate(connection)
            bare = await connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in tables:
                await bare.exec_driver_sql(f'VACUUM FULL "{table.name}"')
            return True

    async def close(self) -> None:
        """Let go of every connection."""
        await self._engine.dispose()


@contextmanager
def checking(check: Check) -> Iterator[None]:
    """Within this, `check` begins each write transaction of the task, and of those it starts. It raises to refuse."""
    before = _check.set(check)
    try:
        yield
    finally:
        _check.reset(before)


async def open_database(url: str) -> Database:
    """Connect, migrate to the newest schema and return the database.

    Raises: ConfigError for a URL that cannot work; StoreError where the disk or the database does not answer.
    """
    parsed = parse_url(url)
    _refuse_network_drive(parsed)
    if parsed.drivername.startswith("sqlite") and parsed.database:
        _make_folder(Path(parsed.database).parent)
    engine = _engine(parsed)
    try:
        async with _translated():
            await migrate.upgrade(engine)
    except BaseException:
        await engine.dispose()
        raise
    return Database(engine)


def look_into(url: str) -> Database | None:
    """Return the database as it stands, neither made nor migrated: for a look. None where there is none to look into.

    Raises: ConfigError. Nothing is asked yet: the first read raises StoreError where it does not answer.
    """
    file = file_of(url)
    if file is not None and not file.exists():
        return None
    return Database(_engine(parse_url(url)))


def parse_url(url: str) -> URL:
    """Return the URL with the async driver we use. Raises: ConfigError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as err:
        raise _bad_url("this is not a database URL") from err
    driver = _DRIVERS.get(parsed.drivername.split("+", maxsplit=1)[0])
    if driver is None:
        raise _bad_url(f"{parsed.drivername!r} is not supported")
    if driver == _DRIVERS["sqlite"] and parsed.database in (None, "", ":memory:"):
        raise _bad_url("SQLite needs a file, or nothing is remembered")
    if "sslmode" in parsed.query:
        # What libpq and every hosted PostgreSQL calls sslmode, asyncpg calls ssl.
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": parsed.query["sslmode"]})
    return parsed.set(drivername=driver)


def _refuse_network_drive(url: URL) -> None:
    """SQLite's journal is memory that processes share, so they have to share a machine."""
    kind = shared_by_machines(Path(url.database)) if url.drivername.startswith("sqlite") and url.database else None
    if kind is not None:
        what = (
            f"SQLite cannot be kept on a network drive ({kind}): several machines would spoil it; "
            "use a disk of this machine, or postgresql://USER:PASSWORD@HOST/NAME"
        )
        raise ConfigError([Problem(line=None, where="store.database", what=what)])


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        why = "" if os.access(folder, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as err:
        why = err.strerror or str(err)
    if why:
        cure = "set [store] data, or database, to one that can"
        raise StoreError(f"the database failed: the folder {folder} cannot be written ({why}); {cure}")


def _bad_url(why: str) -> ConfigError:
    """The cure, without the URL: it may hold a password (I9)."""
    what = f"{why}; use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
    return ConfigError([Problem(line=None, where="store.database", what=what)])


def _engine(url: URL) -> AsyncEngine:
    if not url.drivername.startswith("sqlite"):
        connect_args = postgres.connect_args()
        return create_async_engine(url, connect_args=connect_args, pool_size=20, max_overflow=0, pool_pre_ping=True)
    engine = create_async_engine(url, connect_args={"timeout": 10}, pool_size=8, max_overflow=8)
    event.listen(engine.sync_engine, "connect", _tune_sqlite)
    event.listen(engine.sync_engine, "invalidate", _let_go_of_the_lock)
    return engine


def _tune_sqlite(connection: Any, _record: object) -> None:
    """Set up a new connection.

    synchronous=FULL: in WAL with NORMAL a power cut can roll back SENDING after the post went out.
    isolation_level None: the driver must not begin transactions behind our back.
    """
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(_PATIENCE)
    _keep_a_journal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _keep_a_journal(cursor: Any) -> None:
    """Set WAL. Where another process makes the file just now, SQLite itself refuses at once, whatever its patience."""
    until = time.monotonic() + _PATIENCE_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            await_only(asyncio.sleep(0.02))
        else:
            return


def _let_go_of_the_lock(connection: Any, _record: object, _error: object) -> None:
    """End the transaction of a connection that is given up, for its task was told to stop in the middle of a statement.

    Closing is not enough: SQLite keeps a closed connection's lock for as long as Python remembers one of its cursors.
    """
    driver = connection.driver_connection
    # In the thread of the connection, after the statement and before it is closed. Waiting here could be cancelled too.
    with suppress(ValueError):
        driver._tx.put_nowait((None, driver._conn.rollback))  # noqa: SLF001 - no public way that waits for nothing


async def _truncate(connection: AsyncConnection) -> bool:
    busy, *_ = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).one()
    return not busy


def file_of(url: str) -> Path | None:
    """Return SQLite's file, None for another engine. Raises: ConfigError."""
    parsed = parse_url(url)
    return Path(parsed.database) if parsed.drivername.startswith("sqlite") and parsed.database else None


async def alone(connection: AsyncConnection, table: Table) -> None:
    """Let nobody else write to `table` until the transaction ends. SQLite lets one writer in anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))


@asynccontextmanager
async def _committed(connection: AsyncConnection) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        await connection.rollback()
        raise
    await connection.commit()


@asynccontextmanager
async def _maybe(lock: asyncio.Lock | None) -> AsyncIterator[None]:
    if lock is None:
        yield
        return
    async with lock:
        yield


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeout, OSError) as err:
        reason = str(err.orig) if isinstance(err, DBAPIError) and err.orig else str(err)
        raise StoreError(f"the database failed: {reason}") from err
