"""What an account may spend on its platform, and what it has spent: calls a day, money a month.

Owns the counts in memory, the reserves and the slower pace. Pure but for the clock it is given: refuses to save
(`store.spending` does) and to know a price (`platforms.policy` does). Money is counted in millionths of a dollar.

Asking less often saves calls, so a budget of calls stretches the interval until what is left lasts to the end of the
day. It saves no money on X, which bills by post: there a budget of money lets go of what costs most and matters least,
step by step: the stream first, then mentions, then looking posts up again. Sending is counted and never held back.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core.clock import Clock, SystemClock
from core.errors import BudgetSpent

DOLLAR = 1_000_000
# The slowest pace that still hears within the hour in which most rules answer.
SLOWEST_SECONDS = 1800.0
# X bills a resource once a UTC day. So many are remembered; beyond that one is counted again, on the dear side.
_MOST_BILLED = 200_000


class Use(StrEnum):
    """What a call is for, the first to be given up first."""

    STREAM = "stream"
    POLL = "poll"
    RECHECK = "recheck"
    SPEAK = "speak"


# The share of the budget that a use leaves for those after it. It melts as the period ends.
_LEAVES = {Use.STREAM: 0.2, Use.POLL: 0.1, Use.RECHECK: 0.05}
# What a month will cost is told from a whole day at least: a few minutes of it say nothing.
_TELLING = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The operator's limits; None for no limit."""

    money_a_month: int | None = None
    calls_a_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one source did on one UTC day."""

    day: datetime
    source: str
    calls: int = 0
    posts: int = 0
    money: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a source is asked now, and why not as often as it should be."""

    seconds: float
    because: str = ""


@dataclass(slots=True)
class _Count:
    calls: int = 0
    posts: int = 0
    money: int = 0


@dataclass(slots=True)
class _Poll:
    """One polled source: how often it should be asked, and how many calls one ask takes."""

    base_seconds: float
    calls_each: float
    calls_before: int


@dataclass(slots=True)
class Purse:
    """One account's spending in this process, and what all processes together had spent when last told."""

    account: str = ""
    budget: Budget = field(default_factory=Budget)
    clock: Clock = field(default_factory=SystemClock)
    paces: dict[str, Pace] = field(default_factory=dict)
    _known: dict[tuple[datetime, str], Spent] = field(default_factory=dict)
    _unsaved: dict[tuple[datetime, str], _Count] = field(default_factory=lambda: defaultdict(_Count))
    _polls: dict[str, _Poll] = field(default_factory=dict)
    _billed: set[str] = field(default_factory=set)
    _billed_on: datetime | None = None

    def check(self, use: Use) -> None:
        """Let one more call for `use` pass. Raises: BudgetSpent, with when it goes on."""
        now = self.clock.now()
        if use is Use.SPEAK:
            return
        calls, money = self.calls_left(use), self.money_left(use)
        if calls is not None and calls <= 0:
            raise self._spent("day's calls", now, since=_day(now), again_at=_day(now) + timedelta(days=1))
        if money is not None and money <= 0:
            raise self._spent("month's money", now, since=_month(now), again_at=next_month(now))

    def spend(self, source: str, *, calls: int = 1, money: int = 0) -> None:
        """Count what was asked and what it costs."""
        count = self._unsaved[_day(self.clock.now()), source]
        count.calls += calls
        count.money += money

    def count_posts(self, source: str, posts: int) -> None:
        """Count posts that were saved."""
        if posts:
            self._unsaved[_day(self.clock.now()), source].posts += posts

    def newly_billed(self, names: Collection[str]) -> int:
        """Return how many of these resources were not billed yet today, and remember them."""
        today = _day(self.clock.now())
        if self._billed_on != today:
            self._billed, self._billed_on = set(), today
        new = set(names) - self._billed
        if len(self._billed) < _MOST_BILLED:
            self._billed |= new
        return len(new)

    def pace(self, source: str, base_seconds: float) -> Pace:
        """Return how long to wait after an ask of `source`, which should be asked every `base_seconds`.

        All polled sources of the account stretch alike, so that the calls left last until the day ends.
        """
        self._learn(source, base_seconds)
        left, wanted = (
            self.calls_left(Use.POLL),
            sum(poll.calls_each / poll.base_seconds for poll in self._polls.values()),
        )
        pace = Pace(seconds=base_seconds)
        if left is not None and wanted:
            now = self.clock.now()
            times = wanted * (_day(now) + timedelta(days=1) - now).total_seconds() / max(left, 0.5)
            if times > 1:
                seconds = min(base_seconds * times, max(base_seconds, SLOWEST_SECONDS))
                pace = Pace(seconds=seconds, because="so that the day's calls last until midnight UTC")
        self.paces[source] = pace
        return pace

    def calls_left(self, use: Use) -> float | None:
        """Return how many calls `use` may still make today; None without a limit."""
        if self.budget.calls_a_day is None:
            return None
        now = self.clock.now()
        rest = (_day(now) + timedelta(days=1) - now) / timedelta(days=1)
        kept = _LEAVES.get(use, 0.0) * self.budget.calls_a_day * rest
        return self.budget.calls_a_day - kept - self.calls_today()

    def money_left(self, use: Use) -> float | None:
        """Return how much `use` may still spend this month; None without a limit.

        The stream also leaves what polling will need if the month goes on as it began.
        """
        if self.budget.money_a_month is None:
            return None
        now = self.clock.now()
        begin, end = _month(now), next_month(now)
        rest = (end - now) / (end - begin)
        kept = _LEAVES.get(use, 0.0) * self.budget.money_a_month * rest
        if use is Use.STREAM:
            polled = sum(self._month_money(source) for source in self._polls)
            needed = polled * ((end - now) / max(now - begin, _TELLING))
            kept = max(kept, _LEAVES[Use.POLL] * self.budget.money_a_month * rest + needed)
        return self.budget.money_a_month - kept - self.money_this_month()

    def calls_today(self) -> int:
        """Return the calls of this UTC day, all sources and processes, as far as known."""
        today = _day(self.clock.now())
        known = sum(row.calls for (day, _), row in self._known.items() if day == today)
        return known + sum(count.calls for (day, _), count in self._unsaved.items() if day == today)

    def money_this_month(self) -> int:
        """Return the money of this UTC month, all sources and processes, as far as known."""
        return self._month_money(None)

    def take_unsaved(self) -> list[Spent]:
        """Return what was counted since the last time, to be saved; it counts as saved from now on."""
        taken = [
            Spent(day=day, source=source, calls=count.calls, posts=count.posts, money=count.money)
            for (day, source), count in self._unsaved.items()
        ]
        self._unsaved.clear()
        self._know(taken)
        return taken

    def give_back(self, taken: Iterable[Spent]) -> None:
        """It could not be saved: count it as unsaved again."""
        for row in taken:
            count = self._unsaved[row.day, row.source]
            count.calls, count.posts, count.money = (
                count.calls + row.calls,
                count.posts + row.posts,
                count.money + row.money,
            )
            known = self._known[row.day, row.source]
            self._known[row.day, row.source] = Spent(
                day=row.day,
                source=row.source,
                calls=known.calls - row.calls,
                posts=known.posts - row.posts,
                money=known.money - row.money,
            )

    def learn_all(self, rows: Iterable[Spent]) -> None:
        """Take what the rows of this month say, which every process writes; what is unsaved here comes on top."""
        self._known = {(row.day, row.source): row for row in rows}

    def _know(self, rows: Iterable[Spent]) -> None:
        for row in rows:
            known = self._known.get((row.day, row.source)) or Spent(day=row.day, source=row.source)
            self._known[row.day, row.source] = Spent(
                day=row.day,
                source=row.source,
                calls=known.calls + row.calls,
                posts=known.posts + row.posts,
                money=known.money + row.money,
            )

    def _learn(self, source: str, base_seconds: float) -> None:
        calls = self._calls_of(source)
        poll = self._polls.get(source)
        if poll is None:
            self._polls[source] = _Poll(base_seconds=base_seconds, calls_each=1.0, calls_before=calls)
            return
        if calls >= poll.calls_before:
            poll.calls_each += 0.2 * (calls - poll.calls_before - poll.calls_each)
        poll.calls_before = calls

    def _calls_of(self, source: str) -> int:
        key = (_day(self.clock.now()), source)
        known, unsaved = self._known.get(key), self._unsaved.get(key)
        return (known.calls if known else 0) + (unsaved.calls if unsaved else 0)

    def _month_money(self, source: str | None) -> int:
        begin = _month(self.clock.now())
        known = sum(r.money for (day, name), r in self._known.items() if day >= begin and source in (None, name))
        fresh = sum(c.money for (day, name), c in self._unsaved.items() if day >= begin and source in (None, name))
        return known + fresh

    def _spent(self, what: str, now: datetime, *, since: datetime, again_at: datetime) -> BudgetSpent:
        message = f"account '{self.account}': the budget is spent, the {what}; it goes on {again_at:%Y-%m-%d %H:%M} UTC"
        wait = (again_at - now).total_seconds()
        return BudgetSpent(self.account, message, what=what, since=since, wait_seconds=wait, again_at=again_at)


def next_month(at: datetime) -> datetime:
    """Return when the next UTC month begins."""
    return _month(_month(at) + timedelta(days=32))


def _day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _month(at: datetime) -> datetime:
    return _day(at).replace(day=1)
