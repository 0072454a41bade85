"""Our own processes in a chaos run: one house, or several that share a database, and what is done to them.

Owns starting, killing, freezing and watching them. Each process of several has a folder of its own, as on a machine
of its own.
"""

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from redis.asyncio import Redis
from redis.exceptions import RedisError

from benchmarks.chaos.record import Row
from benchmarks.chaos.stores import Stores
from tests.house import House

# What is attacked is the sending, so no budget of the account ends it; those of the authors stay.
_CONFIG = """
[[watches]]
account = "reddit-main"
mentions = false
keywords = ["brandware"]
subreddits = ["sandbox"]

[safety]
account_per_hour = 1000000
account_per_day = 1000000
same_text_per_hour = 1000000
"""
# The rooms of each process. Every one has pages, for the harness sees there whether it is well.
ROOMS = {
    1: ("listeners,sentiment,responder,dashboard",),
    3: (
        "listeners,responder,dashboard",
        "listeners,sentiment,responder,dashboard",
        "sentiment,responder,dashboard",
    ),
}
_START_SECONDS = 180.0


@dataclass
class Houses:
    """The processes. One that ends by itself while its stores are well has broken a promise."""

    houses: list[House]
    rooms: tuple[str, ...]
    stores: Stores | None = None
    ended_by_itself: list[str] = field(default_factory=list)
    # Until when a process may end by itself, for its stores are gone. A service manager would start it anew.
    excused_until: float = 0.0
    _is_ours: set[int] = field(default_factory=set)

    def listens(self, number: int) -> bool:
        """Whether a process hears the platforms."""
        return "listeners" in self.rooms[number]

    async def hear(self, source: str) -> bool:
        """Whether a source has been heard by one of those that listen."""
        listening = [house for number, house in enumerate(self.houses) if self.listens(number)]
        return any([await house.hears(source) for house in listening])

    async def start_all(self) -> None:
        """Start the first alone, for it makes the tables; then the others."""
        await self.start(0)
        for number in range(1, len(self.houses)):
            await self.start(number)

    async def start(self, number: int, *, wait: bool = True) -> None:
        """Start one process, and wait until it says that it is ready."""
        await self.houses[number].start("--log-level", "warning", "--only", self.rooms[number], wait=False)
        self._is_ours.discard(number)
        if wait:
            await self.ready(number)

    async def ready(self, number: int, seconds: float = _START_SECONDS) -> bool:
        """Wait until a process answers; its stores may be away."""
        house, deadline = self.houses[number], time.monotonic() + seconds
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while time.monotonic() < deadline:
                try:
                    async with session.get(f"{house.url}/readyz") as answer:
                        if answer.status == 200:
                            return True
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(0.1)
        return False

    async def kill(self, number: int, *, away: float = 0.0) -> None:
        """SIGKILL, and start it anew after `away` seconds."""
        self._is_ours.add(number)
        house = self.houses[number]
        if house.process is not None and house.process.returncode is None:
            await house.kill()
        await asyncio.sleep(away)
        await self.start(number, wait=False)

    async def freeze(self, number: int, seconds: float) -> bool:
        """SIGSTOP, and SIGCONT later. Returns whether it stood still."""
        process = self.houses[number].process
        if process is None or process.returncode is not None:
            return False
        os.kill(process.pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        stood = _state_of(process.pid) == "T"
        os.kill(process.pid, signal.SIGCONT)
        return stood

    async def flush(self) -> bool:
        """FLUSHALL. Returns whether a Valkey was there to be flushed."""
        async with self._redis() as redis:
            with suppress(RedisError):
                await redis.flushall()
                return True
        return False

    async def kill_valkey(self) -> bool:
        """SIGKILL to the Valkey. One of several processes' comes back; a house's own comes with the next start.

        Returns whether one was there to be killed.
        """
        if self.stores is not None:
            await self.stores.restart_valkey()
            return True
        pid = await self._valkey_pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    async def _valkey_pid(self) -> int | None:
        async with self._redis() as redis:
            with suppress(RedisError):
                return int((await redis.info("server"))["process_id"])
        return None

    async def watch(self) -> None:
        """Start anew what ended by itself, and remember it where that was no way to end."""
        while True:
            for number, house in enumerate(self.houses):
                process = house.process
                if process is None or process.returncode is None or number in self._is_ours:
                    continue
                if time.monotonic() > self.excused_until:
                    self.ended_by_itself.append(f"house {number} ({self.rooms[number]}): {house.log()[-800:]}")
                await self.start(number, wait=False)
            await asyncio.sleep(0.2)

    async def stop_all(self) -> None:
        """SIGTERM, as an operator does."""
        for number, house in enumerate(self.houses):
            self._is_ours.add(number)
            if house.process is not None and await house.stop() != 0:
                self.ended_by_itself.append(f"house {number} did not stop well: {house.log()[-800:]}")

    async def export(self, what: str) -> list[Row]:
        """Return what `genlyd export` writes."""
        return await self.houses[0].export(what)

    def _redis(self) -> Redis:
        if self.stores is not None:
            return Redis.from_url(self.stores.redis_url)
        socket = next((self.houses[0].folder / "data").rglob("valkey.sock"))
        return Redis.from_url(f"unix://{socket}")


def build_houses(folder: Path, *, x: str, reddit: str, stores: Stores | None, processes: int, recheck: float) -> Houses:
    """Return the processes with their configs written, not started."""
    houses = []
    for number in range(processes):
        house = House(
            folder=folder / f"h{number}",
            x=x,
            reddit=reddit,
            store=stores.lines(number) if stores is not None else "",
            x_poll=2,
            recheck=recheck,
        )
        house.write_config(_CONFIG)
        houses.append(house)
    return Houses(houses=houses, rooms=ROOMS[processes], stores=stores)


def _state_of(pid: int) -> str:
    """Return the kernel's letter for how a process stands; T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
