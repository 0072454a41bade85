"""What to do about one post: pure, explained, and never bolder than the platform allows.

Owns decide(). Refuses I/O, and refuses to write texts: `draft` does.
"""

from datetime import timedelta

from core.assessment import Intent, Language, Sentiment
from core.config import Rule
from core.decision import Action, Decision, Facts
from core.post import Platform
from platforms.policy import ALLOWANCES
from responder.breaker import storm_post

# Never answered by a machine alone, whatever a rule says.
_DELICATE = frozenset({Intent.SAFETY, Intent.LEGAL, Intent.SCAM})


def decide(facts: Facts, rules: tuple[Rule, ...]) -> Decision:
    """Return the outcome for one post, the rule that caused it, and why in plain words."""
    author = facts.heard.mention.post.author
    if facts.heard.deleted_at is not None:
        return Decision(action=Action.IGNORE, rule="house", because="the post was deleted")
    if Intent.OPT_OUT in facts.assessment.intents and facts.heard.mention.is_summons:
        because = "the author asked us to stop: no automatic reply from now on"
        return Decision(action=Action.SHOW, rule="house", because=because, opt_out=True)
    if author.is_bot:
        return Decision(action=Action.SHOW, rule="house", because="the author is a bot: two bots could loop")
    rule = next((rule for rule in rules if holds(rule, facts)), None)
    if rule is None:
        return Decision(action=Action.SHOW, rule="none", because="no rule holds, so a person decides")
    action, because = _temper(rule, facts)
    storm = facts.incident.id if facts.incident is not None and storm_post(facts.assessment) else None
    escalate = rule.escalate and storm is None
    return Decision(
        action=action,
        rule=rule.name,
        because=because,
        escalate=escalate,
        due_at=facts.now + timedelta(minutes=rule.due_minutes) if escalate else None,
        not_after=facts.heard.mention.post.posted_at + timedelta(minutes=rule.max_age_minutes),
        alone_since=facts.now - timedelta(hours=rule.once_per_hours),
        incident_id=storm,
    )


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


def _temper(rule: Rule, facts: Facts) -> tuple[Action, str]:
    """Return the rule's action, or a milder one and why."""
    if rule.reply == "none":
        return Action.SHOW, f"rule {rule.name!r} leaves the answer to a person"
    silent = _why_silent(rule, facts)
    if silent is not None:
        return Action.SHOW, silent
    if rule.reply == "draft":
        return Action.DRAFT, f"rule {rule.name!r} asks for a draft"
    careful = _why_careful(rule, facts)
    if careful is not None:
        return Action.DRAFT, careful
    return Action.ACKNOWLEDGE, f"rule {rule.name!r} acknowledges at once"


def _why_silent(rule: Rule, facts: Facts) -> str | None:
    """Reasons for which not even a draft is made."""
    mention = facts.heard.mention
    if ALLOWANCES[mention.post.platform].refuses_unsummoned and not mention.is_summons:
        return f"{_NAMES[mention.post.platform]} accepts a reply only where the author addressed us: answer it there"
    if Intent.OPT_OUT in facts.assessment.intents:
        # Said to somebody else it is no wish about us, and still no moment to speak.
        return "the author says stop"
    if facts.is_opted_out:
        return "the author asked for no automatic replies"
    if facts.conversation.is_taken:
        return f"{facts.conversation.taken_by} has taken this conversation, so the bot is silent"
    if facts.has_person_acted:
        return "a person has already acted in this conversation, so the bot is silent"
    if facts.has_reply:
        return "this post already has a reply"
    if Intent.SPAM in facts.assessment.intents:
        return "it looks like spam"
    window = timedelta(hours=rule.once_per_hours)
    if facts.acknowledged_at is not None and facts.now - facts.acknowledged_at < window:
        return f"already acknowledged within {rule.once_per_hours} hours"
    return None


def _why_careful(rule: Rule, facts: Facts) -> str | None:
    """Reasons for which a person looks first."""
    heard, assessed = facts.heard, facts.assessment
    if not heard.mention.is_summons:
        return "the author did not address us, so a person looks first"
    if facts.is_paused:
        return "automatic replies are paused"
    if facts.incident is not None:
        return "the crisis breaker has tripped, so a person looks first"
    if heard.is_backfill:
        return "it was fetched late, to cover a gap"
    if facts.now - heard.mention.post.posted_at > timedelta(minutes=rule.max_age_minutes):
        return f"it is older than {rule.max_age_minutes} minutes"
    if _DELICATE & set(assessed.intents):
        return "it touches safety, law or fraud, so a person looks first"
    if assessed.language is Language.UNSURE:
        return "its language is unsure"
    if assessed.sentiment is Sentiment.UNSURE:
        return "its mood is unsure"
    if assessed.irony is not None and assessed.irony >= _IRONIC:
        return "it may be ironic"
    return None


# Cheerful thanks under a bitter joke is the reply that gets passed around.
_IRONIC = 0.3
_NAMES = {Platform.X: "X", Platform.REDDIT: "Reddit"}
