"""Watching for storms: look > judge > open one incident, whose alert climbs the ladder until somebody has it.

Owns the looking, what people are told, and the holding statements of a new incident. Refuses to judge: `breaker` does;
and to close an incident: a person does. Any number of processes may watch: the database lets one of them trip.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from prometheus_client import Counter

from core.assessment import Intent, Language
from core.clock import Clock
from core.config import BreakerConfig
from core.decision import INCIDENT, Notice
from core.errors import ConfigError, Problem, StoreError
from core.incident import Arrival, Conduct, Incident, Trip
from responder.breaker import LOOK_BACK, judge
from responder.usual import HISTORY, Usual, usual_for
from store.bell import Bell, Ring
from store.incidents import Incidents
from store.tempo import MOST_ARRIVALS, Tempo

log = logging.getLogger(__name__)

_trips = Counter("genlyd_breaker_trips_total", "Incidents opened by the crisis breaker", ["account"])

FOLDER = Path(__file__).parent / "statements"
LANGUAGES = (Language.DA, Language.SV, Language.NB, Language.EN)
LOOK_SECONDS = 3.0
# Deciding looks first, but not for each post of a lively minute; and a fortieth of the time at most is spent on it.
_FRESH = timedelta(seconds=0.5)
_SHARE = 40
_HOUR = timedelta(hours=1)


@dataclass(kw_only=True)
class Watchman:
    """Everything watching needs. It remembers what is usual for an hour, and when it looked last."""

    accounts: Sequence[str]
    config: BreakerConfig
    statements: Mapping[Language, str]
    dashboard_url: str
    tempo: Tempo
    incidents: Incidents
    bell: Bell
    clock: Clock
    _usual: dict[str, tuple[datetime, int, Usual]] = field(default_factory=dict)
    _look_again_at: datetime | None = None

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            try:
                await self.look()
                await self.count_hours()
            except StoreError as err:
                log.error("the database failed: nobody watches for storms", extra={"error": str(err)})
            await self.clock.sleep(LOOK_SECONDS)

    async def look_first(self) -> None:
        """Look before posts are decided, so that the newest of them count. Does nothing right after a look.

        What we did ourselves within the hour is left to the looks every few seconds.
        """
        if self._look_again_at is None or self.clock.now() >= self._look_again_at:
            await self.look(at_conduct=False)

    async def look(self, *, at_conduct: bool = True) -> list[Incident]:
        """Look at each account that has not tripped; return the incidents opened."""
        if not self.config.is_on:
            return []
        began = self.clock.now()
        past = await self.incidents.lately(since=began - HISTORY)
        made = [await self._look_at(account, past.get(account, []), at_conduct) for account in self.accounts]
        took = self.clock.now() - began
        self._look_again_at = began + max(_FRESH, _SHARE * took)
        return [incident for incident in made if incident is not None]

    async def count_hours(self) -> None:
        """Count the hours that are over, so that what is usual is known."""
        now = self.clock.now()
        for account in self.accounts:
            await self.tempo.count_hours(account, since=now - HISTORY, now=now)

    async def _look_at(self, account: str, past: Sequence[Incident], at_conduct: bool) -> Incident | None:
        now, last = self.clock.now(), past[-1] if past else None
        if last is not None and last.is_open:
            return None
        reset_at = last.closed_at if last else None
        # What a person has seen and set aside is no evidence any more.
        arrivals = await self.tempo.arrivals(account, since=max(filter(None, (now - LOOK_BACK, reset_at))))
        conduct = Conduct()
        if at_conduct:
            asking = {one.author_id for one in arrivals if Intent.PERSON in one.intents}
            since = max(filter(None, (now - _HOUR, reset_at)))
            conduct = await self.tempo.conduct(account, since=since, now=now, asking=asking)
        if not arrivals and conduct == Conduct():
            return None
        usual = await self._usual_of(account, past, now)
        known_since = arrivals[-1].at if len(arrivals) == MOST_ARRIVALS else None
        trip = judge(arrivals, usual, conduct, self.config, now=now, known_since=known_since)
        return await self._trip(account, trip, now) if trip is not None else None

    async def _usual_of(self, account: str, past: Sequence[Incident], now: datetime) -> Usual:
        """What is usual, asked anew each hour and after each reset."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        known = self._usual.get(account)
        if known is not None and known[:2] == (hour, len(past)):
            return known[2]
        hours = await self.tempo.hours(account, since=now - HISTORY)
        calm = [one for one in hours if not any(_overlap(one.at, incident) for incident in past)]
        # What a storm that just begins is about must not become usual.
        sample = await self.tempo.sample(account, since=now - HISTORY, before=now - _HOUR)
        ordinary = [one for one in sample if not any(_during(one, incident) for incident in past)]
        usual = usual_for(calm, now, self.config, past[-1] if past else None, ordinary)
        self._usual[account] = (hour, len(past), usual)
        return usual

    async def _trip(self, account: str, trip: Trip, now: datetime) -> Incident | None:
        opened = await self.incidents.trip(
            account, trip, statements=self.statements, notice=self._notice(account, trip), at=now
        )
        if opened is not None:
            _trips.labels(account).inc()
            log.error("the crisis breaker tripped", extra={"account": account, "incident": opened.id})
            await self.bell.ring(Ring.TELL, [0])
            await self.bell.announce()
        return opened

    def _notice(self, account: str, trip: Trip) -> Notice:
        lines = (
            *(f"- {reason}" for reason in trip.reasons),
            "",
            "Nothing automatic is sent from this account until a person resets it.",
            "Posts of the storm are listed there and not told one by one; danger to somebody still is.",
            "A holding statement waits for approval.",
            f"Incident: {self.dashboard_url}/incidents",
        )
        about = f" about {trip.topic}" if trip.topic else ""
        title = f"Storm on {account}{about}: drafts only"
        return Notice(kind=INCIDENT, title=title, body="\n".join(lines), account=account)


def load_statements(config: BreakerConfig, folder: Path = FOLDER) -> dict[Language, str]:
    """Return the holding texts: the configured ones, else the shipped ones. Raises: ConfigError where one is empty."""
    texts: dict[Language, str] = {}
    for language in LANGUAGES:
        file = folder / f"{language}.txt"
        text = config.statements.get(language) or (file.read_text(encoding="utf-8") if file.exists() else "")
        if not text.strip():
            raise ConfigError([Problem(line=None, where=str(file), what="is missing or empty: write one sentence")])
        texts[language] = text.strip()
    return texts


def _during(one: Arrival, incident: Incident) -> bool:
    return one.at > incident.opened_at - _HOUR and (incident.closed_at is None or one.at < incident.closed_at)


def _overlap(hour: datetime, incident: Incident) -> bool:
    return hour + _HOUR > incident.opened_at and (incident.closed_at is None or hour < incident.closed_at)
