"""Reading the audit, and the one line in it that grows: failed sign-ins, counted by hour.

Owns both. Other lines are written where the change is made, with `store.people.record`, in its transaction.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update

from store import tables as t
from store.database import Database, alone

_A = t.audit.c
FAILED = "sign-in failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Who did what to which row, when; and what it was before and after."""

    id: int
    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines: of a person, an action, from an instant until another. Empty: all."""

    by: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Audit:
    """The audit."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def lines(self, wanted: Wanted, *, limit: int, before: int | None = None) -> list[Line]:
        """Return lines, the newest first, those older than the line `before`."""
        query = select(t.audit).where(*_which(wanted)).order_by(_A.id.desc()).limit(limit)
        if before is not None:
            query = query.where(_A.id < before)
        async with self._db.read() as connection:
            return [Line(**row) for row in (await connection.execute(query)).mappings()]

    async def every(self, wanted: Wanted) -> AsyncIterator[Line]:
        """Yield every line, the newest first, a thousand at a time."""
        before: int | None = None
        while found := await self.lines(wanted, limit=1_000, before=before):
            for line in found:
                yield line
            before = found[-1].id

    async def names(self) -> tuple[list[str], list[str]]:
        """Return who has lines, and which actions there are."""
        async with self._db.read() as connection:
            people = (await connection.execute(select(_A.by).distinct().order_by(_A.by))).scalars()
            actions = (await connection.execute(select(_A.action).distinct().order_by(_A.action))).scalars()
            return list(people), list(actions)

    async def count_failure(self, subject: str, *, at: datetime) -> None:
        """Count a failed sign-in: one line for each name of ours and hour, one for all names we do not have."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        this_hour = (_A.action == FAILED, _A.subject == subject, _A.at >= hour)
        async with self._db.begin() as connection:
            await alone(connection, t.audit)
            query = select(_A.id, _A.detail).where(*this_hour).order_by(_A.id.desc()).limit(1)
            row = (await connection.execute(query)).first()
            if row is None:
                values = {"at": at, "by": "genlyd", "action": FAILED, "subject": subject, "detail": {"count": 1}}
                await connection.execute(insert(t.audit).values(values))
                return
            detail = {"count": int(row.detail.get("count", 0)) + 1}
            await connection.execute(update(t.audit).where(_A.id == row.id).values(detail=detail))


def _which(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.by:
        conditions.append(_A.by == wanted.by)
    if wanted.action:
        conditions.append(_A.action == wanted.action)
    if wanted.since is not None:
        conditions.append(_A.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(_A.at < wanted.until)
    return conditions
