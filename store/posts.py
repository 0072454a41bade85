"""Posts: saved once with their cursor, assessed once, purged when their time is over.

Owns the `posts`, `authors` and `assessments` rows and their stages. Refuses to match, score or decide.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BindParameter, Select, and_, bindparam, case, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Assessment
from core.correction import Effect
from core.decision import Heard
from core.failpoint import reach
from core.post import Platform
from core.watch import Mention
from store import rows
from store import tables as t
from store.corrections import forget_embeddings
from store.database import Database
from store.deletions import forget_replies
from store.edits import rewrite
from store.effects import still_hold, taken
from store.intake import known_version, take_in
from store.notes import forget_all_beside, forget_old
from store.readings import reading_of
from store.saved_filters import forget_naming
from store.sources import Progress, advance


class Stage(StrEnum):
    """How far a post has come. STUCK: our own code failed on it again and again."""

    SAVED = "saved"
    ASSESSED = "assessed"
    DECIDED = "decided"
    STUCK = "stuck"


MOST_ATTEMPTS = 5
# What cannot be read cannot be looked up again either, so it is kept no longer than a deletion may take (I7).
_UNREADABLE_FOR = timedelta(hours=24)
_PURGED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a batch brought: the ids of posts to be read, new or edited, and how many of its posts were none of these.

    `again` are the ids of posts that were decided before and turned out to be said to us: they wait to be decided anew.
    """

    ids: tuple[int, ...]
    known: int
    again: tuple[int, ...] = ()


class Posts:
    """The posts we remember."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def save_batch(self, mentions: Sequence[Mention], progress: Progress, *, at: datetime) -> Saved:
        """Insert what is new and move the source's cursor, in one transaction (I1).

        A new version of a post that we have takes the old one's place, and one that turns out to be said to us counts
        as that from now on. Raises: StoreError; then neither the posts nor the cursor moved.
        """
        edited = await self._rewrite(mentions, at=at)
        async with self._db.begin() as connection:
            brought = await take_in(connection, mentions, progress, at=at)
            if mentions:
                reach("I2")
            if len(brought.new) < len(mentions):
                reach("I5")
            await advance(connection, progress, heard=len(brought.new), at=at)
        ids = (*brought.new, *edited)
        return Saved(ids=ids, known=len(mentions) - len(ids), again=tuple(brought.again))

    async def _rewrite(self, mentions: Sequence[Mention], *, at: datetime) -> list[int]:
        """Ahead of the batch, the newest version of each by itself: done twice it changes nothing more."""
        rewritten: list[int] = []
        older = {name for mention in mentions for name in mention.post.earlier_ids}
        for mention in mentions:
            if mention.post.earlier_ids and mention.post.native_id not in older:
                async with self._db.begin() as connection:
                    known = await known_version(connection, mention)
                    if known is not None and await rewrite(connection, known, mention.post, at=at):
                        rewritten.append(known)
        return rewritten

    async def not_followed(self, platform: Platform, authors: Collection[str]) -> frozenset[str]:
        """Return those of `authors` (native ids) who asked not to be followed."""
        if not authors:
            return frozenset()
        query = (
            select(t.authors.c.native_id)
            .join(t.opt_outs, t.opt_outs.c.author_id == t.authors.c.id)
            .where(
                t.authors.c.platform == platform,
                t.authors.c.native_id.in_(authors),
                t.opt_outs.c.scope == "listening",
            )
        )
        async with self._db.read() as connection:
            return frozenset((await connection.execute(query)).scalars())

    async def load(self, ids: Collection[int], *, stage: Stage) -> list[Heard]:
        """Return those of `ids` that still stand at `stage`, oldest first."""
        if not ids:
            return []
        query = _heard().where(t.posts.c.id.in_(ids), t.posts.c.stage == stage).order_by(t.posts.c.id)
        async with self._db.read() as connection:
            return [rows.heard(row) for row in await connection.execute(query)]

    async def waiting(self, stage: Stage, *, before: datetime, limit: int = 500) -> list[int]:
        """Return ids that have stood at `stage` since before an instant: their bell was lost."""
        query = (
            select(t.posts.c.id)
            .where(t.posts.c.stage == stage, t.posts.c.stage_at < before)
            .order_by(t.posts.c.stage_at)
            .limit(limit)
        )
        async with self._db.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def save_assessments(
        self,
        assessed: Sequence[tuple[int, Assessment]],
        *,
        at: datetime,
        effects: Mapping[int, Sequence[Effect]] | None = None,
        edited_at: Mapping[int, datetime | None] | None = None,
    ) -> list[int]:
        """Store assessments of posts that still wait for one; return the ids that moved on.

        `effects`, by post, are the corrections that apply to it; those not undone meanwhile change the assessment.
        `edited_at`, by post, tells which version was read: one that was edited meanwhile waits to be read again.
        """
        apply = effects or {}
        async with self._db.begin() as connection:
            hold = await still_hold(connection, (effect for some in apply.values() for effect in some))
            waiting = (await connection.execute(_STILL_SAVED, {"ids": [post_id for post_id, _ in assessed]})).all()
            versions = {row.id: row.edited_at for row in waiting}
            moved = {
                post_id: taken(post_id, read, [one for one in apply.get(post_id, ()) if one.correction_id in hold])
                for post_id, read in assessed
                if post_id in versions and (edited_at is None or versions[post_id] == edited_at.get(post_id))
            }
            if moved:
                values = {"stage": Stage.ASSESSED, "stage_at": at, "attempts": 0, "problem": None}
                said = [{"one": post_id, "said": reading_of(read)} for post_id, (read, _) in moved.items()]
                await connection.execute(_READ.values(**values), said)
                read_rows = [_assessment_row(post_id, read, at) for post_id, (read, _) in moved.items()]
                await connection.execute(
                    rows.insert(t.assessments, self._db.dialect).on_conflict_do_nothing(), read_rows
                )
            touched = [effect for _, some in moved.values() for effect in some]
            if touched:
                await connection.execute(insert(t.correction_effects), touched)
        return list(moved)

    async def fail(self, post_id: int, problem: str, *, at: datetime) -> None:
        """Count a failure of our own on a post; after MOST_ATTEMPTS it is STUCK and shown as such."""
        tried = t.posts.c.attempts + 1
        async with self._db.begin() as connection:
            await connection.execute(
                update(t.posts).where(t.posts.c.id == post_id).values(attempts=tried, problem=problem, stage_at=at)
            )
            await connection.execute(
                update(t.posts)
                .where(t.posts.c.id == post_id, t.posts.c.attempts >= MOST_ATTEMPTS)
                .values(stage=Stage.STUCK)
            )

    async def retry_stuck(self, *, at: datetime) -> int:
        """Give every STUCK post its attempts anew, from the stage it had reached. Returns how many."""
        assessed = exists().where(t.assessments.c.post_id == t.posts.c.id)
        again = (
            update(t.posts)
            .where(t.posts.c.stage == Stage.STUCK)
            .values(stage=case((assessed, Stage.ASSESSED), else_=Stage.SAVED), attempts=0, problem=None, stage_at=at)
        )
        stuck = select(t.posts.c.id).where(t.posts.c.stage == Stage.STUCK).order_by(t.posts.c.id)
        async with self._db.begin() as connection:
            # In the order in which everybody locks posts, so that none waits in a ring.
            await connection.execute(stuck.with_for_update())
            return (await connection.execute(again)).rowcount

    async def purge(self, *, before: datetime, at: datetime | None = None) -> int:
        """Forget texts and handles of posts older than an instant; the counts stay. Returns how many.

        As of `at`, what could not be read goes after a day, and so does what is written under forgotten posts
        and surely not on its way.
        """
        forgotten = some = await self._purge_some(before)
        while some:
            some = await self._purge_some(before)
            forgotten += some
        async with self._db.begin() as connection:
            await connection.execute(update(t.alerts).where(t.alerts.c.created_at < before).values(body=""))
            unreadable_before = before if at is None else max(before, at - _UNREADABLE_FOR)
            await connection.execute(delete(t.unreadable).where(t.unreadable.c.heard_at < unreadable_before))
            await forget_replies(connection)
            await forget_old(connection, before=before)
        return forgotten

    async def _purge_some(self, before: datetime) -> int:
        """Forget the oldest of them, and their authors. A longer transaction would outlast the lease it is made under.

        Others write between two of these. Returns how many.
        """
        old = select(t.posts.c.id).where(t.posts.c.posted_at < before, t.posts.c.url != "")
        async with self._db.begin() as connection:
            ids = list((await connection.execute(old.order_by(t.posts.c.id).limit(_PURGED_AT_ONCE))).scalars())
            if ids:
                one: BindParameter[int] = bindparam("one")
                gone = [{"one": post_id} for post_id in ids]
                # First of all: whoever makes a correction holds those rows, and then waits for the others.
                await forget_embeddings(connection, ids)
                await connection.execute(update(t.posts).where(t.posts.c.id == one).values(text="", url=""), gone)
                await connection.execute(
                    update(t.assessments).where(t.assessments.c.post_id == one).values(reasons=[], embedding=None), gone
                )
                await _forget_authors(connection, ids)
        return len(ids)

    async def count_by_stage(self) -> dict[str, int]:
        """Return how many posts stand at each stage."""
        query = select(t.posts.c.stage, func.count()).group_by(t.posts.c.stage)
        async with self._db.read() as connection:
            return dict((await connection.execute(query)).all())


async def _forget_authors(connection: AsyncConnection, post_ids: Sequence[int]) -> None:
    """Authors of these, all of whose posts are forgotten, lose their names; the native id stays, for opt-outs.

    What was written beside their conversations goes with them.
    """
    a, c = t.authors.c, t.conversations.c
    of_these = a.id.in_(select(t.posts.c.author_id).where(t.posts.c.id.in_(post_ids)))
    remembered = exists().where(t.posts.c.author_id == a.id, t.posts.c.url != "")
    forgotten = and_(of_these, ~remembered, a.handle != "")
    named = list(await connection.execute(select(a.id, a.handle, a.name).where(forgotten)))
    if not named:
        return
    beside = or_(*(exists().where(one.c.conversation_id == c.id) for one in (t.notes, t.tags, t.promises)))
    theirs = select(c.id).join(t.authors, a.id == c.author_id).where(forgotten, beside)
    for conversation_id in (await connection.execute(theirs.order_by(c.id))).scalars().all():
        await forget_all_beside(connection, conversation_id)
    await forget_naming(connection, [said for row in named for said in (row.handle, row.name)])
    await connection.execute(update(t.authors).where(forgotten).values(handle="", name=""))


def _heard() -> Select[tuple[object, ...]]:
    return select(*rows.HEARD_COLUMNS).join(t.authors, t.authors.c.id == t.posts.c.author_id)


# In the order of ids, so that two workers with the same posts cannot wait for each other for ever.
_STILL_SAVED = (
    select(t.posts.c.id, t.posts.c.edited_at)
    .where(t.posts.c.id.in_(bindparam("ids", expanding=True)), t.posts.c.stage == Stage.SAVED)
    .order_by(t.posts.c.id)
    .with_for_update()
)


_READ = update(t.posts).where(t.posts.c.id == bindparam("one")).values(reading=bindparam("said"))


def _assessment_row(post_id: int, assessment: Assessment, at: datetime) -> dict[str, object]:
    return {
        "post_id": post_id,
        "language": assessment.language,
        "sentiment": assessment.sentiment,
        "confidence": assessment.confidence,
        **asdict(assessment.probabilities),
        "urgency": assessment.urgency,
        "intents": list(assessment.intents),
        "reasons": [asdict(reason) for reason in assessment.reasons],
        "is_explained": assessment.is_explained,
        "model": assessment.model,
        "model_version": assessment.model_version,
        "assessed_at": at,
        "anger": assessment.anger,
        "offensive": assessment.offensive,
        "irony": assessment.irony,
        "embedding": assessment.embedding,
        "corrected": list(assessment.corrected),
    }
