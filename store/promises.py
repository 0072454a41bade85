"""Promises: what somebody at the desk said they would do, and by when.

Owns the `promises` rows, and the alert that one was missed, which ends with it. Refuses to know how people are told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select, update

from core.decision import ORDINARY, Notice
from core.errors import Conflict
from store import rows
from store import tables as t
from store.alerts import queue_alert, settle_alerts
from store.conversations import touch
from store.database import Database
from store.people import record

_P, _C = t.promises.c, t.conversations.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise that still stands."""

    id: int
    conversation_id: int
    what: str
    due_at: datetime
    by: str


class Promises:
    """What we said we would do."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of(self, conversation_ids: Sequence[int]) -> dict[int, list[Promise]]:
        """Return the promises that stand, by conversation, what is due first first."""
        query = _standing().where(_P.conversation_id.in_(conversation_ids)).order_by(_P.due_at, _P.id)
        found: dict[int, list[Promise]] = {}
        for promise in await self._all(query):
            found.setdefault(promise.conversation_id, []).append(promise)
        return found

    async def due(self, person: str, *, before: datetime) -> list[Promise]:
        """Return what somebody promised that is due before an instant, what is due first first."""
        return await self._all(_standing().where(_P.by == person, _P.due_at < before).order_by(_P.due_at, _P.id))

    async def make(self, conversation_id: int, what: str, due_at: datetime, *, by: str, at: datetime) -> None:
        """Promise something. Raises: Conflict where that time is over, or there is no such conversation."""
        if due_at <= at:
            raise Conflict("that time is over already")
        async with self._db.begin() as connection:
            there = select(_C.id).where(_C.id == conversation_id).with_for_update()
            if (await connection.execute(there)).first() is None:
                raise Conflict("there is no such conversation")
            await connection.execute(
                insert(t.promises).values(
                    conversation_id=conversation_id, what=rows.storable(what), due_at=due_at, by=by, at=at
                )
            )
            await touch(connection, conversation_id, at=at)
            detail = {"due_at": due_at.isoformat()}
            subject = f"conversation {conversation_id}"
            await record(connection, by=by, action="promise", subject=subject, at=at, detail=detail)

    async def end(self, promise_id: int, *, of: int, is_kept: bool, by: str, at: datetime) -> bool:
        """It is kept, or called off; False where somebody ended it first, or it is none `of` that conversation."""
        ended = update(t.promises).where(_P.id == promise_id, _P.conversation_id == of, _P.ended_at.is_(None))
        ended = ended.values(ended_at=at, ended_by=by, is_kept=is_kept)
        async with self._db.begin() as connection:
            row = (await connection.execute(ended.returning(_P.conversation_id))).first()
            if row is None:
                return False
            await touch(connection, row.conversation_id, at=at)
            action = "promise kept" if is_kept else "promise called off"
            subject, detail = f"conversation {row.conversation_id}", {"before": "promised", "after": action}
            await record(connection, by=by, action=action, subject=subject, at=at, detail=detail)
            await settle_alerts(connection, conversation_id=of, promise_id=promise_id, by=by, at=at)
            return True

    async def tell_missed(self, *, at: datetime, limit: int = 100) -> int:
        """Queue an alert for each promise whose time is over, once. Returns how many."""
        missed = _standing().add_columns(_C.account, _C.urgency).join(t.conversations, _C.id == _P.conversation_id)
        missed = missed.where(_P.told_at.is_(None), _P.due_at <= at).order_by(_P.id).limit(limit)
        async with self._db.begin() as connection:
            found = (await connection.execute(missed.with_for_update(skip_locked=True, of=t.promises))).all()
            for row in found:
                notice = Notice(
                    kind=ORDINARY,
                    title=f"A promise by {row.by} is due",
                    # Its words stay at the desk: they may say what a customer said.
                    body="Somebody was promised something by now. The conversation says what.",
                    account=row.account,
                    urgency=row.urgency,
                    due_at=row.due_at,
                )
                await queue_alert(connection, notice, conversation_id=row.conversation_id, promise_id=row.id, at=at)
                await touch(connection, row.conversation_id, at=at)
            told = [row.id for row in found]
            await connection.execute(update(t.promises).where(_P.id.in_(told)).values(told_at=at))
            return len(found)

    async def _all(self, query: Select[Any]) -> list[Promise]:
        async with self._db.read() as connection:
            return [Promise(**row) for row in (await connection.execute(query)).mappings()]


def _standing() -> Select[Any]:
    return select(_P.id, _P.conversation_id, _P.what, _P.due_at, _P.by).where(_P.ended_at.is_(None))
