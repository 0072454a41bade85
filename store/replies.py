"""The outbox: replies, and what became of each.

Owns the `replies` rows after their first draft. Every move is checked against the state it starts
from, and every move of a sender against its fence. Refuses to send, look or decide.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    exists,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core.decision import Standing
from core.errors import Conflict, IllegalMove
from core.failpoint import reach
from core.reply import (
    FORGOTTEN,
    MAY_STAND,
    VOID,
    Receipt,
    RejectReason,
    Reply,
    ReplyKind,
    ReplyState,
    check_move,
    may_stand,
)
from store import rows
from store import tables as t
from store.alerts import settle_alerts
from store.claims import Claims
from store.conversations import touch
from store.facts import facts_of
from store.people import record
from store.places import place
from store.set_aside import set_aside
from store.writing import AT_ONCE

_R = t.replies.c
# Where a reply stands that may be published although nobody of us knows, while it has not left anew.
_WITHOUT_RECEIPT = (ReplyState.UNKNOWN, ReplyState.APPROVED, ReplyState.FAILED, ReplyState.DROPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Our other replies under one post: what they were published as, and the texts of those that nobody knows of.

    `has_spoken`: some reply of the account, under whatever post, was published.
    """

    remote_ids: frozenset[str]
    texts: frozenset[str]
    has_spoken: bool


class Replies(Claims):
    """Everything we said, are saying, or might say."""

    async def mark_sent(self, reply: Reply, receipt: Receipt, *, at: datetime) -> bool:
        """It is published. False where it was sent anew meanwhile, or is a draft again: then it may stand there twice.

        That it stands there is a fact, whoever else decided of it what: what nobody has sent since is SENT.
        """
        values = {"remote_id": receipt.remote_id, "remote_url": receipt.url, "problem": None, "lease_until": None}
        async with self._db.begin() as connection:
            if not await _settle(connection, reply, ReplyState.SENT, at=at, **values):
                same = and_(_R.id == reply.id, _R.attempts == reply.attempts, _R.text == reply.text)
                decided = and_(same, _R.state.in_(_WITHOUT_RECEIPT))
                if not await _move(connection, reply, ReplyState.SENT, decided, at=at, **values):
                    return False
            await _note_sent(connection, reply, at=at)
            return True

    async def mark_refused(self, reply: Reply, why: str, *, at: datetime) -> bool:
        """A guard of ours said no; nothing left."""
        return await self._mark(reply, ReplyState.REFUSED, at=at, problem=why, lease_until=None)

    async def mark_failed(self, reply: Reply, why: str, *, at: datetime) -> bool:
        """The platform will never take it."""
        return await self._mark(reply, ReplyState.FAILED, at=at, problem=why, lease_until=None)

    async def mark_unanswered(self, reply: Reply, why: str, *, at: datetime, look_at: datetime) -> bool:
        """It was sent and no answer came, so nobody can say whether it was published."""
        once_more = {"unanswered": _R.unanswered + 1, "not_before": look_at, "lease_until": None}
        return await self._mark(reply, ReplyState.UNKNOWN, at=at, problem=why, **once_more)

    async def mark_unknown(
        self, reply: Reply, why: str, *, at: datetime, look_at: datetime | None, looks: int | None = None
    ) -> bool:
        """Nobody can say whether it was published. `look_at` None: only a person can. `looks`: so many count so far."""
        counted = {} if looks is None else {"looks": looks}
        return await self._mark(
            reply, ReplyState.UNKNOWN, at=at, problem=why, not_before=look_at, lease_until=None, **counted
        )

    async def reschedule(self, reply: Reply, why: str, *, at: datetime, not_before: datetime) -> bool:
        """It surely was not published; try again later. Looks at the next sending count from none."""
        return await self._mark(
            reply, ReplyState.APPROVED, at=at, problem=why, not_before=not_before, lease_until=None, looks=0
        )

    async def approve(
        self, reply_id: int, text: str, *, by: str, version: int, at: datetime, hold: timedelta = AT_ONCE
    ) -> Reply:
        """A person approves a draft, edited or not; it leaves once it was held. Raises: Conflict where it moved on."""
        return await self._by_person(
            reply_id,
            ReplyState.APPROVED,
            only_from=ReplyState.DRAFT,
            by=by,
            version=version,
            at=at,
            text=rows.storable(text),
            is_edited=_differs_from_draft(text),
            approved_by=by,
            problem=None,
            **self._held(at, hold),
        )

    async def drop(
        self, reply_id: int, *, by: str, version: int, at: datetime, because: RejectReason | None = None
    ) -> Reply:
        """A person rejects it, or says an unknown one is not to be sent. Raises: Conflict, IllegalMove."""
        return await self._by_person(
            reply_id,
            ReplyState.DROPPED,
            by=by,
            version=version,
            at=at,
            rejected_because=because,
            problem=case((_R.state == ReplyState.UNKNOWN, MAY_STAND), else_=_R.problem),
        )

    async def revise(self, reply_id: int, text: str, *, by: str, version: int, at: datetime) -> Reply:
        """Somebody who may not send edits a draft, which waits on for an approver. Raises: Conflict."""
        return await self._by_person(
            reply_id,
            ReplyState.DRAFT,
            only_from=ReplyState.DRAFT,
            by=by,
            version=version,
            at=at,
            text=rows.storable(text),
            drafted_by=by,
        )

    async def beside(self, reply: Reply) -> Beside:
        """Return what else may stand under the same post: none of it is this reply."""
        others = select(_R.remote_id, _R.text).where(
            _R.target_id == reply.target_id,
            _R.platform == reply.platform,
            _R.id != reply.id,
            or_(_R.remote_id.is_not(None), _R.sending_at.is_not(None)),
        )
        published = exists().where(_R.account == reply.account, _R.state == ReplyState.SENT, _R.id != reply.id)
        async with self._db.read() as connection:
            found = list(await connection.execute(others))
            return Beside(
                has_spoken=bool((await connection.execute(select(published))).scalar_one()),
                remote_ids=frozenset(row.remote_id for row in found if row.remote_id is not None),
                texts=frozenset(row.text for row in found if row.remote_id is None),
            )

    async def redraft(self, reply_id: int, *, by: str, version: int, at: datetime, has_looked: bool = False) -> Reply:
        """A person takes back what has not left, or writes a failed one anew. It is theirs from now on.

        `has_looked`: they looked on the platform, and it is not there. Raises: Conflict where the reply moved on, such
        as out of the door, or was dropped after it may have left and nobody has looked.
        """
        before = await self.get(reply_id)
        if before is not None and may_stand(before) and not has_looked:
            raise Conflict(MAY_STAND)
        return await self._by_person(
            reply_id,
            ReplyState.DRAFT,
            by=by,
            version=version,
            at=at,
            is_automatic=False,
            approved_by=None,
            approved_at=None,
            held_until=None,
            rejected_because=None,
            unanswered=0,
            problem=case((_R.problem == MAY_STAND, null()), else_=_R.problem),
        )

    async def settle_by_person(self, reply_id: int, *, is_there: bool, by: str, version: int, at: datetime) -> Reply:
        """A person looked at an UNKNOWN reply: it is there, or send it again.

        Raises: Conflict, also where a sender is looking for it right now and is asked to send it again.
        """
        to = ReplyState.SENT if is_there else ReplyState.APPROVED
        return await self._by_person(
            reply_id,
            to,
            only_from=ReplyState.UNKNOWN,
            by=by,
            version=version,
            at=at,
            settled_at=at if is_there else None,
            not_before=at,
            looks=0,
            unanswered=0,
            # Whether it stands there is no answer of a person's: an automatic one sent again must still be let out.
            touched_by=_R.touched_by if is_there else case((_R.is_automatic, _R.touched_by), else_=by),
            # Whoever sends it again has read what came since.
            approved_at=_R.approved_at if is_there else case((_R.is_automatic, _R.approved_at), else_=at),
        )

    async def standing(self, reply: Reply, *, at: datetime) -> Standing:
        """Return how things stand around a reply right now."""
        async with self._db.read() as connection:
            row = (await connection.execute(_STANDING, {"reply": reply.id})).mappings().one()
            return Standing(now=at, facts=await facts_of(connection, reply.post_id, at=at, leaving=reply.id), **row)

    async def get(self, reply_id: int) -> Reply | None:
        """Return one reply."""
        async with self._db.read() as connection:
            row = (await connection.execute(select(t.replies).where(_R.id == reply_id))).first()
            return rows.reply(row) if row else None

    async def held(self, by: str, *, at: datetime) -> list[Reply]:
        """Return what somebody approved that has not left and can be taken back, what leaves last first."""
        query = (
            select(t.replies)
            .where(_R.state == ReplyState.APPROVED, _R.not_before > at, _R.approved_by == by, _R.attempts == 0)
            .where(_R.approved_at.is_not(None))
            .order_by(_R.not_before.desc(), _R.id.desc())
        )
        async with self._db.read() as connection:
            return [rows.reply(row) for row in await connection.execute(query)]

    async def count_by_state(self) -> dict[str, int]:
        """Return how many replies stand at each state."""
        query = select(_R.state, func.count()).group_by(_R.state)
        async with self._db.read() as connection:
            return dict((await connection.execute(query)).all())

    async def _mark(self, reply: Reply, to: ReplyState, *, at: datetime, **values: Any) -> bool:
        async with self._db.begin() as connection:
            return await _settle(connection, reply, to, at=at, **values)

    async def _by_person(
        self,
        reply_id: int,
        to: ReplyState,
        *,
        by: str,
        version: int,
        at: datetime,
        only_from: ReplyState | None = None,
        **values: Any,
    ) -> Reply:
        async with self._db.begin() as connection:
            row = (await connection.execute(select(t.replies).where(_R.id == reply_id).with_for_update())).first()
            if row is None or row.version != version:
                raise Conflict("the reply changed since you opened it")
            before = rows.reply(row)
            _check_by_person(before, to, only_from)
            _check_not_looked_for(before, to, row.lease_until, at=at)
            await _check_post_stands(connection, before, to)
            await _check_unanswered(connection, before, to)
            changed = (
                update(t.replies)
                .where(_R.id == reply_id)
                .values(**{"state": to, "version": version + 1, "touched_by": by, **values})
                .returning(*t.replies.c)
            )
            after = rows.reply((await connection.execute(changed)).one())
            await touch(connection, before.conversation_id, at=at)
            if to is ReplyState.SENT:
                await _note_sent(connection, after, at=at)
            detail = {"before": before.state, "after": to, "edited": before.text != after.text}
            if after.rejected_because is not None:
                detail["because"] = after.rejected_because
            await record(connection, by=by, action=f"reply {to}", subject=f"reply {reply_id}", at=at, detail=detail)
            if before.state is not to:
                await settle_alerts(connection, conversation_id=before.conversation_id, by=by, at=at)
            if to is ReplyState.APPROVED:
                reach("A1")
            return after


def _differs_from_draft(text: str) -> Any:
    """SQL: null where there was no draft, or it is forgotten."""
    return case((_R.drafted_text.is_(None), null()), else_=_R.drafted_text != rows.storable(text))


_another = t.replies.alias("another")
_STANDING = (
    select(
        _R.not_after,
        t.posts.c.posted_at,
        t.posts.c.is_summons,
        t.posts.c.deleted_at.is_not(None).label("is_deleted"),
        exists()
        .where(
            _another.c.conversation_id == _R.conversation_id,
            _another.c.id != _R.id,
            _another.c.kind == ReplyKind.ACKNOWLEDGEMENT,
            _another.c.state.in_((ReplyState.SENDING, ReplyState.UNKNOWN, ReplyState.SENT)),
            or_(_R.alone_since.is_(None), _another.c.created_at > _R.alone_since),
        )
        .label("has_other_reply"),
    )
    .select_from(t.replies)
    .join(t.posts, t.posts.c.id == _R.post_id)
    .where(_R.id == bindparam("reply"))
)


def _check_by_person(reply: Reply, to: ReplyState, only_from: ReplyState | None) -> None:
    """A sender may move SENDING on; a person may not: their page is older than the claim (I4)."""
    if only_from not in (None, reply.state):
        raise Conflict(f"the reply is already {reply.state}")
    if only_from is to:
        return
    try:
        check_move(reply.state, to)
    except IllegalMove as err:
        raise Conflict(f"the reply is already {reply.state}") from err


def _check_not_looked_for(reply: Reply, to: ReplyState, lease_until: datetime | None, *, at: datetime) -> None:
    """A look tells in seconds what a person may have missed: until then nobody sends it again. Raises: Conflict."""
    is_looked_for = reply.state is ReplyState.UNKNOWN and lease_until is not None and lease_until > at
    if is_looked_for and to is ReplyState.APPROVED:
        raise Conflict("it is being looked for right now: try again in a minute")


async def _check_post_stands(connection: AsyncConnection, reply: Reply, to: ReplyState) -> None:
    """Nobody writes under a post that is gone, or forgotten. Raises: Conflict."""
    if to not in (ReplyState.DRAFT, ReplyState.APPROVED):
        return
    query = select(t.posts.c.deleted_at, t.posts.c.url).where(t.posts.c.id == reply.post_id)
    post = (await connection.execute(query)).one()
    if post.deleted_at is not None:
        raise Conflict(VOID)
    if not post.url:
        raise Conflict(FORGOTTEN)


async def _check_unanswered(connection: AsyncConnection, reply: Reply, to: ReplyState) -> None:
    """Nobody acknowledges what has its answer, or is about to have it. Raises: Conflict."""
    if (reply.kind, reply.state, to) != (ReplyKind.ACKNOWLEDGEMENT, ReplyState.DRAFT, ReplyState.APPROVED):
        return
    answer = and_(_R.post_id == reply.post_id, _R.kind == ReplyKind.ANSWER, _R.state.not_in(_NO_ANSWER))
    if (await connection.execute(select(_R.id).where(answer))).first():
        raise Conflict("somebody has already answered this post")


_NO_ANSWER = (ReplyState.DRAFT, ReplyState.DROPPED)


async def _note_sent(connection: AsyncConnection, reply: Reply, *, at: datetime) -> None:
    """An acknowledgement is noted on its conversation; after an answer nobody waits there, nor any draft.

    So is how long it took, where no such reply was first. The caller holds the conversation's row.
    """
    if reply.kind is ReplyKind.ANSWER:
        await set_aside(connection, reply, at=at)
    noted = _NOTE_ACKNOWLEDGED if reply.kind is ReplyKind.ACKNOWLEDGEMENT else _NOTE_ANSWERED
    by_person = int(reply.kind is ReplyKind.ANSWER and not reply.is_automatic)
    read_at = reply.approved_at or reply.sending_at or at
    given = {"one": reply.conversation_id, "sent_at": at, "by_person": by_person, "read_at": read_at}
    await connection.execute(noted, given)
    name = "automatic_took" if reply.is_automatic else "person_took"
    known = select(_C.began_at, _C[name].label("took")).where(_C.id == reply.conversation_id)
    began_at, before = (await connection.execute(known)).one()
    if began_at is not None:
        took = max(0.0, (at - began_at).total_seconds())
        first = update(t.conversations).where(_C.id == reply.conversation_id)
        await connection.execute(first.values({name: took if before is None else min(before, took)}))
    await place(connection, [reply.conversation_id])


_C = t.conversations.c
_OF_IT = update(t.conversations).where(_C.id == bindparam("one"))
_NOTE_ACKNOWLEDGED = _OF_IT.values(
    acknowledged_at=func.coalesce(_C.acknowledged_at, bindparam("sent_at", type_=t.Instant))
)
# An answer keeps the due time too. What its author wrote while it was on its way waits for the next one.
_P = t.posts.c
_READ_AT = bindparam("read_at", type_=t.Instant)
_UNREAD = and_(_P.conversation_id == _C.id, _P.heard_at > _READ_AT, _P.deleted_at.is_(None))
_DUE = select(func.min(t.decisions.c.due_at)).join(t.posts, _P.id == t.decisions.c.post_id).where(_UNREAD)
_NOTE_ANSWERED = _OF_IT.values(
    waiting_since=select(func.min(_P.posted_at)).where(_UNREAD).correlate(t.conversations).scalar_subquery(),
    due_at=_DUE.correlate(t.conversations).scalar_subquery(),
    answers=_C.answers + bindparam("by_person"),
)


async def _settle(connection: AsyncConnection, reply: Reply, to: ReplyState, *, at: datetime, **values: Any) -> bool:
    """Move a claimed reply on, if it is still ours: same fence, same state. False where it is not."""
    if to is not reply.state:
        check_move(reply.state, to)
    return await _move(connection, reply, to, _still_ours(reply), at=at, **values)


async def _move(
    connection: AsyncConnection,
    reply: Reply,
    to: ReplyState,
    where: ColumnElement[bool],
    *,
    at: datetime,
    **values: Any,
) -> bool:
    settled_at = at if to in (ReplyState.SENT, ReplyState.FAILED, ReplyState.REFUSED) else None
    changed = await connection.execute(
        update(t.replies).where(where).values(state=to, version=_R.version + 1, settled_at=settled_at, **values)
    )
    if not changed.rowcount:
        return False
    await touch(connection, reply.conversation_id, at=at)
    return True


def _still_ours(reply: Reply) -> ColumnElement[bool]:
    return and_(_R.id == reply.id, _R.fence == reply.fence, _R.state == reply.state)
