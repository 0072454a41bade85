"""What an open inbox is told while its reader reads: nothing in it moves, and what is new is counted.

Owns that comparison, and the words of a batch. Pure: refuses to ask anything.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.conversation import Move
from dashboard.i18n import N_, _, ngettext, number
from store.bulk import SNOOZE, Batch
from store.inbox import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What came since a list was made: how many stand further up, and the cards that can be added at its end."""

    above: int
    below: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToastView:
    """What was just done, and the token that undoes it ("" where nothing does)."""

    words: str
    undo: str


def news_of(shown: Sequence[int], now: Sequence[Card]) -> News:
    """Compare the list as its reader has it with the list as it would be made now.

    What comes after the last card that is still there shifts nothing, so it may be added.
    """
    stays = [at for at, card in enumerate(now) if card.conversation.id in set(shown)]
    end = stays[-1] + 1 if stays else 0
    above = [card for card in now[:end] if card.conversation.id not in set(shown)]
    return News(above=len(above) if shown else 0, below=tuple(now[end:]))


def news_words(above: int) -> str:
    """Return what the button says that takes in what is new."""
    return ngettext("{n} new above", "{n} new above", above) if above else ""


def done_view(batch: Batch) -> ToastView:
    """Return what a toast says after a batch."""
    one, many = _DONE[batch.action]
    # Each is a message of its own: "Resolved." says no number, so the two are no plural in the catalogs.
    said = _(one) if len(batch.done) == 1 else _(many, n=number(len(batch.done)))
    words = said if batch.done else _("Nothing was changed.")
    return ToastView(words=" ".join([words, *_left(batch)]), undo=batch.token if batch.done else "")


def undone_view(batch: Batch | None) -> ToastView:
    """Return what a toast says after an undo; None where there was nothing left to undo."""
    if batch is None:
        return ToastView(words=_("Too late to undo. Nothing was changed."), undo="")
    words = [ngettext("Undone: {n} is as it was.", "Undone: {n} are as they were.", len(batch.done))]
    return ToastView(words=" ".join([*(words if batch.done else []), *_left(batch)]), undo="")


def ids_in(text: str, *, most: int) -> tuple[int, ...]:
    """Return the ids in "1.2.3", in order and each once; what is no id is left out."""
    found = (int(part) for part in text.split(".")[:most] if part.isascii() and part.isdigit() and len(part) <= 15)
    return tuple(dict.fromkeys(found))


def seen_in(picks: Collection[str], *, most: int) -> dict[int, int]:
    """Return the conversations picked, with the version each was seen at: "7:3" is 7 at version 3."""
    pairs = [pick.partition(":") for pick in list(picks)[:most]]
    return {
        int(one): int(version)
        for one, _colon, version in pairs
        if all(part.isascii() and part.isdigit() and len(part) <= 15 for part in (one, version))
    }


def _left(batch: Batch) -> list[str]:
    if not batch.left:
        return []
    return [
        ngettext(
            "{n} had changed meanwhile and was left alone.",
            "{n} had changed meanwhile and were left alone.",
            batch.left,
        )
    ]


_DONE: dict[str, tuple[str, str]] = {
    SNOOZE: (N_("Snoozed. It comes back by itself."), N_("{n} snoozed until tomorrow at 9.")),
    Move.TAKE_OVER: (N_("You have it now."), N_("You have {n} now.")),
    Move.HAND_BACK: (N_("Handed back."), N_("{n} handed back.")),
    Move.RESOLVE: (N_("Resolved."), N_("{n} resolved.")),
    Move.REOPEN: (N_("Reopened."), N_("{n} reopened.")),
}
