"""Notes and tags: what people at the desk write beside a conversation, and whom they call with an @.

Owns the `notes`, `nudges` and `tags` rows, and how they are forgotten. Refuses to read a note's words: `core.note`
does.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Conflict
from core.note import called, quotes
from store import rows
from store import tables as t
from store.conversations import touch
from store.database import Database
from store.people import record

_N, _U, _T = t.notes.c, t.nudges.c, t.tags.c

_TAGGED = {"before": {"tag": False}, "after": {"tag": True}}
_UNTAGGED = {"before": _TAGGED["after"], "after": _TAGGED["before"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note. `calls` are the colleagues it names."""

    id: int
    by: str
    text: str
    at: datetime
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudge:
    """A note that calls somebody who has not seen it."""

    conversation_id: int
    by: str
    text: str
    at: datetime


class Notes:
    """What colleagues tell each other about a conversation."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of(self, conversation_id: int) -> list[Note]:
        """Return the notes of a conversation, the oldest first."""
        async with self._db.read() as connection:
            found = await connection.execute(
                select(t.notes).where(_N.conversation_id == conversation_id).order_by(_N.id)
            )
            notes = list(found)
            named = select(_U.note_id, _U.person).where(_U.note_id.in_([row.id for row in notes])).order_by(_U.person)
            calls: dict[int, list[str]] = {}
            for row in await connection.execute(named):
                calls.setdefault(row.note_id, []).append(row.person)
        return [
            Note(id=row.id, by=row.by, text=row.text, at=row.at, calls=tuple(calls.get(row.id, ()))) for row in notes
        ]

    async def write(self, conversation_id: int, text: str, *, by: str, at: datetime) -> list[str]:
        """Write a note; return the colleagues it calls. Raises: Conflict where there is no such conversation."""
        async with self._db.begin() as connection:
            await _check_there(connection, conversation_id)
            names = select(t.staff.c.name).where(t.staff.c.is_active, t.staff.c.name != by).order_by(t.staff.c.name)
            calls = called(text, (await connection.execute(names)).scalars().all())
            written = {"conversation_id": conversation_id, "by": by, "text": rows.storable(text), "at": at}
            note_id = (await connection.execute(insert(t.notes).values(**written).returning(_N.id))).scalar_one()
            if calls:
                await connection.execute(insert(t.nudges), [{"note_id": note_id, "person": name} for name in calls])
            await touch(connection, conversation_id, at=at)
            subject = f"conversation {conversation_id}"
            await record(connection, by=by, action="note", subject=subject, at=at, detail={"calls": calls})
            return calls

    async def nudges(self, person: str, *, limit: int = 50) -> list[Nudge]:
        """Return the notes that call somebody and that they have not seen, the newest first."""
        query = (
            select(_N.conversation_id, _N.by, _N.text, _N.at)
            .join(t.nudges, _U.note_id == _N.id)
            .where(_U.person == person, _U.seen_at.is_(None))
            .order_by(_N.id.desc())
            .limit(limit)
        )
        async with self._db.read() as connection:
            return [Nudge(**row) for row in (await connection.execute(query)).mappings()]

    async def count_for(self, person: str, *, due_before: datetime) -> int:
        """Return how much waits for somebody: notes that call them, and promises of theirs that are due."""
        p = t.promises.c
        calls = select(func.count()).where(_U.person == person, _U.seen_at.is_(None)).scalar_subquery()
        due = select(func.count()).where(p.by == person, p.ended_at.is_(None), p.due_at < due_before).scalar_subquery()
        async with self._db.read() as connection:
            waiting: int = (await connection.execute(select(calls + due))).scalar_one()
            return waiting

    async def see(self, conversation_id: int, person: str, *, at: datetime) -> int:
        """Somebody looks at a conversation: the notes there that call them are seen. Returns how many were new."""
        here = select(_N.id).where(_N.conversation_id == conversation_id)
        new = and_(_U.person == person, _U.seen_at.is_(None), _U.note_id.in_(here))
        async with self._db.read() as connection:
            if (await connection.execute(select(_U.note_id).where(new).limit(1))).first() is None:
                return 0
        async with self._db.begin() as connection:
            return (await connection.execute(update(t.nudges).where(new).values(seen_at=at))).rowcount

    async def tags(self, conversation_id: int) -> list[str]:
        """Return the tags of a conversation in the order of the alphabet."""
        async with self._db.read() as connection:
            query = select(_T.tag).where(_T.conversation_id == conversation_id).order_by(_T.tag)
            return list((await connection.execute(query)).scalars())

    async def usual_tags(self, *, limit: int = 100) -> list[str]:
        """Return the tags in use, the most used first."""
        query = select(_T.tag).group_by(_T.tag).order_by(func.count().desc(), _T.tag).limit(limit)
        async with self._db.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def tag(self, conversation_id: int, tag: str, *, by: str, at: datetime) -> bool:
        """Put a tag on; False where it is there. Raises: Conflict where there is no such conversation."""
        async with self._db.begin() as connection:
            await _check_there(connection, conversation_id)
            put = rows.insert(t.tags, connection.dialect).values(conversation_id=conversation_id, tag=tag, by=by, at=at)
            if not (await connection.execute(put.on_conflict_do_nothing())).rowcount:
                return False
            await touch(connection, conversation_id, at=at)
            # Never its words: a tag may name somebody (I9).
            subject = f"conversation {conversation_id}"
            await record(connection, by=by, action="tag", subject=subject, at=at, detail=_TAGGED)
            return True

    async def untag(self, conversation_id: int, tag: str, *, by: str, at: datetime) -> bool:
        """Take a tag off; False where there was none."""
        off = delete(t.tags).where(_T.conversation_id == conversation_id, _T.tag == tag)
        async with self._db.begin() as connection:
            if not (await connection.execute(off)).rowcount:
                return False
            await touch(connection, conversation_id, at=at)
            subject = f"conversation {conversation_id}"
            await record(connection, by=by, action="untag", subject=subject, at=at, detail=_UNTAGGED)
            return True


async def forget_quotations(connection: AsyncConnection, conversation_id: int, said: Sequence[str]) -> None:
    """Forget the notes and promises of a conversation that repeat words which are gone: a post's, or a name."""
    found = await connection.execute(select(_N.id, _N.text).where(_N.conversation_id == conversation_id))
    await _delete_notes(connection, [row.id for row in found if quotes(row.text, said)])
    p = t.promises.c
    promised = await connection.execute(select(p.id, p.what).where(p.conversation_id == conversation_id))
    ids = [row.id for row in promised if quotes(row.what, said)]
    await connection.execute(update(t.promises).where(p.id.in_(ids)).values(what=""))
    tagged = await connection.execute(select(_T.tag).where(_T.conversation_id == conversation_id))
    gone = [tag for tag in tagged.scalars() if quotes(tag, said)]
    await connection.execute(delete(t.tags).where(_T.conversation_id == conversation_id, _T.tag.in_(gone)))


async def forget_all_beside(connection: AsyncConnection, conversation_id: int) -> None:
    """Nothing of a conversation is left: neither are its notes, its tags and the words of its promises."""
    found = await connection.execute(select(_N.id).where(_N.conversation_id == conversation_id))
    await _delete_notes(connection, list(found.scalars()))
    await connection.execute(delete(t.tags).where(_T.conversation_id == conversation_id))
    p = t.promises.c
    await connection.execute(update(t.promises).where(p.conversation_id == conversation_id).values(what=""))


async def forget_old(connection: AsyncConnection, *, before: datetime) -> None:
    """Forget what was written beside conversations before an instant."""
    # By the instant, not by their ids: a statement takes so many values and no more.
    await connection.execute(delete(t.nudges).where(_U.note_id.in_(select(_N.id).where(_N.at < before))))
    await connection.execute(delete(t.notes).where(_N.at < before))
    await connection.execute(delete(t.tags).where(_T.at < before))
    await connection.execute(update(t.promises).where(t.promises.c.at < before).values(what=""))


async def _delete_notes(connection: AsyncConnection, ids: Collection[int]) -> None:
    if ids:
        await connection.execute(delete(t.nudges).where(_U.note_id.in_(ids)))
        await connection.execute(delete(t.notes).where(_N.id.in_(ids)))


async def _check_there(connection: AsyncConnection, conversation_id: int) -> None:
    there = select(t.conversations.c.id).where(t.conversations.c.id == conversation_id).with_for_update()
    if (await connection.execute(there)).first() is None:
        raise Conflict("there is no such conversation")
