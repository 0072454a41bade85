"""Decisions: everything a decision looks at, and everything it causes, in one transaction.

Owns the `decisions` rows and the first write of replies and alerts. Refuses to decide: the caller
hands in a pure function.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Language
from core.conversation import Status
from core.decision import URGENT, Action, Facts, Notice, Plan
from core.failpoint import reach
from core.reply import ReplyKind, ReplyState
from store import rows
from store import tables as t
from store.alerts import queue_alert
from store.database import Database
from store.facts import find
from store.incidents import join_incident
from store.lately import Ledger
from store.people import ASKED_THEMSELVES, Scope, save_opt_out
from store.places import place
from store.posts import Stage


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
            for wave in await _waves(connection, post_ids):
                found = await find(connection, wave, ledger)
                settled: list[tuple[Facts, Plan]] = []
                for post_id in wave:
                    facts = await found[post_id].facts(ledger)
                    made[post_id] = plan(facts)
                    settled.append((facts, made[post_id]))
                    _note(ledger, facts, made[post_id])
                    reach("T1")
                await self._save(connection, settled, at)
        return made

    async def _save(self, connection: AsyncConnection, settled: Sequence[tuple[Facts, Plan]], at: datetime) -> None:
        await connection.execute(insert(t.decisions), [_decision_row(facts, plan, at) for facts, plan in settled])
        ids = [facts.heard.id for facts, _ in settled]
        moved = {"stage": Stage.DECIDED, "stage_at": at, "attempts": 0}
        await connection.execute(update(t.posts).where(t.posts.c.id.in_(ids)).values(**moved))
        await _move_conversations(connection, settled, at)
        drafts = [_draft_row(facts, plan, at) for facts, plan in settled if plan.draft is not None]
        if drafts:
            statement = rows.insert(t.replies, connection.dialect)
            await connection.execute(statement.on_conflict_do_nothing(index_elements=["post_id", "kind"]), drafts)
        await place(connection, {facts.conversation.id for facts, _ in settled})
        for facts, plan in settled:
            await self._save_rest(connection, facts, plan, at)

    async def _save_rest(self, connection: AsyncConnection, facts: Facts, plan: Plan, at: datetime) -> None:
        """What few posts have."""
        decision, post_id = plan.decision, facts.heard.id
        if decision.incident_id is not None:
            await join_incident(connection, decision.incident_id, [post_id])
        if plan.notice is not None:
            await self._tell(connection, facts.conversation.id, plan.notice, at)
        if decision.opt_out:
            author = select(t.posts.c.author_id).where(t.posts.c.id == post_id)
            author_id = (await connection.execute(author)).scalar_one()
            await save_opt_out(
                connection, author_id, Scope.AUTOMATIC, because=decision.because, by=ASKED_THEMSELVES, at=at
            )

    async def _tell(self, connection: AsyncConnection, conversation_id: int, notice: Notice, at: datetime) -> None:
        """Queue an alert, unless people were told of this conversation a short while ago, as urgently.

        That a promise was missed tells nothing of what was written, and what was deleted since calls nobody any more.
        """
        a = t.alerts.c
        lately = and_(a.conversation_id == conversation_id, a.created_at > at - self._repeat_alert_after)
        is_withdrawn = func.coalesce(a.handled_by, "") == "genlyd"
        told = select(a.id).where(lately, a.promise_id.is_(None), ~is_withdrawn)
        if notice.kind == URGENT:
            told = told.where(a.kind == URGENT)
        if (await connection.execute(told.limit(1))).first() is None:
            await queue_alert(connection, notice, conversation_id=conversation_id, at=at)


async def _lock_conversations(connection: AsyncConnection, post_ids: Sequence[int]) -> None:
    """Lock in the order of ids, so that two workers with the same ones cannot wait for each other for ever."""
    theirs = select(t.posts.c.conversation_id).where(t.posts.c.id.in_(post_ids))
    lock = select(t.conversations.c.id).where(t.conversations.c.id.in_(theirs))
    await connection.execute(lock.order_by(t.conversations.c.id).with_for_update())


async def _waves(connection: AsyncConnection, post_ids: Sequence[int]) -> list[list[int]]:
    """Return the posts that still wait, in waves that hold each author once, each author's in the order given.

    What is decided in one wave is seen by the next. Asked under the lock: another worker may have been first.
    """
    query = (
        select(t.posts.c.id, t.posts.c.author_id)
        .join(t.assessments, t.assessments.c.post_id == t.posts.c.id)
        .where(t.posts.c.id.in_(post_ids), t.posts.c.stage == Stage.ASSESSED)
    )
    authors = {row.id: row.author_id for row in await connection.execute(query)}
    waves: list[list[int]] = []
    nth: Counter[int] = Counter()
    for post_id in dict.fromkeys(post_ids):
        if post_id in authors:
            place = nth[authors[post_id]]
            nth[authors[post_id]] += 1
            if place == len(waves):
                waves.append([])
            waves[place].append(post_id)
    return waves


def _note(ledger: Ledger, facts: Facts, plan: Plan) -> None:
    if plan.draft is not None and plan.decision.action is Action.ACKNOWLEDGE:
        ledger.note(facts.heard.mention.account, plan.draft.template)


async def _move_conversations(connection: AsyncConnection, settled: Sequence[tuple[Facts, Plan]], at: datetime) -> None:
    """A conversation stands once in a wave. Those that change in the same columns change together."""
    alike: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for facts, plan in settled:
        values = _conversation_after(facts, plan, at)
        alike.setdefault(tuple(values), []).append({"one": facts.conversation.id, **values})
    for names, changed in alike.items():
        statement = update(t.conversations).where(t.conversations.c.id == bindparam("one"))
        await connection.execute(statement.values({name: bindparam(name) for name in names}), changed)


def _conversation_after(facts: Facts, plan: Plan, at: datetime) -> dict[str, object]:
    before, decision = facts.conversation, plan.decision
    values: dict[str, object] = {
        "status": _status_after(before.status, decision.action, taken=before.is_taken),
        # Its author wrote.
        "snoozed_until": None,
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
    return values


def _status_after(before: Status, action: Action, *, taken: bool) -> Status:
    if action is Action.IGNORE and not taken and before in (Status.PENDING, Status.RESOLVED):
        return Status.RESOLVED
    return Status.OPEN


def _urgency_after(facts: Facts) -> int:
    return max(facts.conversation.urgency, facts.assessment.urgency)


def _decision_row(facts: Facts, plan: Plan, at: datetime) -> dict[str, object]:
    decision = plan.decision
    return {
        "post_id": facts.heard.id,
        "action": decision.action,
        "rule": decision.rule,
        "because": decision.because,
        "escalate": decision.escalate,
        "due_at": decision.due_at if decision.escalate else None,
        "decided_at": at,
        "rulebook": plan.rulebook,
        "held": list(decision.held),
    }


def _draft_row(facts: Facts, plan: Plan, at: datetime) -> dict[str, object]:
    heard, draft = facts.heard, plan.draft
    assert draft is not None  # noqa: S101 - narrows; the caller asked
    is_automatic = plan.decision.action is Action.ACKNOWLEDGE
    return {
        "post_id": heard.id,
        "conversation_id": heard.conversation_id,
        "account": heard.mention.account,
        "platform": heard.mention.post.platform,
        "target_id": heard.mention.post.native_id,
        "kind": ReplyKind.ACKNOWLEDGEMENT,
        "text": draft.text,
        "drafted_text": draft.text,
        "language": Language(facts.assessment.language),
        "state": ReplyState.APPROVED if is_automatic else ReplyState.DRAFT,
        "is_automatic": is_automatic,
        "template": draft.template,
        "approved_by": f"rule {plan.decision.rule}" if is_automatic else None,
        "version": 1,
        "created_at": at,
        "not_before": at,
        "not_after": plan.decision.not_after,
        "alone_since": plan.decision.alone_since,
    }
