"""Posts that their authors edited: the new text takes the old one's place and is read anew.

Owns what an edit changes, in the caller's transaction. Refuses to decide anew: the rooms do, for the post waits again.
"""

from datetime import datetime

from sqlalchemy import and_, case, delete, func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.post import Post
from core.reply import ReplyKind, ReplyState
from store import rows
from store import tables as t
from store.conversations import touch
from store.deletions import lock_post, redact_alerts
from store.effects import highest_urgency
from store.notes import forget_quotations

STALE = "the author edited the post after this was written: read it again"
_TOLD = "The author edited the post this was about. The conversation has the new text."


async def rewrite(connection: AsyncConnection, post_id: int, post: Post, *, at: datetime) -> bool:
    """Put an edited post's text in place of the old one; False where nothing changed, or the post is gone.

    What was understood and decided goes, and is made anew. Its replies stay: a post is answered once, edited or not.
    """
    known = await lock_post(connection, post_id)
    text = rows.storable(post.text)
    if known is None or known.text == text:
        return False
    await redact_alerts(connection, known, _TOLD)
    await _forget_what_was_understood(connection, post_id)
    await _take_back(connection, post_id)
    await forget_quotations(connection, known.conversation_id, [known.text])
    await connection.execute(
        update(t.posts)
        .where(t.posts.c.id == post_id)
        .values(
            text=text,
            language_hint=post.language_hint,
            stage="saved",
            stage_at=at,
            attempts=0,
            problem=None,
            edited_at=at,
            reading=None,
        )
    )
    of_it = t.conversations.c.id == known.conversation_id
    urgency = func.coalesce(highest_urgency(), 0)
    await connection.execute(update(t.conversations).where(of_it).values(urgency=urgency))
    await touch(connection, known.conversation_id, at=at)
    return True


async def _forget_what_was_understood(connection: AsyncConnection, post_id: int) -> None:
    """The old text's meaning too: a correction made on it teaches no more."""
    await connection.execute(delete(t.assessments).where(t.assessments.c.post_id == post_id))
    await connection.execute(delete(t.decisions).where(t.decisions.c.post_id == post_id))
    await connection.execute(delete(t.correction_effects).where(t.correction_effects.c.post_id == post_id))
    await connection.execute(update(t.corrections).where(t.corrections.c.post_id == post_id).values(embedding=None))


async def _take_back(connection: AsyncConnection, post_id: int) -> None:
    """A reply that has not left was written for the old text: it is a draft again, marked so.

    Nobody has approved it any more; that a person acted here stays noted, for the bot is to know it.
    """
    r = t.replies.c
    is_bots = and_(r.is_automatic, r.kind == ReplyKind.ACKNOWLEDGEMENT)
    await connection.execute(
        update(t.replies)
        .where(r.post_id == post_id, r.state.in_((ReplyState.DRAFT, ReplyState.APPROVED)))
        .values(
            state=ReplyState.DRAFT,
            problem=STALE,
            approved_by=None,
            approved_at=None,
            held_until=None,
            touched_by=func.coalesce(r.touched_by, case((is_bots, None), else_=r.approved_by)),
            is_automatic=False,
            version=r.version + 1,
        )
    )
