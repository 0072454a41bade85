"""Coming in with the keyboard alone: an invitation, a second factor, and what a role may not do."""

import re

import pyotp
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, expect

from core.rights import Role
from store.people import People
from tests.dashboard.conftest import PASSWORD, House
from tests.dashboard.test_browser import chromium, page

pytestmark = pytest.mark.browser
__all__ = ["chromium", "page"]


async def _sign_in(page: Page, house: House, name: str, password: str) -> None:
    """By keyboard: the first field has the focus, Enter sends."""
    await page.goto(f"{house.url}/sign-in")
    await expect(page.locator("#name")).to_be_focused()
    await page.keyboard.type(name)
    await page.keyboard.press("Tab")
    await page.keyboard.type(password)
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/(inbox|sign-in/.+)$|\?next="))


async def _tab_to(page: Page, name: str) -> None:
    """Press Tab until a control of this name has the focus."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        said = await page.evaluate(
            "() => { const one = document.activeElement;"
            " return (one.labels && one.labels[0] ? one.labels[0] : one).textContent.trim(); }"
        )
        if said.startswith(name):
            return
    raise AssertionError(f"no Tab leads to {name}")


async def test_somebody_is_invited_comes_and_may_do_no_more_than_their_role(
    chromium: Chromium, page: Page, house: House, password_hash: str
) -> None:
    await People(house.database).add_staff("Ida", password_hash, Role.ADMIN, at=house.clock.now(), by="test")
    await _sign_in(page, house, "Ida", PASSWORD)
    await page.goto(f"{house.url}/people")
    await _tab_to(page, "Name")
    await page.keyboard.type("Nils")
    await page.keyboard.press("Enter")
    link = await page.get_by_label("Link").input_value()
    context = await chromium.new_context(java_script_enabled=False)
    theirs = await context.new_page()
    await theirs.goto(house.url + link[link.index("/join/") :])
    await expect(theirs.get_by_role("heading", name="Welcome, Nils")).to_be_visible()
    await theirs.keyboard.type("en lang ny sætning")
    await theirs.keyboard.press("Tab")
    await theirs.keyboard.type("en lang ny sætning")
    await theirs.keyboard.press("Enter")
    await theirs.wait_for_url("**/inbox")
    await expect(theirs.get_by_role("button", name="Pause all")).to_have_count(0)
    for path in ("/people", "/audit"):
        answer = await theirs.goto(f"{house.url}{path}")
        assert answer is not None
        assert answer.status == 403
        await expect(theirs.get_by_text("Only an administrator may do this.")).to_be_visible()
    await context.close()


async def test_a_second_factor_is_set_up_and_used_with_the_keyboard_alone(page: Page, house: House) -> None:
    await _sign_in(page, house, "Lars", PASSWORD)
    await page.goto(f"{house.url}/me")
    await _tab_to(page, "Your password")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    secret = (await page.locator(".secret code").inner_text()).replace(" ", "")
    assert await page.locator("img.qr").evaluate("one => one.complete && one.naturalWidth > 0")
    await _tab_to(page, "Six digits")
    await page.keyboard.type(pyotp.TOTP(secret).at(house.clock.now()))
    await page.keyboard.press("Enter")
    await expect(page.locator(".codes code")).to_have_count(10)
    code = await page.locator(".codes code").first.inner_text()
    await page.context.clear_cookies()
    await _sign_in(page, house, "Lars", PASSWORD)
    await expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    await page.keyboard.type("000000")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/inbox")
