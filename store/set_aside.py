"""Acknowledgements that still wait when a person's own answer is out: there is nothing left to acknowledge.

Owns their dropping, in the caller's transaction. Refuses to touch what was approved: the guards look at that.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.reply import ANSWERED, Reply, ReplyKind, ReplyState
from store import tables as t
from store.people import record

_R = t.replies.c


async def set_aside(connection: AsyncConnection, answer: Reply, *, at: datetime) -> None:
    """Drop the drafts of acknowledgements up to the answered post. Whatever somebody holds right now is theirs."""
    waiting = select(_R.id).where(
        _R.conversation_id == answer.conversation_id,
        _R.post_id <= answer.post_id,
        _R.kind == ReplyKind.ACKNOWLEDGEMENT,
        _R.state == ReplyState.DRAFT,
    )
    found = (await connection.execute(waiting.order_by(_R.id).with_for_update(skip_locked=True))).scalars().all()
    for one in found:
        values = {"state": ReplyState.DROPPED, "problem": ANSWERED, "settled_at": at, "version": _R.version + 1}
        await connection.execute(update(t.replies).where(_R.id == one).values(**values))
        detail = {"before": ReplyState.DRAFT, "after": ReplyState.DROPPED, "because": ANSWERED}
        await record(connection, by="genlyd", action="reply dropped", subject=f"reply {one}", at=at, detail=detail)
