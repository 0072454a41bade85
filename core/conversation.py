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


def apply(conversation: Conversation, move: Move, *, by: str, steers: bool = False) -> Conversation:
    """Return the conversation after `move` by staff member `by`. Who `steers` may hand back what a colleague has.

    Raises: IllegalMove where the move makes no sense now; the message can be shown to the person.
    """
    match move:
        case Move.TAKE_OVER:
            if conversation.taken_by not in (None, by):
                raise IllegalMove(f"{conversation.taken_by} already has this conversation")
            return replace(conversation, taken_by=by, assigned_to=by, status=Status.OPEN, snoozed_until=None)
        case Move.HAND_BACK:
            if not conversation.is_taken:
                raise IllegalMove("nobody has taken this conversation, so it cannot be handed back")
            if not steers:
                _check_not_held(conversation, by)
            return replace(conversation, taken_by=None, assigned_to=None)
        case Move.RESOLVE:
            if conversation.status is Status.RESOLVED:
                raise IllegalMove("this conversation is already resolved")
            _check_not_held(conversation, by)
            # Nobody's work any more: if its author writes again, "next" hands it out anew.
            return replace(
                conversation,
                status=Status.RESOLVED,
                due_at=None,
                waiting_since=None,
                snoozed_until=None,
                assigned_to=conversation.taken_by,
            )
        case Move.REOPEN:
            if conversation.status not in (Status.RESOLVED, Status.SNOOZED):
                raise IllegalMove("this conversation is not resolved")
            return replace(conversation, status=Status.OPEN, snoozed_until=None)
        case _:
            assert_never(move)


def assign(conversation: Conversation, to: str | None, *, by: str) -> Conversation:
    """Return the conversation as the work of `to`, or nobody's. What `by` has taken goes on to `to`: the bot stays out.

    Raises: IllegalMove.
    """
    if conversation.status is Status.RESOLVED:
        raise IllegalMove("this conversation is resolved: reopen it first")
    _check_not_held(conversation, by)
    if to is None and conversation.is_taken:
        raise IllegalMove("you have taken this conversation: hand it back instead")
    return replace(conversation, assigned_to=to, taken_by=to if conversation.is_taken else None)


def snooze(conversation: Conversation, until: datetime | None, *, by: str, now: datetime) -> Conversation:
    """Return the conversation put off until an instant, or (None) until its author writes. Raises: IllegalMove."""
    if conversation.status is Status.RESOLVED:
        raise IllegalMove("this conversation is resolved, so there is nothing to snooze")
    _check_not_held(conversation, by)
    if until is not None and until <= now:
        raise IllegalMove("that time is over already")
    return replace(conversation, status=Status.SNOOZED, snoozed_until=until)


def _check_not_held(conversation: Conversation, by: str) -> None:
    """What a colleague has taken is moved by them. Raises: IllegalMove."""
    if conversation.taken_by not in (None, by):
        raise IllegalMove(f"{conversation.taken_by} has this conversation: it is handed back first")
