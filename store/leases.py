"""Work that one process at a time does: taken, kept and given up as a row, with a fence for each new holder.

Owns the `leases` rows, and the check that lets a holder write only while nobody newer holds its lease. PostgreSQL's own
clock says when a lease ends, so that machines' clocks do not matter; SQLite's processes share one machine, and its
clock. Refuses to know what the work is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, DateTime, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.errors import LeaseLost
from store import rows
from store import tables as t
from store.database import Database, checking
from store.owners import OwnerLock, OwnerState

LEASE_SECONDS = 10.0
_L = t.leases.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a holder holds. Whoever takes it next gets a higher fence.

    `is_inherited`: the holder before was killed, frozen or cut off, and may not have written down what it had met.
    """

    name: str
    owner: str
    fence: int
    is_inherited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who leads what, and whether the lease still runs."""

    name: str
    owner: str
    fence: int
    is_current: bool
    is_left: bool


class Leases:
    """The leases of one process: `owner` is its name, and tells which other owners on this machine are dead."""

    def __init__(self, database: Database, owner: OwnerLock, clock: Clock, *, seconds: float = LEASE_SECONDS) -> None:
        self.seconds = seconds
        self._db = database
        self._owner = owner
        self._clock = clock

    async def take(self, name: str) -> Lease | None:
        """Take a lease that is free, run out, or held by the dead; None where somebody holds it. Raises: StoreError."""
        held = await self.holder(name)
        # Looked at before anything is written: followers look every few seconds, and must cost nobody a lock.
        dead = held.fence if held is not None and self._is_ours_to_take(held) else None
        if held is not None and held.is_current and dead is None:
            return None
        # Its last holder may still hold the row: between the halves of a question no server ends a transaction.
        await self._db.end_stuck()
        now = self._now()
        statement = rows.insert(t.leases, self._db.dialect).values(
            name=name, owner=self._owner.name, fence=1, until=self._later(now)
        )
        statement = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "owner": statement.excluded.owner,
                "fence": _L.fence + 1,
                "until": statement.excluded.until,
                "is_left": False,
            },
            where=or_(_L.until <= now, _L.fence == dead),
        ).returning(_L.fence)
        async with self._db.begin() as connection:
            fence = (await connection.execute(statement)).scalar_one_or_none()
        is_inherited = held is not None and not held.is_left
        return (
            None if fence is None else Lease(name=name, owner=self._owner.name, fence=fence, is_inherited=is_inherited)
        )

    async def renew(self, lease: Lease) -> bool:
        """Hold it on; False where somebody newer has it. Raises: StoreError."""
        return await self._set(lease, self._later(self._now()))

    async def give_up(self, lease: Lease, *, is_left: bool = True) -> None:
        """Let the next one take it at once. `is_left`: the work was ended in order. Raises: StoreError."""
        await self._set(lease, self._now(), is_left=is_left)

    async def free_the_dead(self) -> int:
        """End the leases of this machine's dead, while their lock files still tell of it. Returns how many.

        Raises: StoreError.
        """
        running = select(_L.name, _L.owner, _L.fence).where(_L.until > self._now())
        async with self._db.read() as connection:
            held = [Lease(**row) for row in (await connection.execute(running)).mappings()]
        dead = [lease for lease in held if self._owner.state(lease.owner) is OwnerState.DEAD]
        return sum([await self._set(lease, self._now()) for lease in dead])

    async def holder(self, name: str) -> Holder | None:
        """Return who held it last; None where nobody ever did."""
        query = select(_L.name, _L.owner, _L.fence, _L.is_left, (_L.until > self._now()).label("is_current"))
        async with self._db.read() as connection:
            row = (await connection.execute(query.where(_L.name == name))).mappings().first()
            return Holder(**row) if row else None

    @contextmanager
    def fenced(self, lease: Lease) -> Iterator[None]:
        """Within this, each write transaction of the task, and of those it starts, ends in LeaseLost if it is lost."""
        with checking(partial(_check, lease=lease)):
            yield

    def _is_ours_to_take(self, held: Holder) -> bool:
        return held.owner == self._owner.name or self._owner.state(held.owner) is OwnerState.DEAD

    async def _set(self, lease: Lease, until: ColumnElement[datetime], *, is_left: bool = False) -> bool:
        ours = (_L.name == lease.name, _L.fence == lease.fence)
        mine = update(t.leases).where(*ours).values(until=until, is_left=is_left)
        async with self._db.begin() as connection:
            return bool((await connection.execute(mine)).rowcount)

    def _now(self) -> ColumnElement[datetime]:
        if self._db.is_sqlite:
            return literal(self._clock.now(), t.Instant())
        # Not now(): that is when the transaction began, which may have waited for a lock since.
        return func.clock_timestamp(type_=DateTime(timezone=True))

    def _later(self, now: ColumnElement[datetime]) -> Any:
        if self._db.is_sqlite:
            return self._clock.now() + timedelta(seconds=self.seconds)
        return now + timedelta(seconds=self.seconds)


async def _check(connection: AsyncConnection, *, lease: Lease) -> None:
    """The row stays locked until the transaction ends: whoever takes the lease waits for what we save, or we see it."""
    held = select(_L.fence).where(_L.name == lease.name).with_for_update(read=True)
    fence = (await connection.execute(held)).scalar_one_or_none()
    if fence != lease.fence:
        raise LeaseLost(f"another process leads {lease.name!r} now: nothing was saved")
