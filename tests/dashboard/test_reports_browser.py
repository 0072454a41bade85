"""The numbers in a real browser: drawn from their tables, whole without scripts."""

from functools import partial

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, expect

from tests.dashboard.conftest import House
from tests.dashboard.test_browser import chromium, page, sign_in  # noqa: F401  (fixtures)
from tests.report_crowd import Crowd
from tests.scene import eventually

pytestmark = pytest.mark.browser

_FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"


@pytest.fixture
async def crowded(house: House) -> House:
    await Crowd(seed=6, until=house.clock.now(), days=20).settle_in(house.database, conversations=150)
    return house


async def _tab_to(page: Page, words: str) -> str:  # noqa: F811
    """Press Tab until something that begins so has the focus, as somebody without a mouse would."""
    for _ in range(300):
        await page.keyboard.press("Tab")
        said = str(await page.evaluate(_FOCUSED))
        if said.startswith(words):
            return said
    raise AssertionError(f"no Tab leads to {words!r}")


async def test_a_chart_is_drawn_from_its_table_and_named_and_follows_the_theme(
    page: Page,  # noqa: F811
    crowded: House,
) -> None:
    await page.emulate_media(color_scheme="light")
    await sign_in(page, crowded, "Lars")
    await page.goto(f"{crowded.url}/reports")
    chart = page.get_by_role("img", name="Posts over time")
    await expect(chart.locator("canvas")).to_be_visible()
    section = page.locator("#volume")
    await expect(section.locator("table")).to_be_hidden()
    light = await chart.locator("canvas").evaluate("one => one.toDataURL()")
    await page.emulate_media(color_scheme="dark")
    await expect(chart.locator("canvas")).to_be_visible()
    assert await chart.locator("canvas").evaluate("one => one.toDataURL()") != light
    await page.set_viewport_size({"width": 700, "height": 800})
    # Playwright's own wait looks a second time by eval, which our policy forbids.
    await eventually(partial(chart.locator("canvas").evaluate, "one => one.clientWidth < 700"), seconds=10)
    await _tab_to(page, "Table")
    await page.keyboard.press("Enter")
    await expect(section.locator("table")).to_be_visible()
    # The first bar says what the first row says, and leads where it leads.
    await chart.hover(position={"x": 600, "y": 100})
    await expect(section.locator(".chart-said")).to_contain_text("Negative")
    # Days in which nothing was said: words say so, and no axis from nought to one.
    await page.goto(f"{crowded.url}/reports?from=2020-01-01&to=2020-01-07")
    await expect(section.get_by_text("Nothing was heard in these days.")).to_be_visible()
    await expect(section.locator("canvas")).to_have_count(0)


async def test_without_scripts_every_table_stands_open(chromium: Chromium, crowded: House) -> None:  # noqa: F811
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()  # noqa: F811
    await sign_in(page, crowded, "Lars")
    await page.goto(f"{crowded.url}/reports")
    await expect(page.locator("#volume table")).to_be_visible()
    await expect(page.locator("#volume .chart")).to_be_hidden()
    await page.get_by_label("Platform", exact=True).select_option("reddit")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("#posts-by-platform tbody tr")).to_have_count(1)
    await context.close()
