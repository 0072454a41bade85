"""The queue's words, pure: a card's four lines, what is news, what a batch says, and filters as links."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.assessment import Intent
from core.conversation import Conversation, Move, Status
from core.decision import Heard
from dashboard.filters import applied, fields_of, nothing_here, read_filters, status_choices
from dashboard.present import card_view
from dashboard.present_queue import done_view, ids_in, news_of, news_words, seen_in, undone_view
from dashboard.words import Tone
from store.bulk import SNOOZE, Batch
from store.inbox import Card
from tests.builders import NOW
from tests.dashboard.seed import Said, assessment_of, mention_of


def a_card(number: int = 1, said: Said | None = None, **changes: object) -> Card:
    said = said or Said()
    conversation = Conversation(id=number, account="hav-dk", status=Status.OPEN, version=3, urgency=84)
    return Card(
        conversation=replace(conversation, **changes),  # type: ignore[arg-type]
        heard=Heard(id=number, conversation_id=number, mention=mention_of(said, NOW), heard_at=NOW),
        assessment=assessment_of(said),
        reply=None,
        posts=1,
        last_post_at=NOW - timedelta(hours=2),
        changed_at=NOW,
    )


def test_a_card_has_who_what_how_and_where_it_stands() -> None:
    view = card_view(a_card(waiting_since=NOW - timedelta(minutes=14), taken_by="Lars"), NOW)
    assert (view.author.name, view.author.handle, view.author.followers) == ("Jens Jensen", "@jensen_kbh", "312")
    assert (view.clock.word, view.clock.title) == ("14 min", "Waiting 14 min")
    assert [chip.word for chip in view.chips] == ["Negative", "High 84", "Danish", "Complaint"]
    assert [chip.word for chip in view.states] == ["Taken by Lars"]
    assert (view.tone, view.version) == (Tone.ACT, 3)


def test_where_nobody_waits_the_clock_says_when_they_wrote_and_a_bare_card_says_that_nobody_answered() -> None:
    view = card_view(a_card(), NOW)
    assert (view.clock.word, view.clock.title, view.clock.icon) == ("2 h ago", "Wrote last", "")
    assert [chip.word for chip in view.states] == ["Nobody has answered yet"]


def test_a_card_that_left_the_list_says_only_that() -> None:
    gone = card_view(a_card(status=Status.RESOLVED, taken_by="Lars"), NOW, has_left=True)
    assert [(chip.word, chip.tone) for chip in gone.states] == [("Resolved", Tone.DONE)]
    moved = card_view(a_card(taken_by="Lars"), NOW, has_left=True)
    assert [chip.word for chip in moved.states] == ["No longer in this list"]


@pytest.mark.parametrize(
    ("shown", "now", "above", "below"),
    [
        ((), (1, 2), 0, (1, 2)),
        ((1, 2), (1, 2), 0, ()),
        ((1, 2), (3, 1, 4, 2, 5), 2, (5,)),
        ((1, 2), (2, 1), 0, ()),
        ((1, 2), (2,), 0, ()),
        ((1, 2), (3, 4), 0, (3, 4)),
    ],
)
def test_what_stands_above_the_last_card_is_counted_and_what_follows_it_is_added(
    shown: tuple[int, ...], now: tuple[int, ...], above: int, below: tuple[int, ...]
) -> None:
    news = news_of(shown, [a_card(number) for number in now])
    assert (news.above, tuple(card.conversation.id for card in news.below)) == (above, below)


def test_the_button_says_how_many_and_nothing_for_none() -> None:
    assert (news_words(0), news_words(1), news_words(4)) == ("", "1 new above", "4 new above")


def test_a_batch_says_what_moved_what_did_not_and_whether_it_can_be_undone() -> None:
    twelve = Batch(token="t", action=Move.RESOLVE, done=tuple(range(12)), left=1)
    assert done_view(twelve).words == "12 resolved. 1 had changed meanwhile and was left alone."
    assert done_view(twelve).undo == "t"
    none = done_view(replace(twelve, done=(), left=2, action=SNOOZE))
    assert (none.words, none.undo) == ("Nothing was changed. 2 had changed meanwhile and were left alone.", "")
    assert undone_view(replace(twelve, left=0)).words == "Undone: 12 are as they were."
    assert undone_view(None).words == "Too late to undo. Nothing was changed."


def test_what_an_address_or_a_form_lists_is_read_with_care() -> None:
    assert ids_in("3.1.3.x..²." + "9" * 30, most=50) == (3, 1)
    assert ids_in("1.2.3", most=2) == (1, 2)
    assert seen_in(["7:3", "8", ":", "a:1", "9:2"], most=50) == {7: 3, 9: 2}


def test_filters_in_use_each_have_a_link_that_takes_them_away() -> None:
    filters = read_filters({"mood": "negative", "intent": "grief", "language": "da", "q": " min  pakke ", "draft": "1"})
    found = {one.chip.word: one.link for one in applied(filters)}
    assert list(found) == ["“min pakke”", "Draft waiting", "Negative", "Grief", "Danish"]
    assert "mood" not in found["Negative"]
    assert "intent=grief" in found["Negative"]
    assert nothing_here(filters, {"open": 3})[1] == "Nothing fits"
    assert nothing_here(read_filters({"status": "snoozed"}), {"open": 3})[1] == "Nothing snoozed"
    assert nothing_here(read_filters({}), {"open": 0, "resolved": 1})[1] == "All answered"
    assert nothing_here(read_filters({}), {"open": 0})[1] == "Nothing heard yet"


def test_a_filter_of_one_value_is_not_offered_and_the_chosen_ones_are_marked() -> None:
    fields = {field.name: field for field in fields_of(read_filters({"intent": Intent.GRIEF.value}), [])}
    assert set(fields) == {"whose", "mood", "intent", "language"}
    assert [option.value for option in fields["intent"].options if option.is_chosen] == ["grief"]
    assert [option.value for option in fields["mood"].options if option.is_chosen] == [""]


def test_more_than_can_be_counted_is_said_with_a_plus() -> None:
    choices = status_choices(read_filters({}), {"open": 1_000, "resolved": 12})
    assert [choice.count for choice in choices] == ["999+", "0", "0", "12", "999+"]
