"""Owns the running emulators the tests talk to, and the real clients led to them. Refuses to own what is asserted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientTimeout
from yarl import URL

from emulators import reddit, x
from emulators.serve import Server
from emulators.world import World

asynchronous: Any = import_module("tweepy.asynchronous")
asyncpraw: Any = import_module("asyncpraw")

TIMEOUT = ClientTimeout(total=5)


@dataclass(frozen=True)
class Sandbox:
    """The /sandbox of one running emulator."""

    url: str
    world: World
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        async with self.session.request(method, f"{self.url}/sandbox/{path}", json=body) as response:
            return response.status, await response.json()

    async def write(self, author: str, text: str, **extra: object) -> str:
        status, said = await self.ask("POST", "posts", {"author": author, "text": text} | extra)
        assert status == 201, said
        return str(said["id"])

    async def plan(self, *faults: dict[str, object]) -> None:
        status, said = await self.ask("POST", "faults", list(faults))
        assert status == 201, said

    async def fired(self) -> list[int]:
        """How often each planned fault fired; every one has as many times written down."""
        _, planned = await self.ask("GET", "faults")
        assert all(len(fault["fired_at"]) == fault["fired"] for fault in planned)
        return [fault["fired"] for fault in planned]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        yield session


@pytest.fixture
async def x_sandbox(session: aiohttp.ClientSession) -> AsyncIterator[Sandbox]:
    world = World("x", seed=7)
    async with Server(x.make_app(world, x.XSettings(heartbeat_seconds=0.2), seed=7)) as server:
        yield Sandbox(server.url, world, session)


@pytest.fixture
async def reddit_sandbox(session: aiohttp.ClientSession) -> AsyncIterator[Sandbox]:
    world = World("reddit", seed=7)
    # asyncprawcore spaces its calls by the window it is told of; an untouched one makes it quick
    async with Server(reddit.make_app(world, limits_are_enforced=False)) as server:
        yield Sandbox(server.url, world, session)


def led_to(url: str) -> Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]:
    """A client middleware that leads every request to the emulator, after tweepy has signed it for the real host."""
    base = URL(url)

    async def lead(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.url = request.url.with_scheme("http").with_host(base.host or "").with_port(base.port)
        return await handler(request)

    return lead


@pytest.fixture
async def led_session(x_sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(middlewares=(led_to(x_sandbox.url),), timeout=TIMEOUT) as session:
        yield session


@pytest.fixture
def tweepy_client(led_session: aiohttp.ClientSession) -> Any:
    client = asynchronous.AsyncClient("app-token", "key", "key-secret", "1-token", "token-secret")
    client.session = led_session
    return client


@pytest.fixture
async def praw(reddit_sandbox: Sandbox) -> AsyncIterator[Any]:
    async with asyncpraw.Reddit(
        client_id="id", client_secret="secret", username="brand", password="pw",
        user_agent="test:genlyd:0 (by /u/brand)",
        reddit_url=reddit_sandbox.url, oauth_url=reddit_sandbox.url, check_for_updates=False,
    ) as client:  # fmt: skip
        yield client
