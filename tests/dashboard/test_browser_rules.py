"""Rules tried and put live in a real browser without scripts, and seen by axe."""

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect

from core.decision import Action
from tests.dashboard import shown
from tests.dashboard.conftest import House
from tests.dashboard.seed import Said
from tests.dashboard.test_accessible import _faults, _signed_in
from tests.dashboard.test_browser import chromium, page, sign_in

__all__ = ["chromium", "page"]

pytestmark = pytest.mark.browser


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
