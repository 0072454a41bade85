"""Corrections: what people of the staff set right, where it took effect, and how it is taken back.

Owns the `corrections` and `correction_effects` rows, and the change of assessments that follows from them. Nothing is
ever trained on these rows. Refuses to make embeddings, and to match posts that are read later: sentiment does.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Executable, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Assessment
from core.correction import (
    Change,
    Correction,
    Effect,
    Field,
    Lesson,
    Value,
    corrected,
    plain,
    read_value,
    restored,
    value_of,
)
from core.errors import Conflict
from store import rows
from store import tables as t
from store.database import Database, alone
from store.likeness import NEAR, likeness
from store.people import record
from store.places import place
from store.readings import reading_of

# Posts that say nearly the same are looked for among those of so many days, and so many at most, the newest first.
LOOKS_BACK = timedelta(days=30)
MOST_COMPARED = 20_000
# How many of the posts a correction touched a list names.
MOST_NAMED = 20
# Engines bound how many values one statement may carry.
_CHUNK = 500
_STEP = 1_000


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    post_id: int
    conversation_id: int
    assessment: Assessment
    likeness: float


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
            own = await _own(connection, post_id)
            wanted = [change for change in changes if _is_wanted(own.assessment, change)]
            embedding = own.assessment.embedding if spreads else None
            near = await _near(connection, own, at=at) if wanted and embedding is not None else {}
            ids: list[int] = []
            touched: set[int] = set()
            for change in wanted:
                values = _row(own, change, by=by, embedding=embedding, at=at)
                made = insert(t.corrections).values(**values).returning(t.corrections.c.id)
                correction_id = (await connection.execute(made)).scalar_one()
                ids.append(correction_id)
                touched |= await _take_effect(connection, correction_id, change, own, near, at=at)
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
            changed = await _take_back(connection, correction_id, Field(field), at=at)
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


async def still_hold(connection: AsyncConnection, effects: Iterable[Effect]) -> frozenset[int]:
    """Return which corrections hold still; they cannot be undone before the caller's transaction ends."""
    ids = sorted({effect.correction_id for effect in effects})
    if not ids:
        return frozenset()
    c = t.corrections.c
    query = select(c.id).where(c.id.in_(ids), c.undone_at.is_(None)).order_by(c.id).with_for_update(read=True)
    return frozenset((await connection.execute(query)).scalars())


def taken(post_id: int, assessment: Assessment, effects: Iterable[Effect]) -> tuple[Assessment, list[dict[str, Any]]]:
    """Return a new assessment with the effects on it, the latest correction last, and their rows."""
    values: list[dict[str, Any]] = []
    for effect in sorted(effects, key=lambda effect: effect.correction_id):
        if _changes(assessment, effect.field, effect.now):
            was = value_of(assessment, effect.field)
            values.append(_effect_row(effect.correction_id, post_id, was, effect.likeness))
            assessment = corrected(assessment, effect.field, effect.now)
    return assessment, values


async def forget_embeddings(connection: AsyncConnection, post_ids: Sequence[int]) -> None:
    """Forget what forgotten posts meant, within the caller's transaction: their corrections teach no more."""
    one: BindParameter[int] = bindparam("one")
    statement = update(t.corrections).where(t.corrections.c.post_id == one).values(embedding=None)
    await connection.execute(statement, [{"one": post_id} for post_id in post_ids])


def _changes(assessment: Assessment, field: Field, now: Value) -> bool:
    """Whether an effect is to be remembered: it changes the field, or holds it where an earlier one is undone."""
    return value_of(assessment, field) != now or field in assessment.corrected


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


async def _own(connection: AsyncConnection, post_id: int) -> _Target:
    found = await _targets(connection, [post_id], {post_id: 1.0})
    if not found:
        raise Conflict("this post has not been read yet, so there is nothing to set right")
    return found[0]


def _is_wanted(assessment: Assessment, change: Change) -> bool:
    """Whether a change is still to be made. Raises: Conflict where somebody else changed the field meanwhile."""
    stands = value_of(assessment, change.field)
    if stands == change.now:
        return False
    if stands != change.was:
        raise Conflict(f"somebody set the {_WORDS[change.field]} of this post meanwhile")
    return True


_WORDS = {Field.SENTIMENT: "mood", Field.URGENCY: "urgency", Field.LANGUAGE: "language", Field.INTENTS: "intents"}


def _row(own: _Target, change: Change, *, by: str, embedding: bytes | None, at: datetime) -> dict[str, Any]:
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


def _effect_row(correction_id: int, post_id: int, was: Value, alike: float) -> dict[str, Any]:
    return {"correction_id": correction_id, "post_id": post_id, "was": plain(was), "likeness": round(alike, 4)}


async def _near(connection: AsyncConnection, own: _Target, *, at: datetime) -> dict[int, float]:
    """Return the posts that say nearly the same to the same account, as the same model read them, with how near."""
    p, a = t.posts.c, t.assessments.c
    account = select(p.account).where(p.id == own.post_id).scalar_subquery()
    query = (
        select(a.post_id, a.embedding)
        .join(t.posts, p.id == a.post_id)
        .where(
            p.account == account,
            p.posted_at >= at - LOOKS_BACK,
            p.id != own.post_id,
            p.deleted_at.is_(None),
            a.embedding.is_not(None),
            a.model_version == own.assessment.model_version,
        )
        .order_by(p.posted_at.desc())
        .limit(MOST_COMPARED)
    )
    near: dict[int, float] = {}
    # In steps, and the arithmetic in a thread: many posts must not hold up the event loop.
    async for some in (await connection.stream(query)).partitions(_STEP):
        embeddings = [row.embedding for row in some]
        alike = await asyncio.to_thread(likeness, own.assessment.embedding or b"", embeddings)
        near |= {row.post_id: float(one) for row, one in zip(some, alike, strict=True) if one >= NEAR}
    return near


async def _take_effect(
    connection: AsyncConnection,
    correction_id: int,
    change: Change,
    own: _Target,
    near: Mapping[int, float],
    *,
    at: datetime,
) -> set[int]:
    """Change the post and those near it; return which posts. What a person said of a post itself stays."""
    spoken_for = await _spoken_for(connection, change.field)
    chosen = {own.post_id: own.likeness, **{i: alike for i, alike in near.items() if i not in spoken_for}}
    await _lock_conversations(connection, chosen)
    touched: set[int] = set()
    threads: set[int] = set()
    for ids in _chunks(chosen):
        targets = [
            target
            for target in await _targets(connection, ids, chosen)
            if _changes(target.assessment, change.field, change.now)
        ]
        if not targets:
            continue
        effects = [
            _effect_row(correction_id, one.post_id, value_of(one.assessment, change.field), one.likeness)
            for one in targets
        ]
        await connection.execute(insert(t.correction_effects), effects)
        made = {one.post_id: corrected(one.assessment, change.field, change.now) for one in targets}
        await _save(connection, change.field, made)
        touched |= made.keys()
        threads |= {one.conversation_id for one in targets}
    await _touch(connection, threads, change.field, at=at)
    return touched


async def _spoken_for(connection: AsyncConnection, field: Field) -> frozenset[int]:
    """Return the posts of which a person set this field on the post itself."""
    c = t.corrections.c
    query = select(c.post_id).where(c.field == field, c.undone_at.is_(None))
    return frozenset((await connection.execute(query)).scalars())


async def _take_back(connection: AsyncConnection, correction_id: int, field: Field, *, at: datetime) -> int:
    """Give every post the correction touched what it would say without it; return how many changed."""
    e = t.correction_effects.c
    query = select(e.post_id).where(e.correction_id == correction_id)
    ids = dict.fromkeys((await connection.execute(query)).scalars(), 1.0)
    await _lock_conversations(connection, ids)
    changed = 0
    threads: set[int] = set()
    for some in _chunks(ids):
        stands = await _stands(connection, some, field)
        made: dict[int, Assessment] = {}
        for target in await _targets(connection, some, ids):
            original, latest = stands[target.post_id]
            before = target.assessment
            after = restored(before, field, original) if latest is None else corrected(before, field, latest)
            if after != before:
                made[target.post_id] = after
                threads.add(target.conversation_id)
                changed += value_of(after, field) != value_of(before, field)
        await _save(connection, field, made)
    await _touch(connection, threads, field, at=at)
    return changed


async def _stands(
    connection: AsyncConnection, post_ids: Sequence[int], field: Field
) -> dict[int, tuple[Value, Value | None]]:
    """Return what the model said of each post, and what the latest correction that holds says, None without one."""
    c, e = t.corrections.c, t.correction_effects.c
    query = (
        select(e.post_id, e.was, c.now, c.undone_at)
        .join(t.corrections, c.id == e.correction_id)
        .where(e.post_id.in_(post_ids), c.field == field)
        .order_by(e.post_id, c.id)
    )
    out: dict[int, tuple[Value, Value | None]] = {}
    for row in await connection.execute(query):
        original, latest = out.get(row.post_id, (read_value(field, row.was), None))
        out[row.post_id] = (original, latest if row.undone_at is not None else read_value(field, row.now))
    return out


async def _why_not(connection: AsyncConnection, correction_id: int) -> Conflict:
    query = select(t.corrections.c.undone_by).where(t.corrections.c.id == correction_id)
    by = (await connection.execute(query)).scalar_one_or_none()
    return Conflict(f"{by} has already undone it" if by else "there is no such correction")


async def _targets(connection: AsyncConnection, ids: Sequence[int], alike: Mapping[int, float]) -> list[_Target]:
    query = (
        select(t.assessments, t.posts.c.conversation_id)
        .join(t.posts, t.posts.c.id == t.assessments.c.post_id)
        .where(t.assessments.c.post_id.in_(ids))
        .order_by(t.assessments.c.post_id)
    )
    return [
        _Target(
            post_id=row.post_id,
            conversation_id=row.conversation_id,
            assessment=rows.assessment(row),
            likeness=alike[row.post_id],
        )
        for row in await connection.execute(query)
    ]


async def _save(connection: AsyncConnection, field: Field, made: Mapping[int, Assessment]) -> None:
    """Write one field of several assessments, with what hangs on it."""
    if not made:
        return
    one: BindParameter[int] = bindparam("one")
    statement: Executable = (
        update(t.assessments)
        .where(t.assessments.c.post_id == one)
        .values({field.value: bindparam("now"), "confidence": bindparam("sure"), "corrected": bindparam("fields")})
    )
    values = [
        {
            "one": post_id,
            "now": plain(value_of(assessment, field)),
            "sure": assessment.confidence,
            "fields": list(assessment.corrected),
        }
        for post_id, assessment in made.items()
    ]
    await connection.execute(statement, values)
    if field is not Field.URGENCY:
        said = [{"one": post_id, "said": reading_of(assessment)} for post_id, assessment in made.items()]
        await connection.execute(update(t.posts).where(t.posts.c.id == one).values(reading=bindparam("said")), said)


async def _lock_conversations(connection: AsyncConnection, post_ids: Collection[int]) -> None:
    """Lock the posts' conversations in the order of ids, as deciding does."""
    found: set[int] = set()
    for ids in _chunks(post_ids):
        query = select(t.posts.c.conversation_id).where(t.posts.c.id.in_(ids))
        found |= set((await connection.execute(query)).scalars())
    for ids in _chunks(sorted(found)):
        lock = select(t.conversations.c.id).where(t.conversations.c.id.in_(ids))
        await connection.execute(lock.order_by(t.conversations.c.id).with_for_update())


async def _touch(connection: AsyncConnection, threads: Collection[int], field: Field, *, at: datetime) -> None:
    """Let live pages see the change. An urgency set right is the conversation's too, where it comes from that post.

    The version stays: a colleague who is about to resolve it may go on.
    """
    values: dict[str, Any] = {"changed_at": at}
    if field is Field.URGENCY:
        values["urgency"] = func.coalesce(highest_urgency(), t.conversations.c.urgency)
    for ids in _chunks(sorted(threads)):
        await connection.execute(update(t.conversations).where(t.conversations.c.id.in_(ids)).values(**values))
    await place(connection, sorted(threads))


def highest_urgency() -> Any:
    """SQL: the urgency of a conversation as deciding makes it, from the posts that count."""
    counts_from = t.conversations.c.counts_from
    return (
        select(func.max(t.assessments.c.urgency))
        .join(t.posts, t.posts.c.id == t.assessments.c.post_id)
        .join(t.decisions, t.decisions.c.post_id == t.posts.c.id)
        .where(
            t.posts.c.conversation_id == t.conversations.c.id,
            counts_from.is_(None) | (t.decisions.c.decided_at >= counts_from),
        )
        .correlate(t.conversations)
        .scalar_subquery()
    )


def _chunks(ids: Collection[int]) -> Iterator[list[int]]:
    listed = list(ids)
    return (listed[at : at + _CHUNK] for at in range(0, len(listed), _CHUNK))
