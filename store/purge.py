"""Forgetting for good: rows, and what the engine keeps of them.

Owns the order of it. Refuses to decide what is old or deleted: the caller and `rechecks` do.
"""

from dataclasses import dataclass
from datetime import datetime

from store import tables as t
from store.database import Database
from store.posts import Posts
from store.words import POST_WORDS, leave_no_remains


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How many old posts were forgotten, and whether SQLite's journal is empty now."""

    forgotten: int
    is_clean: bool


async def purge(database: Database, *, before: datetime, at: datetime) -> Purged:
    """Forget posts older than an instant, and write the tables anew: no remains in free pages, nor in the journal.

    `secure_delete` overwrites what is freed, but a page that SQLite rearranges can keep a stale copy.
    Raises: StoreError.
    """
    forgotten = await Posts(database).purge(before=before, at=at)
    await leave_no_remains(database)
    return Purged(forgotten=forgotten, is_clean=await database.compact([*t.metadata.sorted_tables, POST_WORDS]))
