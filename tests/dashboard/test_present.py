"""The words of a card, at their edges."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.assessment import Assessment, Reason
from core.conversation import Conversation, Status
from core.decision import Heard
from core.reply import Reply, ReplyKind, ReplyState
from core.watch import Mention, Via
from dashboard import words
from dashboard.marks import safe_link, segments
from dashboard.patterns import _mention, _reply
from dashboard.present import card_view, conversation_states, text_view, waiting_chip, why_no_reply
from dashboard.present_reply import reply_view
from dashboard.present_sources import figures, house_view
from dashboard.present_thread import moves_for
from dashboard.words import Chip, Tone
from store.accounts import HousePause
from store.inbox import Card
from tests.dashboard.seed import Said, assessment_of, mention_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def a_conversation(**changes: object) -> Conversation:
    values: dict[str, object] = {"id": 7, "account": "hav-dk", "status": Status.OPEN, "version": 1, "urgency": 84}
    return Conversation(**{**values, **changes})  # type: ignore[arg-type]


def a_mention(via: Via = Via.MENTION) -> Mention:
    return _mention(NOW, via=via)


def a_reply(state: ReplyState, **changes: object) -> Reply:
    from dataclasses import replace  # noqa: PLC0415

    return replace(_reply(NOW, state), **changes)  # type: ignore[arg-type]


def the_words(conversation: Conversation, reply: Reply | None = None, via: Via = Via.MENTION) -> list[str]:
    return [chip.word for chip in conversation_states(conversation, reply, a_mention(via), NOW)]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (7500, "2 h 5 min"),
     (86_399, "23 h 59 min"), (86_400, "1 day"), (260_000, "3 days"), (-5, "0 s")],
)  # fmt: skip
def test_a_span_is_short_and_true(seconds: int, said: str) -> None:
    assert words.span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1K"),
        (12_400, "12.4K"),
        (148_000, "148K"),
        (1_250_000, "1.2M"),
        (999_999, "1M"),
    ],
)
def test_followers_take_few_figures(number: int, said: str) -> None:
    assert words.followers(number) == said


def test_a_moment_of_another_day_says_its_day() -> None:
    assert words.moment(NOW, NOW).text == "12:00 UTC"
    assert words.moment(NOW - timedelta(days=1), NOW).text == "21 Nov 12:00 UTC"


def test_reason_words_are_marked_and_nothing_is_lost() -> None:
    text = "@hav tredje gang jeg ringer, ingen hjælper!!! Tredje gange."
    reasons = [
        Reason(cue="repeated_contact", words="tredje gang", points=24),
        Reason(cue="exclamation", words="!!!", points=6),
        Reason(cue="reach", words="", points=9),
        Reason(cue="other", words="not there", points=1),
    ]
    made = segments(text, reasons)
    assert "".join(part.text for part in made) == text
    assert [(part.text, part.why) for part in made if part.why] == [
        ("tredje gang", "repeated contact, +24"),
        ("!!!", "exclamation, +6"),
    ]


def test_words_set_apart_and_words_that_overlap_are_marked_once() -> None:
    made = segments("NU er det NOK nu", [Reason(cue="capitals", words="NU … NOK", points=6)])
    assert [part.text for part in made if part.why] == ["NU", "NOK"]
    overlapping = [Reason(cue="a", words="det er nok", points=1), Reason(cue="b", words="er nok nu", points=1)]
    assert [part.text for part in segments("det er nok nu", overlapping) if part.why] == ["det er nok"]
    assert segments("", overlapping) == ()


def test_spans_are_marked_where_they_say_and_never_beyond_the_text() -> None:
    text = "nej? nej! 🤬"
    second = Reason(cue="urgent words", words="nej", points=12, spans=((5, 8), (8, 9)))
    assert [(part.text, part.why) for part in segments(text, [second]) if part.why] == [("nej", "urgent words, +12")]
    alone = Reason(cue="mood", words="🤬", points=0, mood=0.4, spans=((10, 11), (3, 4), (8, 99)))
    assert [(part.text, part.why) for part in segments(text, [alone]) if part.why] == [("🤬", "mood, 40% of the mood")]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "//evil.example",
        "https://",
        "http://[",
        "https://a b",
        "",
        None,
    ],
)
def test_only_plain_web_addresses_become_links(url: str | None) -> None:
    assert safe_link(url) is None


def test_a_plain_address_is_a_link() -> None:
    assert safe_link("https://x.com/a/status/1") == "https://x.com/a/status/1"


def test_an_unknown_reply_asks_for_a_person_before_anything_else() -> None:
    conversation = _escalated(timedelta(hours=2), taken_by="Lars")
    said = the_words(conversation, a_reply(ReplyState.UNKNOWN))
    assert said[:1] == ["Reply outcome unknown: a person decides"]
    assert {"Escalated, due", "Taken by Lars"} < set(said)


def _escalated(due: timedelta, **changes: Any) -> Conversation:
    return a_conversation(escalated_at=NOW, due_at=NOW + due, **{"waiting_since": NOW, **changes})


def test_an_escalation_says_when_it_is_due_and_how_late_it_is_until_it_is_answered() -> None:
    def chip(due: timedelta, **changes: Any) -> Chip:
        said = conversation_states(_escalated(due, **changes), None, a_mention(), NOW)
        return next(one for one in said if one.word.startswith("Escalated"))

    due = chip(timedelta(hours=2))
    assert due.at is not None
    assert (due.at.text, due.tone) == ("14:00 UTC", Tone.WAIT)
    assert chip(timedelta(minutes=14)).tone is Tone.SOON
    late = chip(timedelta(minutes=-3))
    assert (late.word, late.tone) == ("Escalated, overdue by 3 min", Tone.ACT)
    answered = chip(timedelta(minutes=-3), waiting_since=None)
    assert (answered.word, answered.tone) == ("Escalated", Tone.WAIT)


def test_an_acknowledgement_by_the_bot_is_violet_and_an_answer_green() -> None:
    acknowledged = a_conversation(acknowledged_at=NOW - timedelta(seconds=12))
    chips = conversation_states(acknowledged, a_reply(ReplyState.SENT), a_mention(), NOW)
    assert [(chip.word, chip.tone) for chip in chips] == [("Acknowledged 12 s ago", Tone.BOT)]
    answer = a_reply(ReplyState.SENT, kind=ReplyKind.ANSWER, settled_at=NOW - timedelta(minutes=5), is_automatic=False)
    chips = conversation_states(a_conversation(), answer, a_mention(), NOW)
    assert [(chip.word, chip.tone) for chip in chips] == [("Answered by Mette 5 min ago", Tone.DONE)]


def test_x_posts_that_did_not_summon_us_say_so_and_get_no_form() -> None:
    assert the_words(a_conversation(), via=Via.HASHTAG) == ["X allows no API reply here"]
    why = why_no_reply(a_mention(Via.KEYWORD))
    assert why is not None
    assert "did not address us" in why
    view = reply_view(a_reply(ReplyState.DRAFT), a_mention(Via.KEYWORD), taken_by="", now=NOW)
    assert view.writing is None
    assert why_no_reply(a_mention()) is None


def test_waiting_turns_amber_and_red_with_its_due_time() -> None:
    since = {"waiting_since": NOW - timedelta(minutes=6)}
    assert waiting_chip(a_conversation(), NOW) is None
    assert waiting_chip(a_conversation(**since, status=Status.RESOLVED), NOW) is None
    for due, tone in ((None, Tone.WAIT), (10, Tone.SOON), (-1, Tone.ACT)):
        due_at = None if due is None else NOW + timedelta(minutes=due)
        chip = waiting_chip(a_conversation(**since, due_at=due_at), NOW)
        assert chip is not None
        assert (chip.word, chip.tone) == ("Waiting 6 min", tone)


def test_a_colleague_cannot_write_and_only_who_steers_can_hand_back() -> None:
    taken = a_conversation(taken_by="Lars")
    assert [move.label for move in moves_for(taken, "Nora")] == []
    assert [move.label for move in moves_for(taken, "Nora", steers=True)] == ["Hand back from Lars"]
    assert [move.label for move in moves_for(taken, "Lars")] == ["Resolve", "Hand back"]
    view = reply_view(a_reply(ReplyState.DRAFT), a_mention(), taken_by="Lars", now=NOW)
    assert view.writing is None
    assert not view.can_drop


def test_nobody_is_offered_to_acknowledge_what_has_its_answer() -> None:
    view = reply_view(a_reply(ReplyState.DRAFT), a_mention(), taken_by="", now=NOW, is_answered=True)
    assert view.writing is None


@pytest.mark.parametrize("state", list(ReplyState))
def test_every_reply_state_has_words_and_its_forms(state: ReplyState) -> None:
    view = reply_view(a_reply(state), a_mention(), taken_by="", now=NOW)
    assert view.state.word
    assert (view.writing is not None) == (state is ReplyState.DRAFT)
    assert view.can_settle == (state is ReplyState.UNKNOWN)
    assert not (state is ReplyState.SENDING and (view.can_drop or view.can_redraft))


def a_card(said: Said, *, deleted: bool = False, assessment: Assessment | None = None) -> Card:
    heard = Heard(
        id=1, conversation_id=7, mention=mention_of(said, NOW), heard_at=NOW, deleted_at=NOW if deleted else None
    )
    return Card(
        conversation=a_conversation(), heard=heard, assessment=assessment, reply=None, posts=1, last_post_at=NOW,
        changed_at=NOW,
    )  # fmt: skip


def test_a_post_not_read_yet_a_deleted_and_a_forgotten_one_have_cards() -> None:
    assert [chip.word for chip in card_view(a_card(Said()), NOW).chips] == ["Being read"]
    deleted = card_view(a_card(Said(), deleted=True, assessment=assessment_of(Said())), NOW)
    assert deleted.text.segments == ()
    assert "Deleted" in deleted.text.note
    forgotten = text_view(a_card(Said(text="")).heard, None)
    assert "Forgotten" in forgotten.note


def test_the_house_says_who_paused_it_and_why() -> None:
    pause = HousePause(by="Mette", at=NOW - timedelta(minutes=3), reason="storm")
    assert house_view(pause, NOW).words == "Paused by Mette 3 min ago: storm"
    assert not house_view(None, NOW).is_paused


def test_unknown_queue_depths_are_not_shown_as_nought() -> None:
    shown = {figure.name: figure for figure in figures({}, {"stuck": 2}, {"pending": 0}, redis_is_up=False)}
    assert shown["In the queues"].number == "unknown"
    assert shown["Redis"].tone is Tone.ACT
    assert shown["Stuck posts"].tone is Tone.ACT
    assert shown["Alerts not delivered"].tone is Tone.DONE
