"""Corrections: what people of the staff set right, where it took effect, and how it is taken back.

Owns the `corrections` rows. Nothing is ever trained on them. Refuses to say what follows from one on posts (`effects`
does), to make embeddings, and to match posts that are read later: sentiment does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Assessment
from core.correction import (
    Change,
    Correction,
    Field,
    Lesson,
    plain,
    read_value,
    value_of,
)
from core.errors import Conflict
from store import rows
from store import tables as t
from store.database import Database, alone
from store.effects import Target, near_to, take_back, take_effect, target_of
from store.people import record

# How many of the posts a correction touched a list names.
MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of a person's changes: the corrections, and how many posts they touched. None: all was so already."""

    ids: tuple[int, ...]
    posts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One post that a correction changed, and where it is to be read."""

    post_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A correction in the list of all: its post (`text` is "" once it is forgotten or deleted), and what it touched.

    `named` holds the first MOST_NAMED of the `posts` posts.
    """

    correction: Correction
    conversation_id: int
    text: str
    posts: int
    named: tuple[Touched, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A correction that holds on a post now. `posts`: how many it touched in all."""

    correction: Correction
    conversation_id: int
    posts: int


class Corrections:
    """What people set right."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def make(self, post_id: int, changes: Sequence[Change], *, by: str, spreads: bool, at: datetime) -> Made:
        """Set fields of a post right, and of posts that say nearly the same where it `spreads`; all in one transaction.

        A field that says already what `by` wants is left alone. Raises: Conflict where the post is not read yet, or a
        field is not what `by` saw.
        """
        async with self._db.begin() as connection:
            # One at a time, so that ids tell which came later, and none waits in a ring.
            await alone(connection, t.corrections)
            own = await target_of(connection, post_id)
            wanted = [change for change in changes if _is_wanted(own.assessment, change)]
            embedding = own.assessment.embedding if spreads else None
            near = await near_to(connection, own, at=at) if wanted and embedding is not None else {}
            ids: list[int] = []
            touched: set[int] = set()
            for change in wanted:
                values = _row(own, change, by=by, embedding=embedding, at=at)
                made = insert(t.corrections).values(**values).returning(t.corrections.c.id)
                correction_id = (await connection.execute(made)).scalar_one()
                ids.append(correction_id)
                touched |= await take_effect(connection, correction_id, change, own, near, at=at)
                detail = {"field": change.field, "before": plain(change.was), "after": plain(change.now)}
                await record(connection, by=by, action="correct", subject=f"post {post_id}", at=at, detail=detail)
        return Made(ids=tuple(ids), posts=len(touched))

    async def undo(self, correction_id: int, *, by: str, at: datetime) -> int:
        """Take a correction back wherever it holds; return how many posts that changed.

        A later correction of the same field stays. Raises: Conflict where it is undone already, or unknown.
        """
        c = t.corrections.c
        async with self._db.begin() as connection:
            await alone(connection, t.corrections)
            mark = update(t.corrections).where(c.id == correction_id, c.undone_at.is_(None))
            marked = mark.values(undone_by=by, undone_at=at).returning(c.field)
            field = (await connection.execute(marked)).scalar_one_or_none()
            if field is None:
                raise await _why_not(connection, correction_id)
            changed = await take_back(connection, correction_id, Field(field), at=at)
            subject = f"correction {correction_id}"
            detail = {"field": field, "before": "in effect", "after": "undone"}
            await record(connection, by=by, action="undo correction", subject=subject, at=at, detail=detail)
        return changed

    async def all(self, *, limit: int = 50, offset: int = 0) -> list[Listed]:
        """Return corrections, the newest first, the undone ones too."""
        query = (
            select(
                t.corrections,
                t.posts.c.conversation_id,
                t.posts.c.text,
                t.posts.c.deleted_at,
                count_touched().label("touched"),
            )
            .join(t.posts, t.posts.c.id == t.corrections.c.post_id)
            .order_by(t.corrections.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        async with self._db.read() as connection:
            found = list(await connection.execute(query))
            named = await _named(connection, [row.id for row in found])
        return [
            Listed(
                correction=_correction(row),
                conversation_id=row.conversation_id,
                text="" if row.deleted_at is not None else row.text,
                posts=row.touched,
                named=named.get(row.id, ()),
            )
            for row in found
        ]

    async def standing(self, conversation_id: int) -> dict[int, tuple[Standing, ...]]:
        """Return the corrections that hold on the posts of a conversation: of each field the latest."""
        e, own = t.correction_effects.c, t.posts.alias("own")
        query = (
            select(t.corrections, e.post_id.label("on_post"), own.c.conversation_id, count_touched().label("touched"))
            .join(t.correction_effects, e.correction_id == t.corrections.c.id)
            .join(t.posts, t.posts.c.id == e.post_id)
            .join(own, own.c.id == t.corrections.c.post_id)
            .where(t.posts.c.conversation_id == conversation_id, t.corrections.c.undone_at.is_(None))
            .order_by(t.corrections.c.id)
        )
        latest: dict[int, dict[str, Standing]] = {}
        async with self._db.read() as connection:
            for row in await connection.execute(query):
                standing = Standing(correction=_correction(row), conversation_id=row.conversation_id, posts=row.touched)
                latest.setdefault(row.on_post, {})[row.field] = standing
        return {post_id: tuple(fields.values()) for post_id, fields in latest.items()}

    async def lessons(self) -> list[Lesson]:
        """Return the corrections that spread to posts read from now on, oldest first."""
        query = (
            select(t.corrections, t.posts.c.account)
            .join(t.posts, t.posts.c.id == t.corrections.c.post_id)
            .where(*_is_lesson())
            .order_by(t.corrections.c.id)
        )
        async with self._db.read() as connection:
            return [
                Lesson(
                    correction_id=row.id,
                    account=row.account,
                    field=Field(row.field),
                    now=read_value(Field(row.field), row.now),
                    embedding=row.embedding,
                    model_version=row.model_version,
                )
                for row in await connection.execute(query)
            ]

    async def outdated(self, model_version: str) -> list[tuple[int, str, str | None]]:
        """Return (id, text, language hint) of lessons whose post another version of the model read."""
        query = (
            select(t.corrections.c.id, t.posts.c.text, t.posts.c.language_hint)
            .join(t.posts, t.posts.c.id == t.corrections.c.post_id)
            .where(*_is_lesson(), t.corrections.c.model_version != model_version, t.posts.c.text != "")
            .order_by(t.corrections.c.id)
        )
        async with self._db.read() as connection:
            return [(row.id, row.text, row.language_hint) for row in await connection.execute(query)]

    async def renew(self, correction_id: int, embedding: bytes, model_version: str) -> None:
        """Keep what a newer model makes of a lesson's post, unless the post was forgotten meanwhile."""
        c = t.corrections.c
        async with self._db.begin() as connection:
            await connection.execute(
                update(t.corrections)
                .where(c.id == correction_id, c.embedding.is_not(None))
                .values(embedding=embedding, model_version=model_version)
            )


async def forget_embeddings(connection: AsyncConnection, post_ids: Sequence[int]) -> None:
    """Forget what forgotten posts meant, within the caller's transaction: their corrections teach no more."""
    one: BindParameter[int] = bindparam("one")
    statement = update(t.corrections).where(t.corrections.c.post_id == one).values(embedding=None)
    await connection.execute(statement, [{"one": post_id} for post_id in post_ids])


def _is_lesson() -> tuple[ColumnElement[bool], ...]:
    """SQL: whether a correction, joined with its post, is held against posts read from now on."""
    c = t.corrections.c
    return (c.spreads, c.undone_at.is_(None), c.embedding.is_not(None), t.posts.c.deleted_at.is_(None))


def count_touched() -> Any:
    """SQL: how many posts a correction touched."""
    e = t.correction_effects.c
    return select(func.count()).where(e.correction_id == t.corrections.c.id).correlate(t.corrections).scalar_subquery()


def _correction(row: rows.AnyRow) -> Correction:
    field = Field(row.field)
    return Correction(
        id=row.id,
        post_id=row.post_id,
        person=row.person,
        field=field,
        was=read_value(field, row.was),
        now=read_value(field, row.now),
        spreads=row.spreads,
        made_at=row.made_at,
        undone_by=row.undone_by,
        undone_at=row.undone_at,
    )


async def _named(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, tuple[Touched, ...]]:
    """Return the first posts that each correction touched, its own before all."""
    e = t.correction_effects.c
    place = func.row_number().over(partition_by=e.correction_id, order_by=(e.likeness.desc(), e.post_id))
    ranked = select(e.correction_id, e.post_id, place.label("place")).where(e.correction_id.in_(ids)).subquery()
    query = (
        select(ranked.c.correction_id, ranked.c.post_id, t.posts.c.conversation_id)
        .join(t.posts, t.posts.c.id == ranked.c.post_id)
        .where(ranked.c.place <= MOST_NAMED)
        .order_by(ranked.c.correction_id, ranked.c.place)
    )
    found = groupby(await connection.execute(query), key=lambda row: row.correction_id)
    return {
        correction_id: tuple(Touched(post_id=row.post_id, conversation_id=row.conversation_id) for row in group)
        for correction_id, group in found
    }


def _is_wanted(assessment: Assessment, change: Change) -> bool:
    """Whether a change is still to be made. Raises: Conflict where somebody else changed the field meanwhile."""
    stands = value_of(assessment, change.field)
    if stands == change.now:
        return False
    if stands != change.was:
        raise Conflict(f"somebody set the {_WORDS[change.field]} of this post meanwhile")
    return True


_WORDS = {Field.SENTIMENT: "mood", Field.URGENCY: "urgency", Field.LANGUAGE: "language", Field.INTENTS: "intents"}


def _row(own: Target, change: Change, *, by: str, embedding: bytes | None, at: datetime) -> dict[str, Any]:
    return {
        "post_id": own.post_id,
        "person": by,
        "field": change.field,
        "was": plain(change.was),
        "now": plain(change.now),
        "spreads": embedding is not None,
        "embedding": embedding,
        "model_version": own.assessment.model_version,
        "made_at": at,
    }


async def _why_not(connection: AsyncConnection, correction_id: int) -> Conflict:
    query = select(t.corrections.c.undone_by).where(t.corrections.c.id == correction_id)
    by = (await connection.execute(query)).scalar_one_or_none()
    return Conflict(f"{by} has already undone it" if by else "there is no such correction")
