"""/rules and /watches: every problem with its line, tried on what was decided, put live, and taken back."""

import asyncio
import html
import re
from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.decision import Action
from core.rulebook import Kind
from core.watch import Via
from store.exports import export
from store.people import People, Scope
from store.rulebooks import Rulebooks
from tests.dashboard.conftest import Browser, House, browsing
from tests.dashboard.seed import Said

CALM = """[[rules]]
name = "calm"
reply = "draft"
"""
LOUD = """[[rules]]
name = "loud"
reply = "automatic"
"""


def words(page: str) -> str:
    """What a page says, without its tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


async def test_the_page_shows_what_the_file_says_and_that_it_is_in_force(mette: Browser) -> None:
    await mette.get("/rules")
    assert "In force: what the configuration file says" in words(mette.page)
    assert "name = &#34;danger&#34;" in mette.page
    await mette.get("/watches")
    assert "hashtags = [&#34;hav&#34;]" in mette.page


async def test_every_problem_is_told_at_once_with_its_line_and_the_text_is_kept(mette: Browser, house: House) -> None:
    await mette.get("/rules")
    text = '\n[[rules]]\nname = "a"\nreply = "loudly"\nurgency_at_lest = 3\n'
    response = await mette.post("/rules/try", text=text, days="7")
    assert response.status == 400
    said = words(mette.page)
    assert "2 things are wrong" in said
    assert "line 4 : rules[1].reply : must be one of automatic, draft, none, not 'loudly'" in said
    assert "line 5 : rules[1].urgency_at_lest : unknown condition or outcome; did you mean 'urgency_at_least'?" in said
    assert "\n\n[[rules]]\nname = &#34;a&#34;" in mette.page
    assert await Rulebooks(house.database).newest(Kind.RULES) == 0


async def test_a_trial_tells_what_would_have_been_otherwise_and_changes_nothing(mette: Browser, house: House) -> None:
    for number in range(3):
        await house.seed.say(Said(handle=f"anna{number}", action=Action.SHOW, urgency=20))
    await house.seed.say(Said(handle="bo", action=Action.DRAFT, urgency=20))
    await mette.get("/rules")
    await mette.post("/rules/try", text=CALM, days="7")
    said = words(mette.page)
    assert "Tried on 4 posts of the last 7 days" in said
    assert "Left to a person then Drafted 3 posts" in said
    assert "1 post stays as it was." in said
    assert "Drafted, by “calm”" in said
    assert "@anna2" in said
    assert await Rulebooks(house.database).newest(Kind.RULES) == 0
    assert len([row async for row in export(house.database, "replies")]) == 1


async def test_what_a_person_rejected_and_rules_would_send_is_called_wrong(
    mette: Browser, house: House, clock: ManualClock
) -> None:
    # What was written before the account was known is never answered by itself.
    await clock.advance(600)
    conversation = await house.seed.say(Said(urgency=20))
    reply = await house.seed.reply_of(conversation)
    await house.seed.replies.drop(reply.id, by="Lars", version=reply.version, at=house.clock.now())
    await mette.get("/rules")
    await mette.post("/rules/try", text=LOUD, days="1")
    assert "Would now be wrong: look 1 post" in words(mette.page)
    assert "A person dropped what the bot had drafted here" in words(mette.page)
    await mette.post("/rules/try", text=CALM, days="1")
    assert "Would now be wrong: look" not in words(mette.page)


async def try_and_go_live(browser: Browser, kind: str, text: str, note: str = "") -> int:
    await browser.get(f"/{kind}")
    await browser.post(f"/{kind}/try", text=text, days="7")
    response = await browser.post(
        f"/{kind}/live", text=text, follows=browser.hidden("follows"), tried=browser.hidden("tried"), note=note
    )
    return response.status


async def test_what_was_tried_goes_live_with_an_audit_line_and_returns_with_one_press(
    mette: Browser, house: House, clock: ManualClock
) -> None:
    assert await try_and_go_live(mette, "rules", CALM, note="fewer surprises") == 200
    books = Rulebooks(house.database)
    [first] = await books.history(Kind.RULES)
    assert (first.text, first.made_by, first.note) == (CALM, "Mette", "fewer surprises")
    assert "Live. The next post is decided by these rules." in words(mette.page)
    assert f"In force: version {first.id}, put live by Mette" in words(mette.page)
    await clock.advance(60)
    await mette.post("/rules/return", to=0, follows=first.id)
    newest = (await books.history(Kind.RULES))[0]
    assert (newest.text, newest.takes_up) == (None, 0)
    assert "In force: the configuration file, since Mette went back to it" in words(mette.page)
    lines = [row async for row in export(house.database, "audit") if row["action"] == "put rules live"]
    assert [(line["by"], line["detail"]["before"], line["detail"]["after"]) for line in lines] == [
        ("Mette", 0, first.id),
        ("Mette", first.id, newest.id),
    ]
    assert '+name = "calm"' in lines[0]["detail"]["changed"]
    assert '-name = "calm"' in lines[1]["detail"]["changed"]


async def test_what_was_not_tried_does_not_go_live_and_is_not_lost(mette: Browser, house: House) -> None:
    await mette.get("/rules")
    await mette.post("/rules/try", text=CALM, days="7")
    tried, follows = mette.hidden("tried"), mette.hidden("follows")
    response = await mette.post("/rules/live", csrf=mette.csrf, text=LOUD, follows=follows, tried=tried)
    assert response.status == 409
    assert "This text was not tried" in words(mette.page)
    assert "loud" in mette.page
    assert await Rulebooks(house.database).newest(Kind.RULES) == 0


async def test_who_puts_live_over_somebody_elses_version_is_told_who_was_first(mette: Browser, house: House) -> None:
    await mette.get("/rules")
    await mette.post("/rules/try", text=CALM, days="7")
    tried, follows, token = mette.hidden("tried"), mette.hidden("follows"), mette.csrf
    assert await try_and_go_live(mette, "rules", LOUD) == 200
    response = await mette.post("/rules/live", csrf=token, text=CALM, follows=follows, tried=tried)
    assert response.status == 409
    assert "Mette put version 1 live since you began" in words(mette.page)
    [only] = await Rulebooks(house.database).history(Kind.RULES)
    assert only.text == LOUD


async def test_an_agent_looks_and_tries_but_puts_nothing_live(lars: Browser, house: House) -> None:
    await lars.get("/rules")
    assert "Make this live" not in lars.page
    await lars.post("/rules/try", text=CALM, days="7")
    assert "A supervisor can put it live." in words(lars.page)
    await lars.get("/rules")
    for path in ("/rules/live", "/rules/return", "/watches/live", "/watches/return"):
        response = await lars.post(path, csrf=lars.csrf if 'name="csrf"' in lars.page else "", to=0, follows=0)
        assert response.status == 403, path
        await lars.get("/rules")
    assert await Rulebooks(house.database).newest(Kind.RULES) == 0


async def test_a_file_that_was_edited_since_is_told_and_the_person_chooses(mette: Browser, house: House) -> None:
    books = Rulebooks(house.database)
    await books.put_live(
        Kind.RULES, CALM, follows=0, file_print="another", note="", changed=(), by="Mette", at=house.clock.now()
    )
    await mette.get("/rules")
    assert "The configuration file was edited after this version went live" in words(mette.page)
    await mette.post("/rules/return", to=1, follows=1)
    assert "The configuration file was edited after" not in words(mette.page)
    assert [book.text for book in await books.history(Kind.RULES)] == [CALM, CALM]


async def test_a_watch_tells_what_it_would_have_heard_and_what_nobody_would(mette: Browser, house: House) -> None:
    await house.seed.say(Said(text="hvad sker der #strømsvigt", via=Via.HASHTAG, matched="#hav", is_summons=False))
    await house.seed.say(Said(text="hav energi er nede", via=Via.KEYWORD, matched="hav energi", is_summons=False))
    await house.seed.say(Said(text="@hav hej", handle="bo"))
    text = '[[watches]]\naccount = "hav-dk"\nmentions = false\nhashtags = ["strømsvigt", "nix"]\n'
    await mette.get("/watches")
    await mette.post("/watches/try", text=text, days="7")
    said = words(mette.page)
    assert "would have heard 1 of 3 stored posts" in said
    assert "2 posts that are heard now would not be heard any more: look." in said
    assert "#strømsvigt Hashtag 1 #nix" in said
    assert "#nix Hashtag matches nothing that is stored 0" in said


async def test_a_watch_for_an_account_that_is_not_there_is_refused_with_its_line(mette: Browser) -> None:
    await mette.get("/watches")
    response = await mette.post("/watches/try", text='[[watches]]\naccount = "hav-no"\n', days="7")
    assert response.status == 400
    assert "line 2 : watches[1].account : there is no account 'hav-no'; did you mean 'hav-dk'?" in words(mette.page)


@pytest.mark.parametrize("text", ["", "x = [", "[[rules]]\nname = '''" + "x" * 90_000, "[rules]\n", "rules = 3\n"])
async def test_any_text_gets_a_page(mette: Browser, text: str) -> None:
    await mette.get("/rules")
    response = await mette.post("/rules/try", text=text, days="30")
    assert response.status == 400
    assert "wrong" in words(mette.page)


async def test_what_is_too_long_is_refused_and_days_are_ours(mette: Browser) -> None:
    await mette.get("/rules")
    token = mette.csrf
    assert (await mette.post("/rules/try", csrf=token, text="#" * 100_001, days="7")).status == 413
    assert (await mette.post("/rules/try", csrf=token, text=CALM, days="9999")).status == 400


async def test_the_seal_of_one_session_opens_nothing_in_another(mette: Browser, house: House) -> None:
    await mette.get("/rules")
    await mette.post("/rules/try", text=CALM, days="7")
    tried = mette.hidden("tried")
    async with browsing(house.url) as other:
        await other.sign_in("Mette")
        await other.get("/rules")
        response = await other.post("/rules/live", text=CALM, follows=0, tried=tried)
    assert response.status == 409


async def test_what_strangers_wrote_is_shown_as_text(mette: Browser, house: House) -> None:
    await house.seed.say(Said(text="<script>alert(1)</script>", name="<b>", action=Action.SHOW, urgency=20))
    await mette.get("/rules")
    await mette.post("/rules/try", text=CALM + 'accounts = ["hav-dk"]\n# <script>\n', days="7")
    assert "<script>alert" not in mette.page
    assert "# <script>" not in mette.page
    assert "&lt;script&gt;alert(1)" in mette.page


async def test_a_trial_reaches_back_only_so_many_days(mette: Browser, house: House, clock: ManualClock) -> None:
    await house.seed.say(Said(handle="old", action=Action.SHOW, urgency=20))
    await clock.advance(timedelta(days=2).total_seconds())
    await mette.sign_in("Mette")
    await mette.get("/rules")
    await mette.post("/rules/try", text=CALM, days="1")
    assert "Tried on 0 posts of the last 24 hours" in words(mette.page)
    await mette.post("/rules/try", text=CALM, days="7")
    assert "Tried on 1 post of the last 7 days" in words(mette.page)


async def test_people_who_opted_out_later_are_named(mette: Browser, house: House, clock: ManualClock) -> None:
    await clock.advance(600)
    conversation = await house.seed.say(Said(action=Action.SHOW, urgency=20))
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    await clock.advance(60)
    await People(house.database).opt_out(thread.author_id, Scope.AUTOMATIC, because="asked", by="Lars", at=clock.now())
    await mette.get("/rules")
    await mette.post("/rules/try", text=LOUD, days="1")
    assert "such replies to its author were stopped later" in words(mette.page)


async def test_too_many_who_try_at_once_are_sent_away_with_their_text(mette: Browser, house: House) -> None:
    await house.seed.say(Said(action=Action.SHOW, urgency=20))
    await mette.get("/rules")
    answers = await asyncio.gather(
        *(
            mette.http.post(f"{mette.url}/rules/try", data={"csrf": mette.csrf, "text": CALM, "days": "30"})
            for _ in range(12)
        )
    )
    statuses = {answer.status for answer in answers}
    assert 200 in statuses
    assert statuses <= {200, 409}
    for answer in answers:
        assert "calm" in await answer.text()


async def test_a_changed_language_after_a_trial_leads_back_to_the_page(mette: Browser) -> None:
    await mette.get("/rules")
    await mette.post("/rules/try", text=CALM, days="7")
    response = await mette.post("/language", language="da", back="/rules/try")
    assert (response.status, response.url.path) == (200, "/rules")
