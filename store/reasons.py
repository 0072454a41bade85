"""Reasons found later: under load posts are read first, and explained when nothing waits to be read.

Owns `is_explained` and the reasons written after the assessment. Refuses to find any.
"""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import exists, false, select, update

from core.assessment import Reason
from core.decision import Heard
from store import rows
from store import tables as t
from store.database import Database

_A = t.assessments.c


class Reasons:
    """Which posts still lack their reasons, and these."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def missing(self, *, limit: int) -> list[Heard]:
        """Return posts that are read but not explained, the most urgent first."""
        query = (
            select(*rows.HEARD_COLUMNS)
            .join(t.authors, t.authors.c.id == t.posts.c.author_id)
            .join(t.assessments, _A.post_id == t.posts.c.id)
            .where(_A.is_explained == false())
            .order_by(_A.urgency.desc())
            .limit(limit)
        )
        async with self._db.read() as connection:
            return [rows.heard(row) for row in await connection.execute(query)]

    async def save(self, found: Sequence[tuple[Heard, Sequence[Reason]]]) -> int:
        """Store the reasons of posts as they were heard. Returns how many posts took them.

        One whose text was edited or forgotten meanwhile does not.
        """
        saved = 0
        async with self._db.begin() as connection:
            for heard, reasons in found:
                as_read = exists().where(t.posts.c.id == _A.post_id, t.posts.c.text == heard.mention.post.text)
                explained = (
                    update(t.assessments)
                    .where(_A.post_id == heard.id, _A.is_explained == false(), as_read)
                    .values(reasons=[asdict(reason) for reason in reasons], is_explained=True)
                )
                saved += (await connection.execute(explained)).rowcount
        return saved
