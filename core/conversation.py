"""The thread we track with one author, and what may happen to it.

Owns Conversation, Status, the events and apply(). Refuses any I/O, and to know who is allowed: the
dashboard asks that.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from core.errors import IllegalMove


class Status(StrEnum):
    """OPEN waits for a person, PENDING is with the bot or the customer, RESOLVED is done."""

    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Move(StrEnum):
    """What a person, or time, does to a conversation."""

    TAKE_OVER = "take over"
    HAND_BACK = "hand back"
    RESOLVE = "resolve"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One thread with one author. `taken_by` is the staff member the bot has fallen silent for (I6).

    `assigned_to` is whose work it is. `snoozed_until` None, while it is snoozed: until its author writes.
    """

    id: int
    account: str
    status: Status
    version: int
    urgency: int = 0
    taken_by: str | None = None
    assigned_to: str | None = None
    snoozed_until: datetime | None = None
    escalated_at: datetime | None = None
    due_at: datetime | None = None
    acknowledged_at: datetime | None = None
    waiting_since: datetime | None = None

    @property
    def is_taken(self) -> bool:
        """Whether a person has it, and the bot is silent."""
        return self.taken_by is not None


def apply(conversation: Conversation, move: Move, *, by: str) -> Conversation:
    """Return the conversation after `move` by staff member `by`.

    Raises: IllegalMove where the move makes no sense now; the message can be shown to the person.
    """
    match move:
        case Move.TAKE_OVER:
            if conversation.taken_by not in (None, by):
                raise IllegalMove(f"{conversation.taken_by} already has this conversation")
            return replace(conversation, taken_by=by, status=Status.OPEN)
        case Move.HAND_BACK:
            if not conversation.is_taken:
                raise IllegalMove("nobody has taken this conversation, so it cannot be handed back")
            return replace(conversation, taken_by=None)
        case Move.RESOLVE:
            if conversation.status is Status.RESOLVED:
                raise IllegalMove("this conversation is already resolved")
            return replace(conversation, status=Status.RESOLVED, due_at=None, waiting_since=None)
        case Move.REOPEN:
            if conversation.status is not Status.RESOLVED:
                raise IllegalMove("this conversation is not resolved")
            return replace(conversation, status=Status.OPEN)
        case _:
            assert_never(move)
