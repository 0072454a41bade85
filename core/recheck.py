"""Looking a stored post up again on its platform, to follow what its author deleted or edited.

Owns when a post is due for a look, what an answer means, and its words. Pure: refuses any I/O.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.post import Post

# An answer that leaves a post out says nothing surely: only a silence this long counts as gone.
SILENT_FOR = timedelta(hours=6)
_SILENT_AGAIN = timedelta(hours=1)


class Verdict(StrEnum):
    """What one look says about one post."""

    SAME = "same"
    EDITED = "edited"
    GONE = "gone"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a platform says of one post: `post` as it reads now, or that it is gone; neither where it says nothing.

    `is_edited` is the platform's own word. A text that differs without it is only spelled differently.
    """

    native_id: str
    post: Post | None = None
    is_edited: bool = False
    is_gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How soon a young post is looked at again, and how late an old one at most."""

    first: timedelta
    last: timedelta


def next_check_at(posted_at: datetime, *, now: datetime, pace: Pace) -> datetime:
    """Return when to look again: a quarter of the post's age from now, within the pace.

    Most deletions and all edits on X (30 minutes) come early, so young posts are looked at more often.
    """
    return now + min(max((now - posted_at) / 4, pace.first), pace.last)


def verdict(answer: Answer | None, *, known_text: str, silent_since: datetime | None, now: datetime) -> Verdict:
    """Return what an answer says of a post of which we know `known_text`; None: it was not in the answer at all."""
    if answer is not None and answer.is_gone:
        return Verdict.GONE
    if answer is not None and answer.post is not None:
        is_changed = answer.is_edited and answer.post.text != known_text
        return Verdict.EDITED if is_changed else Verdict.SAME
    is_long = silent_since is not None and now - silent_since >= SILENT_FOR
    return Verdict.GONE if is_long else Verdict.SILENT


def silent_check_at(now: datetime, pace: Pace) -> datetime:
    """Return when to look again at a post that an answer left out."""
    return now + max(_SILENT_AGAIN, pace.first)
