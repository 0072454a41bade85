"""Rules tried and put live in a real browser, by keyboard alone; and without scripts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, expect

from app.following import Ruling, follow_rules
from app.wiring import build_desk
from core.clock import ManualClock, SystemClock
from core.decision import Action
from responder.worker import run_worker
from store.decisions import Decisions
from store.exports import export
from store.posts import Posts
from store.rulebooks import Rulebooks
from tests.dashboard import shown
from tests.dashboard.conftest import CONFIG, PASSWORD, House
from tests.dashboard.seed import Said
from tests.dashboard.test_accessible import _faults, _signed_in
from tests.dashboard.test_browser import chromium, page, sign_in

__all__ = ["chromium", "page"]

pytestmark = pytest.mark.browser


@contextlib.asynccontextmanager
async def deciding(house: House) -> AsyncIterator[None]:
    """A responder's worker beside the pages, as a process of its own would run it."""

    async def look_first() -> None:
        pass

    ruling = Ruling(build_desk(CONFIG), follow_rules(CONFIG, Rulebooks(house.database)))
    decisions = Decisions(house.database, repeat_alert_after=timedelta(hours=1))
    posts, clock = Posts(house.database), SystemClock()
    task = asyncio.create_task(run_worker(ruling, posts, decisions, house.bell, clock, look_first=look_first))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def rule_of_the_next_post(house: House, handle: str) -> str:
    """Somebody writes; return the rule that decides about it."""
    known = {row["post_id"] async for row in export(house.database, "decisions")}
    await house.seed.say(Said(handle=handle, action=None, urgency=20))
    async with asyncio.timeout(30):
        while True:
            for row in [row async for row in export(house.database, "decisions")]:
                if row["post_id"] not in known:
                    return str(row["rule"])
            await asyncio.sleep(0.1)


async def tab_to(page: Page, what: str) -> None:
    """Press Tab until the thing that a script finds has the focus."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate(f"document.activeElement?.matches({what!r})"):
            return
    raise AssertionError(f"Tab never reaches {what}")


async def test_by_keyboard_alone_a_rule_is_mended_tried_put_live_and_taken_back(
    page: Page, house: House, clock: ManualClock
) -> None:
    await clock.advance(600)
    await house.seed.say(Said(text="@hav hvornår åbner I?", action=Action.SHOW, urgency=20))
    async with deciding(house):
        await page.goto(f"{house.url}/rules")
        await tab_to(page, "input[name=name]")
        await page.keyboard.type("Mette")
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/rules")

        await tab_to(page, "#text")
        await page.keyboard.press("Control+A")
        await page.keyboard.type('[[rules]]\nname = "gentle"\nreply = "drfat"\n')
        await tab_to(page, "#editor button")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("1 thing is wrong")
        await expect(page.get_by_role("alert")).to_contain_text("line 3")
        await expect(page.locator(".gutter .wrong")).to_have_text("3")

        await tab_to(page, "a[data-line]")
        await page.keyboard.press("Enter")
        await page.keyboard.type('reply = "draft"')
        await expect(page.get_by_label("Rules, as TOML")).to_have_value('[[rules]]\nname = "gentle"\nreply = "draft"\n')
        await tab_to(page, "#editor button")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Tried on 1 post of the last 7 days")).to_be_focused()

        await tab_to(page, ".move summary")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="@hav hvornår åbner I?")).to_be_visible()
        await expect(page.get_by_text("Drafted, by “gentle”")).to_be_visible()
        assert await rule_of_the_next_post(house, "anna") == "complaint"

        await page.keyboard.press("p")
        await expect(page.get_by_text("Live. The next post is decided by these rules.")).to_be_visible()
        assert await rule_of_the_next_post(house, "bo") == "gentle"

        await page.keyboard.press("z")
        await expect(page.get_by_text("Back as it was. The next post is decided by these rules.")).to_be_visible()
        assert await rule_of_the_next_post(house, "carl") == "complaint"


async def test_without_scripts_an_error_leads_to_its_line_and_the_trial_still_comes(
    chromium: Chromium, house: House
) -> None:
    await house.seed.say(Said(action=Action.SHOW, urgency=20))
    context = await chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = await context.new_page()
    await sign_in(page, house, "Mette")
    await page.goto(f"{house.url}/watches")
    await page.get_by_label("Watches, as TOML").fill('[[watches]]\naccount = "hav-dk"\nhashtag = ["x"]\n')
    await page.get_by_role("button", name="Try").click()
    await page.get_by_role("link", name="line 3").click()
    await expect(page.locator("#line-3")).to_contain_text('hashtag = ["x"]')
    await page.get_by_label("Watches, as TOML").fill('[[watches]]\naccount = "hav-dk"\nhashtags = ["x"]\n')
    await page.get_by_role("button", name="Try").click()
    await expect(page.get_by_text("would have heard 1 of 1 stored posts")).to_be_visible()
    await page.get_by_role("button", name="Put these watches live").click()
    await expect(page.get_by_text("Live. The listeners follow within seconds.")).to_be_visible()
    await context.close()


async def test_axe_finds_nothing_grave_in_a_trial_its_problems_and_the_versions(
    chromium: Chromium, house: House
) -> None:
    await shown.seed(house)
    page = await _signed_in(chromium, house, viewport={"width": 390, "height": 844})
    found: list[str] = []
    for kind, good, bad in (
        ("rules", '[[rules]]\nname = "gentle"\nreply = "draft"\n', "[[rules]]\nreply = 3\n"),
        ("watches", '[[watches]]\naccount = "hav-dk"\nkeywords = ["hav", "nix"]\n', "[[watches]]\nx = 3\n"),
    ):
        await page.goto(f"{house.url}/{kind}")
        for text, button in ((bad, "Try"), (good, "Try"), (good, f"Put these {kind} live")):
            if button == "Try":
                await page.locator("#text").fill(text)
            await page.get_by_role("button", name=button).click()
            await page.wait_for_load_state()
            await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
            for theme in ("light", "dark") if text is good and button == "Try" else ("light",):
                await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                found += [f"{kind} {button} {theme}: {fault}" for fault in await _faults(page)]
    assert found == []
