"""Alerts to people: queued as rows, claimed, delivered or tried again.

Owns the `alerts` rows. Refuses to know how people are reached.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.decision import Notice
from store import tables as t
from store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to tell people."""

    id: int
    conversation_id: int | None
    kind: str
    title: str
    body: str
    attempts: int


class Alerts:
    """What people are to be told."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def queue(self, notice: Notice, *, at: datetime) -> None:
        """Queue an alert about the house itself."""
        async with self._db.begin() as connection:
            await queue_alert(connection, notice, conversation_id=None, at=at)

    async def claim_due(self, *, at: datetime, hold_until: datetime, limit: int = 16) -> list[Alert]:
        """Return alerts to deliver now; nobody else gets them before `hold_until`."""
        a = t.alerts.c
        due = (
            select(a.id)
            .where(a.state == "pending", a.not_before <= at)
            .order_by(a.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        claimed = (
            update(t.alerts)
            .where(a.id.in_(due.scalar_subquery()))
            .values(not_before=hold_until, attempts=a.attempts + 1)
            .returning(a.id, a.conversation_id, a.kind, a.title, a.body, a.attempts)
        )
        async with self._db.begin() as connection:
            return [Alert(**row) for row in (await connection.execute(claimed)).mappings()]

    async def mark_delivered(self, alert: Alert, *, at: datetime) -> None:
        """Somebody was told."""
        await self._set(alert, state="delivered", sent_at=at, problem=None)

    async def mark_failed(self, alert: Alert, problem: str, *, not_before: datetime) -> None:
        """Nobody was reached; try again. Alerts are never given up."""
        await self._set(alert, problem=problem, not_before=not_before)

    async def count_by_state(self) -> dict[str, int]:
        """Return how many alerts stand at each state."""
        query = select(t.alerts.c.state, func.count()).group_by(t.alerts.c.state)
        async with self._db.read() as connection:
            return dict((await connection.execute(query)).all())

    async def _set(self, alert: Alert, **values: object) -> None:
        async with self._db.begin() as connection:
            await connection.execute(update(t.alerts).where(t.alerts.c.id == alert.id).values(**values))


async def queue_alert(
    connection: AsyncConnection, notice: Notice, *, conversation_id: int | None, at: datetime
) -> None:
    """Write an alert to be delivered, within the caller's transaction."""
    await connection.execute(
        insert(t.alerts).values(
            conversation_id=conversation_id,
            kind=notice.kind,
            title=notice.title,
            body=notice.body,
            state="pending",
            attempts=0,
            not_before=at,
            created_at=at,
        )
    )
