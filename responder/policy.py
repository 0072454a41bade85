"""What to do about one post: pure, explained, and never bolder than safety, the platform and people allow.

Owns decide(). Refuses I/O, refuses to write texts (`draft` does) and to own what forbids a reply (`safety` does).
"""

from dataclasses import replace
from datetime import timedelta

from core.config import Rule, SafetyConfig
from core.decision import Action, Decision, Draft, Facts
from core.sla import ALWAYS, Hours
from responder.breaker import storm_post
from responder.safety import Case, Finding, findings

_HOUSE = "house"
# What stands where no rule holds.
_NO_RULE = Rule(name="none")
_DEFAULT = SafetyConfig()
# How soon somebody should have looked where a life may hang on it.
_CALLED_WITHIN = timedelta(minutes=15)


def decide(
    facts: Facts,
    rules: tuple[Rule, ...],
    limits: SafetyConfig = _DEFAULT,
    draft: Draft | None = None,
    hours: Hours = ALWAYS,
) -> Decision:
    """Return the outcome for one post, the rule that caused it, and why in plain words.

    `draft` is what would be said: a text may be a reason not to say it. `hours` is when people are there.
    """
    rule = next((rule for rule in rules if holds(rule, facts)), _NO_RULE)
    found = findings(Case(facts=facts, rule=rule, limits=limits, draft=draft))
    settled = next((one for one in found if one.condition.settles), None)
    decision = _settled(settled) if settled is not None else _by_rule(rule, found, facts, hours)
    decision = replace(decision, held=tuple(one.condition.name for one in found))
    called = next((one for one in found if one.condition.calls_a_person), None)
    # Where there is nothing left to answer nobody is called either.
    if called is None or decision.action is Action.IGNORE:
        return decision
    return _with_a_person(decision, called, facts)


def holds(rule: Rule, facts: Facts) -> bool:
    """Whether every condition of a rule holds."""
    heard, assessed = facts.heard, facts.assessment
    post = heard.mention.post
    return (
        _among(heard.mention.via, rule.via)
        and _among(post.platform, rule.platforms)
        and _among(heard.mention.account, rule.accounts)
        and _among(assessed.language, rule.languages)
        and _among(assessed.sentiment, rule.sentiments)
        and (not rule.intents or bool(rule.intents & set(assessed.intents)))
        and rule.urgency_at_least <= assessed.urgency < rule.urgency_below
        and assessed.confidence >= rule.confidence_at_least
        and (post.author.followers or 0) >= rule.followers_at_least
    )


def _among(value: object, allowed: frozenset[object] | frozenset[str]) -> bool:
    return not allowed or value in allowed


def _settled(found: Finding) -> Decision:
    """What no rule is asked about."""
    condition = found.condition
    return Decision(action=condition.allows, rule=_HOUSE, because=found.because, opt_out=condition.opts_out)


def _by_rule(rule: Rule, found: tuple[Finding, ...], facts: Facts, hours: Hours) -> Decision:
    action, because = _temper(rule, found)
    storm = facts.incident.id if facts.incident is not None and storm_post(facts.assessment) else None
    escalate = rule.escalate and storm is None
    return Decision(
        action=action,
        rule=rule.name,
        because=because,
        escalate=escalate,
        calls_a_person=escalate and rule.calls_a_person,
        due_at=(hours if rule.due_in_hours else ALWAYS).due_at(facts.now, rule.due_minutes) if escalate else None,
        not_after=facts.heard.mention.post.posted_at + timedelta(minutes=rule.max_age_minutes),
        alone_since=facts.now - timedelta(hours=rule.once_per_hours),
        incident_id=storm,
    )


def _temper(rule: Rule, found: tuple[Finding, ...]) -> tuple[Action, str]:
    """Return the rule's action, or a milder one and why."""
    if rule is _NO_RULE:
        return Action.SHOW, "no rule holds, so a person decides"
    if rule.reply == "none":
        return Action.SHOW, f"rule {rule.name!r} leaves the answer to a person"
    silent = next((one for one in found if one.condition.allows is Action.SHOW), None)
    if silent is not None:
        return Action.SHOW, silent.because
    if rule.reply == "draft":
        return Action.DRAFT, f"rule {rule.name!r} asks for a draft"
    if found:
        return Action.DRAFT, found[0].because
    return Action.ACKNOWLEDGE, f"rule {rule.name!r} acknowledges at once"


def _with_a_person(decision: Decision, called: Finding, facts: Facts) -> Decision:
    """Return `decision` with somebody called at once, whatever the rule says."""
    now = facts.now + _CALLED_WITHIN
    return replace(
        decision,
        rule=decision.rule if decision.escalate else _HOUSE,
        because=called.because,
        escalate=True,
        due_at=min(now, decision.due_at or now),
        calls_a_person=True,
    )
