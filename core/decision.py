"""What was decided about a post, and everything the decision may look at.

Owns Heard, Facts, Draft, Decision and Plan: the words that responder and store share. Refuses to decide.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.assessment import Assessment
from core.conversation import Conversation
from core.incident import Incident
from core.watch import Mention


class Action(StrEnum):
    """The outcome for one post."""

    IGNORE = "ignore"
    SHOW = "show"
    DRAFT = "draft"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A mention as we remember it. `heard_at` is when it reached us."""

    id: int
    conversation_id: int
    mention: Mention
    heard_at: datetime
    is_backfill: bool = False
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a decision may look at, read in the transaction that saves it.

    `acknowledged_at` is the latest acknowledgement in this conversation that was, or may yet be, seen;
    `last_text` the text we last sent or drafted to this author; `incident` the account's open one.
    """

    heard: Heard
    assessment: Assessment
    conversation: Conversation
    now: datetime
    is_paused: bool = False
    is_opted_out: bool = False
    acknowledged_at: datetime | None = None
    last_text: str | None = None
    has_reply: bool = False
    has_person_acted: bool = False
    incident: Incident | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, which rule said so, and why in words a person can read.

    An acknowledgement must not leave after `not_after`, nor if the conversation was acknowledged since
    `alone_since`: the rule's age limit and its window, kept with the reply for the guards. `incident_id` names the
    storm that the post belongs to.
    """

    action: Action
    rule: str
    because: str
    escalate: bool = False
    due_at: datetime | None = None
    opt_out: bool = False
    not_after: datetime | None = None
    alone_since: datetime | None = None
    incident_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text ready for approval, and the template variant it came from."""

    text: str
    template: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What people are told: a line, and what they need to act on it."""

    kind: str
    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A decision and, where it needs them, the draft and the notice to people."""

    decision: Decision
    draft: Draft | None = None
    notice: Notice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand at the moment a reply is about to leave, read anew: guards look at this."""

    now: datetime
    posted_at: datetime
    is_summons: bool
    is_backfill: bool
    is_deleted: bool
    is_paused: bool
    is_taken: bool
    is_opted_out: bool
    is_bot: bool
    has_other_reply: bool
    has_person_acted: bool = False
    not_after: datetime | None = None
    is_tripped: bool = False
