"""A cable between a process and a server, to be cut: a TCP proxy on loopback.

`cut` is a machine switched off: what is open ends, what is new is refused. `hush` is a network that swallows
everything: nothing ends, nothing comes, and nobody is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Cable:
    """Carries each connection to where `connect` leads, from a port of its own."""

    def __init__(self, connect: Callable[[], Awaitable[Ends]]) -> None:
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._carried: set[asyncio.StreamWriter] = set()
        self._speaks = asyncio.Event()
        self._speaks.set()
        self.port = 0

    async def mend(self) -> None:
        """Carry again, on the same port as before."""
        self._speaks.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
            self.port = int(self._server.sockets[0].getsockname()[1])

    async def hush(self) -> None:
        """Swallow everything."""
        self._speaks.clear()

    async def cut(self) -> None:
        """End what is open, refuse what comes."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._carried):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        self._carried.add(writer)
        try:
            await self._speaks.wait()
            far_reader, far_writer = await self._connect()
            ends.append(far_writer)
            self._carried.add(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer))
                both.create_task(self._pump(far_reader, writer))
        except* (OSError, RuntimeError):
            pass  # one side went without a word: so does the other
        finally:
            self._carried.difference_update(ends)
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction until its end, and tell the other side of it: what was said before it still arrives."""
        while piece := await reader.read(65536):
            await self._speaks.wait()
            writer.write(piece)
            await writer.drain()
        await self._speaks.wait()
        writer.write_eof()
