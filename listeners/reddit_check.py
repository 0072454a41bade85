"""Looking Reddit's things up again, 100 at a time.

Owns what Reddit's answer means for posts we hold. Refuses to know when to ask (`recheck` does) and what follows.

Reddit tells nobody of deletions: a thing that is looked up says `[deleted]` or `[removed]` of itself, and an edited one
when. Source: asyncpraw's documentation and answers recorded from oauth.reddit.com, read 2026-11.
"""

from collections.abc import Sequence
from datetime import timedelta

from core.errors import Unreadable
from core.post import Platform
from core.recheck import Answer, Pace
from listeners.reddit_posts import parse_recheck
from platforms.reddit import RedditClient

# One ask tells of a hundred things, of the hundred asks a minute Reddit allows an app.
FIRST_SECONDS, LAST = 300.0, timedelta(hours=12)
MOST_NAMES = 100


class RedditChecker:
    """How the things that one account heard stand on Reddit now."""

    platform = Platform.REDDIT
    most = MOST_NAMES

    def __init__(self, client: RedditClient) -> None:
        self.account = client.account.name
        self.pace = Pace(first=timedelta(seconds=client.account.recheck_seconds or FIRST_SECONDS), last=LAST)
        self._client = client

    async def look_up(self, native_ids: Sequence[str]) -> dict[str, Answer]:
        """Return what Reddit says of each thing. Raises: PlatformError."""
        answers: dict[str, Answer] = {}
        for thing in await self._client.info(tuple(native_ids)):
            try:
                answer = parse_recheck(thing, account=self.account)
            except Unreadable:
                # Left out: a thing we cannot read is surely not deleted.
                continue
            answers[answer.native_id] = answer
        return answers

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()
