"""The numbers: how many rows of a kind, what they have in common, and the rows themselves.

Owns the questions; what is counted stands in `report_rows`, once for counting and for listing. Read only, and all
questions of a page see the same moment. Refuses to say anything in words.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, func, literal, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from core.report import ANY, TOOK, Facet, Kind, Which, bucket
from core.sla import Hours, OpenTime
from store import rows
from store import tables as t
from store.combined import PART, Combined, Tally
from store.database import Database
from store.readings import READ, values_of
from store.report_rows import DEFINITIONS, Definition, chosen

# PostgreSQL takes 32,767 values in a statement; a file has more lines.
_AT_ONCE = 10_000
_COLUMNS = {Facet.AUTOMATIC_TOOK: t.conversations.c.automatic_took}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a list: the post it is about, and its facets. The text of a deleted or forgotten post is "".

    `automatic_took` and `person_took` are for conversations: after how many seconds each was first answered.
    """

    id: int
    at: datetime
    post_id: int
    conversation_id: int
    posted_at: datetime
    handle: str
    text: str
    url: str
    is_deleted: bool
    facets: Mapping[Facet, str]
    topics: tuple[str, ...]
    automatic_took: float | None = None
    person_took: float | None = None


def facets_of(kind: Kind) -> frozenset[Facet]:
    """Return by what rows of a kind can be narrowed."""
    timed = TOOK if kind is Kind.CONVERSATIONS else ()
    return frozenset({*DEFINITIONS[kind].facets, *timed})


class Reports:
    """The numbers of a house that keeps these hours."""

    def __init__(self, database: Database, hours: Hours) -> None:
        self._db = database
        self._hours = hours

    @asynccontextmanager
    async def look(self, *, at: datetime) -> AsyncIterator["Look"]:
        """Look at the numbers as they stand at one moment; `at` tells what is due by then. Raises: StoreError."""
        async with self._db.snapshot() as connection:
            yield Look(connection, self._hours, at=at)


class Look:
    """One moment's numbers."""

    def __init__(self, connection: AsyncConnection, hours: Hours, *, at: datetime) -> None:
        self._connection = connection
        self._hours = hours
        self._bound = {"now": at}
        self._ids: dict[Which, list[int]] = {}

    async def count(self, which: Which) -> int:
        """Return how many rows `which` are: as many as `lines` gives."""
        if _is_timed(which):
            return len(await self._timed(which))
        return int((await self._run(chosen(which, func.count()))).scalar_one())

    async def tally(self, which: Which, *facets: Facet) -> Tally:
        """Return how many rows have each combination of values. A row with several topics counts with each."""
        return (await self.combined(which, *facets)).by(*facets)

    async def combined(self, which: Which, *facets: Facet) -> Combined:
        """Return how many rows have each combination, each row counted once, for `Combined.by` to fold."""
        of_kind = DEFINITIONS[which.kind]
        beside = tuple(facet for facet in facets if not of_kind.is_read(facet))
        read, text = READ if len(beside) < len(facets) else None, _as_one(of_kind, beside) if beside else None
        grouped = [column for column in (read, text) if column is not None]
        columns = [literal(0) if read is None else read, literal("", String) if text is None else text]
        found = await self._run(chosen(which, *columns, func.count()).group_by(*grouped))
        counted = {(read, text): number for read, text, number in found.all()}
        return Combined(beside=beside, counted=Counter(counted))

    async def times(self, which: Which, facet: Facet) -> list[float]:
        """Return how many seconds the answers took that `facet` is about, in order."""
        return sorted(took for _, took in await self._taken(which, facet))

    async def lines(self, which: Which, *, limit: int, offset: int = 0) -> list[Line]:
        """Return the rows themselves: the newest first; where the question is how long it took, the longest first."""
        of_kind = DEFINITIONS[which.kind]
        query = chosen(which, *_columns(which.kind)).add_columns(t.authors.c.handle)
        query = query.join(t.authors, t.authors.c.id == t.posts.c.author_id)
        if not _is_timed(which):
            query = query.order_by(of_kind.at.desc(), of_kind.id.desc()).limit(limit).offset(offset)
            return [_line(row, which.kind) for row in await self._run(query)]
        ids = (await self._timed(which))[offset : offset + limit]
        found: dict[int, Line] = {}
        for at in range(0, len(ids), _AT_ONCE):
            some = await self._run(query.where(of_kind.id.in_(ids[at : at + _AT_ONCE])))
            found |= {row.row_id: _line(row, which.kind) for row in some}
        return [found[one] for one in ids]

    async def _timed(self, which: Which) -> list[int]:
        """Return the conversations that took as long as asked, the longest first. Worked out once for each question."""
        if which not in self._ids:
            wanted = [(facet, value) for facet, value in which.facets if facet in TOOK]
            taken = [
                {one: took for one, took in await self._taken(which, facet) if value in (ANY, bucket(took))}
                for facet, value in wanted
            ]
            fit = [(took, one) for one, took in taken[0].items() if all(one in other for other in taken[1:])]
            self._ids[which] = [one for _, one in sorted(fit, reverse=True)]
        return self._ids[which]

    async def _taken(self, which: Which, facet: Facet) -> Sequence[tuple[int, float]]:
        """Return conversations with how many seconds it took, those that have such an answer."""
        c = t.conversations.c
        took = _COLUMNS.get(facet, c.person_took)
        query = chosen(which, c.id, took).where(took.is_not(None))
        if facet is not Facet.PERSON_TOOK_OPEN or not self._hours.ever_close:
            return [(one, seconds) for one, seconds in (await self._run(query)).all()]
        found = [
            (one, began_at, began_at + timedelta(seconds=seconds))
            for one, seconds, began_at in (await self._run(query.add_columns(c.began_at))).all()
        ]
        if not found:
            return []
        open_time = OpenTime(self._hours, min(began for _, began, _ in found), max(ended for _, _, ended in found))
        return [(one, open_time.seconds(began, ended)) for one, began, ended in found]

    async def _run(self, query: Any) -> Any:
        return await self._connection.execute(query, self._bound)


def _is_timed(which: Which) -> bool:
    return any(facet in TOOK for facet, _ in which.facets)


def _as_one(of_kind: Definition, facets: Sequence[Facet]) -> ColumnElement[str]:
    """SQL: the values of several facets as one text."""
    first, *rest = (type_coerce(of_kind.facets[facet], String) for facet in facets)
    one: ColumnElement[str] = first
    for column in rest:
        one = one.concat(literal(PART, String)).concat(column)
    return one


def _columns(kind: Kind) -> list[ColumnElement[Any]]:
    of_kind, p = DEFINITIONS[kind], t.posts.c
    columns: list[ColumnElement[Any]] = [
        of_kind.id.label("row_id"),
        of_kind.at.label("at"),
        *(p[name] for name in ("conversation_id", "posted_at", "text", "url", "deleted_at")),
        p.id.label("post_id"),
        READ.label("read"),
        *(column.label(f"facet_{facet}") for facet, column in of_kind.facets.items() if not of_kind.is_read(facet)),
    ]
    if kind is Kind.CONVERSATIONS:
        columns += [t.conversations.c.automatic_took, t.conversations.c.person_took]
    return columns


def _line(row: rows.AnyRow, kind: Kind) -> Line:
    of_kind = DEFINITIONS[kind]
    return Line(
        id=row.row_id,
        at=row.at,
        post_id=row.post_id,
        conversation_id=row.conversation_id,
        posted_at=row.posted_at,
        handle=row.handle,
        text=row.text,
        url=row.url,
        is_deleted=row.deleted_at is not None,
        facets={
            facet: values_of(row.read, facet)[0] if of_kind.is_read(facet) else getattr(row, f"facet_{facet}")
            for facet in of_kind.facets
            if facet is not Facet.TOPIC
        },
        topics=values_of(row.read, Facet.TOPIC),
        automatic_took=row.automatic_took if kind is Kind.CONVERSATIONS else None,
        person_took=row.person_took if kind is Kind.CONVERSATIONS else None,
    )
