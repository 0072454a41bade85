"""Speaking on Reddit.

Owns the Sender port for Reddit. Refuses to judge who may be answered: the guards do.
"""

from collections.abc import Collection
from datetime import timedelta

from core.budget import Purse, Use
from core.config import AccountConfig
from core.post import Platform
from core.reply import Receipt, Reply
from platforms.reddit import RedditClient
from responder.senders.base import Look
from responder.senders.find import find_among

# An earlier attempt may have published before this one began.
_LOOKS_BACK = timedelta(days=1)


def build_sender(account: AccountConfig, purse: Purse | None = None) -> "RedditSender":
    """Return the sender of `account`. Nothing connects before the first call."""
    return RedditSender(RedditClient(account, purse=purse, use=Use.SPEAK))


class RedditSender:
    """Speaks as one account on Reddit."""

    platform = Platform.REDDIT

    def __init__(self, client: RedditClient) -> None:
        self.account = client.account.name
        self._client = client

    async def send(self, reply: Reply) -> Receipt:
        """Publish `reply` under its target, in exactly one request. Raises: PlatformError, as the port says."""
        return await self._client.reply(reply.text, reply.target_id)

    async def find(
        self,
        reply: Reply,
        *,
        not_these: Collection[str] = (),
        nor_saying: Collection[str] = (),
        has_spoken: bool = False,
    ) -> Receipt | Look:
        """Look for `reply` among our own comments since it was written. Raises: PlatformError."""
        found = await self._client.own_replies(reply.target_id, reply.created_at - _LOOKS_BACK)
        if has_spoken and found.shows_nothing:
            # Now and then Reddit answers 200 with an empty listing: that tells of no absence.
            return Look.CANNOT_TELL
        return find_among(found, reply, not_these, nor_saying)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()
