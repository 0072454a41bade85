"""Rules tried on what was decided before: what was known of a post then, what became of it, and what would become.

Owns the words that store, responder, dashboard and roof share about trials. Refuses to decide, and to read rows.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.assessment import Assessment
from core.decision import Action, Heard
from core.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was, or would be, done about a post, and which rule said so."""

    action: Action
    rule: str
    because: str
    escalate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A post that was decided, with what is still known of that moment and of what people did afterwards.

    `assessment` is as it was read then, `set_right` as people set it right since (None: they did not). `held` names the
    conditions that held then; None where an older version of Genlyd decided and did not write them down.
    `earlier_at` is when its conversation was last acknowledged before the trial begins; `opted_out_by` is as in Facts.
    """

    heard: Heard
    assessment: Assessment
    decided_at: datetime
    was: Outcome
    held: frozenset[str] | None = None
    set_right: Assessment | None = None
    earlier_at: datetime | None = None
    is_opted_out: bool = False
    opted_out_by: str | None = None
    opted_out_since: bool = False
    was_rejected: bool = False
    was_dealt_with: bool = False
    incident: Incident | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """Something that was said automatically in the day before the trial begins: budgets count it."""

    account: str
    author: str
    conversation_id: int
    template: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The newest decided posts of a time, oldest first, and what had been said just before.

    `all_posts` is how many there were in that time, `forgotten` how many beside the newest have no text any more.
    """

    pasts: tuple[Past, ...]
    sayings: tuple[Saying, ...]
    all_posts: int
    forgotten: int


class Wrong(StrEnum):
    """How a later act of a person contradicts an outcome."""

    # It would be acknowledged at once: a person dropped the draft of just that.
    REJECTED = "rejected"
    # It would be acknowledged at once: automatic replies to its author were stopped later.
    OPTED_OUT = "opted-out"
    # Nobody would be told: a person was, and dealt with it.
    UNTOLD = "untold"
    # People set right what was understood of it, and as set right the same rules would do something else.
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One post of a trial. `differs_anyway`: the rules in force would give something else than it was, too."""

    past: Past
    would: Outcome
    wrong: Wrong | None = None
    was_wrong: bool = False
    differs_anyway: bool = False

    @property
    def is_moved(self) -> bool:
        """Whether something else would be done than was done."""
        return (self.past.was.action, self.past.was.escalate) != (self.would.action, self.would.escalate)

    @property
    def is_newly_wrong(self) -> bool:
        """Whether a person contradicts what would be done, and it was not already done so."""
        return self.wrong is not None and not self.was_wrong


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Move:
    """From what was done to what would be."""

    was: str
    would: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What rules would have done. `unknown_then`: posts of which the conditions that held then are not on record."""

    tried: tuple[Tried, ...]
    all_posts: int
    forgotten: int
    unknown_then: int
    seconds: float

    @property
    def is_cut(self) -> bool:
        """Whether there were more posts than were tried."""
        return len(self.tried) < self.all_posts - self.forgotten

    def moves(self) -> "Counter[Move]":
        """Return how many posts make each move; those that stay as they were are moves to the same."""
        return Counter(move_of(one) for one in self.tried)


def move_of(tried: Tried) -> Move:
    """Return the move of a post."""
    return Move(was=outcome_key(tried.past.was), would=outcome_key(tried.would))


def outcome_key(outcome: Outcome) -> str:
    """Return what is done as one word, such as "draft+escalate"."""
    return f"{outcome.action}{'+escalate' if outcome.escalate else ''}"


def by_rule(tried: Iterable[Tried]) -> "Counter[str]":
    """Return how many posts each rule would decide."""
    return Counter(one.would.rule for one in tried)
