"""The sources page: how well we hear, who is quiet, and what waits.

Owns those views and the cures in words. Pure: refuses to ask anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.budget import Budget, Spent
from core.post import Platform
from dashboard import words
from dashboard.i18n import N_, _, ngettext, number
from dashboard.present_spending import BudgetView, TodayView, besides, budget_views, every, today_view
from dashboard.told import tell
from dashboard.words import Chip, Moment, Said, Tone, say_chip
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
        return HouseView(is_paused=False, words=_("Automatic replies are on"), at=None)
    ago = words.ago(pause.at, now)
    said = _("Paused by {name} {ago}", name=pause.by, ago=ago)
    if pause.reason:
        said = _("Paused by {name} {ago}: {reason}", name=pause.by, ago=ago, reason=pause.reason)
    return HouseView(is_paused=True, words=said, at=words.moment(pause.at, now))


def figures(
    depth: Mapping[str, int], stages: Mapping[str, int], tellings: Mapping[str, int], *, redis_is_up: bool
) -> tuple[Figure, ...]:
    """Return what waits and what is stuck. Queue depths are unknown while Redis is away."""
    stuck, untold = stages.get("stuck", 0), tellings.get("pending", 0)
    unread, undecided = stages.get("saved", 0), stages.get("assessed", 0)
    queued = sum(depth.values())
    named = ", ".join(f"{_QUEUES.get(name, name)} {number(waits)}" for name, waits in depth.items() if waits)
    return (
        Figure(
            name="Redis",
            number=_("up") if redis_is_up else _("away"),
            tone=Tone.DONE if redis_is_up else Tone.ACT,
            note=_("Wakes the workers.")
            if redis_is_up
            else _("Nothing is lost: workers sweep the database instead. Start Redis, or check [store] redis."),
        ),
        Figure(
            name=_("In the queues"),
            number=number(queued) if redis_is_up else _("unknown"),
            tone=Tone.WAIT,
            note=named or _("Nothing waits."),
        ),
        Figure(
            name=_("Waiting to be read"),
            number=number(unread + undecided),
            tone=Tone.WAIT,
            note=_("{unread} not read, {undecided} not decided.", unread=number(unread), undecided=number(undecided)),
        ),
        Figure(
            name=_("Stuck posts"),
            number=number(stuck),
            tone=Tone.ACT if stuck else Tone.DONE,
            note=_("Our own code failed on these; the log says why. Read them by hand.") if stuck else _("None."),
        ),
        Figure(
            name=_("Alerts not delivered"),
            number=number(untold),
            tone=Tone.ACT if untold else Tone.DONE,
            note=_("Tried again until somebody is reached. Check the URLs in [alerts].") if untold else _("None."),
        ),
    )


def gap_views(gaps: Iterable[Gap], now: datetime) -> tuple[GapView, ...]:
    """Return the gaps in the order given."""
    return tuple(
        GapView(
            id=gap.id,
            where=f"{gap.account}, {gap.source}",
            why=tell(gap.why),
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
        return Chip(icon="check", word=_("Seen by {name}", name=gap.closed_by))
    if gap.closed_at is not None:
        return Chip(icon="check", word=_("Covered"), tone=Tone.DONE)
    if gap.until_at is not None:
        return Chip(icon="gap", word=_("Not covered"), tone=Tone.ACT)
    return Chip(icon="clock", word=_("Still missing"), tone=Tone.SOON)


_QUEUES = Said({"assess": N_("assess"), "decide": N_("decide"), "send": N_("send"), "tell": N_("tell")}, _)
_STATES = Said(
    {
        AccountState.ACTIVE: Chip(icon="check", word=N_("Active"), tone=Tone.DONE),
        AccountState.PAUSED: Chip(icon="pause", word=N_("Paused"), tone=Tone.SOON),
        AccountState.NEEDS_OPERATOR: Chip(icon="alert", word=N_("Needs the operator"), tone=Tone.ACT),
    },
    say_chip,
)


def _account_view(
    row: AccountRow, sources: list[SourceState], now: datetime, *, spent: Sequence[Spent], budget: Budget
) -> AccountView:
    because, cure = "", ""
    if row.state is AccountState.PAUSED:
        ago = words.ago(row.changed_at, now)
        because = _("By {name} {ago}", name=row.changed_by, ago=ago)
        if row.reason:
            because = _("By {name} {ago}: {reason}", name=row.changed_by, ago=ago, reason=row.reason)
        cure = _("People can still answer; nothing automatic is sent.")
    elif row.state is AccountState.NEEDS_OPERATOR:
        because = tell(row.reason) if row.reason else _("The platform turned us away.")
        cure = _("Mend it at the platform or in genlyd.toml, run “genlyd doctor”, then press Resume.")
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
    broken = ngettext("{n} unreadable", "{n} unreadable", source.unreadable)
    unreadable = Chip(icon="question", word=broken, tone=Tone.SOON)
    return SourceView(
        name=source.source,
        state=_source_state(source, now),
        fresh=_("never") if source.fresh_at is None else words.ago(source.fresh_at, now),
        fresh_at=None if source.fresh_at is None else words.moment(source.fresh_at, now),
        every=every(source.every_seconds),
        slow=_slow(source.slow_because),
        today=today_view(spent, source.source, now),
        heard=number(source.heard),
        gaps=gaps if source.open_gaps else None,
        unreadable=unreadable if source.unreadable else None,
        problem=tell(source.problem or ""),
        cure=_cure(source, now),
    )


def _slow(because: str | None) -> str:
    return _("Asked more slowly {because}.", because=tell(because)) if because else ""


def _source_state(source: SourceState, now: datetime) -> Chip:
    if source.problem:
        return Chip(icon="alert", word=_("In trouble"), tone=Tone.ACT)
    if source.fresh_at is None:
        return Chip(icon="clock", word=_("Not heard yet"))
    slack = timedelta(seconds=2 * (source.every_seconds or 0))
    if now - source.fresh_at > _SILENT + slack:
        return Chip(icon="alert", word=_("Silent"), tone=Tone.ACT)
    if now - source.fresh_at > _LATE + slack:
        return Chip(icon="clock", word=_("Late"), tone=Tone.SOON)
    return Chip(icon="check", word=_("Fresh"), tone=Tone.DONE)


def _cure(source: SourceState, now: datetime) -> str:
    if source.problem:
        said = _("Tried again by itself; what was missed is fetched when the platform answers.")
        if source.problem_at is None:
            return said
        last = _("The last try was {ago}.", ago=words.ago(source.problem_at, now))
        return f"{said} {last}"
    if source.open_gaps:
        return _("Part of the past could not be fetched. Look at the platform itself for that time.")
    if source.fresh_at is None or now - source.fresh_at > _SILENT:
        return _("Is the listener running? “genlyd doctor” says.")
    return ""
