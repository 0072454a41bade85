"""A storm told through real webhooks and a real page: a handful of alerts, none lost, and one click ends it.

Time is turned by hand; the database, the webhooks and the dashboard are real. What is angry is said, not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp import web

from app.calendars import Holidays
from core.assessment import Intent, Language
from core.clock import ManualClock
from core.config import AccountConfig, AlertsConfig, Config, DashboardConfig, Secret, Step
from core.ladder import ladder_of
from core.post import Platform
from core.sla import Hours, Span
from dashboard.server import build_app
from responder import draft
from responder.alerts import Teller, targets
from responder.rules import DEFAULT_RULES
from responder.worker import Desk
from store.accounts import Accounts
from store.alerts import Alerts
from store.bell import Bell
from store.database import Database, open_database
from store.decisions import Decisions
from store.posts import Posts
from store.tellings import Tellings
from tests.builders import a_mention, a_post, an_assessment, an_author, some_progress
from tests.conftest import ROOT

# Apprise reads a module of the standard library that Python 3.13 drops.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

CPH = ZoneInfo("Europe/Copenhagen")
FRIDAY = datetime(2026, 11, 20, 10, 0, tzinfo=CPH)
NAMES = {"agent": 0, "team": 10, "supervisor": 20, "on-call": 40}
OFFICE = Hours(
    week=((Span(start=8 * 60, end=16 * 60),),) * 5 + ((), ()), holidays=Holidays(countries=("DK", "SE")), zone=CPH
)
TEMPLATES = draft.load(brand="Fjordnet", house_language=Language.DA, signatures={})
AWAKE = Hours(week=((Span(start=7 * 60, end=22 * 60),),) * 7, zone=CPH)


@dataclass
class Brand:
    """One brand, and all around its alerts: what is written to it, who is told, and the page behind the links."""

    database: Database
    clock: ManualClock
    bell: Bell
    url: str
    http: aiohttp.ClientSession
    told: list[dict[str, Any]] = field(default_factory=list)
    held: asyncio.Event | None = None
    config: Config = field(default_factory=Config)
    written: int = 0

    @property
    def teller(self) -> Teller:
        """A teller as a process makes one at its start."""
        return Teller(
            targets=targets(self.config.alerts),
            ladder=ladder_of(self.config),
            link_hours=48,
            dashboard_url=self.url,
            tellings=Tellings(self.database),
            bell=self.bell,
            clock=self.clock,
        )

    async def angry(self, count: int, **changes: Any) -> list[int]:
        """Each from an author of its own. Returns the conversations."""
        numbers = range(self.written, self.written + count)
        self.written += count
        now = self.clock.now()
        mentions = [
            a_mention(post=a_post(str(10_000 + number), posted_at=now, author=an_author(str(number))))
            for number in numbers
        ]
        ids = list((await Posts(self.database).save_batch(mentions, some_progress(), at=now)).ids)
        said = an_assessment(**{"urgency": 60, **changes})
        await Posts(self.database).save_assessments([(post_id, said) for post_id in ids], at=now)
        desk = Desk(rules=DEFAULT_RULES, templates=TEMPLATES, dashboard_url=self.url,
                    hours=self.config.hours)  # fmt: skip
        decisions = Decisions(self.database, repeat_alert_after=timedelta(hours=1))
        plans = await decisions.decide_all(ids, desk.plan, at=now)
        assert all(plan.notice is not None for plan in plans.values())
        return ids

    async def live(self, seconds: float, *, every: float = 6.0) -> None:
        """Let time pass; the teller looks every few seconds, two of them in two processes."""
        tellers, left = (self.teller, self.teller), seconds
        while left > 0:
            await asyncio.gather(*(teller.tell_due() for teller in tellers))
            await self.clock.advance(min(every, left))
            left -= every
        await asyncio.gather(*(teller.tell_due() for teller in tellers))

    async def click(self, message: str) -> str:
        """Open the link of an alert, and press its one button. Returns the page after it."""
        async with self.http.get(_link(message)) as response:
            seen = re.search(r'name="seen" value="(\d+)"', await response.text())
        assert seen is not None
        async with self.http.post(_link(message), data={"seen": seen[1]}) as response:
            assert response.status == 200
            return await response.text()

    async def listed(self) -> set[int]:
        """The conversations that the alerts told of, in their words or on the pages they link to."""
        found: set[int] = set()
        for told in self.told:
            page, path = str(told["message"]), _link(str(told["message"]))
            while page:
                found |= {int(number) for number in re.findall(r"/conversations/(\d+)", page)}
                async with self.http.get(path) as response:
                    text = await response.text()
                found |= {int(number) for number in re.findall(r"/conversations/(\d+)", text)}
                more = re.search(r'href="(/alert/[^"]+\?after=\d+)"', text)
                page, path = (text, self.url + more[1]) if more else ("", "")
        return found


def _link(message: str) -> str:
    found = re.search(r"I am on it: (\S+)", message)
    assert found is not None, message
    return found[1]


@pytest.fixture
async def brand(tmp_path: Path) -> AsyncIterator[Brand]:
    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    clock = ManualClock(FRIDAY)
    account = AccountConfig(name="x-main", platform=Platform.X, handle="Fjordnet", credentials={})
    await Accounts(database).enrol([account], at=FRIDAY - timedelta(days=1))
    bell = Bell.open(f"unix://{tmp_path}/nobody.sock", consumer="test")

    async def ready() -> dict[str, str]:
        return {}

    app = build_app(database=database, bell=bell, clock=clock, config=Config(), readiness=ready)
    async with aiohttp.ClientSession() as http:
        made = Brand(database=database, clock=clock, bell=bell, url="", http=http)

        async def take(request: web.Request) -> web.Response:
            told = await request.json()
            made.told.append({**told, "step": request.match_info["step"], "at": clock.now()})
            if made.held is not None:
                made.held.set()
                await asyncio.sleep(60)
            return web.Response()

        outer = web.Application()
        outer.router.add_post("/hook/{step}", take)
        hooks, pages = web.AppRunner(outer, shutdown_timeout=0.1), web.AppRunner(app, shutdown_timeout=0.1)
        for runner in (hooks, pages):
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = hooks.addresses[0][:2]
        ladder = tuple(
            Step(name=name, urls=(Secret(f"json://{host}:{port}/hook/{name}"),), after_minutes=at)
            for name, at in NAMES.items()
        )
        made.url = "http://{}:{}".format(*pages.addresses[0][:2])
        made.config = Config(
            alerts=AlertsConfig(ladder=ladder, again_after_minutes=0),
            hours=Hours(zone=CPH),
            dashboard=DashboardConfig(public_url=made.url),
        )
        yield made
        await hooks.cleanup()
        await pages.cleanup()
    await bell.close()
    await database.close()


def _alerts(brand: Brand, **changes: Any) -> None:
    """Change how people are told, but not whom."""
    hours = changes.pop("hours", brand.config.hours)
    brand.config = replace(brand.config, alerts=replace(brand.config.alerts, **changes), hours=hours)


async def _storm(brand: Brand, posts: int = 1000, *, every_seconds: float = 12.0) -> None:
    """So many angry posts within ten minutes."""
    batches = int(600 / every_seconds)
    for _ in range(batches):
        await brand.angry(posts // batches)
        await brand.live(every_seconds)


async def test_a_thousand_angry_posts_in_ten_minutes_are_at_most_twelve_alerts_and_none_is_lost(brand: Brand) -> None:
    start = brand.clock.now()
    await _storm(brand)
    await brand.live(3600, every=30)
    assert 4 <= len(brand.told) <= 12, [told["title"] for told in brand.told]
    reached = {told["step"]: (told["at"] - start).total_seconds() // 60 for told in reversed(brand.told)}
    assert reached == {name: float(at) for name, at in NAMES.items()}
    assert await brand.listed() == set(range(1, 1001))
    assert (await Alerts(brand.database).count_by_state()) == {"delivered": 1000}


async def test_without_grouping_the_same_storm_would_be_an_alert_a_post(brand: Brand) -> None:
    """The negative control, a tenth of the size."""
    _alerts(brand, gather_seconds=0, ladder=brand.config.alerts.ladder[:1])
    await _storm(brand, 100, every_seconds=60)
    await brand.live(60)
    assert len(brand.told) == 100


async def test_one_click_ends_the_storm_for_everybody_and_what_comes_later_climbs_anew(brand: Brand) -> None:
    first = await brand.angry(40)
    await brand.live(11 * 60)
    assert [told["step"] for told in brand.told] == ["agent", "team"]
    page = await brand.click(brand.told[0]["message"])
    assert "You are on it. Nobody else is told." in page
    assert "Somebody at agent is on it" in page
    assert "Somebody at agent took it" in page
    await brand.live(3600, every=30)
    assert len(brand.told) == 2
    await brand.angry(1)
    await brand.live(3600, every=30)
    assert [told["step"] for told in brand.told[2:]] == list(NAMES)
    assert await brand.listed() == {*range(1, len(first) + 2)}


async def test_somebody_in_danger_is_not_swallowed_by_the_storm_around_them(brand: Brand) -> None:
    await brand.angry(50)
    await brand.live(120)
    told = len(brand.told)
    await brand.angry(50)
    await brand.angry(1, intents=(Intent.SELF_HARM,))
    await brand.live(10)
    (alert,) = brand.told[told:]
    assert alert["title"] == "A person is needed now on x-main"
    assert "threat of self-harm" in alert["message"] or "a person now" in alert["message"]


async def test_a_night_is_quiet_but_for_those_in_danger_and_the_morning_hears_of_all(brand: Brand) -> None:
    _alerts(brand, awake=AWAKE, hours=replace(OFFICE, holidays=frozenset()))
    await brand.clock.advance(13 * 3600)
    await _storm(brand, 50, every_seconds=120)
    assert brand.told == []
    await brand.angry(1, intents=(Intent.SELF_HARM,))
    await brand.live(5)
    assert [told["step"] for told in brand.told] == ["agent"]
    await brand.click(brand.told[0]["message"])
    await brand.live(8 * 3600, every=300)
    morning = brand.told[1]
    # A look every five minutes finds it that late at most.
    assert timedelta(0) <= morning["at"] - datetime(2026, 11, 21, 7, 0, tzinfo=CPH) < timedelta(minutes=5)
    assert morning["title"] == "50 on x-main, up to urgency 60"
    assert await brand.listed() == set(range(1, 52))


async def test_on_a_holiday_the_office_is_told_the_next_working_day(brand: Brand) -> None:
    ladder = tuple(replace(step, only_open=True) for step in brand.config.alerts.ladder)
    _alerts(brand, ladder=ladder, hours=OFFICE)
    christmas = datetime(2026, 12, 25, 10, 0, tzinfo=CPH)
    await brand.clock.advance((christmas - brand.clock.now()).total_seconds())
    await brand.angry(1)
    await brand.live(3 * 24 * 3600, every=600)
    assert [(told["step"], told["at"]) for told in brand.told][:2] == [
        ("agent", datetime(2026, 12, 28, 8, 0, tzinfo=CPH)),
        ("team", datetime(2026, 12, 28, 8, 10, tzinfo=CPH)),
    ]


async def test_a_teller_lost_between_the_webhook_and_the_commit_tells_once_more_under_the_same_number(
    brand: Brand,
) -> None:
    await brand.angry(3)
    brand.held = asyncio.Event()
    lost = asyncio.create_task(brand.teller.tell_due())
    async with asyncio.timeout(20):
        await brand.held.wait()
    lost.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lost
    brand.held = None
    await brand.live(89)
    assert len(brand.told) == 1
    await brand.live(5)
    first, again = (re.search(r"Alert \d+, telling \d+", told["message"]) for told in brand.told)
    assert first is not None
    assert again is not None
    assert first[0] == again[0]
    assert await Alerts(brand.database).count_by_state() == {"delivered": 3}


TELLER = """
import asyncio, sys
from datetime import datetime
from core.clock import ManualClock
from core.config import AlertsConfig, Config, Secret
from core.ladder import ladder_of
from responder.alerts import Teller, targets
from store.bell import Bell
from store.database import open_database
from store.tellings import Tellings

async def main(file, hook, at):
    config = Config(alerts=AlertsConfig(urls=(Secret(hook),)))
    teller = Teller(targets=targets(config.alerts), ladder=ladder_of(config), link_hours=1, dashboard_url="http://desk",
                    tellings=Tellings(await open_database(file)), bell=Bell.open("unix:///nobody", consumer="x"),
                    clock=ManualClock(datetime.fromisoformat(at)))
    print("ready", flush=True)
    await teller.tell_due()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_tellers_killed_at_any_moment_lose_nothing(brand: Brand, tmp_path: Path) -> None:
    (step,) = brand.config.alerts.ladder[:1]
    _alerts(brand, ladder=(step,))
    for turn in range(5):
        await brand.angry(3)
        arguments = (f"sqlite:///{tmp_path}/genlyd.db", step.urls[0].reveal(), brand.clock.now().isoformat())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", TELLER, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(0.015 * turn)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await brand.clock.advance(100)
    await brand.live(1200, every=30)
    assert await Alerts(brand.database).count_by_state() == {"delivered": 15}
