"""Rules tried on what was decided before: the same pure policy, asked again post by post.

Owns the trial, and what of that moment it models: what was said automatically, by the tried rules, counts for budgets
and for conversations. Refuses any I/O. Nothing is sent or changed. What it cannot know again, `core.trial` tells.
"""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.assessment import Assessment
from core.conversation import Conversation, Status
from core.decision import Action, Decision, Draft, Facts, Lately
from core.trial import History, Outcome, Past, Saying, Trial, Tried, Wrong
from responder.policy import decide
from responder.safety import MOST_POSTS_A_MINUTE
from responder.worker import Desk

_HOUSE = "house"
_HOUR, _DAY, _AT_ONCE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=5)
# A trial is a look at the past, and a person waits for it.
MOST_SECONDS = 20.0


def try_rules(history: History, desk: Desk, in_force: Desk, *, most_seconds: float = MOST_SECONDS) -> Trial:
    """Return what the rules of `desk` would have done, beside what those `in_force` would. Pure, but for its own time.

    It stops after `most_seconds`, and tells by having tried fewer posts, the newest left out.
    """
    began = time.monotonic()
    tried = _Replay(history.sayings)
    anyway = _Replay(history.sayings)
    made: list[Tried] = []
    for past in history.pasts:
        made.append(_try(past, desk, tried, in_force, anyway))
        if time.monotonic() - began > most_seconds:
            break
    return Trial(
        tried=tuple(made),
        all_posts=history.all_posts,
        forgotten=history.forgotten,
        unknown_then=sum(past.held is None for past in history.pasts),
        seconds=time.monotonic() - began,
    )


def _try(past: Past, desk: Desk, tried: "_Replay", in_force: Desk, anyway: "_Replay") -> Tried:
    if past.held is None and past.was.rule == _HOUSE and not past.was.escalate:
        # The house settled it, no rule was asked, and an older version did not write down why.
        return Tried(past=past, would=past.was)
    facts = tried.facts(past)
    # The words depend on the post alone here, so both say the same.
    draft = desk.templates.fill(facts)
    would = _outcome(tried.decide(facts, desk, draft))
    same_anyway = _outcome(anyway.decide(anyway.facts(past), in_force, draft))
    wrong = wrong_of(past, would, facts, desk)
    return Tried(
        past=past,
        would=would,
        wrong=wrong,
        was_wrong=wrong is not None and _is_same(past.was, would),
        differs_anyway=not _is_same(past.was, same_anyway),
    )


def wrong_of(past: Past, would: Outcome, facts: Facts, desk: Desk) -> Wrong | None:
    """Return how a later act of a person contradicts what would be done, gravest first, or None."""
    if would.action is Action.ACKNOWLEDGE and past.was_rejected:
        return Wrong.REJECTED
    if would.action is Action.ACKNOWLEDGE and past.opted_out_since:
        return Wrong.OPTED_OUT
    if past.was.escalate and past.was_dealt_with and not would.escalate:
        return Wrong.UNTOLD
    if past.set_right is not None and not _is_same(would, _as_set_right(past.set_right, facts, desk)):
        return Wrong.CORRECTED
    return None


def _as_set_right(assessment: Assessment, facts: Facts, desk: Desk) -> Outcome:
    right = replace(facts, assessment=assessment)
    return _outcome(decide(right, desk.rules, desk.limits, desk.templates.fill(right), desk.hours))


def _outcome(decision: Decision) -> Outcome:
    return Outcome(action=decision.action, rule=decision.rule, because=decision.because, escalate=decision.escalate)


def _is_same(one: Outcome, other: Outcome) -> bool:
    return (one.action, one.escalate) == (other.action, other.escalate)


@dataclass(slots=True)
class _Said:
    """What was said automatically to one author, or by one account, within the day."""

    lines: deque[tuple[datetime, str]] = field(default_factory=deque)

    def note(self, at: datetime, template: str) -> None:
        self.lines.append((at, template))

    def since(self, at: datetime) -> Iterator[str]:
        """The templates said after an instant, the newest first."""
        for said_at, template in reversed(self.lines):
            if said_at <= at:
                return
            yield template

    def forget(self, before: datetime) -> None:
        while self.lines and self.lines[0][0] <= before:
            self.lines.popleft()


@dataclass(slots=True)
class _Thread:
    """What one conversation has been told within the trial."""

    said: int = 0
    last_said_at: datetime | None = None
    acknowledged_at: datetime | None = None


class _Replay:
    """The counts that depend on what the tried rules themselves would have said."""

    def __init__(self, sayings: Iterable[Saying]) -> None:
        self._accounts: dict[str, _Said] = {}
        self._authors: dict[str, _Said] = {}
        self._threads: dict[int, _Thread] = {}
        for one in sayings:
            self._note(one.account, one.author, one.conversation_id, one.template, one.at)

    def facts(self, past: Past) -> Facts:
        """Return what the decision would have looked at."""
        held, mention = past.held or frozenset(), past.heard.mention
        thread = self._threads.get(past.heard.conversation_id, _Thread())
        taken_by = "somebody" if "conversation taken" in held else None
        return Facts(
            heard=past.heard,
            assessment=past.assessment,
            conversation=Conversation(
                id=past.heard.conversation_id,
                account=mention.account,
                status=Status.OPEN,
                version=1,
                taken_by=taken_by,
            ),
            now=past.decided_at,
            is_paused="paused" in held,
            is_opted_out=past.is_opted_out or "opted out" in held,
            opted_out_by=past.opted_out_by,
            acknowledged_at=thread.acknowledged_at or past.earlier_at,
            has_reply="has a reply" in held,
            has_person_acted="a person acted" in held,
            is_ours="ours" in held,
            lately=self._lately(past, thread),
            incident=past.incident,
        )

    def decide(self, facts: Facts, desk: Desk, draft: Draft) -> Decision:
        """Ask the policy, and count what it says."""
        decision = decide(facts, desk.rules, desk.limits, draft, desk.hours)
        self._count(facts, decision, draft)
        return decision

    def _lately(self, past: Past, thread: _Thread) -> Lately:
        at, mention = past.decided_at, past.heard.mention
        account = self._accounts.setdefault(mention.account, _Said())
        author = self._authors.setdefault(_author(past), _Said())
        account.forget(at - _DAY)
        author.forget(at - _DAY)
        told = Counter(account.since(at - _HOUR))
        return Lately(
            in_conversation=thread.said,
            author_hour=sum(1 for _ in author.since(at - _HOUR)),
            author_day=len(author.lines),
            account_hour=told.total(),
            account_day=len(account.lines),
            account_at_once=sum(1 for _ in account.since(at - _AT_ONCE)),
            told=told,
            author_posts_minute=MOST_POSTS_A_MINUTE if "bot, by its tempo" in (past.held or ()) else 0,
            last_sent_at=thread.last_said_at,
        )

    def _count(self, facts: Facts, decision: Decision, draft: Draft) -> None:
        mention, at = facts.heard.mention, facts.now
        if decision.action is Action.ACKNOWLEDGE:
            author = f"{mention.post.platform} {mention.post.author.native_id}"
            self._note(mention.account, author, facts.heard.conversation_id, draft.template, at)
        elif decision.action is Action.DRAFT:
            self._threads.setdefault(facts.heard.conversation_id, _Thread()).acknowledged_at = at

    def _note(self, account: str, author: str, conversation_id: int, template: str, at: datetime) -> None:
        self._accounts.setdefault(account, _Said()).note(at, template)
        self._authors.setdefault(author, _Said()).note(at, template)
        thread = self._threads.setdefault(conversation_id, _Thread())
        thread.said += 1
        thread.last_said_at = thread.acknowledged_at = at


def _author(past: Past) -> str:
    post = past.heard.mention.post
    return f"{post.platform} {post.author.native_id}"
