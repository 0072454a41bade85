"""Where each listener stands, and what it may have missed.

Owns the `sources`, `gaps` and `unreadable` rows. Refuses to fetch anything.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import rows
from store import tables as t
from store.database import Database
from store.people import record

# Kept for a person to look at; the count goes on beyond it.
_MOST_UNREADABLE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one ask brought a source.

    `gap` says why something before `missing_until` (None: before now) is out of reach; `doubt`, why something in or
    before this batch may be missing that the next fetch brings. `heard_until` is the instant up to which the source is
    known to have told everything, where that is not now. `is_part`: the rest of the same ask is saved after it, and
    only then has the source been heard.
    """

    account: str
    source: str
    cursor: str | None
    is_backfill: bool = False
    is_caught_up: bool = True
    gap: str | None = None
    missing_until: datetime | None = None
    doubt: str | None = None
    heard_until: datetime | None = None
    unreadable: tuple[str, ...] = ()
    is_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """One source as the sources page shows it."""

    account: str
    source: str
    cursor: str | None
    fresh_at: datetime | None
    heard: int
    unreadable: int
    problem: str | None
    problem_at: datetime | None
    open_gaps: int
    every_seconds: float | None = None
    slow_because: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time a source was not heard in full. `until_at` is None while it grows, `closed_at` while nothing covers it.

    `closed_by` is who has seen it, where no fetch could cover it.
    """

    id: int
    account: str
    source: str
    why: str
    from_at: datetime
    until_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None


class Sources:
    """The sources we hear through."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def cursor(self, account: str, source: str) -> str | None:
        """Return where to resume, None for a source never heard."""
        query = select(t.sources.c.cursor).where(t.sources.c.account == account, t.sources.c.source == source)
        async with self._db.read() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def stumble(
        self,
        account: str,
        source: str,
        problem: str,
        *,
        at: datetime,
        opens_gap: bool,
        since: datetime | None = None,
    ) -> None:
        """Note that a source failed; open a gap, unless one is open (I2).

        It begins when the source was last fresh, or at `since` where it was deaf and seemed fresh.
        """
        async with self._db.begin() as connection:
            statement = rows.insert(t.sources, connection.dialect).values(
                account=account, source=source, heard=0, unreadable=0, problem=problem, problem_at=at
            )
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["account", "source"], set_={"problem": problem, "problem_at": at}
                )
            )
            if opens_gap:
                await _open_gap(connection, account, source, why=problem, at=at, since=since)

    async def begin(self, account: str, source: str, *, cursor: str, instead_of: str | None = None) -> None:
        """Note where a source begins, before the first ask: what fails from now on cannot make us begin later.

        One that has a cursor keeps it, unless that is `instead_of`.
        """
        statement = rows.insert(t.sources, self._db.dialect).values(
            account=account, source=source, cursor=cursor, heard=0, unreadable=0
        )
        begun = statement.on_conflict_do_update(
            index_elements=["account", "source"],
            set_={"cursor": statement.excluded.cursor},
            where=or_(t.sources.c.cursor.is_(None), t.sources.c.cursor == instead_of),
        )
        async with self._db.begin() as connection:
            await connection.execute(begun)

    async def woke(
        self, account: str, source: str, *, at: datetime, after: timedelta, why: str = "Genlyd was not listening"
    ) -> None:
        """Note that listening begins; a source that was last fresh longer than `after` ago has a gap (I2)."""
        fresh = select(t.sources.c.fresh_at).where(t.sources.c.account == account, t.sources.c.source == source)
        async with self._db.begin() as connection:
            fresh_at = (await connection.execute(fresh)).scalar_one_or_none()
            if fresh_at is not None and at - fresh_at > after:
                await _open_gap(connection, account, source, why=why, at=at)

    async def leave(self, account: str, *, but: Collection[str], at: datetime) -> int:
        """End the running gaps of an account's sources that are not listened to (`but` are); return how many.

        No fetch will ever cover them: they stay open until a person has seen them.
        """
        return await self._end(t.gaps.c.account == account, t.gaps.c.source.not_in(but), at=at)

    async def leave_accounts(self, *, but: Collection[str], at: datetime) -> int:
        """End the running gaps of accounts that are gone (`but` are here), as `leave` does; return how many."""
        return await self._end(t.gaps.c.account.not_in(but), at=at)

    async def _end(self, *which: ColumnElement[bool], at: datetime) -> int:
        running = (t.gaps.c.closed_at.is_(None), t.gaps.c.until_at.is_(None))
        async with self._db.begin() as connection:
            return (await connection.execute(update(t.gaps).where(*running, *which).values(until_at=at))).rowcount

    async def gaps(self, *, covered_since: datetime, most: int = 100) -> list[Gap]:
        """Return the gaps that are open, and those closed since `covered_since`: open ones first, then the newest."""
        g = t.gaps.c
        query = (
            select(t.gaps)
            .where(or_(g.closed_at.is_(None), g.closed_at >= covered_since))
            .order_by(g.closed_at.is_not(None), g.from_at.desc(), g.id.desc())
            .limit(most)
        )
        async with self._db.read() as connection:
            return [Gap(**row) for row in (await connection.execute(query)).mappings()]

    async def gap_seen(self, gap_id: int, *, by: str, at: datetime) -> bool:
        """Close a gap that no fetch can cover, by a person's word. False for one that still grows or is closed."""
        g = t.gaps.c
        seen = (
            update(t.gaps)
            .where(g.id == gap_id, g.closed_at.is_(None), g.until_at.is_not(None))
            .values(closed_at=at, closed_by=by)
        )
        async with self._db.begin() as connection:
            if not (await connection.execute(seen)).rowcount:
                return False
            detail = {"before": "open", "after": "seen"}
            await record(connection, at=at, by=by, action="gap seen", subject=f"gap {gap_id}", detail=detail)
            return True

    async def count_unreadable(self) -> int:
        """Return how many items that could not be read are kept now."""
        async with self._db.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(t.unreadable))).scalar_one())

    async def all(self) -> list[SourceState]:
        """Return every source, by account."""
        open_gaps = (
            select(func.count())
            .where(
                t.gaps.c.account == t.sources.c.account,
                t.gaps.c.source == t.sources.c.source,
                t.gaps.c.closed_at.is_(None),
            )
            .scalar_subquery()
        )
        query = select(t.sources, open_gaps.label("open_gaps")).order_by(t.sources.c.account, t.sources.c.source)
        async with self._db.read() as connection:
            return [SourceState(**row) for row in (await connection.execute(query)).mappings()]


async def advance(connection: AsyncConnection, progress: Progress, *, heard: int, at: datetime) -> None:
    """Move a source on within the caller's transaction. By a part of an ask it stays where it stands."""
    if progress.is_part:
        source = and_(t.sources.c.account == progress.account, t.sources.c.source == progress.source)
        await connection.execute(update(t.sources).where(source).values(heard=t.sources.c.heard + heard))
        return
    await _settle_gaps(connection, progress, at)
    fresh_at = min(progress.heard_until or at, at)
    statement = rows.insert(t.sources, connection.dialect).values(
        account=progress.account,
        source=progress.source,
        cursor=progress.cursor,
        fresh_at=fresh_at,
        heard=heard,
        unreadable=len(progress.unreadable),
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["account", "source"],
            set_={
                "cursor": func.coalesce(statement.excluded.cursor, t.sources.c.cursor),
                "fresh_at": fresh_at,
                "heard": t.sources.c.heard + heard,
                "unreadable": t.sources.c.unreadable + len(progress.unreadable),
                "problem": None,
                "problem_at": None,
            },
        )
    )
    await _keep_unreadable(connection, progress, at)


def _running(account: str, source: str) -> ColumnElement[bool]:
    """Gaps that still grow: nothing has been heard since they opened."""
    g = t.gaps.c
    return and_(g.account == account, g.source == source, g.closed_at.is_(None), g.until_at.is_(None))


async def _open_gap(
    connection: AsyncConnection, account: str, source: str, *, why: str, at: datetime, since: datetime | None = None
) -> None:
    """One gap grows at a time: what happens to a source that is not heard anyway is part of the same gap."""
    g = t.gaps.c
    if (await connection.execute(select(g.id).where(_running(account, source)).limit(1))).first():
        return
    fresh = select(t.sources.c.fresh_at).where(t.sources.c.account == account, t.sources.c.source == source)
    from_at = since or (await connection.execute(fresh)).scalar_one_or_none() or at
    await connection.execute(insert(t.gaps).values(account=account, source=source, why=why, from_at=min(from_at, at)))


async def _settle_gaps(connection: AsyncConnection, progress: Progress, at: datetime) -> None:
    """A fetch that reached the present covers every running gap, but for what it says it could not.

    What is out of reach stays open, from where the gap began to where the fetch begins, until a person has seen it. The
    rest is a gap of its own that is covered: the source was not heard then either, and the ledger says so.
    """
    running, g = _running(progress.account, progress.source), t.gaps.c
    if progress.gap is not None:
        await _open_gap(connection, progress.account, progress.source, why=progress.gap, at=at)
        begun = (await connection.execute(select(g.id, g.why, g.from_at).where(running))).all()
        for gap in begun:
            until = max(gap.from_at, min(progress.missing_until or at, at))
            why = gap.why if gap.why == progress.gap else f"{gap.why}; {progress.gap}"
            await connection.execute(update(t.gaps).where(g.id == gap.id).values(until_at=until, why=why))
            if until < at and gap.why != progress.gap:
                covered = {"account": progress.account, "source": progress.source, "why": gap.why}
                await connection.execute(insert(t.gaps).values(**covered, from_at=until, until_at=at, closed_at=at))
    elif progress.is_caught_up and progress.doubt is None:
        await connection.execute(update(t.gaps).where(running).values(until_at=at, closed_at=at))
    if progress.doubt is not None:
        await _open_gap(connection, progress.account, progress.source, why=progress.doubt, at=at)


async def _keep_unreadable(connection: AsyncConnection, progress: Progress, at: datetime) -> None:
    if not progress.unreadable:
        return
    kept = (await connection.execute(select(func.count()).select_from(t.unreadable))).scalar_one()
    for raw in progress.unreadable[: max(0, _MOST_UNREADABLE - kept)]:
        await connection.execute(
            insert(t.unreadable).values(
                account=progress.account, source=progress.source, raw=rows.storable(raw), heard_at=at
            )
        )
