"""Alerts to people: queued as rows, and ended by whoever acknowledges them.

Owns the `alerts` rows, and the end of a group. Refuses to know how people are reached, and when: `tellings` does.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.decision import OPERATOR, ORDINARY, Notice
from core.ladder import Group
from store import rows
from store import tables as t
from store.database import Database
from store.people import record

_A = t.alerts.c
_G = t.alert_groups.c
# So many groups are shown at most.
_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One alert of a group, without what was said: who opens the link need not have signed in."""

    id: int
    conversation_id: int | None
    incident_id: int | None
    urgency: int
    due_at: datetime | None
    created_at: datetime
    handled_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A group as a page shows it: how many alerts it has, and how many of them nobody has handled."""

    group: Group
    alerts: int
    unhandled: int
    urgency: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link leads to. `step` is whom the alert went to."""

    group_id: int
    step: str
    is_expired: bool


class Alerts:
    """What people are to be told, and what somebody is on."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def queue(self, notice: Notice, *, at: datetime) -> None:
        """Queue an alert about the house itself."""
        async with self._db.begin() as connection:
            await queue_alert(connection, notice, at=at)

    async def count_by_state(self) -> dict[str, int]:
        """Return how many alerts stand at each state."""
        query = select(_A.state, func.count()).group_by(_A.state)
        async with self._db.read() as connection:
            return dict((await connection.execute(query)).all())

    async def open(self) -> list[Standing]:
        """Return the groups that nobody has acknowledged: those that call a person first, then the newest."""
        unhandled = exists().where(_A.group_id == _G.id, _A.handled_at.is_(None))
        still = _standing().where(_G.acknowledged_at.is_(None), unhandled)
        calls = case((_G.kind == ORDINARY, 1), else_=0)
        return await self._standings(still.order_by(None).order_by(calls, _G.id.desc()).limit(_SHOWN))

    async def ended(self, *, limit: int = 20) -> list[Standing]:
        """Return the groups that somebody acknowledged, the newest first."""
        return await self._standings(_standing().where(_G.acknowledged_at.is_not(None)).limit(limit))

    async def standing(self, group_id: int) -> Standing | None:
        """Return one group."""
        found = await self._standings(_standing().where(_G.id == group_id))
        return found[0] if found else None

    async def members(self, group_id: int, *, limit: int, after: int = 0) -> list[Listed]:
        """Return the alerts of a group in the order they came, from behind the one with the id `after`."""
        return await self._listed(_listed(group_id).where(_A.id > after).order_by(_A.id).limit(limit))

    async def most_urgent(self, group_id: int, *, limit: int) -> list[Listed]:
        """Return those alerts of a group that nobody has handled, the most urgent first."""
        waits = _listed(group_id).where(_A.handled_at.is_(None))
        return await self._listed(waits.order_by(_A.urgency.desc(), _A.id).limit(limit))

    async def newest(self, group_id: int) -> int:
        """Return the id of the newest alert of a group, 0 where it has none."""
        query = select(func.max(_A.id)).where(_A.group_id == group_id)
        async with self._db.read() as connection:
            return (await connection.execute(query)).scalar_one() or 0

    async def link(self, token_hash: str, *, at: datetime) -> Link | None:
        """Return what a link leads to, None where there is no such link."""
        query = select(t.alert_links).where(t.alert_links.c.token_hash == token_hash)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).first()
            return Link(group_id=row.group_id, step=row.step, is_expired=row.expires_at <= at) if row else None

    async def acknowledge(self, group_id: int, *, by: str, through: str, seen: int, at: datetime) -> bool:
        """Somebody is on it: nobody is told of this group any more. False where somebody was first.

        `seen` is the newest alert they were shown: one that came after it is news, and told as such.
        """
        async with self._db.begin() as connection:
            storms = select(_A.incident_id).where(_A.group_id == group_id, _A.incident_id.is_not(None))
            await _take_incidents(connection, storms, by=by, at=at)
            await connection.execute(select(_A.id).where(_A.group_id == group_id).order_by(_A.id).with_for_update())
            later = and_(_A.group_id == group_id, _A.state == "pending", _A.id > seen)
            if not await _end(connection, group_id, by=by, through=through, at=at):
                return False
            await connection.execute(update(t.alerts).where(later).values(group_id=None, telling_id=None))
            of_it = and_(_A.group_id == group_id, _A.handled_at.is_(None))
            await connection.execute(update(t.alerts).where(of_it).values(**_handled(by, at)))
            return True

    async def _listed(self, query: Select[tuple[object, ...]]) -> list[Listed]:
        async with self._db.read() as connection:
            return [Listed(**row) for row in (await connection.execute(query)).mappings()]

    async def _standings(self, query: Select[tuple[object, ...]]) -> list[Standing]:
        async with self._db.read() as connection:
            return [
                Standing(
                    group=group_of(row),
                    alerts=row.alerts,
                    unhandled=row.unhandled,
                    urgency=row.urgency or 0,
                    due_at=row.due_at,
                )
                for row in await connection.execute(query)
            ]


async def queue_alert(
    connection: AsyncConnection,
    notice: Notice,
    *,
    conversation_id: int | None = None,
    incident_id: int | None = None,
    promise_id: int | None = None,
    at: datetime,
) -> None:
    """Write an alert to be delivered, within the caller's transaction."""
    await connection.execute(
        insert(t.alerts).values(
            conversation_id=conversation_id,
            incident_id=incident_id,
            promise_id=promise_id,
            account=notice.account,
            kind=notice.kind,
            title=notice.title,
            body=notice.body,
            urgency=notice.urgency,
            due_at=notice.due_at,
            state="pending",
            created_at=at,
        )
    )


async def settle_alerts(
    connection: AsyncConnection,
    *,
    conversation_id: int | None = None,
    incident_id: int | None = None,
    operator_of: str | None = None,
    promise_id: int | None = None,
    kind: str | None = None,
    by: str,
    at: datetime,
) -> None:
    """A person did something about a conversation, an incident or an account: its alerts need nobody any more.

    Of one `kind`, of one promise made there, or all of them. A group ends with the last of its alerts. Rows are locked
    in the order alerts, groups, tellings, here as everywhere.
    """
    through, of_it = "conversation", _A.conversation_id == conversation_id
    if incident_id is not None:
        through, of_it = "incident", _A.incident_id == incident_id
    elif operator_of is not None:
        through, of_it = "account", and_(_A.kind == OPERATOR, _A.account == operator_of)
    if kind is not None:
        of_it = and_(of_it, _A.kind == kind)
    if promise_id is not None:
        of_it = and_(of_it, _A.promise_id == promise_id)
    handled = update(t.alerts).where(of_it, _A.handled_at.is_(None)).values(**_handled(by, at)).returning(_A.group_id)
    groups = {group_id for group_id in (await connection.execute(handled)).scalars() if group_id is not None}
    for group_id in sorted(groups):
        lock = select(_G.id).where(_G.id == group_id).with_for_update(key_share=True)
        await connection.execute(lock)
        left = select(_A.id).where(_A.group_id == group_id, _A.handled_at.is_(None)).limit(1)
        if (await connection.execute(left)).first() is None:
            await _end(connection, group_id, by=by, through=through, at=at)


def group_of(row: rows.AnyRow) -> Group:
    """Read a row of `alert_groups` with its counts."""
    return Group(**{name: getattr(row, name) for name in Group.__dataclass_fields__})


def counted() -> tuple[ColumnElement[int], ColumnElement[bool]]:
    """SQL: how many alerts of a group nobody was told of, and whether a telling of it is on its way."""
    nobody_told = and_(_A.group_id == _G.id, _A.state == "pending", _A.telling_id.is_(None))
    on_its_way = and_(t.tellings.c.group_id == _G.id, t.tellings.c.state == "pending")
    waiting = select(func.count()).select_from(t.alerts).where(nobody_told).scalar_subquery()
    return waiting.label("waiting"), exists().where(on_its_way).label("is_telling")


def _listed(group_id: int) -> Select[tuple[object, ...]]:
    return (
        select(*(getattr(_A, name) for name in Listed.__dataclass_fields__ if name != "due_at"))
        .add_columns(func.coalesce(t.conversations.c.due_at, _A.due_at).label("due_at"))
        .join(t.conversations, t.conversations.c.id == _A.conversation_id, isouter=True)
        .where(_A.group_id == group_id)
    )


def _standing() -> Select[tuple[object, ...]]:
    of_it = _A.group_id == _G.id
    open_still = and_(of_it, _A.handled_at.is_(None))
    return select(
        t.alert_groups,
        *counted(),
        select(func.count()).select_from(t.alerts).where(of_it).scalar_subquery().label("alerts"),
        select(func.count()).select_from(t.alerts).where(open_still).scalar_subquery().label("unhandled"),
        select(func.max(_A.urgency)).where(of_it).scalar_subquery().label("urgency"),
        select(func.min(_A.due_at)).where(open_still).scalar_subquery().label("due_at"),
    ).order_by(_G.id.desc())


def _handled(by: str, at: datetime) -> dict[str, object]:
    # What nobody was told of needs no telling any more.
    return {"handled_by": by, "handled_at": at, "state": case((_A.state == "pending", "settled"), else_=_A.state)}


async def _take_incidents(
    connection: AsyncConnection, which: Select[tuple[int | None]], *, by: str, at: datetime
) -> None:
    i = t.incidents.c
    free = and_(i.id.in_(which), i.taken_by.is_(None), i.closed_at.is_(None))
    await connection.execute(update(t.incidents).where(free).values(taken_by=by, taken_at=at, version=i.version + 1))


async def _end(connection: AsyncConnection, group_id: int, *, by: str, through: str, at: datetime) -> bool:
    ended = await connection.execute(
        update(t.alert_groups)
        .where(_G.id == group_id, _G.acknowledged_at.is_(None))
        .values(
            acknowledged_by=by,
            acknowledged_at=at,
            sealed_at=func.coalesce(_G.sealed_at, at),
            next_at=None,
        )
    )
    if not ended.rowcount:
        return False
    of_it = and_(t.tellings.c.group_id == group_id, t.tellings.c.state == "pending")
    await connection.execute(update(t.tellings).where(of_it).values(state="void"))
    detail = {"before": "open", "after": "acknowledged", "through": through}
    await record(connection, by=by, action="alert acknowledged", subject=f"alert {group_id}", at=at, detail=detail)
    return True
