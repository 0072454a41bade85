"""The inbox as a page."""

import re
from datetime import timedelta
from html import unescape

import pytest

from core.assessment import Reason
from core.decision import Action
from core.post import Platform
from core.watch import Via
from dashboard.desk import DESK
from dashboard.filters import read_filters
from dashboard.inbox import PAGE
from tests.dashboard.conftest import Browser, House
from tests.dashboard.seed import Said


async def test_the_most_urgent_comes_first_with_its_reasons_marked(lars: Browser, house: House) -> None:
    await house.seed.say(Said(handle="calm", urgency=10, reasons=()))
    await house.seed.say(Said(handle="angry", urgency=91, followers=12_400, due=timedelta(minutes=20)))
    await lars.get("/inbox")
    assert lars.page.index("@angry") < lars.page.index("@calm")
    assert '<mark title="repeated contact, +24">tredje gang</mark>' in lars.page
    for said in (
        "12.4K",
        'title="Waiting 4 min"',
        "High 91",
        "Draft awaits approval",
        "Negative",
        "Danish",
        "Complaint",
        "Escalated, due",
    ):
        assert said in lars.page, said


async def test_an_empty_inbox_of_a_new_house_says_that_nothing_was_heard(lars: Browser) -> None:
    await lars.get("/inbox")
    assert "Nothing heard yet" in lars.page


async def test_filters_live_in_the_address(lars: Browser, house: House) -> None:
    await house.seed.say(Said(handle="on_x"))
    await house.seed.say(Said(handle="on_reddit", account="hav-reddit", platform=Platform.REDDIT))
    await house.seed.say(Said(handle="not_read", is_read=False))
    await lars.get("/inbox?account=hav-reddit")
    assert "u/on_reddit" in lars.page
    assert "@on_x" not in lars.page
    await lars.get("/inbox?status=pending")
    assert "@not_read" in lars.page
    assert "Being read" in lars.page
    await lars.get("/inbox?status=all")
    assert all(handle in lars.page for handle in ("on_x", "on_reddit", "not_read"))


@pytest.mark.parametrize(
    "query", ["?status=<script>&after=-1", "?after=99999999999999999999.1", "?before=².1", "?status=%01&after=%7F"]
)
async def test_nonsense_in_the_address_shows_the_usual_inbox(lars: Browser, query: str) -> None:
    assert (await lars.get(f"/inbox{query}")).status == 200
    assert "<script>" not in lars.page.replace('<script src="', "")


async def test_a_page_holds_thirty_and_leads_on(lars: Browser, house: House) -> None:
    for number in range(PAGE + 2):
        await house.seed.say(Said(handle=f"author_{number}", is_read=False))
    await lars.get("/inbox?status=pending")
    assert lars.page.count('class="card ') == PAGE
    await lars.get(_link(lars.page, "later"))
    assert lars.page.count('class="card ') == 2
    await lars.get(_link(lars.page, "earlier"))
    assert lars.page.count('class="card ') == PAGE
    assert 'data-focus="earlier"' not in lars.page


def _link(page: str, focus: str) -> str:
    found = re.search(rf'href="([^"]+)" data-focus="{focus}"', page)
    assert found is not None
    return unescape(found[1])


async def test_the_list_made_anew_comes_without_its_frame(lars: Browser, house: House) -> None:
    await house.seed.say()
    await lars.get("/inbox/cards")
    assert "@jensen_kbh" in lars.page
    assert "<html" not in lars.page


async def test_what_was_mine_and_is_a_colleagues_now_fades_in_the_list_of_what_is_mine(
    lars: Browser, house: House
) -> None:
    one = await house.seed.say()
    conversations, at = house.seed.conversations, house.clock.now()
    thread = await conversations.thread(one)
    assert thread is not None
    version = thread.conversation.version
    await conversations.assign(one, "Lars", by="Mette", version=version, at=at)
    await lars.get(f"/inbox/fresh?whose=me&shown={one}&changed={one}")
    assert f'id="card-{one}"' in lars.page
    assert " left" not in lars.page
    await conversations.assign(one, "Nora", by="Mette", version=version + 1, at=at)
    await house.app[DESK].hub.look()
    await lars.get(f"/inbox/fresh?whose=me&shown={one}&changed={one}")
    assert re.search(rf'class="card [^"]*left" id="card-{one}"', lars.page)


async def test_a_post_and_its_author_cannot_run_anything(lars: Browser, house: House) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)> \"'"
    said = Said(
        text=f"@hav {evil} tredje gang",
        handle='"><script>alert(2)</script>',
        name="<b onclick=alert(3)>",
        url="javascript:alert(4)",
        reasons=(Reason(cue="<script>", words="<img src=x", points=3),),
        because="<script>alert(5)</script>",
        rule="<script>",
    )
    conversation = await house.seed.say(said)
    for path in ("/inbox", "/inbox/cards", f"/conversations/{conversation}"):
        await lars.get(path)
        assert "&lt;script&gt;" in lars.page
        for bad in ("<script>", "<img src=x", "<b onclick", 'href="javascript', '"><script'):
            assert bad not in lars.page, (path, bad)


async def test_a_hashtag_post_on_x_is_shown_with_a_link_and_no_reply(lars: Browser, house: House) -> None:
    said = Said(via=Via.HASHTAG, matched="#hav", is_summons=False, action=Action.SHOW)
    conversation = await house.seed.say(said)
    await lars.get("/inbox")
    assert "X allows no API reply here" in lars.page
    await lars.get(f"/conversations/{conversation}")
    assert 'href="https://x.com/jensen_kbh/status/' in lars.page
    assert "did not address us" in lars.page
    assert f"/conversations/{conversation}/answer" not in lars.page
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    post = thread.entries[0].heard.id
    answer = f"/conversations/{conversation}/answer"
    response = await lars.post(answer, post=post, seen=post, text="Hej")
    assert response.status == 409
    assert (await house.seed.replies.count_by_state()) == {}


def test_filters_leave_out_what_is_usual() -> None:
    filters = read_filters({"status": "resolved", "account": "hav dk"})
    assert filters.link == "?status=resolved&account=hav+dk"
    assert read_filters({}).link == ""
    assert read_filters({}).with_(after="1.2") == "?after=1.2"
    assert read_filters({"after": "1.2"}).with_(mood="negative") == "?mood=negative"
