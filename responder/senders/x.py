"""Speaking on X.

Owns the Sender port for X. Refuses to judge who may be answered: the guards do, and X itself.
"""

from collections.abc import Collection

from core.budget import Purse, Use
from core.config import AccountConfig
from core.post import Platform
from core.reply import Receipt, Reply
from platforms.x import XClient
from responder.senders.base import Look
from responder.senders.find import find_among


def build_sender(account: AccountConfig, purse: Purse | None = None) -> "XSender":
    """Return the sender of `account`. Nothing connects before the first call."""
    return XSender(XClient(account, purse=purse, use=Use.SPEAK))


class XSender:
    """Speaks as one account on X."""

    platform = Platform.X

    def __init__(self, client: XClient) -> None:
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
        has_spoken: bool = False,  # noqa: ARG002 - since its target, nothing of ours is the usual answer
    ) -> Receipt | Look:
        """Look for `reply` among everything we published since its target. Raises: PlatformError."""
        return find_among(await self._client.own_replies_since(reply.target_id), reply, not_these, nor_saying)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()
