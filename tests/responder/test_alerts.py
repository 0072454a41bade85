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
from core.config import AlertsConfig, Config, Secret, Step
from core.decision import Notice
from core.errors import ConfigError
from core.ladder import ladder_of
from responder.alerts import Teller, targets
from store import tables as t
from store.alerts import Alerts
from store.bell import Bell
from store.database import Database
from store.tellings import Tellings
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


def _teller(alerts: Alerts, bell: Bell, clock: ManualClock, config: AlertsConfig) -> Teller:
    return Teller(
        targets=targets(config),
        ladder=ladder_of(Config(alerts=config)),
        link_hours=24,
        dashboard_url="https://desk",
        tellings=Tellings(alerts._db),
        bell=bell,
        clock=clock,
    )


@contextlib.asynccontextmanager
async def _telling(alerts: Alerts, bell: Bell, clock: ManualClock, *urls: str) -> AsyncIterator[None]:
    teller = _teller(alerts, bell, clock, AlertsConfig(urls=tuple(Secret(url) for url in urls)))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(teller.run())
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
    assert told["title"] == NOTICE.title
    assert told["message"].startswith(f"{NOTICE.body}\n\nI am on it: https://desk/alert/")


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


async def test_alerts_of_several_accounts_all_arrive(
    alerts: Alerts, hook: Hook, bell: Bell, clock: ManualClock
) -> None:
    for number in range(5):
        await alerts.queue(Notice(kind="k", title=f"t{number}", body="b", account=f"x-{number}"), at=NOW)
    hook.first = [500]
    async with _telling(alerts, bell, clock, hook.url):
        await _until_delivered(alerts, clock, count=6)
    assert sorted(told["title"] for told in hook.told) == ["Urgency 90 on x-main", *(f"t{n}" for n in range(5))]


async def test_many_of_one_account_are_one_alert_that_quotes_the_most_urgent_and_lists_the_next(
    alerts: Alerts, hook: Hook, bell: Bell, clock: ManualClock
) -> None:
    async with _telling(alerts, bell, clock, hook.url):
        await _until_delivered(alerts, clock)
        for number in range(9):
            title, body = f"Urgency {50 + number} on x-main", f"post number {number}"
            await alerts.queue(Notice(kind="escalation", title=title, body=body, urgency=50 + number), at=NOW)
        await _until_delivered(alerts, clock, count=10)
    _, more = hook.told
    assert more["title"] == "9 more on the house, up to urgency 58"
    assert more["message"].startswith("post number 8\n\n- Urgency 57 on x-main\n")
    assert "- and 3 more: the link below lists all\n- told before, and nobody has them yet: 1" in more["message"]
    assert "post number 7" not in more["message"]


async def test_each_step_has_its_own_targets_and_says_who_was_told_before(
    alerts: Alerts, hook: Hook, mailbox: Mailbox, bell: Bell, clock: ManualClock
) -> None:
    steps = (
        Step(name="agent", urls=(Secret(mailbox.url),)),
        Step(name="on-call", urls=(Secret(hook.url),), after_minutes=10),
    )
    teller = _teller(alerts, bell, clock, AlertsConfig(ladder=steps))
    assert await teller.tell_due() == 1
    await clock.advance(599)
    assert await teller.tell_due() == 0
    await clock.advance(1)
    assert await teller.tell_due() == 1
    assert (len(mailbox.letters), len(hook.told)) == (1, 1)
    assert hook.told[0]["title"] == "Nobody has it yet: Urgency 90 on x-main"
    assert hook.told[0]["message"].startswith("Told to agent since 12:00, and nobody has said they are on it.\n\n@åse")


async def test_what_began_on_another_day_is_told_with_its_date(
    alerts: Alerts, hook: Hook, bell: Bell, clock: ManualClock
) -> None:
    steps = (Step(name="agent", urls=(Secret(hook.url),)),)
    teller = _teller(alerts, bell, clock, AlertsConfig(ladder=steps))
    await teller.tell_due()
    began = clock.now()
    for _ in range(30):
        await clock.advance(3600)
        await teller.tell_due()
    assert hook.told[-1]["message"].startswith(f"Told to agent since {began:%Y-%m-%d %H:%M}, and nobody")


async def test_a_step_that_cannot_be_reached_does_not_keep_the_next_from_being_told(
    alerts: Alerts, hook: Hook, bell: Bell, clock: ManualClock
) -> None:
    steps = (
        Step(name="agent", urls=(Secret(NOBODY),)),
        Step(name="on-call", urls=(Secret(hook.url),), after_minutes=10),
    )
    teller = _teller(alerts, bell, clock, AlertsConfig(ladder=steps))
    for _ in range(20):
        await teller.tell_due()
        await clock.advance(60)
    assert len(hook.told) == 1
    assert await teller.tellings.count_by_state() == {"pending": 1, "delivered": 1}


def test_every_url_apprise_cannot_read_is_named_by_its_number_and_never_by_its_text() -> None:
    urls = tuple(Secret(url) for url in ("json://localhost/a", "nonsense://hemmelig", "also hemmelig"))
    with pytest.raises(ConfigError) as caught:
        targets(AlertsConfig(urls=urls))
    assert [problem.where for problem in caught.value.problems] == ["alerts.urls[2]", "alerts.urls[3]"]
    assert "hemmelig" not in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        targets(AlertsConfig(ladder=(Step(name="one", urls=urls[:1]), Step(name="two", urls=urls[1:2]))))
    assert [problem.where for problem in caught.value.problems] == ["alerts.ladder[2].urls[1]"]
    with pytest.raises(ConfigError) as caught:
        targets(AlertsConfig(urls=urls[:2], ladder=(Step(name="one", urls=urls[2:]),)))
    assert [problem.where for problem in caught.value.problems] == ["alerts.urls[2]", "alerts.ladder[1].urls[1]"]


async def _attempts(alerts: Alerts) -> int:
    async with alerts._db.read() as connection:
        return int((await connection.execute(select(t.tellings.c.attempts))).scalar_one_or_none() or 0)
