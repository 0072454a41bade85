"""The desk's own forms: many moved at once, the undo, saved filters, and answers that take one pane's place."""

import pytest

from core.clock import ManualClock
from core.conversation import Move, Status
from core.decision import Action
from dashboard.keys import KEYS, help_view
from dashboard.server import PAGES
from store.inbox import InboxFilters
from tests.dashboard.conftest import Browser, House
from tests.dashboard.seed import Said

SWAP = {"HX-Request": "true"}
READING = {**SWAP, "HX-Target": "div#reading"}


async def _statuses(house: House) -> dict[int, Status]:
    found = await house.seed.conversations.inbox(InboxFilters(statuses=tuple(Status)))
    return {card.conversation.id: card.conversation.status for card in found.cards}


def _picks(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('name="pick" value="')[1:]]


async def _post(browser: Browser, path: str, fields: list[tuple[str, str]], **headers: str) -> int:
    data = [("csrf", browser.csrf), *fields]
    response = await browser.http.post(f"{browser.url}{path}", data=data, headers=headers, allow_redirects=not headers)
    browser.page = await response.text()
    return response.status


async def test_many_are_resolved_at_once_and_put_back_without_scripts(lars: Browser, house: House) -> None:
    ids = [await house.seed.say(Said(handle=f"author_{number}")) for number in range(3)]
    await lars.get("/inbox")
    assert (
        await _post(lars, "/inbox/bulk", [*(("pick", pick) for pick in _picks(lars.page)), ("move", "resolve")]) == 200
    )
    assert "3 resolved." in lars.page
    assert await _statuses(house) == dict.fromkeys(ids, Status.RESOLVED)
    token = lars.hidden("token")
    assert await _post(lars, "/inbox/undo", [("token", token), ("back", "")]) == 200
    assert await _statuses(house) == dict.fromkeys(ids, Status.OPEN)


async def test_what_moved_meanwhile_is_left_alone_and_said(lars: Browser, house: House, clock: ManualClock) -> None:
    ids = [await house.seed.say(Said(handle=f"author_{number}")) for number in range(2)]
    await lars.get("/inbox")
    picks = _picks(lars.page)
    thread = await house.seed.conversations.thread(ids[0])
    assert thread is not None
    version = thread.conversation.version
    await house.seed.conversations.move(ids[0], Move.TAKE_OVER, by="Nora", version=version, at=clock.now())
    fields = [*(("pick", pick) for pick in picks), ("move", "snooze"), ("back", "")]
    assert await _post(lars, "/inbox/bulk", fields, **SWAP) == 200
    assert "Snoozed. It comes back by itself. 1 had changed meanwhile and was left alone." in lars.page
    assert f'hx-target="#card-{ids[1]}"' in lars.page
    assert await _statuses(house) == {ids[0]: Status.OPEN, ids[1]: Status.SNOOZED}


async def test_a_form_with_nothing_picked_or_an_old_undo_changes_nothing(lars: Browser, house: House) -> None:
    await house.seed.say()
    await lars.get("/inbox")
    assert await _post(lars, "/inbox/bulk", [("move", "resolve"), ("pick", "x:y")]) == 400
    assert "Nothing is selected" in lars.page
    await lars.get("/inbox")
    assert await _post(lars, "/inbox/undo", [("token", "old"), ("back", "?status=all")], **SWAP) == 200
    assert "Too late to undo" in lars.page


async def test_an_open_list_is_told_what_changed_in_it_and_how_much_is_new(
    lars: Browser, house: House, clock: ManualClock
) -> None:
    first = await house.seed.say(Said(handle="first", urgency=60))
    second = await house.seed.say(Said(handle="second", urgency=20))
    await lars.get("/inbox")
    await _post(lars, "/inbox/bulk", [("pick", _picks(lars.page)[0]), ("move", "resolve")], **SWAP)
    above = await house.seed.say(Said(handle="above", urgency=90))
    below = await house.seed.say(Said(handle="below", urgency=1, action=Action.SHOW))
    await lars.get(f"/inbox/fresh?shown={first}.{second}&changed={first}.{above}.999", headers=SWAP)
    assert "1 new above" in lars.page
    assert f'hx-target="#card-{first}"' in lars.page
    assert f'id="card-{second}"' not in lars.page
    assert f'id="card-{above}"' not in lars.page
    assert f'hx-target="#cards" hx-swap="beforeend"><li class="card wait" id="card-{below}"' in lars.page.replace(
        "\n", ""
    )
    assert lars.page.count(" left") == 1


async def test_an_empty_list_takes_in_what_comes(lars: Browser, house: House) -> None:
    await house.seed.say(Said(handle="first"))
    await lars.get("/inbox/fresh?shown=", headers=SWAP)
    assert "@first" in lars.page
    assert 'hx-target="#queue-list"' in lars.page


async def test_a_conversation_comes_as_a_pane_or_as_a_page_that_keeps_the_filters(lars: Browser, house: House) -> None:
    conversation = await house.seed.say(Said(handle="first"))
    await house.seed.say(Said(handle="second"))
    await lars.get(f"/conversations/{conversation}?q=&mood=negative")
    assert lars.page.count('class="card ') == 2
    assert f'href="/conversations/{conversation}?mood=negative"' in lars.page
    page = {"HX-Current-URL": f"{lars.url}/inbox?mood=negative"}
    response = await lars.get(f"/conversations/{conversation}", headers={**READING, **page})
    assert "<html" not in lars.page
    assert response.headers["HX-Push-Url"] == f"/conversations/{conversation}?mood=negative"
    page = {"HX-Current-URL": f"{lars.url}/conversations/{conversation}?mood=negative"}
    response = await lars.get(f"/conversations/{conversation}?done=resolve", headers={**READING, **page})
    assert response.headers["HX-Replace-Url"] == f"/conversations/{conversation}?mood=negative"
    assert "Resolved. It opens again by itself" in lars.page
    response = await lars.get("/inbox?mood=negative", headers={**READING, **page})
    assert "Choose a conversation" in lars.page
    assert response.headers["HX-Push-Url"] == "/inbox?mood=negative"


async def test_a_refusal_takes_the_place_of_the_pane_or_of_nothing(lars: Browser) -> None:
    assert (await lars.get("/conversations/999", headers=READING)).status == 404
    assert "No such conversation" in lars.page
    assert "<html" not in lars.page
    assert (await lars.get("/conversations/999", headers=SWAP)).status == 404
    assert lars.page.count("hx-partial") == 2


async def test_filters_are_saved_by_name_and_deleted(lars: Browser, mette: Browser) -> None:
    await lars.get("/inbox")
    query = "?mood=negative&q=faktura&nonsense=1&status=open&whose=nobody"
    assert await _post(lars, "/filters", [("name", " Vrede  kunder "), ("query", query)]) == 200
    assert (
        'href="/inbox?q=faktura&amp;mood=negative&amp;whose=nobody" aria-current="true">Vrede kunder</a>' in lars.page
    )
    await mette.get("/inbox")
    assert "Vrede kunder" not in mette.page
    number = lars.page.split('id="drop-')[1].split('"')[0]
    assert await _post(mette, f"/filters/{number}/delete", [("back", "")]) == 200
    await lars.get("/inbox")
    assert "Vrede kunder" in lars.page
    assert await _post(lars, f"/filters/{number}/delete", [("back", "")]) == 200
    assert "Vrede kunder" not in lars.page
    await lars.get("/inbox")
    assert await _post(lars, "/filters", [("name", "  "), ("query", "")]) == 400


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("mood=positive", {"glad"}),
        ("language=en", {"glad"}),
        ("intent=complaint", {"vred", "taget"}),
        ("draft=1", {"vred"}),
        ("whose=me", {"taget"}),
        ("whose=nobody", {"vred", "glad"}),
        ("platform=reddit", set()),
    ],
)
async def test_every_filter_narrows_the_list(
    lars: Browser, house: House, clock: ManualClock, query: str, shown: set[str]
) -> None:
    from core.assessment import Intent, Language, Sentiment  # noqa: PLC0415

    happy = {"sentiment": Sentiment.POSITIVE, "language": Language.EN, "intents": (Intent.PRAISE,)}
    await house.seed.say(Said(handle="vred"))
    await house.seed.say(Said(handle="glad", action=Action.SHOW, **happy))  # type: ignore[arg-type]
    taken = await house.seed.say(Said(handle="taget", action=Action.SHOW))
    thread = await house.seed.conversations.thread(taken)
    assert thread is not None
    version = thread.conversation.version
    await house.seed.conversations.move(taken, Move.TAKE_OVER, by="Lars", version=version, at=clock.now())
    await lars.get(f"/inbox?{query}")
    assert {handle for handle in ("vred", "glad", "taget") if f"@{handle}<" in lars.page} == shown
    assert ("Nothing fits" in lars.page) == (not shown)


def test_the_help_lists_each_key_once_and_leads_only_to_pages_that_exist() -> None:
    keys = [key for _title, group in KEYS for key in group]
    pressed = [key.press for key in keys]
    assert len(pressed) == len(set(pressed))
    paths = {page.path for page in PAGES if page.method == "GET"}
    assert {key.to for key in keys if key.to} <= paths
    # Letters, digits and the two signs that every Nordic keyboard gives without AltGr.
    alone = [part for press in pressed for part in press.split() if len(part) == 1]
    assert all(part.isascii() and (part.isalnum() or part in "/?") for part in alone)
    lines = [line for _title, group in help_view() for line in group]
    assert next(line.shown for line in lines if line.press == "X") == ("Shift", "X")
    assert next(line.shown for line in lines if line.press == "g i") == ("G", "I")
