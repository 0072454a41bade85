"""Answers that people write themselves: sent after a moment in which they can be taken back, or left to an approver.

Owns the first write of such a reply, and until when a reply is held. Refuses to move one that exists: `replies` does.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Language
from core.errors import Conflict
from core.reply import FORGOTTEN, VOID, ReplyKind, ReplyState
from store import rows
from store import tables as t
from store.alerts import settle_alerts
from store.conversations import touch
from store.database import Database
from store.people import record

AT_ONCE = timedelta(0)
_R = t.replies.c


class Writing:
    """What people of the staff write. `Replies` is one of these."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def answer(self, post_id: int, text: str, *, by: str, at: datetime, hold: timedelta = AT_ONCE) -> int:
        """A person writes an answer under a post, approved at once. Raises: Conflict where there is one."""
        approved = {"state": ReplyState.APPROVED, "approved_by": by, **self._held(at, hold)}
        async with self._db.begin() as connection:
            reply_id, conversation_id = await _insert(connection, post_id, text, by=by, at=at, values=approved)
            detail = {"before": None, "after": ReplyState.APPROVED}
            await record(connection, by=by, action="answer", subject=f"reply {reply_id}", at=at, detail=detail)
            await settle_alerts(connection, conversation_id=conversation_id, by=by, at=at)
            return reply_id

    async def suggest(self, post_id: int, text: str, *, by: str, at: datetime) -> int:
        """Somebody who may not send writes an answer, which waits for an approver. Raises: Conflict."""
        draft = {"state": ReplyState.DRAFT, "drafted_text": text}
        async with self._db.begin() as connection:
            reply_id, _ = await _insert(connection, post_id, text, by=by, at=at, values=draft)
            detail = {"before": None, "after": ReplyState.DRAFT}
            await record(connection, by=by, action="suggest", subject=f"reply {reply_id}", at=at, detail=detail)
            return reply_id

    def _held(self, at: datetime, hold: timedelta) -> dict[str, object]:
        """What an approval writes. PostgreSQL's clock counts too: a sender whose own is ahead must wait as well."""
        held: Any = None
        if hold > AT_ONCE:
            held = at + hold if self._db.is_sqlite else self._db_now(at) + hold
        return {"approved_at": at, "not_before": at + hold, "held_until": held}

    def _db_now(self, at: datetime) -> ColumnElement[datetime]:
        if self._db.is_sqlite:
            return literal(at, t.Instant())
        return func.clock_timestamp(type_=DateTime(timezone=True))


async def _insert(
    connection: AsyncConnection, post_id: int, text: str, *, by: str, at: datetime, values: Mapping[str, object]
) -> tuple[int, int]:
    """Insert an answer of `by`; return its id and its conversation's."""
    # The conversation first, as deciding does: two who lock both must not wait for each other for ever.
    thread = select(t.posts.c.conversation_id).where(t.posts.c.id == post_id).scalar_subquery()
    await connection.execute(select(t.conversations.c.id).where(t.conversations.c.id == thread).with_for_update())
    found = select(t.posts).where(t.posts.c.id == post_id).with_for_update()
    post = (await connection.execute(found)).first()
    if post is None:
        raise Conflict("there is no such post")
    if post.deleted_at is not None:
        raise Conflict(VOID)
    if not post.url:
        raise Conflict(FORGOTTEN)
    taken = select(_R.id).where(_R.post_id == post_id, _R.kind == ReplyKind.ANSWER)
    if (await connection.execute(taken)).first():
        raise Conflict("somebody has already answered this post")
    language = select(t.assessments.c.language).where(t.assessments.c.post_id == post_id)
    written = {
        "post_id": post_id,
        "conversation_id": post.conversation_id,
        "account": post.account,
        "platform": post.platform,
        "target_id": post.native_id,
        "kind": ReplyKind.ANSWER,
        "text": rows.storable(text),
        "language": (await connection.execute(language)).scalar_one_or_none() or Language.UNSURE,
        "is_automatic": False,
        "drafted_by": by,
        "touched_by": by,
        "version": 1,
        "created_at": at,
        **values,
    }
    reply_id: int = (await connection.execute(insert(t.replies).values(**written).returning(_R.id))).scalar_one()
    await touch(connection, post.conversation_id, at=at)
    return reply_id, int(post.conversation_id)
