"""How long X's stream is usually silent, and whether it is so for unusually long.

Owns that judgement. Pure: refuses to ask anything. The heartbeats show that the line lives, not that posts are put on
it: after an unusual silence the listener asks search, which costs nothing where it finds nothing. So a silence is a
question and never a gap by itself, and a quiet brand has no gaps at night.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from core.post import Post

# Usual is the longest of so many silences, doubled; with fewer than the least, nothing is known.
_REMEMBERED, _LEAST = 50, 10
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(minutes=15)
_NEWEST = 500


class Silence:
    """What one stream was silent for, and which posts it brought lately."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self._asked_at = since
        self._lengths: deque[timedelta] = deque(maxlen=_REMEMBERED)
        self._brought: deque[str] = deque(maxlen=_NEWEST)

    def heard(self, posts: Sequence[Post], at: datetime) -> None:
        """Note what came, by search or by the stream itself."""
        new = self.unknown(posts)
        if not new:
            return
        self._lengths.append(at - self.since)
        self._brought.extend(post.native_id for post in new)
        self.since = self._asked_at = at

    def is_proven(self, at: datetime) -> None:
        """Search found nothing that was left out: the silence is true so far."""
        self._asked_at = at

    def unknown(self, posts: Sequence[Post]) -> list[Post]:
        """Return those of `posts` that neither the stream nor an earlier search brought."""
        return [post for post in posts if post.native_id not in self._brought]

    def is_unusual(self, at: datetime) -> bool:
        """Whether it is time to ask."""
        usual = 2 * max(self._lengths) if len(self._lengths) >= _LEAST else _LONGEST
        return at - self._asked_at > min(max(usual, _SHORTEST), _LONGEST)
