"""What a person approved, in a conversation that moved on before it left: a draft again, with the reason.

Owns what counts as moved on, and the taking back, in the caller's transaction. Refuses to touch what was claimed, and
what is automatic: the guards look at that.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.reply import ReplyState
from store import rows
from store import tables as t
from store.conversations import touch
from store.people import record

WROTE_AGAIN = "the author wrote again before it left: read it first"
_R, _C, _P = t.replies.c, t.conversations.c, t.posts.c


def moved_on() -> ColumnElement[bool]:
    """SQL: whether, since a person approved a reply, its author wrote or a colleague took the conversation over."""
    return and_(_R.is_automatic.is_(False), _R.approved_at.is_not(None), or_(_wrote_again(), _taken_by_another()))


def approved_and_moved(account: str | None) -> Select[tuple[object, ...]]:
    """Ask for the replies of an account, or of all, that are approved where the conversation moved on."""
    query = select(*_R).where(_R.state == ReplyState.APPROVED, moved_on())
    return query if account is None else query.where(_R.account == account)


async def take_back_moved(connection: AsyncConnection, *, account: str | None, at: datetime) -> list[int]:
    """Make drafts of what is approved where the conversation moved on; return their ids.

    APPROVED says that nothing was published. Who touched it stays: a person has acted here, and the bot is to know.
    """
    # Conversations are locked one after the other, in the order of deciding: no two may wait for each other for ever.
    waiting = approved_and_moved(account).order_by(_R.conversation_id, _R.id)
    found: list[rows.AnyRow] = list(await connection.execute(waiting.with_for_update(skip_locked=True, of=t.replies)))
    for row in found:
        name = (await connection.execute(_holder(row.conversation_id, row.touched_by or row.approved_by))).scalar()
        why = WROTE_AGAIN if name is None else f"{name} took this conversation over before it left: read it first"
        values = {"state": ReplyState.DRAFT, "problem": why, "approved_by": None, "approved_at": None}
        await connection.execute(
            update(t.replies)
            .where(_R.id == row.id)
            .values(held_until=None, version=_R.version + 1, touched_by=row.touched_by or row.approved_by, **values)
        )
        await touch(connection, row.conversation_id, at=at)
        detail = {"before": ReplyState.APPROVED, "after": ReplyState.DRAFT, "because": why}
        await record(connection, by="genlyd", action="take back", subject=f"reply {row.id}", at=at, detail=detail)
    return [row.id for row in found]


def _wrote_again() -> ColumnElement[bool]:
    """A new post, or new words in one that was there."""
    newer = or_(_P.heard_at > _R.approved_at, _P.edited_at > _R.approved_at)
    return exists().where(_P.conversation_id == _R.conversation_id, newer)


def _taken_by_another() -> ColumnElement[bool]:
    """Nobody approves in what somebody else has: whoever has it by now took it since."""
    approver = func.coalesce(_R.touched_by, _R.approved_by)
    return exists().where(_C.id == _R.conversation_id, _C.taken_by != approver)


def _holder(conversation_id: int, approver: str | None) -> Select[tuple[str | None]]:
    return select(_C.taken_by).where(_C.id == conversation_id, _C.taken_by != approver)
