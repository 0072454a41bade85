"""Sentences of other rooms in the reader's language: every one they can write down is known, and told."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.assessment import Intent, Reason
from dashboard.i18n import LANGUAGES, SOURCE, speaking
from dashboard.marks import cue_words, worth
from dashboard.present_spending import ENDS
from dashboard.told import knows, tell, tell_figure, tell_sentence
from sentiment.cues import load

ROOT = Path(__file__).parent.parent.parent
# What stands for a value in a sentence with values in it: it reads as a number and as a name.
_ANY = "7"


def _tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def _text(node: ast.AST | None) -> Iterator[str]:
    """The sentences an expression can be: constants, f-strings with a value in each place, either side of a choice."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else _ANY for part in parts)
        case ast.IfExp(body=body, orelse=otherwise):
            yield from (*_text(body), *_text(otherwise))
        case ast.BoolOp(values=values):
            yield from (text for value in values for text in _text(value))
        case ast.Tuple(elts=elements):
            yield from (text for element in elements for text in _text(element))


def _arguments(file: str, *names: str) -> list[str]:
    """What stands in the calls of these names: of functions, of errors, and under these keywords in any call."""
    calls = [node for node in ast.walk(_tree(file)) if isinstance(node, ast.Call)]
    given = [one for call in calls if ast.unparse(call.func).split(".")[-1] in names for one in call.args]
    given += [one.value for call in calls for one in call.keywords if one.arg in names]
    return [text.format(most=_ANY) for one in given for text in _text(one)]


def _returns(file: str, *functions: str) -> list[str]:
    """What functions return; all that return a sentence or nothing where none is named."""
    found = []
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.FunctionDef):
            is_asked = node.name in functions or (not functions and ast.unparse(node.returns or node) == "str | None")
            inner = [one for one in ast.walk(node) if isinstance(one, ast.Return)] if is_asked else []
            found += [text for one in inner for text in _text(one.value)]
    return [text for text in found if " " in text]


def _assigned(file: str, *names: str) -> list[str]:
    found = [
        text
        for node in ast.walk(_tree(file))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in names
        for text in _text(node.value)
    ]
    return [text for text in found if text]


def _cures() -> list[str]:
    """Two of them get a second sentence from whoever raises the error."""
    files = (
        "platforms/http.py",
        "platforms/x_errors.py",
        "platforms/x_stream.py",
        "platforms/x.py",
        "platforms/reddit.py",
    )
    cures = [cure for file in files for cure in (*_arguments(file, "cure"), *_assigned(file, "cure"))]
    continued = ("Check in X's developer console that", f"Check {_ANY} and {_ANY} in")
    return [
        f"{cure} Then unpause the account." if cure.startswith(continued) else cure
        for cure in cures
        if not cure.startswith(_ANY)
    ]


SAYERS: dict[str, Callable[[], list[str]]] = {
    "the safety net": lambda: _returns("responder/safety.py") + _arguments("responder/safety.py", "_fact", "_intent"),
    "the budgets of replies": lambda: _arguments("responder/safety.py", "_budget"),
    "the rules": lambda: _returns("responder/policy.py", "_temper"),
    "the guards": lambda: _returns("responder/guards.py"),
    "the sender": lambda: [
        text.removesuffix(": ") + (": no answer in time" if text.endswith(": ") else "")
        for text in (
            *_arguments("responder/outbox.py", "mark_unknown", "mark_failed", "reschedule", "_unknown"),
            *_assigned("responder/outbox.py", "_UNREACHABLE", "_REFUSED_AGAIN", "why"),
        )
        if " " in text and not text.startswith(_ANY)
    ],
    "an edit": lambda: _assigned("store/edits.py", "STALE"),
    "a conversation that moved on": lambda: _assigned("store/moved.py", "WROTE_AGAIN", "why")[:2],
    "a deletion": lambda: _assigned("core/reply.py", "VOID", "FORGOTTEN"),
    "the breaker": lambda: [
        *_arguments("responder/breaker.py", "append"),
        *(text for text in _arguments("responder/breaker.py", "name") if text != _ANY),
        *_assigned("responder/breaker.py", "span"),
    ],
    "the listeners' gaps": lambda: [
        text
        for file in ("listeners/x.py", "listeners/reddit.py", "listeners/loop.py")
        for text in (*_assigned(file, "gap", "doubt", "why", "_TOO_OLD", "_TOO_MANY"), *_assigned(file, "message"))
    ],
    "the platforms' cures": _cures,
    "the budget's pace": lambda: _arguments("core/budget.py", "because"),
    "the network": lambda: _assigned("platforms/http.py", "message")[1:],
    "X's stream": lambda: [
        *_arguments("platforms/x_stream.py", "TryLater"),
        *_assigned("platforms/x_stream.py", "message"),
    ],
    **{
        f"{file}'s errors": lambda file=file: [  # type: ignore[misc]
            text.replace(f"set the {_ANY} of", "set the mood of")
            for text in _arguments(file, "Conflict", "IllegalMove", "BadValue", "Full")
            if " " in text
        ]
        for file in (
            "core/conversation.py", "core/reply.py", "store/corrections.py", "store/conversations.py",
            "store/taught.py", "store/incidents.py", "store/replies.py", "store/writing.py", "store/promises.py",
            "store/notes.py", "store/handing.py", "store/saved_filters.py", "core/note.py",
        )
    },
    "the check of a phrase": lambda: _returns("core/correction.py", "phrase_fault"),
}  # fmt: skip


@pytest.mark.parametrize("who", SAYERS)
def test_what_another_room_can_write_down_is_known(who: str) -> None:
    said = SAYERS[who]()
    assert said
    assert not [text for text in said if not knows(text)], "add it to dashboard/told.py, then: make messages"


def test_every_reason_the_reading_can_name_is_known() -> None:
    cues = {cue.name for cue in load()}
    for name in {*cues, *_arguments("sentiment/reasons.py", "cue"), *_arguments("sentiment/urgency.py", "cue")}:
        assert knows(name.replace("_", " ")), name


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {SOURCE}))
def test_a_sentence_with_values_is_told_with_them(language: str) -> None:
    storm = "46 negative posts about outage in 5 minutes, from 41 authors; usual at this hour: 1.2"
    with speaking(language):
        said = tell_sentence(storm)
        assert said != storm
        assert all(value in said for value in ("46", "41", "1,2", " 5 "))
        assert "outage" not in said


def test_a_sentence_within_a_sentence_is_told_too() -> None:
    with speaking("da"):
        assert tell("refused when sent again: the post was deleted") == (
            "afvist, da det blev sendt igen: opslaget blev slettet"
        )
        assert tell("account 'hav': the stream ended") == "konto 'hav': strømmen sluttede"
        assert tell("account 'hav': X answered 402 Top up the account's credit at X.") == (
            "konto 'hav': X svarede 402 Fyld kontoens saldo op hos X."
        )


def test_the_platforms_own_words_and_names_stay_as_they_are() -> None:
    with speaking("sv"):
        assert tell("account 'hav': X answered 403: the author does not allow replies") == (
            "konto 'hav': X svarade 403: the author does not allow replies"
        )
        assert tell("Mette {n} has already undone it") == "Mette {n} har redan ångrat det"
        assert tell("something nobody wrote down") == "something nobody wrote down"


def test_english_is_left_as_it_was_written() -> None:
    assert tell("the author wrote 1200 posts in a minute, as a bot does").startswith("the author wrote 1200 posts")


def test_a_figure_is_written_as_the_language_writes_it() -> None:
    with speaking("da"):
        assert [tell_figure(one).replace("\xa0", " ") for one in ("4.8", "88%", "1200", "#havtur")] == [
            "4,8", "88 %", "1.200", "#havtur",
        ]  # fmt: skip
        assert tell_figure(Intent.OUTAGE) == "nedbrud"


def test_a_mark_says_its_reason_in_the_readers_language() -> None:
    with speaking("nb"):
        assert cue_words("late_delivery") == "sen levering"
        assert worth(Reason(cue="mood", words="", points=0, mood=0.4)).replace("\xa0", " ") == "40 % av stemningen"


def test_what_is_asked_of_a_platform_for_other_ends_than_hearing_has_words() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "platforms").glob("*.py")]
    found = {name for text in texts for name in re.findall(r'source(?:: str)? ?= ?"([^"]+)"', text)}
    assert found - {"stream"} == set(ENDS)
