"""The list behind a figure: which rows it asks for, in words, and each row.

Owns that view, and its columns as a file. Pure: rows in, words out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from core.report import COMMON, NONE, Answer, Facet, Kind, Which
from dashboard import i18n, words
from dashboard.i18n import _
from dashboard.report_address import first_day, last_day, list_link
from dashboard.report_words import FACETS, KINDS, chip_of, days_word, kind_count, took, value_word
from dashboard.words import Chip, Moment
from store.reports import Line

_MOST_TEXT = 400
# What a row says beside mood, language and topics, which have their own place.
_SAID = {
    Kind.POSTS: (Facet.WATCH,),
    Kind.CONVERSATIONS: (Facet.ANSWER,),
    Kind.REPLIES: (Facet.BY,),
    Kind.DRAFTS: (Facet.FATE, Facet.RULE, Facet.TEMPLATE),
    Kind.MOVES: (Facet.MOVE, Facet.BY),
    Kind.PROMISES: (Facet.OUTCOME, Facet.RULE),
}


_SPEAK_FOR_THEMSELVES = (Facet.ANSWER, Facet.FATE, Facet.MOVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One row. `facts` are words about it, `note` says why there is no text."""

    conversation: str
    handle: str
    platform: Chip
    at: Moment
    text: str
    note: str
    language: str
    chips: tuple[Chip, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView:
    """The list. `narrowed` are the facets asked for; `changed` says so where the count is not what the page said."""

    title: str
    days: str
    means: str
    narrowed: tuple[tuple[str, str], ...]
    changed: str
    lines: tuple[LineView, ...]
    back: str
    download: str
    earlier: str
    later: str
    place: str


def list_view(
    which: Which,
    lines: Sequence[Line],
    *,
    total: int,
    page: int,
    size: int,
    was: int | None,
    zone: tzinfo,
    now: datetime,
) -> ListView:
    """Return a page of the list."""
    first = (page - 1) * size
    return ListView(
        title=kind_count(which.kind, total),
        days=days_word(first_day(which, zone), last_day(which, zone)),
        means=KINDS[which.kind],
        narrowed=tuple((FACETS[facet], value_word(facet, value)) for facet, value in which.facets),
        changed=_changed(which.kind, was, total),
        lines=tuple(_line(line, which.kind, now) for line in lines),
        back=back_link(which, zone),
        download=list_link(which, zone, form=".csv"),
        earlier=list_link(which, zone, was=was, page=page - 1) if page > 1 else "",
        later=list_link(which, zone, was=was, page=page + 1) if first + len(lines) < total else "",
        place=_("{first} to {last} of {total}", **_place(first, len(lines), total)) if lines else "",
    )


def back_link(which: Which, zone: tzinfo) -> str:
    """Return the address of the page of numbers for the same days and filters."""
    return list_link(which, zone).replace(f"/reports/{which.kind}", "/reports", 1)


def csv_head(kind: Kind) -> list[str]:
    """Return the names of a file's columns. No text and no handle: a file does not follow deletions, we do."""
    extra = [f"{FACETS[facet]}" for facet in _file_facets(kind)]
    timed = [_("Automatic answer after (seconds)"), _("Person's answer after (seconds)")]
    return [
        _("Time"),
        *(FACETS[facet] for facet in (*COMMON, Facet.MOOD)),
        *extra,
        *(timed if kind is Kind.CONVERSATIONS else []),
        _("Conversation"),
    ]


def csv_line(line: Line, kind: Kind, *, zone: tzinfo, url: str) -> list[str | int | None]:
    """Return one row of a file; its time is the house's own."""
    topics = [value_word(Facet.TOPIC, one) for one in line.topics]
    told: list[str | int | None] = [
        f"{line.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        *(value_word(facet, line.facets[facet]) for facet in COMMON if facet is not Facet.TOPIC),
        ", ".join(topics),
        value_word(Facet.MOOD, line.facets[Facet.MOOD]),
    ]
    told += [value_word(facet, line.facets[facet]) for facet in _file_facets(kind)]
    if kind is Kind.CONVERSATIONS:
        told += [_whole(line.automatic_took), _whole(line.person_took)]
    return [*told, f"{url}/conversations/{line.conversation_id}"]


def _file_facets(kind: Kind) -> tuple[Facet, ...]:
    late = (Facet.LATE,) if kind is Kind.POSTS else ()
    return (*_SAID[kind], *late)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def _place(first: int, shown: int, total: int) -> dict[str, str]:
    return {
        "first": i18n.number(first + 1),
        "last": i18n.number(first + shown),
        "total": i18n.number(total),
    }


def _changed(kind: Kind, was: int | None, total: int) -> str:
    if was is None or was == total:
        return ""
    return _(
        "The page you come from counted {was}. Since then posts, answers, corrections or deletions came in.",
        was=kind_count(kind, was),
    )


def _line(line: Line, kind: Kind, now: datetime) -> LineView:
    note = ""
    if line.is_deleted:
        note = _("Deleted by its author, and here.")
    elif not line.text:
        note = _("Forgotten: the time we keep texts is over.")
    language = line.facets[Facet.LANGUAGE]
    return LineView(
        conversation=f"/conversations/{line.conversation_id}",
        handle=line.handle or _("forgotten"),
        platform=_chip(Facet.PLATFORM, line),
        at=words.moment(line.at, now),
        text=line.text[:_MOST_TEXT],
        note=note,
        language=language if len(language) == 2 else "",
        chips=() if line.is_deleted else _chips(line),
        facts=_facts(line, kind),
    )


def _chips(line: Line) -> tuple[Chip, ...]:
    topics = (chip_of(Facet.TOPIC, one) for one in line.topics)
    return (_chip(Facet.MOOD, line), *(chip for chip in topics if chip is not None))


def _chip(facet: Facet, line: Line) -> Chip:
    value = line.facets[facet]
    return chip_of(facet, value) or Chip(icon="clock", word=value_word(facet, value))


def _facts(line: Line, kind: Kind) -> tuple[str, ...]:
    shown = [(facet, line.facets[facet]) for facet in _SAID[kind]]
    facts = [
        value_word(facet, value)
        if facet in _SPEAK_FOR_THEMSELVES
        else _("{name}: {value}", name=FACETS[facet], value=value_word(facet, value))
        for facet, value in shown
        # When a person answered is said below, with how long it took.
        if value not in (NONE, "", Answer.PERSON)
    ]
    if line.automatic_took is not None:
        facts.append(_("The bot after {span}", span=took(line.automatic_took)))
    if line.person_took is not None:
        facts.append(_("A person after {span}", span=took(line.person_took)))
    return tuple(facts)
