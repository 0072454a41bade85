"""How the values of the numbers' facets read to a person, and how long things took.

Owns these words and colours. Pure: values in, words out.
"""

from collections.abc import Mapping
from datetime import date, timedelta, tzinfo
from typing import Any

from core.conversation import Move
from core.report import (
    ANY,
    DELETED,
    NO,
    NONE,
    TOOK,
    UNREAD,
    YES,
    Answer,
    Facet,
    Fate,
    Kind,
    Outcome,
    Period,
    Solved,
    bounds,
)
from dashboard import i18n, words
from dashboard.i18n import N_, _, ngettext
from dashboard.words import Chip, Said

FACETS = Said(
    {
        Facet.PLATFORM: N_("Platform"),
        Facet.ACCOUNT: N_("Account"),
        Facet.LANGUAGE: N_("Language"),
        Facet.TOPIC: N_("Topic"),
        Facet.MOOD: N_("Mood"),
        Facet.WATCH: N_("Heard through"),
        Facet.LATE: N_("Heard late"),
        Facet.ANSWER: N_("Answer"),
        Facet.ACKNOWLEDGED: N_("Answered by the bot"),
        Facet.SOLVED: N_("Solved"),
        Facet.AUTOMATIC_TOOK: N_("The bot took"),
        Facet.PERSON_TOOK: N_("A person took"),
        Facet.PERSON_TOOK_OPEN: N_("A person took, in business hours"),
        Facet.AUTOMATIC: N_("Sent by the bot"),
        Facet.BY: N_("By"),
        Facet.MOVE: N_("What was done"),
        Facet.FATE: N_("What became of it"),
        Facet.TEMPLATE: N_("Template"),
        Facet.RULE: N_("Rule"),
        Facet.OUTCOME: N_("Due time"),
    },
    _,
)

_ANSWERS = Said(
    {
        Answer.PERSON: N_("Answered by a person"),
        Answer.CLOSED: N_("Closed without a person's answer"),
        Answer.WAITING: N_("Still waiting"),
    },
    _,
)
_SOLVED = Said(
    {
        Solved.ONCE: N_("With one answer"),
        Solved.MORE: N_("With several answers"),
        Solved.OPEN: N_("Not resolved yet"),
    },
    _,
)
_MOVES = Said(
    {
        Move.TAKE_OVER: N_("Taken over"),
        Move.HAND_BACK: N_("Handed back"),
        Move.RESOLVE: N_("Resolved"),
        Move.REOPEN: N_("Reopened"),
    },
    _,
)
_FATES = Said(
    {
        Fate.UNCHANGED: N_("Accepted unchanged"),
        Fate.EDITED: N_("Accepted, edited"),
        Fate.REJECTED: N_("Rejected"),
        Fate.WAITING: N_("Waiting"),
        Fate.BY_ITSELF: N_("Sent by itself"),
        Fate.HELD: N_("Held back by a safety check"),
        Fate.FAILED: N_("Refused by the platform"),
        Fate.VOID: N_("Void: the post was deleted"),
    },
    _,
)
_OUTCOMES = Said(
    {
        Outcome.MET: N_("Kept"),
        Outcome.MISSED: N_("Missed"),
        Outcome.RUNNING: N_("Not due yet"),
        Outcome.WITHDRAWN: N_("Withdrawn: the post was deleted"),
    },
    _,
)
_YES_NO = Said({YES: N_("yes"), NO: N_("no")}, _)
_BARE = Said({DELETED: N_("Deleted since"), UNREAD: N_("Not read yet"), NONE: N_("None")}, _)


_SETS: Mapping[Facet, Mapping[Any, str]] = {
    Facet.LANGUAGE: words.LANGUAGES,
    Facet.ANSWER: _ANSWERS,
    Facet.SOLVED: _SOLVED,
    Facet.MOVE: _MOVES,
    Facet.FATE: _FATES,
    Facet.OUTCOME: _OUTCOMES,
    Facet.LATE: _YES_NO,
    Facet.ACKNOWLEDGED: _YES_NO,
    Facet.AUTOMATIC: _YES_NO,
}
_CHIPS: Mapping[Facet, Mapping[Any, Chip]] = {
    Facet.PLATFORM: words.PLATFORMS,
    Facet.TOPIC: words.INTENTS,
    Facet.MOOD: words.MOODS,
}


def value_word(facet: Facet, value: str) -> str:
    """Return a value as a person reads it. What is no closed set of ours (names, rules) stands as it is."""
    if value in _BARE:
        return _BARE[value]
    if facet in TOOK:
        return bucket_word(value)
    if facet is Facet.BY and value.startswith("rule "):
        return _("rule “{name}”", name=value.removeprefix("rule "))
    chip = _CHIPS.get(facet, {}).get(value)
    return _SETS.get(facet, {}).get(value, value) if chip is None else chip.word


def chip_of(facet: Facet, value: str) -> Chip | None:
    """Return the chip of a platform, topic or mood; None of what has none."""
    return _CHIPS[facet].get(value)


def kind_count(kind: Kind, number: int) -> str:
    """Return a number with what it counts."""
    match kind:
        case Kind.POSTS:
            return ngettext("{n} post", "{n} posts", number)
        case Kind.CONVERSATIONS:
            return ngettext("{n} conversation", "{n} conversations", number)
        case Kind.REPLIES:
            return ngettext("{n} reply", "{n} replies", number)
        case Kind.DRAFTS:
            return ngettext("{n} draft", "{n} drafts", number)
        case Kind.MOVES:
            return ngettext("{n} move", "{n} moves", number)
        case Kind.PROMISES:
            return ngettext("{n} due time", "{n} due times", number)


# What a list of a kind holds, and what puts a row into its days.
KINDS = Said(
    {
        Kind.POSTS: N_("Posts heard, by when they were written."),
        Kind.CONVERSATIONS: N_("Conversations, by when the first post we heard of each was written."),
        Kind.REPLIES: N_("Published replies, by when we knew that they were published."),
        Kind.DRAFTS: N_("Texts the bot drafted, by when it did."),
        Kind.MOVES: N_("What people did to conversations, by when they did it."),
        Kind.PROMISES: N_("Escalated posts with a due time, by that due time."),
    },
    _,
)


def took(seconds: float) -> str:
    """Return how long something took: "12 s", "4 min", "2 h 5 min", "3 days 4 h"."""
    length = timedelta(seconds=seconds)
    rest = timedelta(hours=length.seconds // 3600)
    if length.days == 0 or not rest:
        return words.span(length)
    return _("{days} {hours}", days=words.span(timedelta(days=length.days)), hours=words.span(rest))


def bucket_word(name: str) -> str:
    """Return a bucket of lengths of time in words."""
    for known, begin, end in bounds():
        if known == name and begin is None and end is not None:
            return _("under {span}", span=words.span(end))
        if known == name and begin is not None and end is not None:
            return _("{least} to {most}", least=words.span(begin), most=words.span(end))
        if known == name and begin is not None:
            return _("{span} or longer", span=words.span(begin))
    return _("any time") if name == ANY else name


def bucket_mark(name: str) -> str:
    """Return a bucket as short as it can be, for a chart."""
    known = {one: (begin, end) for one, begin, end in bounds()}
    begin, end = known[name]
    if begin is None and end is not None:
        return _("< {span}", span=words.span(end))
    if begin is not None and end is not None:
        return _("{least}–{most}", least=words.span(begin), most=words.span(end))
    return _("≥ {span}", span=words.span(begin)) if begin is not None else name


def part_word(part: Period) -> str:
    """Return a day, or from which to which day."""
    return days_word(part.first, part.last) if part.first != part.last else i18n.day(part.first)


def part_mark(part: Period) -> str:
    """Return the same as short as it can be, for a chart: some days are named by the first."""
    return i18n.day(part.first)


def days_word(first: date, last: date) -> str:
    """Return from which to which day, both within."""
    if first == last:
        return i18n.full_day(first)
    start = i18n.day(first) if first.year == last.year else i18n.full_day(first)
    return _("{first} – {last}", first=start, last=i18n.full_day(last))


def zone_word(zone: tzinfo) -> str:
    """Return a time zone's name."""
    return str(zone)
