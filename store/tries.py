"""How often a door was tried, counted for every process at once and through restarts.

Owns the `tries` rows. Refuses to know what is tried: it is given keys, and what each of them bears.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from store import rows
from store import tables as t
from store.database import Database

_T = t.tries.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What one key bears: `free` tries, then a wait that doubles from `first` up to `most`.

    After `forgets` without a try it starts anew.
    """

    kind: str
    of: str
    free: int
    first: timedelta
    most: timedelta
    forgets: timedelta = timedelta(hours=1)

    @property
    def key(self) -> str:
        """A hash: the table tells nobody which names and addresses were tried."""
        return hashlib.sha256(f"{self.kind}\0{self.of}".encode("utf-8", errors="surrogatepass")).hexdigest()

    def wait(self, count: int) -> timedelta:
        """Return how long to wait after so many tries."""
        if count < self.free:
            return timedelta(0)
        # Bounded, for two to the power of a million tries is no number anybody waits for.
        return min(self.most, self.first * (1 << min(count - self.free, 30)))


class Tries:
    """Tries at a door."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def take(self, limits: Sequence[Limit], *, at: datetime) -> timedelta:
        """Count a try on every key, before it is looked at, so that many at once do not slip by.

        Returns how long to wait instead, zero where it may be looked at. What is refused is not counted: waiting out
        the time always ends it, however often strangers knock meanwhile.
        """
        async with self._db.begin() as connection:
            await connection.execute(delete(t.tries).where(_T.last_at < at - timedelta(days=1)))
            # In one order, so that two who try at once do not wait for each other.
            by_key = {limit.key: limit for limit in sorted(limits, key=lambda limit: limit.key)}
            for key in by_key:
                new = rows.insert(t.tries, connection.dialect).values(key=key, tried=0, last_at=at, until=at)
                await connection.execute(new.on_conflict_do_nothing())
            query = select(t.tries).where(_T.key.in_(by_key)).order_by(_T.key).with_for_update()
            found = {row.key: row for row in await connection.execute(query)}
            longest = max((row.until - at for row in found.values()), default=timedelta(0))
            if longest > timedelta(0):
                return longest
            for key, limit in by_key.items():
                is_old = found[key].last_at <= at - limit.forgets
                count = 1 if is_old else found[key].tried + 1
                values = {"tried": count, "last_at": at, "until": at + limit.wait(count)}
                await connection.execute(update(t.tries).where(_T.key == key).values(values))
            return timedelta(0)

    async def forgive(self, limits: Iterable[Limit]) -> None:
        """It was the right one: what was counted on these keys is forgotten."""
        async with self._db.begin() as connection:
            await connection.execute(delete(t.tries).where(_T.key.in_([limit.key for limit in limits])))

    async def give_back(self, limits: Iterable[Limit]) -> None:
        """It was the right one: this one try is not counted on these keys."""
        back = update(t.tries).where(_T.key.in_([limit.key for limit in limits]), _T.tried > 0)
        async with self._db.begin() as connection:
            await connection.execute(back.values(tried=_T.tried - 1, until=_T.last_at))
