"""A draft rejected with a reason by one digit, in a real browser."""

import pytest
from playwright.async_api import Page, expect

from core.reply import ReplyState
from tests.dashboard.conftest import House
from tests.dashboard.test_browser import chromium, page, sign_in

__all__ = ["chromium", "page"]

pytestmark = pytest.mark.browser
_LONG = 20_000


async def test_a_draft_is_rejected_and_its_language_set_right_by_one_digit(page: Page, house: House) -> None:
    conversation = await house.seed.say()
    await sign_in(page, house, "Lars")
    await page.goto(f"{house.url}/conversations/{conversation}")
    await page.keyboard.press("6")
    assert (await house.seed.reply_of(conversation)).state is ReplyState.DRAFT, "no digit counts while it is folded"
    await page.get_by_text("Reject", exact=True).click()
    await page.keyboard.press("6")
    await expect(page.get_by_text("Rejected, and set right. It counts from now on.")).to_be_visible(timeout=_LONG)
    await expect(page.get_by_label("Set right by people")).to_contain_text("Language: Swedish, was Danish")
