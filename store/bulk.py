"""Many conversations moved at once, and that undone.

Owns both; each is one transaction. What changed since a person saw it, or a colleague has, is left alone, never forced.
The undo reads what stood before from the audit, so it works from any process and cannot be told lies by a form. Refuses
to decide what may move: `core.conversation` does.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.conversation import Conversation, Move, Status, apply, snooze
from core.errors import Conflict, IllegalMove
from store import rows
from store import tables as t
from store.conversations import change, put
from store.database import Database
from store.people import record

# A page offers the undo for fifteen seconds; a slow line gets some more.
UNDO_SECONDS = 15
SNOOZE = "snooze"
_KEPT = timedelta(seconds=4 * UNDO_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What was done at once: which conversations moved, and how many were left as they were. `token` undoes it."""

    token: str
    action: str
    done: tuple[int, ...]
    left: int


class Bulk:
    """Moves of many conversations."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def move(self, seen: Mapping[int, int], move: Move, *, by: str, at: datetime) -> Batch:
        """Make `move` with every conversation that still has the version it was seen at (id: version)."""
        return await self._change(seen, move, lambda one: apply(one, move, by=by), by=by, at=at)

    async def snooze(self, seen: Mapping[int, int], until: datetime | None, *, by: str, at: datetime) -> Batch:
        """Put every conversation off that still has the version it was seen at."""
        return await self._change(seen, SNOOZE, lambda one: snooze(one, until, by=by, now=at), by=by, at=at)

    async def _change(
        self,
        seen: Mapping[int, int],
        action: str,
        make: Callable[[Conversation], Conversation],
        *,
        by: str,
        at: datetime,
    ) -> Batch:
        token, done = new_token(), []
        async with self._db.begin() as connection:
            # In one order everywhere, so that two people never wait for each other.
            for conversation_id, version in sorted(seen.items()):
                try:
                    await change(connection, conversation_id, action, make, by=by, version=version, at=at, batch=token)
                except (Conflict, IllegalMove):
                    continue
                done.append(conversation_id)
        return Batch(token=token, action=action, done=tuple(done), left=len(seen) - len(done))

    async def batch(self, token: str, *, by: str, at: datetime) -> Batch | None:
        """Return what `by` did a moment ago, None where there is no such batch or it is too old to undo."""
        async with self._db.read() as connection:
            lines = await _lines(connection, token, by=by, at=at)
        if not lines:
            return None
        return Batch(token=token, action=lines[0].action, done=tuple(_subject(line) for line in lines), left=0)

    async def undo(self, token: str, *, by: str, at: datetime) -> Batch | None:
        """Put back what a batch moved, but for what somebody moved since. None where there is none to undo."""
        async with self._db.begin() as connection:
            lines = await _lines(connection, token, by=by, at=at)
            done = [_subject(line) for line in lines if await _put_back(connection, line, by=by, at=at)]
        if not lines:
            return None
        return Batch(token="", action=lines[0].action, done=tuple(done), left=len(lines) - len(done))


def new_token() -> str:
    """Return a name for what is about to be done, by which it can be undone."""
    return secrets.token_urlsafe(12)


async def _lines(connection: AsyncConnection, token: str, *, by: str, at: datetime) -> list[rows.AnyRow]:
    a = t.audit.c
    query = select(t.audit).where(a.at >= at - _KEPT, a.by == by, a.subject.startswith("conversation ")).order_by(a.id)
    found = list(await connection.execute(query))
    return [line for line in found if token and line.detail.get("batch") == token]


async def _put_back(connection: AsyncConnection, line: rows.AnyRow, *, by: str, at: datetime) -> bool:
    conversation_id, version = _subject(line), line.detail["after"]["version"]
    query = select(t.conversations).where(t.conversations.c.id == conversation_id).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None or row.version != version:
        return False
    await put(connection, _before(rows.conversation(row), line.detail["before"]), version=version + 1, at=at)
    await _wake_alerts(connection, conversation_id, by=by, at=line.at)
    detail = {"before": line.detail["after"], "after": line.detail["before"]}
    await record(connection, by=by, action=f"undo {line.action}", subject=line.subject, at=at, detail=detail)
    return True


async def _wake_alerts(connection: AsyncConnection, conversation_id: int, *, by: str, at: datetime) -> None:
    """The alerts that this very move settled need somebody again: they are told anew."""
    c = t.alerts.c
    await connection.execute(
        update(t.alerts)
        .where(c.conversation_id == conversation_id, c.handled_by == by, c.handled_at == at)
        .values(
            handled_by=None,
            handled_at=None,
            group_id=None,
            telling_id=None,
            state=case((c.state.in_(("settled", "delivered")), "pending"), else_=c.state),
        )
    )


def _before(conversation: Conversation, was: Mapping[str, Any]) -> Conversation:
    return replace(
        conversation,
        status=Status(was["status"]),
        taken_by=was["taken_by"],
        assigned_to=was["assigned_to"],
        due_at=_instant(was["due_at"]),
        waiting_since=_instant(was["waiting_since"]),
        snoozed_until=_instant(was["snoozed_until"]),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _subject(line: rows.AnyRow) -> int:
    return int(line.subject.removeprefix("conversation "))
