"""Posts that are gone from their platform: what we hold of them leaves every table; the fact and the counts stay.

Owns the forgetting of one post, in the caller's transaction. Refuses to find out what is gone: `rechecks` is told.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.conversation import Status
from core.decision import ORDINARY
from core.reply import VOID, ReplyState
from store import rows
from store import tables as t
from store.alerts import settle_alerts
from store.database import alone
from store.effects import highest_urgency
from store.notes import forget_all_beside, forget_quotations
from store.places import place
from store.saved_filters import forget_naming

DELETED = "deleted by its author"
# These may be on their way: their text finds them again on the platform, and goes once they are settled.
LEAVING = (ReplyState.SENDING, ReplyState.UNKNOWN)
_TOLD = "The post this was about was deleted by its author."


async def lock_post(connection: AsyncConnection, post_id: int) -> rows.AnyRow | None:
    """Lock a post that still has its text, and what hangs on it, and return it; None where there is nothing to change.

    In this order everywhere: corrections, author, replies, conversation, post.
    """
    found = select(t.posts).where(t.posts.c.id == post_id, t.posts.c.deleted_at.is_(None), t.posts.c.url != "")
    post = (await connection.execute(found)).first()
    if post is None:
        return None
    await alone(connection, t.corrections)
    author = select(t.authors.c.id).where(t.authors.c.id == post.author_id)
    await connection.execute(author.with_for_update(key_share=True))
    theirs = select(t.replies.c.id).where(t.replies.c.post_id == post_id).order_by(t.replies.c.id)
    await connection.execute(theirs.with_for_update())
    thread = select(t.conversations.c.id).where(t.conversations.c.id == post.conversation_id)
    await connection.execute(thread.with_for_update())
    # Read again under the locks: another look may have been first.
    return (await connection.execute(found.with_for_update())).first()


async def forget_gone(connection: AsyncConnection, post_id: int, *, at: datetime) -> bool:
    """Forget a post that is gone, and everything made from it. False where it was forgotten before."""
    post = await lock_post(connection, post_id)
    if post is None:
        return False
    # Before the address goes: alerts are known by it.
    await redact_alerts(connection, post, _TOLD)
    await _forget_unreadable(connection, post.native_id)
    await _forget_what_was_understood(connection, post_id)
    await _void_replies(connection, post_id, at=at)
    await forget_quotations(connection, post.conversation_id, [post.text])
    await connection.execute(update(t.posts).where(t.posts.c.id == post_id).values(**_nothing_left(at)))
    await _forget_author(connection, post)
    await _settle_conversation(connection, post.conversation_id, at=at)
    return True


async def forget_replies(connection: AsyncConnection) -> int:
    """Forget the texts of replies under forgotten posts, but for what may be on its way: that goes once it is settled.

    It was on its way when its post went, or was written later.
    """
    r = t.replies.c
    of_forgotten = exists().where(t.posts.c.id == r.post_id, t.posts.c.url == "")
    settled = and_(r.text != "", r.state.not_in(LEAVING))
    left = update(t.replies).where(of_forgotten, or_(settled, r.drafted_text.is_not(None)))
    kept = case((r.state.in_(LEAVING), r.text), else_="")
    return (await connection.execute(left.values(text=kept, drafted_text=None))).rowcount


async def redact_alerts(connection: AsyncConnection, post: rows.AnyRow, words: str) -> None:
    """Take a post's text out of the alerts about it: those of which a line ends in its address.

    A submission's address is the beginning of its comments', and a conversation has alerts about other posts.
    """
    a = t.alerts.c
    may_be = select(a.id, a.body).where(a.body.contains(post.url, autoescape=True))
    found = (await connection.execute(may_be)).all()
    about_it = [row.id for row in found if any(line.endswith(post.url) for line in row.body.splitlines())]
    await connection.execute(update(t.alerts).where(a.id.in_(about_it)).values(body=words))


def _nothing_left(at: datetime) -> dict[str, Any]:
    """The native id and the thread's stay, so that the platform's own repeat is not taken for a new post."""
    return {
        "text": "",
        "url": "",
        "parent_id": None,
        "parent_author_id": None,
        "quoted_author_id": None,
        "place": "",
        "language_hint": None,
        "matched": "",
        "problem": None,
        "stage": "decided",
        "stage_at": at,
        "deleted_at": at,
        "checked_at": at,
        "check_at": None,
        "silent_since": None,
        "reading": None,
    }


async def _forget_unreadable(connection: AsyncConnection, native_id: str) -> None:
    """Raw copies that carry the post's id, spelled with or without Reddit's prefix."""
    bare = native_id.partition("_")[2] or native_id
    await connection.execute(delete(t.unreadable).where(t.unreadable.c.raw.contains(bare, autoescape=True)))


async def _forget_what_was_understood(connection: AsyncConnection, post_id: int) -> None:
    """The assessment, and what people set right on it.

    A correction that changed other posts stays for their sake, with what it says of them; the rest of it goes.
    """
    c, e = t.corrections.c, t.correction_effects.c
    await connection.execute(delete(t.assessments).where(t.assessments.c.post_id == post_id))
    await connection.execute(delete(t.correction_effects).where(e.post_id == post_id))
    own = c.post_id == post_id
    holds_elsewhere = exists().where(e.correction_id == c.id)
    await connection.execute(delete(t.corrections).where(own, ~holds_elsewhere))
    await connection.execute(update(t.corrections).where(own).values(embedding=None, was=c.now))
    because = DELETED + ": what was understood is forgotten"
    await connection.execute(update(t.decisions).where(t.decisions.c.post_id == post_id).values(because=because))
    told = and_(t.audit.c.action == "correct", t.audit.c.subject == f"post {post_id}")
    await connection.execute(update(t.audit).where(told).values(detail={}))


async def _void_replies(connection: AsyncConnection, post_id: int, *, at: datetime) -> None:
    """A draft is dropped. What is approved is left to the guard, which refuses it and says so."""
    r = t.replies.c
    await connection.execute(
        update(t.replies)
        .where(r.post_id == post_id, r.state == ReplyState.DRAFT)
        .values(state=ReplyState.DROPPED, problem=VOID, settled_at=at, version=r.version + 1)
    )
    await connection.execute(
        update(t.replies).where(r.post_id == post_id, r.state.not_in(LEAVING)).values(text="", version=r.version + 1)
    )
    # Nothing is found again by what was drafted.
    await connection.execute(update(t.replies).where(r.post_id == post_id).values(drafted_text=None))


async def _forget_author(connection: AsyncConnection, post: rows.AnyRow) -> None:
    """An author all of whose posts are forgotten loses handle and name; the id stays, for an opt-out hangs on it."""
    remembered = exists().where(t.posts.c.author_id == t.authors.c.id, t.posts.c.url != "")
    forgotten = select(t.authors.c.handle, t.authors.c.name).where(t.authors.c.id == post.author_id, ~remembered)
    named = (await connection.execute(forgotten)).first()
    if named is None:
        return
    theirs = select(t.conversations.c.id).where(t.conversations.c.author_id == post.author_id)
    for conversation_id in (await connection.execute(theirs)).scalars().all():
        await forget_all_beside(connection, conversation_id)
    await forget_naming(connection, [named.handle, named.name])
    statement = update(t.authors).where(t.authors.c.id == post.author_id)
    await connection.execute(statement.values(handle="", name="", followers=None))


async def _settle_conversation(connection: AsyncConnection, conversation_id: int, *, at: datetime) -> None:
    """Count its urgency anew. One without any post left waits for nobody, unless a person has it."""
    c = t.conversations.c
    of_it: ColumnElement[bool] = c.id == conversation_id
    urgency = func.coalesce(highest_urgency(), 0)
    await connection.execute(
        update(t.conversations).where(of_it).values(urgency=urgency, version=c.version + 1, changed_at=at)
    )
    stands = exists().where(t.posts.c.conversation_id == c.id, t.posts.c.deleted_at.is_(None))
    await connection.execute(
        update(t.conversations).where(of_it, ~stands).values(waiting_since=None, due_at=None, escalated_at=None)
    )
    await connection.execute(
        update(t.conversations).where(of_it, ~stands, c.taken_by.is_(None)).values(status=Status.RESOLVED)
    )
    await place(connection, [conversation_id])
    if (await connection.execute(select(c.id).where(of_it, ~stands))).first() is not None:
        await forget_all_beside(connection, conversation_id)
        # Whoever was called because somebody may be in danger decides that for themselves.
        await settle_alerts(connection, conversation_id=conversation_id, kind=ORDINARY, by="genlyd", at=at)
