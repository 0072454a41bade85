"""Deciding: wait > read the facts > decide > save > ring.

Owns the loop and the words of a notice to people. Refuses to send: `outbox` does.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from prometheus_client import Counter

from core.assessment import Assessment, Reason
from core.clock import Clock
from core.config import Rule, SafetyConfig
from core.decision import ORDINARY, URGENT, Action, Decision, Facts, Notice, Plan
from core.errors import StoreError
from core.rulebook import FILE
from core.sla import ALWAYS, Hours
from responder.draft import Templates
from responder.policy import decide
from store.bell import Bell, Ring
from store.decisions import Decisions
from store.posts import Posts, Stage

log = logging.getLogger(__name__)

_decided = Counter("genlyd_posts_decided_total", "Posts decided", ["action"])
_escalated = Counter("genlyd_escalations_total", "Posts that escalated their conversation")

BATCH = 32
_LOST_AFTER = timedelta(seconds=5)
_SWEEP_SECONDS = 2.0
_EXCERPT = 280


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What deciding needs beside the facts: the rules, the templates, the hours, and where the dashboard is.

    `rulebook` is the version that the rules are of.
    """

    rules: tuple[Rule, ...]
    templates: Templates
    dashboard_url: str
    limits: SafetyConfig = field(default_factory=SafetyConfig)
    hours: Hours = ALWAYS
    rulebook: int = FILE

    async def fresh(self) -> "Desk":
        """Return itself: a desk alone has the rules it was made with, for good."""
        return self

    def plan(self, facts: Facts) -> Plan:
        """Return the decision with its draft and notice. Pure."""
        draft = self.templates.fill(facts)
        decision = decide(facts, self.rules, self.limits, draft, self.hours)
        return Plan(
            decision=decision,
            draft=draft if decision.action in (Action.DRAFT, Action.ACKNOWLEDGE) else None,
            notice=self._notice(facts, decision) if decision.escalate else None,
            rulebook=self.rulebook,
        )

    def _notice(self, facts: Facts, decision: Decision) -> Notice:
        mention, assessed = facts.heard.mention, facts.assessment
        post = mention.post
        excerpt = post.text if len(post.text) <= _EXCERPT else post.text[:_EXCERPT] + "…"
        reach = f", {post.author.followers} followers" if post.author.followers is not None else ""
        body = "\n".join(
            (
                f"@{post.author.handle} on {post.platform} ({mention.via}{reach}):",
                excerpt,
                "",
                f"Urgency {assessed.urgency}{_why(assessed)}",
                f"What the bot does: {decision.because}",
                f"Conversation: {self.dashboard_url}/conversations/{facts.heard.conversation_id}",
                f"Post: {post.url}",
            )
        )
        title = f"Urgency {assessed.urgency} on {mention.account}"
        if decision.calls_a_person:
            title = f"A person is needed now on {mention.account}"
        return Notice(
            kind=URGENT if decision.calls_a_person else ORDINARY,
            title=title,
            body=body,
            account=mention.account,
            urgency=assessed.urgency,
            due_at=decision.due_at,
        )


def _why(assessed: Assessment) -> str:
    if not assessed.is_explained:
        return "; many posts came at once, so why it is so follows on its page"
    found = [_spelled(reason) for reason in assessed.reasons if reason.makes_urgent]
    return f" because of: {', '.join(found) or 'a rule'}"


def _spelled(reason: Reason) -> str:
    return f"{reason.cue} ({reason.words})" if reason.words else reason.cue


class Ruling(Protocol):
    """Whoever knows the rules in force."""

    async def fresh(self) -> Desk:
        """Return the desk with the rules in force now. Raises: StoreError."""
        ...


async def run_worker(
    ruling: Ruling,
    posts: Posts,
    decisions: Decisions,
    bell: Bell,
    clock: Clock,
    *,
    look_first: Callable[[], Awaitable[None]],
) -> None:
    """Decide posts for ever. `look_first` is awaited before each batch: the crisis breaker counts it first.

    Each batch asks `ruling` which rules are in force, so that a version is taken whole, and between two batches.
    """

    async def decide_these(post_ids: Sequence[int]) -> None:
        if post_ids:
            await look_first()
            desk = await ruling.fresh()
            await _decide(desk, posts, decisions, bell, clock, post_ids)

    # As time passes: a clock that is set back must not end the sweeps.
    swept_at = clock.passed() - _SWEEP_SECONDS
    lost_after = timedelta(0)
    while True:
        try:
            if clock.passed() - swept_at >= _SWEEP_SECONDS:
                waiting = await posts.waiting(Stage.ASSESSED, before=clock.now() - lost_after, limit=BATCH)
                if len(waiting) < BATCH:
                    swept_at, lost_after = clock.passed(), _LOST_AFTER
                await decide_these(waiting)
            entries = await bell.wait(Ring.DECIDE, count=BATCH, seconds=1.0)
            await decide_these([entry.row_id for entry in entries])
            await bell.done(Ring.DECIDE, entries)
        except StoreError as err:
            log.error("the database failed: posts wait to be decided", extra={"error": str(err)})
            await clock.sleep(1.0)


async def _decide(
    desk: Desk, posts: Posts, decisions: Decisions, bell: Bell, clock: Clock, post_ids: Sequence[int]
) -> None:
    """Decide a batch; where our own code fails on it, one by one, so that one post holds up nobody else."""
    if not post_ids:
        return
    try:
        plans = await decisions.decide_all(post_ids, desk.plan, at=clock.now())
    except StoreError:
        raise
    except Exception as err:
        if len(post_ids) > 1:
            for post_id in post_ids:
                await _decide(desk, posts, decisions, bell, clock, [post_id])
            return
        log.exception("a post could not be decided", extra={"post": post_ids[0]})
        await posts.fail(post_ids[0], f"could not be decided: {type(err).__name__}", at=clock.now())
        return
    await _ring(plans, bell)


async def _ring(plans: Mapping[int, Plan], bell: Bell) -> None:
    for plan in plans.values():
        _decided.labels(plan.decision.action).inc()
        _escalated.inc(1 if plan.notice is not None else 0)
    await bell.ring(
        Ring.SEND, [post_id for post_id, plan in plans.items() if plan.decision.action is Action.ACKNOWLEDGE]
    )
    await bell.ring(Ring.TELL, [post_id for post_id, plan in plans.items() if plan.notice is not None])
    if plans:
        await bell.announce()
