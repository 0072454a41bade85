"""The alerts page and the page behind an alert's link: a look changes nothing, one click ends it, and says who."""

import re
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.decision import Notice
from core.ladder import Ladder, ladder_of
from core.post import Platform
from store import tables as t
from store.alerts import Alerts
from store.tellings import Telling, Tellings
from tests.dashboard.conftest import CONFIG, Browser, House
from tests.dashboard.seed import Said

SECRET_WORDS = "jeg er rasende over Fjordnet"
LADDER = ladder_of(CONFIG)


async def _tell(house: House, ladder: Ladder = LADDER) -> list[Telling]:
    now, tellings = house.clock.now(), Tellings(house.database)
    await tellings.gather(ladder, at=now)
    told = await tellings.claim_due(
        ladder, at=now, hold_until=now + timedelta(seconds=90), links_until=now + timedelta(hours=24)
    )
    for telling in told:
        await tellings.mark_delivered(telling, ladder, at=now)
    return told


@pytest.fixture
async def told(house: House) -> Telling:
    """One alert about one conversation, told to people a moment ago."""
    conversation = await house.seed.say(Said(text=SECRET_WORDS, age=timedelta(0)))
    await _queue(house, conversation)
    (telling,) = await _tell(house)
    return telling


async def _queue(house: House, conversation_id: int, *, urgency: int = 82) -> None:
    now = house.clock.now()
    async with house.database.begin() as connection:
        await connection.execute(
            t.alerts.insert().values(
                conversation_id=conversation_id,
                account="hav-dk",
                kind="escalation",
                title=f"Urgency {urgency} on hav-dk",
                body=SECRET_WORDS,
                urgency=urgency,
                due_at=now + timedelta(minutes=30),
                state="pending",
                created_at=now,
            )
        )


async def _standing(house: House, telling: Telling) -> str | None:
    found = await Alerts(house.database).standing(telling.group.id)
    assert found is not None
    return found.group.acknowledged_by


async def test_the_page_shows_who_was_told_what_comes_next_and_when_it_is_due(lars: Browser, told: Telling) -> None:
    await lars.get("/alerts")
    for said in ("Angry posts on hav-dk", "Nobody is on it yet", "1 alert, up to urgency 82", "Due in 30 min",
                 "Told: people. Last just now.", "the ladder has come to its end", "I am on it", SECRET_WORDS,
                 ):  # fmt: skip
        assert said in lars.page, said


async def test_the_page_shows_the_most_urgent_first_and_leads_to_all(lars: Browser, house: House) -> None:
    for number in range(8):
        await _queue(house, await house.seed.say(Said(handle=f"h{number}", root=f"r{number}")), urgency=60 + number)
    (telling,) = await _tell(house)
    await lars.get("/alerts")
    assert re.findall(r"Urgency (\d+)", lars.page) == ["67", "66", "65", "64", "63"]
    assert f'<a href="/alerts/{telling.group.id}">All 8</a>' in lars.page
    await lars.get(f"/alerts/{telling.group.id}")
    assert len(re.findall(r"Urgency (\d+)", lars.page)) == 8


async def test_an_author_without_a_name_is_told_by_the_handle(lars: Browser, house: House) -> None:
    said = Said(handle="no_name", name="", platform=Platform.REDDIT, account="hav-reddit")
    conversation = await house.seed.say(said)
    await _queue(house, conversation)
    await _tell(house)
    await lars.get("/alerts")
    assert re.search(rf'<a href="/conversations/{conversation}"[^>]*>\s*u/no_name', lars.page)


async def test_in_quiet_times_it_says_so(lars: Browser) -> None:
    await lars.get("/alerts")
    assert "No alert is waiting" in lars.page


async def test_i_am_on_it_in_the_dashboard_ends_it_for_all_by_name(
    lars: Browser, house: House, told: Telling, clock: ManualClock
) -> None:
    await clock.advance(120)
    await lars.get("/alerts")
    await lars.post(f"/alerts/{told.group.id}/take", seen=lars.hidden("seen"))
    assert "You are on it. Nobody else is told." in lars.page
    assert "Lars took it just now, after 2 min." in lars.page
    assert "I am on it" not in lars.page
    assert await _standing(house, told) == "Lars"


async def test_the_link_opens_without_a_sign_in_and_shows_nothing_of_what_was_said(
    visitor: Browser, told: Telling
) -> None:
    response = await visitor.get(f"/alert/{told.token}")
    assert response.status == 200
    assert "Angry posts on hav-dk" in visitor.page
    assert "Conversation 1" in visitor.page
    for secret in (SECRET_WORDS, "rasende", "jensen", "Inbox</span>"):
        assert secret not in visitor.page, secret
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response.headers["X-Robots-Tag"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_whoever_only_looks_acknowledges_nothing(
    visitor: Browser, house: House, told: Telling, method: str
) -> None:
    """Chat programs unfurl links, and mail scanners open each one, some of them running its scripts."""
    for _ in range(3):
        await visitor.http.request(method, f"{house.url}/alert/{told.token}")
    assert await _standing(house, told) is None
    await visitor.get(f"/alert/{told.token}")
    ours = re.findall(r'<script src="/static/(live|keys)\.js', visitor.page)
    assert (sorted(ours), visitor.page.count("<script")) == (["keys", "live"], 2), "neither presses a button by itself"


async def test_one_click_on_the_page_ends_it_and_the_second_one_is_told_kindly_who_was_first(
    visitor: Browser, lars: Browser, house: House, told: Telling, clock: ManualClock
) -> None:
    await visitor.get(f"/alert/{told.token}")
    seen = visitor.hidden("seen")
    await visitor.post(f"/alert/{told.token}", csrf="", seen=seen)
    assert "You are on it. Nobody else is told." in visitor.page
    assert await _standing(house, told) == "somebody at people"
    await clock.advance(60)
    response = await lars.post(f"/alert/{told.token}", csrf="", seen=seen)
    assert response.status == 200
    assert "Nothing to change: it was so already." in lars.page
    assert "Somebody at people took it 1 min ago" in lars.page
    async with house.database.read() as connection:
        query = select(t.audit.c.by, t.audit.c.detail).where(t.audit.c.action == "alert acknowledged")
        assert [tuple(row) for row in await connection.execute(query)] == [
            ("somebody at people", {"before": "open", "after": "acknowledged", "through": "link"})
        ]


async def test_whoever_is_signed_in_is_known_by_name_through_the_link_too(
    lars: Browser, house: House, told: Telling
) -> None:
    await lars.get(f"/alert/{told.token}")
    await lars.post(f"/alert/{told.token}", csrf="", seen=lars.hidden("seen"))
    assert await _standing(house, told) == "Lars"


async def test_a_form_on_another_site_acknowledges_nothing(house: House, told: Telling) -> None:
    headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{house.url}/alert/{told.token}", data={"seen": "9"}, headers=headers) as response,
    ):
        assert response.status == 403
    assert await _standing(house, told) is None


async def test_a_link_that_is_wrong_or_expired_is_a_calm_page(
    visitor: Browser, told: Telling, house: House, clock: ManualClock
) -> None:
    for token in ("x", told.token[:-1], told.token + "x", "a" * 100):
        assert (await visitor.get(f"/alert/{token}")).status == 404
        assert "No such alert" in visitor.page
    assert (await visitor.post(f"/alert/{told.token}", csrf="", seen="x")).status == 400
    await clock.advance(24 * 3600)
    assert (await visitor.get(f"/alert/{told.token}")).status == 410
    assert "This link has expired" in visitor.page
    assert (await visitor.post(f"/alert/{told.token}", csrf="", seen="1")).status == 410
    assert await _standing(house, told) is None


async def test_the_page_of_a_thousand_alerts_lists_every_one(visitor: Browser, house: House) -> None:
    conversation = await house.seed.say()
    for _ in range(3):
        await _queue(house, conversation)
    async with house.database.begin() as connection:
        rows = [
            {"conversation_id": conversation, "account": "hav-dk", "kind": "escalation", "title": "t", "body": "b",
             "urgency": 60, "state": "pending", "created_at": house.clock.now()}
            for _ in range(1000)
        ]  # fmt: skip
        await connection.execute(t.alerts.insert(), rows)
    tellings = Tellings(house.database)
    for _ in range(3):
        await tellings.gather(LADDER, at=house.clock.now())
    (telling,) = await _tell(house)
    path, listed = f"/alert/{telling.token}", 0
    while path:
        await visitor.get(path)
        listed += visitor.page.count(f'href="/conversations/{conversation}"')
        found = re.search(r'href="(/alert/[^"]+\?after=\d+)"', visitor.page)
        path = found[1] if found else ""
    assert listed == 1003


async def test_an_alert_that_is_not_there_is_a_calm_page_and_the_page_needs_a_sign_in(
    lars: Browser, visitor: Browser, told: Telling
) -> None:
    assert (await lars.get("/alerts/999")).status == 404
    await lars.get("/alerts")
    assert (await lars.post("/alerts/999/take", seen=1)).status == 404
    await visitor.get(f"/alerts/{told.group.id}")
    assert "Sign in" in visitor.page


async def test_what_the_house_needs_is_listed_with_the_way_there(lars: Browser, house: House) -> None:
    notice = Notice(kind="operator", title="hav-dk needs you", body="sign in again", account="hav-dk")
    await Alerts(house.database).queue(notice, at=house.clock.now())
    await _tell(house)
    await lars.get("/alerts")
    assert "hav-dk needs the operator" in lars.page
    assert '<a href="/sources">About the house</a>' in lars.page
