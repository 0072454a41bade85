"""Everything a decision looks at, read for many posts with a handful of statements.

Owns these reads, within the caller's transaction: what is decided, and what is about to leave, looks at the same.
Refuses to decide, and to write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, Select, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.decision import Facts, Lately
from core.reply import ReplyKind, ReplyState
from store import rows
from store import tables as t
from store.accounts import is_quiet
from store.conversations import person_has_acted
from store.lately import BUT_LEAVING, Ledger, columns
from store.people import ASKED_THEMSELVES, opted_out_by

# An acknowledgement in one of these states was, or may yet be, seen by the author.
_COUNTS = (ReplyState.DRAFT, ReplyState.APPROVED, ReplyState.SENDING, ReplyState.SENT, ReplyState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The rows behind one post's facts; the account's counts come later, for they change from post to post."""

    post: rows.AnyRow
    conversation: rows.AnyRow
    assessment: rows.AnyRow

    async def facts(self, ledger: Ledger) -> Facts:
        """Return the facts as they stand now in this transaction."""
        post = self.post
        account = await ledger.account(post.account)
        return Facts(
            heard=rows.heard(post),
            assessment=rows.assessment(self.assessment),
            conversation=rows.conversation(self.conversation),
            now=ledger.at,
            is_paused=bool(post.is_quiet),
            is_opted_out=post.opted_out_by is not None,
            opted_out_by=None if post.opted_out_by == ASKED_THEMSELVES else post.opted_out_by,
            acknowledged_at=post.acknowledged_at,
            last_text=post.last_text,
            has_reply=bool(post.has_reply),
            has_person_acted=bool(post.has_person_acted),
            is_ours=bool(post.is_ours),
            lately=Lately(
                in_conversation=post.in_conversation,
                author_hour=post.author_hour,
                author_day=post.author_day,
                account_hour=sum(account.told.values()),
                account_day=account.day,
                account_at_once=account.at_once,
                told=dict(account.told),
                author_posts_minute=post.author_posts_minute,
                last_sent_at=post.last_sent_at,
            ),
            incident=account.incident,
        )


async def find(connection: AsyncConnection, post_ids: Sequence[int], ledger: Ledger) -> dict[int, Found]:
    """Return the rows behind the facts of posts, by id; none where nobody has read the post."""
    ids = {"ids": list(post_ids)}
    posts = {row.id: row for row in await connection.execute(_heard(connection.dialect.name), ids | ledger.bound)}
    theirs = {"ids": list({row.conversation_id for row in posts.values()})}
    conversations = {row.id: row for row in await connection.execute(_CONVERSATIONS, theirs)}
    return {
        row.post_id: Found(
            post=posts[row.post_id], conversation=conversations[posts[row.post_id].conversation_id], assessment=row
        )
        for row in await connection.execute(_ASSESSMENTS, ids)
    }


async def facts_of(
    connection: AsyncConnection, post_id: int, *, at: datetime, leaving: int | None = None
) -> Facts | None:
    """Return the facts of one post; None where nobody has read it. `leaving` is the reply that is about to leave."""
    ledger = Ledger(connection, at=at, leaving=leaving)
    found = (await find(connection, [post_id], ledger)).get(post_id)
    return None if found is None else await found.facts(ledger)


_IDS: BindParameter[Sequence[int]] = bindparam("ids", expanding=True)
_CONVERSATIONS = select(t.conversations).where(t.conversations.c.id.in_(_IDS))
_ASSESSMENTS = select(t.assessments).where(t.assessments.c.post_id.in_(_IDS))


@cache
def _heard(dialect: str) -> Select[Any]:
    """Made once: making it costs more than running it."""
    return (
        select(
            *rows.HEARD_COLUMNS,
            is_quiet(t.posts.c.account).label("is_quiet"),
            person_has_acted(t.posts.c.conversation_id).label("has_person_acted"),
            _is_ours().label("is_ours"),
            opted_out_by(t.posts.c.author_id).label("opted_out_by"),
            exists().where(t.replies.c.post_id == t.posts.c.id, BUT_LEAVING).label("has_reply"),
            _acknowledged_at().label("acknowledged_at"),
            _last_text().label("last_text"),
            *columns(dialect),
        )
        .join(t.authors, t.authors.c.id == t.posts.c.author_id)
        .where(t.posts.c.id.in_(_IDS))
    )


def _is_ours() -> ColumnElement[bool]:
    account = t.accounts.alias("of_ours")
    return exists().where(
        account.c.platform == t.posts.c.platform, func.lower(account.c.handle) == func.lower(t.authors.c.handle)
    )


def _acknowledged_at() -> ScalarSelect[datetime | None]:
    return (
        select(func.max(t.replies.c.created_at))
        .where(
            t.replies.c.conversation_id == t.posts.c.conversation_id,
            t.replies.c.kind == ReplyKind.ACKNOWLEDGEMENT,
            t.replies.c.state.in_(_COUNTS),
            BUT_LEAVING,
        )
        .scalar_subquery()
    )


def _last_text() -> ScalarSelect[str | None]:
    return (
        select(t.replies.c.text)
        .join(t.conversations, t.conversations.c.id == t.replies.c.conversation_id)
        .where(t.conversations.c.author_id == t.posts.c.author_id)
        .order_by(t.replies.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
