"""Owns the filtered stream of the emulated X: its rules, its one connection, and how it misbehaves on demand.

Refuses to own which posts exist. Semantics: docs.x.com filtered stream, read 2026-11.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from emulators import query, x_shapes
from emulators.faults import Fault, FaultPlan, cut
from emulators.world import Ids, Post, World, now
from emulators.x_access import WINDOW, refuse, tell
from emulators.x_shapes import PROBLEMS, Wanted

MAX_RULE_LENGTH, MAX_RULES = 1024, 1000
DISCONNECT = {
    "errors": [
        {
            "title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect",
            "detail": "This stream has been disconnected upstream for operational reasons.",
            "type": f"{PROBLEMS}/operational-disconnect",
        }
    ]
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    id: str
    value: str
    tag: str
    asks: query.Question

    def as_json(self) -> dict[str, str]:
        return {"id": self.id, "value": self.value} | ({"tag": self.tag} if self.tag else {})


class Rules:
    def __init__(self, seed: int | None) -> None:
        self._ids = Ids("x", seed)
        self.kept: dict[str, Rule] = {}

    def matching(self, facts: query.Facts) -> list[Rule]:
        return [rule for rule in self.kept.values() if rule.asks(facts)]

    def add(self, entries: list[dict[str, Any]], *, dry_run: bool) -> dict[str, Any]:
        made: list[Rule] = []
        errors: list[dict[str, Any]] = []
        for entry in entries:
            outcome = self._parse(str(entry.get("value", "")).strip(), str(entry.get("tag") or ""))
            if isinstance(outcome, Rule) and len(self.kept) + len(made) >= MAX_RULES:
                errors.append({"title": "RulesCapExceeded", "type": f"{PROBLEMS}/rule-cap"})
            elif isinstance(outcome, Rule):
                made.append(outcome)
            else:
                errors.append(outcome)
        if not dry_run:
            self.kept |= {rule.id: rule for rule in made}
        invalid = sum(error["title"] == "UnprocessableEntity" for error in errors)
        summary = {
            "created": len(made), "not_created": len(errors),
            "valid": len(entries) - invalid, "invalid": invalid,
        }  # fmt: skip
        shown = {"data": [rule.as_json() for rule in made], "errors": errors}
        return {k: v for k, v in shown.items() if v} | {"meta": _meta(summary=summary)}

    def delete(self, ids: list[str], *, dry_run: bool) -> dict[str, Any]:
        found = [i for i in ids if i in self.kept]
        missing = [i for i in ids if i not in self.kept]
        for rule_id in () if dry_run else found:
            del self.kept[rule_id]
        summary = {"deleted": len(found), "not_deleted": len(missing)}
        errors = [
            {"errors": [{"parameters": {}, "message": f"Rule does not exist: {i}"}], "title": "Invalid Request",
             "detail": "One or more parameters to your request was invalid.", "type": f"{PROBLEMS}/invalid-request"}
            for i in missing
        ]  # fmt: skip
        return {"meta": _meta(summary=summary)} | ({"errors": errors} if errors else {})

    def _parse(self, value: str, tag: str) -> Rule | dict[str, Any]:
        same = next((r for r in self.kept.values() if r.value == value), None)
        if same:
            return {"value": value, "id": same.id, "title": "DuplicateRule", "type": f"{PROBLEMS}/duplicate-rules"}
        if len(value) > MAX_RULE_LENGTH:
            return _invalid(value, f"Rules must be {MAX_RULE_LENGTH} characters or less")
        try:
            asks = query.parse(value, folds_accents=False)
        except query.BadQuery as err:
            return _invalid(value, str(err))
        return Rule(id=str(self._ids.next()), value=value, tag=tag, asks=asks)


def _invalid(value: str, why: str) -> dict[str, Any]:
    return {"value": value, "details": [why], "title": "UnprocessableEntity", "type": f"{PROBLEMS}/invalid-rules"}


def _meta(**extra: Any) -> dict[str, Any]:
    return {"sent": x_shapes.timestamp(now())} | extra


class Stream:
    """One connection at a time; posts written while nobody listens are not kept, as on the real one."""

    def __init__(self, world: World, plan: FaultPlan, rules: Rules, *, heartbeat_seconds: float) -> None:
        self._world, self._plan, self._rules = world, plan, rules
        self._heartbeat = heartbeat_seconds
        self._is_taken = False
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def serve(self, request: web.Request, wanted: Wanted) -> web.StreamResponse:
        if not self._rules.kept:
            detail = "You must define rules before connecting to the stream."
            return refuse(409, "ConnectionException", detail, f"{PROBLEMS}/streaming-connection",
                          connection_issue="RuleConfigurationIssue")  # fmt: skip
        if self._is_taken:
            detail = "This stream is currently at the maximum allowed connection limit."
            return refuse(429, "ConnectionException", detail, f"{PROBLEMS}/streaming-connection",
                          connection_issue="TooManyConnections")  # fmt: skip
        self._is_taken = True
        self._queue = asyncio.Queue()
        ends = (
            self._world.subscribe(lambda post: self._offer(post, wanted)),
            self._plan.watch(lambda: self._queue.put_nowait(None)),
        )
        try:
            return await self._run(request)
        except ConnectionResetError:
            # the client is gone in the middle of a line; nobody is left to answer
            return web.Response()
        finally:
            for end in ends:
                end()
            self._is_taken = False

    def _offer(self, post: Post, wanted: Wanted) -> None:
        rules = self._rules.matching(x_shapes.facts(self._world, post))
        if not rules:
            return
        shown: dict[str, Any] = {"data": x_shapes.post_json(self._world, post, wanted)}
        included = x_shapes.includes(self._world, [post], wanted)
        if included:
            shown["includes"] = included
        shown["matching_rules"] = [{"id": rule.id, "tag": rule.tag} for rule in rules]
        self._queue.put_nowait(_line(shown))

    async def _run(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
        tell(response, request[WINDOW])
        await response.prepare(request)
        await response.write(b"\r\n")
        while True:
            fault = self._plan.take_in_stream()
            if fault is not None:
                if await self._misbehave(request, response, fault):
                    return response
                continue
            await self._send_next(response)

    async def _send_next(self, response: web.StreamResponse) -> None:
        """A post, a heartbeat, or nothing when only the fault plan changed."""
        try:
            line = await asyncio.wait_for(self._queue.get(), self._heartbeat)
        except TimeoutError:
            await response.write(b"\r\n")
            return
        if line is not None:
            await response.write(line)
            self._plan.delivered()

    async def _misbehave(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> bool:
        """Returns whether the stream is over."""
        match fault.do:
            case "stall":
                await asyncio.sleep(60.0 if fault.seconds is None else fault.seconds)
                return False
            case "deaf":
                await self._beat_only(response, 60.0 if fault.seconds is None else fault.seconds)
                return False
            case "garbage":
                await response.write(b"<<this line is not JSON>>\r\n")
                return False
            case "reset":
                cut(request, rudely=True)
                return True
            case "disconnect_error":
                await response.write(_line(DISCONNECT))
            case "truncate":
                line = self._next_waiting()
                await response.write(line[: len(line) // 2])
        await response.write_eof()
        return True

    async def _beat_only(self, response: web.StreamResponse, seconds: float) -> None:
        """Heartbeats go on, and posts fall by the wayside."""
        until = now() + timedelta(seconds=seconds)
        while now() < until:
            await response.write(b"\r\n")
            await asyncio.sleep(self._heartbeat)
            while not self._queue.empty():
                self._queue.get_nowait()

    def _next_waiting(self) -> bytes:
        """The post that the cut falls on, or one nobody wrote when none waits."""
        while not self._queue.empty():
            line = self._queue.get_nowait()
            if line is not None:
                return line
        return _line({"data": {"id": "1", "text": "cut short"}, "matching_rules": []})


def _line(shown: dict[str, Any]) -> bytes:
    return json.dumps(shown, ensure_ascii=False).encode() + b"\r\n"
