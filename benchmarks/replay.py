"""Real threads and comments through the emulators at a steady pace: nothing lost, nobody answered twice.

`python -m benchmarks.replay [--rate 50] [--kills 10] [--limit N] [--database URL]`. Reads the threads and
comments in ../shared/data, plays the public on emulated X and Reddit, runs Genlyd as one process, kills it
with SIGKILL at random moments where asked, and then compares what was posted with what was stored and
answered, from the platforms' side and from ours. Prints the figures; exits 1 if a promise was broken.
"""

import argparse
import asyncio
import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import aiohttp

from tests.house import ROOT, House

_SETTLE_SECONDS = 180
# What is measured is how fast it answers, so nothing stops at a budget.
BOUNDLESS = """
[safety]
account_per_hour = 1000000
account_per_day = 1000000
author_per_hour = 1000
author_per_day = 1000
same_text_per_hour = 1000000
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One post of the public: where, by whom, under which earlier turn."""

    platform: str
    key: str
    author: str
    text: str
    parent: str | None = None


def threads(data: Path) -> Iterator[Turn]:
    """The customers' turns of real threads, addressed to @brand, on X."""
    with (data / "threads_en.jsonl").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            thread = json.loads(line)
            last: str | None = None
            for turn in thread["turns"]:
                if turn["role"] != "customer":
                    continue
                text = re.sub(rf"@{re.escape(thread['brand'])}\b", "@brand", turn["text"], flags=re.IGNORECASE)
                text = text if "@brand" in text.lower() else f"@brand {text}"
                yield Turn(
                    platform="x",
                    key=turn["id"],
                    author=f"c{number}_{turn['author'][-4:]}".replace("-", "_")[:15],
                    text=text[:280],
                    parent=last,
                )
                last = turn["id"]


def comments(data: Path) -> Iterator[Turn]:
    """Danish comments, addressed to u/brand, on Reddit."""
    with (data / "stream_da_comments.jsonl").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            yield Turn(platform="reddit", key=row["id"], author=f"laeser_{number}", text=f"u/brand {row['text']}")


def mixed(data: Path, limit: int | None) -> list[Turn]:
    """Both, interleaved."""
    both = zip_longest(threads(data), comments(data))
    turns = [turn for pair in both for turn in pair if turn is not None]
    return turns[:limit] if limit else turns


class Public:
    """Writes the turns at a steady pace, whatever Genlyd is doing."""

    def __init__(self, urls: dict[str, str], session: aiohttp.ClientSession) -> None:
        self._urls = urls
        self._session = session
        self.ids: dict[str, str] = {}
        self.written: list[str] = []

    async def write_all(self, turns: list[Turn], *, rate: float) -> float:
        """Write every turn; return the seconds it took."""
        started = time.monotonic()
        for number, turn in enumerate(turns):
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            body = {"author": turn.author, "text": turn.text}
            if turn.parent in self.ids:
                body["in_reply_to"] = self.ids[turn.parent]
            async with self._session.post(f"{self._urls[turn.platform]}/sandbox/posts", json=body) as answer:
                assert answer.status == 201, await answer.text()
                self.ids[turn.key] = (await answer.json())["id"]
                self.written.append(self.ids[turn.key])
        return time.monotonic() - started


async def emulator(stack: AsyncExitStack, platform: str) -> str:
    """Start one emulated platform without rate windows; return its address."""
    command = (sys.executable, "-m", "emulators", platform, "--port", "0", "--handle", "brand", "--limits", "off")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    stack.callback(lambda: process.terminate() if process.returncode is None else None)
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip().rsplit(" ", 1)[1]


async def kill_now_and_then(house: House, *, kills: int, seconds: float, rng: random.Random) -> None:
    """SIGKILL at random moments spread over `seconds`, starting again at once each time."""
    moments = sorted(rng.uniform(5, max(6.0, seconds - 2)) for _ in range(kills))
    started = time.monotonic()
    for moment in moments:
        await asyncio.sleep(max(0.0, started + moment - time.monotonic()))
        await house.ready()
        await asyncio.sleep(rng.uniform(0, 1.5))
        await house.kill()
        await house.start(wait=False)
    await house.ready()


async def settled(house: House, *, expected: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Wait until every post is decided and every reply is at rest; return posts and replies."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        posts, replies = await house.export("posts"), await house.export("replies")
        stages = Counter(post["stage"] for post in posts)
        moving = [reply for reply in replies if reply["state"] in ("approved", "sending") or _is_looked_for(reply)]
        if (len(posts) >= expected and set(stages) <= {"decided"} and not moving) or time.monotonic() > deadline:
            return posts, replies
        await asyncio.sleep(2)


def _is_looked_for(reply: dict[str, Any]) -> bool:
    """An unknown reply without a next look is left to a person."""
    return reply["state"] == "unknown" and reply["not_before"] is not None


async def on_platform(session: aiohttp.ClientSession, url: str) -> list[dict[str, Any]]:
    """Return everything that stands on an emulated platform."""
    async with session.get(f"{url}/sandbox/posts") as answer:
        rows: list[dict[str, Any]] = await answer.json()
        return rows


def report(
    written: list[str], public: list[dict[str, Any]], posts: list[dict[str, Any]], replies: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """Return the figures and every broken promise."""
    stored = Counter(post["native_id"] for post in posts)
    ours = [post for post in public if post["ours"]]
    under = Counter(post["parent"] for post in ours)
    at = {post["id"]: datetime.fromisoformat(post["time"]) for post in public}
    waits = sorted((at[post["id"]] - at[post["parent"]]).total_seconds() for post in ours)
    broken = []
    missing = [native for native in written if stored[native] == 0]
    if missing:
        broken.append(f"{len(missing)} posts were never stored, such as {missing[:3]}")
    twice = [native for native, count in stored.items() if count > 1]
    if twice:
        broken.append(f"{len(twice)} posts were stored twice")
    doubled = [parent for parent, count in under.items() if count > 1]
    if doubled:
        broken.append(f"{len(doubled)} posts have two replies, such as {doubled[:3]}")
    undecided = [post for post in posts if post["stage"] != "decided"]
    if undecided:
        broken.append(f"{len(undecided)} posts are not decided")
    figures: dict[str, Any] = {
        "posts in": len(written),
        "posts stored": len(posts),
        "replies on the platforms": len(ours),
        "replies by state": dict(Counter(reply["state"] for reply in replies)),
        "post to acknowledgement, p50 s": round(statistics.median(waits), 3) if waits else None,
        "post to acknowledgement, p99 s": round(waits[int(0.99 * (len(waits) - 1))], 3) if waits else None,
        "slowest s": round(waits[-1], 3) if waits else None,
        "where the time goes, median s": {platform: _steps(replies, platform) for platform in ("x", "reddit")},
    }
    return figures, broken


def _steps(replies: list[dict[str, Any]], platform: str) -> dict[str, float]:
    """Return the median seconds of each step of what was acknowledged on one platform, as we saw them."""
    names = ("posted_at", "heard_at", "created_at", "sending_at", "settled_at")
    sent = [reply for reply in replies if reply["platform"] == platform and reply["state"] == "sent"]
    times = [[datetime.fromisoformat(reply[name]) for name in names] for reply in sent]
    steps = dict(zip(("heard", "read and decided", "claimed", "sent"), range(4), strict=True))
    return {
        step: round(statistics.median((row[at + 1] - row[at]).total_seconds() for row in times), 3)
        for step, at in steps.items()
        if times
    }


async def playground(
    stack: AsyncExitStack, database: str | None
) -> tuple[dict[str, str], aiohttp.ClientSession, House]:
    """Start both platforms and a Genlyd that no budget stops; return addresses, a session to speak to them, the house.

    The house is not stopped with `stack`: its caller looks into it first.
    """
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="genlyd-")))
    urls = {platform: await emulator(stack, platform) for platform in ("x", "reddit")}
    session = await stack.enter_async_context(aiohttp.ClientSession())
    store = f'database = "{database}"' if database else ""
    house = House(folder=folder, x=urls["x"], reddit=urls["reddit"], store=store)
    house.write_config(BOUNDLESS)
    await house.start("--log-level", "warning")
    return urls, session, house


def tell(figures: dict[str, Any], broken: list[str]) -> int:
    """Print the figures and every broken promise; return the status that says whether there is one."""
    print(json.dumps(figures, indent=2))
    for promise in broken:
        print(f"BROKEN: {promise}")
    return 1 if broken else 0


async def main(a: argparse.Namespace) -> int:
    """Run the replay and print what came of it."""
    turns = mixed(a.data, a.limit)
    async with AsyncExitStack() as stack:
        urls, session, house = await playground(stack, a.database)
        try:
            public = Public(urls, session)
            seconds = len(turns) / a.rate
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(public.write_all(turns, rate=a.rate))
                if a.kills:
                    group.create_task(
                        kill_now_and_then(house, kills=a.kills, seconds=seconds, rng=random.Random(a.seed))
                    )
            posts, replies = await settled(house, expected=len(turns))
        finally:
            await house.stop()
            if a.keep_log:
                a.keep_log.write_text(house.log())
        everything = [post for url in urls.values() for post in await on_platform(session, url)]
    figures, broken = report(public.written, everything, posts, replies)
    figures = {"rate asked, posts/s": a.rate, "rate held, posts/s": round(len(turns) / writing.result(), 1), **figures}
    figures["kills"] = a.kills
    return tell(figures, broken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database")
    parser.add_argument("--keep-log", type=Path)
    sys.exit(asyncio.run(main(parser.parse_args())))
