"""Tellings: alerts put into groups, each group told step by step, each telling claimed by one process.

Owns the `alert_groups`, `tellings` and `alert_links` rows. Refuses to decide when and whom: `core.ladder` does; and to
send anything. Two processes may gather at once: what one has locked, the other leaves for its next look.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.ladder import Group, Ladder, Why, advance, is_over, next_at, opening
from store import rows
from store import tables as t
from store.alerts import counted, group_of
from store.database import Database

_A, _G, _T = t.alerts.c, t.alert_groups.c, t.tellings.c
_MOST_JOINING = 500
_MOST_GROUPS = 64
# So many of a telling's alerts are told of with their words or a line; the link leads to all.
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One alert that a telling tells of."""

    conversation_id: int | None
    title: str
    body: str
    urgency: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What one step is to be told now. `items` are the most urgent of `count` alerts; `token` opens its page."""

    id: int
    group: Group
    step: int
    why: Why
    attempts: int
    count: int
    total: int
    items: tuple[Item, ...]
    token: str


class Tellings:
    """Who is told of what, and when."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def gather(self, ladder: Ladder, *, at: datetime) -> int:
        """Put new alerts into groups, and write a telling for each group that is due. Returns how many."""
        if not await self._is_due(at):
            return 0
        async with self._db.begin() as connection:
            await _join_new(connection, ladder, at)
            return await _tell_due(connection, ladder, at)

    async def reckon(self, ladder: Ladder) -> None:
        """Reckon anew when people are told next: the ladder may be another one since the last start.

        A group that had come to its end stays there, or a new ladder would begin with the alerts of last year.
        """
        query = select(t.alert_groups, *counted()).where(_G.acknowledged_at.is_(None), _G.next_at.is_not(None))
        async with self._db.begin() as connection:
            for row in list(await connection.execute(query)):
                await _set_group(connection, row.id, next_at=next_at(group_of(row), ladder))

    async def claim_due(
        self, ladder: Ladder, *, at: datetime, hold_until: datetime, links_until: datetime, limit: int = 16
    ) -> list[Telling]:
        """Return tellings to deliver now, each with a link of its own; nobody else gets them before `hold_until`."""
        due = select(_T.id).where(_T.state == "pending", _T.not_before <= at).order_by(_T.id).limit(limit)
        async with self._db.read() as connection:
            if (await connection.execute(due)).first() is None:
                return []
        claimed = (
            update(t.tellings)
            .where(_T.id.in_(due.with_for_update(skip_locked=True).scalar_subquery()))
            .values(not_before=hold_until, attempts=_T.attempts + 1)
            .returning(*t.tellings.c)
        )
        async with self._db.begin() as connection:
            await connection.execute(delete(t.alert_links).where(t.alert_links.c.expires_at < at - timedelta(days=30)))
            found = list(await connection.execute(claimed))
            return [await _filled(connection, row, ladder, links_until) for row in found]

    async def mark_delivered(self, telling: Telling, ladder: Ladder, *, at: datetime) -> None:
        """Somebody was told; the ladder goes on from there."""
        async with self._db.begin() as connection:
            listed = and_(_A.telling_id == telling.id, _A.state == "pending")
            await connection.execute(update(t.alerts).where(listed).values(state="delivered", sent_at=at))
            locked = select(t.alert_groups).where(_G.id == telling.group.id).with_for_update(key_share=True)
            await connection.execute(locked)
            sent = update(t.tellings).where(_T.id == telling.id, _T.state == "pending")
            await connection.execute(sent.values(state="delivered", sent_at=at, problem=None))
            group = await _group(connection, telling.group.id)
            await _set_group(connection, group.id, next_at=next_at(group, ladder))

    async def mark_failed(self, telling: Telling, problem: str, *, not_before: datetime) -> None:
        """Nobody was reached; try again. A telling is never given up."""
        async with self._db.begin() as connection:
            of_it = and_(_T.id == telling.id, _T.state == "pending")
            await connection.execute(update(t.tellings).where(of_it).values(problem=problem, not_before=not_before))

    async def count_by_state(self) -> dict[str, int]:
        """Return how many tellings stand at each state."""
        query = select(_T.state, func.count()).group_by(_T.state)
        async with self._db.read() as connection:
            return dict((await connection.execute(query)).all())

    async def _is_due(self, at: datetime) -> bool:
        """Whether there is anything to gather: a look costs less than a lock."""
        new = select(_A.id).where(_new()).limit(1)
        due = select(_G.id).where(_G.next_at <= at).limit(1)
        async with self._db.read() as connection:
            for query in (new, due):
                if (await connection.execute(query)).first() is not None:
                    return True
        return False


def _new() -> ColumnElement[bool]:
    return and_(_A.state == "pending", _A.group_id.is_(None))


async def _join_new(connection: AsyncConnection, ladder: Ladder, at: datetime) -> None:
    query = (
        select(_A.id, _A.account, _A.kind)
        .where(_new())
        .order_by(_A.id)
        .limit(_MOST_JOINING)
        .with_for_update(skip_locked=True)
    )
    found = sorted(((row.account, row.kind), row.id) for row in await connection.execute(query))
    for (account, kind), members in groupby(found, key=lambda one: one[0]):
        ids = [alert_id for _, alert_id in members]
        if not ladder.gather_seconds:
            for alert_id in ids:
                alone = await _open(connection, ladder, account, kind, at, sealed_at=at)
                if alone is not None:
                    await _join(connection, ladder, alone, [alert_id], at)
            continue
        group_id = await _taking(connection, ladder, account, kind, at)
        if group_id is not None:
            await _join(connection, ladder, group_id, ids, at)


async def _taking(connection: AsyncConnection, ladder: Ladder, account: str, kind: str, at: datetime) -> int | None:
    """Return the group that takes an account's new alerts, a new one after one that is over; None if it is locked."""
    query = select(_G.id, _G.joined_at).where(_G.account == account, _G.kind == kind, _G.sealed_at.is_(None))
    row = (await connection.execute(query.with_for_update(skip_locked=True, key_share=True))).first()
    if row is not None:
        if not is_over(await _group(connection, row.id), row.joined_at, at):
            return int(row.id)
        await _set_group(connection, row.id, sealed_at=at)
    return await _open(connection, ladder, account, kind, at, sealed_at=None)


async def _open(
    connection: AsyncConnection, ladder: Ladder, account: str, kind: str, at: datetime, *, sealed_at: datetime | None
) -> int | None:
    of_them = select(_G.id).where(_G.account == account, _G.kind == kind).order_by(_G.id.desc()).limit(1)
    last_id = (await connection.execute(of_them)).scalar_one_or_none()
    last = await _group(connection, last_id) if last_id is not None and sealed_at is None else None
    first_at, pace = opening(ladder, kind, at, last)
    statement = rows.insert(t.alert_groups, connection.dialect).values(
        account=account,
        kind=kind,
        opened_at=at,
        joined_at=at,
        first_at=first_at,
        pace_seconds=pace,
        step=-1,
        repeats=0,
        sealed_at=sealed_at,
    )
    statement = statement.on_conflict_do_nothing(index_elements=["account", "kind"], index_where=_G.sealed_at.is_(None))
    made: int | None = (await connection.execute(statement.returning(_G.id))).scalar_one_or_none()
    return made


async def _join(
    connection: AsyncConnection, ladder: Ladder, group_id: int | None, ids: list[int], at: datetime
) -> None:
    if group_id is None:
        return
    await connection.execute(update(t.alerts).where(_A.id.in_(ids)).values(group_id=group_id))
    group = await _group(connection, group_id)
    await _set_group(connection, group_id, joined_at=at, next_at=next_at(group, ladder))


async def _tell_due(connection: AsyncConnection, ladder: Ladder, at: datetime) -> int:
    due = select(_G.id).where(_G.next_at <= at).order_by(_G.next_at, _G.id).limit(_MOST_GROUPS)
    made = 0
    for group_id in list((await connection.execute(due.with_for_update(skip_locked=True, key_share=True))).scalars()):
        group = await _group(connection, group_id)
        when = next_at(group, ladder)
        if when is None or when > at:
            await _set_group(connection, group_id, next_at=when)
            continue
        after, why = advance(group, ladder, at)
        await connection.execute(
            insert(t.tellings).values(
                group_id=group_id, step=after.step, why=why, state="pending", attempts=0, not_before=at, created_at=at
            )
        )
        await _set_group(
            connection,
            group_id,
            step=after.step,
            started_at=after.started_at,
            told_at=after.told_at,
            pace_seconds=after.pace_seconds,
            repeats=after.repeats,
            next_at=next_at(after, ladder),
        )
        made += 1
    return made


async def _filled(connection: AsyncConnection, row: rows.AnyRow, ladder: Ladder, links_until: datetime) -> Telling:
    """Take what nobody was told of yet into a telling, and read its words. More than the first step tells of all."""
    why, group = Why(row.why), await _group(connection, row.group_id)
    waits = and_(_A.group_id == row.group_id, _A.state == "pending")
    free = waits if why in (Why.CLIMB, Why.AGAIN) else and_(waits, _A.telling_id.is_(None))
    taken = select(_A.id).where(free).with_for_update(skip_locked=True)
    await connection.execute(update(t.alerts).where(_A.id.in_(taken)).values(telling_id=row.id))
    unhandled = and_(_A.group_id == row.group_id, _A.handled_at.is_(None))
    total = await _count(connection, unhandled)
    mine = and_(unhandled, _A.telling_id == row.id)
    if why in (Why.CLIMB, Why.AGAIN) or not await _count(connection, mine):
        mine = unhandled
    columns = (getattr(_A, name) for name in Item.__dataclass_fields__)
    items = select(*columns).where(mine).order_by(_A.urgency.desc(), _A.id).limit(_SHOWN)
    token = secrets.token_urlsafe(24)
    step = ladder.steps[min(row.step, len(ladder.steps) - 1)]
    await connection.execute(
        insert(t.alert_links).values(
            token_hash=hash_of(token), group_id=row.group_id, step=step.name, expires_at=links_until
        )
    )
    return Telling(
        id=row.id,
        group=group,
        step=row.step,
        why=why,
        attempts=row.attempts,
        count=await _count(connection, mine),
        total=total,
        items=tuple(Item(**item) for item in (await connection.execute(items)).mappings()),
        token=token,
    )


def hash_of(token: str) -> str:
    """Return what we keep of a link's secret."""
    return hashlib.sha256(token.encode("utf-8", errors="surrogateescape")).hexdigest()


async def _count(connection: AsyncConnection, which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(t.alerts).where(which)
    return int((await connection.execute(query)).scalar_one())


async def _group(connection: AsyncConnection, group_id: int) -> Group:
    query = select(t.alert_groups, *counted()).where(_G.id == group_id)
    return group_of((await connection.execute(query)).one())


async def _set_group(connection: AsyncConnection, group_id: int, **values: object) -> None:
    await connection.execute(update(t.alert_groups).where(_G.id == group_id).values(**values))
