"""What becomes of somebody's conversations when they may work no more.

Owns that one change of `conversations`. Refuses to choose who gets what was taken: `people` does.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.conversation import Status
from store import tables as t

_C = t.conversations.c


async def let_go(connection: AsyncConnection, name: str, *, heir: str | None, at: datetime) -> dict[str, object]:
    """Hand on what somebody took, and make the rest nobody's, within the caller's transaction; return the counts.

    Where a person took over, the bot stays silent (I6): such a conversation is the heir's from now on, also one that is
    resolved, for its author may write again. Without an heir it stays as it is. "Next" hands out the rest.
    """
    taken = _C.taken_by == name
    theirs = and_(_C.assigned_to == name, _C.taken_by.is_distinct_from(name), _C.status != Status.RESOLVED)
    # In one order everywhere, so that two people never wait for each other.
    await connection.execute(select(_C.id).where(or_(taken, theirs)).order_by(_C.id).with_for_update())
    freed = await _change(connection, theirs, at=at, assigned_to=_C.taken_by)
    handed = await _change(connection, taken, at=at, taken_by=heir, assigned_to=heir) if heir is not None else 0
    said: dict[str, object] = {"freed": freed} if freed else {}
    return {**said, "handed on": {heir: handed}} if handed else said


async def _change(connection: AsyncConnection, which: ColumnElement[bool], *, at: datetime, **values: object) -> int:
    """Neither who has a conversation nor who took it is part of its place, so no place is found anew."""
    changed = update(t.conversations).where(which).values(version=_C.version + 1, changed_at=at, **values)
    return (await connection.execute(changed)).rowcount
