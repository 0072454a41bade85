"""Owns listening on loopback and stopping at once, with streams open or not. Refuses to own what is served."""

import asyncio
import signal
from types import TracebackType
from typing import Self

from aiohttp import web

SHUTDOWN_SECONDS = 0.2


class Server:
    """`async with Server(app) as server:` listens while the block runs; `server.url` is where."""

    def __init__(self, app: web.Application, *, host: str = "127.0.0.1", port: int = 0) -> None:
        # handlers end with their client, so that a lost stream frees its place
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        self._host, self._port = host, port

    @property
    def url(self) -> str:
        host, port = self._runner.addresses[0][:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()


def stop_signal() -> asyncio.Event:
    """Set at SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def serve_until_stopped(app: web.Application, *, name: str, host: str, port: int) -> None:
    stopped = stop_signal()
    async with Server(app, host=host, port=port) as server:
        print(f"emulated {name} on {server.url}", flush=True)
        await stopped.wait()
