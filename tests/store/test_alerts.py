"""Alerts are rows: claimed by one, tried until delivered, never lost."""

import asyncio
from datetime import timedelta

import pytest

from core.decision import Notice
from store.alerts import Alerts
from store.database import Database
from tests.builders import NOW

HOLD = timedelta(seconds=90)
NOTICE = Notice(kind="operator", title="x-main needs you", body="sign in again")


@pytest.fixture
def alerts(database: Database) -> Alerts:
    return Alerts(database)


async def test_an_alert_comes_as_it_was_written(alerts: Alerts) -> None:
    await alerts.queue(NOTICE, at=NOW)
    (alert,) = await alerts.claim_due(at=NOW, hold_until=NOW + HOLD)
    assert (alert.kind, alert.title, alert.body, alert.conversation_id) == (
        "operator",
        NOTICE.title,
        NOTICE.body,
        None,
    )
    assert alert.attempts == 1


async def test_concurrent_claimers_never_get_the_same_alert(alerts: Alerts) -> None:
    for _ in range(20):
        await alerts.queue(NOTICE, at=NOW)
    claims = await asyncio.gather(*(alerts.claim_due(at=NOW, hold_until=NOW + HOLD, limit=6) for _ in range(5)))
    ids = [alert.id for claim in claims for alert in claim]
    assert len(ids) == len(set(ids))
    rest = await alerts.claim_due(at=NOW, hold_until=NOW + HOLD, limit=20)
    assert len(ids) + len(rest) == 20


async def test_an_alert_whose_teller_was_lost_is_claimed_again_after_the_hold(alerts: Alerts) -> None:
    await alerts.queue(NOTICE, at=NOW)
    await alerts.claim_due(at=NOW, hold_until=NOW + HOLD)
    assert await alerts.claim_due(at=NOW + HOLD / 2, hold_until=NOW + HOLD) == []
    (again,) = await alerts.claim_due(at=NOW + HOLD, hold_until=NOW + 2 * HOLD)
    assert again.attempts == 2


async def test_a_failed_alert_comes_back_when_it_is_due_and_a_delivered_one_never(alerts: Alerts) -> None:
    await alerts.queue(NOTICE, at=NOW)
    (alert,) = await alerts.claim_due(at=NOW, hold_until=NOW + HOLD)
    await alerts.mark_failed(alert, "no target took it", not_before=NOW + timedelta(seconds=4))
    assert await alerts.claim_due(at=NOW + timedelta(seconds=3), hold_until=NOW + HOLD) == []
    (alert,) = await alerts.claim_due(at=NOW + timedelta(seconds=4), hold_until=NOW + HOLD)
    await alerts.mark_delivered(alert, at=NOW)
    assert await alerts.claim_due(at=NOW + timedelta(days=1), hold_until=NOW + timedelta(days=2)) == []
    assert await alerts.count_by_state() == {"delivered": 1}
