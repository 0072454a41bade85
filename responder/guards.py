"""The last checks before anything leaves. Each is pure and returns the refusal, or None.

Owns what may never leave, however it was approved. Refuses to send.
"""

from collections.abc import Callable

from core.config import Rule, SafetyConfig
from core.conversation import Status
from core.decision import Draft, Standing
from core.reply import Reply
from platforms import policy
from responder.safety import Case, refused_now

Guard = Callable[[Reply, Standing], str | None]
_DEFAULT = SafetyConfig()


def refusal(reply: Reply, standing: Standing, limits: SafetyConfig = _DEFAULT) -> str | None:
    """Return the first guard's no, or None where the reply may leave."""
    for guard in (*ALWAYS, *(AUTOMATIC if reply.is_automatic else ())):
        why = guard(reply, standing)
        if why is not None:
            return why
    return still_safe(reply, standing, limits) if reply.is_automatic else None


def not_empty(reply: Reply, _standing: Standing) -> str | None:
    """A reply has words."""
    return None if reply.text.strip() else "the reply is empty"


def not_too_long(reply: Reply, _standing: Standing) -> str | None:
    """It fits, as the platform counts."""
    length, most = policy.length_of(reply.platform, reply.text), policy.MAX_LENGTH[reply.platform]
    return f"the reply is {length} long and {reply.platform} takes {most}" if length > most else None


def not_deleted(_reply: Reply, standing: Standing) -> str | None:
    """The post is still there."""
    return "the post was deleted" if standing.is_deleted else None


def summoned(reply: Reply, standing: Standing) -> str | None:
    """The author addressed us, where the platform asks for that."""
    if policy.ALLOWANCES[reply.platform].refuses_unsummoned and not standing.is_summons:
        return f"{reply.platform} accepts a reply only where the author addressed us"
    return None


def not_late(_reply: Reply, standing: Standing) -> str | None:
    """It comes while it still means something."""
    is_late = standing.not_after is not None and standing.now > standing.not_after
    return "the post is older than the rule allows" if is_late else None


def not_again(_reply: Reply, standing: Standing) -> str | None:
    """No other acknowledgement went to this conversation within the rule's window."""
    return "this conversation was already acknowledged" if standing.has_other_reply else None


def still_open(_reply: Reply, standing: Standing) -> str | None:
    """No person has resolved the conversation while it waited: then they decided that nothing is to be said."""
    is_resolved = standing.facts is not None and standing.facts.conversation.status is Status.RESOLVED
    return "a person has resolved this conversation" if is_resolved else None


def still_safe(reply: Reply, standing: Standing, limits: SafetyConfig) -> str | None:
    """Nothing that would have forbidden it when it was decided forbids it now."""
    if standing.facts is None:
        return "nobody has read the post it answers"
    draft = Draft(text=reply.text, template=reply.template or "")
    return refused_now(Case(facts=standing.facts, rule=_UNASKED, limits=limits, draft=draft))


# The rule's own measures came with the reply: not_late and not_again look at them.
_UNASKED = Rule(name="")
# Whether the post stands comes first: with it goes the reply's text, and "empty" would say nothing.
ALWAYS: tuple[Guard, ...] = (not_deleted, not_empty, not_too_long, summoned)
AUTOMATIC: tuple[Guard, ...] = (not_late, not_again, still_open)
