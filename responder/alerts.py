"""People told, through Apprise: any of its URLs, each tried by itself.

Owns delivery and the wait between tries. Refuses to decide who is told of what.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import apprise
from prometheus_client import Counter

from core.clock import Clock
from core.config import AlertsConfig, Secret
from core.errors import ConfigError, Problem, StoreError
from store.alerts import Alert, Alerts
from store.bell import Bell, Ring

log = logging.getLogger(__name__)

_told = Counter("genlyd_alerts_total", "Alerts by outcome", ["outcome"])

_DELIVER_SECONDS = 30.0
_HOLD = timedelta(seconds=90)
_SLOWEST_RETRY_SECONDS = 300.0

# Tells one target; returns whether it took it.
Target = Callable[[str, str], Awaitable[bool]]


def targets(config: AlertsConfig) -> list[Target]:
    """Return one target for each URL. Raises: ConfigError naming the URLs that Apprise cannot read."""
    problems: list[Problem] = []
    made: list[Target] = []
    for number, url in enumerate(config.urls, start=1):
        made_one = _target(url)
        if made_one is None:
            what = "Apprise cannot read this URL; see its list of services, for example json://host/path"
            problems.append(Problem(line=None, where=f"alerts.urls[{number}]", what=what))
        else:
            made.append(made_one)
    if problems:
        raise ConfigError(problems)
    return made


def _target(url: Secret) -> Target | None:
    one = apprise.Apprise()
    if not one.add(url.reveal()):
        return None

    async def tell(title: str, body: str) -> bool:
        return bool(await one.async_notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT))

    return tell


async def run_alerts(told: list[Target], alerts: Alerts, bell: Bell, clock: Clock) -> None:
    """Deliver alerts for ever. Each is tried until somebody took it."""
    if not told:
        log.warning("nobody is told of escalations: set [alerts] urls in the config")
    while True:
        try:
            due = await alerts.claim_due(at=clock.now(), hold_until=clock.now() + _HOLD)
            # All at once: a target that hangs must not hold up the others beyond the time they are held.
            async with asyncio.TaskGroup() as deliveries:
                for alert in due:
                    deliveries.create_task(_deliver(alert, told, alerts, clock))
            if not due:
                await bell.done(Ring.TELL, await bell.wait(Ring.TELL, count=64, seconds=1.0))
        except* StoreError as failed:
            log.error("the database failed: alerts wait", extra={"error": str(failed.exceptions[0])})
            await clock.sleep(1.0)


async def _deliver(alert: Alert, told: list[Target], alerts: Alerts, clock: Clock) -> None:
    answers = await asyncio.gather(*(_try(target, alert) for target in told))
    failed = answers.count(False)
    if any(answers) or not told:
        if failed:
            log.error("an alert did not reach every target", extra={"alert": alert.id, "failed": failed})
        await alerts.mark_delivered(alert, at=clock.now())
        _told.labels("delivered" if told else "nobody to tell").inc()
        return
    wait = min(_SLOWEST_RETRY_SECONDS, 2.0 * 2.0 ** min(alert.attempts, 10))
    log.error("an alert reached nobody and is tried again", extra={"alert": alert.id, "wait_seconds": wait})
    await alerts.mark_failed(alert, "no target took it", not_before=clock.now() + timedelta(seconds=wait))
    _told.labels("failed").inc()


async def _try(target: Target, alert: Alert) -> bool:
    try:
        async with asyncio.timeout(_DELIVER_SECONDS):
            return await target(alert.title, alert.body)
    except (TimeoutError, OSError, TypeError):
        # Apprise raises TypeError where an attachment or body is refused outright.
        log.warning("a target failed", extra={"alert": alert.id})
        return False
