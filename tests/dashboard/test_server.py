"""The application's edge: headers, health, errors, sources and the pauses."""

import asyncio
import logging
from urllib.parse import urlsplit

import pytest

from core.clock import ManualClock
from core.errors import StoreError
from dashboard.desk import DESK
from store.accounts import Accounts, AccountState
from store.sources import Progress, Sources
from tests.dashboard.conftest import Browser, House


@pytest.mark.parametrize(
    "path",
    [
        "/sign-in",
        "/inbox",
        "/sources",
        "/alerts",
        "/incidents",
        "/corrections",
        "/patterns",
        "/nowhere",
        "/static/app.css",
        "/healthz",
    ],
)
async def test_every_answer_carries_the_strict_policy(mette: Browser, path: str) -> None:
    response = await mette.get(path)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ):
        assert response.headers[name] == value


async def test_pages_have_no_inline_script_or_style(mette: Browser, house: House) -> None:
    conversation = await house.seed.say()
    for path in (
        "/sign-in",
        "/inbox",
        f"/conversations/{conversation}",
        "/sources",
        "/alerts",
        "/incidents",
        "/corrections",
        "/patterns",
    ):
        await mette.get(path)
        assert "style=" not in mette.page
        assert "<style" not in mette.page
        assert " onclick" not in mette.page
        assert mette.page.count("<script") == mette.page.count('<script src="/static/') >= 2


async def test_assets_may_be_kept_only_under_the_address_of_their_content(mette: Browser) -> None:
    await mette.get("/inbox")
    address = mette.page.split('<script src="')[1].split('"')[0]
    assert "immutable" in (await mette.get(address)).headers["Cache-Control"]


async def test_health_needs_no_sign_in(visitor: Browser, house: House) -> None:
    assert (await visitor.get("/healthz")).status == 200
    assert (await visitor.get("/readyz")).status == 200
    response = await visitor.get("/metrics")
    assert response.status == 200
    assert "genlyd_sign_ins_total" in visitor.page


async def test_not_ready_is_503_and_says_what_is_wrong(visitor: Browser, house: House) -> None:
    house.problems["model"] = "not loaded yet"
    response = await visitor.get("/readyz")
    assert response.status == 503
    assert '"model": "not loaded yet"' in visitor.page


async def test_a_database_that_is_away_is_a_calm_page(mette: Browser, house: House) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    desk = house.app[DESK]
    object.__setattr__(desk.conversations, "inbox", away)
    response = await mette.get("/inbox")
    assert response.status == 503
    assert "Nothing is lost" in mette.page
    object.__setattr__(desk.sessions, "get", away)
    assert (await mette.get("/inbox")).status == 503


async def test_a_bug_of_ours_shows_nothing_of_our_insides(mette: Browser, house: House) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    object.__setattr__(house.app[DESK].conversations, "inbox", broken)
    response = await mette.get("/inbox")
    assert response.status == 500
    assert "secret detail" not in mette.page
    assert "Something broke here" in mette.page


async def test_a_browser_that_goes_in_the_middle_of_a_form_is_no_fault_of_ours(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dashboard")
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(house.url).port)
    form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 900"
    writer.write(f"POST /sign-in HTTP/1.1\r\nHost: desk\r\n{form}\r\n\r\nname=Lars".encode())
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    for _ in range(1_000):
        if "whoever asked has gone" in caplog.text:
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("the page goes on waiting for the rest of the form")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_form_too_large_is_refused(mette: Browser) -> None:
    await mette.get("/sources")
    assert (await mette.post("/house", to="paused", reason="x" * 300_000)).status == 413


async def test_sources_show_freshness_gaps_and_the_cure(mette: Browser, house: House, clock: ManualClock) -> None:
    sources = Sources(house.database)
    posts = house.seed.posts
    progress = Progress(account="hav-dk", source="mentions", cursor="1", unreadable=("x",))
    await posts.save_batch([], progress, at=clock.now())
    await clock.advance(40)
    await sources.stumble("hav-dk", "mentions", "503 from the platform", at=clock.now(), opens_gap=True)
    accounts = Accounts(house.database)
    why = "401: the password was changed"
    await accounts.set_state("hav-reddit", AccountState.NEEDS_OPERATOR, reason=why, by="genlyd", at=clock.now())
    await mette.get("/sources")
    for said in ("40 s ago", "1 open gap", "1 unreadable", "503 from the platform", "Tried again by itself", why,
                 "genlyd doctor", "Stuck posts", "Alerts not delivered", "Automatic replies are on"):  # fmt: skip
        assert said in mette.page, said


async def test_gaps_are_listed_and_a_supervisor_closes_what_no_fetch_can_cover(
    mette: Browser, lars: Browser, house: House, clock: ManualClock
) -> None:
    sources, posts = Sources(house.database), house.seed.posts
    await mette.get("/sources")
    assert "None in the last two days, and none open." in mette.page
    await sources.stumble("hav-dk", "stream", "the line fell", at=clock.now(), opens_gap=True)
    await clock.advance(600)
    progress = Progress(account="hav-dk", source="mentions", cursor="1", gap="away for more than 7 days")
    await posts.save_batch([], progress, at=clock.now())
    await mette.get("/sources")
    for said in ("hav-dk, stream", "Still missing", "10 min", "hav-dk, mentions", "Not covered", progress.gap or ""):
        assert said in mette.page, said
    assert mette.page.count('action="/gaps/') == 1
    gap = next(gap for gap in await sources.gaps(covered_since=clock.now()) if gap.source == "mentions")
    await lars.get("/sources")
    assert 'action="/gaps/' not in lars.page
    assert (await lars.post(f"/gaps/{gap.id}")).status == 403
    assert (await mette.post(f"/gaps/{9**30}")).status == 404
    await mette.post(f"/gaps/{gap.id}")
    assert "The gap is closed as seen." in mette.page
    assert "Seen by Mette" in mette.page
    assert 'action="/gaps/' not in mette.page


async def test_pausing_an_account_and_the_house_says_who_did_it(mette: Browser, lars: Browser, house: House) -> None:
    await mette.get("/sources")
    await mette.post("/accounts/hav-dk", to="paused", reason="too many")
    assert "By Mette just now: too many" in mette.page
    assert await Accounts(house.database).state("hav-dk") is AccountState.PAUSED
    await mette.post("/accounts/hav-dk", to="running")
    assert await Accounts(house.database).state("hav-dk") is AccountState.ACTIVE
    await mette.post("/house", to="paused", reason="storm", back="/inbox")
    await lars.get("/inbox")
    assert "Paused by Mette just now: storm" in lars.page
    await mette.post("/house", to="running", back="//evil.example")
    assert not await Accounts(house.database).is_house_paused()


async def test_the_patterns_page_shows_every_component(mette: Browser) -> None:
    assert (await mette.get("/patterns")).status == 200
    assert mette.page.count('class="card ') == 9
