"""How fast the desk answers with a million posts, and what open dashboards cost.

`python -m benchmarks.desk [--database URL] [--posts 1000000] [--requests 120] [--dashboards 200] [--seconds 30]`.
Without a database it makes one of SQLite and forgets it. Each page is asked for over HTTP on loopback by somebody
signed in, one request after the other, uncompressed: milliseconds at p50 and p95, warm. Then so many pages are held
open while 20 conversations change each second: the server's CPU, first of the streams alone, then with every page
asking what is new, as static/queue.js does. `--plans FILE` writes down how the database answers each question.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from random import Random

import aiohttp
from sqlalchemy import func, select, update

from benchmarks.desk.data import fill
from benchmarks.desk.plans import written_plans
from store import tables as t
from store.bell import Bell
from store.database import Database, open_database

# What people look for: hardly anywhere, everywhere, and words in a row.
_RARE = (
    "skruelågen",
    "hamnpumpen",
    "snøantenna",
    "harbourlatch",
    "blixtkranen",
    "mølleringen",
    "123456",
    "åke_öberg77",
)
_COMMON = ("ikke", "inte", "jeg", "the", "fakturaen", "pakken", "tak", "det")
_PHRASES = ('"tredje gang"', '"tack så mycket"', '"har ikke"', '"third time"', '"hele weekenden"', '"no connection"')
_FILTERS = (
    "status=resolved",
    "status=all",
    "status=open&account=hav-se",
    "status=resolved&platform=reddit",
    "status=all&language=nn",
    "status=open&mood=negative&intent=billing",
    "status=all&intent=self-harm",
    "status=open&draft=1",
    "status=all&language=nn&intent=self-harm&mood=unsure",
)
_DEEP = 40
_EVENTS_A_SECOND = 20
_ASK_EVERY_SECONDS = 2.0
# Not every link with a cursor: those of the cards lead to conversations, and keep where the list stands.
_NEXT = re.compile(r'href="(/inbox[^"]*)" data-focus="later"')
_CARD = re.compile(r'(?:data-id|id)="(?:card-)?(\d+)"')


@dataclass(slots=True)
class Visitor:
    """Somebody signed in, with a stopwatch."""

    http: aiohttp.ClientSession
    url: str
    pid: int
    took_ms: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: dict[str, float] = field(default_factory=dict)
    page: str = ""

    async def get(self, path: str, kind: str | None = None) -> str:
        """GET a page whole; note what it took under `kind`."""
        began = time.perf_counter()
        async with self.http.get(f"{self.url}{path}", headers={"Accept-Encoding": "identity"}) as response:
            self.page = await response.text()
            assert response.status == 200, (path, response.status)
        if kind is not None:
            self.took_ms.setdefault(kind, []).append(1000 * (time.perf_counter() - began))
        return self.page

    @contextlib.contextmanager
    def charged(self, kind: str) -> Iterator[None]:
        """Note what the server's own work costs meanwhile: that does not depend on who else is at work."""
        before = cpu_seconds(self.pid)
        yield
        self.cpu_ms[kind] = 1000 * (cpu_seconds(self.pid) - before) / len(self.took_ms[kind])

    async def next(self, kind: str | None = None) -> None:
        """Follow the link to the next page, or begin anew where there is none."""
        found = _NEXT.search(self.page)
        await self.get(unescape(found[1]) if found else "/inbox?status=resolved", kind)


async def measure_pages(visitor: Visitor, database: Database, *, requests: int) -> None:
    """Ask for every kind of page so many times."""
    random = Random(7)
    async with database.read() as connection:
        last = (await connection.execute(select(func.max(t.conversations.c.id)))).scalar_one()
    for kind, paths in (
        ("first page", ["/inbox"]),
        ("filtered", [f"/inbox?{one}" for one in _FILTERS]),
        ("search, rare word", [f"/inbox?status=all&q={word}" for word in _RARE]),
        ("search, common word", [f"/inbox?status=all&q={word}" for word in _COMMON]),
        ("search, phrase", [f"/inbox?status=all&q={phrase}" for phrase in _PHRASES]),
        ("search and filter", [f"/inbox?status=open&language=da&q={word}" for word in (*_COMMON, *_RARE)]),
        ("conversation", [f"/conversations/{1 + random.randrange(last)}" for _ in range(requests)]),
    ):
        for path in paths[:20]:
            await visitor.get(path)
        with visitor.charged(kind):
            for number in range(requests):
                await visitor.get(paths[number % len(paths)], kind)
    for kind, path, deep in (
        ("next page", "/inbox?status=resolved", 0),
        ("deep page", "/inbox?status=resolved&after=18230000000.1", _DEEP),
        ("search, next page", "/inbox?status=all&q=ikke", 0),
    ):
        await visitor.get(path)
        for _ in range(deep):
            await visitor.next()
        with visitor.charged(kind):
            for _ in range(requests):
                await visitor.next(kind)


async def measure_streams(
    visitor: Visitor, database: Database, bell: Bell, *, dashboards: int, seconds: float, asks: bool
) -> str:
    """Hold pages open while conversations change, and say what that cost the server."""
    shown = list(dict.fromkeys(_CARD.findall(await visitor.get("/inbox"))))[:50]
    heard = [0] * dashboards
    asked: list[float] = []
    stop = asyncio.Event()

    async def hold(number: int) -> None:
        async with visitor.http.get(f"{visitor.url}/live", timeout=aiohttp.ClientTimeout(total=None)) as stream:
            async for line in stream.content:
                heard[number] += line.startswith(b"event: changed")
                if stop.is_set():
                    return

    async def ask(number: int) -> None:
        await asyncio.sleep(_ASK_EVERY_SECONDS * number / dashboards)
        while not stop.is_set():
            began = time.perf_counter()
            changed = ".".join(Random(number).sample(shown, min(2, len(shown))))
            path = f"{visitor.url}/inbox/fresh?shown={'.'.join(shown)}&changed={changed}"
            async with visitor.http.get(path, headers={"HX-Request": "true"}) as response:
                await response.read()
                assert response.status == 200
            asked.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(max(0.0, _ASK_EVERY_SECONDS - (time.perf_counter() - began)))

    async with asyncio.TaskGroup() as group:
        held = [group.create_task(hold(number)) for number in range(dashboards)]
        await asyncio.sleep(2)
        held += [group.create_task(ask(number)) for number in range(dashboards) if asks]
        before, cpu = sum(heard), cpu_seconds(visitor.pid)
        began = time.monotonic()
        changes = await _change(database, bell, seconds=seconds)
        took = time.monotonic() - began
        used, told = (cpu_seconds(visitor.pid) - cpu) / took, (sum(heard) - before) / dashboards / took
        stop.set()
        for task in held:
            task.cancel()
    answers = f"; {len(asked) / took:.0f} questions/s, p95 {percentile(asked, 95):.0f} ms" if asked else ""
    return f"{dashboards} open, {changes / took:.1f} events/s: {used:.2f} cores, each heard {told:.1f}/s{answers}"


async def _change(database: Database, bell: Bell, *, seconds: float) -> int:
    """Change conversations, so many a second."""
    random, changes, began = Random(3), 0, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        async with database.begin() as connection:
            one = 1 + random.randrange(1_000)
            at = datetime.now(UTC)
            await connection.execute(update(t.conversations).where(t.conversations.c.id == one).values(changed_at=at))
        await bell.announce()
        changes += 1
        await asyncio.sleep(max(0.0, changes / _EVENTS_A_SECOND - passed))
    return changes


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process has used. Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: Sequence[float], share: int) -> float:
    """Return a percentile, the nearest rank above."""
    ordered = sorted(values)
    return ordered[max(0, -(-share * len(ordered) // 100) - 1)]


@contextlib.asynccontextmanager
async def desk(url: str) -> AsyncIterator[tuple[Visitor, str]]:
    """The desk in a process of its own: a visitor, and the address of its Redis."""
    command = (sys.executable, "-m", "benchmarks.desk.house", url)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    assert process.stdin is not None
    told = json.loads(await process.stdout.readline())
    connector = aiohttp.TCPConnector(limit=0)
    try:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, cookies=told["cookies"]) as http:
            yield Visitor(http=http, url=told["url"], pid=process.pid), told["redis"]
    finally:
        process.stdin.close()
        await process.wait()


async def _measure(url: str, given: argparse.Namespace) -> None:
    database = await open_database(url)
    if given.plans:
        await asyncio.to_thread(given.plans.write_text, await written_plans(database))
    async with desk(url) as (visitor, redis):
        load = os.getloadavg()[0]
        await measure_pages(visitor, database, requests=given.requests)
        print(f"{database.dialect}, {platform.machine()}, {os.cpu_count()} cores, load before {load:.1f}")
        print("| page | requests | p50 ms | p95 ms | server's CPU ms |\n|---|--:|--:|--:|--:|")
        for kind, took in visitor.took_ms.items():
            told = f"{statistics.median(took):.1f} | {percentile(took, 95):.1f} | {visitor.cpu_ms[kind]:.1f}"
            print(f"| {kind} | {len(took)} | {told} |")
        bell = Bell.open(redis, consumer="changes")
        for asks in (False, True) if given.dashboards else ():
            cost = await measure_streams(
                visitor, database, bell, dashboards=given.dashboards, seconds=given.seconds, asks=asks
            )
            print(("asking what is new: " if asks else "streams alone: ") + cost)
        await bell.close()
    await database.close()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="filled by benchmarks.desk.data")
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=120)
    parser.add_argument("--dashboards", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--plans", type=Path, help="where to write the query plans")
    given = parser.parse_args()
    if given.database:
        await _measure(given.database, given)
        return
    with tempfile.TemporaryDirectory(prefix="genlyd-desk-") as folder:
        url = f"sqlite:///{folder}/desk.db"
        database = await open_database(url)
        await fill(database, posts=given.posts, seed=1, until=datetime.now(UTC))
        await database.close()
        await _measure(url, given)


if __name__ == "__main__":
    asyncio.run(_main())
