"""What is decided about a post: a truth table, and never bolder than the platform and the person allow (I5, I6)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assessment import Intent, Language, Sentiment
from core.config import Rule
from core.decision import Action, Facts
from core.incident import Incident
from core.post import Platform
from core.watch import Via
from responder.policy import decide, holds
from responder.rules import DEFAULT_RULES
from tests.builders import NOW, a_conversation, a_heard, a_mention, a_post, a_rule, an_assessment, an_author, some_facts


def facts_about(
    *, author: dict[str, Any] | None = None, post: dict[str, Any] | None = None, summons: bool = True, **changes: Any
) -> Facts:
    written = a_post(author=an_author(**(author or {})), **(post or {}))
    mention = a_mention(post=written, is_summons=summons)
    return some_facts(heard=a_heard(mention=mention, **changes.pop("heard", {})), **changes)


def judged(**changes: Any) -> Facts:
    return some_facts(assessment=an_assessment(**changes))


ACKNOWLEDGED = some_facts()
CALLING = {Intent.SAFETY, Intent.SELF_HARM, Intent.GRIEF}
STORM = Incident(id=7, account="x-main", opened_at=NOW)
REDDIT = {"platform": Platform.REDDIT}

# What stands in the way of an automatic reply, and what is done instead.
MILDER = {
    "deleted": (facts_about(heard={"deleted_at": NOW}), Action.IGNORE, "deleted"),
    "a bot": (facts_about(author={"is_bot": True}), Action.SHOW, "bot"),
    "asks us to stop": (judged(intents=(Intent.OPT_OUT,)), Action.SHOW, "asked us to stop"),
    "opted out": (some_facts(is_opted_out=True), Action.SHOW, "no automatic replies"),
    "opted out here": (
        some_facts(is_opted_out=True, opted_out_by="kari"),
        Action.SHOW,
        "kari stopped automatic replies",
    ),
    "taken": (some_facts(conversation=a_conversation(taken_by="kari")), Action.SHOW, "kari has taken"),
    "a person acted": (some_facts(has_person_acted=True), Action.SHOW, "already acted"),
    "has a reply": (some_facts(has_reply=True), Action.SHOW, "already has a reply"),
    "spam": (judged(intents=(Intent.SPAM,)), Action.SHOW, "spam"),
    "acknowledged": (some_facts(acknowledged_at=NOW - timedelta(hours=23)), Action.SHOW, "within 24 hours"),
    "not summoned on X": (facts_about(summons=False), Action.SHOW, "X accepts a reply only"),
    "not summoned on Reddit": (facts_about(post=REDDIT, summons=False), Action.DRAFT, "did not address us"),
    "paused": (some_facts(is_paused=True), Action.DRAFT, "paused"),
    "a storm": (some_facts(incident=STORM), Action.DRAFT, "crisis breaker"),
    "backfill": (facts_about(heard={"is_backfill": True}), Action.DRAFT, "fetched late"),
    "old": (facts_about(post={"posted_at": NOW - timedelta(minutes=61)}), Action.DRAFT, "older than 60 minutes"),
    "safety": (judged(intents=(Intent.SAFETY,)), Action.DRAFT, "hurt or in danger"),
    "legal": (judged(intents=(Intent.COMPLAINT, Intent.LEGAL)), Action.DRAFT, "the law or the press"),
    "scam": (judged(intents=(Intent.SCAM,)), Action.DRAFT, "fraud"),
    "unsure language": (judged(language=Language.UNSURE), Action.DRAFT, "language is unsure"),
    "unsure mood": (judged(sentiment=Sentiment.UNSURE), Action.DRAFT, "mood is unsure"),
    "irony": (judged(irony=0.4), Action.DRAFT, "may be ironic"),
}
CASES = [pytest.param(*case, id=name) for name, case in MILDER.items()]


def test_a_rule_that_may_acknowledges_at_once() -> None:
    decision = decide(ACKNOWLEDGED, (a_rule(),))
    assert (decision.action, decision.rule) == (Action.ACKNOWLEDGE, "angry")


@pytest.mark.parametrize(("facts", "action", "because"), CASES)
def test_what_stands_in_the_way_makes_it_milder_and_says_why(facts: Facts, action: Action, because: str) -> None:
    decision = decide(facts, (a_rule(),))
    assert decision.action is action
    assert because in decision.because


@pytest.mark.parametrize(("facts", "action", "because"), CASES)
def test_a_rule_that_asks_for_a_draft_never_does_more(facts: Facts, action: Action, because: str) -> None:
    assert decide(facts, (a_rule(reply="draft"),)).action is action


@pytest.mark.parametrize("facts", [case[0] for case in MILDER.values()], ids=list(MILDER))
def test_a_rule_without_a_reply_only_shows(facts: Facts) -> None:
    assert decide(facts, (a_rule(reply="none"),)).action in (Action.SHOW, Action.IGNORE)


def test_without_a_rule_a_person_decides() -> None:
    decision = decide(ACKNOWLEDGED, ())
    assert (decision.action, decision.rule) == (Action.SHOW, "none")
    assert decide(ACKNOWLEDGED, (a_rule(urgency_at_least=71),)).rule == "none"


def test_the_first_rule_that_holds_wins() -> None:
    rules = (a_rule(name="first", urgency_at_least=71), a_rule(name="second"), a_rule(name="third"))
    assert decide(ACKNOWLEDGED, rules).rule == "second"


@pytest.mark.parametrize(
    ("facts", "is_bolder"),
    [
        (some_facts(acknowledged_at=NOW - timedelta(hours=24)), True),
        (some_facts(acknowledged_at=NOW - timedelta(hours=24) + timedelta(seconds=1)), False),
        (facts_about(post={"posted_at": NOW - timedelta(minutes=60)}), True),
        (facts_about(post={"posted_at": NOW - timedelta(minutes=60, seconds=1)}), False),
    ],
)
def test_windows_end_where_they_say(facts: Facts, is_bolder: bool) -> None:
    assert (decide(facts, (a_rule(),)).action is Action.ACKNOWLEDGE) is is_bolder


def test_stop_said_about_us_but_not_to_us_is_no_opt_out() -> None:
    facts = facts_about(summons=False, assessment=an_assessment(intents=(Intent.OPT_OUT,)))
    assert not decide(facts, (a_rule(),)).opt_out
    assert decide(judged(intents=(Intent.OPT_OUT,)), (a_rule(),)).opt_out


@pytest.mark.parametrize("intent", sorted(CALLING))
@pytest.mark.parametrize("rules", [(), (a_rule(reply="none"),), (a_rule(),), (a_rule(escalate=True, due_minutes=600),)])
def test_where_somebody_may_be_hurt_or_grieves_a_person_is_called_whatever_the_rules_say(
    intent: Intent, rules: tuple[Rule, ...]
) -> None:
    for facts in (judged(intents=(intent,)), judged(intents=(intent, Intent.OPT_OUT)), _at_rest(intent)):
        decision = decide(facts, rules)
        assert decision.action in (Action.SHOW, Action.DRAFT)
        assert (decision.calls_a_person, decision.escalate) == (True, True)
        assert decision.due_at == NOW + timedelta(minutes=15)


def _at_rest(intent: Intent) -> Facts:
    """Everything else says that there is nothing to do."""
    facts = facts_about(author={"is_bot": True}, heard={"is_backfill": True})
    return replace(facts, assessment=an_assessment(intents=(intent, Intent.SPAM)), is_paused=True, is_opted_out=True)


def test_a_rule_that_wants_somebody_sooner_has_its_way() -> None:
    decision = decide(judged(intents=(Intent.SAFETY,)), (a_rule(escalate=True, due_minutes=5),))
    assert (decision.rule, decision.due_at) == ("angry", NOW + timedelta(minutes=5))


def test_nobody_is_called_to_what_is_no_longer_there() -> None:
    facts = facts_about(heard={"deleted_at": NOW}, assessment=an_assessment(intents=(Intent.SELF_HARM,)))
    assert not decide(facts, (a_rule(escalate=True),)).escalate


def test_who_asks_us_to_stop_is_opted_out_even_where_a_person_is_called() -> None:
    assert decide(judged(intents=(Intent.GRIEF, Intent.OPT_OUT)), (a_rule(),)).opt_out


def test_an_escalation_is_due_by_its_rule_even_where_the_bot_is_silent() -> None:
    rule = a_rule(escalate=True, due_minutes=15)
    for facts in (ACKNOWLEDGED, some_facts(is_opted_out=True), some_facts(is_paused=True)):
        decision = decide(facts, (rule,))
        assert (decision.escalate, decision.due_at) == (True, NOW + timedelta(minutes=15))
    assert decide(ACKNOWLEDGED, (a_rule(),)).due_at is None


@pytest.mark.parametrize(
    ("condition", "is_met"),
    [
        ({"via": frozenset({Via.MENTION})}, True),
        ({"via": frozenset({Via.HASHTAG, Via.KEYWORD})}, False),
        ({"platforms": frozenset({Platform.X})}, True),
        ({"platforms": frozenset({Platform.REDDIT})}, False),
        ({"accounts": frozenset({"x-main"})}, True),
        ({"accounts": frozenset({"other"})}, False),
        ({"languages": frozenset({Language.DA, Language.SV})}, True),
        ({"languages": frozenset({Language.EN})}, False),
        ({"sentiments": frozenset({Sentiment.NEGATIVE})}, True),
        ({"sentiments": frozenset({Sentiment.POSITIVE})}, False),
        ({"intents": frozenset({Intent.OUTAGE, Intent.BILLING})}, True),
        ({"intents": frozenset({Intent.BILLING})}, False),
        ({"urgency_at_least": 70}, True),
        ({"urgency_at_least": 71}, False),
        ({"urgency_below": 71}, True),
        ({"urgency_below": 70}, False),
        ({"confidence_at_least": 0.9}, True),
        ({"confidence_at_least": 0.91}, False),
        ({"followers_at_least": 120}, True),
        ({"followers_at_least": 121}, False),
    ],
)
def test_every_condition_given_must_hold(condition: dict[str, Any], is_met: bool) -> None:
    facts = judged(intents=(Intent.OUTAGE, Intent.QUESTION))
    assert holds(a_rule(**condition), facts) is is_met


def test_unknown_reach_is_no_reach() -> None:
    facts = facts_about(author={"followers": None})
    assert holds(a_rule(followers_at_least=0), facts)
    assert not holds(a_rule(followers_at_least=1), facts)


@given(urgency=st.integers(0, 100), sentiment=st.sampled_from(Sentiment), intents=st.sets(st.sampled_from(Intent)))
def test_the_rules_a_house_starts_with_answer_nobody_who_did_not_address_it(
    urgency: int, sentiment: Sentiment, intents: set[Intent]
) -> None:
    assessment = an_assessment(urgency=urgency, sentiment=sentiment, intents=tuple(intents))
    facts = facts_about(post=REDDIT, summons=False, assessment=assessment)
    hashtag = replace(facts.heard, mention=replace(facts.heard.mention, via=Via.HASHTAG))
    decision = decide(replace(facts, heard=hashtag), DEFAULT_RULES)
    assert decision.action in (Action.SHOW, Action.DRAFT)
    assert decision.escalate is (urgency >= 55 or bool(intents & CALLING))
