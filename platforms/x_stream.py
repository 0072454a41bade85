"""One connection to X's filtered stream, on tweepy.

Owns the connection and its end. Refuses to reconnect, to wait and to parse: one connect a call, raw
lines out, and an ended stream raises.

Why so much is overridden (tweepy 4.17.0, run here 2026-11): after a clean close tweepy connects again at
once, 3,815 times in 2 seconds; an exception in a callback ends its task as if all were well.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

import aiohttp
from tweepy.asynchronous.streaming import AsyncStreamingClient

from core.clock import Clock
from core.errors import NeedsOperator, PlatformError, TryLater
from platforms.http import USER_AGENT, Door, make_session, network_error, stream_timeout

_MOST_WAITING = 1000
_LONGEST_LINE = 2**20
_OUR_OWN_FAULT = ("InvalidRules", "RulesInvalidIssue", "RuleConfigurationIssue", "ClientApplicationStateDegraded")


class Refused(Protocol):
    """Turns a refusing answer of X into an error of ours."""

    def __call__(self, status: int, headers: Mapping[str, str], body: Any, *, is_write: bool) -> PlatformError:
        """Return the error."""
        ...


class XStream(AsyncStreamingClient):
    """Raw lines of one connection. Unread lines are bounded: a slow reader slows X down, never memory."""

    def __init__(
        self,
        door: Door,
        *,
        clock: Clock,
        bearer_token: str,
        base_url: str | None,
        quiet_seconds: float,
        refused: Refused,
    ) -> None:
        super().__init__(bearer_token, max_retries=0)  # type: ignore[no-untyped-call]
        self._door = door
        self._clock = clock
        # When the last byte came: a post or a heartbeat. What ends the stream later says nothing of the time between.
        self.heard_at = clock.now()
        self._refused = refused
        self._quiet_seconds = quiet_seconds
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._opened = asyncio.Event()
        self._end: BaseException | None = None
        self.user_agent = USER_AGENT
        self.session: Any = make_session(
            base_url=base_url,
            timeout=stream_timeout(quiet_seconds),
            middlewares=(self._refuse,),
            longest_line=_LONGEST_LINE,
        )

    async def open(self, fields: Mapping[str, list[str]]) -> None:
        """Connect, once. Raises: PlatformError where X does not open the stream."""
        # The task is tweepy's own; `close` awaits it, so it cannot outlive its listener.
        self.filter(**fields)  # type: ignore[no-untyped-call]
        try:
            await self._opened.wait()
        except asyncio.CancelledError:
            await self.close()
            raise
        if self._end is not None:
            await self.close()
            raise self._why()

    async def read(self, wait_seconds: float) -> list[bytes]:
        """Return the lines that have come, waiting up to `wait_seconds` for the first one.

        Raises: PlatformError once the stream has ended and every line was read.
        """
        lines: list[bytes] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds):
                lines += self._taken(await self._next())
        while not self._lines.empty():
            lines += self._taken(self._lines.get_nowait())
        if not lines and self._has_ended():
            raise self._why()
        return lines

    def check(self) -> None:
        """Raises: PlatformError where the stream has ended, whatever is still to be read."""
        if self._has_ended():
            raise self._why()

    async def close(self) -> None:
        """Hang up, and see the task to its end."""
        task: asyncio.Task[None] | None = self.task
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        await self.session.close()

    async def on_connect(self) -> None:
        """tweepy: X said 200."""
        self.heard_at = self._clock.now()
        self._opened.set()

    async def on_data(self, raw_data: bytes) -> None:
        """tweepy: a line came. Only X's own farewells are read here."""
        self.heard_at = self._clock.now()
        if raw_data.startswith(b'{"errors"'):
            self._raise_farewell(raw_data)
        await self._lines.put(raw_data)

    async def on_keep_alive(self) -> None:
        """tweepy: a heartbeat. The socket's read timeout watches for their absence."""
        self.heard_at = self._clock.now()

    async def on_closed(self, resp: aiohttp.ClientResponse) -> None:  # noqa: ARG002 - tweepy's signature
        """tweepy: X closed the stream. Raising is the only way out of tweepy's loop."""
        raise TryLater(self._door.account, f"account '{self._door.account}': X closed the stream")

    async def on_connection_error(self) -> None:
        """tweepy: the network failed, or nothing came for too long. Called while the error is being handled."""
        error = sys.exception()
        if isinstance(error, aiohttp.ServerTimeoutError):
            message = f"account '{self._door.account}': nothing on X's stream for {self._quiet_seconds:g} seconds"
            raise TryLater(self._door.account, message) from error
        raise network_error(error or OSError(), self._door, is_write=False) from error

    async def on_exception(self, exception: BaseException) -> None:
        """tweepy: the loop was left by an exception, ours or another's. tweepy would now end in silence."""
        self._end = exception

    async def on_disconnect(self) -> None:
        """tweepy: over, whatever the cause."""
        if self._end is None:
            self._end = TryLater(self._door.account, f"account '{self._door.account}': the stream ended")
        self._opened.set()
        with suppress(asyncio.QueueFull):
            self._lines.put_nowait(None)

    async def _next(self) -> bytes | None:
        return None if self._has_ended() and self._lines.empty() else await self._lines.get()

    def _has_ended(self) -> bool:
        return self._end is not None

    @staticmethod
    def _taken(line: bytes | None) -> list[bytes]:
        return [] if line is None else [line]

    def _why(self) -> PlatformError:
        if isinstance(self._end, PlatformError):
            return self._end
        later = TryLater(self._door.account, f"account '{self._door.account}': the stream broke off")
        later.__cause__ = self._end
        return later

    async def _refuse(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Middleware: tweepy gives only the status of a refusal, and then sleeps; we need its headers and body."""
        response = await handler(request)
        if response.status == 200:
            return response
        text = await response.text(errors="replace")
        response.release()
        raise self._refused(response.status, response.headers, _json(text), is_write=False)

    def _raise_farewell(self, raw: bytes) -> None:
        body = _json(raw.decode(errors="replace"))
        if not isinstance(body, dict) or "data" in body:
            return
        errors = [error for error in body.get("errors") or [] if isinstance(error, dict)]
        kinds = [str(error.get("disconnect_type") or error.get("connection_issue") or "") for error in errors]
        reason = ", ".join(filter(None, kinds)) or "no reason given"
        message = f"account '{self._door.account}': X ends the stream: {reason}"
        if any(kind in _OUR_OWN_FAULT for kind in kinds):
            raise NeedsOperator(self._door.account, message, cure="Check the account's watches and its app at X.")
        raise TryLater(self._door.account, message)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
