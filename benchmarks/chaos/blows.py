"""Dealing the blows of a plan: to the platforms, to our processes, to what they remember with.

Owns the order (one blow to us at a time; faults of the platforms whenever they come) and the note of what was done,
when, and to which sources. Refuses to judge what came of it: `check` does.
"""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from benchmarks.chaos.houses import Houses
from benchmarks.chaos.plan import Blow
from benchmarks.chaos.platforms import Emulated, Public
from benchmarks.chaos.record import EVERYWHERE, SOURCES, Disturbance, Source

# A source that was silent for longer than this has a gap at its start.
_SILENT_SECONDS = 66.0
_LONG_WAIT_SECONDS = 15.0


@dataclass
class Blows:
    """Deals blows, and keeps the account of them."""

    houses: Houses
    platforms: dict[str, Emulated]
    public: Public
    planned: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    disturbances: list[Disturbance] = field(default_factory=list)
    _due: deque[int] = field(default_factory=deque)
    _waiting: "asyncio.Queue[Blow]" = field(default_factory=asyncio.Queue)

    async def deal(self, blow: Blow) -> None:
        """Plan a fault at once; let any other blow wait for its turn."""
        if blow.do == "fault":
            await self.platforms[blow.platform].call("POST", "faults", [blow.fault])
            waits = 60.0 if blow.fault["do"] == "rate_limit_bare" else float(blow.fault.get("seconds", 0.0))
            if waits >= _LONG_WAIT_SECONDS:
                self.public.waiting_until[blow.platform] = time.monotonic() + waits
            return
        self.planned[blow.do] += 1
        self._due.append(blow.after)
        self._waiting.put_nowait(blow)

    async def run(self) -> None:
        """Deal what waits, one after the other, for ever."""
        while True:
            blow = await self._waiting.get()
            try:
                if await self._deal(blow):
                    self.done[blow.do] += 1
            finally:
                self._due.popleft()
                self._waiting.task_done()

    async def caught_up(self, written: int, *, lag: int) -> None:
        """Return once no blow is further behind the posts than `lag`: on a slow machine too they fall among them."""
        while self._due and self._due[0] < written - lag:  # noqa: ASYNC110 - several wait, each for its own
            await asyncio.sleep(0.05)

    async def all_dealt(self) -> None:
        """Return once nothing waits."""
        await self._waiting.join()

    async def _deal(self, blow: Blow) -> bool:
        match blow.do:
            case "kill" | "long kill":
                return await self._kill(blow)
            case "freeze":
                with _Noting(self, f"house {blow.house} frozen", self._heard_by(blow.house)):
                    return await self.houses.freeze(blow.house, blow.seconds)
            case "flush":
                return await self.houses.flush() or (await self._bring_back_valkey() and await self.houses.flush())
            case "valkey":
                kill = self.houses.kill_valkey
                return await kill() or (await self._bring_back_valkey() and await kill())
            case "down":
                return await self._take_down(blow)
            case "postgres" | "cut" | "hush":
                return await self._cut(blow)
        raise AssertionError(f"nobody knows how to deal {blow}")

    async def _kill(self, blow: Blow) -> bool:
        must = blow.seconds > _SILENT_SECONDS and self.houses.listens(blow.house)
        with _Noting(self, f"house {blow.house} killed", self._heard_by(blow.house), must=must):
            await self.houses.kill(blow.house, away=blow.seconds)
            if len(self.houses.houses) > 1:
                # The next blow does not wait for this one's end: somebody else works meanwhile.
                await asyncio.sleep(3.0)
                return True
            return await self.houses.ready(blow.house)

    async def _bring_back_valkey(self) -> bool:
        """A house's own Valkey that was killed comes back when the house starts."""
        return await self._kill(Blow(after=0, do="kill"))

    async def _take_down(self, blow: Blow) -> bool:
        cable = self.platforms[blow.platform].cable
        with _Noting(self, f"{blow.platform} down", SOURCES[blow.platform], must=True):
            await cable.cut()
            await asyncio.sleep(blow.seconds)
            await cable.mend()
        return True

    async def _cut(self, blow: Blow) -> bool:
        stores = self.houses.stores
        assert stores is not None
        self.houses.excused_until = time.monotonic() + blow.seconds + 30.0
        sources = EVERYWHERE if blow.do == "postgres" else self._heard_by(blow.house)
        with _Noting(self, f"{blow.do} {blow.house}", sources):
            if blow.do == "postgres":
                await stores.restart_postgres()
            else:
                await (stores.cut if blow.do == "cut" else stores.hush)(blow.house)
                await asyncio.sleep(blow.seconds)
                await stores.mend(blow.house)
        return True

    def _heard_by(self, house: int) -> tuple[Source, ...]:
        return EVERYWHERE if self.houses.listens(house) else ()


class _Noting:
    """Notes a disturbance from here to the end of the block."""

    def __init__(self, blows: Blows, what: str, sources: tuple[Source, ...], *, must: bool = False) -> None:
        self._blows, self._what, self._sources, self._must = blows, what, sources, must

    def __enter__(self) -> None:
        self._from_at = datetime.now(UTC)

    def __exit__(self, *_: object) -> None:
        self._blows.disturbances.append(
            Disturbance(
                what=self._what,
                sources=self._sources,
                from_at=self._from_at,
                until_at=datetime.now(UTC),
                must=self._must,
            )
        )
