"""A wire between two parts that can be cut and mended: a TCP proxy of our own, on loopback.

Owns the wire. Refuses to read what goes over it. A cut wire refuses connections and ends those it carries, as a
machine that is switched off does; a hushed one swallows everything, as a network that is gone does.
"""

import asyncio
from collections.abc import Awaitable, Callable

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Ends]]


def tcp(host: str, port: int) -> Connect:
    """Return the way to a TCP port."""
    return lambda: asyncio.open_connection(host, port)


def unix(path: str) -> Connect:
    """Return the way to a unix socket."""
    return lambda: asyncio.open_unix_connection(path)


class Wire:
    """Listens on a port of its own and carries every connection to where `connect` leads."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._carried: set[asyncio.StreamWriter] = set()
        self._speaks = asyncio.Event()
        self._speaks.set()
        self.port = 0

    async def mend(self) -> None:
        """Carry, on the same port as before."""
        self._speaks.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
            self.port = int(self._server.sockets[0].getsockname()[1])

    def hush(self) -> None:
        """Swallow everything: nothing ends, nothing comes, and nobody is told."""
        self._speaks.clear()

    async def cut(self) -> None:
        """Refuse what comes, end what there is."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._carried):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._carried.add(writer)
        far_writer: asyncio.StreamWriter | None = None
        try:
            await self._speaks.wait()
            far_reader, far_writer = await self._connect()
            self._carried.add(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer))
                both.create_task(self._pump(far_reader, writer))
        except* (OSError, RuntimeError):
            pass  # one side went without a word: so does the other
        finally:
            for end in filter(None, (writer, far_writer)):
                self._carried.discard(end)
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction until its end, and tell the other side of it."""
        while piece := await reader.read(65536):
            await self._speaks.wait()
            writer.write(piece)
            await writer.drain()
        await self._speaks.wait()
        writer.write_eof()
