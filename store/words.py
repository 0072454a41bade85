"""The index of words that search asks, as something that must not remember what was forgotten.

Owns `post_words` apart from the asking: its table on PostgreSQL, the looking for a text in it, and the writing anew of
SQLite's index. Triggers of migration 0012 fill it. Refuses to search: `search` does.

FTS5 takes a word out by noting that it is out: the word itself stays in the file until its index is merged. Merging in
steps lets others write in between.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, MetaData, Table, or_, select, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.ext.asyncio import AsyncConnection

from core.sought import Sought, Term, words_of
from store import tables as t
from store.database import Database
from store.search import match_text, tsquery_text

# On PostgreSQL; SQLite has a virtual table of the same name.
POST_WORDS = Table(
    "post_words", MetaData(), Column("post_id", BigInteger, primary_key=True), Column("words", TSVECTOR, nullable=False)
)
# Pages a step: some 50 ms, in which nobody else writes.
_STEP = 500
_MERGE = "INSERT INTO post_words (post_words, rank) VALUES ('merge', {pages})"
_COUNT = {
    "sqlite": text("SELECT count(*) FROM post_words WHERE post_words MATCH :sought"),
    "postgresql": text("SELECT count(*) FROM post_words WHERE words @@ CAST(:sought AS tsquery)"),
}
# A longer text is looked for by its beginning.
_MOST_WORDS = 50


async def count_holding(connection: AsyncConnection, said: str) -> int:
    """Return how many posts the index holds a text of, by its words in order."""
    words = words_of(said)[:_MOST_WORDS]
    if not words:
        return 0
    sought = Sought(terms=(Term(words=words),))
    dialect = connection.dialect.name
    spelled = match_text(sought) if dialect == "sqlite" else tsquery_text(sought)
    count: int = (await connection.execute(_COUNT[dialect], {"sought": spelled})).scalar_one()
    return count


async def leave_no_remains(database: Database, *, since: datetime | None = None) -> bool:
    """Write SQLite's index anew, without the words of what was forgotten. PostgreSQL sees to its own.

    With `since`, only where something was deleted or edited after it. Returns whether it was. Raises: StoreError.
    """
    if not database.is_sqlite or (since is not None and not await _has_forgotten(database, since)):
        return False
    # The first step begins a merge of everything, the others go on with it.
    pages = -_STEP
    while await _merge(database, pages):
        pages = _STEP
    return True


async def _merge(database: Database, pages: int) -> bool:
    """Take one step; False where there was nothing left to do."""
    async with database.begin() as connection:
        before = (await connection.execute(_CHANGES)).scalar_one()
        await connection.exec_driver_sql(_MERGE.format(pages=pages))
        # The statement itself counts as one.
        return bool((await connection.execute(_CHANGES)).scalar_one() - before > 1)


_CHANGES = text("SELECT total_changes()")


async def _has_forgotten(database: Database, since: datetime) -> bool:
    p = t.posts.c
    query = select(p.id).where(or_(p.deleted_at > since, p.edited_at > since)).limit(1)
    async with database.read() as connection:
        return (await connection.execute(query)).first() is not None
