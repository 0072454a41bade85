"""A desk to work at: a real database, a real Valkey, a real port, and people who can sign in."""

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from argon2 import PasswordHasher
from redis.asyncio import Redis

from app.wiring import build_trials
from core.clock import Clock, ManualClock
from core.config import AccountConfig, Config, DashboardConfig
from core.post import Platform
from core.rights import Role
from core.watch import Watch
from dashboard.server import build_app, serve
from responder.rules import DEFAULT_RULES
from store.accounts import Accounts
from store.bell import Bell
from store.database import Database, open_database
from store.embedded import EmbeddedValkey
from store.people import People
from tests.dashboard.seed import Seed

PASSWORD = "en god lang sætning"

CONFIG = Config(
    brand="Hav",
    accounts=(
        AccountConfig(name="hav-dk", platform=Platform.X, handle="hav", credentials={}),
        AccountConfig(name="hav-reddit", platform=Platform.REDDIT, handle="hav_support", credentials={}),
    ),
    watches=(
        Watch(account="hav-dk", hashtags=("hav",), keywords=("hav energi",)),
        Watch(account="hav-reddit", subreddits=("Denmark",)),
    ),
    rules=DEFAULT_RULES,
    dashboard=DashboardConfig(secure_cookies=False),
)


@dataclass
class House:
    """Everything around the dashboard, and the dashboard itself on a port."""

    database: Database
    bell: Bell
    clock: Clock
    app: web.Application
    url: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def people(self) -> People:
        """Who can sign in."""
        return People(self.database)

    @property
    def seed(self) -> Seed:
        """Says things into the database."""
        return Seed(database=self.database, clock=self.clock)


@dataclass
class Browser:
    """Someone at the desk, without a browser: pages, forms and their tokens."""

    url: str
    http: aiohttp.ClientSession
    page: str = ""

    async def get(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        """GET, and remember the page."""
        response = await self.http.get(f"{self.url}{path}", **options)
        self.page = await response.text()
        return response

    async def post(self, path: str, *, csrf: str | None = None, **fields: Any) -> aiohttp.ClientResponse:
        """POST a form with the token of the last page, and remember the answer."""
        token = self.csrf if csrf is None else csrf
        data = {"csrf": token, **{name: str(value) for name, value in fields.items()}}
        response = await self.http.post(f"{self.url}{path}", data=data)
        self.page = await response.text()
        return response

    @property
    def csrf(self) -> str:
        """The token of the first form on the page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.page)
        assert found is not None, self.page[:500]
        return found[1]

    def hidden(self, name: str, after: str = "") -> str:
        """A hidden field's value on the page, the first after some words."""
        page = self.page[self.page.index(after) :] if after else self.page
        found = re.search(rf'name="{name}" value="([^"]*)"', page)
        assert found is not None, name
        return found[1]

    async def sign_in(self, name: str, password: str = PASSWORD, path: str = "") -> aiohttp.ClientResponse:
        """Sign in through the form."""
        await self.get("/sign-in" + (f"?next={path}" if path else ""))
        return await self.post("/sign-in", name=name, password=password, next=self.hidden("next"))


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Made cheaply, so that a test signs in within milliseconds."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedValkey]:
    with tempfile.TemporaryDirectory(prefix="gv") as folder:
        server = EmbeddedValkey(Path(folder))
        asyncio.run(server.start())
        yield server
        asyncio.run(server.stop())


@pytest.fixture
async def bell(valkey: EmbeddedValkey) -> AsyncIterator[Bell]:
    # Who looked or typed in the test before is not here any more.
    async with Redis.from_url(valkey.url) as redis:
        await redis.flushall()
    opened = Bell.open(valkey.url, consumer="test")
    yield opened
    await opened.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path / 'genlyd.db'}")
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def house(database: Database, bell: Bell, clock: ManualClock, password_hash: str) -> AsyncIterator[House]:
    await Accounts(database).enrol(CONFIG.accounts, at=clock.now())
    people = People(database)
    for name, role in (("Mette", Role.SUPERVISOR), ("Lars", Role.APPROVER), ("Nora", Role.APPROVER)):
        await people.add_staff(name, password_hash, role, at=clock.now(), by="test")
    problems: dict[str, str] = {}

    async def readiness() -> dict[str, str]:
        return problems

    books = build_trials(CONFIG, database, clock)
    app = build_app(database=database, bell=bell, clock=clock, config=CONFIG, readiness=readiness, books=books)
    made = House(database=database, bell=bell, clock=clock, app=app, problems=problems)
    async with serving(app) as url:
        made.url = url
        yield made


@contextlib.asynccontextmanager
async def serving(app: web.Application, *, port: int = 0) -> AsyncIterator[str]:
    """Serve on a free port, or this one, until the block ends."""
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    # A fixture is set up and torn down in different tasks, which a TaskGroup does not survive.
    task = asyncio.create_task(serve(app, "127.0.0.1", port, on_listening=listening.set_result))
    task.add_done_callback(lambda _: listening.done() or listening.cancel())
    try:
        yield await listening
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def browsing(url: str) -> AsyncIterator[Browser]:
    """One browser with its own cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(url=url, http=http)


@pytest.fixture
async def visitor(house: House) -> AsyncIterator[Browser]:
    async with browsing(house.url) as browser:
        yield browser


@pytest.fixture
async def mette(house: House) -> AsyncIterator[Browser]:
    """The supervisor, signed in."""
    async with browsing(house.url) as browser:
        await browser.sign_in("Mette")
        yield browser


@pytest.fixture
async def lars(house: House) -> AsyncIterator[Browser]:
    """An agent, signed in."""
    async with browsing(house.url) as browser:
        await browser.sign_in("Lars")
        yield browser
