"""Conversations: the inbox query, one conversation whole, and moves with a version check.

Owns the `conversations` rows. Refuses to decide what may move: `core.conversation` does.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Assessment
from core.conversation import Conversation, Move, Status, apply
from core.decision import Heard
from core.errors import Conflict
from core.reply import VOID, Reply, ReplyState
from store import rows
from store import tables as t
from store.alerts import settle_alerts
from store.database import Database
from store.people import record


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One conversation as the inbox shows it: its latest post, what we understood, where it stands."""

    conversation: Conversation
    heard: Heard
    assessment: Assessment | None
    reply: Reply | None
    posts: int
    last_post_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One post of a conversation with everything that hangs on it."""

    heard: Heard
    assessment: Assessment | None
    action: str | None
    rule: str | None
    because: str | None
    replies: tuple[Reply, ...]
    stage: str
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One conversation whole, oldest post first."""

    conversation: Conversation
    entries: tuple[Entry, ...]
    author_id: int
    is_opted_out: bool


class Conversations:
    """The conversations we track."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def inbox(
        self, *, statuses: tuple[Status, ...], account: str | None = None, limit: int = 50, offset: int = 0
    ) -> list[Card]:
        """Return cards, most urgent first, the newest first among equals."""
        c = t.conversations.c
        query = (
            select(t.conversations)
            .where(c.status.in_(statuses))
            .order_by(c.urgency.desc(), c.last_post_at.desc(), c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        if account is not None:
            query = query.where(c.account == account)
        async with self._db.read() as connection:
            found = list(await connection.execute(query))
            return [await _card(connection, row) for row in found]

    async def count(self, *, account: str | None = None) -> dict[str, int]:
        """Return how many conversations stand at each status, of one account or of all."""
        query = select(t.conversations.c.status, func.count()).group_by(t.conversations.c.status)
        if account is not None:
            query = query.where(t.conversations.c.account == account)
        async with self._db.read() as connection:
            return dict((await connection.execute(query)).all())

    async def changed_after(
        self, at: datetime, conversation_id: int, *, limit: int = 200
    ) -> list[tuple[datetime, int]]:
        """Return (changed_at, id) of conversations changed after a point, oldest first: live pages ask."""
        c = t.conversations.c
        query = (
            select(c.changed_at, c.id)
            .where(or_(c.changed_at > at, and_(c.changed_at == at, c.id > conversation_id)))
            .order_by(c.changed_at, c.id)
            .limit(limit)
        )
        async with self._db.read() as connection:
            return [(row.changed_at, row.id) for row in await connection.execute(query)]

    async def thread(self, conversation_id: int) -> Thread | None:
        """Return one conversation whole, None where there is none."""
        async with self._db.read() as connection:
            found = select(t.conversations).where(t.conversations.c.id == conversation_id)
            row = (await connection.execute(found)).first()
            if row is None:
                return None
            opted = select(t.opt_outs.c.scope).where(t.opt_outs.c.author_id == row.author_id)
            return Thread(
                conversation=rows.conversation(row),
                entries=await _entries(connection, conversation_id),
                author_id=row.author_id,
                is_opted_out=(await connection.execute(opted)).first() is not None,
            )

    async def move(self, conversation_id: int, move: Move, *, by: str, version: int, at: datetime) -> Conversation:
        """Make `move` and write it to the audit.

        Raises: Conflict where the conversation changed since `version` was read; IllegalMove.
        """
        async with self._db.begin() as connection:
            query = select(t.conversations).where(t.conversations.c.id == conversation_id).with_for_update()
            row = (await connection.execute(query)).first()
            if row is None or row.version != version:
                raise Conflict("the conversation changed since you opened it")
            before = rows.conversation(row)
            after = apply(before, move, by=by)
            await connection.execute(
                update(t.conversations)
                .where(t.conversations.c.id == conversation_id)
                .values(
                    status=after.status,
                    taken_by=after.taken_by,
                    due_at=after.due_at,
                    waiting_since=after.waiting_since,
                    version=version + 1,
                    changed_at=at,
                )
            )
            detail = {
                "before": {"status": before.status, "taken_by": before.taken_by},
                "after": {"status": after.status, "taken_by": after.taken_by},
            }
            await record(
                connection, by=by, action=move, subject=f"conversation {conversation_id}", at=at, detail=detail
            )
            if move in (Move.TAKE_OVER, Move.RESOLVE):
                await settle_alerts(connection, conversation_id=conversation_id, by=by, at=at)
            return after


async def touch(connection: AsyncConnection, conversation_id: int, *, at: datetime) -> None:
    """Mark a conversation changed, so that live pages fetch it again."""
    await connection.execute(
        update(t.conversations)
        .where(t.conversations.c.id == conversation_id)
        .values(version=t.conversations.c.version + 1, changed_at=at)
    )


def _posts_of(conversation_id: int) -> Select[tuple[object, ...]]:
    return (
        select(*rows.HEARD_COLUMNS)
        .join(t.authors, t.authors.c.id == t.posts.c.author_id)
        .where(t.posts.c.conversation_id == conversation_id)
    )


async def _card(connection: AsyncConnection, row: rows.AnyRow) -> Card:
    p = t.posts.c
    posts = _posts_of(row.id).order_by(p.posted_at.desc(), p.id.desc()).limit(1)
    post = (await connection.execute(posts)).one()
    assessed = select(t.assessments).where(t.assessments.c.post_id == post.id)
    assessment = (await connection.execute(assessed)).first()
    replies = select(t.replies).where(t.replies.c.conversation_id == row.id).order_by(t.replies.c.id.desc()).limit(1)
    reply = (await connection.execute(replies)).first()
    count = select(func.count()).where(p.conversation_id == row.id)
    return Card(
        conversation=rows.conversation(row),
        heard=rows.heard(post),
        assessment=rows.assessment(assessment) if assessment else None,
        reply=rows.reply(reply) if reply else None,
        posts=(await connection.execute(count)).scalar_one(),
        last_post_at=row.last_post_at,
        changed_at=row.changed_at,
    )


async def _entries(connection: AsyncConnection, conversation_id: int) -> tuple[Entry, ...]:
    posts = list(await connection.execute(_posts_of(conversation_id).order_by(t.posts.c.posted_at, t.posts.c.id)))
    ids = [row.id for row in posts]
    assessed = await connection.execute(select(t.assessments).where(t.assessments.c.post_id.in_(ids)))
    assessments = {row.post_id: rows.assessment(row) for row in assessed}
    decided = {
        row.post_id: row for row in await connection.execute(select(t.decisions).where(t.decisions.c.post_id.in_(ids)))
    }
    replies = [
        rows.reply(row)
        for row in await connection.execute(
            select(t.replies).where(t.replies.c.post_id.in_(ids)).order_by(t.replies.c.id)
        )
    ]
    return tuple(
        Entry(
            heard=rows.heard(row),
            assessment=assessments.get(row.id),
            action=decided[row.id].action if row.id in decided else None,
            rule=decided[row.id].rule if row.id in decided else None,
            because=decided[row.id].because if row.id in decided else None,
            replies=tuple(reply for reply in replies if reply.post_id == row.id),
            stage=row.stage,
            problem=row.problem,
        )
        for row in posts
    )


def person_has_acted(conversation_id: ColumnElement[int]) -> ColumnElement[bool]:
    """SQL: whether a person has approved, written or rejected a reply in a conversation (I5)."""
    by_person = t.replies.alias("by_person")
    return exists().where(
        by_person.c.conversation_id == conversation_id,
        or_(
            and_(by_person.c.is_automatic.is_(False), by_person.c.approved_by.is_not(None)),
            by_person.c.touched_by.is_not(None),
            and_(by_person.c.state == ReplyState.DROPPED, by_person.c.problem.is_distinct_from(VOID)),
        ),
    )
