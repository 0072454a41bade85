"""What waits for one person: notes that call them, and what they promised.

Owns that view. Pure: refuses to ask anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard import words
from dashboard.i18n import _
from dashboard.present_person import promise_chip
from dashboard.words import Chip
from store.notes import Nudge
from store.promises import Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One line: who, when, what, and where it leads."""

    url: str
    head: str
    text: str
    chip: Chip | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForYouView:
    """The list, by kind."""

    calls: tuple[CallView, ...]
    promises: tuple[CallView, ...]


def for_you_view(nudges: Sequence[Nudge], promises: Sequence[Promise], now: datetime) -> ForYouView:
    """Return what waits for somebody, as it stands at `now`."""
    return ForYouView(
        calls=tuple(
            CallView(
                url=f"/conversations/{one.conversation_id}#notes",
                head=_("{name}, {ago}", name=one.by, ago=words.ago(one.at, now)),
                text=one.text,
                chip=None,
            )
            for one in nudges
        ),
        promises=tuple(
            CallView(
                url=f"/conversations/{one.conversation_id}#promises",
                head="",
                text=one.what,
                chip=promise_chip(one, now),
            )
            for one in promises
        ),
    )
