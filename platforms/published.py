"""What we ourselves published, as a platform shows it.

Owns the shape in which senders look for a reply whose outcome is unknown. Refuses to judge what it means.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One post of our own under `parent_id`."""

    remote_id: str
    url: str
    text: str
    parent_id: str | None
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReplies:
    """Our posts under one post. `is_complete`: the platform surely showed every one there is.

    `shows_nothing`: it showed nothing of ours at all, under whatever post.
    """

    replies: tuple[Published, ...]
    is_complete: bool
    shows_nothing: bool = False
