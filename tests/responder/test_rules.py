"""Rules from TOML: plain words, every problem at once, unknown words refused."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assessment import Intent, Language, Sentiment
from core.config import Rule
from core.post import Platform
from core.watch import Via
from responder.rules import DEFAULT_RULES, read_rule


def read(text: str) -> tuple[Rule | None, dict[str, str]]:
    faults: dict[str, str] = {}
    return read_rule(tomllib.loads(text), fault=faults.__setitem__), faults


def test_a_rule_may_say_everything() -> None:
    rule, faults = read(
        """
        name = "vrede på X"
        reply = "automatic"
        escalate = true
        due_minutes = 15
        max_age_minutes = 30
        once_per_hours = 12
        via = ["mention", "hashtag"]
        platforms = "x"
        accounts = ["x-main"]
        languages = ["da", "nb"]
        sentiments = ["negative"]
        intents = ["outage", "opt-out"]
        urgency_at_least = 40
        urgency_below = 90
        confidence_at_least = 0.8
        followers_at_least = 1000
        """
    )
    assert faults == {}
    assert rule == Rule(
        name="vrede på X",
        reply="automatic",
        escalate=True,
        due_minutes=15,
        max_age_minutes=30,
        once_per_hours=12,
        via=frozenset({Via.MENTION, Via.HASHTAG}),
        platforms=frozenset({Platform.X}),
        accounts=frozenset({"x-main"}),
        languages=frozenset({Language.DA, Language.NB}),
        sentiments=frozenset({Sentiment.NEGATIVE}),
        intents=frozenset({Intent.OUTAGE, Intent.OPT_OUT}),
        urgency_at_least=40,
        urgency_below=90,
        confidence_at_least=0.8,
        followers_at_least=1000,
    )


def test_a_name_is_enough_and_what_is_not_said_is_the_default() -> None:
    assert read('name = "the rest"') == (Rule(name="the rest"), {})


@pytest.mark.parametrize(
    ("line", "key", "what"),
    [
        ("urgancy_at_least = 3", "urgancy_at_least", "unknown condition"),
        ('reply = "always"', "reply", "must be one of automatic, draft, none"),
        ("reply = []", "reply", "must be one of"),
        ('via = ["shouting"]', "via", "known: hashtag, keyword, mention"),
        ("languages = [1]", "languages", "list of words"),
        ('platforms = {x = "y"}', "platforms", "list of words"),
        ("urgency_at_least = 101", "urgency_at_least", "from 0 to 100"),
        ("urgency_at_least = true", "urgency_at_least", "whole number"),
        ("due_minutes = 0", "due_minutes", "from 1 to 10080"),
        ("due_minutes = 1.5", "due_minutes", "whole number"),
        ('escalate = "yes"', "escalate", "true or false"),
        ("confidence_at_least = 80", "confidence_at_least", "from 0 to 1"),
        ("confidence_at_least = nan", "confidence_at_least", "from 0 to 1"),
    ],
)
def test_a_problem_names_its_key_and_its_cure(line: str, key: str, what: str) -> None:
    rule, faults = read(f'name = "a"\n{line}')
    assert rule is None
    assert list(faults) == [key]
    assert what in faults[key]


def test_every_problem_of_a_rule_is_reported_at_once() -> None:
    rule, faults = read('reply = "always"\nvia = ["x"]\nfollowers_at_least = -1\nescalate = 1\nwhatever = 2')
    assert rule is None
    assert set(faults) == {"name", "reply", "via", "followers_at_least", "escalate", "whatever"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["x", "da"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*Rule.__dataclass_fields__, "other"]), values))
def test_no_table_is_read_into_a_rule_and_a_problem_or_into_neither(table: dict[str, Any]) -> None:
    faults: list[str] = []
    rule = read_rule(table, fault=lambda key, _what: faults.append(key))
    assert (rule is None) is bool(faults)


def test_the_rules_a_house_starts_with_have_their_own_names_and_end_with_the_rest() -> None:
    assert len({rule.name for rule in DEFAULT_RULES}) == len(DEFAULT_RULES)
    assert DEFAULT_RULES[-1] == Rule(name="the rest")
