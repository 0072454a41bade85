"""Two people at one desk, in a real browser."""

import asyncio

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, expect

from core.clock import ManualClock
from core.decision import Action
from core.reply import ReplyState
from tests.dashboard.conftest import House
from tests.dashboard.seed import Said
from tests.dashboard.test_browser import chromium, page, sign_in

__all__ = ["chromium", "page"]

pytestmark = pytest.mark.browser
_LONG = 20_000


async def _at(chromium: Chromium, house: House, name: str, conversation: int) -> Page:
    context = await chromium.new_context(viewport={"width": 1280, "height": 800})
    opened = await context.new_page()
    await sign_in(opened, house, name)
    await opened.goto(f"{house.url}/conversations/{conversation}")
    await expect(opened.get_by_text("Live", exact=True)).to_be_visible(timeout=_LONG)
    return opened


async def _until(house: House, conversation: int, state: ReplyState) -> None:
    """Wait until the newest reply stands there."""
    async with asyncio.timeout(_LONG / 1000):
        while (await house.seed.reply_of(conversation)).state is not state:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_two_people_on_one_post_see_each_other_and_the_second_is_refused_with_the_firsts_words(
    chromium: Chromium, house: House
) -> None:
    conversation = await house.seed.say(Said(action=Action.SHOW))
    lars = await _at(chromium, house, "Lars", conversation)
    nora = await _at(chromium, house, "Nora", conversation)
    await expect(lars.locator("#thread").get_by_text("Nora is looking")).to_be_visible(timeout=_LONG)
    await nora.get_by_label("Your answer").press_sequentially("Hej Jens, Nora her")
    await expect(lars.locator("form[data-types]").get_by_text("Nora is typing")).to_be_visible(timeout=_LONG)
    await expect(lars.locator(".card").get_by_text("Nora is typing")).to_be_visible(timeout=_LONG)
    await lars.get_by_label("Your answer").fill("Hej Jens, Lars her")
    await lars.get_by_role("button", name="Send answer").click()
    await expect(lars.get_by_role("heading", name="Nora is typing here")).to_be_visible(timeout=_LONG)
    await nora.keyboard.press("Control+Enter")
    # Lars types no more since he was asked, or Nora is asked too and says yes.
    anyway = nora.get_by_role("button", name="Send mine anyway")
    await expect(anyway.or_(nora.get_by_text("Leaves in 1"))).to_be_visible(timeout=_LONG)
    if await anyway.is_visible():
        await anyway.click()
        await expect(nora.get_by_text("Leaves in 1")).to_be_visible(timeout=_LONG)
    await lars.get_by_role("button", name="Send mine anyway").click()
    await expect(lars.get_by_role("heading", name="Nora has already answered")).to_be_visible(timeout=_LONG)
    await expect(lars.get_by_text("Hej Jens, Nora her")).to_be_visible()
    await expect(lars.get_by_label("Your text, to keep or copy")).to_have_value("Hej Jens, Lars her")
    for opened in (lars, nora):
        await opened.context.close()


async def test_approve_undo_approve_by_keyboard_and_another_tab_sees_the_undo(
    page: Page, house: House, clock: ManualClock
) -> None:
    conversation = await house.seed.say()
    await sign_in(page, house, "Lars")
    await page.goto(f"{house.url}/conversations/{conversation}")
    await page.keyboard.press("e")
    await expect(page.get_by_label("Edit, then approve")).to_be_focused()
    await page.get_by_label("Edit, then approve").fill("Hej Jens, vi ringer")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Leaves in 1")).to_be_visible(timeout=_LONG)
    tab = await page.context.new_page()
    await tab.goto(f"{house.url}/inbox")
    await expect(tab.get_by_text("Leaves in 1")).to_be_visible(timeout=_LONG)
    await expect(tab.get_by_text("Live", exact=True)).to_be_visible(timeout=_LONG)
    await clock.advance(1)
    await page.bring_to_front()
    await page.keyboard.press("z")
    await _until(house, conversation, ReplyState.DRAFT)
    await tab.bring_to_front()
    await expect(tab.get_by_text("Leaves in")).to_be_hidden(timeout=_LONG)
    await tab.close()
    await expect(page.get_by_label("Edit, then approve")).to_have_value("Hej Jens, vi ringer")
    await page.keyboard.press("a")
    await _until(house, conversation, ReplyState.APPROVED)
    assert (await house.seed.reply_of(conversation)).text == "Hej Jens, vi ringer"


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
