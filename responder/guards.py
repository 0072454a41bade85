"""The last checks before anything leaves. Each is pure and returns the refusal, or None.

Owns what may never leave, however it was approved. Refuses to send.
"""

from collections.abc import Callable

from core.decision import Standing
from core.reply import Reply
from platforms import policy

Guard = Callable[[Reply, Standing], str | None]


def refusal(reply: Reply, standing: Standing) -> str | None:
    """Return the first guard's no, or None where the reply may leave."""
    for guard in (*ALWAYS, *(AUTOMATIC if reply.is_automatic else ())):
        why = guard(reply, standing)
        if why is not None:
            return why
    return None


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


def not_paused(_reply: Reply, standing: Standing) -> str | None:
    """Neither the account nor the house is paused."""
    return "automatic replies were paused before it left" if standing.is_paused else None


def not_tripped(_reply: Reply, standing: Standing) -> str | None:
    """The crisis breaker has not tripped for the account."""
    return "the crisis breaker tripped before it left" if standing.is_tripped else None


def not_taken(_reply: Reply, standing: Standing) -> str | None:
    """No person has the conversation, or has acted in it."""
    if standing.has_person_acted:
        return "a person acted in the conversation before it left"
    return "a person took the conversation before it left" if standing.is_taken else None


def not_opted_out(_reply: Reply, standing: Standing) -> str | None:
    """The author did not say stop."""
    return "the author asked for no automatic replies" if standing.is_opted_out else None


def not_a_bot(_reply: Reply, standing: Standing) -> str | None:
    """The author is a person."""
    return "the author is a bot" if standing.is_bot else None


def not_late(_reply: Reply, standing: Standing) -> str | None:
    """It comes while it still means something."""
    if standing.is_backfill:
        return "the post was fetched late"
    is_late = standing.not_after is not None and standing.now > standing.not_after
    return "the post is older than the rule allows" if is_late else None


def not_again(_reply: Reply, standing: Standing) -> str | None:
    """No other acknowledgement went to this conversation within the rule's window."""
    return "this conversation was already acknowledged" if standing.has_other_reply else None


ALWAYS: tuple[Guard, ...] = (not_empty, not_too_long, not_deleted, summoned)
AUTOMATIC: tuple[Guard, ...] = (not_paused, not_tripped, not_taken, not_opted_out, not_a_bot, not_late, not_again)
