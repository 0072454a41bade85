"""One reply: what it says, who stands behind it, and which forms it gets.

Owns that view. Pure: refuses to ask anything.
"""

from dataclasses import dataclass
from datetime import datetime

from core.post import Platform
from core.reply import Reply, ReplyKind, ReplyState
from core.watch import Mention
from dashboard import words
from dashboard.marks import safe_link
from dashboard.present import reply_chip, why_no_reply
from dashboard.words import Chip, Moment
from platforms.policy import MAX_LENGTH, length_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingView:
    """A text to be edited: how long it is, and how long it may be, as the platform counts."""

    text: str
    length: int
    limit: int
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView:
    """One reply; the flags say which forms it gets."""

    id: int
    version: int
    kind: str
    by: str
    state: Chip
    at: Moment
    text: str
    problem: str
    why_no_text: str
    link: str | None
    writing: WritingView | None
    can_drop: bool
    can_redraft: bool
    can_settle: bool


def reply_view(reply: Reply, mention: Mention, *, taken_by: str, now: datetime, is_gone: bool = False) -> ReplyView:
    """Return one reply. Nobody writes where a colleague has it, the platform forbids it, or the post is gone."""
    may_write = not taken_by and not is_gone and why_no_reply(mention) is None
    edits = reply.state is ReplyState.DRAFT and may_write
    back = (ReplyState.APPROVED, ReplyState.FAILED, ReplyState.REFUSED, ReplyState.DROPPED)
    return ReplyView(
        id=reply.id,
        version=reply.version,
        kind="Acknowledgement" if reply.kind is ReplyKind.ACKNOWLEDGEMENT else "Answer",
        by=reply_by(reply),
        state=reply_chip(reply),
        at=words.moment(reply.settled_at or reply.created_at, now),
        text=reply.text,
        problem=reply.problem or "",
        why_no_text="Deleted with the post." if is_gone else "Forgotten: the time we keep texts is over.",
        link=safe_link(reply.remote_url),
        writing=writing(reply.platform, reply.text) if edits else None,
        can_drop=reply.state in (ReplyState.DRAFT, ReplyState.FAILED, ReplyState.REFUSED) and not taken_by,
        can_redraft=reply.state in back and may_write,
        can_settle=reply.state is ReplyState.UNKNOWN,
    )


def reply_by(reply: Reply) -> str:
    """Return who stands behind a reply."""
    if reply.is_automatic:
        return "Genlyd, by itself"
    if reply.approved_by is None:
        return "Suggested by Genlyd" if reply.template else "Draft"
    return f"Approved by {reply.approved_by}" if reply.template else f"Written by {reply.approved_by}"


def writing(platform: Platform, text: str) -> WritingView:
    """Return a text to be edited."""
    return WritingView(
        text=text, length=length_of(platform, text), limit=MAX_LENGTH[platform], platform=words.PLATFORMS[platform].word
    )
