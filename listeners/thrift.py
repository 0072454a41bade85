"""Listening within a budget: how long to wait after an ask or a failure, and telling people once when nothing is left.

Owns those two. Refuses to count (`core.budget` does) and to save (`store.spending` does).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge

from core.budget import Pace, Purse, Spent
from core.clock import Clock
from core.decision import OPERATOR, Notice
from core.errors import BudgetSpent, StoreError, TryLater
from store.bell import Bell, Ring
from store.spending import Spending

log = logging.getLogger(__name__)

_calls = Counter("genlyd_calls_total", "Calls to a platform", ["account", "source"])
_money = Counter("genlyd_spent_dollars_total", "What they cost, by our own count", ["account", "source"])
_left = Gauge("genlyd_budget_left_ratio", "What is left of a budget, 1 at its start", ["account", "budget"])
_every = Gauge("genlyd_source_poll_seconds", "How often a source is asked now", ["account", "source"])

# What a process that is killed forgets at most.
SAVE_SECONDS = 5.0
# A spent budget is looked at again so often: what is kept of it for other uses melts meanwhile.
_BUDGET_LOOK_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Thrift:
    """The purses of every account, and where they are written down."""

    spending: Spending
    bell: Bell
    clock: Clock
    purses: Mapping[str, Purse] = field(default_factory=dict)

    async def open(self) -> None:
        """Learn what was spent before. Raises: StoreError."""
        spent = await self.spending.this_month(at=self.clock.now())
        for account, purse in self.purses.items():
            purse.learn_all(spent.get(account, []))

    async def run(self) -> None:
        """Write down for ever what is spent, every few seconds, and at the end."""
        try:
            while True:
                await self.clock.sleep(SAVE_SECONDS)
                await self.save()
        finally:
            await self.save()

    async def save(self) -> None:
        """Write down what was counted since the last time. What cannot be saved is kept."""
        now = self.clock.now()
        for account, purse in self.purses.items():
            counted, paces = purse.take_unsaved(), dict(purse.paces)
            _show(account, purse, counted)
            try:
                purse.learn_all(await self.spending.add(account, counted, at=now, paces=paces))
            except StoreError as err:
                purse.give_back(counted)
                log.error("the database failed: spending is not saved yet", extra={"error": str(err)})

    async def tell(self, err: BudgetSpent, source: str) -> None:
        """Tell people that a budget is spent, once in the period it is for, each by itself. Raises: StoreError."""
        now = self.clock.now()
        body = f"{err} Until then {source} is not heard; what it misses is a gap, and fetched later where it can be."
        title = f"{err.account}: the budget is spent, the {err.what}"
        notice = Notice(kind=OPERATOR, title=title, body=body, account=err.account)
        if await self.spending.tell_once(notice, since=err.since, at=now):
            log.error("a budget is spent", extra={"account": err.account, "error": str(err)})
            await self.bell.ring(Ring.TELL, [0])


def pause_after(thrift: Thrift | None, account: str, source: str, poll_seconds: float) -> Pace:
    """Return how long to wait after an ask; a stream waits by itself."""
    purse = thrift.purses.get(account) if thrift else None
    if purse is None or poll_seconds == 0:
        return Pace(seconds=poll_seconds)
    pace = purse.pace(source, poll_seconds)
    _every.labels(account, source).set(pace.seconds)
    return pace


def wait_asked(err: Exception) -> float | None:
    """Return how long a failure asks us to wait; None where it does not say."""
    if not isinstance(err, TryLater) or err.wait_seconds is None:
        return None
    return min(err.wait_seconds, _BUDGET_LOOK_SECONDS) if isinstance(err, BudgetSpent) else err.wait_seconds


def count_posts(thrift: Thrift | None, account: str, source: str, posts: int) -> None:
    """Count what was saved, for the day's figures."""
    purse = thrift.purses.get(account) if thrift else None
    if purse is not None:
        purse.count_posts(source, posts)


def _show(account: str, purse: Purse, counted: list[Spent]) -> None:
    for one in counted:
        _calls.labels(account, one.source).inc(max(0, one.calls))
        _money.labels(account, one.source).inc(max(0, one.money) / 1_000_000)
    budget = purse.budget
    if budget.calls_a_day:
        _left.labels(account, "calls").set(max(0.0, 1 - purse.calls_today() / budget.calls_a_day))
    if budget.money_a_month:
        _left.labels(account, "money").set(max(0.0, 1 - purse.money_this_month() / budget.money_a_month))
