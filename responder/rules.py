"""Rules from TOML: plain words, every problem reported, unknown words refused.

Owns the vocabulary of a rule and the rules a house starts with. Refuses to apply them: `policy` does.
"""

import difflib
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, cast

from core.assessment import Intent, Language, Sentiment
from core.config import ReplyMode, Rule
from core.post import Platform
from core.watch import Via

Fault = Callable[[str, str], None]

_SETS: dict[str, type[StrEnum] | None] = {
    "via": Via,
    "platforms": Platform,
    "accounts": None,
    "languages": Language,
    "sentiments": Sentiment,
    "intents": Intent,
}
_NUMBERS = {
    "due_minutes": (1, 10_080),
    "max_age_minutes": (1, 1_440),
    "once_per_hours": (1, 8_760),
    "urgency_at_least": (0, 100),
    "urgency_below": (1, 101),
    "followers_at_least": (0, 10**12),
}
_REPLIES = ("automatic", "draft", "none")
_FLAGS = ("escalate", "calls_a_person", "due_in_hours")
_KEYS = ("name", "reply", *_FLAGS, "confidence_at_least", *_SETS, *_NUMBERS)


def read_rule(table: Mapping[str, Any], *, fault: Fault) -> Rule | None:
    """Return the rule of one [[rules]] table, or None after reporting every problem to `fault`."""
    faults: list[str] = []

    def report(key: str, what: str) -> None:
        faults.append(key)
        fault(key, what)

    for key in table:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_KEYS)}"
            report(key, f"unknown condition or outcome; {hint}")
    name, reply = _outcome(table, report)
    values: dict[str, Any] = {key: _words(table.get(key, []), key, kind, report) for key, kind in _SETS.items()}
    for key, (least, most) in _NUMBERS.items():
        if key in table:
            values[key] = _number(table[key], key, least, most, report)
    for key in _FLAGS:
        if key in table:
            values[key] = _flag(table[key], key, report)
    if not values.get("escalate") and (values.get("calls_a_person") or values.get("due_in_hours")):
        report("escalate", "must be true where calls_a_person or due_in_hours is: only an escalation is told and due")
    if "confidence_at_least" in table:
        values["confidence_at_least"] = _share(table["confidence_at_least"], "confidence_at_least", report)
    return None if faults else Rule(name=name, reply=reply, **values)


def _outcome(table: Mapping[str, Any], report: Fault) -> tuple[str, ReplyMode]:
    name = table.get("name")
    if not isinstance(name, str) or not name.strip():
        report("name", "a rule needs a name in quotes")
    reply = table.get("reply", "none")
    if reply not in _REPLIES:
        report("reply", f"must be one of {', '.join(_REPLIES)}, not {reply!r}")
    return cast("str", name), cast("ReplyMode", reply)


def _words(value: object, key: str, kind: type[StrEnum] | None, report: Fault) -> frozenset[str]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        report(key, 'must be a list of words, such as ["one", "two"]')
        return frozenset()
    if kind is None:
        return frozenset(words)
    known = {member.value for member in kind}
    for word in words:
        if word not in known:
            report(key, f"{word!r} is unknown; known: {', '.join(sorted(known))}")
    return frozenset(kind(word) for word in words if word in known)


def _number(value: object, key: str, least: int, most: int, report: Fault) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        report(key, f"must be a whole number from {least} to {most}, not {value!r}")
        return least
    return value


def _flag(value: object, key: str, report: Fault) -> bool:
    if not isinstance(value, bool):
        report(key, f"must be true or false, not {value!r}")
    return value is True


def _share(value: object, key: str, report: Fault) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        report(key, f"must be a number from 0 to 1, not {value!r}")
        return 0.0
    return float(value)


# What a house starts with. The first rule that holds wins.
DEFAULT_RULES = (
    Rule(name="danger", reply="draft", escalate=True, calls_a_person=True, due_minutes=15, urgency_at_least=80),
    Rule(
        name="angry",
        reply="automatic",
        escalate=True,
        due_minutes=30,
        urgency_at_least=55,
        via=frozenset({Via.MENTION}),
    ),
    Rule(name="angry, not to us", escalate=True, due_minutes=60, urgency_at_least=55),
    Rule(name="not to us", via=frozenset({Via.HASHTAG, Via.KEYWORD})),
    Rule(name="complaint", reply="automatic", sentiments=frozenset({Sentiment.NEGATIVE})),
    Rule(name="question", reply="automatic", intents=frozenset({Intent.QUESTION})),
    Rule(name="praise", reply="automatic", sentiments=frozenset({Sentiment.POSITIVE})),
    Rule(name="the rest"),
)
