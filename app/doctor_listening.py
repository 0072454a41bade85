"""What `genlyd doctor` says of listening: sources that fail, items nobody could read, late looks, spent budgets.

Owns these checks. Refuses to ask a platform, and to mend anything.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import listeners
from app.finding import Finding
from app.in_force import watches_in_force
from core.budget import Purse, Use
from core.clock import ManualClock
from core.config import AccountConfig, Config
from core.watch import Watch
from store.database import Database
from store.rechecks import Rechecks
from store.sources import Sources, SourceState
from store.spending import Spending

_SILENT = timedelta(minutes=30)
_NEARLY = 0.8


async def examine(config: Config, database: Database, *, now: datetime) -> AsyncIterator[Finding]:
    """Yield a finding for each part."""
    sources = Sources(database)
    watches = await watches_in_force(config, database)
    yield _sources(config, watches, {(state.account, state.source): state for state in await sources.all()}, now)
    yield _unreadable(await sources.count_unreadable())
    yield _rechecks(await Rechecks(database).overdue(at=now))
    spent = await Spending(database).this_month(at=now)
    for account in config.accounts:
        purse = Purse(account=account.name, budget=account.budget, clock=ManualClock(now))
        purse.learn_all(spent.get(account.name, []))
        if account.budget.money_a_month or account.budget.calls_a_day:
            yield _budget(account, purse)


def _sources(
    config: Config, watches: tuple[Watch, ...], known: dict[tuple[str, str], SourceState], now: datetime
) -> Finding:
    """Only what is listened to by the watches in force: a watch that was removed leaves its row."""
    bad: list[str] = []
    listened = [
        (account.name, source.source)
        for account in config.accounts
        for source in listeners.build(account, tuple(one for one in watches if one.account == account.name))
    ]
    for name in listened:
        state = known.get(name)
        slack = timedelta(seconds=2 * (state.every_seconds or 0)) if state else timedelta(0)
        if state is None or state.fresh_at is None:
            bad.append(f"{', '.join(name)} was never heard" + (f": {state.problem}" if state and state.problem else ""))
        elif state.problem:
            bad.append(f"{', '.join(name)} fails since {state.fresh_at:%Y-%m-%d %H:%M} UTC: {state.problem}")
        elif now - state.fresh_at > _SILENT + slack:
            bad.append(f"{', '.join(name)} was last heard {state.fresh_at:%Y-%m-%d %H:%M} UTC")
    detail = "; ".join(bad) or f"{len(listened)} heard"
    cure = "start `genlyd run`; where it runs, its log and the page /sources say what the platform answers"
    return Finding(what="sources", is_well=not bad, detail=detail, cure=cure)


def _unreadable(count: int) -> Finding:
    detail = f"{count} items of the last day could not be read" if count else "none"
    cure = "look at them: genlyd export unreadable; where a platform has changed its shapes, tell us"
    return Finding(what="unreadable items", is_well=not count, detail=detail, cure=cure)


def _rechecks(late: dict[str, int]) -> Finding:
    detail = "; ".join(f"{count} posts of {account}" for account, count in sorted(late.items()))
    return Finding(
        what="deletions followed",
        is_well=not late,
        detail=f"not looked up within 24 hours: {detail}" if late else "every post was looked up within 24 hours",
        cure="let `genlyd run` run; raise rechecks_a_day, calls_a_day or budget_a_month of the account",
    )


def _budget(account: AccountConfig, purse: Purse) -> Finding:
    money, calls = account.budget.money_a_month, account.budget.calls_a_day
    said: list[str] = []
    shares: list[float] = []
    if money:
        said.append(f"${purse.money_this_month() / 1_000_000:,.2f} of ${money / 1_000_000:,.2f} this month")
        shares.append(purse.money_this_month() / money)
    if calls:
        said.append(f"{purse.calls_today():,} of {calls:,} calls today")
        shares.append(purse.calls_today() / calls)
    is_spent = any(left is not None and left <= 0 for left in (purse.money_left(Use.POLL), purse.calls_left(Use.POLL)))
    return Finding(
        what=f"budget {account.name}",
        is_well=not is_spent and max(shares) < _NEARLY,
        detail=", ".join(said) + (": spent, listening waits" if is_spent else ""),
        cure=f"raise budget_a_month or calls_a_day of account '{account.name}', or watch less; then restart",
    )
