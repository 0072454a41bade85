"""What the operator chose, as frozen values.

Owns the shapes and the defaults. Refuses to read files or the environment: `app.config` does.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, tzinfo
from typing import Literal
from urllib.parse import urlsplit

from core.assessment import Intent, Language, Sentiment
from core.budget import DOLLAR, Budget
from core.post import Platform
from core.rights import Role
from core.sla import ALWAYS, Hours
from core.watch import Via, Watch


class Secret:
    """A credential. Prints as ***; only `reveal()` gives it away (I9)."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the credential itself. Call it only where it leaves for its platform."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConfig:
    """One identity of ours on one platform. `base_url` is where the platform is, when not at home.

    `recheck_seconds` is how soon a young post is looked up again, `rechecks_a_day` how many posts a day at most.
    `budget_a_month` is in US dollars, as platforms bill; `calls_a_day` counts calls of any kind.
    """

    name: str
    platform: Platform
    handle: str
    credentials: dict[str, Secret]
    base_url: str | None = None
    poll_seconds: float | None = None
    recheck_seconds: float | None = None
    rechecks_a_day: int | None = None
    budget_a_month: float | None = None
    calls_a_day: int | None = None
    signature: str = ""

    @property
    def budget(self) -> Budget:
        """What the account may spend."""
        money = None if self.budget_a_month is None else round(self.budget_a_month * DOLLAR)
        return Budget(money_a_month=money, calls_a_day=self.calls_a_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Two URLs and a folder. "embedded" is our own Valkey on a socket in the data folder.

    The URLs may hold passwords, so they never print (I9).
    """

    data: str = "data"
    database: str = field(default="sqlite:///data/genlyd.db", repr=False)
    redis: str = field(default="embedded", repr=False)
    retention_days: int = 365


_ONLY_HERE = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::")  # noqa: S104  (asked about, not bound to)


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardConfig:
    """Where the pages are served, and how long somebody stays signed in. `public_url` goes into alerts and deep links.

    `second_factor` are the roles that do not come in without one. `proxies` are believed when they say who is calling.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    secure_cookies: bool = False
    proxies: tuple[str, ...] = ()
    second_factor: frozenset[Role] = frozenset()
    session_hours: int = 12
    idle_minutes: int = 120

    @property
    def url(self) -> str:
        """The address people open, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def is_only_here(self) -> bool:
        """Whether nobody at another machine can open that address."""
        return urlsplit(self.url).hostname in _ONLY_HERE


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskConfig:
    """How people work together: how long what they approve can be taken back, and how much one of them has open."""

    hold_seconds: float = 15.0
    most_open: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcConfig:
    """A provider through which people sign in. Without `roles`, only those whom an administrator invited by e-mail.

    With them the provider decides: `role_claim` is what it sends, `roles` which of its words give which role.
    """

    issuer: str
    client_id: str
    client_secret: Secret
    label: str = ""
    role_claim: str = ""
    roles: tuple[tuple[Role, frozenset[str]], ...] = ()

    def role_of(self, words: frozenset[str]) -> Role | None:
        """Return the highest role that the provider's words give, None where they give none."""
        given = {role for role, names in self.roles if names & words}
        return next((role for role in reversed(Role) if role in given), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentConfig:
    """Which model reads. "shipped", or "hub:owner/name" or "hub:./folder" for any classifier."""

    model: str = "shipped"
    unsure_below: float = 0.5
    threads: int = 1


# The name of the one step that stands where none is configured.
PEOPLE = "people"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the ladder: who, and when they are reached. `only_open`: ordinary alerts wait for business hours."""

    name: str
    urls: tuple[Secret, ...] = ()
    after_minutes: int = 0
    only_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsConfig:
    """Whom to tell: Apprise URLs at once, then the steps of a ladder; and how often, and when.

    `awake` is when ordinary alerts are told, `link_hours` how long the link in an alert works.
    """

    urls: tuple[Secret, ...] = ()
    ladder: tuple[Step, ...] = ()
    repeat_after_minutes: int = 60
    gather_seconds: float = 90.0
    again_after_minutes: int = 60
    link_hours: int = 24
    awake: Hours = ALWAYS

    @property
    def steps(self) -> tuple[Step, ...]:
        """Everybody, in the order they are told: plain `urls` come first."""
        plain = (Step(name=PEOPLE, urls=self.urls),)
        return (*plain, *self.ladder) if self.urls or not self.ladder else self.ladder

    def with_urls(self, urls: tuple[Secret, ...]) -> "AlertsConfig":
        """Return the same with more to tell at once."""
        if self.urls or not self.ladder:
            return replace(self, urls=(*self.urls, *urls))
        first = replace(self.ladder[0], urls=(*self.ladder[0].urls, *urls))
        return replace(self, ladder=(first, *self.ladder[1:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyConfig:
    """How much may be said without a person, and when. A budget of 0 leaves everything to people.

    Past a budget, and in quiet hours, automatic replies become drafts; escalations go on. `account_at_once` is the
    crisis breaker's own: so many within five minutes, None where it is off.
    """

    account_per_hour: int = 200
    account_per_day: int = 2000
    author_per_hour: int = 2
    author_per_day: int = 4
    account_at_once: int | None = None
    same_text_per_hour: int = 25
    conversation_most: int = 2
    quiet_from: time | None = None
    quiet_until: time | None = None
    zone: tzinfo = UTC

    def is_quiet(self, at: datetime) -> bool:
        """Whether `at` lies in the quiet hours, which may run past midnight."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        local = at.astimezone(self.zone).time()
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= local < self.quiet_until
        return local >= self.quiet_from or local < self.quiet_until


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerConfig:
    """When the crisis breaker trips, and whom it wakes.

    `usual_per_hour` stands in until a day of the account's own past is known. `remind_after_minutes` is when people
    are told again, from the trip on, where no ladder says so. `statements` are holding texts by language, where the
    shipped ones will not do. `replies_at_once` leave within five minutes at most: what a storm can draw before it is
    told from a lively hour.
    """

    is_on: bool = True
    least_posts: int = 8
    campaign_times: float = 20.0
    usual_per_hour: float = 60.0
    replies_at_once: int = 15
    remind_after_minutes: tuple[int, ...] = (10, 30)
    statements: dict[Language, str] = field(default_factory=dict)


ReplyMode = Literal["automatic", "draft", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the house's policy. Every condition given must hold; the first rule that holds wins.

    `calls_a_person`: its escalations are told at once, whatever the hour. `due_in_hours`: its due time counts only
    business hours.
    """

    name: str
    reply: ReplyMode = "none"
    escalate: bool = False
    calls_a_person: bool = False
    due_minutes: int = 60
    due_in_hours: bool = False
    max_age_minutes: int = 60
    once_per_hours: int = 24
    via: frozenset[Via] = frozenset()
    platforms: frozenset[Platform] = frozenset()
    accounts: frozenset[str] = frozenset()
    languages: frozenset[Language] = frozenset()
    sentiments: frozenset[Sentiment] = frozenset()
    intents: frozenset[Intent] = frozenset()
    urgency_at_least: int = 0
    urgency_below: int = 101
    confidence_at_least: float = 0.0
    followers_at_least: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything the operator chose."""

    brand: str = "brand"
    language: Language = Language.EN
    accounts: tuple[AccountConfig, ...] = ()
    watches: tuple[Watch, ...] = ()
    rules: tuple[Rule, ...] = ()
    store: StoreConfig = field(default_factory=StoreConfig)
    dashboard: DashboardConfig = field(default_factory=DashboardConfig)
    desk: DeskConfig = field(default_factory=DeskConfig)
    oidc: OidcConfig | None = None
    sentiment: SentimentConfig = field(default_factory=SentimentConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    safety: SafetyConfig = field(default_factory=SafetyConfig)
    breaker: BreakerConfig = field(default_factory=BreakerConfig)
    hours: Hours = ALWAYS
