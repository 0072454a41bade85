"""The safety engine: whatever is put together, nothing automatic where one condition forbids it (I3, I5, I6)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from core.assessment import Intent, Sentiment
from core.config import BreakerConfig, ReplyMode, Rule
from core.decision import Action, Decision
from core.post import Platform
from responder import truth
from responder.policy import decide
from responder.rules import DEFAULT_RULES
from responder.safety import CONDITIONS, Condition
from responder.truth import EXAMPLES, LIMITS, NOW, RULE, Scene, plain

PAGE = Path(__file__).parents[2] / "docs" / "safety.md"
NAMES = [condition.name for condition in CONDITIONS]
BOLDNESS = [Action.IGNORE, Action.SHOW, Action.DRAFT, Action.ACKNOWLEDGE]
# What cannot be of one post: it is on one platform, and addresses us or does not.
SUMMONED = {"asked us to stop"}
UNSUMMONED = {"not summoned, where the platform refuses", "not summoned", "says stop, not to us"}
ONLY_X = {"not summoned, where the platform refuses"}
ONLY_REDDIT = {"not summoned", "says stop, not to us"}

some_names = st.lists(st.sampled_from(NAMES), unique=True, max_size=6)
modes: st.SearchStrategy[ReplyMode] = st.sampled_from(["automatic", "draft", "none"])


def put_together(names: list[str]) -> Scene:
    """A post of which all of these hold."""
    chosen = set(names)
    assume(not (chosen & SUMMONED and chosen & UNSUMMONED))
    assume(not (chosen & ONLY_X and chosen & ONLY_REDDIT))
    # One handle is not two names, and a text is as long as it is.
    assume(len(chosen & {"bot, by its name", "a name that offends"}) < 2)
    scene = plain()
    # The hour first, for ages are reckoned from it, then the age, which haste looks at; the draft's text last.
    turns = {"quiet hours": 0, "too old": 1, "too long": 3}
    for name in sorted(names, key=lambda name: (turns.get(name, 2), NAMES.index(name))):
        scene = EXAMPLES[name](scene)
    return scene


def test_every_condition_has_one_example_and_no_other_holds_for_it() -> None:
    assert list(EXAMPLES) == NAMES
    decision = plain().decide()
    assert (decision.action, decision.calls_a_person, plain().refusal()) == (Action.ACKNOWLEDGE, False, None)


@pytest.mark.parametrize("condition", CONDITIONS, ids=NAMES)
def test_a_condition_alone_decides_what_it_says_and_guards_refuse_it(condition: Condition) -> None:
    scene = EXAMPLES[condition.name](plain())
    decision = scene.decide()
    assert decision.action is condition.allows
    assert decision.calls_a_person is condition.calls_a_person
    assert scene.refusal() is not None


@given(names=some_names.filter(bool), mode=modes)
@example(names=["bot, by its haste", "accident or danger", "too old"], mode="automatic")
def test_whatever_is_put_together_is_never_answered_where_one_condition_forbids_it(
    names: list[str], mode: ReplyMode
) -> None:
    action = put_together(names).decide(replace(RULE, reply=mode)).action
    assert action is not Action.ACKNOWLEDGE
    mildest = min(BOLDNESS.index(condition.allows) for condition in CONDITIONS if condition.name in names)
    assert BOLDNESS.index(action) <= mildest


@given(names=some_names, more=st.sampled_from(NAMES), mode=modes)
def test_one_condition_more_never_makes_the_outcome_bolder(names: list[str], more: str, mode: ReplyMode) -> None:
    assume(more not in names)
    rule = replace(RULE, reply=mode)
    before, after = put_together(names).decide(rule), put_together([*names, more]).decide(rule)
    assert BOLDNESS.index(after.action) <= BOLDNESS.index(before.action)
    # And who is called stays called, unless there is nothing left to answer.
    assert after.calls_a_person >= before.calls_a_person or after.action is Action.IGNORE


@given(names=some_names)
def test_guards_refuse_whatever_policy_would_now_refuse(names: list[str]) -> None:
    """The reply was approved when nothing stood in the way; then all of this happened."""
    scene = put_together(names)
    assert (scene.refusal() is None) is (scene.decide().action is Action.ACKNOWLEDGE)


@given(names=some_names.filter(bool), intents=st.sets(st.sampled_from(Intent)), mood=st.sampled_from(Sentiment))
def test_the_rules_a_house_starts_with_are_no_bolder(names: list[str], intents: set[Intent], mood: Sentiment) -> None:
    scene = put_together(names)
    assessment = scene.facts.assessment
    assume(mood is assessment.sentiment or assessment.sentiment is Sentiment.NEGATIVE)
    both = tuple({*assessment.intents, *intents})
    facts = replace(scene.facts, assessment=replace(assessment, intents=both, sentiment=mood))
    assume("unsure mood" not in names or mood is Sentiment.UNSURE)
    assert decide(facts, DEFAULT_RULES, LIMITS, scene.draft).action is not Action.ACKNOWLEDGE


def test_the_table_in_the_docs_is_what_the_code_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == truth.write(page), "run: python -m responder.truth docs/safety.md"
    assert all(f"| {name} |" in page for name in NAMES)


@pytest.mark.parametrize(
    ("name", "just_below"),
    [
        ("bot, by its tempo", truth._lately(author_posts_minute=5)),
        ("bot, by its haste", truth._lately(last_sent_at=NOW - timedelta(seconds=13))),
        ("back and forth", truth._lately(in_conversation=1)),
        ("author's budget, hour", truth._lately(author_hour=LIMITS.author_per_hour - 1)),
        ("author's budget, day", truth._lately(author_day=LIMITS.author_per_day - 1)),
        ("account's budget, hour", truth._lately(account_hour=LIMITS.account_per_hour - 1)),
        ("account's budget, day", truth._lately(account_day=LIMITS.account_per_day - 1)),
        ("account's budget, five minutes", truth._lately(account_at_once=BreakerConfig().replies_at_once - 1)),
        ("same text to many", truth._lately(told={"en/general/1": LIMITS.same_text_per_hour - 1, "en/general/2": 99})),
        ("irony", truth._assessed(irony=0.29)),
        ("bot, by its name", truth._author(handle="LarsTalbot")),
        ("a name that offends", truth._author(handle="Fukuyama")),
    ],
)
def test_what_stays_just_below_a_measure_is_answered(name: str, just_below: truth.Change) -> None:
    assert EXAMPLES[name](plain()).decide().action is not Action.ACKNOWLEDGE
    assert just_below(plain()).decide().action is Action.ACKNOWLEDGE


def test_a_budget_of_nothing_leaves_everything_to_people() -> None:
    for key in ("account_per_hour", "account_per_day", "author_per_hour", "author_per_day", "same_text_per_hour"):
        nothing: dict[str, Any] = {key: 0}
        limits = replace(LIMITS, **nothing)
        assert decide(plain().facts, (RULE,), limits, plain().draft).action is Action.DRAFT


# ---- What became known in public: brands whose machines answered what no machine should have.


def about(text: str, *changes: truth.Change, rule: Rule = RULE) -> Decision:
    scene = truth._post(text=text)(plain())
    for change in changes:
        scene = change(scene)
    return scene.decide(rule)


def test_an_airline_is_not_thanked_back_for_an_insult_that_reads_like_praise() -> None:
    """American Airlines, 2013: thanked for its support whoever congratulated it on being the worst airline there is."""
    praise = truth._assessed(sentiment=Sentiment.POSITIVE, intents=(Intent.PRAISE,), irony=0.5)
    assert (
        about("Congrats @brand on becoming the biggest and worst airline in the world", praise).action is Action.DRAFT
    )


def test_an_insurer_does_not_send_its_condolences_by_machine() -> None:
    """Progressive, 2012: the same statement to everybody who wrote about a customer's death."""
    grief = truth._intent(Intent.GRIEF)
    decision = about("@brand defended the man who killed my sister", grief, rule=replace(RULE, reply="draft"))
    assert (decision.action, decision.calls_a_person) == (Action.SHOW, True)
    crowd = truth._lately(told={"en/general/1": 25})
    assert about("@brand how can you treat that family so", crowd).action is Action.DRAFT


def test_a_bank_does_not_offer_help_with_their_account_to_everybody_in_a_protest() -> None:
    """Bank of America, 2013: the same offer of help to all who reposted a protester's picture."""
    assert about("RT @protester: chased away from @brand with my chalk by the police").action is Action.SHOW
    crowd = truth._lately(told={"en/general/1": 25})
    assert about("@brand shame on you", crowd).action is Action.DRAFT


def test_a_name_that_offends_is_not_repeated() -> None:
    """A football club, 2014, and a biscuit, 2013: they addressed authors by names that no brand should say."""
    for handle in ("Sieg_Hitler88", "f_u_c_k_you", "N1GGER_x"):
        named = truth._author(handle=handle)(plain())
        scene = replace(named, draft=replace(named.draft, text=f"@{handle} We have seen your post."))
        assert scene.decide().action is Action.DRAFT
        on_reddit = replace(truth._post(platform=Platform.REDDIT)(scene), draft=plain().draft)
        assert on_reddit.decide().action is Action.ACKNOWLEDGE, "there it would not be repeated"


def test_two_machines_that_open_a_new_conversation_each_time_end_at_the_authors_budget() -> None:
    """chatwoot#5131, freescout#3670: a no-reply box and a help desk answered each other without end."""
    assert about("we cannot handle your message", truth._author(handle="acme-no-reply")).action is Action.SHOW
    assert about("@brand ticket received", truth._lately(author_hour=2)).action is Action.DRAFT
    assert about("@brand ticket received", truth._lately(in_conversation=2)).action is Action.SHOW


def test_the_machine_does_not_speak_over_the_colleague_who_just_answered() -> None:
    """Help desks whose bots went on after a person had written."""
    assert about("@brand thanks, and when?", truth._facts(has_person_acted=True)).action is Action.SHOW
