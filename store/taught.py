"""Taught words: phrases that people of the staff let count, beside those that are shipped.

Owns the `taught_cues` rows, which no upgrade touches. Refuses to look for phrases in posts: sentiment does.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update

from core.correction import TaughtCue
from core.errors import BadValue, Conflict
from store import rows
from store import tables as t
from store.database import Database, alone
from store.people import record

# Each is looked for in each post.
MOST_TAUGHT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """A taught word on record."""

    id: int
    cue: TaughtCue
    person: str
    made_at: datetime
    undone_by: str | None
    undone_at: datetime | None


class TaughtWords:
    """The words people taught."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def teach(self, cue: TaughtCue, *, by: str, at: datetime) -> int:
        """Let a phrase count from the next post on; return its id.

        Raises: Conflict where it is taught already; BadValue where there are too many.
        """
        async with self._db.begin() as connection:
            # Two people who teach the same word at once: one is told of the other.
            await alone(connection, t.taught_cues)
            standing = list(await connection.execute(_standing()))
            same = next((row for row in standing if row.phrase.casefold() == cue.phrase.casefold()), None)
            if same is not None:
                raise Conflict(
                    f"{same.person} has already taught “{same.phrase}” with {same.points:+d}; undo that first"
                )
            if len(standing) >= MOST_TAUGHT:
                raise BadValue(f"{MOST_TAUGHT} words are taught, which is the most: undo one that no longer helps")
            made = insert(t.taught_cues).values(phrase=cue.phrase, points=cue.points, person=by, made_at=at)
            taught_id: int = (await connection.execute(made.returning(t.taught_cues.c.id))).scalar_one()
            subject = f"taught word {taught_id}"
            await record(
                connection, by=by, action="teach", subject=subject, at=at, detail={"before": None, "after": cue.points}
            )
        return taught_id

    async def undo(self, taught_id: int, *, by: str, at: datetime) -> None:
        """Let a taught word count no more. Raises: Conflict where it is undone already, or unknown."""
        c = t.taught_cues.c
        async with self._db.begin() as connection:
            mark = update(t.taught_cues).where(c.id == taught_id, c.undone_at.is_(None))
            if not (await connection.execute(mark.values(undone_by=by, undone_at=at))).rowcount:
                who = (await connection.execute(select(c.undone_by).where(c.id == taught_id))).scalar_one_or_none()
                raise Conflict(f"{who} has already undone it" if who else "there is no such taught word")
            points = (await connection.execute(select(c.points).where(c.id == taught_id))).scalar_one()
            subject, detail = f"taught word {taught_id}", {"before": points, "after": None}
            await record(connection, by=by, action="undo teach", subject=subject, at=at, detail=detail)

    async def all(self, *, limit: int = 500) -> list[Taught]:
        """Return taught words: those that count first, the newest first among each."""
        c = t.taught_cues.c
        query = select(t.taught_cues).order_by(c.undone_at.is_not(None), c.id.desc()).limit(limit)
        async with self._db.read() as connection:
            return [_taught(row) for row in await connection.execute(query)]

    async def active(self) -> tuple[TaughtCue, ...]:
        """Return the taught words that count, oldest first."""
        async with self._db.read() as connection:
            return tuple(_taught(row).cue for row in await connection.execute(_standing()))

    async def count(self) -> int:
        """Return how many count."""
        query = select(func.count()).select_from(t.taught_cues).where(t.taught_cues.c.undone_at.is_(None))
        async with self._db.read() as connection:
            return (await connection.execute(query)).scalar_one()


def _standing() -> rows.AnyRow:
    return select(t.taught_cues).where(t.taught_cues.c.undone_at.is_(None)).order_by(t.taught_cues.c.id)


def _taught(row: rows.AnyRow) -> Taught:
    return Taught(
        id=row.id,
        cue=TaughtCue(phrase=row.phrase, points=row.points),
        person=row.person,
        made_at=row.made_at,
        undone_by=row.undone_by,
        undone_at=row.undone_at,
    )
