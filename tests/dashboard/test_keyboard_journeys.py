"""The journeys of the desk in a real browser, by keyboard alone: nothing is clicked, nothing is filled in by a script.

Only the first address of each journey is opened; "by URL" is where somebody tries what is not theirs. What the keys do
one by one stands in test_keys.py.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, expect

from app.following import Ruling, follow_rules
from app.wiring import build_desk
from core.clock import Clock, ManualClock, SystemClock
from core.config import SentimentConfig
from core.decision import Action
from core.reply import ReplyState
from core.rights import Role
from responder.worker import run_worker as decide
from sentiment.base import open_model
from sentiment.guidance import Guidance
from sentiment.language import LanguageReader
from sentiment.reader import Reader
from sentiment.urgency import UrgencyReader
from sentiment.worker import run_worker as read
from store.bell import Ring
from store.corrections import Corrections
from store.decisions import Decisions
from store.exports import export
from store.posts import Posts
from store.reasons import Reasons
from store.rulebooks import Rulebooks
from store.taught import TaughtWords
from tests.dashboard.conftest import CONFIG, PASSWORD, House
from tests.dashboard.seed import Said
from tests.dashboard.test_browser import chromium, page
from tests.report_crowd import Crowd

__all__ = ["chromium", "page"]

pytestmark = pytest.mark.browser

# What a Tab has brought into focus, as somebody who cannot see it is told.
_IN_FOCUS = """() => {
  const one = document.activeElement;
  const label = one.labels?.[0] ?? one;
  return (one.getAttribute("aria-label") || label.textContent).trim().replace(/\\s+/g, " ");
}"""


async def press(page: Page, *keys: str) -> None:
    """Press keys one after the other."""
    for key in keys:
        await page.keyboard.press(key)


async def tab_to(page: Page, words: str) -> str:
    """Press Tab until what is called so has the focus; return all that it is called."""
    for _ in range(300):
        await page.keyboard.press("Tab")
        said = str(await page.evaluate(_IN_FOCUS))
        if said.startswith(words):
            return said
    raise AssertionError(f"no Tab leads to {words!r}")


async def type_in(page: Page, field: str, words: str) -> None:
    """Tab to a field and write."""
    await tab_to(page, field)
    await page.keyboard.type(words)


async def sign_in(page: Page, house: House, name: str, path: str = "/") -> None:
    """Open the first address, and come in: the first field has the focus."""
    await page.goto(f"{house.url}{path}")
    await say_who(page, name)


async def say_who(page: Page, name: str) -> None:
    """Type name and password where the sign-in page stands."""
    await expect(page.locator("#name")).to_be_focused()
    await page.keyboard.type(name)
    await press(page, "Tab")
    await page.keyboard.type(PASSWORD)
    await press(page, "Enter")


async def at_the_desk(page: Page) -> Page:
    """Wait until the inbox is open and live."""
    await page.wait_for_url("**/inbox")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


async def open_first(page: Page) -> None:
    """Open the conversation on top of the list."""
    await press(page, "j", "Enter")
    await expect(page.locator("#thread h1")).to_be_visible()


async def until(house: House, conversation: int, state: ReplyState) -> None:
    """Wait until the newest reply stands there."""
    async with asyncio.timeout(20):
        while (await house.seed.reply_of(conversation)).state is not state:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def working(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """A worker beside the pages, as a process of its own would run it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_sign_in_with_a_second_factor(page: Page, house: House, clock: ManualClock) -> None:
    await sign_in(page, house, "Lars")
    await at_the_desk(page)
    await press(page, "g", "m")
    await expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    await type_in(page, "Your password", PASSWORD)
    await press(page, "Enter")
    await expect(page.locator("img.qr")).to_be_visible()
    assert await page.locator("img.qr").evaluate("one => one.complete && one.naturalWidth > 0")
    phone = pyotp.TOTP((await page.locator(".secret code").inner_text()).replace(" ", ""))
    await type_in(page, "Six digits", phone.at(clock.now()))
    await press(page, "Enter")
    await expect(page.locator(".codes code")).to_have_count(10)
    await tab_to(page, "Lars")
    await press(page, "Enter")
    await tab_to(page, "Sign out")
    await press(page, "Enter")
    await page.wait_for_url("**/sign-in")

    await say_who(page, "Lars")
    await expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    await expect(page.locator("#code")).to_be_focused()
    await page.keyboard.type("000000")
    await press(page, "Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    await expect(page.locator("#code")).to_be_focused()
    await clock.advance(60)
    await page.keyboard.type(phone.at(clock.now()))
    await press(page, "Enter")
    await at_the_desk(page)


async def test_next_edit_approve_undo(page: Page, house: House, clock: ManualClock) -> None:
    conversation = await house.seed.say()
    await sign_in(page, house, "Lars")
    await at_the_desk(page)
    await press(page, "n")
    await expect(page.locator("#thread h1")).to_be_focused()
    await press(page, "e")
    await expect(page.get_by_label("Edit, then approve")).to_be_focused()
    await press(page, "Control+A")
    await page.keyboard.type("Hej Jens, vi ringer om lidt")
    # A change of the very instant that a page has seen is none to it.
    await clock.advance(1)
    await press(page, "Control+Enter")
    await expect(page.get_by_text("Leaves in 1")).to_be_visible()
    await expect(page.locator("#thread h1")).to_be_focused()
    # Another tab shows what is held, and that it was taken back.
    tab = await page.context.new_page()
    await tab.goto(f"{house.url}/inbox")
    await expect(tab.get_by_text("Leaves in 1")).to_be_visible()
    await expect(tab.get_by_text("Live", exact=True)).to_be_visible()
    await clock.advance(1)
    await page.bring_to_front()
    await press(page, "z")
    await until(house, conversation, ReplyState.DRAFT)
    await tab.bring_to_front()
    await expect(tab.get_by_text("Leaves in")).to_be_hidden()
    await tab.close()
    await expect(page.get_by_label("Edit, then approve")).to_have_value("Hej Jens, vi ringer om lidt")
    await expect(page.locator("#thread h1")).to_be_focused()
    await press(page, "a")
    await until(house, conversation, ReplyState.APPROVED)
    assert (await house.seed.reply_of(conversation)).text == "Hej Jens, vi ringer om lidt"


async def test_two_people_on_one_post(chromium: Chromium, house: House) -> None:
    await house.seed.say(Said(action=Action.SHOW))
    pages = []
    for name in ("Lars", "Nora"):
        context = await chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        pages.append(await context.new_page())
        await sign_in(pages[-1], house, name)
        await at_the_desk(pages[-1])
        await open_first(pages[-1])
    lars, nora = pages
    await expect(lars.locator("#thread").get_by_text("Nora is looking")).to_be_visible()
    await press(nora, "r")
    await expect(nora.get_by_label("Your answer")).to_be_focused()
    await nora.keyboard.type("Hej Jens, Nora her")
    await expect(lars.locator("form[data-types]").get_by_text("Nora is typing")).to_be_visible()
    await expect(lars.locator(".card").get_by_text("Nora is typing")).to_be_visible()
    await press(lars, "r")
    await lars.keyboard.type("Hej Jens, Lars her")
    await press(lars, "Control+Enter")
    await expect(lars.get_by_role("heading", name="Nora is typing here")).to_be_focused()
    await press(nora, "Control+Enter")
    # Lars types no more since he was asked, or Nora is asked too and says yes.
    anyway = nora.get_by_role("button", name="Send mine anyway")
    await expect(anyway.or_(nora.get_by_text("Leaves in 1"))).to_be_visible()
    if await anyway.is_visible():
        await tab_to(nora, "Send mine anyway")
        await press(nora, "Enter")
        await expect(nora.get_by_text("Leaves in 1")).to_be_visible()
    await tab_to(lars, "Send mine anyway")
    await press(lars, "Enter")
    await expect(lars.get_by_role("heading", name="Nora has already answered")).to_be_focused()
    await expect(lars.get_by_text("Hej Jens, Nora her")).to_be_visible()
    await expect(lars.get_by_label("Your text, to keep or copy")).to_have_value("Hej Jens, Lars her")
    for opened in pages:
        await opened.context.close()


async def test_a_dropped_network_and_its_return(page: Page, house: House, clock: ManualClock) -> None:
    mine = await house.seed.say(Said(root="t", handle="one", action=Action.SHOW))
    await sign_in(page, house, "Lars")
    await at_the_desk(page)
    await open_first(page)
    await press(page, "r")
    await page.keyboard.type("Hej, vi ")
    # A line that is cut: what runs is broken off, and nothing new gets through.
    await page.context.set_offline(True)
    await expect(page.locator("#live-state")).to_have_text("Offline, reconnecting")
    await expect(page.locator(".stale")).to_be_visible()
    await page.keyboard.type("ringer")
    await press(page, "Control+Enter")
    await expect(page.get_by_label("Your answer").first).to_have_value("Hej, vi ringer")
    await clock.advance(1)
    await house.seed.say(Said(handle="missed", urgency=99))
    await house.seed.say(Said(root="t", handle="one", text="Er der nogen?", action=Action.SHOW))
    await house.bell.announce()
    await page.context.set_offline(False)
    await expect(page.locator("#live-state")).to_have_text("Live")
    await expect(page.locator(".stale")).to_be_hidden()
    # What was missed is fetched: in the list above what is read, in the conversation without touching the words.
    await expect(page.get_by_role("button", name="1 new above")).to_be_visible()
    await expect(page.get_by_text("This conversation changed while you read.")).to_be_visible()
    await expect(page.get_by_label("Your answer").first).to_have_value("Hej, vi ringer")
    await expect(page.get_by_label("Your answer").first).to_be_focused()
    # And what was written to something older is not sent over it.
    await press(page, "Control+Enter")
    await expect(page.get_by_role("heading", name="The author wrote again")).to_be_focused()
    await expect(page.locator("#thread").get_by_text("Er der nogen?")).to_be_visible()
    await expect(page.get_by_label("Your text, to keep or copy")).to_have_value("Hej, vi ringer")
    await press(page, "u")
    await expect(page.locator(".card").first).to_contain_text("@missed")
    thread = await house.seed.conversations.thread(mine)
    assert thread is not None
    assert [reply for entry in thread.entries for reply in entry.replies] == []


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


def deciding(house: House, clock: Clock) -> contextlib.AbstractAsyncContextManager[None]:
    """A responder's worker, which follows the rules in force."""

    async def look_first() -> None:
        pass

    ruling = Ruling(build_desk(CONFIG), follow_rules(CONFIG, Rulebooks(house.database)))
    decisions = Decisions(house.database, repeat_alert_after=timedelta(hours=1))
    return working(decide(ruling, Posts(house.database), decisions, house.bell, clock, look_first=look_first))


async def test_rules_edited_tried_on_history_put_live_and_returned(
    page: Page, house: House, clock: ManualClock
) -> None:
    await clock.advance(600)
    await house.seed.say(Said(text="@hav hvornår åbner I?", action=Action.SHOW, urgency=20))
    async with deciding(house, SystemClock()):
        await sign_in(page, house, "Mette")
        await at_the_desk(page)
        await press(page, "g", "u")
        await page.wait_for_url("**/rules")
        await tab_to(page, "Rules, as TOML")
        await press(page, "Control+A")
        await page.keyboard.type('[[rules]]\nname = "gentle"\nreply = "drfat"\n')
        await tab_to(page, "TryT")
        await press(page, "Enter")
        await expect(page.get_by_role("alert")).to_be_focused()
        await expect(page.get_by_role("alert")).to_contain_text("1 thing is wrong")
        await expect(page.locator(".gutter .wrong")).to_have_text("3")

        await tab_to(page, "line 3")
        await press(page, "Enter")
        await page.keyboard.type('reply = "draft"')
        await expect(page.get_by_label("Rules, as TOML")).to_have_value('[[rules]]\nname = "gentle"\nreply = "draft"\n')
        await tab_to(page, "TryT")
        await press(page, "Enter")
        await expect(page.get_by_role("heading", name="Tried on 1 post of the last 7 days")).to_be_focused()
        await tab_to(page, " ".join((await page.locator(".move summary").first.text_content() or "").split()))
        await press(page, "Enter")
        await expect(page.get_by_role("link", name="@hav hvornår åbner I?")).to_be_visible()
        await expect(page.get_by_text("Drafted, by “gentle”")).to_be_visible()
        assert await rule_of_the_next_post(house, "anna") == "complaint"

        await press(page, "p")
        await expect(page.get_by_text("Live. The next post is decided by these rules.")).to_be_visible()
        await expect(page.get_by_role("heading", name="Versions")).to_be_focused()
        assert await rule_of_the_next_post(house, "bo") == "gentle"
        await press(page, "z")
        await expect(page.get_by_text("Back as it was. The next post is decided by these rules.")).to_be_visible()
        await expect(page.get_by_role("heading", name="Versions")).to_be_focused()
        assert await rule_of_the_next_post(house, "carl") == "complaint"


async def test_a_correction_takes_effect_on_the_next_post(page: Page, house: House, clock: ManualClock) -> None:
    text = "@hav så sidder vi her igen, kaput som altid"
    reader = Reader(open_model(SentimentConfig()), LanguageReader(), UrgencyReader(), unsure_below=0.5)
    guidance = Guidance(reader, Corrections(house.database), TaughtWords(house.database), clock)
    posts, reasons = Posts(house.database), Reasons(house.database)

    async def hear(handle: str) -> None:
        conversation = await house.seed.say(Said(handle=handle, name="", text=text, is_read=False))
        thread = await house.seed.conversations.thread(conversation)
        assert thread is not None
        post_id = thread.entries[0].heard.id
        await house.bell.ring(Ring.ASSESS, [post_id])
        # Time goes on, so that what no bell wakes a sweep finds.
        async with asyncio.timeout(90):
            while post_id not in {row["post_id"] async for row in export(house.database, "decisions")}:
                await clock.advance(1)
                await asyncio.sleep(0.2)
        await house.bell.announce()

    async with working(read(guidance, posts, reasons, house.bell, clock)), deciding(house, clock):
        await sign_in(page, house, "Lars")
        await at_the_desk(page)
        await clock.advance(1)
        await hear("anna")
        await expect(page.locator(".card", has_text="@anna")).to_contain_text("Unsure")
        await open_first(page)
        await tab_to(page, "Not right?")
        await press(page, "Enter")
        await tab_to(page, "Mood")
        await page.keyboard.type("Negative")
        await tab_to(page, "Also posts that say nearly the same")
        await press(page, "Space")
        await tab_to(page, "Set right")
        await press(page, "Enter")
        await expect(page.get_by_label("Set right by people")).to_contain_text("Mood: Negative, was Unsure")
        assert await page.evaluate("document.activeElement !== document.body")

        # What the readers keep in mind is as old as two seconds.
        await clock.advance(3)
        await hear("bo")
        await expect(page.locator("#news button").or_(page.locator(".card", has_text="@bo"))).to_be_visible()
        await press(page, "u")
        await expect(page.locator(".card", has_text="@bo")).to_contain_text("Negative")


async def test_a_report_figure_opened_to_its_posts(page: Page, house: House) -> None:
    await Crowd(seed=6, until=house.clock.now(), days=20).settle_in(house.database, conversations=150)
    await sign_in(page, house, "Lars")
    await at_the_desk(page)
    await press(page, "g", "r")
    await expect(page.get_by_role("heading", name="Reports", level=1)).to_be_visible()
    said = await tab_to(page, "Still waiting: ")
    told = int(await page.evaluate("document.activeElement.dataset.count"))
    await press(page, "Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(said.removeprefix("Still waiting: "))
    await expect(page.locator(".narrowed")).to_contain_text("Still waiting")
    found: list[str | None] = []
    while True:
        found += [await one.get_attribute("href") for one in await page.locator(".lines h2 a").all()]
        if not await page.locator("a[rel=next]").count():
            break
        place = await page.locator(".pages span").inner_text()
        await tab_to(page, "Next")
        await press(page, "Enter")
        await expect(page.locator(".pages span")).not_to_have_text(place)
    assert "page=" in page.url, "more than a page, or the paging is not tried"
    assert len(found) == told
    await tab_to(page, "X: kunde")
    await press(page, "Enter")
    await page.wait_for_url("**/conversations/*")
    assert page.url.removeprefix(house.url) in found


async def test_an_invitation_and_the_limits_of_a_role(
    chromium: Chromium, page: Page, house: House, password_hash: str
) -> None:
    conversation = await house.seed.say()
    await house.people.add_staff("Ida", password_hash, Role.ADMIN, at=house.clock.now(), by="test")
    await sign_in(page, house, "Ida")
    await at_the_desk(page)
    await tab_to(page, "More")
    await press(page, "Enter")
    await tab_to(page, "People")
    await press(page, "Enter")
    await page.wait_for_url("**/people")
    await type_in(page, "Name", "Nils")
    await press(page, "Enter")
    link = await page.get_by_label("Link").input_value()

    context = await chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    theirs = await context.new_page()
    await theirs.goto(house.url + link[link.index("/join/") :])
    await expect(theirs.get_by_role("heading", name="Welcome, Nils")).to_be_visible()
    await expect(theirs.get_by_label("Choose a password")).to_be_focused()
    for _ in range(2):
        await theirs.keyboard.type("en lang ny sætning")
        await press(theirs, "Tab")
    await press(theirs, "Enter")
    await at_the_desk(theirs)
    await expect(theirs.get_by_role("button", name="Pause all")).to_have_count(0)
    await open_first(theirs)
    # The same key asks an approver, where it would have sent.
    await press(theirs, "a")
    await expect(theirs.locator("#toast")).to_contain_text("It waits for somebody who may send it")
    reply = await house.seed.reply_of(conversation)
    assert reply.state is ReplyState.DRAFT

    # By form: with their own token, as somebody would who writes forms by hand.
    send = """async ([path, fields]) => {
      const csrf = document.querySelector("input[name=csrf]").value;
      const body = new URLSearchParams({ csrf, ...fields });
      return (await fetch(path, { method: "POST", body })).status;
    }"""
    forms = {
        f"/replies/{reply.id}/approve": {"text": "Sendt af mig", "version": str(reply.version), "seen": "1"},
        f"/conversations/{conversation}/answer": {"text": "Sendt af mig", "post": str(reply.post_id), "seen": "1"},
        "/house": {"to": "paused"},
        "/rules/return": {"to": "0", "follows": "0"},
        "/people": {"name": "Ven", "role": "admin"},
        "/staff/1/skills": {"languages": "da"},
    }
    for path, fields in forms.items():
        assert await theirs.evaluate(send, [path, fields]) == 403, path
    assert (await house.seed.reply_of(conversation)).state is ReplyState.DRAFT
    # By URL.
    for path in ("/people", "/audit", "/audit.csv"):
        answer = await theirs.goto(f"{house.url}{path}")
        assert answer is not None
        assert answer.status == 403
        await expect(theirs.get_by_text("Only an administrator may do this.")).to_be_visible()
    await context.close()
