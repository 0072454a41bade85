"""The toast: what leaves in some seconds, and can still be taken back.

Owns that view. Pure: refuses to ask anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.reply import Reply
from dashboard import i18n
from dashboard.i18n import _, ngettext
from dashboard.present_reply import held_seconds

_SNIPPET = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldView:
    """One reply that is held; `more` says how many others are."""

    reply_id: int
    version: int
    conversation_id: int
    seconds: int
    words: str
    pattern: str
    text: str
    more: str


def held_view(replies: Sequence[Reply], now: datetime) -> HeldView | None:
    """Return the toast, None where nothing is held. The last one approved is taken back first."""
    if not replies:
        return None
    last, seconds = replies[0], held_seconds(replies[0], now)
    pattern = _("Leaves in {n} s")
    text = last.text if len(last.text) <= _SNIPPET else f"{last.text[:_SNIPPET].rstrip()}…"
    others = len(replies) - 1
    return HeldView(
        reply_id=last.id,
        version=last.version,
        conversation_id=last.conversation_id,
        seconds=seconds,
        words=pattern.format(n=i18n.number(seconds)),
        pattern=pattern,
        text=text,
        more=ngettext("and {n} more", "and {n} more", others) if others else "",
    )
