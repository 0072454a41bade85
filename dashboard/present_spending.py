"""What listening costs, as the sources page shows it: per source today, per account against its budget.

Owns those words. Pure: refuses to ask anything, and to judge what is too much: `core.budget` does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.budget import DOLLAR, Budget, Purse, Spent, Use, next_month
from core.clock import ManualClock
from dashboard import i18n, words
from dashboard.i18n import N_, _, ngettext, number
from dashboard.words import Tone

# From here on a budget is nearly spent, and looks so.
NEARLY = 0.8


# What the doors of `platforms` ask for, other than listening.
ENDS = {"looked up again": N_("looked up again"), "replies": N_("replies"), "sign-in": N_("sign-in")}


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayView:
    """One source's day so far."""

    posts: str
    calls: str
    money: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """One limit of an account: how much of it is used, and what follows. `most` is 0 where there is no limit."""

    name: str
    figure: str
    used: int
    most: int
    tone: Tone
    note: str


def today_view(spent: Iterable[Spent], source: str, now: datetime) -> TodayView:
    """Return what one source did since midnight, UTC."""
    rows = [row for row in spent if row.source == source and row.day == _midnight(now)]
    money = sum(row.money for row in rows)
    return TodayView(
        posts=number(sum(row.posts for row in rows)),
        calls=number(sum(row.calls for row in rows)),
        money=dollars(money) if money else "–",
    )


def besides(spent: Iterable[Spent], sources: Iterable[str], now: datetime) -> str:
    """Return what was asked today for other ends than listening; empty where nothing was."""
    heard = set(sources)
    rows = [row for row in spent if row.source not in heard and row.day == _midnight(now) and row.calls]
    said = "; ".join(_asked(row) for row in rows)
    return _("Also today: {calls}.", calls=said) if said else ""


def budget_views(
    budget: Budget, spent: Iterable[Spent], now: datetime, *, is_billed: bool = True
) -> tuple[BudgetView, ...]:
    """Return what is used of each limit, and the money of the month where the platform bills at all."""
    purse = Purse(budget=budget, clock=ManualClock(now))
    purse.learn_all(spent)
    money = (_money(purse, now),) if is_billed or budget.money_a_month is not None else ()
    return (*money, _calls(purse, is_billed=is_billed))


def every(seconds: float | None) -> str:
    """Return how often a source is asked, in words; empty for one that is not."""
    if not seconds:
        return ""
    span = _("{n} s", n=number(seconds)) if seconds < 120 else words.span(timedelta(seconds=seconds))
    return _("every {span}", span=span)


def dollars(money: int) -> str:
    """Return millionths of a dollar as dollars; small sums in full cents and their parts."""
    if 0 < money < DOLLAR // 100:
        return i18n.dollars(money / DOLLAR, digits=3)
    return i18n.dollars(money / DOLLAR)


def _asked(row: Spent) -> str:
    source = _(ENDS[row.source]) if row.source in ENDS else row.source
    calls = ngettext("{source} {n} call", "{source} {n} calls", row.calls, source=source)
    return f"{calls}, {dollars(row.money)}" if row.money else calls


def _money(purse: Purse, now: datetime) -> BudgetView:
    used, most = purse.money_this_month(), purse.budget.money_a_month
    if most is None:
        note = _("By our own count of X's prices. No limit: set budget_a_month.")
        return BudgetView(name=_("This month"), figure=dollars(used), used=0, most=0, tone=Tone.WAIT, note=note)
    again = i18n.day(next_month(now))
    note = _("Enough for every source so far.")
    if (purse.money_left(Use.RECHECK) or 0) <= 0:
        note = _("Spent: nothing is heard or looked up again until {day}. What is left is for answering.", day=again)
    elif (purse.money_left(Use.POLL) or 0) <= 0:
        note = _("Spent: nothing is heard until {day}. What is left is for deletions and answers.", day=again)
    elif (purse.money_left(Use.STREAM) or 0) <= 0:
        note = _("Nearly spent: streams are off until {day}; mentions are still asked for.", day=again)
    return BudgetView(
        name=_("This month"),
        figure=_("{used} of {most}", used=dollars(used), most=dollars(most)),
        used=min(used, most),
        most=most,
        tone=_tone(used, most),
        note=note,
    )


def _calls(purse: Purse, *, is_billed: bool) -> BudgetView:
    used, most, left = purse.calls_today(), purse.budget.calls_a_day, purse.calls_left(Use.POLL) or 0
    if most is None:
        note = _("All together. No limit: set calls_a_day.")
        free = "" if is_billed else _("The platform charges nothing.")
        note = f"{note} {free}".strip()
        return BudgetView(name=_("Calls today"), figure=number(used), used=0, most=0, tone=Tone.WAIT, note=note)
    note = (
        _("Asked more slowly where needed, so that they last.")
        if left > 0
        else _("Spent for listening; the rest is for deletions and answers. It goes on at midnight, UTC.")
    )
    return BudgetView(
        name=_("Calls today"),
        figure=_("{used} of {most}", used=number(used), most=number(most)),
        used=min(used, most),
        most=most,
        tone=_tone(used, most),
        note=note,
    )


def _tone(used: int, most: int) -> Tone:
    if used >= most:
        return Tone.ACT
    return Tone.SOON if used >= NEARLY * most else Tone.DONE


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
