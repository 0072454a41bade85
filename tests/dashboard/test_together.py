"""People at one desk: holds, undo, reasons, drafts for approval, notes, next, and who is here."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from core.assessment import Intent, Language, Sentiment
from core.clock import ManualClock
from core.conversation import Status
from core.correction import Change, Field
from core.decision import Action
from core.errors import BadValue
from core.reply import RejectReason, ReplyState
from core.rights import Role
from dashboard.present_diff import word_diff
from dashboard.whens import instant_of
from store.corrections import Corrections
from store.lookers import LOOKS_FOR, Does, Looker, Lookers
from store.people import People
from tests.dashboard.conftest import Browser, House, browsing
from tests.dashboard.seed import Said

LEASE = timedelta(seconds=60)


@pytest.fixture
async def agent(house: House, password_hash: str) -> AsyncIterator[Browser]:
    """Ola, who may work and not send."""
    await People(house.database).add_staff("Ola", password_hash, Role.AGENT, at=house.clock.now(), by="test")
    async with browsing(house.url) as browser:
        await browser.sign_in("Ola")
        yield browser


async def _approve(browser: Browser, house: House, conversation: int, text: str, **more: Any) -> int:
    draft = await house.seed.reply_of(conversation)
    await browser.get(f"/conversations/{conversation}")
    fields = {"text": text, "seen": browser.hidden("seen"), "version": draft.version, **more}
    return (await browser.post(f"/replies/{draft.id}/approve", **fields)).status


async def _get(house: House, conversation: int) -> Any:
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    return thread


@pytest.mark.parametrize(
    ("before", "after"),
    [("Hej Jens. Vi ringer.", "Hej Jens. Vi ringer i dag."), ("a b", "c d"), ("", "ny"), ("væk", ""), ("a\nb", "a\nc")],
)
def test_a_diff_holds_both_texts_whole(before: str, after: str) -> None:
    parts = word_diff(before, after)
    assert "".join(part.text for part in parts if part.kind != "gone") == after
    old = "".join(part.text for part in parts if part.kind != "new")
    assert old.split() == before.split()


async def test_what_is_approved_can_be_taken_back_for_a_while_and_leaves_after_it(
    lars: Browser, house: House, clock: ManualClock
) -> None:
    conversation = await house.seed.say()
    assert await _approve(lars, house, conversation, "Hej Jens, vi ringer") == 200
    await lars.get("/inbox")
    assert "Leaves in 15 s" in lars.page, "the toast stands on every page, and after a reload"
    assert await house.seed.replies.claim_due("me", at=clock.now() + timedelta(seconds=14), lease=LEASE) == []
    reply = await house.seed.reply_of(conversation)
    await lars.post(f"/replies/{reply.id}/redraft", version=lars.hidden("version", "toast"))
    after = await house.seed.reply_of(conversation)
    assert (after.state, after.text) == (ReplyState.DRAFT, "Hej Jens, vi ringer")
    assert "Leaves in" not in lars.page
    assert await _approve(lars, house, conversation, "Hej Jens, vi ringer nu") == 200
    await clock.advance(15)
    await lars.get("/held")
    assert "Leaves in" not in lars.page
    assert len(await house.seed.replies.claim_due("me", at=clock.now(), lease=LEASE)) == 1


async def test_the_diff_of_the_draft_and_what_was_approved_is_shown(lars: Browser, house: House) -> None:
    conversation = await house.seed.say(Said(draft="Hej Jens. Vi er på sagen."))
    await _approve(lars, house, conversation, "Hej Jens. Vi ringer om sagen.")
    await lars.get(f"/conversations/{conversation}")
    assert "What changed in Genlyd" in lars.page
    assert "<del>er på </del><ins>ringer om </ins>" in lars.page


@pytest.mark.parametrize(
    ("because", "reason"),
    [
        ("mood:positive", RejectReason.MOOD),
        ("language:sv", RejectReason.LANGUAGE),
        ("urgency:calm", RejectReason.URGENCY),
        ("intent:-complaint", RejectReason.INTENT),
        ("words", RejectReason.WORDS),
        ("no answer", RejectReason.NO_ANSWER),
    ],
)
async def test_rejecting_with_a_reason_teaches_in_one_press(
    lars: Browser, house: House, because: str, reason: RejectReason
) -> None:
    conversation = await house.seed.say()
    draft = await house.seed.reply_of(conversation)
    await lars.get(f"/conversations/{conversation}")
    assert f'value="{because}"' in lars.page
    response = await lars.post(f"/replies/{draft.id}/reject", version=draft.version, because=because)
    assert response.status == 200
    after = await house.seed.reply_of(conversation)
    assert (after.state, after.rejected_because) == (ReplyState.DROPPED, reason)
    read = (await _get(house, conversation)).entries[0].assessment
    assert (read.sentiment is Sentiment.POSITIVE) == (reason is RejectReason.MOOD)
    assert (read.language is Language.SV) == (reason is RejectReason.LANGUAGE)
    assert (read.urgency < 18) == (reason is RejectReason.URGENCY)
    assert (not read.intents) == (reason is RejectReason.INTENT)


async def test_nobody_acknowledges_what_a_colleague_answers_meanwhile(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    draft, (entry,) = await house.seed.reply_of(conversation), (await _get(house, conversation)).entries
    await lars.get(f"/conversations/{conversation}")
    seen = lars.hidden("seen")
    hold = timedelta(seconds=15)
    await house.seed.replies.answer(entry.heard.id, "Vi ringer i dag", by="Nora", at=house.clock.now(), hold=hold)
    fields: dict[str, Any] = {"text": "Hej Jens, vi har set det", "seen": seen, "version": draft.version}
    response = await lars.post(f"/replies/{draft.id}/approve", **fields)
    assert response.status == 409
    for said in ("Nora has already answered", "Vi ringer i dag", "Hej Jens, vi har set det"):
        assert said in lars.page
    (leaving,) = await house.seed.replies.claim_due("me", at=house.clock.now() + hold, lease=LEASE)
    assert leaving.text == "Vi ringer i dag"


async def test_rejecting_for_a_missing_intent_never_takes_away_what_a_colleague_set_meanwhile(
    lars: Browser, house: House
) -> None:
    conversation = await house.seed.say(Said(intents=()))
    draft, (entry,) = await house.seed.reply_of(conversation), (await _get(house, conversation)).entries
    await lars.get(f"/conversations/{conversation}")
    assert 'value="intent:billing"' in lars.page
    change = Change(field=Field.INTENTS, was=(), now=(Intent.BILLING,))
    corrections = Corrections(house.database)
    await corrections.make(entry.heard.id, [change], by="Nora", spreads=False, at=house.clock.now())
    await lars.post(f"/replies/{draft.id}/reject", version=draft.version, because="intent:billing")
    assert (await house.seed.reply_of(conversation)).state is ReplyState.DROPPED
    (entry,) = (await _get(house, conversation)).entries
    assert entry.assessment is not None
    assert entry.assessment.intents == (Intent.BILLING,)


async def test_what_a_reject_set_right_can_be_set_right_again(lars: Browser, house: House) -> None:
    """In which order intents were added is no difference: the form knows none."""
    conversation = await house.seed.say(Said(intents=(Intent.BILLING,)))
    draft, (entry,) = await house.seed.reply_of(conversation), (await _get(house, conversation)).entries
    await lars.get(f"/conversations/{conversation}")
    await lars.post(f"/replies/{draft.id}/reject", version=draft.version, because="intent:complaint")
    seen = {f"saw-{name}": lars.hidden(f"saw-{name}") for name in ("mood", "urgency", "language", "intents")}
    fields = {**seen, "mood": "negative", "level": "calm", "language": "da", "intents": "outage"}
    response = await lars.post(f"/conversations/{conversation}/correct", post=entry.heard.id, **fields)
    assert response.status == 200, lars.page
    (entry,) = (await _get(house, conversation)).entries
    assert entry.assessment is not None
    assert entry.assessment.intents == (Intent.OUTAGE,)


@pytest.mark.parametrize("because", ["", "mood:angry", "urgency:", "nonsense", "intent:x"])
async def test_a_reason_that_is_none_changes_nothing(lars: Browser, house: House, because: str) -> None:
    conversation = await house.seed.say()
    draft = await house.seed.reply_of(conversation)
    await lars.get(f"/conversations/{conversation}")
    response = await lars.post(f"/replies/{draft.id}/reject", version=draft.version, because=because)
    if because != "urgency:":
        assert response.status == 400
        assert (await house.seed.reply_of(conversation)).state is ReplyState.DRAFT


async def test_an_agents_words_wait_for_an_approver_with_the_agents_name(
    agent: Browser, lars: Browser, house: House
) -> None:
    conversation = await house.seed.say(Said(action=Action.SHOW))
    await agent.get(f"/conversations/{conversation}")
    assert "Ask for approval" in agent.page
    assert "Send answer" not in agent.page
    fields = {"post": agent.hidden("post"), "seen": agent.hidden("seen"), "text": "Hej, Ola her"}
    assert (await agent.post(f"/conversations/{conversation}/answer", **fields)).status == 403
    await agent.get(f"/conversations/{conversation}")
    assert (await agent.post(f"/conversations/{conversation}/suggest", **fields)).status == 200
    reply = await house.seed.reply_of(conversation)
    assert (reply.state, reply.drafted_by) == (ReplyState.DRAFT, "Ola")
    assert "Approve and send" not in agent.page
    agents = await agent.post(f"/replies/{reply.id}/approve", text="x", seen=fields["seen"], version=reply.version)
    assert agents.status == 403
    await lars.get(f"/conversations/{conversation}")
    assert "Written by Ola, awaits approval" in lars.page
    assert await _approve(lars, house, conversation, "Hej, Ola her fra Hav") == 200
    assert "Written by Ola, approved by Lars" in lars.page


async def test_an_agent_improves_a_draft_and_the_bots_words_stay_beside_it(agent: Browser, house: House) -> None:
    conversation = await house.seed.say()
    draft = await house.seed.reply_of(conversation)
    await agent.get(f"/conversations/{conversation}")
    fields: dict[str, Any] = {"seen": agent.hidden("seen"), "version": draft.version, "text": "Bedre ord"}
    await agent.post(f"/replies/{draft.id}/revise", **fields)
    after = await house.seed.reply_of(conversation)
    assert (after.text, after.drafted_by, after.drafted_text) == ("Bedre ord", "Ola", draft.text)
    assert (await agent.post(f"/replies/{draft.id}/revise", **fields)).status == 409
    assert "Ola was first" in agent.page


async def test_whoever_would_send_over_somebodys_typing_is_asked_first_and_keeps_the_words(
    lars: Browser, house: House, clock: ManualClock
) -> None:
    conversation = await house.seed.say(Said(action=Action.SHOW))
    await Lookers(house.bell).note(conversation, "Nora", Does.TYPING, at=clock.now())
    await lars.get(f"/conversations/{conversation}")
    assert "Nora is typing" in lars.page
    fields = {"post": lars.hidden("post"), "seen": lars.hidden("seen"), "text": "Mine ord"}
    response = await lars.post(f"/conversations/{conversation}/answer", **fields)
    assert response.status == 409
    assert "Nora is typing here" in lars.page
    assert ">Mine ord</textarea>" in lars.page
    assert lars.hidden("anyway") == "yes"
    assert (await lars.post(f"/conversations/{conversation}/answer", anyway="yes", **fields)).status == 200
    assert (await house.seed.reply_of(conversation)).text == "Mine ord"
    await Lookers(house.bell).note(conversation, "Nora", Does.GONE, at=clock.now())


async def test_who_looks_and_types_is_told_and_forgotten(lars: Browser, house: House, clock: ManualClock) -> None:
    conversation = await house.seed.say()
    lookers = Lookers(house.bell)
    await lars.get(f"/conversations/{conversation}")
    path = f"/conversations/{conversation}/looking"
    token = lars.csrf
    assert (await lars.post(path, csrf=token, does="looking")).status == 204
    assert await lookers.at(conversation, at=clock.now()) == (Looker(name="Lars", is_typing=False),)
    await lars.post(path, csrf=token, does="typing")
    assert await lookers.at(conversation, at=clock.now()) == (Looker(name="Lars", is_typing=True),)
    await lars.get("/lookers")
    assert json.loads(lars.page) == [{"id": conversation, "who": [["Lars", True]]}]
    await clock.advance(7)
    assert await lookers.at(conversation, at=clock.now()) == (Looker(name="Lars", is_typing=False),)
    await clock.advance(LOOKS_FOR.total_seconds())
    assert await lookers.everywhere(at=clock.now()) == {}
    await lars.post(path, csrf=token, does="typing")
    await lars.post(path, csrf=token, does="gone")
    assert await lookers.everywhere(at=clock.now()) == {}
    assert (await lars.post(path, csrf=token, does="dancing")).status == 400


async def test_without_redis_nobody_is_seen_and_nothing_breaks(house: House, clock: ManualClock) -> None:
    from store.bell import Bell  # noqa: PLC0415

    away = Bell.open("unix:///nowhere/genlyd.sock", consumer="test")
    lookers = Lookers(away)
    await lookers.note(1, "Lars", Does.TYPING, at=clock.now())
    assert await lookers.everywhere(at=clock.now()) == {}
    await away.close()


async def test_a_note_calls_a_colleague_who_finds_it_and_whose_look_ends_it(
    lars: Browser, mette: Browser, house: House
) -> None:
    conversation = await house.seed.say()
    await lars.get(f"/conversations/{conversation}")
    await lars.post(f"/conversations/{conversation}/notes", text="@Mette kender du ham? <b>")
    assert "For Mette" in lars.page
    assert "kender du ham? &lt;b&gt;" in lars.page
    await mette.get("/for-you")
    assert "kender du ham?" in mette.page
    assert '<span class="badge">1</span>' in mette.page
    await mette.get(f"/conversations/{conversation}")
    await mette.post(f"/conversations/{conversation}/looking", csrf=mette.csrf, does="looking", first="yes")
    await mette.get("/for-you")
    assert "kender du ham?" not in mette.page
    assert 'class="badge"' not in mette.page


async def test_tags_promises_and_putting_off_are_forms_that_say_what_is_wrong(
    lars: Browser, house: House, clock: ManualClock
) -> None:
    conversation = await house.seed.say()
    path = f"/conversations/{conversation}"
    await lars.get(path)
    await lars.post(f"{path}/tags", tag="#Router")
    assert "Tagged." in lars.page
    assert (await lars.post(f"{path}/tags", tag="a,b")).status == 400
    await lars.get(path)
    await lars.post(f"{path}/tags", off="router")
    assert "The tag is off." in lars.page
    await lars.post(f"{path}/promises", what="Ring ham op", due="1h", at="")
    assert "Promised within 1 h" in lars.page
    bad = await lars.post(f"{path}/promises", what="Ring igen", due="", at="i morgen")
    assert bad.status == 400
    assert "i morgen" in lars.page
    assert "Ring igen" in lars.page, "what was typed is kept"
    await lars.get(path)
    await clock.advance(3700)
    await lars.get(path)
    assert "Promise missed by 1 min" in lars.page
    promise = (await house.app[_desk()].promises.of([conversation]))[conversation][0]
    await lars.post(f"{path}/promises/{promise.id}", outcome="kept")
    assert "Nothing is promised." in lars.page
    await lars.post(f"{path}/snooze", until="author", version=(await _get(house, conversation)).conversation.version)
    assert "Snoozed until the author writes" in lars.page
    assert (await _get(house, conversation)).conversation.status is Status.SNOOZED
    await lars.post("/inbox/undo", token=lars.hidden("token"))
    assert (await _get(house, conversation)).conversation.status is Status.OPEN
    await lars.post(f"{path}/snooze", until="author", version=(await _get(house, conversation)).conversation.version)
    await lars.post(f"{path}/move", move="reopen", version=(await _get(house, conversation)).conversation.version)
    assert (await _get(house, conversation)).conversation.status is Status.OPEN


def _desk() -> Any:
    from dashboard.desk import DESK  # noqa: PLC0415

    return DESK


async def test_next_hands_out_and_a_skip_asks_why(lars: Browser, mette: Browser, house: House) -> None:
    only = await house.seed.say(Said(action=Action.SHOW))
    for browser in (lars, mette):
        await browser.get("/for-you")
    response = await lars.post("/next")
    assert response.url.path == f"/conversations/{only}"
    assert "Give it back" in lars.page
    assert (await mette.post("/next")).url.path == "/inbox"
    assert "There is nothing free that fits you." in mette.page
    await mette.get(f"/conversations/{only}")
    assert (await mette.post(f"/conversations/{only}/skip", because="known")).status == 409
    assert (await lars.post(f"/conversations/{only}/skip", because="tired")).status == 400
    await lars.get(f"/conversations/{only}")
    assert (await lars.post(f"/conversations/{only}/skip", because="known")).status == 200
    assert (await _get(house, only)).conversation.assigned_to is None


async def test_work_is_given_to_a_colleague_and_to_nobody_unknown(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    await lars.get(f"/conversations/{conversation}")
    path = f"/conversations/{conversation}/assign"
    version = (await _get(house, conversation)).conversation.version
    assert (await lars.post(path, to="Eve", version=version)).status == 400
    await lars.get(f"/conversations/{conversation}")
    await lars.post(path, to="Nora", version=version)
    assert (await _get(house, conversation)).conversation.assigned_to == "Nora"
    assert (await lars.post(path, to="", version=version)).status == 409


async def test_everybody_says_what_they_can_and_only_an_administrator_says_it_for_others(
    lars: Browser, house: House
) -> None:
    desk = house.app[_desk()]
    ids = {one.name: one.id for one in await desk.handing.colleagues()}
    await lars.get("/for-you")
    token = lars.csrf
    data = [("csrf", token), ("languages", "nb"), ("languages", "sv"), ("intents", "billing"), ("back", "/for-you")]
    async with lars.http.post(f"{lars.url}/staff/{ids['Lars']}/skills", data=data) as response:
        assert response.status == 200
    skills = await desk.handing.skills_of(ids["Lars"])
    assert (sorted(skills.languages), sorted(skills.intents)) == (["nb", "sv"], ["billing"])
    assert (await lars.post(f"/staff/{ids['Mette']}/skills", csrf=token)).status == 403


async def test_a_time_is_read_in_the_houses_own_zone(clock: ManualClock) -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    zone = ZoneInfo("Europe/Copenhagen")
    now = clock.now()
    tomorrow = instant_of("tomorrow", "", zone=zone, now=now)
    assert tomorrow is not None
    assert (tomorrow.astimezone(zone).hour, tomorrow > now) == (9, True)
    monday = instant_of("monday", "", zone=zone, now=now)
    assert monday is not None
    assert (monday.astimezone(zone).weekday(), monday > now) == (0, True)
    written = (now.astimezone(zone) + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M")
    at = instant_of("", written, zone=zone, now=now)
    assert at is not None
    assert abs((at - now).total_seconds() - 5 * 3600) < 60
    for far in ("0001-01-01T00:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00"):
        with pytest.raises(BadValue, match="over already"):
            instant_of("", far, zone=zone, now=now)
