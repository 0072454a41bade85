"""The sources page: how well we hear, who is quiet, and what waits.

Owns those views and the cures in words. Pure: refuses to ask anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.budget import Budget, Spent
from core.post import Platform
from dashboard import words
from dashboard.i18n import ngettext
from dashboard.present_spending import BudgetView, TodayView, besides, budget_views, every, today_view
from dashboard.words import Chip, Moment, Tone
from platforms.policy import ALLOWANCES
from store.accounts import AccountRow, AccountState, HousePause
from store.sources import Gap, SourceState

# A source older than this is late; than that, it is silent.
_LATE = timedelta(minutes=5)
_SILENT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """One thing we listen to."""

    name: str
    state: Chip
    fresh: str
    fresh_at: Moment | None
    every: str
    slow: str
    today: TodayView
    heard: str
    gaps: Chip | None
    unreadable: Chip | None
    problem: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One identity of ours with its sources."""

    name: str
    handle: str
    platform: Chip
    state: Chip
    because: str
    cure: str
    is_active: bool
    sources: tuple[SourceView, ...]
    budgets: tuple[BudgetView, ...]
    besides: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseView:
    """Whether the whole house is quiet, and who said so."""

    is_paused: bool
    words: str
    at: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GapView:
    """A time a source was not heard in full, and what became of it."""

    id: int
    where: str
    why: str
    from_at: Moment
    until_at: Moment | None
    length: str
    state: Chip
    can_be_seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its name, and what it means where it is not nought."""

    name: str
    number: str
    tone: Tone
    note: str


def account_views(
    accounts: Iterable[AccountRow],
    sources: Iterable[SourceState],
    now: datetime,
    *,
    spent: Mapping[str, Sequence[Spent]] | None = None,
    budgets: Mapping[str, Budget] | None = None,
) -> tuple[AccountView, ...]:
    """Return the accounts, each with its sources and what it spent."""
    heard, paid, limits = list(sources), spent or {}, budgets or {}
    return tuple(
        _account_view(
            row,
            [source for source in heard if source.account == row.name],
            now,
            spent=paid.get(row.name, ()),
            budget=limits.get(row.name, Budget()),
        )
        for row in accounts
    )


def house_view(pause: HousePause | None, now: datetime) -> HouseView:
    """Return the pause of the house."""
    if pause is None:
        return HouseView(is_paused=False, words="Automatic replies are on", at=None)
    because = f": {pause.reason}" if pause.reason else ""
    return HouseView(
        is_paused=True,
        words=f"Paused by {pause.by} {words.ago(pause.at, now)}{because}",
        at=words.moment(pause.at, now),
    )


def figures(
    depth: Mapping[str, int], stages: Mapping[str, int], tellings: Mapping[str, int], *, redis_is_up: bool
) -> tuple[Figure, ...]:
    """Return what waits and what is stuck. Queue depths are unknown while Redis is away."""
    stuck, untold = stages.get("stuck", 0), tellings.get("pending", 0)
    unread, undecided = stages.get("saved", 0), stages.get("assessed", 0)
    queued = sum(depth.values())
    named = ", ".join(f"{name} {number}" for name, number in depth.items() if number)
    return (
        Figure(
            name="Redis",
            number="up" if redis_is_up else "away",
            tone=Tone.DONE if redis_is_up else Tone.ACT,
            note="Wakes the workers."
            if redis_is_up
            else "Nothing is lost: workers sweep the database instead. Start Redis, or check [store] redis.",
        ),
        Figure(
            name="In the queues",
            number=f"{queued:,}" if redis_is_up else "unknown",
            tone=Tone.WAIT,
            note=named or "Nothing waits.",
        ),
        Figure(
            name="Waiting to be read",
            number=f"{unread + undecided:,}",
            tone=Tone.WAIT,
            note=f"{unread:,} not read, {undecided:,} not decided.",
        ),
        Figure(
            name="Stuck posts",
            number=f"{stuck:,}",
            tone=Tone.ACT if stuck else Tone.DONE,
            note="Our own code failed on these; the log says why. Read them by hand." if stuck else "None.",
        ),
        Figure(
            name="Alerts not delivered",
            number=f"{untold:,}",
            tone=Tone.ACT if untold else Tone.DONE,
            note="Tried again until somebody is reached. Check the URLs in [alerts]." if untold else "None.",
        ),
    )


def gap_views(gaps: Iterable[Gap], now: datetime) -> tuple[GapView, ...]:
    """Return the gaps in the order given."""
    return tuple(
        GapView(
            id=gap.id,
            where=f"{gap.account}, {gap.source}",
            why=gap.why,
            from_at=words.moment(gap.from_at, now),
            until_at=None if gap.until_at is None else words.moment(gap.until_at, now),
            length=words.span((gap.until_at or now) - gap.from_at),
            state=_gap_state(gap),
            can_be_seen=gap.closed_at is None and gap.until_at is not None,
        )
        for gap in gaps
    )


def _gap_state(gap: Gap) -> Chip:
    if gap.closed_by is not None:
        return Chip(icon="check", word=f"Seen by {gap.closed_by}")
    if gap.closed_at is not None:
        return Chip(icon="check", word="Covered", tone=Tone.DONE)
    if gap.until_at is not None:
        return Chip(icon="gap", word="Not covered", tone=Tone.ACT)
    return Chip(icon="clock", word="Still missing", tone=Tone.SOON)


_STATES = {
    AccountState.ACTIVE: Chip(icon="check", word="Active", tone=Tone.DONE),
    AccountState.PAUSED: Chip(icon="pause", word="Paused", tone=Tone.SOON),
    AccountState.NEEDS_OPERATOR: Chip(icon="alert", word="Needs the operator", tone=Tone.ACT),
}


def _account_view(
    row: AccountRow, sources: list[SourceState], now: datetime, *, spent: Sequence[Spent], budget: Budget
) -> AccountView:
    because, cure = "", ""
    if row.state is AccountState.PAUSED:
        reason = f": {row.reason}" if row.reason else ""
        because = f"By {row.changed_by} {words.ago(row.changed_at, now)}{reason}"
        cure = "People can still answer; nothing automatic is sent."
    elif row.state is AccountState.NEEDS_OPERATOR:
        because = row.reason or "The platform turned us away."
        cure = "Mend it at the platform or in genlyd.toml, run “genlyd doctor”, then press Resume."
    platform = Platform(row.platform)
    return AccountView(
        name=row.name,
        handle=f"{words.HANDLE_PREFIX[platform]}{row.handle}",
        platform=words.PLATFORMS[platform],
        state=_STATES[row.state],
        because=because,
        cure=cure,
        is_active=row.state is AccountState.ACTIVE,
        sources=tuple(_source_view(source, spent, now) for source in sources),
        budgets=budget_views(budget, spent, now, is_billed=bool(ALLOWANCES[platform].prices_usd)),
        besides=besides(spent, [source.source for source in sources], now),
    )


def _source_view(source: SourceState, spent: Sequence[Spent], now: datetime) -> SourceView:
    gaps = Chip(icon="gap", word=ngettext("{n} open gap", "{n} open gaps", source.open_gaps), tone=Tone.ACT)
    unreadable = Chip(icon="question", word=f"{source.unreadable:,} unreadable", tone=Tone.SOON)
    return SourceView(
        name=source.source,
        state=_source_state(source, now),
        fresh="never" if source.fresh_at is None else words.ago(source.fresh_at, now),
        fresh_at=None if source.fresh_at is None else words.moment(source.fresh_at, now),
        every=every(source.every_seconds),
        slow=source.slow_because or "",
        today=today_view(spent, source.source, now),
        heard=f"{source.heard:,}",
        gaps=gaps if source.open_gaps else None,
        unreadable=unreadable if source.unreadable else None,
        problem=source.problem or "",
        cure=_cure(source, now),
    )


def _source_state(source: SourceState, now: datetime) -> Chip:
    if source.problem:
        return Chip(icon="alert", word="In trouble", tone=Tone.ACT)
    if source.fresh_at is None:
        return Chip(icon="clock", word="Not heard yet")
    slack = timedelta(seconds=2 * (source.every_seconds or 0))
    if now - source.fresh_at > _SILENT + slack:
        return Chip(icon="alert", word="Silent", tone=Tone.ACT)
    if now - source.fresh_at > _LATE + slack:
        return Chip(icon="clock", word="Late", tone=Tone.SOON)
    return Chip(icon="check", word="Fresh", tone=Tone.DONE)


def _cure(source: SourceState, now: datetime) -> str:
    if source.problem:
        since = "" if source.problem_at is None else f" The last try was {words.ago(source.problem_at, now)}."
        return f"Tried again by itself; what was missed is fetched when the platform answers.{since}"
    if source.open_gaps:
        return "Part of the past could not be fetched. Look at the platform itself for that time."
    if source.fresh_at is None or now - source.fresh_at > _SILENT:
        return "Is the listener running? “genlyd doctor” says."
    return ""
