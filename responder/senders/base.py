"""What a sender is: it publishes one reply, and can look whether one was published.

Owns the Sender port. Refuses to retry, wait or store: the outbox does.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

from core.post import Platform
from core.reply import Receipt, Reply


class Look(StrEnum):
    """What looking under the post told us, when it did not find our reply."""

    ABSENT = "absent"
    CANNOT_TELL = "cannot tell"


class Sender(Protocol):
    """Speaks as one account on one platform."""

    account: str
    platform: Platform

    async def send(self, reply: Reply) -> Receipt:
        """Publish `reply` under its target, in exactly one request.

        Raises: TryLater only where the request surely did not take effect (refused connection, 429,
        a clear error before anything was stored); OutcomeUnknown for timeouts, resets and 5xx;
        Rejected; NeedsOperator.
        """
        ...

    async def find(
        self,
        reply: Reply,
        *,
        not_these: Collection[str] = (),
        nor_saying: Collection[str] = (),
        has_spoken: bool = False,
    ) -> Receipt | Look:
        """Look under the target for our own published text. `not_these` are known to be other replies' ids.

        `nor_saying` are the texts of other replies that may stand there too, nobody knows as what. `has_spoken`: the
        account published before, so that a platform that shows nothing of it at all is not to be believed.
        ABSENT only where the platform surely showed everything. Raises: PlatformError.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
