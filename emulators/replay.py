"""Owns feeding running emulators with customers' posts, shuffled and unevenly paced, until stopped.

Refuses to own what they say: replay_posts.toml does. In its texts @brand and #brand stand for the account's own name.
"""

import asyncio
import random
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from emulators.serve import stop_signal

POSTS = Path(__file__).parent / "replay_posts.toml"
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0
# a follow-up comes at least this long after what it follows
FOLLOW_UP_SECONDS = (4.0, 20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One post, and what the same person adds later in the thread."""

    author: str
    text: str
    lang: str
    on: str
    followers: int
    then: tuple[str, ...]


def read_lines(path: Path = POSTS) -> list[Line]:
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["posts"]
    return [
        Line(
            author=e["author"], text=e["text"], lang=e["lang"], on=e.get("on", "any"),
            followers=e.get("followers", 120), then=tuple(e.get("then", ())),
        )
        for e in entries
    ]  # fmt: skip


def body_for(line: Line, platform: str, *, handle: str, subreddit: str) -> dict[str, Any]:
    """The sandbox request for one line. X clips nothing here: lines are short by themselves."""
    body: dict[str, Any] = {"author": line.author, "followers": line.followers}
    body["text"] = _named(line.text, platform, handle)
    if platform == "reddit":
        return body | {"subreddit": subreddit}
    # X writes Norwegian as "no"
    return body | {"lang": "no" if line.lang == "nb" else line.lang}


def _named(text: str, platform: str, handle: str) -> str:
    text = re.sub(r"(?<=#)brand", handle, text)
    return text.replace("@brand", f"u/{handle}" if platform == "reddit" else f"@{handle}")


async def run(targets: Mapping[str, str], *, per_minute: float, seed: int | None, subreddit: str, handle: str) -> None:
    """Post until SIGTERM or SIGINT."""
    feed = Feed(targets, handle=handle, subreddit=subreddit, draw=random.Random(seed))
    stopped = stop_signal()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        feeding = asyncio.create_task(feed.forever(session, per_minute))
        stopping = asyncio.create_task(stopped.wait())
        done, pending = await asyncio.wait((feeding, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()


class Feed:
    def __init__(self, targets: Mapping[str, str], *, handle: str, subreddit: str, draw: random.Random) -> None:
        self._targets = {name: url.rstrip("/") for name, url in targets.items()}
        self._handle, self._subreddit, self._draw = handle, subreddit, draw

    async def forever(self, session: aiohttp.ClientSession, per_minute: float) -> None:
        """Each platform is fed by itself, so that one that is away does not silence the other."""
        per_second = per_minute / 60 / len(self._targets)
        async with asyncio.TaskGroup() as tasks:
            for platform in self._targets:
                tasks.create_task(self._feed(session, platform, per_second))

    async def _feed(self, session: aiohttp.ClientSession, platform: str, per_second: float) -> None:
        follow_ups: set[asyncio.Task[None]] = set()
        for line in self._shuffled(platform):
            post_id = await self._insist(session, platform, line)
            if line.then:
                task = asyncio.create_task(self._follow_up(session, platform, line, post_id))
                follow_ups.add(task)
                task.add_done_callback(follow_ups.discard)
            await asyncio.sleep(self._draw.expovariate(per_second))

    def _shuffled(self, platform: str) -> Iterator[Line]:
        """Every line that suits the platform, in a new order each round."""
        suiting = [line for line in read_lines() if line.on in ("any", platform)]
        while True:
            yield from self._draw.sample(suiting, len(suiting))

    async def _insist(self, session: aiohttp.ClientSession, platform: str, line: Line) -> str:
        """Try until the emulator is there again, waiting longer each time. Returns the new post's id."""
        body = body_for(line, platform, handle=self._handle, subreddit=self._subreddit)
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                return await self._post(session, platform, body)
            except (aiohttp.ClientError, TimeoutError) as err:
                print(f"replay: {platform} is away ({err}); next try in {wait:.0f} s", file=sys.stderr, flush=True)
                await asyncio.sleep(wait * self._draw.uniform(0.8, 1.2))
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _post(self, session: aiohttp.ClientSession, platform: str, body: dict[str, Any]) -> str:
        async with session.post(f"{self._targets[platform]}/sandbox/posts", json=body) as response:
            response.raise_for_status()
            return str((await response.json())["id"])

    async def _follow_up(self, session: aiohttp.ClientSession, platform: str, line: Line, post_id: str) -> None:
        """What is added to a thread is lost when the thread is gone; nobody insists."""
        for text in line.then:
            await asyncio.sleep(self._draw.uniform(*FOLLOW_UP_SECONDS))
            body = {"author": line.author, "text": _named(text, platform, self._handle), "in_reply_to": post_id}
            try:
                post_id = await self._post(session, platform, body)
            except (aiohttp.ClientError, TimeoutError):
                return
