"""Incidents: opened once however many processes see the storm, listed, and closed by a person.

Owns the `incidents` and `incident_posts` rows. Refuses to judge: the caller hands in why.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Language
from core.decision import Notice
from core.errors import Conflict
from core.incident import Incident, Measure, Trip
from store import rows
from store import tables as t
from store.alerts import queue_alert, settle_alerts
from store.database import Database
from store.people import record

_I = t.incidents.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One post of a storm, as an incident lists it."""

    post_id: int
    conversation_id: int
    handle: str
    text: str
    sentiment: str | None
    posted_at: datetime


class Incidents:
    """The storms there were, and the ones there are."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def trip(
        self, account: str, trip: Trip, *, statements: Mapping[Language, str], notice: Notice, at: datetime
    ) -> Incident | None:
        """Open the account's incident and queue its alert; None where one is open already: another was first."""
        statement = rows.insert(t.incidents, self._db.dialect).values(
            account=account,
            opened_at=at,
            reasons=list(trip.reasons),
            measures=[asdict(measure) for measure in trip.measures],
            statements={str(language): text for language, text in statements.items()},
            version=1,
            heard_per_minute=0.0,
            negative_per_minute=0.0,
        )
        statement = statement.on_conflict_do_nothing(index_elements=["account"], index_where=_I.closed_at.is_(None))
        async with self._db.begin() as connection:
            opened = (await connection.execute(statement.returning(*t.incidents.c))).first()
            if opened is None:
                return None
            await join_incident(connection, opened.id, trip.post_ids)
            await queue_alert(connection, notice, incident_id=opened.id, at=at)
            detail = {"reasons": list(trip.reasons)}
            await record(connection, by="genlyd", action="breaker tripped", subject=account, at=at, detail=detail)
            return read_incident(opened)

    async def open(self) -> list[Incident]:
        """Return the open incidents, oldest first."""
        query = select(t.incidents).where(_I.closed_at.is_(None)).order_by(_I.id)
        async with self._db.read() as connection:
            return [read_incident(row) for row in await connection.execute(query)]

    async def get(self, incident_id: int) -> Incident | None:
        """Return one incident."""
        async with self._db.read() as connection:
            row = (await connection.execute(select(t.incidents).where(_I.id == incident_id))).first()
            return read_incident(row) if row else None

    async def closed(self, *, limit: int = 50) -> list[Incident]:
        """Return the incidents that are over, the newest first."""
        query = select(t.incidents).where(_I.closed_at.is_not(None)).order_by(_I.id.desc()).limit(limit)
        async with self._db.read() as connection:
            return [read_incident(row) for row in await connection.execute(query)]

    async def lately(self, *, since: datetime) -> dict[str, list[Incident]]:
        """Return by account the incidents that were not over before an instant, oldest first."""
        query = select(t.incidents).where(_I.closed_at.is_(None) | (_I.closed_at >= since)).order_by(_I.id)
        found: dict[str, list[Incident]] = {}
        async with self._db.read() as connection:
            for row in await connection.execute(query):
                found.setdefault(row.account, []).append(read_incident(row))
        return found

    async def members(self, incident_id: int, *, limit: int = 50) -> list[Member]:
        """Return the posts of a storm, the newest first."""
        p = t.posts.c
        query = (
            select(p.id.label("post_id"), p.conversation_id, t.authors.c.handle, p.text, p.posted_at)
            .add_columns(t.assessments.c.sentiment)
            .select_from(t.incident_posts)
            .join(t.posts, p.id == t.incident_posts.c.post_id)
            .join(t.authors, t.authors.c.id == p.author_id)
            .join(t.assessments, t.assessments.c.post_id == p.id, isouter=True)
            .where(t.incident_posts.c.incident_id == incident_id, p.deleted_at.is_(None))
            .order_by(t.incident_posts.c.post_id.desc())
            .limit(limit)
        )
        async with self._db.read() as connection:
            return [Member(**row) for row in (await connection.execute(query)).mappings()]

    async def count_members(self, incident_id: int) -> int:
        """Return how many posts a storm has."""
        query = select(func.count()).where(t.incident_posts.c.incident_id == incident_id)
        async with self._db.read() as connection:
            return (await connection.execute(query)).scalar_one()

    async def take(self, incident_id: int, *, by: str, version: int, at: datetime) -> Incident:
        """Somebody is on it: nobody else is woken. Raises: Conflict."""
        return await self._move(incident_id, "incident taken", by=by, version=version, at=at, taken_by=by, taken_at=at)

    async def approve(
        self, incident_id: int, statements: Mapping[Language, str], *, by: str, version: int, at: datetime
    ) -> Incident:
        """Approve the holding statement, edited or not; who does is on it. Raises: Conflict."""
        return await self._move(
            incident_id,
            "statement approved",
            by=by,
            version=version,
            at=at,
            statements={str(language): text for language, text in statements.items()},
            approved_by=by,
            approved_at=at,
            taken_by=func.coalesce(_I.taken_by, by),
            taken_at=func.coalesce(_I.taken_at, at),
        )

    async def reset(
        self, incident_id: int, *, by: str, version: int, at: datetime, tempo: tuple[float, float] = (0.0, 0.0)
    ) -> Incident:
        """Close the incident: the account speaks by itself again, and `tempo` is usual for a while.

        Raises: Conflict.
        """
        return await self._move(
            incident_id,
            "breaker reset",
            by=by,
            version=version,
            at=at,
            closed_by=by,
            closed_at=at,
            heard_per_minute=tempo[0],
            negative_per_minute=tempo[1],
        )

    async def _move(
        self, incident_id: int, action: str, *, by: str, version: int, at: datetime, **values: Any
    ) -> Incident:
        async with self._db.begin() as connection:
            before = (await connection.execute(select(t.incidents).where(_I.id == incident_id))).first()
            changed = await connection.execute(
                update(t.incidents)
                .where(_I.id == incident_id, _I.version == version, _I.closed_at.is_(None))
                .values(version=version + 1, **values)
                .returning(*t.incidents.c)
            )
            row = changed.first()
            if row is None:
                raise Conflict("the incident changed since you opened it")
            await settle_alerts(connection, incident_id=incident_id, by=by, at=at)
            subject, detail = f"incident {incident_id}", _changed(before, row)
            await record(connection, by=by, action=action, subject=subject, at=at, detail=detail)
            return read_incident(row)


def _changed(before: rows.AnyRow, after: rows.AnyRow) -> dict[str, Any]:
    """Who is on it, who approved its words, who closed it; never the words (I9)."""
    told = ("taken_by", "approved_by", "closed_by")
    changed = [key for key in told if getattr(before, key, None) != getattr(after, key)]
    return {
        "before": {key: getattr(before, key, None) for key in changed},
        "after": {key: getattr(after, key) for key in changed},
    }


_OPEN = select(t.incidents).where(_I.account == bindparam("account"), _I.closed_at.is_(None))


async def open_incident(connection: AsyncConnection, account: str) -> Incident | None:
    """Return the account's open incident, within the caller's transaction."""
    row = (await connection.execute(_OPEN, {"account": account})).first()
    return read_incident(row) if row else None


async def join_incident(connection: AsyncConnection, incident_id: int, post_ids: Collection[int]) -> None:
    """List posts under an incident; a post belongs to the first that lists it."""
    if post_ids:
        found = [{"post_id": post_id, "incident_id": incident_id} for post_id in post_ids]
        statement = rows.insert(t.incident_posts, connection.dialect).on_conflict_do_nothing(index_elements=["post_id"])
        await connection.execute(statement, found)


def read_incident(row: rows.AnyRow) -> Incident:
    """Read a row of `incidents`."""
    return Incident(
        id=row.id,
        account=row.account,
        opened_at=row.opened_at,
        reasons=tuple(row.reasons),
        measures=tuple(Measure(**measure) for measure in row.measures),
        statements={Language(language): text for language, text in row.statements.items()},
        version=row.version,
        taken_by=row.taken_by,
        taken_at=row.taken_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        heard_per_minute=row.heard_per_minute,
        negative_per_minute=row.negative_per_minute,
    )
