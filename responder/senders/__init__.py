"""Where we can speak. A platform's module is imported when an account of it is switched on."""

from importlib import import_module
from typing import cast

from core.budget import Purse
from core.config import AccountConfig
from core.post import Platform
from responder.senders.base import Sender

SENDERS: dict[Platform, str] = {Platform.X: "responder.senders.x", Platform.REDDIT: "responder.senders.reddit"}


def build(account: AccountConfig, purse: Purse | None = None) -> Sender:
    """Return the sender of `account`. Nothing connects before the first call."""
    return cast("Sender", import_module(SENDERS[account.platform]).build_sender(account, purse))
