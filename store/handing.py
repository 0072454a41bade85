"""Who works on what: "next", skips, the load of each colleague, and what each can.

Owns the `skips` and `staff_skills` rows, and the moment in which a conversation becomes somebody's by "next". Refuses
to order conversations: `places` keeps the order that "next" follows.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Intent, Language
from core.conversation import Status
from core.errors import Conflict
from core.rights import Right, Role, may
from store import tables as t
from store.conversations import touch
from store.database import Database
from store.people import record
from store.places import bits

# From here on somebody may be in danger: whoever reads the language is good enough.
_DANGER = 70
# What somebody skipped is not handed to them again so soon.
_NOT_AGAIN = timedelta(hours=12)
_C, _K, _S = t.conversations.c, t.staff_skills.c, t.skips.c


class Skip(StrEnum):
    """Why somebody gives back what "next" handed them. There is no "too hard"."""

    LANGUAGE = "language"
    SKILL = "skill"
    KNOWN = "known"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skills:
    """What somebody can. None of a kind: all of it."""

    languages: frozenset[Language] = frozenset()
    intents: frozenset[Intent] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """Somebody who may work, how much they have open, and what they can."""

    id: int
    name: str
    load: int
    skills: Skills


class Full(Conflict):
    """Somebody has as much open as one person may. Finish or snooze something first."""


class Handing:
    """Hands out work."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def next(self, staff_id: int, *, by: str, most_open: int, at: datetime) -> int | None:
        """Make the most important conversation that fits somebody, and is nobody's, theirs; None where there is none.

        Two who ask at once get two different ones. Raises: Full.
        """
        async with self._db.begin() as connection:
            # One after the other for each person: two tabs must not get past the limit together.
            await connection.execute(select(t.staff.c.id).where(t.staff.c.id == staff_id).with_for_update())
            load = (await _loads(connection, [by])).get(by, 0)
            if load >= most_open:
                raise Full(f"you have {load} conversations open, and {most_open} is the most")
            skills = (await _skills(connection, [staff_id])).get(staff_id, Skills())
            free = (
                select(_C.id)
                .where(_C.status == Status.OPEN, _C.assigned_to.is_(None), _C.taken_by.is_(None), *_fits(skills))
                .where(~exists().where(_S.conversation_id == _C.id, _S.by == by, _S.at > at - _NOT_AGAIN))
                .order_by(_C.rank, _C.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            found: int | None = (await connection.execute(free)).scalar_one_or_none()
            if found is not None:
                await _give(connection, found, to=by, at=at)
                detail = {"before": {"assigned_to": None}, "after": {"assigned_to": by}}
                await record(connection, by=by, action="next", subject=f"conversation {found}", at=at, detail=detail)
            return found

    async def skip(self, conversation_id: int, because: Skip, *, by: str, at: datetime) -> None:
        """Give back what one was handed, and say why: it is counted. Raises: Conflict where it is not theirs."""
        async with self._db.begin() as connection:
            theirs = select(_C.assigned_to, _C.taken_by).where(_C.id == conversation_id).with_for_update()
            row = (await connection.execute(theirs)).first()
            if row is None or row.assigned_to != by or row.taken_by is not None:
                raise Conflict("this conversation is not yours to give back")
            await _give(connection, conversation_id, to=None, at=at)
            skipped = {"conversation_id": conversation_id, "by": by, "because": because, "at": at}
            await connection.execute(insert(t.skips).values(**skipped))
            subject = f"conversation {conversation_id}"
            await record(connection, by=by, action="skip", subject=subject, at=at, detail={"because": because})

    async def skips_since(self, at: datetime) -> dict[str, int]:
        """Return how often each person skipped since an instant."""
        query = select(_S.by, func.count()).where(_S.at >= at).group_by(_S.by)
        async with self._db.read() as connection:
            return dict((await connection.execute(query)).all())

    async def colleagues(self) -> list[Colleague]:
        """Return everybody active who may work, those with the least open first."""
        able = [role for role in Role if may(role, Right.WORK)]
        people = select(t.staff.c.id, t.staff.c.name).where(t.staff.c.is_active, t.staff.c.role.in_(able))
        async with self._db.read() as connection:
            found = list(await connection.execute(people))
            loads = await _loads(connection, [row.name for row in found])
            skills = await _skills(connection, [row.id for row in found])
        made = [
            Colleague(id=row.id, name=row.name, load=loads.get(row.name, 0), skills=skills.get(row.id, Skills()))
            for row in found
        ]
        return sorted(made, key=lambda one: (one.load, one.name.casefold()))

    async def skills_of(self, staff_id: int) -> Skills:
        """Return what somebody can."""
        async with self._db.read() as connection:
            return (await _skills(connection, [staff_id])).get(staff_id, Skills())

    async def set_skills(self, staff_id: int, skills: Skills, *, by: str, at: datetime) -> None:
        """Say what somebody can, in place of what was said before."""
        async with self._db.begin() as connection:
            before = (await _skills(connection, [staff_id])).get(staff_id, Skills())
            await connection.execute(delete(t.staff_skills).where(_K.staff_id == staff_id))
            rows = [
                {"staff_id": staff_id, "kind": kind, "value": value}
                for kind, values in (("language", skills.languages), ("intent", skills.intents))
                for value in sorted(values)
            ]
            if rows:
                await connection.execute(insert(t.staff_skills), rows)
            detail = {"before": _plain(before), "after": _plain(skills)}
            await record(connection, by=by, action="set skills", subject=f"staff {staff_id}", at=at, detail=detail)


def fits(skills: Skills, language: Language, intents: Iterable[Intent], urgency: int) -> bool:
    """Whether a conversation is for somebody who can this. The same as "next" asks the rows."""
    wanted = frozenset(intents)
    reads = not skills.languages or language is Language.UNSURE or language in _read(skills.languages)
    return reads and (not skills.intents or not wanted or bool(wanted & skills.intents) or urgency >= _DANGER)


def _fits(skills: Skills) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if skills.languages:
        known = [*_read(skills.languages), Language.UNSURE]
        conditions.append(or_(_C.language.is_(None), _C.language.in_(known)))
    if skills.intents:
        mask = bits([*skills.intents])
        conditions.append(or_(_C.intents == 0, _C.intents.op("&")(mask) != 0, _C.urgency >= _DANGER))
    return conditions


def _read(languages: frozenset[Language]) -> frozenset[Language]:
    """Who reads one Norwegian reads the other."""
    norwegian = frozenset({Language.NB, Language.NN})
    return languages | norwegian if languages & norwegian else languages


async def _give(connection: AsyncConnection, conversation_id: int, *, to: str | None, at: datetime) -> None:
    await connection.execute(update(t.conversations).where(_C.id == conversation_id).values(assigned_to=to))
    await touch(connection, conversation_id, at=at)


async def _loads(connection: AsyncConnection, names: Collection[str]) -> dict[str, int]:
    """How many open conversations each has."""
    query = select(_C.assigned_to, func.count()).where(_C.assigned_to.in_(names), _C.status == Status.OPEN)
    return dict((await connection.execute(query.group_by(_C.assigned_to))).all())


async def _skills(connection: AsyncConnection, staff_ids: Collection[int]) -> dict[int, Skills]:
    languages: dict[int, set[Language]] = {}
    intents: dict[int, set[Intent]] = {}
    for row in await connection.execute(select(t.staff_skills).where(_K.staff_id.in_(staff_ids))):
        if row.kind == "language":
            languages.setdefault(row.staff_id, set()).add(Language(row.value))
        else:
            intents.setdefault(row.staff_id, set()).add(Intent(row.value))
    return {
        one: Skills(languages=frozenset(languages.get(one, ())), intents=frozenset(intents.get(one, ())))
        for one in {*languages, *intents}
    }


def _plain(skills: Skills) -> dict[str, list[str]]:
    return {"languages": sorted(skills.languages), "intents": sorted(skills.intents)}
