"""How many posts a second one machine takes for minutes on end: the queue must not grow.

`python -m benchmarks.sustained [--rate 50] [--seconds 300] [--readers 0] [--database URL]`. The public writes at a
steady rate on emulated X and Reddit, from real threads and comments in ../shared/data that are gone through again when
they end; one Genlyd hears, reads, decides and answers, and `--readers` more processes only read. Every five seconds
the queue is looked at: posts written and not yet decided. The emulators and the public take their part of the same
cores, which is measured too. Exits 1 if a post was lost or answered twice, never for being slow.
"""

import argparse
import asyncio
import os
import re
import resource
import statistics
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.replay import Turn, mixed, on_platform, playground, report, settled, tell
from tests.house import ROOT, House

_LOOK_EVERY_SECONDS = 5.0
_WRITERS = 64
_TICKS = os.sysconf("SC_CLK_TCK")


def endless(turns: list[Turn], count: int) -> list[Turn]:
    """Return `count` turns: the same ones again, by other authors in other threads, where they do not suffice."""
    out: list[Turn] = []
    lap = 0
    while len(out) < count:
        out += [
            replace(
                turn,
                key=f"{lap}/{turn.key}",
                author=f"{turn.author[:11]}_{lap}",
                parent=None if turn.parent is None else f"{lap}/{turn.parent}",
            )
            for turn in turns[: count - len(out)]
        ]
        lap += 1
    return out


@dataclass(slots=True)
class Public:
    """Writes at its pace, several at once, whatever Genlyd is doing."""

    urls: dict[str, str]
    session: aiohttp.ClientSession
    ids: dict[str, str] = field(default_factory=dict)

    async def write(self, turns: list[Turn], *, rate: float) -> float:
        """Write every turn; return the seconds it took."""
        started, gate = time.monotonic(), asyncio.Semaphore(_WRITERS)
        async with asyncio.TaskGroup() as group:
            for number, turn in enumerate(turns):
                await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
                await gate.acquire()
                group.create_task(self._one(turn)).add_done_callback(lambda _: gate.release())
        return time.monotonic() - started

    async def _one(self, turn: Turn) -> None:
        body = {"author": turn.author, "text": turn.text}
        if turn.parent in self.ids:
            body["in_reply_to"] = self.ids[turn.parent]
        async with self.session.post(f"{self.urls[turn.platform]}/sandbox/posts", json=body) as answer:
            assert answer.status == 201, await answer.text()
            self.ids[turn.key] = (await answer.json())["id"]


@dataclass(slots=True)
class Watched:
    """What was seen of the queue: seconds since the start, posts written, posts decided."""

    seen: list[tuple[float, int, int]] = field(default_factory=list)

    async def look(self, house: House, public: Public, session: aiohttp.ClientSession) -> None:
        """Look every five seconds, until cancelled."""
        started = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            async with session.get(f"{house.url}/metrics") as answer:
                said = await answer.text()
            decided = sum(float(n) for n in re.findall(r"^genlyd_posts_decided_total\{.*\} (\S+)$", said, re.MULTILINE))
            self.seen.append((time.monotonic() - started, len(public.ids), int(decided)))

    def figures(self) -> dict[str, Any]:
        """Return the queue at the middle and the end, and what was decided a second in the second half."""
        half = self.seen[len(self.seen) // 2 :]
        (t0, _, done0), (t1, _, done1) = half[0], half[-1]
        queue = [written - decided for _, written, decided in half]
        return {
            "decided a second, second half": round((done1 - done0) / max(t1 - t0, 1e-9), 1),
            "queue at half time": queue[0],
            "queue at the end": queue[-1],
            "queue, median of the second half": statistics.median(queue),
        }


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has used. Linux only; 0 elsewhere."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()


async def readers(stack: AsyncExitStack, house: House, count: int) -> list[int]:
    """Start processes that only read; return their ids."""
    pids = []
    for _ in range(count):
        command = (sys.executable, "-m", "app", "run", "--only", "sentiment", "--log-level", "warning")
        process = await asyncio.create_subprocess_exec(*command, "--config", str(house.config), cwd=ROOT)
        stack.callback(partial(_end, process))
        pids.append(process.pid)
    return pids


async def main(a: argparse.Namespace) -> int:
    """Run, look and print."""
    turns = endless(mixed(a.data, None), int(a.rate * a.seconds))
    watched = Watched()
    async with AsyncExitStack() as stack:
        urls, session, house = await playground(stack, a.database)
        try:
            assert house.process is not None
            pids = [house.process.pid, *await readers(stack, house, a.readers)]
            public = Public(urls, session)
            looking = asyncio.create_task(watched.look(house, public, session))
            before = sum(map(cpu_seconds, pids))
            took = await public.write(turns, rate=a.rate)
            spent = sum(map(cpu_seconds, pids)) - before
            looking.cancel()
            posts, replies = await settled(house, expected=len(turns))
        finally:
            await house.stop()
        everything = [post for url in urls.values() for post in await on_platform(session, url)]
    figures, broken = report(list(public.ids.values()), everything, posts, replies)
    public_cpu = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    measured = {
        "rate asked, posts/s": a.rate,
        "rate held, posts/s": round(len(turns) / took, 1),
        "seconds": round(took),
        **watched.figures(),
        "cores used by Genlyd": round(spent / took, 2),
        "cores used by the public": round(public_cpu / took, 2),
    }
    return tell(measured | figures, broken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--readers", type=int, default=0)
    parser.add_argument("--database")
    sys.exit(asyncio.run(main(parser.parse_args())))
