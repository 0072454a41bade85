"""Search: the conversations whose posts, or whose author's name, hold what is sought; by the newest post that does.

Owns the asking of `post_words`: SQLite's FTS5 index or PostgreSQL's table of tsvectors, kept by triggers of migration
0012, so that no writer can forget it: a post's words stand there for as long as its text stands in `posts`. Refuses to
read what was typed: `core.sought` does.

A page is bounded. Posts are looked at from the newest on, so a common word is answered by the first of them and a rare
one by the index. Where a common word meets a filter that lets hardly anything through, the looking ends after a while,
and says from where to go on.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Integer, bindparam, column, func, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from core.sought import Sought, Term
from store import rows
from store import tables as t

_P, _C, _W = t.posts.c, t.conversations.c, t.authors.c
# How many posts that hold what is sought are looked at, one go after the other, before a page ends unfilled.
_GOES = (250, 1_000, 4_000)
# PostgreSQL looks through this many posts one by one, which takes some 7 ms, before it asks its index for all that hold
# it at once: that costs more the more there are, so what stands in this share of them or more is never asked for so.
_WINDOW_POSTS = 20_000
_COMMON = 0.0125


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A post that was found, and its conversation."""

    post_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What was found, from the cursor on. `looked_to` is the last post looked at where there may be more beyond it."""

    hits: tuple[Hit, ...] = ()
    looked_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One go: what it found, and the last post it looked at, None where there are no more."""

    found: list[Hit]
    edge: int | None


async def find_posts(
    connection: AsyncConnection,
    sought: Sought,
    conditions: Sequence[ColumnElement[bool]],
    *,
    beyond: int | None,
    backwards: bool = False,
    wanted: int,
) -> Hits:
    """Return each conversation once, by its newest post that holds what is sought, from the newest on.

    `beyond` a post of an earlier answer they are older ones; or, `backwards`, newer ones, the oldest of them first.
    """
    if not sought.terms:
        return Hits()
    looking = _LOOKING[connection.dialect.name](sought, conditions, backwards)
    found: dict[int, Hit] = {}
    edge = beyond
    while len(found) < wanted and (look := await looking.go(connection, edge)) is not None:
        fresh = sorted(look.found, reverse=not backwards)
        while fresh and len(found) < wanted:
            some, fresh = fresh[: 2 * wanted], fresh[2 * wanted :]
            if beyond is not None:
                some = await _newest_only(connection, sought, some)
            for hit in some:
                found.setdefault(hit.conversation_id, hit)
        edge = look.edge
        if edge is None:
            break
    return Hits(hits=tuple(found.values())[:wanted], looked_to=edge)


async def _newest_only(connection: AsyncConnection, sought: Sought, hits: Sequence[Hit]) -> list[Hit]:
    """Leave out whose conversation holds it in a newer post too: they stand on an earlier page."""
    if not hits:
        return []
    theirs = {"ids": [hit.conversation_id for hit in hits], "after": min(hits).post_id}
    newest: dict[int, int] = {}
    for row in await connection.execute(_NEWER, theirs):
        if sought.is_in(row.text, row.handle, row.name):
            newest[row.conversation_id] = max(row.id, newest.get(row.conversation_id, 0))
    return [hit for hit in hits if newest.get(hit.conversation_id, 0) <= hit.post_id]


_NEWER = (
    select(_P.id, _P.conversation_id, _P.text, _W.handle, _W.name)
    .join(t.authors, _W.id == _P.author_id)
    .where(_P.conversation_id.in_(bindparam("ids", expanding=True)), _P.id > bindparam("after"), _P.text != "")
)


class _Looking(Protocol):
    """An engine's way from post to post that hold what is sought."""

    async def go(self, connection: AsyncConnection, beyond: int | None) -> _Look | None:
        """Look at some more posts beyond one; None where it has looked at enough."""


class _Fts5:
    """SQLite finds them in the order of posts, however many there are."""

    def __init__(self, sought: Sought, conditions: Sequence[ColumnElement[bool]], backwards: bool) -> None:
        self._given = {"sought": match_text(sought)}
        self._statement = _filtered(_FTS5[backwards], conditions, backwards)
        self._start = 0 if backwards else _BEYOND_ALL
        self._goes = iter(_GOES)

    async def go(self, connection: AsyncConnection, beyond: int | None) -> _Look | None:
        """Look at some more posts beyond one."""
        most = next(self._goes, None)
        if most is None:
            return None
        start = self._start if beyond is None else beyond
        given = {**self._given, "beyond": start, "most": most}
        found, edge, count = _read(await connection.execute(self._statement, given))
        return _Look(found=found, edge=edge if count == most else None)


class _Tsvector:
    """PostgreSQL's index knows no order: it finds all of them, or one looks at every post."""

    def __init__(self, sought: Sought, conditions: Sequence[ColumnElement[bool]], backwards: bool) -> None:
        self._given = {"sought": tsquery_text(sought)}
        self._backwards = backwards
        self._in_window = _filtered(_WINDOW[backwards], conditions, backwards)
        self._in_index = _filtered(_INDEX[backwards], conditions, backwards)
        self._goes = iter(_GOES)
        self._is_common = True

    async def go(self, connection: AsyncConnection, beyond: int | None) -> _Look | None:
        """Look at some more posts beyond one."""
        first, last = (await connection.execute(_ENDS)).one()
        if first is None:
            return _Look(found=[], edge=None)
        start = beyond if beyond is not None else (first - 1 if self._backwards else last + 1)
        most = next(self._goes, None)
        if most is None:
            return None
        if not self._is_common:
            return await self._ask_index(connection, start, most)
        window = start + _WINDOW_POSTS if self._backwards else start - _WINDOW_POSTS
        given = {**self._given, "beyond": start, "edge": window, "most": most}
        found, edge, count = _read(await connection.execute(self._in_window, given))
        if count == most:
            return _Look(found=found, edge=edge)
        self._is_common = count >= _WINDOW_POSTS * _COMMON
        is_end = window >= last if self._backwards else window <= first
        return _Look(found=found, edge=None if is_end else window)

    async def _ask_index(self, connection: AsyncConnection, start: int, most: int) -> _Look:
        given = {**self._given, "beyond": start, "most": most}
        found, edge, count = _read(await connection.execute(self._in_index, given))
        return _Look(found=found, edge=edge if count == most else None)


_LOOKING: Mapping[str, type[_Fts5] | type[_Tsvector]] = {"sqlite": _Fts5, "postgresql": _Tsvector}
_BEYOND_ALL = 1 << 62


def _filtered(sql: str, conditions: Sequence[ColumnElement[bool]], backwards: bool) -> Any:
    """The posts that `sql` finds, where their conversations meet the conditions; and a row of what was looked at."""
    looked = text(sql).columns(column("post_id", Integer)).cte("looked").prefix_with("MATERIALIZED")
    hits = (
        select(_P.id.label("post_id"), _P.conversation_id.label("number"), literal(1).label("is_hit"))
        .join_from(looked, t.posts, _P.id == looked.c.post_id)
        .join(t.conversations, _C.id == _P.conversation_id)
        .where(*conditions)
    )
    last = func.max(looked.c.post_id) if backwards else func.min(looked.c.post_id)
    return union_all(hits, select(last, func.count(), literal(0)).select_from(looked))


def _read(found: Iterable[rows.AnyRow]) -> tuple[list[Hit], int | None, int]:
    """Return the hits, the last post that was looked at, and how many were."""
    hits: list[Hit] = []
    edge, count = None, 0
    for row in found:
        if row.is_hit:
            hits.append(Hit(row.post_id, row.number))
        else:
            edge, count = row.post_id, row.number
    return hits, edge, count


# By whether the looking goes backwards, to newer posts. OFFSET 0 keeps PostgreSQL's planner from looking at every post
# in order, on a guess that many of them hold it.
_FTS5 = {
    False: (
        "SELECT rowid AS post_id FROM post_words WHERE post_words MATCH :sought AND rowid < :beyond "
        "ORDER BY rowid DESC LIMIT :most"
    ),
    True: (
        "SELECT rowid AS post_id FROM post_words WHERE post_words MATCH :sought AND rowid > :beyond "
        "ORDER BY rowid LIMIT :most"
    ),
}
_WINDOW = {
    False: (
        "SELECT post_id FROM post_words WHERE post_id < :beyond AND post_id >= :edge "
        "AND words @@ CAST(:sought AS tsquery) ORDER BY post_id DESC LIMIT :most"
    ),
    True: (
        "SELECT post_id FROM post_words WHERE post_id > :beyond AND post_id <= :edge "
        "AND words @@ CAST(:sought AS tsquery) ORDER BY post_id LIMIT :most"
    ),
}
_INDEX = {
    False: (
        "SELECT post_id FROM (SELECT post_id FROM post_words WHERE words @@ CAST(:sought AS tsquery) OFFSET 0) AS all_ "
        "WHERE post_id < :beyond ORDER BY post_id DESC LIMIT :most"
    ),
    True: (
        "SELECT post_id FROM (SELECT post_id FROM post_words WHERE words @@ CAST(:sought AS tsquery) OFFSET 0) AS all_ "
        "WHERE post_id > :beyond ORDER BY post_id LIMIT :most"
    ),
}
_ENDS = text("SELECT min(post_id), max(post_id) FROM post_words")


def match_text(sought: Sought) -> str:
    """Return what is sought as FTS5 reads it: every word in quotes, so that none is syntax."""
    wanted = " AND ".join(_fts(term) for term in sought.terms)
    unwanted = " OR ".join(_fts(term) for term in sought.excluded)
    return f"({wanted}) NOT ({unwanted})" if unwanted else wanted


def tsquery_text(sought: Sought) -> str:
    """Return what is sought as PostgreSQL's tsquery reads it."""
    wanted = [_tsquery(term) for term in sought.terms]
    return " & ".join([*wanted, *(f"!{_tsquery(term)}" for term in sought.excluded)])


def _fts(term: Term) -> str:
    """Some write å as an a and a ring: FTS5 takes that for another letter, so both are sought."""
    said = " ".join(term.words)
    star = "*" if term.is_prefix else ""
    spellings = dict.fromkeys((said, unicodedata.normalize("NFD", said)))
    return "(" + " OR ".join(f'"{spelled}"{star}' for spelled in spellings) + ")"


def _tsquery(term: Term) -> str:
    lexemes = [f"'{word}'" for word in term.words]
    lexemes[-1] += ":*" if term.is_prefix else ""
    return f"({' <-> '.join(lexemes)})"
