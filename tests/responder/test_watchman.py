"""The crisis breaker in the real store, with the real policy, outbox and guards, on a clock turned by hand."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from core.assessment import Intent, Language, Sentiment
from core.clock import ManualClock
from core.config import BreakerConfig, Config, SafetyConfig
from core.decision import Action, Plan
from core.errors import ConfigError
from core.incident import Arrival, Incident, tempo
from core.ladder import Ladder, Why, ladder_of
from core.watch import Mention
from responder import draft
from responder.outbox import Outbox
from responder.rules import DEFAULT_RULES
from responder.usual import HISTORY
from responder.watchman import Watchman, load_statements
from responder.worker import Desk
from store import tables as t
from store.bell import Bell
from store.database import Database
from store.decisions import Decisions
from store.embedded import EmbeddedValkey
from store.incidents import Incidents
from store.posts import Posts
from store.tellings import Tellings
from store.tempo import Tempo
from tests.builders import NOW, a_mention, a_post, an_assessment, an_author, some_progress
from tests.responder.storms import STORMS, Brand, Public
from tests.responder.wire import ACCOUNT, Wire

CONFIG = BreakerConfig()


class House:
    """Everything from a heard post to a sent reply, stepped by the test."""

    def __init__(self, database: Database, bell: Bell, clock: ManualClock, outbox: Outbox, wire: Wire) -> None:
        self.database, self.clock, self.wire = database, clock, wire
        self.outbox = replace(outbox, limits=SafetyConfig(account_at_once=CONFIG.replies_at_once))
        self.posts, self.incidents, self.tempo = Posts(database), Incidents(database), Tempo(database)
        self.decisions = Decisions(database, repeat_alert_after=timedelta(hours=1))
        templates = draft.load(brand="Hav", house_language=Language.DA, signatures={})
        limits = SafetyConfig(account_at_once=CONFIG.replies_at_once)
        self.desk = Desk(rules=DEFAULT_RULES, templates=templates, dashboard_url="http://h", limits=limits)
        self.bell = bell
        self.watchmen = [self.watchman(), self.watchman()]

    @property
    def answered(self) -> list[str]:
        """The posts under which a reply stands."""
        return [reply.target_id for reply in self.wire.published]

    def watchman(self, config: BreakerConfig = CONFIG) -> Watchman:
        return Watchman(
            accounts=[ACCOUNT],
            config=config,
            statements=load_statements(config),
            dashboard_url="http://h",
            tempo=self.tempo,
            incidents=self.incidents,
            bell=self.bell,
            clock=self.clock,
        )

    async def remember(self, public: Public) -> None:
        """Give the house its past, as its own counting would have left it."""
        values = [
            {"account": ACCOUNT, "at": one.at, "heard": one.heard, "negative": one.negative} for one in public.past()
        ]
        async with self.database.begin() as connection:
            await connection.execute(insert(t.hours), values)

    async def hear(self, *said: Arrival, **changes: Any) -> dict[int, Plan]:
        """Save, read, watch, decide and send, at the instant of the last post."""
        await self.clock.advance(max(0.0, (said[-1].at - self.clock.now()).total_seconds()))
        now = self.clock.now()
        saved = await self.posts.save_batch([_mention(one) for one in said], some_progress(), at=now)
        assessed = {"language": Language.DA, "urgency": 60, **changes}
        read = [
            (post_id, an_assessment(**{"sentiment": one.mood, "intents": one.intents, **assessed}))
            for post_id, one in zip(saved.ids, said, strict=True)
        ]
        await self.posts.save_assessments(read, at=now)
        await self.watchmen[len(self.answered) % 2].look_first()
        plans = await self.decisions.decide_all(saved.ids, self.desk.plan, at=now)
        while await self.outbox.send_due(ACCOUNT):
            pass
        return plans

    async def alerts(self) -> list[str]:
        async with self.database.read() as connection:
            return list((await connection.execute(select(t.alerts.c.title).order_by(t.alerts.c.id))).scalars())


def _mention(one: Arrival) -> Mention:
    post = a_post(str(one.post_id), author=an_author(str(one.author_id)), text=one.text, posted_at=one.at)
    return a_mention(post=post, matched=one.matched, is_summons=one.is_summons)


@pytest.fixture(scope="module")
def valkey() -> Iterator[EmbeddedValkey]:
    with tempfile.TemporaryDirectory(prefix="gv") as folder:
        server = EmbeddedValkey(Path(folder))
        asyncio.run(server.start())
        yield server
        asyncio.run(server.stop())


@pytest.fixture
async def bell(valkey: EmbeddedValkey) -> AsyncIterator[Bell]:
    """One that answers: hundreds of replies that each wait for nobody would take minutes."""
    opened = Bell.open(valkey.url, consumer="test")
    yield opened
    await opened.close()


@pytest.fixture
def house(database: Database, bell: Bell, clock: ManualClock, outbox: Outbox, wire: Wire) -> House:
    return House(database, bell, clock, outbox, wire)


def _angry(count: int, *, at: datetime, first: int = 1) -> list[Arrival]:
    return [
        Arrival(post_id=n, at=at, author_id=n, text=f"{'abcdefghij'[n % 10] * n} igen", mood=Sentiment.NEGATIVE)
        for n in range(first, first + count)
    ]


async def _storm(house: House) -> Incident:
    """Twelve angry posts, one after the other; the breaker has tripped when they are through."""
    await house.clock.advance(60)
    for one in _angry(12, at=house.clock.now()):
        await house.hear(replace(one, at=house.clock.now() + timedelta(seconds=1)))
    [incident] = await house.incidents.open()
    return incident


SMALL, MIDDLE = Brand(per_hour=2), Brand(per_hour=25)
CASES = [
    *((shape, SMALL) for shape in ("sudden", "over 5 minutes", "copied", "half ironic")),
    ("one topic", MIDDLE),
]


@pytest.mark.parametrize(
    ("shape", "brand"), CASES, ids=[f"{shape}, {brand.per_hour} an hour" for shape, brand in CASES]
)
async def test_a_storm_is_stopped_within_two_minutes_and_before_the_20th_automatic_reply(
    house: House, shape: str, brand: Brand
) -> None:
    public, begin = Public(brand, 3), NOW + timedelta(minutes=6)
    await house.remember(public)
    for minute in range(-5, 0):
        for one in public.minute(begin + timedelta(minutes=minute)):
            await house.hear(one)
    assert await house.incidents.open() == []
    storm = await _until_it_trips(house, public, shape, begin)
    [incident] = await house.incidents.open()
    assert incident.opened_at - begin < timedelta(minutes=2)
    assert len(storm & set(house.answered)) < 20
    sent = len(house.answered)
    await house.hear(*_angry(20, at=house.clock.now() + timedelta(seconds=1), first=9_000_000))
    assert len(house.answered) == sent
    told = [title for title in await house.alerts() if title.startswith("Storm")]
    assert len(told) == 1
    assert told[0].endswith(": drafts only")


async def _until_it_trips(house: House, public: Public, shape: str, begin: datetime) -> set[str]:
    """Let a storm come over the house, post by post; return the posts it brought."""
    storm: set[str] = set()
    for minute in range(3):
        at = begin + timedelta(minutes=minute)
        angry = STORMS[shape].minute(public, begin, at)
        storm |= {str(one.post_id) for one in angry}
        for one in sorted([*public.minute(at), *angry], key=lambda one: one.at):
            await house.hear(one)
            if await house.incidents.open():
                return storm
    return storm


async def test_a_quiet_day_in_the_real_store_trips_nothing_and_is_answered(house: House) -> None:
    public = Public(Brand(per_hour=3), 11)
    await house.remember(public)
    heard = 0
    for minute in range(24 * 60):
        for one in public.minute(NOW + timedelta(minutes=minute + 1)):
            await house.hear(one)
            heard += 1
    assert heard > 25
    assert await house.incidents.open() == await house.incidents.closed() == []
    assert len(house.answered) > heard / 4


async def test_the_whole_burst_of_one_batch_gets_no_automatic_reply(house: House) -> None:
    plans = await house.hear(*_angry(30, at=NOW + timedelta(seconds=1)))
    assert {plan.decision.action for plan in plans.values()} == {Action.DRAFT}
    assert house.answered == []


async def test_what_was_approved_before_the_trip_is_held_back_by_the_guard(house: House, clock: ManualClock) -> None:
    one, *rest = _angry(12, at=NOW)
    for post in (one, *rest):
        (post_id,) = (await house.posts.save_batch([_mention(post)], some_progress(), at=NOW)).ids
        await house.posts.save_assessments([(post_id, an_assessment())], at=NOW)
        await house.decisions.decide(post_id, house.desk.plan, at=NOW)
    await house.watchmen[0].look()
    while await house.outbox.send_due(ACCOUNT):
        assert house.answered == []
    async with house.database.read() as connection:
        problems = list((await connection.execute(select(t.replies.c.problem))).scalars())
    assert problems == ["the crisis breaker has tripped, so a person looks first"] * 12


async def test_posts_of_the_storm_are_listed_and_not_escalated_and_danger_is(house: House) -> None:
    incident = await _storm(house)
    told = len(await house.alerts())
    [plan] = (await house.hear(*_angry(1, at=house.clock.now() + timedelta(seconds=1), first=50), urgency=95)).values()
    assert (plan.decision.escalate, plan.decision.incident_id, plan.notice) == (False, incident.id, None)
    danger = _angry(1, at=house.clock.now() + timedelta(seconds=1), first=51)
    [plan] = (await house.hear(*danger, urgency=95, intents=(Intent.SAFETY,))).values()
    assert (plan.decision.escalate, plan.decision.incident_id) == (True, None)
    assert len(await house.alerts()) == told + 1
    assert await house.incidents.count_members(incident.id) == 13


async def test_people_are_told_again_until_somebody_is_on_it(house: House) -> None:
    await _storm(house)
    ladder = ladder_of(Config())
    told = await _told(house, ladder, minutes=range(600))
    assert told == {0: [f"Storm on {ACCOUNT}: drafts only"], 10: ["again"], 30: ["again"]}


async def test_whoever_is_on_it_is_not_woken_again(house: House, clock: ManualClock) -> None:
    incident = await _storm(house)
    assert await _told(house, ladder_of(Config()), minutes=range(9))
    await house.incidents.take(incident.id, by="kari", version=incident.version, at=clock.now())
    assert await _told(house, ladder_of(Config()), minutes=range(9, 600)) == {}


async def _told(house: House, ladder: Ladder, *, minutes: range) -> dict[int, list[str]]:
    """What of the incident is told in which minute after now: its title, and later on why."""
    tellings, now = Tellings(house.database), house.clock.now()
    told: dict[int, list[str]] = {}
    for minute in minutes:
        at = now + timedelta(minutes=minute)
        await tellings.gather(ladder, at=at)
        for telling in await tellings.claim_due(ladder, at=at, hold_until=at, links_until=at):
            await tellings.mark_delivered(telling, ladder, at=at)
            if telling.group.kind == "incident":
                is_first = telling.why is Why.FIRST
                told.setdefault(minute, []).append(telling.items[0].title if is_first else str(telling.why))
    return told


async def _reset(house: House, incident: Incident) -> None:
    now = house.clock.now()
    recent = await house.tempo.arrivals(ACCOUNT, since=now - timedelta(minutes=5))
    await house.incidents.reset(incident.id, by="kari", version=incident.version, at=now, tempo=tempo(recent, now=now))


async def test_after_a_reset_the_same_evidence_trips_nothing_and_a_new_storm_does(house: House) -> None:
    incident = await _storm(house)
    await _reset(house, incident)
    for watchman in (*house.watchmen, house.watchman()):
        assert await watchman.look() == []
    for one in _angry(8, at=NOW, first=100):
        await house.hear(replace(one, at=house.clock.now() + timedelta(seconds=5)))
    assert await house.incidents.open() == []
    await house.hear(*_angry(60, at=house.clock.now() + timedelta(seconds=1), first=200))
    assert len(await house.incidents.open()) == 1


async def test_an_approved_statement_stands_in_new_drafts_in_the_authors_language(house: House) -> None:
    incident = await _storm(house)
    [plan] = (await house.hear(*_angry(1, at=house.clock.now() + timedelta(seconds=1), first=60))).values()
    assert plan.draft is not None
    assert "holding" not in plan.draft.template
    texts = {**incident.statements, Language.DA: "Vi ved mere klokken tolv."}
    await house.incidents.approve(incident.id, texts, by="kari", version=incident.version, at=house.clock.now())
    [plan] = (await house.hear(*_angry(1, at=house.clock.now() + timedelta(seconds=1), first=61))).values()
    assert plan.draft is not None
    assert (plan.draft.text, plan.draft.template) == ("@author61 Vi ved mere klokken tolv.", "da/holding statement")


async def test_switched_off_it_trips_nothing(house: House) -> None:
    house.watchmen = [house.watchman(BreakerConfig(is_on=False))] * 2
    await house.hear(*_angry(30, at=NOW + timedelta(seconds=1)))
    assert await house.incidents.open() == []
    assert len(house.answered) == CONFIG.replies_at_once


async def test_whatever_comes_no_more_leaves_within_five_minutes_than_the_breaker_allows(house: House) -> None:
    house.watchmen = [house.watchman(BreakerConfig(is_on=False))] * 2
    for n in range(40):
        await house.hear(*_angry(1, at=house.clock.now() + timedelta(seconds=5), first=n + 1))
    assert len(house.answered) == CONFIG.replies_at_once
    await house.hear(*_angry(1, at=house.clock.now() + timedelta(minutes=5), first=99))
    assert len(house.answered) == CONFIG.replies_at_once + 1


async def test_hours_of_a_storm_do_not_become_usual(house: House, clock: ManualClock) -> None:
    incident = await _storm(house)
    await _reset(house, incident)
    async with house.database.begin() as connection:
        hour = clock.now().replace(minute=0)
        quiet = [
            {"account": ACCOUNT, "at": hour - timedelta(hours=n), "heard": 1, "negative": 0} for n in range(1, 200)
        ]
        await connection.execute(
            insert(t.hours), [*quiet, {"account": ACCOUNT, "at": hour, "heard": 9000, "negative": 9000}]
        )
    await clock.advance(7200)
    past = (await house.incidents.lately(since=clock.now() - HISTORY))[ACCOUNT]
    usual = await house.watchmen[0]._usual_of(ACCOUNT, past, clock.now())
    assert usual.per_hour < 5


def test_every_language_has_a_holding_statement_and_the_configs_own_wins(tmp_path: Path) -> None:
    texts = load_statements(BreakerConfig(statements={Language.SV: "Vårt eget."}))
    assert set(texts) == {Language.DA, Language.SV, Language.NB, Language.EN}
    assert texts[Language.SV] == "Vårt eget."
    with pytest.raises(ConfigError, match=r"da\.txt.*missing or empty"):
        load_statements(BreakerConfig(), tmp_path)
