"""Rulebooks: which rules and which watches are in force, and every version there was.

Owns the `rulebooks` rows. Refuses to read what stands in them.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Conflict
from core.rulebook import FILE, Kind, Rulebook
from store import rows
from store import tables as t
from store.database import Database, alone
from store.people import record

_C = t.rulebooks.c
# So many lines of a change stand in the audit; the versions themselves keep all of it.
_MOST_LINES = 200


class Rulebooks:
    """The versions, oldest to newest."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def newest(self, kind: Kind) -> int:
        """Return the version in force, FILE where none was ever put live on a page. Cheap: asked all the time."""
        query = select(func.max(_C.id)).where(_C.kind == kind)
        async with self._db.read() as connection:
            return (await connection.execute(query)).scalar_one_or_none() or FILE

    async def get(self, book_id: int) -> Rulebook | None:
        """Return one version."""
        async with self._db.read() as connection:
            row = (await connection.execute(select(t.rulebooks).where(_C.id == book_id))).one_or_none()
            return None if row is None else _read(row)

    async def history(self, kind: Kind, *, limit: int = 50) -> list[Rulebook]:
        """Return versions, the newest, which is in force, first."""
        query = select(t.rulebooks).where(_C.kind == kind).order_by(_C.id.desc()).limit(limit)
        async with self._db.read() as connection:
            return [_read(row) for row in await connection.execute(query)]

    async def put_live(
        self,
        kind: Kind,
        text: str | None,
        *,
        follows: int,
        file_print: str,
        note: str,
        changed: Sequence[str],
        by: str,
        at: datetime,
        takes_up: int | None = None,
    ) -> int:
        """Make a version that is in force from now on; return its id. `changed` is how it differs, for the audit.

        Raises: Conflict where the version in force is not `follows` any more.
        """
        async with self._db.begin() as connection:
            await alone(connection, t.rulebooks)
            newest = await _newest(connection, kind)
            if (newest.id if newest else FILE) != follows:
                who = f"{newest.made_by} put version {newest.id} live" if newest else "nothing is live here"
                raise Conflict(f"{who} since you began")
            made = insert(t.rulebooks).values(
                kind=kind,
                text=text,
                note=note,
                made_by=by,
                made_at=at,
                file_print=file_print,
                takes_up=takes_up,
                follows=follows,
            )
            book_id: int = (await connection.execute(made.returning(_C.id))).scalar_one()
            detail = {
                "before": follows,
                "after": book_id,
                "takes_up": takes_up,
                "note": note,
                "changed": list(changed[:_MOST_LINES]),
                "changed_lines": len(changed),
            }
            await record(
                connection, by=by, action=f"put {kind} live", subject=f"{kind} {book_id}", at=at, detail=detail
            )
        return book_id


async def _newest(connection: AsyncConnection, kind: Kind) -> Rulebook | None:
    query = select(t.rulebooks).where(_C.kind == kind).order_by(_C.id.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _read(row)


def _read(row: rows.AnyRow) -> Rulebook:
    return Rulebook(
        id=row.id,
        kind=Kind(row.kind),
        text=row.text,
        note=row.note,
        made_by=row.made_by,
        made_at=row.made_at,
        file_print=row.file_print,
        takes_up=row.takes_up,
    )
