"""A house, two emulated platforms and a webhook, for stories told from outside."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from core.post import Platform
from store.database import open_database
from tests.attacker import Attacker
from tests.conftest import Emulated, account_on, running, x_options
from tests.house import House
from tests.scene import IS_FULL, Scene
from tests.store.conftest import ENGINES, administer, postgres, sqlite_template

__all__ = ["ENGINES", "postgres", "sqlite_template"]

_numbers = itertools.count(1)
Eventually = Callable[..., Awaitable[Any]]


@dataclass
class Webhook:
    """A local webhook that keeps what it was told."""

    url: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    hook = Webhook()

    async def take(request: web.Request) -> web.Response:
        hook.told.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    hook.url = f"json://{host}:{port}/hook"
    yield hook
    await runner.cleanup()


@pytest.fixture
def engine() -> str:
    """Which database the house remembers in. A test that names both overrides this."""
    return "sqlite"


@pytest.fixture
async def store(engine: str, request: pytest.FixtureRequest) -> str:
    """The [store] lines of the config: a fresh database on the engine."""
    if engine == "sqlite":
        return ""
    url_of: Callable[[str], str] = request.getfixturevalue("postgres")
    name = f"journey_{next(_numbers)}"
    await administer(url_of("postgres"), f"CREATE DATABASE {name}")
    return f"database = {json.dumps(url_of(name))}"


@pytest.fixture
async def house(
    tmp_path: Path, emulated_x: Emulated, emulated_reddit: Emulated, webhook: Webhook, store: str
) -> AsyncIterator[House]:
    made = House(
        folder=tmp_path / "house", x=emulated_x.url, reddit=emulated_reddit.url, alerts=[webhook.url], store=store
    )
    made.write_config()
    yield made
    if made.process is not None:
        assert await made.stop() == 0
        assert "Traceback" not in made.log()
        assert "Unclosed" not in made.log()


@pytest.fixture
def eventually() -> Eventually:
    """Ask until the answer is truthy, and return it; fail after `seconds`."""

    async def wait(ask: Callable[[], Any], *, seconds: float = 20) -> Any:
        async with asyncio.timeout(seconds):
            while True:
                answer = ask()
                if isinstance(answer, Awaitable):
                    answer = await answer
                if answer:
                    return answer
                await asyncio.sleep(0.1)

    return wait


@pytest.fixture(scope="module")
def lasting_x() -> Iterator[Emulated]:
    """An emulated X that a file's tests share."""
    with running(Platform.X, *x_options()) as emulated:
        yield emulated


@pytest.fixture(scope="module")
def lasting_reddit() -> Iterator[Emulated]:
    """An emulated Reddit that a file's tests share."""
    with running(Platform.REDDIT, "--limits", "off") as emulated:
        yield emulated


@pytest.fixture(params=["lasting_reddit", "lasting_x"] if IS_FULL else ["lasting_reddit"])
async def scene(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Scene]:
    """One post and one reply, on a fresh SQLite. On X too where every attack is asked for (make attacks)."""
    shutil.copy(sqlite_template, tmp_path / "genlyd.db")
    url = f"sqlite:///{tmp_path}/genlyd.db"
    async for made in staged(url, request.getfixturevalue(request.param), tmp_path):
        yield made


@pytest.fixture
async def scene_on_reddit(lasting_reddit: Emulated, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Scene]:
    """For negative controls: X turns the same words away for a day, and so would hide a second sending."""
    shutil.copy(sqlite_template, tmp_path / "genlyd.db")
    async for made in staged(f"sqlite:///{tmp_path}/genlyd.db", lasting_reddit, tmp_path):
        yield made


@pytest.fixture
async def scene_on_x(emulated_x: Emulated, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Scene]:
    """An X with nobody's posts yet, which has a stream and mentions."""
    shutil.copy(sqlite_template, tmp_path / "genlyd.db")
    async for made in staged(f"sqlite:///{tmp_path}/genlyd.db", emulated_x, tmp_path):
        yield made


async def staged(url: str, emulated: Emulated, folder: Path) -> AsyncIterator[Scene]:
    """A scene on a migrated, empty database. Ends every process that was started on it."""
    database = await open_database(url)
    attacker = Attacker(folder)
    made = Scene(
        emulated=emulated,
        account=account_on(emulated),
        url=url,
        database=database,
        folder=folder / "data",
        attacker=attacker,
    )
    await made.begin()
    try:
        yield made
    finally:
        await attacker.end_all()
        await database.close()
    assert "Traceback" not in attacker.logs(), attacker.logs()
