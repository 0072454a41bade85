"""Live pages over a real port, a real Valkey and a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from sqlalchemy import insert, select

from core.clock import ManualClock
from core.errors import StoreError
from dashboard.desk import DESK
from dashboard.health import READINESS
from dashboard.live import Hub, Mark, encode
from store import tables as t
from store.bell import Bell
from store.conversations import Conversations, touch
from store.database import Database
from tests.dashboard.conftest import Browser, House, serving
from tests.dashboard.seed import Said


@asynccontextmanager
async def stream(browser: Browser, query: str = "", **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with browser.http.get(f"{browser.url}/live{query}", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield response


async def next_event(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the next event, comments and retry lines left out."""
    event: dict[str, str] = {}
    async with asyncio.timeout(5):
        while True:
            line = (await response.content.readline()).decode().rstrip("\n")
            if line and not line.startswith((":", "retry")):
                name, _, value = line.partition(": ")
                event[name] = value
            elif not line and event:
                return event


async def test_a_change_reaches_an_open_page(lars: Browser, house: House, clock: ManualClock) -> None:
    async with stream(lars) as response:
        await clock.advance(1)
        conversation = await house.seed.say()
        await house.bell.announce()
        event = await next_event(response)
    assert event["event"] == "changed"
    assert event["data"] == str(conversation)
    assert Mark.parse(event["id"]) == Mark(clock.now(), conversation)


async def test_a_page_that_was_away_catches_up_from_its_last_event(
    lars: Browser, house: House, clock: ManualClock
) -> None:
    first = await house.seed.say(Said(handle="one"))
    seen = Mark(clock.now(), first)
    await clock.advance(60)
    second = await house.seed.say(Said(handle="two"))
    await clock.advance(60)
    third = await house.seed.say(Said(handle="three"))
    async with stream(lars, **{"Last-Event-ID": str(seen)}) as response:
        assert [(await next_event(response))["data"] for _ in range(2)] == [str(second), str(third)]


async def test_a_page_misses_nothing_between_its_making_and_its_first_look(
    lars: Browser, house: House, clock: ManualClock
) -> None:
    await lars.get("/inbox")
    since = lars.page.split('data-since="')[1].split('"')[0].replace("+", "%2B")
    await clock.advance(1)
    conversation = await house.seed.say()
    async with stream(lars, f"?since={since}") as response:
        assert (await next_event(response))["data"] == str(conversation)


async def test_nonsense_for_a_last_event_is_a_fresh_start(lars: Browser, house: House, clock: ManualClock) -> None:
    far = ("0001-01-01T00:00:00+00:00|1", "9999-12-31T23:59:59-12:00|1", f"2026-11-22T12:00:00+00:00|{9**40}")
    for nonsense in ("x", "2026-11-22|1", "|", "2026-11-22T12:00:00|1", "2026-11-22T12:00:00+00:00|x", *far):
        async with stream(lars, **{"Last-Event-ID": nonsense}) as response:
            assert (await response.content.readline()) == b"retry: 2000\n"


async def test_a_stranger_gets_no_stream(visitor: Browser) -> None:
    assert (await visitor.get("/live")).status == 401


async def test_a_closed_tab_leaves_no_traceback(
    lars: Browser, house: House, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with stream(lars) as response:
        response.close()
    for _ in range(3):
        await clock.advance(10)
        await house.seed.say()
        await house.bell.announce()
        await asyncio.sleep(0.3)
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_the_server_stops_at_once_with_pages_open(house: House, lars: Browser) -> None:
    from dashboard.server import build_app  # noqa: PLC0415

    desk = house.app[DESK]
    app = build_app(
        database=desk.database, bell=desk.bell, clock=desk.clock, config=desk.config, readiness=house.app[READINESS]
    )
    loop = asyncio.get_running_loop()
    async with serving(app) as url:
        lars.url = url
        async with stream(lars) as response:
            started = loop.time()
            app[DESK].hub.close()
            async with asyncio.timeout(2):
                assert b"retry" in await response.content.read()
    assert loop.time() - started < 2


class Away(Conversations):
    """A database that fails as often as told, then answers."""

    failures = 2

    async def changed_after(self, at: object, conversation_id: int, *, limit: int = 200) -> list[object]:  # type: ignore[override]
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full")
        return await super().changed_after(at, conversation_id, limit=limit)  # type: ignore[arg-type,return-value]


async def test_the_hub_outlives_a_database_that_is_away(
    house: House, database: Database, bell: Bell, clock: ManualClock
) -> None:
    away = Away(database)
    hub = Hub(away, bell, clock)
    await clock.advance(1)
    conversation = await house.seed.say()
    for _ in range(3):
        await hub.look()
    assert away.failures == 0
    assert hub.after(0) == (encode(Mark(clock.now(), conversation)), 1)


async def test_a_change_is_told_once_and_a_late_commit_still_is(
    house: House, database: Database, bell: Bell, clock: ManualClock
) -> None:
    hub = Hub(Conversations(database), bell, clock)
    early = clock.now()
    await clock.advance(2)
    first = await house.seed.say(Said(handle="one"))
    await hub.look()
    await hub.look()
    assert hub.end == 1
    slow = House(database=database, bell=bell, clock=ManualClock(early), app=house.app)
    second = await slow.seed.say(Said(handle="two"))
    await hub.look()
    assert hub.after(1)[0] == encode(Mark(early, second))
    assert hub.latest == Mark(clock.now(), first)


async def test_who_falls_behind_the_ring_is_told_to_fetch_everything(
    database: Database, bell: Bell, clock: ManualClock
) -> None:
    hub = Hub(Conversations(database), bell, clock)
    hub._append([encode(Mark(clock.now(), number)) for number in range(2_500)])
    events, position = hub.after(100)
    assert events.startswith(b"event: refresh")
    assert position == 2_500
    assert hub.after(2_499)[0] == encode(Mark(clock.now(), 2_499))


async def test_a_page_that_was_away_hears_what_committed_late_too(
    lars: Browser, house: House, database: Database, bell: Bell, clock: ManualClock
) -> None:
    early = clock.now()
    await clock.advance(2)
    first = await house.seed.say(Said(handle="one"))
    slow = House(database=database, bell=bell, clock=ManualClock(early), app=house.app)
    second = await slow.seed.say(Said(handle="two"))
    await house.app[DESK].hub.look()
    async with stream(lars, **{"Last-Event-ID": str(Mark(clock.now(), first))}) as response:
        assert (await next_event(response))["data"] == str(second)


async def _touch_many(database: Database, conversation_id: int) -> None:
    """More conversations than the ring holds, all changed at the instant of one of them."""
    async with database.begin() as connection:
        query = select(t.conversations).where(t.conversations.c.id == conversation_id)
        one = (await connection.execute(query)).mappings().one()
        await connection.execute(
            insert(t.conversations), [{**one, "id": 9_000 + n, "root_id": f"many-{n}"} for n in range(2_500)]
        )


async def test_more_changes_at_once_than_the_ring_holds_do_not_stop_the_hub(
    house: House, database: Database, bell: Bell, clock: ManualClock
) -> None:
    hub = Hub(Conversations(database), bell, clock)
    await clock.advance(1)
    conversation = await house.seed.say(Said(handle="one"))
    await _touch_many(database, conversation)
    for _ in range(3):
        await hub.look()
    assert hub.end == 2_501
    await clock.advance(60)
    async with database.begin() as connection:
        await touch(connection, conversation, at=clock.now())
    await hub.look()
    assert hub.after(hub.end - 1)[0] == encode(Mark(clock.now(), conversation))


async def test_a_page_that_missed_more_than_the_ring_holds_is_told_to_fetch_everything(
    lars: Browser, house: House, database: Database, clock: ManualClock
) -> None:
    seen = Mark(clock.now(), 0)
    await clock.advance(60)
    await _touch_many(database, await house.seed.say(Said(handle="one")))
    for _ in range(3):
        await house.app[DESK].hub.look()
    async with stream(lars, **{"Last-Event-ID": str(seen)}) as response:
        assert (await next_event(response))["event"] == "refresh"


async def test_the_hub_stops_at_whatever_moment_it_is_told_to(
    database: Database, bell: Bell, clock: ManualClock
) -> None:
    """redis-py can swallow a cancellation while it connects; then the server never stopped."""
    for tenth_ms in range(0, 200, 4):
        task = asyncio.create_task(Hub(Conversations(database), bell, clock).run())
        await asyncio.sleep(tenth_ms / 10_000)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        assert done, f"still running, cancelled after {tenth_ms / 10} ms"
