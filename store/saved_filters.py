"""Filters of the inbox that people gave a name.

Owns the `saved_filters` rows, each person's own, and how they are forgotten. Refuses to know what a filter means: it
is the query of an address, as the dashboard wrote it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Conflict
from core.note import quotes
from store import tables as t
from store.database import Database

MOST = 30
_TYPED = ("q",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFilter:
    """One filter: its name, and the query it stands for."""

    id: int
    name: str
    query: str


class SavedFilters:
    """Named filters, each its owner's."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of(self, staff_id: int) -> tuple[SavedFilter, ...]:
        """Return a person's filters by name."""
        c = t.saved_filters.c
        query = select(c.id, c.name, c.query).where(c.staff_id == staff_id).order_by(func.lower(c.name), c.id)
        async with self._db.read() as connection:
            return tuple(SavedFilter(**row) for row in (await connection.execute(query)).mappings())

    async def save(self, staff_id: int, name: str, query: str, *, at: datetime) -> None:
        """Save a filter; one of the same name is replaced. Raises: Conflict where there are too many."""
        c = t.saved_filters.c
        async with self._db.begin() as connection:
            # The person's own row is the lock: two saves at once make no double.
            await connection.execute(select(t.staff.c.id).where(t.staff.c.id == staff_id).with_for_update())
            mine = update(t.saved_filters).where(c.staff_id == staff_id, c.name == name)
            if (await connection.execute(mine.values(query=query, made_at=at))).rowcount:
                return
            count = select(func.count()).where(c.staff_id == staff_id)
            if (await connection.execute(count)).scalar_one() >= MOST:
                raise Conflict(f"a person has {MOST} saved filters at most: delete one first")
            made = insert(t.saved_filters).values(staff_id=staff_id, name=name, query=query, made_at=at)
            await connection.execute(made)

    async def delete(self, filter_id: int, *, staff_id: int) -> bool:
        """Delete a person's own filter; False where they have none such."""
        c = t.saved_filters.c
        async with self._db.begin() as connection:
            gone = delete(t.saved_filters).where(c.id == filter_id, c.staff_id == staff_id)
            return bool((await connection.execute(gone)).rowcount)


async def forget_naming(connection: AsyncConnection, said: Sequence[str]) -> None:
    """Forget every person's filters that repeat a handle or a name which is gone, in their name or what they look for.

    A filter without the word it looks for would be another one, so it goes whole.
    """
    f = t.saved_filters.c
    found = await connection.execute(select(f.id, f.name, f.query))
    gone = [row.id for row in found if any(quotes(words, said) for words in (row.name, *_values(row.query)))]
    if gone:
        await connection.execute(delete(t.saved_filters).where(f.id.in_(gone)))


def _values(query: str) -> list[str]:
    """What is typed into a filter. Which status, say, is chosen from a list, and nobody's name."""
    return [value for key, value in parse_qsl(query.lstrip("?")) if key in _TYPED]
