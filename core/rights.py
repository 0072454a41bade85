"""Who may do what at the desk.

Owns the roles and their rights. Refuses to know sessions, routes or forms. Pure.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a member of staff is."""

    READER = "reader"
    AGENT = "agent"
    APPROVER = "approver"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Right(StrEnum):
    """What one may do. A page or a form asks for one of these."""

    # Look at every page but those of people.
    READ = "read"
    # Take, hand back, snooze, resolve, note, tag, correct; write an answer that waits for an approver.
    WORK = "work"
    # Let words leave: approve a draft, send an answer, settle one whose outcome is unknown.
    SEND = "send"
    # Pause and resume, reset a storm, close gaps, put rules and watches live.
    STEER = "steer"
    # Invite people, change their roles, end their sessions, read the audit.
    ADMIN = "admin"


RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.READER: frozenset({Right.READ}),
        Role.AGENT: frozenset({Right.READ, Right.WORK}),
        Role.APPROVER: frozenset({Right.READ, Right.WORK, Right.SEND}),
        Role.SUPERVISOR: frozenset({Right.READ, Right.WORK, Right.SEND, Right.STEER}),
        Role.ADMIN: frozenset(Right),
    }
)


def may(role: Role, right: Right) -> bool:
    """Return whether a role has a right."""
    return right in RIGHTS[role]
