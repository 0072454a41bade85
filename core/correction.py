"""What people of the staff set right: a field of an assessment, or a word that counts.

Owns Field and the values each may take, Change, Correction, Lesson, Effect and TaughtCue with their checks, and what a
correction does to an assessment. Pure. Refuses to know which posts say nearly the same, and to keep anything.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, assert_never

from core.assessment import Assessment, Intent, Language, Sentiment
from core.errors import BadValue

MOST_POINTS = 60
MOST_PHRASE = 80
# A phrase with more than these could take long to look for.
_MOST_WORDS = 8
_MOST_GAPS = 2


class Field(StrEnum):
    """What of an assessment a person may set right."""

    SENTIMENT = "sentiment"
    URGENCY = "urgency"
    LANGUAGE = "language"
    INTENTS = "intents"


Value = Sentiment | Language | int | tuple[Intent, ...]
_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field as the person saw it, and as it is. Raises: BadValue where `now` is no value a person may give.

    Intents stand in one order, as a form gives them back: which was added last is no difference.
    """

    field: Field
    was: Value
    now: Value

    def __post_init__(self) -> None:
        """Check `now`; what was there before, a model may have said."""
        object.__setattr__(self, "now", read_value(self.field, plain(self.now)))
        object.__setattr__(self, "was", _in_order(self.was))
        if self.field is Field.SENTIMENT and self.now is Sentiment.UNSURE:
            raise BadValue("a mood is negative, neutral or positive: a person is not unsure for the model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A change that somebody made. Undone, it stays on record: who, when, what."""

    id: int
    post_id: int
    person: str
    field: Field
    was: Value
    now: Value
    spreads: bool
    made_at: datetime
    undone_by: str | None = None
    undone_at: datetime | None = None

    @property
    def is_undone(self) -> bool:
        """Whether it no longer counts."""
        return self.undone_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A correction that spreads, as the reader of new posts needs it."""

    correction_id: int
    account: str
    field: Field
    now: Value
    embedding: bytes
    model_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """That a lesson applies to a post. `likeness` is the cosine of the two embeddings."""

    correction_id: int
    field: Field
    now: Value
    likeness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtCue:
    """A phrase, written as in cues.toml, and what it adds to the urgency.

    Raises: BadValue with words for the person who wrote it.
    """

    phrase: str
    points: int

    def __post_init__(self) -> None:
        """Check both."""
        if type(self.points) is not int or not 1 <= abs(self.points) <= MOST_POINTS:
            raise BadValue(f"the points must be a whole number from -{MOST_POINTS} to {MOST_POINTS}, and not 0")
        if fault := phrase_fault(self.phrase):
            raise BadValue(fault)


def tidied(phrase: str) -> str:
    """Return a phrase as it is kept: composed characters, single spaces."""
    return " ".join(unicodedata.normalize("NFC", phrase).split())


def phrase_fault(phrase: str) -> str:
    """Return what is wrong with a taught phrase and how to mend it, "" where nothing is."""
    parts = phrase.split()
    if not parts:
        return "the phrase is empty: write the words as people write them"
    if len(phrase) > MOST_PHRASE or len(parts) > _MOST_WORDS:
        return f"the phrase is too long: {_MOST_WORDS} words and {MOST_PHRASE} characters at most"
    if "~" in (parts[0], parts[-1]):
        return "~ stands for words between two others, so it cannot begin or end the phrase"
    if parts.count("~") > _MOST_GAPS:
        return f"~ may stand in a phrase {_MOST_GAPS} times at most"
    bad = next((part for part in parts if part not in ("~", "#") and not _is_word(part)), None)
    if bad is not None:
        return (
            f"cannot read {bad!r}: a word is letters, digits or an emoji; * stands for any ending or beginning, "
            "| between words for either, and ~ and # stand alone"
        )
    if not any(_says_something(part) for part in parts if part not in ("~", "#")):
        return "the phrase would be found in nearly every post: give it a word of at least two letters"
    return ""


def _is_word(part: str) -> bool:
    """Whether each of the words that | parts is one; * only at their ends."""
    return all(_is_plain(_bare(word)) for word in part.split("|"))


def _bare(word: str) -> str:
    return word.removeprefix("*").removesuffix("*")


def _is_plain(word: str) -> bool:
    """Whether a word holds only what a text still holds once it is folded, and at least one such thing."""
    kinds = [unicodedata.category(char) for char in word]
    carries = [char.isalnum() or kind == "So" or char == "$" for char, kind in zip(word, kinds, strict=True)]
    joins = [char in "'’-" or kind in ("Mn", "Cf", "Sk") for char, kind in zip(word, kinds, strict=True)]
    return any(carries) and all(one or other for one, other in zip(carries, joins, strict=True))


def _says_something(part: str) -> bool:
    """Whether every word it may stand for is two letters long, or an emoji."""
    bare = [_bare(word) for word in part.split("|")]
    return all(
        len([char for char in word if char.isalnum()]) >= 2 or any(unicodedata.category(char) == "So" for char in word)
        for word in bare
    )


def read_value(field: Field, raw: object) -> Value:
    """Return the value of a field from a row or a form. Raises: BadValue."""
    match field:
        case Field.SENTIMENT:
            return _one_of(Sentiment, raw, "mood")
        case Field.LANGUAGE:
            return _one_of(Language, raw, "language")
        case Field.URGENCY:
            if type(raw) is not int or not 0 <= raw <= 100:
                raise BadValue(f"an urgency is a whole number from 0 to 100, not {raw!r}")
            return raw
        case Field.INTENTS:
            if not isinstance(raw, Sequence) or isinstance(raw, str):
                raise BadValue(f"intents are a list, not {raw!r}")
            named = {_one_of(Intent, one, "intent") for one in raw}
            return tuple(intent for intent in Intent if intent in named)
        case _:
            assert_never(field)


def _one_of(kind: type[_Word], raw: object, what: str) -> _Word:
    known = {word.value: word for word in kind}
    if not isinstance(raw, str) or raw not in known:
        raise BadValue(f"{raw!r} is no {what}; known are {', '.join(known)}")
    return known[raw]


def plain(value: Value) -> str | int | list[str]:
    """Return a value as rows keep it."""
    if isinstance(value, tuple):
        return [intent.value for intent in value]
    return value.value if isinstance(value, StrEnum) else value


def value_of(assessment: Assessment, field: Field) -> Value:
    """Return what an assessment says now."""
    match field:
        case Field.SENTIMENT:
            return assessment.sentiment
        case Field.LANGUAGE:
            return assessment.language
        case Field.URGENCY:
            return assessment.urgency
        case Field.INTENTS:
            return _in_order(assessment.intents)
        case _:
            assert_never(field)


def _in_order(value: Value) -> Value:
    return tuple(intent for intent in Intent if intent in value) if isinstance(value, tuple) else value


def corrected(assessment: Assessment, field: Field, now: Value) -> Assessment:
    """Return an assessment as a person set it. Of a mood that a person set, we are sure."""
    fields = (*assessment.corrected, *(() if field in assessment.corrected else (field.value,)))
    made = replace(_with(assessment, field, now), corrected=fields)
    return replace(made, confidence=1.0) if field is Field.SENTIMENT else made


def restored(assessment: Assessment, field: Field, original: Value) -> Assessment:
    """Return an assessment as the model made it, in one field."""
    fields = tuple(one for one in assessment.corrected if one != field)
    made = replace(_with(assessment, field, original), corrected=fields)
    return replace(made, confidence=made.probabilities.top()[1]) if field is Field.SENTIMENT else made


def _with(assessment: Assessment, field: Field, value: Value) -> Assessment:
    changes: dict[str, Any] = {field.value: value}
    return replace(assessment, **changes)
