"""The desk in a real browser: sign in, approve, pause, and a list that keeps itself true."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, async_playwright, expect

from core.clock import ManualClock
from core.decision import Action
from core.reply import ReplyState
from store.accounts import Accounts
from tests.dashboard.conftest import PASSWORD, House
from tests.dashboard.seed import Said

pytestmark = pytest.mark.browser

# Of every browser test: a busy machine is slow, and no slower answer is a fault here.
expect.set_options(timeout=20_000)

# Without these, Chromium looks for hosts that a closed network does not have.
_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable(own: str) -> str | None:
    """Return a Chromium to drive, None where this machine has none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or (own if Path(own).exists() else None)


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        path = executable(playwright.chromium.executable_path)
        if path is None:
            pytest.skip("no Chromium here: apt-get install chromium, or playwright install chromium")
        arguments = [*_ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else _ARGUMENTS
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()


@pytest.fixture
async def page(chromium: Chromium) -> AsyncIterator[Page]:
    context = await chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield opened
    await context.close()
    # A refusal by the Content-Security-Policy, or a bug in live.js, shows here. A 4xx of ours is no bug, nor is a line
    # that a test cuts.
    excused = ("Failed to load resource", "htmx:error: Failed to fetch")
    assert [said for said in complaints if not any(one in said for one in excused)] == []


async def sign_in(page: Page, house: House, name: str) -> None:
    await page.goto(house.url)
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/inbox")


async def test_a_supervisor_pauses_the_house_with_one_click_and_resumes_it(page: Page, house: House) -> None:
    await sign_in(page, house, "Mette")
    await page.get_by_role("button", name="Pause all").click()
    await expect(page.get_by_text("Paused by Mette")).to_be_visible()
    assert await Accounts(house.database).is_house_paused()
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_text("Paused by Mette")).to_be_hidden()
    assert not await Accounts(house.database).is_house_paused()


async def test_an_open_conversation_says_that_it_changed_and_keeps_the_words(
    page: Page, house: House, clock: ManualClock
) -> None:
    conversation = await house.seed.say(Said(root="t"))
    await sign_in(page, house, "Lars")
    await page.goto(f"{house.url}/conversations/{conversation}")
    await page.get_by_label("Edit, then approve").fill("Halvt skrevet")
    await clock.advance(1)
    await house.seed.say(Said(root="t", text="Og en ting til", action=Action.SHOW))
    await house.bell.announce()
    await expect(page.get_by_text("This conversation changed while you read.")).to_be_visible()
    await expect(page.get_by_label("Edit, then approve")).to_have_value("Halvt skrevet")


async def test_a_conversation_that_the_page_fetches_again_says_that_nobody_asked(
    page: Page, house: House, clock: ManualClock
) -> None:
    conversation = await house.seed.say(Said(root="t"))
    await sign_in(page, house, "Lars")
    await page.goto(f"{house.url}/conversations/{conversation}")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await clock.advance(1)
    async with page.expect_request(f"**/conversations/{conversation}*") as asked:
        await house.seed.say(Said(root="t", text="Og en ting til", action=Action.SHOW))
        await house.bell.announce()
    assert (await (await asked.value).all_headers())["x-genlyd-by"] == "itself"
    await expect(page.get_by_text("Og en ting til").first).to_be_visible()


@pytest.mark.parametrize("scripted", [True, False])
async def test_a_person_sets_a_mood_right_and_takes_it_back_with_and_without_scripts(
    chromium: Chromium, house: House, scripted: bool
) -> None:
    conversation = await house.seed.say(Said(action=Action.SHOW, embedding=bytes([7]) * 384))
    context = await chromium.new_context(java_script_enabled=scripted)
    page = await context.new_page()
    await sign_in(page, house, "Lars")
    await page.goto(f"{house.url}/conversations/{conversation}")
    await page.get_by_text("Not right?").click()
    await page.locator("#thread").get_by_label("Mood", exact=True).select_option("Positive")
    await page.get_by_label("Billing").check()
    await page.get_by_label("Also posts that say nearly the same").check()
    await page.get_by_role("button", name="Set right").click()
    await expect(page.get_by_text("Set right. It counts from now on.")).to_be_visible()
    await expect(page.get_by_label("Set right by people")).to_contain_text("Mood: Positive, was Negative. Set by Lars")
    await page.get_by_role("button", name="Undo of Mood").click()
    await expect(page.get_by_label("Set right by people")).not_to_contain_text("Mood")
    await expect(page.get_by_label("Set right by people")).to_contain_text("Intents: Complaint, Billing")
    await context.close()


async def test_a_lost_line_is_shown_and_heals(page: Page, house: House) -> None:
    await sign_in(page, house, "Lars")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await page.route("**/live?*", lambda route: route.abort())
    await page.reload()
    await expect(page.get_by_text("Offline, reconnecting")).to_be_visible()
    await page.unroute("**/live?*")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_is_wider_than_the_screen(chromium: Chromium, house: House, width: int, scheme: str) -> None:
    long = "x" * 200
    conversation = await house.seed.say(Said(handle="a" * 60, name=long, text=f"@hav {long} https://{long}.dk/{long}"))
    context = await chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = await context.new_page()
    await sign_in(page, house, "Mette")
    for path in (
        "/inbox",
        f"/conversations/{conversation}",
        "/sources",
        "/alerts",
        "/incidents",
        "/corrections",
        "/rules",
        "/watches",
        "/patterns",
        "/nowhere",
    ):
        await page.goto(house.url + path)
        excess = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert excess <= 0, (path, excess)
    await context.close()


@pytest.mark.parametrize(
    ("key", "state"), [("i", ReplyState.SENT), ("w", ReplyState.APPROVED), ("v", ReplyState.DROPPED)]
)
async def test_an_unknown_reply_is_settled_by_one_key(page: Page, house: House, key: str, state: ReplyState) -> None:
    conversation = await house.seed.say()
    await house.seed.lose(conversation)
    await sign_in(page, house, "Lars")
    await page.goto(f"{house.url}/conversations/{conversation}")
    await expect(page.get_by_role("button", name="It is there")).to_be_visible()
    await page.keyboard.press(key)
    await expect(page.get_by_role("button", name="It is there")).to_be_hidden()
    assert (await house.seed.reply_of(conversation)).state is state


async def test_a_key_does_nothing_while_somebody_types(page: Page, house: House) -> None:
    conversation = await house.seed.say(Said(root="t"))
    await house.seed.lose(conversation)
    await house.seed.say(Said(root="t", text="Og en ting til", action=Action.SHOW))
    await sign_in(page, house, "Lars")
    await page.goto(f"{house.url}/conversations/{conversation}")
    words = page.locator("textarea").first
    await words.click()
    await words.press_sequentially("disse ord")
    await expect(words).to_have_value("disse ord")
    assert (await house.seed.reply_of(conversation)).state is ReplyState.UNKNOWN
