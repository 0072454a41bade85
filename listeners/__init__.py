"""Which platforms we can hear. A platform's module is imported when an account of it is switched on."""

from importlib import import_module
from typing import cast

from core.budget import Purse
from core.config import AccountConfig
from core.post import Platform
from core.watch import Watch
from listeners.base import Checker, Listener

LISTENERS: dict[Platform, str] = {Platform.X: "listeners.x", Platform.REDDIT: "listeners.reddit"}


def build(account: AccountConfig, watches: tuple[Watch, ...], purse: Purse | None = None) -> list[Listener]:
    """Return the sources of `account`. Nothing connects before the first ask; `purse` counts what it costs."""
    module = import_module(LISTENERS[account.platform])
    return cast("list[Listener]", module.build_listeners(account, watches, purse))


def build_checker(account: AccountConfig, purse: Purse | None = None) -> Checker:
    """Return what looks `account`'s posts up again. Nothing connects before the first look."""
    module = import_module(LISTENERS[account.platform])
    return cast("Checker", module.build_checker(account, purse))
