"""Owns the fault plan: which call goes wrong, how, how many times, and the record of what fired.

Refuses to own how an error looks on a platform: the platform's Voice says that. Two kinds of fault: those of one
request, and those of an open stream (X only), where `after` counts posts delivered instead of calls.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from aiohttp import web

from emulators.world import now

BEFORE = ("status", "hang", "slow", "drop", "rate_limit", "rate_limit_bare", "empty", "not_json")
AFTER = ("status_after", "hang_after", "drop_after")
IN_STREAM = ("close", "reset", "stall", "garbage", "disconnect_error", "truncate", "deaf")
HANG_SECONDS = 3600.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadPlan(Exception):
    """The plan asks for something unknown; the text lists what is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    on: str
    do: str
    times: int = 1
    after: int = 0
    seconds: float | None = None
    status: int = 503
    html: bool = False
    code: str = "RATELIMIT"


@dataclass(slots=True)
class Planned:
    """A fault with what has happened to it so far."""

    fault: Fault
    let_through: int = 0
    fired_at: list[str] = field(default_factory=list)

    @property
    def is_pending(self) -> bool:
        return len(self.fired_at) < self.fault.times

    def fire(self) -> Fault:
        self.fired_at.append(now().isoformat())
        return self.fault

    def as_json(self) -> dict[str, Any]:
        return asdict(self.fault) | {"fired": len(self.fired_at), "fired_at": list(self.fired_at)}


class Voice(Protocol):
    """How a platform says that something went wrong."""

    def error(self, status: int) -> web.Response: ...
    def rate_limited(self, seconds: float | None) -> web.Response: ...
    def api_error(self, fault: Fault) -> web.Response: ...
    def empty(self) -> web.Response: ...


class FaultPlan:
    def __init__(self, *, endpoints: Collection[str], extra: Collection[str] = (), streams: bool = False) -> None:
        self._endpoints = sorted(endpoints)
        self._request_faults = (*BEFORE, *AFTER, *extra)
        self._faults = (*self._request_faults, *(IN_STREAM if streams else ()))
        self._planned: list[Planned] = []
        self._watchers: list[Callable[[], None]] = []

    def add(self, document: object) -> None:
        """Append to the plan; nothing is added when any entry is wrong.

        Raises: BadPlan.
        """
        entries = document.get("faults") if isinstance(document, dict) else document
        if not isinstance(entries, list):
            raise BadPlan('expected a JSON list of faults, or {"faults": [...]}')
        self._planned += [Planned(self._parse(entry)) for entry in entries]
        for watcher in list(self._watchers):
            watcher()

    def clear(self) -> None:
        self._planned.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [planned.as_json() for planned in self._planned]

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call the watcher whenever the plan grows. Returns the call that ends it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def take(self, endpoint: str) -> Fault | None:
        """The fault that befalls this call, if any. Faults on one endpoint wait for each other, in the plan's order."""
        head = self._head(self._request_faults, endpoint)
        if head is None:
            return None
        if head.let_through < head.fault.after:
            head.let_through += 1
            return None
        return head.fire()

    def take_in_stream(self) -> Fault | None:
        head = self._head(IN_STREAM, "stream")
        return head.fire() if head and head.let_through >= head.fault.after else None

    def delivered(self) -> None:
        """One post went out on the stream."""
        head = self._head(IN_STREAM, "stream")
        if head:
            head.let_through += 1

    def _head(self, kinds: Collection[str], endpoint: str) -> Planned | None:
        matching = (p for p in self._planned if p.fault.on in (endpoint, "*") and p.fault.do in kinds)
        return next((p for p in matching if p.is_pending), None)

    def _parse(self, entry: object) -> Fault:
        if not isinstance(entry, Mapping):
            raise BadPlan(f"a fault is a JSON object, not {entry!r}")
        unknown = set(entry) - set(Fault.__dataclass_fields__)
        if unknown:
            raise BadPlan(f"unknown keys {sorted(unknown)}; known: {sorted(Fault.__dataclass_fields__)}")
        if entry.get("on") not in (*self._endpoints, "*"):
            raise BadPlan(f"unknown endpoint {entry.get('on')!r}; known: {', '.join(self._endpoints)}, *")
        if entry.get("do") not in self._faults:
            raise BadPlan(f"unknown fault {entry.get('do')!r}; known: {', '.join(self._faults)}")
        if entry["do"] in IN_STREAM and entry["on"] != "stream":
            raise BadPlan(f'fault {entry["do"]!r} happens in an open stream: use "on": "stream"')
        return self._checked(dict(entry))

    def _checked(self, entry: dict[str, Any]) -> Fault:
        for key, least in (("times", 1), ("after", 0), ("status", 400), ("seconds", 0)):
            value = entry.get(key)
            if value is None:
                entry.pop(key, None)
            elif isinstance(value, bool) or not isinstance(value, int | (float if key == "seconds" else int)):
                raise BadPlan(f"{key} is a number, not {value!r}")
            elif value < least or (key == "status" and value > 599):
                raise BadPlan(f"{key} {value!r} is out of range")
        return Fault(**entry)


async def answer(
    request: web.Request, handler: Handler, *, endpoint: str, plan: FaultPlan, voice: Voice
) -> web.StreamResponse:
    """Answer the request, with whatever fault the plan holds for it."""
    fault = plan.take(endpoint)
    if fault is None:
        return await handler(request)
    if fault.do == "slow":
        await asyncio.sleep(HANG_SECONDS if fault.seconds is None else fault.seconds)
        return await handler(request)
    if fault.do in AFTER:
        await handler(request)
    return await _misfire(request, fault, voice)


async def _misfire(request: web.Request, fault: Fault, voice: Voice) -> web.StreamResponse:
    match fault.do.removesuffix("_after"):
        case "hang":
            await asyncio.sleep(HANG_SECONDS if fault.seconds is None else fault.seconds)
            return cut(request)
        case "drop":
            return cut(request)
        case "rate_limit":
            return voice.rate_limited(60.0 if fault.seconds is None else fault.seconds)
        case "rate_limit_bare":
            return voice.rate_limited(None)
        case "empty":
            return voice.empty()
        case "not_json":
            return web.Response(text='{"data": [{"id": "1", ', content_type="application/json")
        case "status":
            return _html(fault.status) if fault.html else voice.error(fault.status)
        case _:
            return voice.api_error(fault)


def _html(status: int) -> web.Response:
    page = f"<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return web.Response(status=status, text=page, content_type="text/html")


def cut(request: web.Request, *, rudely: bool = False) -> web.Response:
    """Close the connection under the answer; rudely is a TCP reset."""
    transport = request.transport
    if transport is not None and rudely:
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    elif transport is not None:
        transport.close()
    # aiohttp wants a response; the closed transport swallows it
    return web.Response()
