"""A storm and what is known of it: the tempo of mentions, our own conduct, and the incident they open.

Owns the words that responder, store and dashboard share about the crisis breaker, and tempo(). Refuses to decide:
`responder.breaker` does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.assessment import Intent, Language, Sentiment


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One recent mention, as the breaker sees it. `mood` is None until it is read."""

    post_id: int
    at: datetime
    author_id: int
    text: str
    matched: str = ""
    mood: Sentiment | None = None
    intents: tuple[Intent, ...] = ()
    is_summons: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """How many mentions one full hour of the past brought, and how many of them were negative."""

    at: datetime
    heard: int
    negative: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """What we ourselves did in the last hour: automatic replies only.

    `arrivals` counts a day and an hour, for a reply may be that much younger than its post, and no further than `sent`.
    `answered` are the authors whom we sent something, of those who ask whether a robot answers.
    """

    sent: int = 0
    refused: int = 0
    opt_outs: int = 0
    arrivals: int = 0
    answered: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure of an incident, in words: what, how many, and what is usual."""

    name: str
    number: str
    usual: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """Why the breaker trips: reasons and figures for a person, and the posts that are the evidence.

    `topic` is what the storm is about, where the account as a whole is calm.
    """

    reasons: tuple[str, ...]
    measures: tuple[Measure, ...]
    post_ids: tuple[int, ...] = ()
    topic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A storm around one account. While it is open the account speaks in drafts only.

    `statements` are the holding texts by language; they stand in drafts once a person approved them. `heard_per_minute`
    and `negative_per_minute` are the tempo at which a person reset it: for a while that counts as usual.
    """

    id: int
    account: str
    opened_at: datetime
    reasons: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    statements: Mapping[Language, str] = field(default_factory=dict)
    version: int = 1
    taken_by: str | None = None
    taken_at: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    heard_per_minute: float = 0.0
    negative_per_minute: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the account still speaks in drafts only."""
        return self.closed_at is None


def tempo(arrivals: Iterable[Arrival], *, now: datetime, minutes: int = 5) -> tuple[float, float]:
    """Return the posts a minute of late, and the negative ones."""
    within = [one for one in arrivals if one.at > now - timedelta(minutes=minutes)]
    return len(within) / minutes, sum(one.mood is Sentiment.NEGATIVE for one in within) / minutes
