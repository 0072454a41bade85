"""One seed played from the first post to the last look: writing, blows, calm, an epilogue, and the record.

Owns the order of that. Refuses to judge: `check` does.
"""

import asyncio
import tempfile
import time
from collections import Counter, deque
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.chaos.blows import Blows
from benchmarks.chaos.check import is_beyond_reach
from benchmarks.chaos.gaps import is_reasoned
from benchmarks.chaos.houses import Houses, build_houses
from benchmarks.chaos.plan import LOOKING, SENDING, STARTING, Blow, Plan, Turn
from benchmarks.chaos.platforms import Emulated, Public, open_platforms
from benchmarks.chaos.record import Record, Row
from benchmarks.chaos.stores import open_stores

_MOST_PONGS = 3
_PONG_EVERY_SECONDS = 5.0
_NUDGE_EVERY_SECONDS = 8.0
_LOOK_EVERY_SECONDS = 2.0


class Journey:
    """One seed on its way."""

    def __init__(self, plan: Plan, houses: Houses, platforms: dict[str, Emulated], *, rate: float) -> None:
        self.plan = plan
        self.houses = houses
        self.platforms = platforms
        self.public = Public(platforms, rate)
        self.blows = Blows(houses=houses, platforms=platforms, public=self.public)
        self._nudged_at = 0.0
        self._number = 10_000_000

    async def play(self, *, settle_seconds: float) -> Record:
        """Play it all. Returns what there is to be judged."""
        began = time.monotonic()
        early = [blow for blow in self.plan.blows if blow.after == 0]
        for blow in early:
            await self.blows.deal(blow)
        await self.houses.start_all()
        try:
            async with asyncio.TaskGroup() as helping:
                helpers = [helping.create_task(work()) for work in (self.blows.run, self.houses.watch, self._pongs)]
                await self._heard()
                wrote = time.monotonic()
                await self._write_all()
                await self.blows.all_dealt()
                seconds = time.monotonic() - wrote
                await self._settled(settle_seconds)
                for turn in self.plan.epilogue:
                    await self.public.write(turn)
                rows = await self._settled(settle_seconds)
                for helper in helpers:
                    helper.cancel()
        finally:
            await self.houses.stop_all()
        return await self._record(rows, {"writing, s": round(seconds), "in all, s": round(time.monotonic() - began)})

    async def _heard(self) -> None:
        """What is written before the stream is open for the first time belongs to nobody: wait for it."""
        async with asyncio.timeout(120):
            while not await self.houses.hear("stream"):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)

    async def _write_all(self) -> None:
        """Write on both platforms at once, each at its own pace, and deal what is due after so many posts."""
        blows = deque(blow for blow in self.plan.blows if blow.after > 0)
        written, lag = 0, len(self.plan.turns) // 10

        async def write_on(platform: str) -> None:
            nonlocal written
            for turn in self.plan.turns:
                if turn.platform != platform:
                    continue
                await self.blows.caught_up(written, lag=lag)
                said = await self.public.write(turn)
                written += 1
                if turn.gone_after is not None:
                    group.create_task(_after(turn.gone_after, self.public.delete(said)))
                while blows and blows[0].after <= written:
                    await self.blows.deal(blows.popleft())

        async with asyncio.TaskGroup() as group:
            for platform in self.platforms:
                group.create_task(write_on(platform))

    async def _pongs(self) -> None:
        """The machines with a person's name: they answer every answer, up to a point."""
        answered: set[str] = set()
        times: Counter[str] = Counter()
        while True:
            await asyncio.sleep(_PONG_EVERY_SECONDS)
            authors = {(said.platform, said.author) for said in self.public.said if said.kind == "pong"}
            for platform, emulated in self.platforms.items():
                rows = await emulated.rows("posts")
                by_id = {row["id"]: row for row in rows}
                for row in rows:
                    if not row["ours"] or row["parent"] is None or row["id"] in answered:
                        continue
                    author = by_id[row["parent"]]["author"]
                    answered.add(row["id"])
                    if (platform, author) in authors and times[author] < _MOST_PONGS:
                        times[author] += 1
                        words = "@brand thank you, and when is it mended? It is still broken"
                        await self.public.answer(row, platform, author, words)

    async def _settled(self, seconds: float) -> dict[str, list[Row]]:
        """Wait until every fault has fired and everything is at rest; return what `genlyd export` says."""
        deadline = time.monotonic() + seconds
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            pending = await self._pending()
            rows: dict[str, list[Row]] = {}
            if not pending:
                rows = {what: await self.houses.export(what) for what in ("posts", "decisions", "replies", "gaps")}
            if (rows and self._is_at_rest(rows)) or time.monotonic() > deadline:
                return rows or {
                    what: await self.houses.export(what) for what in ("posts", "decisions", "replies", "gaps")
                }
            if pending and time.monotonic() - self._nudged_at > _NUDGE_EVERY_SECONDS:
                self._nudged_at = time.monotonic()
                await self._nudge(pending)

    async def _pending(self) -> set[tuple[str, str, bool]]:
        return {
            (
                platform,
                fault["on"],
                fault["do"] in ("close", "reset", "stall", "garbage", "disconnect_error", "truncate"),
            )
            for platform, emulated in self.platforms.items()
            for fault in await emulated.rows("faults")
            if fault["fired"] < fault["times"]
        }

    def _is_at_rest(self, rows: dict[str, list[Row]]) -> bool:
        have = {(row["platform"], row["native_id"]) for row in rows["posts"]}
        wanted = {(s.platform, s.id): s for s in self.public.said if s.concerns_us and s.gone_at is None}
        missing = [said for key, said in wanted.items() if key not in have]
        moving = [row for row in rows["replies"] if row["state"] in ("approved", "sending") or _is_looked_for(row)]
        growing = [gap for gap in rows["gaps"] if gap["closed_at"] is None and not is_reasoned(gap)]
        is_whole = all(is_beyond_reach(rows["gaps"], said) for said in missing)
        return is_whole and all(row["stage"] == "decided" for row in rows["posts"]) and not moving and not growing

    async def _nudge(self, pending: set[tuple[str, str, bool]]) -> None:
        """Bring about the calls that wait for luck: a look for a lost reply, a reconnect, a start."""
        for platform, on, is_in_stream in pending:
            if on in STARTING[platform] or on == "search":
                if on in ("me", "token"):
                    await self.blows.deal(Blow(after=0, do="kill", house=0))
                elif platform == "x" and not is_in_stream and ("x", "stream", True) not in pending:
                    # One at a time: each makes the listener wait longer before it connects and meets the next.
                    await self._close_stream()
            elif on == LOOKING[platform][1]:
                fault = {"on": SENDING[platform], "do": "drop_after"}
                await self.blows.deal(Blow(after=0, do="fault", platform=platform, fault=fault))
                await self._ask(platform)
            elif on == SENDING[platform]:
                await self._ask(platform)

    async def _close_stream(self) -> None:
        await self.blows.deal(Blow(after=0, do="fault", platform="x", fault={"on": "stream", "do": "close"}))

    async def _ask(self, platform: str) -> None:
        """One ordinary question more, for somebody has to be answered."""
        self._number += 1
        us = "@brand" if platform == "x" else "u/brand"
        text = f"{us} my parcel is still broken and nobody answers me ({self._number})"
        author = f"extra_{self._number}"
        await self.public.write(
            Turn(number=self._number, platform=platform, kind="complaint", author=author, text=text)
        )

    async def _record(self, rows: dict[str, list[Row]], figures: dict[str, Any]) -> Record:
        public = {name: await emulated.rows("posts") for name, emulated in self.platforms.items()}
        return Record(
            said=tuple(self.public.said),
            public=public,
            faults={name: await emulated.rows("faults") for name, emulated in self.platforms.items()},
            **rows,
            planned=self.blows.planned,
            done=self.blows.done,
            disturbances=tuple(self.blows.disturbances),
            logs=tuple(house.log() for house in self.houses.houses),
            ended_by_itself=tuple(self.houses.ended_by_itself),
            figures=figures | _waits(public),
        )


async def play(plan: Plan, *, rate: float, keep: Path | None = None) -> Record:
    """Play a plan from nothing, and leave nothing running. `keep` keeps the processes' folders."""
    is_short = len(plan.turns) < 2_000
    async with AsyncExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="genlyd-chaos-")))
        platforms = await open_platforms(stack)
        stores = await open_stores(stack, plan.processes) if plan.processes > 1 else None
        urls = {name: f"http://127.0.0.1:{emulated.cable.port}" for name, emulated in platforms.items()}
        recheck = 5.0 if is_short else 30.0
        houses = build_houses(folder, **urls, stores=stores, processes=plan.processes, recheck=recheck)
        return await Journey(plan, houses, platforms, rate=rate).play(settle_seconds=90 if is_short else 600)


def _is_looked_for(reply: Row) -> bool:
    return reply["state"] == "unknown" and reply["not_before"] is not None


async def _after(seconds: float, then: Any) -> None:
    await asyncio.sleep(seconds)
    await then


def _waits(public: dict[str, list[Row]]) -> dict[str, float]:
    """Return how long people waited for an acknowledgement."""
    waits = []
    for rows in public.values():
        at = {row["id"]: datetime.fromisoformat(row["time"]) for row in rows}
        waits += [(at[row["id"]] - at[row["parent"]]).total_seconds() for row in rows if row["ours"] and row["parent"]]
    waits.sort()
    if not waits:
        return {}
    return {"p50 s": round(median(waits), 1), "p99 s": round(waits[int(0.99 * (len(waits) - 1))], 1)}
