"""What forbids an automatic reply, and what is done instead: one condition each, with its reason in words.

Owns the conditions and their order. Pure: `policy` asks them when deciding, `guards` asks them again just before
sending, and docs/safety.md is written from them. Refuses to apply rules and to count: the facts bring the counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from core.assessment import Intent, Language, Sentiment
from core.bots import names_a_machine
from core.config import Rule, SafetyConfig
from core.decision import Action, Draft, Facts
from core.post import Platform
from core.watch import is_only_quoted
from platforms.policy import ALLOWANCES, MAX_LENGTH, length_of

# Cheerful thanks under a bitter joke is the reply that gets passed around.
_IRONIC = 0.3
# Nobody writes to a brand more often than this in a minute, or has read and answered our reply this soon.
MOST_POSTS_A_MINUTE = 6
_SOONEST_ANSWER = timedelta(seconds=3)
# The roots of names that no brand should repeat. Not all there are: enough to make a person look.
_RUDE = ("nigger", "nigga", "faggot", "hitler", "fuck", "cunt", "whore", "rapist", "neger", "luder", "fitta", "kuksug")
_PLAIN = str.maketrans("013457$@", "oieastsa", "_-.")
_NAMES = {Platform.X: "X", Platform.REDDIT: "Reddit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a condition looks at: the facts, the rule that would act, the house's limits, and what would be said."""

    facts: Facts
    rule: Rule
    limits: SafetyConfig
    draft: Draft | None = None


Why = Callable[[Case], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that forbids an automatic reply. `why` returns the reason in words where it holds, else None.

    `allows` is the most that may be done. `settles`: the rules are not asked, nor may they escalate. `opts_out`: it
    is written down, for this author and for good.
    `calls_a_person`: somebody is told at once, whatever the rules say. `by_rule`: its measure is the rule's own,
    kept with the reply, and a guard of its own checks it before sending; every other is asked again as it is.
    """

    name: str
    allows: Action
    why: Why
    settles: bool = False
    opts_out: bool = False
    calls_a_person: bool = False
    by_rule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A condition that holds, and why."""

    condition: Condition
    because: str


def findings(case: Case) -> tuple[Finding, ...]:
    """Return every condition that holds, in their order: what is gravest and silences most comes first."""
    asked = ((condition, condition.why(case)) for condition in CONDITIONS)
    return tuple(Finding(condition=condition, because=why) for condition, why in asked if why is not None)


def refused_now(case: Case) -> str | None:
    """Return why nothing automatic may leave as things stand, or None. The rule's own measures are not asked."""
    return next((found.because for found in findings(case) if not found.condition.by_rule), None)


def _intent(intent: Intent, words: str) -> Why:
    return lambda case: words if intent in case.facts.assessment.intents else None


def _fact(holds: Callable[[Facts], bool], words: str) -> Why:
    return lambda case: words if holds(case.facts) else None


def _asked_to_stop(case: Case) -> str | None:
    """Said to somebody else it is no wish about us, and still no moment to speak: see `_says_stop`."""
    if Intent.OPT_OUT in case.facts.assessment.intents and case.facts.heard.mention.is_summons:
        return "the author asked us to stop: no automatic reply from now on"
    return None


def _says_stop(case: Case) -> str | None:
    said = Intent.OPT_OUT in case.facts.assessment.intents and not case.facts.heard.mention.is_summons
    return "the author says stop" if said else None


def _bot_by_name(case: Case) -> str | None:
    is_machine = names_a_machine(case.facts.heard.mention.post.author.handle)
    return "the author's name says that it is a bot" if is_machine else None


def _bot_by_tempo(case: Case) -> str | None:
    more = case.facts.lately.author_posts_minute
    return f"the author wrote {more + 1} posts in a minute, as a bot does" if more >= MOST_POSTS_A_MINUTE else None


def _bot_by_haste(case: Case) -> str | None:
    posted_at, sent_at = case.facts.heard.mention.post.posted_at, case.facts.lately.last_sent_at
    if sent_at is None or not timedelta(0) <= posted_at - sent_at < _SOONEST_ANSWER:
        return None
    return f"the author answered us within {_SOONEST_ANSWER.seconds} seconds, as a bot does"


def _back_and_forth(case: Case) -> str | None:
    said = case.facts.lately.in_conversation
    if said < case.limits.conversation_most:
        return None
    return f"the bot has spoken {said} times in this conversation and no person has: it could be two bots talking"


def _refused_by_platform(case: Case) -> str | None:
    mention = case.facts.heard.mention
    if not ALLOWANCES[mention.post.platform].refuses_unsummoned or mention.is_summons:
        return None
    return f"{_NAMES[mention.post.platform]} accepts a reply only where the author addressed us: answer it there"


def _opted_out(case: Case) -> str | None:
    if not case.facts.is_opted_out:
        return None
    by = case.facts.opted_out_by
    if by is not None:
        return f"{by} stopped automatic replies to this author"
    return "the author asked for no automatic replies"


def _taken(case: Case) -> str | None:
    by = case.facts.conversation.taken_by
    return f"{by} has taken this conversation, so the bot is silent" if by is not None else None


def _acknowledged(case: Case) -> str | None:
    at, hours = case.facts.acknowledged_at, case.rule.once_per_hours
    is_recent = at is not None and case.facts.now - at < timedelta(hours=hours)
    return f"an acknowledgement was sent or drafted within {hours} hours" if is_recent else None


def _quiet_hours(case: Case) -> str | None:
    return "it is within the house's quiet hours" if case.limits.is_quiet(case.facts.now) else None


def _too_old(case: Case) -> str | None:
    minutes = case.rule.max_age_minutes
    age = case.facts.now - case.facts.heard.mention.post.posted_at
    return f"it is older than {minutes} minutes" if age > timedelta(minutes=minutes) else None


def _ironic(case: Case) -> str | None:
    irony = case.facts.assessment.irony
    return "it may be ironic" if irony is not None and irony >= _IRONIC else None


def _rude_name(case: Case) -> str | None:
    """Only where the reply would repeat it, as replies on X do."""
    handle = case.facts.heard.mention.post.author.handle
    if case.draft is None or f"@{handle}".casefold() not in case.draft.text.casefold():
        return None
    plain = handle.casefold().translate(_PLAIN)
    return "the reply would repeat a name that offends" if any(root in plain for root in _RUDE) else None


def _budget(spent: Callable[[Facts], int], most: Callable[[SafetyConfig], int], words: str) -> Why:
    def why(case: Case) -> str | None:
        allowed = most(case.limits)
        return words.format(most=allowed) if spent(case.facts) >= allowed else None

    return why


def _at_once(case: Case) -> str | None:
    """Whatever a storm's posts look like, and whether or not the breaker sees it: so many and no more."""
    most = case.limits.account_at_once
    if most is None or case.facts.lately.account_at_once < most:
        return None
    return f"the account said {most} things by itself within five minutes: it could be a storm, so a person looks first"


def _said_to_many(case: Case) -> str | None:
    if case.draft is None or case.facts.lately.told.get(case.draft.template, 0) < case.limits.same_text_per_hour:
        return None
    return f"the same words went out {case.limits.same_text_per_hour} times within an hour"


def _too_long(case: Case) -> str | None:
    platform = case.facts.heard.mention.post.platform
    if case.draft is None or length_of(platform, case.draft.text) <= MAX_LENGTH[platform]:
        return None
    return f"the reply is longer than {_NAMES[platform]} takes"


CONDITIONS: tuple[Condition, ...] = (
    # Nothing to answer.
    Condition(
        name="deleted",
        allows=Action.IGNORE,
        settles=True,
        why=_fact(lambda facts: facts.heard.deleted_at is not None, "the post was deleted"),
    ),
    Condition(
        name="ours",
        allows=Action.IGNORE,
        settles=True,
        why=_fact(lambda facts: facts.is_ours, "one of our own accounts wrote it"),
    ),
    # A person now, in words of their own: not even a draft of ours is at hand.
    Condition(
        name="threat of self-harm",
        allows=Action.SHOW,
        calls_a_person=True,
        why=_intent(Intent.SELF_HARM, "the author may want to harm themselves: a person now"),
    ),
    Condition(
        name="grief",
        allows=Action.SHOW,
        calls_a_person=True,
        why=_intent(Intent.GRIEF, "somebody died: a person answers, in words of their own"),
    ),
    # The bot is silent.
    Condition(name="asked us to stop", allows=Action.SHOW, settles=True, opts_out=True, why=_asked_to_stop),
    Condition(
        name="bot, by its flag",
        allows=Action.SHOW,
        settles=True,
        why=_fact(lambda facts: facts.heard.mention.post.author.is_bot, "the author is a bot: two bots could loop"),
    ),
    Condition(name="bot, by its name", allows=Action.SHOW, why=_bot_by_name),
    Condition(name="bot, by its tempo", allows=Action.SHOW, why=_bot_by_tempo),
    Condition(name="bot, by its haste", allows=Action.SHOW, why=_bot_by_haste),
    Condition(name="back and forth", allows=Action.SHOW, why=_back_and_forth),
    Condition(name="not summoned, where the platform refuses", allows=Action.SHOW, why=_refused_by_platform),
    Condition(name="says stop, not to us", allows=Action.SHOW, why=_says_stop),
    Condition(name="opted out", allows=Action.SHOW, why=_opted_out),
    Condition(name="conversation taken", allows=Action.SHOW, why=_taken),
    Condition(
        name="a person acted",
        allows=Action.SHOW,
        why=_fact(
            lambda facts: facts.has_person_acted,
            "a person has already acted in this conversation, so the bot is silent",
        ),
    ),
    Condition(
        name="has a reply",
        allows=Action.SHOW,
        why=_fact(lambda facts: facts.has_reply, "this post already has a reply"),
    ),
    Condition(
        name="wants a person",
        allows=Action.SHOW,
        why=_intent(Intent.PERSON, "the author asks whether a machine answers, or for a person"),
    ),
    Condition(
        name="only quoted",
        allows=Action.SHOW,
        why=_fact(
            lambda facts: is_only_quoted(facts.heard.mention), "our name stands only in what is quoted or reposted"
        ),
    ),
    Condition(name="spam", allows=Action.SHOW, why=_intent(Intent.SPAM, "it looks like spam")),
    Condition(name="already acknowledged", allows=Action.SHOW, by_rule=True, why=_acknowledged),
    # A person looks first.
    Condition(
        name="accident or danger",
        allows=Action.DRAFT,
        calls_a_person=True,
        why=_intent(Intent.SAFETY, "somebody may be hurt or in danger: a person now"),
    ),
    Condition(
        name="legal or press",
        allows=Action.DRAFT,
        why=_intent(Intent.LEGAL, "it touches the law or the press, so a person looks first"),
    ),
    Condition(name="fraud", allows=Action.DRAFT, why=_intent(Intent.SCAM, "it touches fraud, so a person looks first")),
    Condition(
        name="not summoned",
        allows=Action.DRAFT,
        why=_fact(
            lambda facts: not facts.heard.mention.is_summons, "the author did not address us, so a person looks first"
        ),
    ),
    Condition(
        name="paused", allows=Action.DRAFT, why=_fact(lambda facts: facts.is_paused, "automatic replies are paused")
    ),
    Condition(
        name="storm",
        allows=Action.DRAFT,
        why=_fact(lambda facts: facts.incident is not None, "the crisis breaker has tripped, so a person looks first"),
    ),
    Condition(name="quiet hours", allows=Action.DRAFT, why=_quiet_hours),
    Condition(
        name="backfilled",
        allows=Action.DRAFT,
        why=_fact(lambda facts: facts.heard.is_backfill, "it was fetched late, to cover a gap"),
    ),
    Condition(name="too old", allows=Action.DRAFT, by_rule=True, why=_too_old),
    Condition(
        name="unsure language",
        allows=Action.DRAFT,
        why=_fact(lambda facts: facts.assessment.language is Language.UNSURE, "its language is unsure"),
    ),
    Condition(
        name="unsure mood",
        allows=Action.DRAFT,
        why=_fact(lambda facts: facts.assessment.sentiment is Sentiment.UNSURE, "its mood is unsure"),
    ),
    Condition(name="irony", allows=Action.DRAFT, why=_ironic),
    Condition(name="a name that offends", allows=Action.DRAFT, why=_rude_name),
    Condition(
        name="author's budget, hour",
        allows=Action.DRAFT,
        why=_budget(
            lambda facts: facts.lately.author_hour,
            lambda limits: limits.author_per_hour,
            "this author's budget of {most} automatic replies an hour is spent",
        ),
    ),
    Condition(
        name="author's budget, day",
        allows=Action.DRAFT,
        why=_budget(
            lambda facts: facts.lately.author_day,
            lambda limits: limits.author_per_day,
            "this author's budget of {most} automatic replies a day is spent",
        ),
    ),
    Condition(
        name="account's budget, hour",
        allows=Action.DRAFT,
        why=_budget(
            lambda facts: facts.lately.account_hour,
            lambda limits: limits.account_per_hour,
            "the account's budget of {most} automatic replies an hour is spent",
        ),
    ),
    Condition(
        name="account's budget, day",
        allows=Action.DRAFT,
        why=_budget(
            lambda facts: facts.lately.account_day,
            lambda limits: limits.account_per_day,
            "the account's budget of {most} automatic replies a day is spent",
        ),
    ),
    Condition(name="account's budget, five minutes", allows=Action.DRAFT, why=_at_once),
    Condition(name="same text to many", allows=Action.DRAFT, why=_said_to_many),
    Condition(name="too long", allows=Action.DRAFT, why=_too_long),
)
