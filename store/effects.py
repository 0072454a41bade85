"""What a correction does to posts: on the post itself, on those that say nearly the same, and its taking back.

Owns the `correction_effects` rows and the change of assessments that follows from a correction, within the caller's
transaction. Refuses to decide what is set right: `corrections` does.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Executable, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Assessment
from core.correction import Change, Effect, Field, Value, corrected, plain, read_value, restored, value_of
from core.errors import Conflict
from store import rows
from store import tables as t
from store.likeness import NEAR, likeness
from store.places import place
from store.readings import reading_of

# Posts that say nearly the same are looked for among those of so many days, and so many at most, the newest first.
LOOKS_BACK = timedelta(days=30)
MOST_COMPARED = 20_000
# Engines bound how many values one statement may carry.
_CHUNK = 500
_STEP = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A post that a correction may change. `likeness`: to the post it was made on, 1.0 for that one."""

    post_id: int
    conversation_id: int
    assessment: Assessment
    likeness: float


async def target_of(connection: AsyncConnection, post_id: int) -> Target:
    """Return the post itself as it is read now. Raises: Conflict where it is not read yet."""
    found = await _targets(connection, [post_id], {post_id: 1.0})
    if not found:
        raise Conflict("this post has not been read yet, so there is nothing to set right")
    return found[0]


async def near_to(connection: AsyncConnection, own: Target, *, at: datetime) -> dict[int, float]:
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


async def take_effect(
    connection: AsyncConnection,
    correction_id: int,
    change: Change,
    own: Target,
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


async def take_back(connection: AsyncConnection, correction_id: int, field: Field, *, at: datetime) -> int:
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


def _changes(assessment: Assessment, field: Field, now: Value) -> bool:
    """Whether an effect is to be remembered: it changes the field, or holds it where an earlier one is undone."""
    return value_of(assessment, field) != now or field in assessment.corrected


def _effect_row(correction_id: int, post_id: int, was: Value, alike: float) -> dict[str, Any]:
    return {"correction_id": correction_id, "post_id": post_id, "was": plain(was), "likeness": round(alike, 4)}


async def _spoken_for(connection: AsyncConnection, field: Field) -> frozenset[int]:
    """Return the posts of which a person set this field on the post itself."""
    c = t.corrections.c
    query = select(c.post_id).where(c.field == field, c.undone_at.is_(None))
    return frozenset((await connection.execute(query)).scalars())


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


async def _targets(connection: AsyncConnection, ids: Sequence[int], alike: Mapping[int, float]) -> list[Target]:
    query = (
        select(t.assessments, t.posts.c.conversation_id)
        .join(t.posts, t.posts.c.id == t.assessments.c.post_id)
        .where(t.assessments.c.post_id.in_(ids))
        .order_by(t.assessments.c.post_id)
    )
    return [
        Target(
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


def _chunks(ids: Collection[int]) -> Iterator[list[int]]:
    listed = list(ids)
    return (listed[at : at + _CHUNK] for at in range(0, len(listed), _CHUNK))
