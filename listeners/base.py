"""What a listener is: asked with a cursor, it returns a batch. And a checker: asked for posts, it says how they stand.

Owns the Listener and Checker ports and Batch. Refuses to store, match or wait between asks: `loop` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.post import Platform, Post
from core.recheck import Answer, Pace
from core.watch import Identity

# A source that begins looks back so far, so that a new house is not empty. Those posts get nothing automatic.
FIRST_ASK_REACHES_BACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One answer of a source, oldest post first.

    `cursor` is where to resume once the posts are saved (None: leave it as it is). `gap` says why something before
    `missing_until` is out of reach; `doubt`, why something may be missing that the next fetch brings. `is_backfill`
    marks posts fetched to cover a gap, and `is_caught_up` that nothing is left to fetch up to now, which closes the
    source's open gaps. `heard_until` is when the source was last known to be there, where that is not now.
    `unreadable` holds raw items that could not be parsed.
    """

    posts: tuple[Post, ...] = ()
    cursor: str | None = None
    gap: str | None = None
    missing_until: datetime | None = None
    doubt: str | None = None
    heard_until: datetime | None = None
    is_backfill: bool = False
    is_caught_up: bool = True
    unreadable: tuple[str, ...] = ()


class Listener(Protocol):
    """One source of one account, such as ("x-main", "stream") or ("reddit-main", "r/sandbox").

    A polled source answers at once and is asked again after `poll_seconds`; a streaming one has
    `poll_seconds` 0 and waits inside `fetch` until there is something, at most about 20 seconds.
    """

    account: str
    source: str
    poll_seconds: float

    async def identify(self) -> Identity:
        """Return who we are there. Raises: PlatformError."""
        ...

    def first_cursor(self, at: datetime, before: str | None = None) -> str:
        """Return where a source begins that is listened to from `at` on: one hour before, on every platform.

        One that stood at `before` goes on there; what it is asked for only now begins like a source of its own.
        """
        ...

    async def fetch(self, cursor: str | None) -> Batch:
        """Return what is new since `cursor` (None: the very first ask, as from `first_cursor`).

        Raises: PlatformError. After one, the next call starts from the cursor again.
        """
        ...

    def doubt(self) -> None:
        """The machine slept, or the house did: trust no connection from before, and fetch what it missed."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Checker(Protocol):
    """One account's way to look stored posts up again, `most` at a time."""

    account: str
    platform: Platform
    pace: Pace
    most: int

    async def look_up(self, native_ids: Sequence[str]) -> dict[str, Answer]:
        """Return what the platform says of each post. One it says nothing about is left out. Raises: PlatformError."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
