"""The emulated platforms of a chaos run, each behind a cable that can be cut, and the public that writes there.

Owns speaking with the emulators over HTTP, past the cable: the public never notices that we are cut off.
"""

import asyncio
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp

from benchmarks.chaos.plan import ANSWERABLE, REDDIT_SHARE, Turn
from benchmarks.chaos.record import Row, Said
from tests.cable import Cable
from tests.house import ROOT

# A second of what is written where Reddit makes us wait for a minute: its listing holds 1,000 things.
_TRICKLE = 3.0
# Of the rate asked. A platform that fell behind is written to twice as fast until it has caught up.
_SHARES = {"x": 1 - REDDIT_SHARE, "reddit": REDDIT_SHARE}


@dataclass
class Emulated:
    """One emulator. `url` is its own, `cable` what the house is given."""

    platform: str
    url: str
    cable: Cable
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox for something."""
        async with self.session.request(method, f"{self.url}/sandbox/{path}", json=body) as answer:
            said = await answer.json()
            assert answer.status < 300, f"the sandbox of {self.platform} answered {said}"
            return said

    async def rows(self, what: str) -> list[Row]:
        """Return every post, or every planned fault."""
        return list(await self.call("GET", what))


async def open_platforms(stack: AsyncExitStack) -> dict[str, Emulated]:
    """Start both platforms, without rate windows, and leave them with the stack."""
    session = await stack.enter_async_context(aiohttp.ClientSession())
    return {
        "x": await _open(stack, session, "x", "--heartbeat", "1"),
        "reddit": await _open(stack, session, "reddit"),
    }


async def _open(stack: AsyncExitStack, session: aiohttp.ClientSession, platform: str, *options: str) -> Emulated:
    command = (sys.executable, "-m", "emulators", platform, "--port", "0", "--handle", "brand", "--limits", "off")
    process = await asyncio.create_subprocess_exec(*command, *options, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    stack.push_async_callback(_end, process)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip().rsplit(" ", 1)[1]
    cable = Cable(partial(asyncio.open_connection, "127.0.0.1", int(url.rsplit(":", 1)[1])))
    await cable.mend()
    stack.push_async_callback(cable.cut)
    return Emulated(platform=platform, url=url, cable=cable, session=session)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


@dataclass
class Public:
    """Everybody who writes. `said` is what was written, in that order."""

    platforms: dict[str, Emulated]
    rate: float
    said: list[Said] = field(default_factory=list)
    # Until when a platform keeps us waiting, on the monotonic clock.
    waiting_until: dict[str, float] = field(default_factory=dict)
    _ids: dict[int, str] = field(default_factory=dict)
    _at: dict[str, int] = field(default_factory=dict)
    _began: float = 0.0
    _written: Counter[str] = field(default_factory=Counter)

    async def write(self, turn: Turn) -> Said:
        """Write a turn when its time has come."""
        await asyncio.sleep(self._pause(turn.platform))
        self._written[turn.platform] += 1
        body: Row = {"author": turn.author, "text": turn.text}
        if turn.is_bot:
            body["bot"] = True
        if turn.minutes_old:
            body["at"] = datetime.fromtimestamp(time.time() - 60 * turn.minutes_old, UTC).isoformat()
        if turn.parent in self._ids:
            body["in_reply_to"] = self._ids[turn.parent]
        if turn.is_submission:
            body |= {"kind": "submission", "title": turn.text[:80]}
        return await self._write(turn.platform, turn.kind, body, number=turn.number, concerns_us=turn.concerns_us)

    def _pause(self, platform: str) -> float:
        now = time.monotonic()
        self._began = self._began or now
        if platform == "reddit" and self.waiting_until.get(platform, 0.0) > now:
            return 1 / _TRICKLE
        due = self._began + self._written[platform] / (self.rate * _SHARES[platform])
        return max(due - now, 0.5 / (self.rate * _SHARES[platform]))

    async def answer(self, under: Row, platform: str, author: str, text: str) -> Said:
        """Write under one of our replies, as a machine with a person's name would."""
        body = {"author": author, "text": text, "in_reply_to": under["id"]}
        return await self._write(platform, "pong", body, number=None, concerns_us=True)

    async def delete(self, said: Said) -> None:
        """Take a post back, as its author does."""
        await self.platforms[said.platform].call("DELETE", f"posts/{said.id}")
        at = self._at[said.id]
        self.said[at] = Said(
            platform=said.platform, id=said.id, kind=said.kind, author=said.author, written_at=said.written_at,
            concerns_us=said.concerns_us, may_be_answered=said.may_be_answered, gone_at=datetime.now(UTC),
        )  # fmt: skip

    async def _write(self, platform: str, kind: str, body: Row, *, number: int | None, concerns_us: bool) -> Said:
        written_at = datetime.now(UTC)
        post_id = str((await self.platforms[platform].call("POST", "posts", body))["id"])
        said = Said(
            platform=platform, id=post_id, kind=kind, author=body["author"], written_at=written_at,
            concerns_us=concerns_us, may_be_answered=kind in ANSWERABLE,
        )  # fmt: skip
        if number is not None:
            self._ids[number] = post_id
        self._at[post_id] = len(self.said)
        self.said.append(said)
        return said
