"""What was decided about a post, and everything the decision may look at.

Owns Heard, Facts, Draft, Decision and Plan: the words that responder and store share. Refuses to decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.assessment import Assessment
from core.conversation import Conversation
from core.incident import Incident
from core.rulebook import FILE
from core.watch import Mention


class Action(StrEnum):
    """The outcome for one post."""

    IGNORE = "ignore"
    SHOW = "show"
    DRAFT = "draft"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A mention as we remember it. `heard_at` is when it reached us, `edited_at` when we saw that its text is new."""

    id: int
    conversation_id: int
    mention: Mention
    heard_at: datetime
    is_backfill: bool = False
    deleted_at: datetime | None = None
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """What the bot said lately, and how fast this author writes: read where it is decided and again before sending.

    Only automatic replies count that were, or may yet be, seen, and never the one that is about to leave. `told` says
    how often each template went out within the hour, `last_sent_at` when we last spoke in this conversation,
    `account_at_once` how much the account said within five minutes.
    """

    in_conversation: int = 0
    author_hour: int = 0
    author_day: int = 0
    account_hour: int = 0
    account_day: int = 0
    account_at_once: int = 0
    told: Mapping[str, int] = field(default_factory=dict)
    author_posts_minute: int = 0
    last_sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a decision may look at, read in the transaction that saves it.

    `acknowledged_at` is the latest acknowledgement in this conversation that was, or may yet be, seen;
    `last_text` the text we last sent or drafted to this author; `incident` the account's open one. `opted_out_by` is
    who of us opted the author out; None where they asked for it themselves.
    """

    heard: Heard
    assessment: Assessment
    conversation: Conversation
    now: datetime
    is_paused: bool = False
    is_opted_out: bool = False
    opted_out_by: str | None = None
    acknowledged_at: datetime | None = None
    last_text: str | None = None
    has_reply: bool = False
    has_person_acted: bool = False
    is_ours: bool = False
    lately: Lately = field(default_factory=Lately)
    incident: Incident | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, which rule said so, and why in words a person can read.

    `calls_a_person`: somebody is needed now, whatever the rules say.
    An acknowledgement must not leave after `not_after`, nor if the conversation was acknowledged since
    `alone_since`: the rule's age limit and its window, kept with the reply for the guards. `incident_id` names the
    storm that the post belongs to, `held` the conditions that held: other rules are tried on it later.
    """

    action: Action
    rule: str
    because: str
    escalate: bool = False
    due_at: datetime | None = None
    opt_out: bool = False
    calls_a_person: bool = False
    not_after: datetime | None = None
    alone_since: datetime | None = None
    incident_id: int | None = None
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text ready for approval, and the template variant it came from."""

    text: str
    template: str


# The kinds of a notice. All but the ordinary call a person now: no quiet hours hold them back, and no ordinary one.
ORDINARY = "escalation"
URGENT = "urgent"
INCIDENT = "incident"
OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What people are told: a line, and what they need to act on it. Those of one account and kind form groups."""

    kind: str
    title: str
    body: str
    account: str = ""
    urgency: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A decision and, where it needs them, the draft and the notice to people. `rulebook`: whose rules were asked."""

    decision: Decision
    draft: Draft | None = None
    notice: Notice | None = None
    rulebook: int = FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand at the moment a reply is about to leave, read anew: guards look at this.

    `facts` is what a decision would look at now; None where a person answers a post that nobody has read.
    """

    now: datetime
    posted_at: datetime
    is_summons: bool
    is_deleted: bool
    has_other_reply: bool
    not_after: datetime | None = None
    facts: Facts | None = None
