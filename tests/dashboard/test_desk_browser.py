"""The inbox in a real browser, by keys alone: moving, opening, searching, selecting, undoing, and a list that stays."""

import re

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, expect

from core.clock import ManualClock
from core.conversation import Status
from store.inbox import InboxFilters
from tests.dashboard.conftest import House
from tests.dashboard.seed import Said
from tests.dashboard.test_browser import chromium, page, sign_in  # noqa: F401  (fixtures)

pytestmark = pytest.mark.browser


@pytest.fixture
async def desk(page: Page, house: House) -> Page:  # noqa: F811
    """An inbox with four conversations, the most urgent first: one, two, three, four."""
    for urgency, handle in ((90, "one"), (70, "two"), (50, "three"), (20, "four")):
        await house.seed.say(Said(handle=handle, name="", urgency=urgency, text=f"@hav {handle} venter på svar"))
    await sign_in(page, house, "Lars")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await page.evaluate("window.untouched = true")
    return page


async def focus(page: Page) -> str:  # noqa: F811
    """Return what is in focus."""
    found = await page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name")
    return str(found)


async def handles(page: Page) -> list[str]:  # noqa: F811
    """Return the list as it stands."""
    return [said.strip() for said in await page.locator(".card h3").all_inner_texts()]


async def statuses(house: House) -> list[Status]:
    found = await house.seed.conversations.inbox(InboxFilters(statuses=tuple(Status)))
    return sorted(card.conversation.status for card in found.cards)


_DEAD = """() => [...document.querySelectorAll(".card article *")].map((one) => {
  const box = one.getBoundingClientRect();
  const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return hit?.closest(".card") && !hit.closest("a, input") ? hit.outerHTML : "";
}).filter(Boolean)"""


async def test_a_press_anywhere_on_a_card_opens_it(desk: Page) -> None:
    assert await desk.evaluate(_DEAD) == []


async def test_a_note_leaves_its_field_empty_and_times_are_told_in_the_pages_tongue(
    desk: Page, house: House, clock: ManualClock
) -> None:
    staff = await house.people.staff_named("Lars")
    assert staff is not None
    await house.people.set_language(staff.id, "da", at=clock.now())
    await clock.advance(1)
    await desk.goto(f"{house.url}/conversations/1")
    note = desk.get_by_label("En note til kolleger")
    await note.fill("Hun ringede i går")
    await desk.get_by_role("button", name="Notér", exact=True).click()
    await expect(desk.locator(".note")).to_contain_text("Hun ringede i går")
    await expect(note).to_have_value("")
    told = await desk.locator("#thread time[data-local]").first.get_attribute("title")
    assert re.match(r"\d+\.\d+\.\d{4}", told or ""), "as Danes write a day"


async def test_writing_ones_own_answer_opens_in_sight_and_takes_the_keys(desk: Page, house: House) -> None:
    await desk.set_viewport_size({"width": 1280, "height": 500})
    await desk.goto(f"{house.url}/conversations/1")
    await desk.get_by_text("Write your own answer instead").click()
    await expect(desk.get_by_label("Your answer")).to_be_focused()
    await expect(desk.get_by_label("Your answer")).to_be_in_viewport()
    await desk.get_by_text("Until when").click()
    assert await desk.evaluate("document.documentElement.scrollHeight") == 500, "panes scroll, the page does not"


async def test_keys_move_open_and_close_without_a_reload(desk: Page, house: House) -> None:
    for key in ("j", "j", "j", "k"):
        await desk.keyboard.press(key)
    assert await focus(desk) == "@two"
    await desk.keyboard.press("Enter")
    await expect(desk.locator("#thread h1")).to_have_text("@two")
    await expect(desk).to_have_url(re.compile(r"/conversations/\d+$"))
    await expect(desk).to_have_title(re.compile("@two"))
    await expect(desk.locator(".card-link[aria-current]")).to_have_text("@two")
    assert await focus(desk) == "@two"
    await desk.keyboard.press("j")
    await desk.keyboard.press("o")
    await expect(desk.locator("#thread h1")).to_have_text("@three")
    await desk.go_back()
    await expect(desk.locator("#thread h1")).to_have_text("@two")
    await desk.keyboard.press("Escape")
    await expect(desk.get_by_role("heading", name="Choose a conversation")).to_be_visible()
    await expect(desk).to_have_url(f"{house.url}/inbox")
    assert await desk.evaluate("window.untouched")


async def test_a_draft_is_approved_by_one_key_and_the_list_stays(desk: Page, house: House, clock: ManualClock) -> None:
    for key in ("j", "j", "Enter"):
        await desk.keyboard.press(key)
    await expect(desk.locator("#thread h1")).to_have_text("@two")
    await desk.keyboard.press("e")
    await expect(desk.get_by_label("Edit, then approve")).to_be_focused()
    await desk.keyboard.type(" djk")
    await expect(desk.get_by_label("Edit, then approve")).to_have_value(re.compile(r"/Mette djk$"))
    # A change of the very instant that a page has seen is none to it.
    await clock.advance(1)
    await desk.keyboard.press("Control+Enter")
    await expect(desk.locator("#held")).to_contain_text("Leaves in 1")
    await expect(desk.locator("#toast")).to_be_empty()
    await expect(desk).to_have_url(re.compile(r"/conversations/\d+$"))
    assert await handles(desk) == ["@one", "@two", "@three", "@four"]
    await expect(desk.locator(".card", has_text="@two")).to_contain_text("Reply about to be sent")
    assert await desk.evaluate("window.untouched")
    await desk.set_viewport_size({"width": 1280, "height": 500})
    await desk.evaluate("scrollTo(0, 9999)")
    assert await desk.evaluate("scrollY") == 0, "the panes move, the page around them never does"


async def test_half_an_answer_is_still_there_when_one_comes_back(desk: Page, house: House) -> None:
    for key in ("j", "Enter"):
        await desk.keyboard.press(key)
    await expect(desk.locator("#thread h1")).to_have_text("@one")
    await desk.keyboard.press("r")
    await desk.keyboard.type("Halvt skrevet")
    await desk.keyboard.press("Escape")
    for key in ("j", "Enter"):
        await desk.keyboard.press(key)
    await expect(desk.locator("#thread h1")).to_have_text("@two")
    for key in ("k", "Enter"):
        await desk.keyboard.press(key)
    await expect(desk.locator("#thread h1")).to_have_text("@one")
    await desk.keyboard.press("r")
    await expect(desk.get_by_label("Your answer")).to_have_value("Halvt skrevet")


async def test_search_and_filters_by_keys_stand_in_the_address(desk: Page, house: House) -> None:
    await desk.keyboard.press("/")
    await desk.keyboard.type("xjd")
    assert await desk.locator(".pick:checked").count() == 0
    await expect(desk.locator(".search input")).to_have_value("xjd")
    await desk.keyboard.press("Escape")
    await desk.keyboard.press("f")
    await expect(desk.get_by_label("Whose")).to_be_focused()
    await desk.get_by_label("Mood", exact=True).select_option("Negative")
    await desk.get_by_role("searchbox").fill("")
    await desk.get_by_role("button", name="Show").press("Enter")
    await desk.wait_for_url("**/inbox?status=open&mood=negative")
    await expect(desk.get_by_label("Filters in use")).to_contain_text("Negative")
    await desk.keyboard.press("j")
    await desk.keyboard.press("Enter")
    await expect(desk).to_have_url(re.compile(r"/conversations/\d+\?mood=negative$"))


async def test_a_range_is_resolved_and_put_back_by_keys(desk: Page, house: House) -> None:
    for key in ("j", "j", "x", "j", "j", "Shift+X"):
        await desk.keyboard.press(key)
    await expect(desk.locator("[data-selected]")).to_have_text("3")
    await desk.keyboard.press("d")
    await expect(desk.locator("#toast")).to_contain_text("3 resolved.")
    assert await statuses(house) == [Status.OPEN, *[Status.RESOLVED] * 3]
    await expect(desk.locator(".card.left")).to_have_count(3)
    assert await handles(desk) == ["@one", "@two", "@three", "@four"]
    await expect(desk.locator(".bulk")).to_be_hidden()
    await desk.keyboard.press("z")
    await expect(desk.locator("#toast")).to_contain_text("Undone: 3 are as they were.")
    await expect(desk.locator(".card.left")).to_have_count(0)
    assert await statuses(house) == [Status.OPEN] * 4


async def test_what_is_done_in_the_conversation_is_undone_by_the_same_key(desk: Page, house: House) -> None:
    for key in ("j", "Enter"):
        await desk.keyboard.press(key)
    await expect(desk.locator("#thread h1")).to_have_text("@one")
    await desk.keyboard.press("d")
    await expect(desk.locator("#toast")).to_contain_text("Resolved.")
    assert await statuses(house) == [*[Status.OPEN] * 3, Status.RESOLVED]
    await desk.keyboard.press("z")
    await expect(desk.locator("#toast")).to_contain_text("Undone: 1 is as it was.")
    assert await statuses(house) == [Status.OPEN] * 4


async def test_one_card_is_done_by_its_key_and_the_reader_moves_on(desk: Page, house: House) -> None:
    await desk.keyboard.press("j")
    await desk.keyboard.press("d")
    await expect(desk.locator("#toast")).to_contain_text("Resolved.")
    await expect(desk.locator(".card.left")).to_have_count(1)
    await expect(desk.locator(".card-link:focus")).to_have_text("@two")
    assert await statuses(house) == [*[Status.OPEN] * 3, Status.RESOLVED]


async def test_a_list_stays_while_it_is_read_and_takes_in_the_new_when_asked(
    desk: Page, house: House, clock: ManualClock
) -> None:
    await desk.set_viewport_size({"width": 1280, "height": 500})
    for _key in range(4):
        await desk.keyboard.press("j")
    await clock.advance(1)
    await house.seed.say(Said(handle="newest", urgency=99))
    await house.bell.announce()
    await expect(desk.get_by_role("button", name="1 new above")).to_be_visible()
    assert await handles(desk) == ["@one", "@two", "@three", "@four"]
    assert await focus(desk) == "@four"
    await desk.keyboard.press("u")
    await expect(desk.locator(".card").first).to_contain_text("@newest")
    await expect(desk.get_by_role("button", name="1 new above")).to_be_hidden()
    assert await focus(desk) == "@four"
    assert await desk.locator("#queue-list").evaluate("list => list.scrollTop") == 0, "what is new is in sight"
    assert await desk.evaluate("window.untouched")


async def test_the_keys_are_shown_lead_to_pages_and_can_be_turned_off(desk: Page, house: House) -> None:
    await desk.keyboard.press("?")
    await expect(desk.get_by_role("dialog", name="Keys")).to_contain_text("Select up to here")
    await desk.keyboard.press("Escape")
    await expect(desk.get_by_role("dialog", name="Keys")).to_be_hidden()
    await desk.keyboard.press("g")
    await desk.keyboard.press("a")
    await desk.wait_for_url("**/alerts")
    await desk.keyboard.press("?")
    await desk.get_by_label("Single-letter keys work on this browser").uncheck()
    await desk.keyboard.press("Escape")
    await desk.goto(f"{house.url}/inbox")
    for key in ("?", "j", "x"):
        await desk.keyboard.press(key)
    await expect(desk.get_by_role("dialog", name="Keys")).to_be_hidden()
    assert await desk.locator(".pick:checked, .card-link:focus").count() == 0
    await desk.locator(".top-end .menu summary").click()
    await desk.get_by_role("button", name="Keys").click()
    await desk.get_by_label("Single-letter keys work on this browser").check()
    await desk.keyboard.press("Escape")
    await desk.keyboard.press("j")
    await expect(desk.locator(".card-link:focus")).to_have_text("@one")


async def test_on_a_phone_a_conversation_is_a_page_with_a_way_back(chromium: Chromium, house: House) -> None:  # noqa: F811
    await house.seed.say(Said(handle="one"))
    context = await chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    phone = await context.new_page()
    await sign_in(phone, house, "Lars")
    await phone.get_by_role("link", name="@one").tap()
    await expect(phone.locator("#thread h1")).to_be_visible()
    await expect(phone.locator("#queue")).to_be_hidden()
    await phone.locator("[data-closes]").tap()
    await expect(phone.locator("#queue")).to_be_visible()
    await expect(phone.locator("#thread")).to_have_count(0)
    await context.close()


async def test_without_scripts_the_desk_is_links_boxes_and_forms(chromium: Chromium, house: House) -> None:  # noqa: F811
    await house.seed.say(Said(handle="one"))
    context = await chromium.new_context(java_script_enabled=False)
    plain = await context.new_page()
    await sign_in(plain, house, "Lars")
    await plain.get_by_label("Select @one").check(force=True)
    await plain.get_by_role("button", name="Resolve").click()
    await expect(plain.locator("#toast")).to_contain_text("Resolved.")
    await plain.get_by_role("button", name="Undo").click()
    await plain.get_by_role("link", name="@one").click()
    await expect(plain.locator("#thread h1")).to_have_text("@one")
    await context.close()
