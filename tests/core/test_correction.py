"""What a person may set right and teach, and the words for what they may not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assessment import Intent, Language, Sentiment
from core.correction import (
    Change,
    Correction,
    Field,
    TaughtCue,
    Value,
    corrected,
    phrase_fault,
    plain,
    read_value,
    restored,
    tidied,
    value_of,
)
from core.errors import BadValue
from tests.builders import an_assessment

NEW: dict[Field, Value] = {
    Field.SENTIMENT: Sentiment.POSITIVE,
    Field.URGENCY: 5,
    Field.LANGUAGE: Language.SV,
    Field.INTENTS: (Intent.PRAISE, Intent.SPAM),
}


@pytest.mark.parametrize("field", Field)
def test_a_corrected_assessment_names_the_field_and_a_restored_one_is_what_it_was(field: Field) -> None:
    before = an_assessment()
    after = corrected(before, field, NEW[field])
    assert (value_of(after, field), after.corrected) == (NEW[field], (field.value,))
    assert corrected(after, field, NEW[field]) == after
    assert restored(after, field, value_of(before, field)) == before


def test_of_a_mood_that_a_person_set_we_are_sure() -> None:
    unsure = an_assessment(sentiment=Sentiment.UNSURE, confidence=0.9)
    assert corrected(unsure, Field.SENTIMENT, Sentiment.NEGATIVE).confidence == 1.0
    assert corrected(unsure, Field.URGENCY, 3).confidence == 0.9


@pytest.mark.parametrize("field", Field)
def test_a_value_goes_into_a_row_and_comes_back(field: Field) -> None:
    assert read_value(field, plain(NEW[field])) == NEW[field]


def test_intents_come_in_their_own_order_and_once() -> None:
    assert read_value(Field.INTENTS, ["spam", "praise", "spam"]) == (Intent.PRAISE, Intent.SPAM)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        (Field.SENTIMENT, "furious", "no mood; known are negative"),
        (Field.SENTIMENT, 3, "no mood"),
        (Field.LANGUAGE, "fi", "no language; known are da"),
        (Field.URGENCY, 101, "from 0 to 100"),
        (Field.URGENCY, -1, "from 0 to 100"),
        (Field.URGENCY, True, "from 0 to 100"),
        (Field.URGENCY, "90", "from 0 to 100"),
        (Field.INTENTS, ["refund"], "no intent"),
        (Field.INTENTS, "praise", "a list"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_can(field: Field, value: object, says: str) -> None:
    with pytest.raises(BadValue, match=says):
        read_value(field, value)


def test_nobody_may_set_a_mood_to_unsure_but_it_may_have_been() -> None:
    Change(field=Field.SENTIMENT, was=Sentiment.UNSURE, now=Sentiment.NEGATIVE)
    with pytest.raises(BadValue, match="negative, neutral or positive"):
        Change(field=Field.SENTIMENT, was=Sentiment.NEGATIVE, now=Sentiment.UNSURE)


def test_a_change_to_no_value_of_its_field_is_refused() -> None:
    with pytest.raises(BadValue):
        Change(field=Field.URGENCY, was=3, now=Sentiment.NEGATIVE)


def test_an_undone_correction_says_so() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    made = Correction(id=1, post_id=1, person="Mette", field=Field.URGENCY, was=1, now=2, spreads=True, made_at=at)
    assert not made.is_undone
    assert replace(made, undone_by="Lars", undone_at=at).is_undone


@pytest.mark.parametrize(
    "phrase",
    ["kaput", "defekt*", "*fejl", "død|dødt", "app ~ nede", "# gange", "e-mail", "åh nej", "💩", "kan't", "2g", "☎️"],
)
def test_a_phrase_as_in_the_file_of_cues_can_be_taught(phrase: str) -> None:
    assert TaughtCue(phrase=phrase, points=30).phrase == phrase


@pytest.mark.parametrize(
    ("phrase", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("x" * 81, "too long"),
        ("a b c d e f g h i", "too long"),
        ("~ nede", "between two others"),
        ("nede ~", "between two others"),
        ("a1 ~ b1 ~ c1 ~ d1", "2 times at most"),
        ("ne~de", "cannot read"),
        ("n*de", "cannot read"),
        ("(nede)", "cannot read"),
        ("a\\w", "cannot read"),
        ("!!!", "cannot read"),
        ("ned.e", "cannot read"),
        ("'", "cannot read"),
        ("|", "cannot read"),
        ("nede|", "cannot read"),
        ("@kaput", "cannot read"),
        ("u/kaput", "cannot read"),
        ("*", "cannot read"),
        ("#", "nearly every post"),
        ("# #", "nearly every post"),
        ("a*", "nearly every post"),
        ("nede|a*", "nearly every post"),
    ],
)
def test_a_phrase_that_cannot_be_taught_is_refused_with_the_cure(phrase: str, says: str) -> None:
    with pytest.raises(BadValue, match=says):
        TaughtCue(phrase=phrase, points=30)


@pytest.mark.parametrize("points", [0, 61, -61, 10_000, True])
def test_points_have_bounds(points: int) -> None:
    with pytest.raises(BadValue, match="from -60 to 60"):
        TaughtCue(phrase="kaput", points=points)


def test_a_phrase_is_kept_tidy() -> None:
    assert tidied("  a\u030ah \t nej ") == "åh nej"


@given(st.text(max_size=90))
def test_whatever_is_typed_is_either_taught_or_refused_with_words(phrase: str) -> None:
    fault = phrase_fault(tidied(phrase))
    assert isinstance(fault, str)
