"""Rules tried on what was decided: the same policy, its own counts, and what a person's later act contradicts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from core.assessment import Intent, Language, Sentiment
from core.config import Rule, SafetyConfig
from core.decision import Action
from core.incident import Incident
from core.trial import History, Move, Outcome, Past, Saying, Trial, Wrong
from responder.draft import load
from responder.trial import try_rules
from responder.worker import Desk
from tests.builders import NOW, a_heard, a_mention, a_post, an_assessment, an_author

AUTOMATIC = Rule(name="all", reply="automatic")
DRAFTS = Rule(name="all", reply="draft")
ANGRY = Rule(name="angry", reply="draft", escalate=True, urgency_at_least=60)


def a_desk(*rules: Rule, limits: SafetyConfig | None = None) -> Desk:
    templates = load(brand="Hav", house_language=Language.DA, signatures={})
    return Desk(rules=rules, templates=templates, dashboard_url="", limits=limits or SafetyConfig())


def a_past(number: int = 1, *, author: str = "", conversation: int = 0, **changes: Any) -> Past:
    at = changes.pop("at", NOW + timedelta(minutes=number))
    mention = a_mention(
        post=a_post(str(1000 + number), author=an_author(author or str(number)), posted_at=at - timedelta(seconds=9))
    )
    past = Past(
        heard=a_heard(id=number, conversation_id=conversation or number, mention=mention, heard_at=at),
        assessment=an_assessment(urgency=changes.pop("urgency", 30)),
        decided_at=at,
        was=Outcome(action=Action.SHOW, rule="old", because="so it was", escalate=False),
        held=frozenset(),
    )
    return replace(past, **changes)


def a_history(*pasts: Past, sayings: tuple[Saying, ...] = ()) -> History:
    return History(pasts=pasts, sayings=sayings, all_posts=len(pasts), forgotten=0)


def a_trial(
    *pasts: Past, rules: tuple[Rule, ...] = (AUTOMATIC,), sayings: tuple[Saying, ...] = (), **limits: Any
) -> Trial:
    desk = a_desk(*rules, limits=SafetyConfig(**limits))
    return try_rules(a_history(*pasts, sayings=sayings), desk, replace(desk, rules=(Rule(name="nothing"),)))


def actions(trial: Trial) -> list[Action]:
    return [one.would.action for one in trial.tried]


def test_each_post_is_decided_again_by_the_first_rule_that_holds() -> None:
    trial = a_trial(a_past(1, urgency=70), a_past(2), rules=(ANGRY, AUTOMATIC))
    assert [(one.would.action, one.would.rule, one.would.escalate) for one in trial.tried] == [
        (Action.DRAFT, "angry", True),
        (Action.ACKNOWLEDGE, "all", False),
    ]
    assert trial.moves() == {Move(was="show", would="draft+escalate"): 1, Move(was="show", would="acknowledge"): 1}


def test_what_would_be_said_counts_for_the_next_post_of_the_conversation() -> None:
    trial = a_trial(a_past(1, conversation=5), a_past(2, conversation=5), a_past(3, conversation=6))
    assert actions(trial) == [Action.ACKNOWLEDGE, Action.SHOW, Action.ACKNOWLEDGE]
    assert trial.tried[1].would.because == "an acknowledgement was sent or drafted within 24 hours"


def test_a_draft_counts_as_acknowledged_and_spends_no_budget() -> None:
    trial = a_trial(a_past(1, conversation=5), a_past(2, conversation=5), rules=(DRAFTS,), account_per_hour=1)
    assert actions(trial) == [Action.DRAFT, Action.SHOW]


def test_budgets_are_counted_anew_as_the_tried_rules_would_spend_them() -> None:
    trial = a_trial(*(a_past(number) for number in range(1, 4)), account_per_hour=2)
    assert actions(trial) == [Action.ACKNOWLEDGE, Action.ACKNOWLEDGE, Action.DRAFT]
    later = a_trial(a_past(1), a_past(2, at=NOW + timedelta(hours=2)), account_per_hour=1)
    assert actions(later) == [Action.ACKNOWLEDGE, Action.ACKNOWLEDGE]


def test_what_was_said_before_the_trial_begins_counts_too() -> None:
    before = Saying(account="x-main", author="x 1", conversation_id=9, template="da/general/1", at=NOW)
    assert actions(a_trial(a_past(1), sayings=(before,), account_per_hour=1)) == [Action.DRAFT]
    assert actions(a_trial(a_past(1, conversation=9), sayings=(before,))) == [Action.SHOW]
    assert actions(a_trial(a_past(1, earlier_at=NOW - timedelta(hours=1)))) == [Action.SHOW]


def test_what_held_then_holds_in_the_trial() -> None:
    for name in ("paused", "conversation taken", "a person acted", "opted out", "has a reply", "bot, by its tempo"):
        [tried] = a_trial(a_past(1, held=frozenset({name}))).tried
        assert tried.would.action is not Action.ACKNOWLEDGE, name
    [ours] = a_trial(a_past(1, held=frozenset({"ours"}))).tried
    assert ours.would.action is Action.IGNORE
    storm = Incident(id=1, account="x-main", opened_at=NOW)
    [stormy] = a_trial(a_past(1, incident=storm)).tried
    assert stormy.would.action is Action.DRAFT


def test_what_the_house_settled_before_it_wrote_down_why_stays_as_it_was() -> None:
    settled = Outcome(action=Action.IGNORE, rule="house", because="one of our own accounts wrote it", escalate=False)
    trial = a_trial(a_past(1, held=None, was=settled), a_past(2, held=None))
    assert actions(trial) == [Action.IGNORE, Action.ACKNOWLEDGE]
    assert trial.unknown_then == 2


def test_an_acknowledgement_is_wrong_where_a_person_rejected_it_or_its_author_asked_for_none() -> None:
    rejected, asked = a_past(1, was_rejected=True), a_past(2, opted_out_since=True)
    assert [one.wrong for one in a_trial(rejected, asked).tried] == [Wrong.REJECTED, Wrong.OPTED_OUT]
    assert [one.wrong for one in a_trial(rejected, asked, rules=(DRAFTS,)).tried] == [None, None]


def test_an_escalation_that_a_person_dealt_with_must_not_go_missing() -> None:
    told = Outcome(action=Action.DRAFT, rule="old", because="", escalate=True)
    past = a_past(1, was=told, was_dealt_with=True, urgency=70)
    assert [one.wrong for one in a_trial(past, rules=(DRAFTS,)).tried] == [Wrong.UNTOLD]
    assert [one.wrong for one in a_trial(past, rules=(ANGRY,)).tried] == [None]
    assert [one.wrong for one in a_trial(replace(past, was_dealt_with=False), rules=(DRAFTS,)).tried] == [None]


def test_what_people_set_right_is_held_against_the_rules() -> None:
    praise = Rule(name="praise", reply="automatic", sentiments=frozenset({Sentiment.POSITIVE}))
    rest = Rule(name="the rest")
    glad = an_assessment(urgency=5, sentiment=Sentiment.POSITIVE)
    angry = replace(glad, sentiment=Sentiment.NEGATIVE)
    misread = a_past(1, assessment=glad, set_right=angry)
    assert [one.wrong for one in a_trial(misread, rules=(praise, rest)).tried] == [Wrong.CORRECTED]
    same_anyway = a_past(1, assessment=glad, set_right=replace(glad, intents=(Intent.DELIVERY,)))
    assert [one.wrong for one in a_trial(same_anyway, rules=(praise, rest)).tried] == [None]


def test_what_was_wrong_already_is_not_newly_wrong() -> None:
    sent = Outcome(action=Action.ACKNOWLEDGE, rule="old", because="", escalate=False)
    [tried] = a_trial(a_past(1, was=sent, opted_out_since=True)).tried
    assert (tried.wrong, tried.is_newly_wrong, tried.is_moved) == (Wrong.OPTED_OUT, False, False)


def test_a_trial_tells_what_the_rules_in_force_would_change_too() -> None:
    sent = Outcome(action=Action.ACKNOWLEDGE, rule="old", because="", escalate=False)
    trial = a_trial(a_past(1), a_past(2, was=sent))
    assert [one.differs_anyway for one in trial.tried] == [False, True]


def test_a_trial_that_takes_too_long_is_cut_and_says_so() -> None:
    history, desk = a_history(a_past(1), a_past(2)), a_desk(AUTOMATIC)
    trial = try_rules(history, desk, desk, most_seconds=-1.0)
    assert (len(trial.tried), trial.is_cut) == (1, True)
    assert not try_rules(history, desk, desk).is_cut
