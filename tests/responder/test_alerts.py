"""People told through real servers: a dead target delays an alert, and never loses it."""

import asyncio
import contextlib
import email
import email.policy
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from sqlalchemy import select

from core.clock import ManualClock
from core.config import AlertsConfig, Secret
from core.decision import Notice
from core.errors import ConfigError
from responder.alerts import run_alerts, targets
from store import tables as t
from store.alerts import Alerts
from store.bell import Bell
from store.database import Database
from tests.builders import NOW

# Apprise reads a module of the standard library that Python 3.13 drops.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOTICE = Notice(
    kind="escalation",
    title="Urgency 90 on x-main",
    body="@åse on x (mention):\nintet net i Ålborg 💙\n\nPost: https://x",
)
NOBODY = "json://127.0.0.1:1/hook"


@dataclass
class Hook:
    """A webhook server: the statuses it answers first, then 200; and what it was told."""

    url: str = ""
    first: list[int] = field(default_factory=list)
    asked: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.first:
            return web.Response(status=self.first.pop(0))
        self.told.append(json.loads(await request.text()))
        return web.Response()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    """Every status a test writes down must have been given when it ends."""
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    hook.url = f"json://{host}:{port}/hook"
    yield hook
    await runner.cleanup()
    assert hook.first == []


@dataclass
class Mailbox:
    """An SMTP server's letters."""

    url: str = ""
    letters: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        self.letters.append(envelope.content)
        return "250 OK"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    box.url = f"mailto://127.0.0.1:{port}?from=genlyd@example.com&to=kari@example.com&mode=insecure"
    async with server:
        yield box


@pytest.fixture
async def alerts(database: Database) -> Alerts:
    queued = Alerts(database)
    await queued.queue(NOTICE, at=NOW)
    return queued


@contextlib.asynccontextmanager
async def _telling(alerts: Alerts, bell: Bell, clock: ManualClock, *urls: str) -> AsyncIterator[None]:
    told = targets(AlertsConfig(urls=tuple(Secret(url) for url in urls)))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_alerts(told, alerts, bell, clock))
        async with asyncio.timeout(20):
            yield
        running.cancel()


async def _until_delivered(alerts: Alerts, clock: ManualClock, *, count: int = 1) -> None:
    while (await alerts.count_by_state()).get("delivered", 0) < count:
        await clock.advance(1)
        await asyncio.sleep(0.02)


async def test_a_webhook_is_told_the_title_and_the_whole_body(
    alerts: Alerts, hook: Hook, bell: Bell, clock: ManualClock
) -> None:
    async with _telling(alerts, bell, clock, hook.url):
        await _until_delivered(alerts, clock)
    (told,) = hook.told
    assert (told["title"], told["message"]) == (NOTICE.title, NOTICE.body)


async def test_a_letter_comes_with_its_words_and_letters_whole(
    alerts: Alerts, mailbox: Mailbox, bell: Bell, clock: ManualClock
) -> None:
    async with _telling(alerts, bell, clock, mailbox.url):
        await _until_delivered(alerts, clock)
    (raw,) = mailbox.letters
    letter = email.message_from_bytes(raw, policy=email.policy.default)
    assert (letter["Subject"], "kari@example.com" in letter["To"]) == (NOTICE.title, True)
    body = letter.get_body(preferencelist=("plain",))
    assert body is not None
    assert "intet net i Ålborg 💙" in body.get_content()


async def test_a_target_that_answers_500_is_tried_again_until_it_takes_it(
    alerts: Alerts, hook: Hook, bell: Bell, clock: ManualClock
) -> None:
    hook.first = [500, 503]
    async with _telling(alerts, bell, clock, hook.url):
        await _until_delivered(alerts, clock)
    assert (hook.asked, len(hook.told)) == (3, 1)


async def test_an_alert_waits_for_its_turn_and_is_not_hammered(
    alerts: Alerts, hook: Hook, bell: Bell, clock: ManualClock
) -> None:
    hook.first = [500]
    async with _telling(alerts, bell, clock, hook.url):
        while not hook.asked:
            await clock.advance(0)
            await asyncio.sleep(0.02)
        await asyncio.sleep(1.2)  # the loop goes round, time does not
        assert hook.asked == 1
        await _until_delivered(alerts, clock)
    assert hook.asked == 2


async def test_one_dead_target_does_not_keep_the_living_one_from_being_told(
    alerts: Alerts, hook: Hook, mailbox: Mailbox, bell: Bell, clock: ManualClock
) -> None:
    async with _telling(alerts, bell, clock, NOBODY, hook.url, mailbox.url):
        await _until_delivered(alerts, clock)
    assert (len(hook.told), len(mailbox.letters)) == (1, 1)


async def test_where_everybody_is_dead_the_alert_stays_and_comes_with_the_next_start(
    alerts: Alerts, hook: Hook, bell: Bell, clock: ManualClock
) -> None:
    async with _telling(alerts, bell, clock, NOBODY):
        while (await _attempts(alerts)) < 2:
            await clock.advance(1)
            await asyncio.sleep(0.02)
    assert await alerts.count_by_state() == {"pending": 1}
    await clock.advance(600)
    async with _telling(alerts, bell, clock, NOBODY, hook.url):
        await _until_delivered(alerts, clock)
    assert len(hook.told) == 1


async def test_with_nobody_to_tell_alerts_do_not_pile_up(alerts: Alerts, bell: Bell, clock: ManualClock) -> None:
    async with _telling(alerts, bell, clock):
        await _until_delivered(alerts, clock)


async def test_several_alerts_all_arrive(alerts: Alerts, hook: Hook, bell: Bell, clock: ManualClock) -> None:
    for number in range(5):
        await alerts.queue(Notice(kind="k", title=f"t{number}", body="b"), at=NOW)
    hook.first = [500]
    async with _telling(alerts, bell, clock, hook.url):
        await _until_delivered(alerts, clock, count=6)
    assert sorted(told["title"] for told in hook.told) == ["Urgency 90 on x-main", *(f"t{n}" for n in range(5))]


def test_every_url_apprise_cannot_read_is_named_by_its_number_and_never_by_its_text() -> None:
    urls = tuple(Secret(url) for url in ("json://localhost/a", "nonsense://hemmelig", "also hemmelig"))
    with pytest.raises(ConfigError) as caught:
        targets(AlertsConfig(urls=urls))
    assert [problem.where for problem in caught.value.problems] == ["alerts.urls[2]", "alerts.urls[3]"]
    assert "hemmelig" not in str(caught.value)


async def _attempts(alerts: Alerts) -> int:
    async with alerts._db.read() as connection:
        return int((await connection.execute(select(t.alerts.c.attempts))).scalar_one())
