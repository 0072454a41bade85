"""Decisions: everything a decision looks at, and everything it causes, in one transaction.

Owns the `decisions` rows and the first write of replies and alerts. Refuses to decide: the caller
hands in a pure function.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Language
from core.conversation import Status
from core.decision import URGENT, Action, Facts, Notice, Plan
from core.failpoint import reach
from core.reply import ReplyKind, ReplyState
from store import rows
from store import tables as t
from store.accounts import is_quiet
from store.alerts import queue_alert
from store.conversations import person_has_acted
from store.database import Database
from store.incidents import join_incident, open_incident
from store.lately import Ledger
from store.people import Scope, save_opt_out
from store.posts import Stage

# An acknowledgement in one of these states was, or may yet be, seen by the author.
_COUNTS = (ReplyState.DRAFT, ReplyState.APPROVED, ReplyState.SENDING, ReplyState.SENT, ReplyState.UNKNOWN)


class Decisions:
    """What was decided about each post."""

    def __init__(self, database: Database, *, repeat_alert_after: timedelta) -> None:
        self._db = database
        self._repeat_alert_after = repeat_alert_after

    async def decide(self, post_id: int, plan: Callable[[Facts], Plan], *, at: datetime) -> Plan | None:
        """Read the facts, ask `plan`, save what it says; None where the post no longer waits."""
        return (await self.decide_all([post_id], plan, at=at)).get(post_id)

    async def decide_all(
        self, post_ids: Sequence[int], plan: Callable[[Facts], Plan], *, at: datetime
    ) -> dict[int, Plan]:
        """Decide several posts in one transaction; return the plans of those that still waited.

        Their conversations are locked meanwhile, so two workers cannot both find one unacknowledged (I3).
        """
        made: dict[int, Plan] = {}
        async with self._db.begin() as connection:
            await _lock_conversations(connection, post_ids)
            ledger = Ledger(connection, at=at)
            for post_id in post_ids:
                facts = await _waiting(connection, post_id, ledger, at)
                if facts is not None:
                    made[post_id] = plan(facts)
                    await self._save(connection, facts, made[post_id], at)
                    _note(ledger, facts, made[post_id])
                    reach("T1")
        return made

    async def _save(self, connection: AsyncConnection, facts: Facts, plan: Plan, at: datetime) -> None:
        decision, post_id = plan.decision, facts.heard.id
        await connection.execute(
            insert(t.decisions).values(
                post_id=post_id,
                action=decision.action,
                rule=decision.rule,
                because=decision.because,
                escalate=decision.escalate,
                decided_at=at,
            )
        )
        await connection.execute(
            update(t.posts).where(t.posts.c.id == post_id).values(stage=Stage.DECIDED, stage_at=at, attempts=0)
        )
        await _move_conversation(connection, facts, plan, at)
        await _save_draft(connection, facts, plan, at)
        if decision.incident_id is not None:
            await join_incident(connection, decision.incident_id, [post_id])
        if plan.notice is not None:
            await self._tell(connection, facts.conversation.id, plan.notice, at)
        if decision.opt_out:
            author = select(t.posts.c.author_id).where(t.posts.c.id == post_id)
            author_id = (await connection.execute(author)).scalar_one()
            await save_opt_out(connection, author_id, Scope.AUTOMATIC, because=decision.because, by="genlyd", at=at)

    async def _tell(self, connection: AsyncConnection, conversation_id: int, notice: Notice, at: datetime) -> None:
        """Queue an alert, unless people were told of this conversation a short while ago, as urgently."""
        told = select(t.alerts.c.id).where(
            t.alerts.c.conversation_id == conversation_id, t.alerts.c.created_at > at - self._repeat_alert_after
        )
        if notice.kind == URGENT:
            told = told.where(t.alerts.c.kind == URGENT)
        if (await connection.execute(told.limit(1))).first() is None:
            await queue_alert(connection, notice, conversation_id=conversation_id, at=at)


async def _lock_conversations(connection: AsyncConnection, post_ids: Sequence[int]) -> None:
    """Lock in the order of ids, so that two workers with the same ones cannot wait for each other for ever."""
    theirs = select(t.posts.c.conversation_id).where(t.posts.c.id.in_(post_ids))
    lock = select(t.conversations.c.id).where(t.conversations.c.id.in_(theirs))
    await connection.execute(lock.order_by(t.conversations.c.id).with_for_update())


async def _waiting(connection: AsyncConnection, post_id: int, ledger: Ledger, at: datetime) -> Facts | None:
    """Return the facts of a post that still waits. Asked under the lock: another worker may have been first."""
    waits = select(t.posts.c.id).where(t.posts.c.id == post_id, t.posts.c.stage == Stage.ASSESSED)
    if (await connection.execute(waits)).first() is None:
        return None
    return await facts_of(connection, post_id, ledger, at=at)


def _note(ledger: Ledger, facts: Facts, plan: Plan) -> None:
    if plan.draft is not None and plan.decision.action is Action.ACKNOWLEDGE:
        ledger.note(facts.heard.mention.account, plan.draft.template)


async def facts_of(
    connection: AsyncConnection, post_id: int, ledger: Ledger, *, at: datetime, leaving: int | None = None
) -> Facts | None:
    """Return all that a decision may look at; None where nobody has read the post.

    `leaving` is the reply that is about to leave: what is asked is what stands there beside it.
    """
    account = t.accounts.alias("of_ours")
    ours = exists().where(
        account.c.platform == t.posts.c.platform, func.lower(account.c.handle) == func.lower(t.authors.c.handle)
    )
    acted = person_has_acted(t.posts.c.conversation_id).label("has_person_acted")
    heard = (
        select(*rows.HEARD_COLUMNS, is_quiet(t.posts.c.account).label("is_quiet"), acted, ours.label("is_ours"))
        .join(t.authors, t.authors.c.id == t.posts.c.author_id)
        .where(t.posts.c.id == post_id)
    )
    post = (await connection.execute(heard)).one()
    found = select(t.conversations).where(t.conversations.c.id == post.conversation_id)
    assessed = select(t.assessments).where(t.assessments.c.post_id == post_id)
    assessment = (await connection.execute(assessed)).first()
    if assessment is None:
        return None
    return Facts(
        heard=rows.heard(post),
        assessment=rows.assessment(assessment),
        conversation=rows.conversation((await connection.execute(found)).one()),
        now=at,
        is_paused=bool(post.is_quiet),
        is_opted_out=await _is_opted_out(connection, post.author_id),
        acknowledged_at=await _acknowledged_at(connection, post.conversation_id, leaving),
        last_text=await _last_text(connection, post.author_id),
        has_reply=await _has_reply(connection, post_id, leaving),
        has_person_acted=bool(post.has_person_acted),
        is_ours=bool(post.is_ours),
        lately=await ledger.around(post),
        incident=await open_incident(connection, post.account),
    )


async def _is_opted_out(connection: AsyncConnection, author_id: int) -> bool:
    query = select(t.opt_outs.c.scope).where(t.opt_outs.c.author_id == author_id)
    return (await connection.execute(query)).first() is not None


async def _acknowledged_at(connection: AsyncConnection, conversation_id: int, leaving: int | None) -> datetime | None:
    query = select(func.max(t.replies.c.created_at)).where(
        t.replies.c.conversation_id == conversation_id,
        t.replies.c.kind == ReplyKind.ACKNOWLEDGEMENT,
        t.replies.c.state.in_(_COUNTS),
        t.replies.c.id != (leaving or 0),
    )
    at: datetime | None = (await connection.execute(query)).scalar_one()
    return at


async def _last_text(connection: AsyncConnection, author_id: int) -> str | None:
    query = (
        select(t.replies.c.text)
        .join(t.conversations, t.conversations.c.id == t.replies.c.conversation_id)
        .where(t.conversations.c.author_id == author_id)
        .order_by(t.replies.c.id.desc())
        .limit(1)
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def _has_reply(connection: AsyncConnection, post_id: int, leaving: int | None) -> bool:
    query = select(t.replies.c.id).where(t.replies.c.post_id == post_id, t.replies.c.id != (leaving or 0))
    return (await connection.execute(query)).first() is not None


async def _move_conversation(connection: AsyncConnection, facts: Facts, plan: Plan, at: datetime) -> None:
    before, decision = facts.conversation, plan.decision
    status = _status_after(before.status, decision.action, taken=before.is_taken)
    values: dict[str, object] = {
        "status": status,
        "urgency": _urgency_after(facts),
        "version": before.version + 1,
        "changed_at": at,
    }
    if before.status is Status.RESOLVED:
        # What was said before somebody resolved it no longer counts.
        values |= {"urgency": facts.assessment.urgency, "counts_from": at}
    if decision.escalate:
        values["escalated_at"] = before.escalated_at or at
        values["due_at"] = min(filter(None, (before.due_at, decision.due_at)), default=None)
    await connection.execute(update(t.conversations).where(t.conversations.c.id == before.id).values(**values))


def _status_after(before: Status, action: Action, *, taken: bool) -> Status:
    if action is Action.IGNORE and not taken and before in (Status.PENDING, Status.RESOLVED):
        return Status.RESOLVED
    return Status.OPEN


def _urgency_after(facts: Facts) -> int:
    return max(facts.conversation.urgency, facts.assessment.urgency)


async def _save_draft(connection: AsyncConnection, facts: Facts, plan: Plan, at: datetime) -> None:
    if plan.draft is None:
        return
    is_automatic = plan.decision.action is Action.ACKNOWLEDGE
    heard, language = facts.heard, facts.assessment.language
    statement = rows.insert(t.replies, connection.dialect).values(
        post_id=heard.id,
        conversation_id=heard.conversation_id,
        account=heard.mention.account,
        platform=heard.mention.post.platform,
        target_id=heard.mention.post.native_id,
        kind=ReplyKind.ACKNOWLEDGEMENT,
        text=plan.draft.text,
        language=Language(language),
        state=ReplyState.APPROVED if is_automatic else ReplyState.DRAFT,
        is_automatic=is_automatic,
        template=plan.draft.template,
        approved_by=f"rule {plan.decision.rule}" if is_automatic else None,
        version=1,
        created_at=at,
        not_before=at,
        not_after=plan.decision.not_after,
        alone_since=plan.decision.alone_since,
    )
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["post_id", "kind"]))
