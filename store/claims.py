"""Who is sending which reply, and what is lost with a sender.

Owns the claims of senders: fences, leases, and what becomes of a claim whose owner is gone. Refuses to send, look or
decide, and to settle: `replies` does.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, not_, or_, select, update

from core.reply import Reply, ReplyState
from store import rows
from store import tables as t
from store.accounts import AccountState
from store.conversations import touch
from store.moved import approved_and_moved, moved_on, take_back_moved
from store.writing import Writing

_R = t.replies.c
UNREACHABLE = "the process that was sending it cannot be reached, so it may be there or still come"


class Claims(Writing):
    """What senders claim. `Replies` is one of these."""

    async def claim_due(
        self, owner: str, *, at: datetime, lease: timedelta, limit: int = 16, account: str | None = None
    ) -> list[Reply]:
        """Write SENDING on replies that are due, and return them. Nothing may leave before this (I4)."""
        due = and_(
            _R.state == ReplyState.APPROVED,
            or_(_R.not_before.is_(None), _R.not_before <= at),
            or_(_R.held_until.is_(None), _R.held_until <= self._db_now(at)),
            not_(moved_on()),
        )
        values = {
            "state": ReplyState.SENDING,
            "owner": owner,
            "lease_until": at + lease,
            "sending_at": func.coalesce(_R.sending_at, at),
            "attempts": _R.attempts + 1,
        }
        return await self._claim(_able(due, account).order_by(_R.not_before, _R.id).limit(limit), values)

    async def take_back_moved(self, *, at: datetime, account: str | None = None) -> list[int]:
        """Make drafts again of what people approved where the author wrote, or a colleague took over, since."""
        async with self._db.read() as connection:
            if not (await connection.execute(approved_and_moved(account).limit(1))).first():
                return []
        async with self._db.begin() as connection:
            return await take_back_moved(connection, account=account, at=at)

    async def other_senders(self, owner: str) -> list[str]:
        """Return the other processes that have, or had, replies in their hands."""
        theirs = (
            select(_R.owner)
            .distinct()
            .where(
                _R.state.in_((ReplyState.SENDING, ReplyState.UNKNOWN)), _R.lease_until.is_not(None), _R.owner != owner
            )
        )
        async with self._db.read() as connection:
            return [name for name in (await connection.execute(theirs)).scalars() if name is not None]

    async def end_leases(self, owner: str, *, at: datetime) -> int:
        """A process is surely dead: what it was sending can be looked for at once. Returns how many."""
        async with self._db.begin() as connection:
            ended = await connection.execute(
                update(t.replies)
                .where(_R.owner == owner, _R.lease_until > at)
                .values(lease_until=at - timedelta(seconds=1))
            )
            return ended.rowcount

    async def claim_unsettled(
        self,
        owner: str,
        *,
        at: datetime,
        lease: timedelta,
        limit: int = 16,
        not_of: Collection[str] = (),
        but_not: Collection[int] = (),
        account: str | None = None,
    ) -> list[Reply]:
        """Claim replies whose outcome must be looked up: UNKNOWN ones due for a look, lost senders' ones.

        `not_of` are processes that may live: a frozen one may still send what its lease no longer covers. `but_not`
        are replies that this process is sending right now, whatever a clock that was set says of their leases.
        """
        lost = and_(_R.state == ReplyState.SENDING, _R.lease_until < at, _R.owner.not_in(not_of), _R.id.not_in(but_not))
        unsure = and_(
            _R.state == ReplyState.UNKNOWN, _R.not_before <= at, or_(_R.lease_until.is_(None), _R.lease_until < at)
        )
        values = {
            "state": ReplyState.UNKNOWN,
            "owner": owner,
            "lease_until": at + lease,
            "looks": _R.looks + 1,
            "problem": func.coalesce(_R.problem, "the sender was lost while sending"),
        }
        return await self._claim(_able(or_(lost, unsure), account).order_by(_R.id).limit(limit), values)

    async def claim_unreachable(
        self,
        owner: str,
        *,
        of: Collection[str],
        at: datetime,
        limit: int = 16,
        account: str | None = None,
    ) -> list[Reply]:
        """Claim what the processes `of` were sending, whose leases are over. Whether they live, nobody can tell.

        So it is a person's from this moment: whoever is interrupted while looking leaves nothing to be sent again.
        """
        theirs = and_(_R.state == ReplyState.SENDING, _R.lease_until < at, _R.owner.in_(of))
        values = {"state": ReplyState.UNKNOWN, "owner": owner, "looks": _R.looks + 1, "problem": UNREACHABLE}
        a_persons = {"not_before": None, "lease_until": None}
        return await self._claim(_able(theirs, account).order_by(_R.id).limit(limit), values | a_persons)

    async def leave_strangers(self, known: Collection[str], *, at: datetime, after: timedelta) -> list[int]:
        """Leave to a person what was being sent as an account that is none of `known`, `after` its lease was over.

        Nobody here could look for it. Returns which.
        """
        lost = and_(_R.state == ReplyState.SENDING, _R.lease_until < at - after, _R.account.not_in(known))
        values = {"state": ReplyState.UNKNOWN, "not_before": None, "lease_until": None}
        left = update(t.replies).where(lost).values(version=_R.version + 1, fence=_R.fence + 1, **values)
        why = literal("account '") + _R.account + literal("' is no longer in the config")
        async with self._db.begin() as connection:
            moved = list(await connection.execute(left.values(problem=why).returning(_R.id, _R.conversation_id)))
            for row in moved:
                await touch(connection, row.conversation_id, at=at)
            return [row.id for row in moved]

    async def looks(self, reply: Reply) -> int:
        """Return how often the outcome of a reply was looked up."""
        async with self._db.read() as connection:
            looks: int = (await connection.execute(select(_R.looks).where(_R.id == reply.id))).scalar_one()
            return looks

    async def _claim(self, due: Select[tuple[int]], values: dict[str, Any]) -> list[Reply]:
        """Whoever claims gets a higher fence: what an earlier owner still writes is refused."""
        free = due.with_for_update(skip_locked=True).scalar_subquery()
        claimed = update(t.replies).where(_R.id.in_(free)).values(fence=_R.fence + 1, **values)
        async with self._db.begin() as connection:
            return [rows.reply(row) for row in await connection.execute(claimed.returning(*t.replies.c))]


def _able(which: ColumnElement[bool], account: str | None) -> Select[tuple[int]]:
    """A person's approval goes out while the bot is paused; not while the platform turns us away."""
    able = select(t.accounts.c.name).where(t.accounts.c.state != AccountState.NEEDS_OPERATOR)
    able = able if account is None else able.where(t.accounts.c.name == account)
    return select(_R.id).where(which, _R.account.in_(able))
