"""WCAG 2.2 AA in a real browser: axe on every page in both themes, and no page wider than a small phone."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page

from core.rights import Role
from dashboard.cookies import hashed
from dashboard.i18n import LANGUAGES
from dashboard.server import PAGES
from store.invitations import Invitations, Link
from tests.dashboard import shown
from tests.dashboard.conftest import PASSWORD, House
from tests.dashboard.test_browser import chromium, sign_in  # noqa: F401  (a fixture)

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
_GRAVE = ("serious", "critical")
_WIDEST = """() => {
  for (const fold of document.querySelectorAll("main details")) fold.open = true;
  const edges = [...document.querySelectorAll("main .box")].map((box) => Math.round(box.getBoundingClientRect().right));
  return Math.max(document.documentElement.scrollWidth, ...edges);
}"""


async def _faults(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page as it stands."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", _RULES)
    assert found["passes"], "axe looked at nothing"
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:160]} | {node['failureSummary'][:240]}"
        for one in found["violations"]
        if one["impact"] in _GRAVE
        for node in one["nodes"][:3]
    ]


async def _faults_on(page: Page, url: str, path: str) -> list[str]:
    """Return the same of a page in light and in dark."""
    await page.goto(url + path)
    found = []
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)
        found += [f"{path} {theme}: {fault}" for fault in await _faults(page)]
    return found


async def _signed_in(chromium: Chromium, house: House, **options: Any) -> Page:  # noqa: F811
    context = await chromium.new_context(bypass_csp=True, reduced_motion="reduce", **options)
    page = await context.new_page()
    await sign_in(page, house, "Mette")
    return page


async def test_axe_finds_nothing_grave_on_any_page_in_light_and_dark(chromium: Chromium, house: House) -> None:  # noqa: F811
    conversation = await shown.seed(house)
    page = await _signed_in(chromium, house, viewport={"width": 1280, "height": 900})
    faults = []
    for path in shown.paths(conversation):
        faults += await _faults_on(page, house.url, path)
    await shown.storm(house, conversation)
    for path in ("/inbox", "/incidents"):
        faults += await _faults_on(page, house.url, path)
    assert faults == []


async def test_axe_finds_nothing_grave_on_the_door_or_on_a_phone(chromium: Chromium, house: House) -> None:  # noqa: F811
    conversation = await shown.seed(house)
    page = await _signed_in(chromium, house, viewport={"width": 390, "height": 844})
    faults = []
    for path in ("/inbox", f"/conversations/{conversation}"):
        await page.goto(house.url + path)
        faults += [f"{path}: {fault}" for fault in await _faults(page)]
    await page.context.clear_cookies()
    await page.goto(house.url + "/sign-in")
    faults += [f"/sign-in: {fault}" for fault in await _faults(page)]
    assert faults == []


async def test_axe_finds_nothing_grave_on_the_ways_in(chromium: Chromium, house: House) -> None:  # noqa: F811
    now, faults = house.clock.now(), []
    link = Link(token_hash=hashed("a-link"), expires_at=now + timedelta(hours=1))
    await Invitations(house.database).invite("Nils", Role.AGENT, link, by="Mette", at=now)
    page = await _signed_in(chromium, house, viewport={"width": 390, "height": 844}, color_scheme="dark")
    await page.goto(house.url + "/me")
    await page.fill("#factor-password", PASSWORD)
    await page.press("#factor-password", "Enter")
    faults += [f"set up: {fault}" for fault in await _faults(page)]
    secret = (await page.locator(".secret code").inner_text()).replace(" ", "")
    await page.fill("#code", pyotp.TOTP(secret).at(now))
    await page.press("#code", "Enter")
    await page.wait_for_selector(".codes")
    faults += [f"codes: {fault}" for fault in await _faults(page)]
    await page.goto(house.url + "/me")
    faults += [f"account: {fault}" for fault in await _faults(page)]
    await page.context.clear_cookies()
    for path in ("/join/a-link", "/join/none", "/sign-in"):
        await page.goto(house.url + path)
        faults += [f"{path}: {fault}" for fault in await _faults(page)]
    await page.fill("#name", "Mette")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_selector("#code")
    faults += [f"code: {fault}" for fault in await _faults(page)]
    assert faults == []


async def test_axe_sees_a_fault_that_is_put_there(chromium: Chromium, house: House) -> None:  # noqa: F811
    page = await _signed_in(chromium, house)
    await page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any(fault.startswith("button-name") for fault in await _faults(page))


async def test_no_page_is_wider_than_a_small_phone_in_any_language(chromium: Chromium, house: House) -> None:  # noqa: F811
    """At 320 pixels, which is also 1280 at 400 %: nothing is cut off and nobody scrolls in two directions."""
    conversation = await shown.seed(house)
    page = await _signed_in(chromium, house, viewport={"width": 320, "height": 640})
    staff = await house.people.staff_named("Mette")
    assert staff is not None
    too_wide = []
    for language in LANGUAGES:
        await house.people.set_language(staff.id, language, at=house.clock.now())
        for path in shown.paths(conversation):
            await page.goto(house.url + path)
            # Folded tables are opened: what is inside may push its box over the edge, where nobody can scroll to it.
            width = await page.evaluate(_WIDEST)
            if width > 320:
                too_wide.append(f"{path} in {language}: {width}")
    assert too_wide == []


def test_every_page_is_looked_at() -> None:
    """A page with a number in its address has to be in `shown.paths` by hand."""
    known = {"/conversations/{id", "/alerts/{id", "/reports/{kind", "/reports/table/{key"}
    numbered = {page.path.split(":")[0] for page in PAGES if page.method == "GET" and "{" in page.path}
    assert numbered <= known, "give these an address in tests/dashboard/shown.py"
