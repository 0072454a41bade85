"""Our answer, and the states it may pass through.

    draft > approved > sending > sent
                         |  \\___ unknown (a person decides, or a look settles it)
                         |______ failed (the platform said no), refused (a guard of ours said no)

SENDING is written before the request leaves. From SENDING nothing goes back to APPROVED unless we
know that nothing was published. Owns the states and the allowed moves. Refuses any I/O.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.assessment import Language
from core.errors import IllegalMove
from core.post import Platform


class ReplyState(StrEnum):
    """Where a reply stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DROPPED = "dropped"


class ReplyKind(StrEnum):
    """At most one of each kind goes under a post."""

    ACKNOWLEDGEMENT = "acknowledgement"
    ANSWER = "answer"


class RejectReason(StrEnum):
    """What was wrong with a draft. The first four are corrected at once."""

    MOOD = "mood"
    URGENCY = "urgency"
    LANGUAGE = "language"
    INTENT = "intent"
    WORDS = "words"
    NO_ANSWER = "no answer"


MOVES: dict[ReplyState, frozenset[ReplyState]] = {
    ReplyState.DRAFT: frozenset({ReplyState.APPROVED, ReplyState.DROPPED}),
    ReplyState.APPROVED: frozenset({ReplyState.SENDING, ReplyState.REFUSED, ReplyState.DRAFT, ReplyState.DROPPED}),
    ReplyState.SENDING: frozenset(
        {ReplyState.SENT, ReplyState.APPROVED, ReplyState.FAILED, ReplyState.REFUSED, ReplyState.UNKNOWN}
    ),
    ReplyState.UNKNOWN: frozenset({ReplyState.SENT, ReplyState.APPROVED, ReplyState.FAILED, ReplyState.DROPPED}),
    ReplyState.FAILED: frozenset({ReplyState.DRAFT, ReplyState.DROPPED}),
    ReplyState.REFUSED: frozenset({ReplyState.DRAFT, ReplyState.DROPPED}),
    ReplyState.SENT: frozenset(),
    ReplyState.DROPPED: frozenset({ReplyState.DRAFT}),
}


# Why a draft was dropped that no person rejected.
VOID = "the post was deleted by its author"
# What is wrong with a reply that was dropped while nobody knew whether it had been published.
MAY_STAND = "it may stand on the platform already: look there before you write another"
# Why an acknowledgement was dropped that no person rejected.
ANSWERED = "a person answered in words of their own"
# Why nobody writes under a post whose retention time is over.
FORGOTTEN = "the text of this post is forgotten, so nobody can answer it any more"


def may_stand(reply: "Reply") -> bool:
    """Whether it was dropped while nobody knew if it had been published."""
    return reply.state is ReplyState.DROPPED and reply.problem == MAY_STAND


def check_move(state: ReplyState, to: ReplyState) -> None:
    """Raise IllegalMove unless a reply may go from `state` to `to`."""
    if to not in MOVES[state]:
        raise IllegalMove(f"a reply cannot go from {state} to {to}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the platform gave back for a published reply."""

    remote_id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer under one post.

    `drafted_text` is what was first suggested, by the colleague `drafted_by` or else by the bot; None where somebody
    answered at once, or the text is forgotten. `is_edited` tells whether other words were approved, and outlives them.
    `attempts` is how often a sender took it in hand, `unanswered` how often it was then sent and no answer came.
    """

    id: int
    post_id: int
    conversation_id: int
    account: str
    platform: Platform
    target_id: str
    kind: ReplyKind
    text: str
    language: Language
    state: ReplyState
    is_automatic: bool
    template: str | None
    approved_by: str | None
    version: int
    attempts: int
    fence: int
    created_at: datetime
    unanswered: int = 0
    drafted_text: str | None = None
    drafted_by: str | None = None
    is_edited: bool | None = None
    rejected_because: RejectReason | None = None
    approved_at: datetime | None = None
    not_before: datetime | None = None
    sending_at: datetime | None = None
    settled_at: datetime | None = None
    remote_id: str | None = None
    remote_url: str | None = None
    problem: str | None = None
