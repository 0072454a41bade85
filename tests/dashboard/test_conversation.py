"""A person at one conversation: what they do, and what happens when two do it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.clock import ManualClock
from core.decision import Action
from core.reply import ReplyState
from store.bell import Ring
from store.edits import rewrite
from store.exports import export
from store.people import People, Scope
from tests.dashboard.conftest import Browser, House
from tests.dashboard.seed import Said


async def test_a_thread_shows_posts_reasons_decision_and_replies(lars: Browser, house: House) -> None:
    first = await house.seed.say(Said(root="t", text="@hav hvor er min pakke?", action=Action.ACKNOWLEDGE))
    await house.seed.send(first)
    second = await house.seed.say(Said(root="t", text="@hav tredje gang nu", age=timedelta(minutes=1)))
    assert first == second
    await lars.get(f"/conversations/{first}")
    thread = lars.page[lars.page.index('id="thread"') :]
    assert thread.index("hvor er min pakke") < thread.index("Genlyd, by itself") < thread.index(" nu</p>")
    for said in ("Repeated contact", "+24", "93%", "complaints", "A complaint is answered by a person", "of 280 as X"):
        assert said in lars.page, said


async def test_a_person_edits_and_approves_in_one_step_and_the_sender_is_rung(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    draft = await house.seed.reply_of(conversation)
    await lars.get(f"/conversations/{conversation}")
    seen, version = lars.hidden("seen"), lars.hidden("version", f"/replies/{draft.id}/approve")
    response = await lars.post(
        f"/replies/{draft.id}/approve", text="Hej Jens.\r\nVi ringer.", seen=seen, version=version
    )
    assert response.status == 200
    assert "Leaves in 15 s" in lars.page
    assert "on its way" not in lars.page, "one message for one act"
    reply = await house.seed.reply_of(conversation)
    assert (reply.state, reply.text, reply.approved_by) == (ReplyState.APPROVED, "Hej Jens.\nVi ringer.", "Lars")
    entries = await house.bell.wait(Ring.SEND, count=100, seconds=1)
    assert draft.id in {entry.row_id for entry in entries}
    await house.bell.done(Ring.SEND, entries)
    audit = [row async for row in export(house.database, "audit")]
    assert [row["by"] for row in audit if row["action"] == "reply approved"] == ["Lars"]


async def test_when_two_approve_the_second_is_told_and_keeps_the_words(
    lars: Browser, mette: Browser, house: House
) -> None:
    conversation = await house.seed.say()
    draft = await house.seed.reply_of(conversation)
    path = f"/replies/{draft.id}/approve"
    for browser in (lars, mette):
        await browser.get(f"/conversations/{conversation}")
    fields: dict[str, Any] = {"seen": lars.hidden("seen"), "version": draft.version}
    answers = await asyncio.gather(
        lars.post(path, text="Hej fra Lars", **fields), mette.post(path, text="Hej fra Mette", **fields)
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    loser, winner = (lars, "Mette") if answers[0].status == 409 else (mette, "Lars")
    assert f"{winner} was first" in loser.page
    assert f"Hej fra {winner}" in loser.page
    assert f"Hej fra {'Lars' if winner == 'Mette' else 'Mette'}" in loser.page
    assert (await house.seed.reply_of(conversation)).text == f"Hej fra {winner}"


@pytest.mark.parametrize("is_answer", [True, False])
async def test_words_for_a_text_that_was_edited_meanwhile_are_not_sent(
    lars: Browser, house: House, clock: ManualClock, is_answer: bool
) -> None:
    conversation = await house.seed.say(Said(text="@hav tak for hjælpen", action=Action.SHOW))
    await lars.get(f"/conversations/{conversation}")
    fields: dict[str, Any] = {"post": lars.hidden("post"), "seen": lars.hidden("seen"), "text": "Det var så lidt!"}
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    post = thread.entries[0].heard.mention.post
    async with house.database.begin() as connection:
        worse = replace(post, text="@hav I er svindlere")
        assert await rewrite(connection, int(fields["post"]), worse, at=clock.now())
    path = f"/conversations/{conversation}/{'answer' if is_answer else 'suggest'}"
    assert (await lars.post(path, **fields)).status == 409
    assert "The author edited a post" in lars.page
    assert "I er svindlere" in lars.page
    assert "Det var så lidt!" in lars.page
    assert await house.seed.replies.count_by_state() == {}
    await lars.get(f"/conversations/{conversation}")
    assert (await lars.post(path, **{**fields, "seen": lars.hidden("seen")})).status == 200


async def test_an_approval_is_void_where_the_author_wrote_again(lars: Browser, house: House) -> None:
    conversation = await house.seed.say(Said(root="t"))
    draft = await house.seed.reply_of(conversation)
    await lars.get(f"/conversations/{conversation}")
    seen = lars.hidden("seen")
    await house.seed.say(Said(root="t", text="Glem det, det virker nu", action=Action.SHOW))
    response = await lars.post(f"/replies/{draft.id}/approve", text="Mine ord", seen=seen, version=draft.version)
    assert response.status == 409
    assert "Glem det, det virker nu" in lars.page
    assert "Mine ord" in lars.page
    assert (await house.seed.reply_of(conversation)).state is ReplyState.DRAFT


@pytest.mark.parametrize(("text", "said"), [("x" * 281, "281"), ("   ", "no text")])
async def test_a_text_the_platform_would_refuse_is_not_sent(lars: Browser, house: House, text: str, said: str) -> None:
    conversation = await house.seed.say()
    draft = await house.seed.reply_of(conversation)
    await lars.get(f"/conversations/{conversation}")
    response = await lars.post(
        f"/replies/{draft.id}/approve", text=text, seen=lars.hidden("seen"), version=draft.version
    )
    assert response.status == 409
    assert said in lars.page


async def test_a_rejected_draft_can_be_taken_up_again(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    draft = await house.seed.reply_of(conversation)
    await lars.get(f"/conversations/{conversation}")
    await lars.post(f"/replies/{draft.id}/drop", version=draft.version)
    assert "Dropped" in lars.page
    assert (await house.seed.reply_of(conversation)).state is ReplyState.DROPPED
    await lars.post(f"/replies/{draft.id}/redraft", version=draft.version + 1)
    assert "It is a draft again" in lars.page


async def test_an_approved_reply_can_be_taken_back_before_it_leaves(lars: Browser, house: House) -> None:
    conversation = await house.seed.say(Said(action=Action.ACKNOWLEDGE))
    reply = await house.seed.reply_of(conversation)
    await lars.get(f"/conversations/{conversation}")
    await lars.post(f"/replies/{reply.id}/redraft", version=reply.version)
    after = await house.seed.reply_of(conversation)
    assert (after.state, after.is_automatic, after.approved_by) == (ReplyState.DRAFT, False, None)


async def test_a_post_gets_one_answer_and_the_second_is_shown_the_first(
    lars: Browser, mette: Browser, house: House
) -> None:
    conversation = await house.seed.say(Said(action=Action.SHOW))
    for browser in (lars, mette):
        await browser.get(f"/conversations/{conversation}")
    fields = {"post": lars.hidden("post"), "seen": lars.hidden("seen")}
    path = f"/conversations/{conversation}/answer"
    assert (await lars.post(path, text="Hej, Lars her", **fields)).status == 200
    response = await mette.post(path, text="Hej, Mette her", **fields)
    assert response.status == 409
    assert "Lars has already answered" in mette.page
    assert "Hej, Lars her" in mette.page
    assert "Hej, Mette her" in mette.page
    assert await house.seed.replies.count_by_state() == {"approved": 1}


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("there", ReplyState.SENT), ("again", ReplyState.APPROVED), ("dropped", ReplyState.DROPPED)],
)
async def test_a_person_decides_an_unknown_reply(lars: Browser, house: House, outcome: str, state: ReplyState) -> None:
    conversation = await house.seed.say()
    await house.seed.lose(conversation)
    reply = await house.seed.reply_of(conversation)
    await lars.get(f"/conversations/{conversation}")
    assert "Outcome unknown: a person decides" in lars.page
    response = await lars.post(f"/replies/{reply.id}/settle", version=reply.version, outcome=outcome)
    assert response.status == 200
    assert (await house.seed.reply_of(conversation)).state is state


async def test_an_unknown_reply_that_was_dropped_is_drafted_again_by_who_looked(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    await house.seed.lose(conversation)
    reply = await house.seed.reply_of(conversation)
    await lars.post(f"/replies/{reply.id}/settle", version=reply.version, outcome="dropped")
    await lars.get(f"/conversations/{conversation}")
    assert "may stand on the platform already" in lars.page
    assert "It is not there: back to draft" in lars.page
    dropped = await house.seed.reply_of(conversation)
    response = await lars.post(f"/replies/{reply.id}/redraft", version=dropped.version)
    assert response.status == 409
    response = await lars.post(f"/replies/{reply.id}/redraft", version=dropped.version, looked="yes")
    assert response.status == 200
    assert (await house.seed.reply_of(conversation)).state is ReplyState.DRAFT


async def test_taking_over_keeps_colleagues_from_writing(lars: Browser, mette: Browser, house: House) -> None:
    conversation = await house.seed.say()
    draft = await house.seed.reply_of(conversation)
    await mette.get(f"/conversations/{conversation}")
    await lars.get(f"/conversations/{conversation}")
    move = f"/conversations/{conversation}/move"
    await lars.post(move, move="take over", version=lars.hidden("version"))
    assert "You have it now" in lars.page
    fields: dict[str, Any] = {"text": "Hej", "seen": mette.hidden("seen"), "version": draft.version}
    response = await mette.post(f"/replies/{draft.id}/approve", **fields)
    assert response.status == 409
    assert "Lars has this conversation" in mette.page
    await mette.get(f"/conversations/{conversation}")
    assert "Hand back from Lars" in mette.page
    assert "Approve and send" not in mette.page


async def test_a_move_on_an_old_page_changes_nothing_and_says_so(lars: Browser, mette: Browser, house: House) -> None:
    conversation = await house.seed.say()
    await lars.get(f"/conversations/{conversation}")
    version = lars.hidden("version")
    move = f"/conversations/{conversation}/move"
    assert (await lars.post(move, move="resolve", version=version)).status == 200
    await mette.get(f"/conversations/{conversation}")
    response = await mette.post(move, move="resolve", version=version)
    assert response.status == 409
    assert "changed since you opened it" in mette.page


async def test_a_move_that_makes_no_sense_is_a_message_and_no_crash(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    await lars.get(f"/conversations/{conversation}")
    response = await lars.post(f"/conversations/{conversation}/move", move="hand back", version=lars.hidden("version"))
    assert response.status == 409
    assert "nobody has taken this conversation" in lars.page


@pytest.mark.parametrize("scope", list(Scope))
async def test_an_author_can_be_left_alone(lars: Browser, house: House, scope: Scope) -> None:
    conversation = await house.seed.say()
    await lars.get(f"/conversations/{conversation}")
    response = await lars.post(f"/conversations/{conversation}/opt-out", scope=scope.value)
    assert response.status == 200
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    assert await People(house.database).opted_out(thread.author_id) == {scope}


@pytest.mark.parametrize(
    "fields", [{}, {"move": "explode", "version": "1"}, {"move": "resolve"}, {"move": "resolve", "version": "x"}]
)
async def test_a_form_that_makes_no_sense_is_refused_calmly(
    lars: Browser, house: House, fields: dict[str, str]
) -> None:
    conversation = await house.seed.say()
    await lars.get(f"/conversations/{conversation}")
    assert (await lars.post(f"/conversations/{conversation}/move", **fields)).status == 400


async def test_what_is_not_there_is_a_page_too(lars: Browser) -> None:
    for path in ("/conversations/999999", "/conversations/999999999999999", "/nowhere"):
        assert (await lars.get(path)).status == 404
        assert "To the inbox" in lars.page


async def test_the_clock_of_a_card_is_the_house_s_own(lars: Browser, house: House, clock: ManualClock) -> None:
    await house.seed.say(Said(age=timedelta(minutes=4)))
    await clock.advance(600)
    await lars.get("/inbox")
    assert "Waiting 14 min" in lars.page
