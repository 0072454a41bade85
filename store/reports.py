"""The numbers: how many rows of a kind, what they have in common, and the rows themselves.

Owns the questions; what is counted stands in `report_rows`, once for counting and for listing. Read only, and all
questions of a page see the same moment. Refuses to say anything in words.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.ext.asyncio import AsyncConnection

from core.report import (
    ANY,
    DELETED,
    NONE,
    TOOK,
    UNREAD,
    Answer,
    Facet,
    Kind,
    Response,
    Which,
    bucket,
    open_time_of,
    seconds_taken,
)
from core.sla import Hours
from store import rows
from store import tables as t
from store.database import Database
from store.report_rows import DEFINITIONS, FIRST_AUTOMATIC, FIRST_BY_PERSON, answer_of, chosen

Tally = Counter[tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a list: the post it is about, and its facets. The text of a deleted or forgotten post is "".

    `automatic_at` and `by_person_at` are for conversations: when each was first answered.
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
    automatic_at: datetime | None = None
    by_person_at: datetime | None = None


def facets_of(kind: Kind) -> frozenset[Facet]:
    """Return by what rows of a kind can be narrowed."""
    timed = TOOK if kind is Kind.CONVERSATIONS else ()
    return frozenset({*DEFINITIONS[kind].facets, *timed})


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """How many conversations stand how; and when those that were answered were."""

    standing: Counter[Answer]
    answered: Sequence[Response]


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
        return spread(await self.combined(which, *facets), facets)

    async def combined(self, which: Which, *facets: Facet) -> Tally:
        """Return the same with each row counted once: the topics of a row are one value, for `spread` to take apart."""
        columns = [DEFINITIONS[which.kind].facets[facet] for facet in facets]
        query = chosen(which, *columns, func.count()).group_by(*columns)
        return Counter({tuple(values): number for *values, number in (await self._run(query)).all()})

    async def responses(self, which: Which) -> Responses:
        """Return how conversations stand, and of those that were answered, when."""
        of_kind = DEFINITIONS[Kind.CONVERSATIONS]
        query = chosen(which, of_kind.id, of_kind.at, FIRST_AUTOMATIC, FIRST_BY_PERSON, t.conversations.c.status)
        standing: Counter[Answer] = Counter()
        answered: list[Response] = []
        for one, began_at, automatic_at, by_person_at, status in (await self._run(query)).all():
            standing[answer_of(by_person_at=by_person_at, status=status)] += 1
            if automatic_at is not None or by_person_at is not None:
                answered.append(
                    Response(id=one, began_at=began_at, automatic_at=automatic_at, by_person_at=by_person_at)
                )
        return Responses(standing=standing, answered=answered)

    async def lines(self, which: Which, *, limit: int, offset: int = 0) -> list[Line]:
        """Return the rows themselves: the newest first; where the question is how long it took, the longest first."""
        of_kind = DEFINITIONS[which.kind]
        query = chosen(which, *_columns(which.kind)).add_columns(t.authors.c.handle)
        query = query.join(t.authors, t.authors.c.id == t.posts.c.author_id)
        if not _is_timed(which):
            query = query.order_by(of_kind.at.desc(), of_kind.id.desc()).limit(limit).offset(offset)
            return [_line(row, which.kind) for row in await self._run(query)]
        ids = (await self._timed(which))[offset : offset + limit]
        found = {row.row_id: _line(row, which.kind) for row in await self._run(query.where(of_kind.id.in_(ids)))}
        return [found[one] for one in ids]

    async def _timed(self, which: Which) -> list[int]:
        """Return the conversations that took as long as asked, the longest first. Worked out once for each question."""
        if which in self._ids:
            return self._ids[which]
        responses = (await self.responses(which)).answered
        open_time = open_time_of(responses, self._hours)
        wanted = [(facet, value) for facet, value in which.facets if facet in TOOK]
        taken: list[tuple[float, int]] = []
        for response in responses:
            times = [seconds_taken(response, facet, open_time) for facet, _ in wanted]
            if all(_fits(took, value) for took, (_, value) in zip(times, wanted, strict=True)):
                taken.append((times[0] or 0.0, response.id))
        self._ids[which] = [one for _, one in sorted(taken, reverse=True)]
        return self._ids[which]

    async def _run(self, query: Any) -> Any:
        return await self._connection.execute(query, self._bound)


def _is_timed(which: Which) -> bool:
    return any(facet in TOOK for facet, _ in which.facets)


def _fits(seconds: float | None, value: str) -> bool:
    return seconds is not None and value in (ANY, bucket(seconds))


def _columns(kind: Kind) -> list[ColumnElement[Any]]:
    of_kind, p = DEFINITIONS[kind], t.posts.c
    columns: list[ColumnElement[Any]] = [
        of_kind.id.label("row_id"),
        of_kind.at.label("at"),
        *(p[name] for name in ("conversation_id", "posted_at", "text", "url", "deleted_at")),
        p.id.label("post_id"),
        *(column.label(f"facet_{facet}") for facet, column in of_kind.facets.items()),
    ]
    if kind is Kind.CONVERSATIONS:
        columns += [FIRST_AUTOMATIC.label("automatic_at"), FIRST_BY_PERSON.label("by_person_at")]
    return columns


def _line(row: rows.AnyRow, kind: Kind) -> Line:
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
        facets={facet: getattr(row, f"facet_{facet}") for facet in DEFINITIONS[kind].facets},
        automatic_at=row.automatic_at if kind is Kind.CONVERSATIONS else None,
        by_person_at=row.by_person_at if kind is Kind.CONVERSATIONS else None,
    )


@cache
def topics_of(spelled: str) -> tuple[str, ...]:
    """Return the topics of a post as `report_rows.TOPICS` spells them: `["complaint", "billing"]`."""
    if spelled in (DELETED, UNREAD):
        return (spelled,)
    return tuple(word.strip(' "') for word in spelled.strip("[]").split(",") if word.strip()) or (NONE,)


def spread(combined: Tally, facets: Sequence[Facet]) -> Tally:
    """Return how many rows have each combination, where a row with several topics counts with each of them."""
    if Facet.TOPIC not in facets:
        return combined
    nth = facets.index(Facet.TOPIC)
    counted: Tally = Counter()
    for values, number in combined.items():
        for topic in topics_of(values[nth]):
            counted[*values[:nth], topic, *values[nth + 1 :]] += number
    return counted
