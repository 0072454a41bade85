"""Something one person published: the same shape whichever platform it came from.

Owns Post and Author. Refuses to know how a platform spells them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Platform(StrEnum):
    """A network we can hear or speak on. The value names its files in every room."""

    X = "x"
    REDDIT = "reddit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote. `native_id` is the platform's own id; `handle` has no leading @ or u/."""

    native_id: str
    handle: str
    name: str = ""
    followers: int | None = None
    is_bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One thing someone published.

    `native_id` is unique within the platform. `root_id` names the thread (the post's own id when it
    starts one). `mentions` are the handles the platform itself says were addressed, lower case.
    `posted_at` is aware UTC. `earlier_ids` are those of the versions before it, on a platform where an edit makes a
    new post.
    """

    platform: Platform
    native_id: str
    author: Author
    text: str
    posted_at: datetime
    root_id: str
    url: str
    parent_id: str | None = None
    parent_author_id: str | None = None
    quoted_author_id: str | None = None
    is_repost: bool = False
    mentions: frozenset[str] = frozenset()
    hashtags: frozenset[str] = frozenset()
    place: str = ""
    language_hint: str | None = None
    earlier_ids: tuple[str, ...] = ()
