"""Every key of the desk, pressed in a real browser: what it does, when it does nothing, and where focus is afterwards.

The table is dashboard/keys.py; moving in the list, selecting and searching by keys stand in test_desk_browser.py.
"""

import asyncio
import contextlib

import pytest
from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as TooLate

from core.clock import ManualClock
from core.conversation import Status
from core.reply import ReplyState
from dashboard.keys import KEYS, Key
from tests.dashboard.conftest import House
from tests.dashboard.seed import Said
from tests.dashboard.test_browser import chromium, page
from tests.dashboard.test_keyboard_journeys import at_the_desk, open_first, press, sign_in, tab_to, until

__all__ = ["chromium", "page"]

pytestmark = pytest.mark.browser

# A key as a keyboard sends it that has the sign elsewhere, or with what else is held down.
_SEND = """([key, more]) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }))"""


async def send(page: Page, key: str, **held: object) -> None:
    await page.evaluate(_SEND, [key, held])


async def is_lost(page: Page) -> bool:
    """Whether nothing has the focus."""
    return bool(await page.evaluate("document.activeElement === document.body"))


async def status_of(house: House, conversation: int) -> tuple[Status, str | None]:
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    return thread.conversation.status, thread.conversation.taken_by


async def is_in_step(page: Page, house: House, conversation: int) -> None:
    """Wait until the pane shows the conversation as it now is: after an undo the live line brings it."""
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    version = page.locator(f"form[action='/conversations/{conversation}/move'] [name=version]")
    await expect(version).to_have_value(str(thread.conversation.version))


async def comes_to(house: House, conversation: int, status: Status, taken_by: str | None) -> None:
    """Wait until a conversation stands there."""
    async with asyncio.timeout(20):
        while await status_of(house, conversation) != (status, taken_by):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_each_key_of_a_conversation_does_what_it_says_and_focus_is_never_lost(
    page: Page, house: House, clock: ManualClock
) -> None:
    conversation = await house.seed.say(Said(handle="one"))
    await sign_in(page, house, "Lars")
    await at_the_desk(page)
    await open_first(page)
    for key, status, taken_by, said in (
        ("t", Status.OPEN, "Lars", "You have it now"),
        ("h", Status.OPEN, None, "Handed back"),
        ("z", Status.OPEN, "Lars", "Undone"),
        ("d", Status.RESOLVED, "Lars", "Resolved"),
        ("z", Status.OPEN, "Lars", "Undone"),
    ):
        # A change of the very instant that a page has seen is none to it.
        await clock.advance(1)
        await expect(page.locator(f"[data-key={key}]:not(#bulk *)").first).to_be_visible()
        await press(page, key)
        await comes_to(house, conversation, status, taken_by)
        await expect(page.locator("#toast")).to_contain_text(said)
        await is_in_step(page, house, conversation)
        assert not await is_lost(page), key
    # Approved without a look into the words, and taken back.
    await press(page, "a")
    await until(house, conversation, ReplyState.APPROVED)
    await expect(page.get_by_text("Leaves in 1")).to_be_visible()
    assert not await is_lost(page)
    await press(page, "z")
    await until(house, conversation, ReplyState.DRAFT)
    await expect(page.get_by_label("Edit, then approve")).to_be_visible()
    await expect(page.locator("#thread h1")).to_be_focused()
    # Put off: the key opens the choice, and Enter takes the first.
    await press(page, "s")
    await expect(page.get_by_role("button", name="For an hour")).to_be_focused()
    await press(page, "Enter")
    await comes_to(house, conversation, Status.SNOOZED, "Lars")
    await expect(page.locator("#toast")).to_contain_text("Snoozed")
    assert not await is_lost(page)
    # Out of a field, focus is in the conversation; out of the conversation, on its card.
    await press(page, "e", "Escape")
    await expect(page.locator("#thread h1")).to_be_focused()
    await press(page, "Escape")
    await expect(page.locator(".card-link")).to_be_focused()
    await press(page, "/", "Escape")
    await expect(page.locator(".card-link")).to_be_focused()
    # Out of a dialog, where one was.
    await press(page, "?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await press(page, "Escape")
    await expect(page.locator(".card-link")).to_be_focused()


async def test_no_key_is_taken_from_a_field_a_dialog_or_somebody_who_holds_more_down(page: Page, house: House) -> None:
    conversation = await house.seed.say(Said(handle="one"))
    await sign_in(page, house, "Lars")
    await at_the_desk(page)
    await open_first(page)
    await tab_to(page, "Reject")
    await press(page, "Enter")
    before = await status_of(house, conversation)
    for held in ({"ctrlKey": True}, {"metaKey": True}, {"altKey": True}, {"ctrlKey": True, "altKey": True}):
        for key in "atdse6":
            await send(page, key, **held)
    await send(page, "Dead")
    await send(page, "a", isComposing=True)
    await send(page, "a", repeat=True)
    await expect(page.get_by_label("Edit, then approve")).not_to_be_focused()
    await press(page, "?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await press(page, "a", "t", "d", "x", "6", "g", "r", "Escape")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    # Whoever turned the keys off has none, digits neither.
    await page.evaluate("document.documentElement.dataset.keys = 'off'")
    await press(page, "a", "6")
    await page.evaluate("document.documentElement.dataset.keys = 'on'")
    await press(page, "e")
    await page.keyboard.type(" atdhszx?/6gr")
    await expect(page.get_by_label("Edit, then approve")).to_have_value(
        "Hej Jens. Vi har set dit opslag og er på sagen. /Mette atdhszx?/6gr"
    )
    assert await status_of(house, conversation) == before
    assert (await house.seed.reply_of(conversation)).state is ReplyState.DRAFT
    assert page.url == f"{house.url}/conversations/{conversation}"


async def test_keys_are_read_by_their_sign_wherever_a_nordic_keyboard_has_it(page: Page, house: House) -> None:
    await house.seed.say(Said(handle="one"))
    await sign_in(page, house, "Lars")
    await at_the_desk(page)
    # On Danish, Swedish and Norwegian keyboards "/" is Shift+7 and "?" Shift+Plus.
    await send(page, "/", code="Digit7", shiftKey=True)
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await press(page, "Escape")
    await send(page, "?", code="Minus", shiftKey=True)
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await press(page, "Escape")
    # A German or a French keyboard has other letters where an English one has z and a: the letter counts.
    await send(page, "j", code="KeyC")
    await expect(page.locator(".card-link")).to_be_focused()


async def test_g_and_a_letter_lead_to_each_page_from_any_page(page: Page, house: House) -> None:
    await sign_in(page, house, "Lars")
    await at_the_desk(page)
    ways = [key for _, keys in KEYS for key in keys if key.to]
    assert len(ways) == 10
    for key in ways:
        await lead_to(page, key)
        await page.wait_for_load_state("domcontentloaded")


async def lead_to(page: Page, key: Key) -> None:
    """Press g and a letter until they lead there: on a busy machine more may lie between them than the desk allows."""
    for _ in range(5):
        await press(page, *key.press.split())
        with contextlib.suppress(TooLate):
            return await page.wait_for_url(f"**{key.to}", timeout=6_000)
    raise AssertionError(f"{key.press} does not lead to {key.to}")


async def test_every_button_that_has_a_key_shows_it(page: Page, house: House) -> None:
    await house.seed.say(Said(handle="one"))
    await sign_in(page, house, "Mette")
    await at_the_desk(page)
    await open_first(page)
    await press(page, "x")
    bare = """() => [...document.querySelectorAll("[data-key], [data-submit]")]
      .filter((one) => one.checkVisibility() && one.getAttribute("aria-hidden") !== "true")
      .filter((one) => !one.querySelector("kbd")?.checkVisibility({ visibilityProperty: true }))
      .map((one) => `${one.dataset.key} ${one.textContent.trim()}`)"""
    assert await page.evaluate(bare) == []
    shown = await page.evaluate("[...document.querySelectorAll('[data-key] kbd')].map((one) => one.textContent)")
    assert {"A", "E", "T", "D", "N", "F", "H", "S"} <= set(shown)
    # What only a script presses for r and s shows them beside it.
    for key in ("R", "S"):
        assert await page.locator(".reading summary kbd", has_text=key).count(), key


async def test_a_key_pressed_twice_is_done_once_and_nobody_is_told_that_they_were_second(
    page: Page, house: House
) -> None:
    conversation = await house.seed.say(Said(handle="one"))
    await sign_in(page, house, "Lars")
    await at_the_desk(page)
    await open_first(page)
    await press(page, "a", "a")
    await until(house, conversation, ReplyState.APPROVED)
    await expect(page.get_by_text("Leaves in 1")).to_be_visible()
    await expect(page.locator(".notice")).to_have_count(0)
