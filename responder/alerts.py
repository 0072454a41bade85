"""People told, through Apprise: any of its URLs, each tried by itself, step by step of the ladder.

Owns delivery, the wait between tries, and nobody_told(). Refuses to decide who is told of what, and when:
`core.ladder` does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import apprise
from prometheus_client import Counter

from core.clock import Clock
from core.config import AlertsConfig, Config, Secret
from core.errors import ConfigError, Problem, StoreError
from core.ladder import Ladder, told_before
from core.sla import ALWAYS
from responder.telling import compose
from store.bell import Bell, Ring
from store.tellings import Telling, Tellings

log = logging.getLogger(__name__)

_told = Counter("genlyd_alerts_total", "Alerts by outcome", ["outcome"])

_DELIVER_SECONDS = 30.0
_HOLD = timedelta(seconds=90)
_SLOWEST_RETRY_SECONDS = 300.0

# Tells one target; returns whether it took it.
Target = Callable[[str, str], Awaitable[bool]]


def targets(config: AlertsConfig) -> tuple[list[Target], ...]:
    """Return each step's targets, one for each URL. Raises: ConfigError naming the URLs that Apprise cannot read."""
    problems: list[Problem] = []
    steps: list[list[Target]] = []
    for index, step in enumerate(config.steps, start=1 + len(config.ladder) - len(config.steps)):
        place = f"alerts.ladder[{index}].urls" if index else "alerts.urls"
        made: list[Target] = []
        for number, url in enumerate(step.urls, start=1):
            made_one = _target(url)
            if made_one is None:
                what = "Apprise cannot read this URL; see its list of services, for example json://host/path"
                problems.append(Problem(line=None, where=f"{place}[{number}]", what=what))
            else:
                made.append(made_one)
        steps.append(made)
    if problems:
        raise ConfigError(problems)
    return tuple(steps)


def nobody_told(config: Config) -> list[tuple[str, str]]:
    """Return where alerts end with nobody, each as what is wrong and what mends it."""
    steps = config.alerts.steps
    if not any(step.urls for step in steps):
        cure = 'set [alerts] urls = ["json://host/path"] or any other Apprise URL, or write a ladder'
        return [("nobody is told of escalations", cure)]
    faults: list[tuple[str, str]] = []
    if steps[-1].only_open and config.hours != ALWAYS:
        what = f"the ladder ends with {steps[-1].name!r}, who are reached in business hours only"
        faults.append(
            (what, 'give its last step hours = "always": somebody in danger at night is told to whoever it is')
        )
    return faults


def _target(url: Secret) -> Target | None:
    one = apprise.Apprise()
    if not one.add(url.reveal()):
        return None

    async def tell(title: str, body: str) -> bool:
        return bool(await one.async_notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT))

    return tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Everything telling needs. `targets` are those of each step of the ladder."""

    targets: tuple[list[Target], ...]
    ladder: Ladder
    link_hours: int
    dashboard_url: str
    tellings: Tellings
    bell: Bell
    clock: Clock

    async def run(self) -> None:
        """Tell people for ever. Each telling is tried until somebody took it."""
        if not any(self.targets):
            log.warning("nobody is told of escalations: set [alerts] urls in the config")
        is_reckoned = False
        while True:
            try:
                if not is_reckoned:
                    await self.tellings.reckon(self.ladder)
                    is_reckoned = True
                if not await self.tell_due():
                    await self.bell.done(Ring.TELL, await self.bell.wait(Ring.TELL, count=64, seconds=1.0))
            except* StoreError as failed:
                log.error("the database failed: alerts wait", extra={"error": str(failed.exceptions[0])})
                await self.clock.sleep(1.0)

    async def tell_due(self) -> int:
        """Group what is new, and tell whoever is due; return how many tellings were tried."""
        now = self.clock.now()
        await self.tellings.gather(self.ladder, at=now)
        until = now + timedelta(hours=self.link_hours)
        due = await self.tellings.claim_due(self.ladder, at=now, hold_until=now + _HOLD, links_until=until)
        # All at once: a target that hangs must not hold up the others beyond the time they are held.
        async with asyncio.TaskGroup() as deliveries:
            for telling in due:
                deliveries.create_task(self._deliver(telling))
        return len(due)

    async def _deliver(self, telling: Telling) -> None:
        # A ladder that grew shorter since tells whoever is last now.
        at = min(telling.step, len(self.targets) - 1)
        told = told_before(telling.group, self.ladder, at, telling.why)
        zone, now = self.ladder.hours.zone, self.clock.now()
        title, body = compose(telling, told=told, dashboard_url=self.dashboard_url, zone=zone, now=now)
        answers = await asyncio.gather(*(_try(target, telling, title, body) for target in self.targets[at]))
        failed = answers.count(False)
        fields = {"alert": telling.group.id, "telling": telling.id}
        if any(answers) or not self.targets[at]:
            if failed:
                log.error("an alert did not reach every target", extra={**fields, "failed": failed})
            await self.tellings.mark_delivered(telling, self.ladder, at=self.clock.now())
            _told.labels("delivered" if answers else "nobody to tell").inc()
            return
        wait = min(_SLOWEST_RETRY_SECONDS, 2.0 * 2.0 ** min(telling.attempts, 10))
        log.error("an alert reached nobody and is tried again", extra={**fields, "wait_seconds": wait})
        not_before = self.clock.now() + timedelta(seconds=wait)
        await self.tellings.mark_failed(telling, "no target took it", not_before=not_before)
        _told.labels("failed").inc()


async def _try(target: Target, telling: Telling, title: str, body: str) -> bool:
    try:
        async with asyncio.timeout(_DELIVER_SECONDS):
            return await target(title, body)
    except (TimeoutError, OSError, TypeError):
        # Apprise raises TypeError where an attachment or body is refused outright.
        log.warning("a target failed", extra={"alert": telling.group.id, "telling": telling.id})
        return False
