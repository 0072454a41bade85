"""The page of numbers: what was counted, as figures that open their rows, and as tables.

Owns the shapes of that view and the figures at its head. Pure: counts in, words and addresses out.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.report import ANY, DELETED, NONE, UNREAD, Answer, Facet, Fate, Kind, Outcome, Solved, Which, percentile
from dashboard import i18n
from dashboard.i18n import _
from dashboard.report_address import Asked, list_link
from dashboard.report_numbers import Numbers
from dashboard.report_words import kind_count, took
from dashboard.words import Tone

# Not one of the topics, languages or watches: they come last.
_LAST = (NONE, "unsure", UNREAD, DELETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure that opens the rows it was made of: `count` of them, and its list shows as many."""

    text: str
    count: int
    which: Which
    link: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """One of the figures at the head. `more` stands beside it, `means` says what it counts."""

    name: str
    figure: Figure
    more: str
    beside: Figure | None
    means: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. `tone` is its colour in a chart, `unit` what its plain values are."""

    name: str
    tone: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """`value` is the plain number, None where there is none; `figure` opens it, None where it is nothing to open."""

    text: str
    value: int | None = None
    figure: Figure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A piece of a bar beside a row: where it begins and how wide it is, in per cent of the bar."""

    tone: str
    start: str
    width: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row. `mark` is its name in a chart, where that is a shorter one."""

    name: str
    cells: tuple[Cell, ...]
    mark: str = ""
    shares: tuple[Share, ...] = ()
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that can be read, drawn and downloaded. `chart` is "" | "stacked" | "grouped"."""

    key: str
    name: str
    means: str
    head: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    link: str
    empty: str = ""
    chart: str = ""
    chart_label: str = ""


class Figures:
    """Makes figures for one page: the links need its time zone."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def of(self, which: Which, count: int, text: str = "", *, label: str = "") -> Figure:
        """Return a figure; its text is the count where none is given."""
        said = text or i18n.number(count)
        link = list_link(which, self._asked.zone, was=count)
        heard = kind_count(which.kind, count)
        spoken = heard if said == i18n.number(count) else _("{figure}, of {count}", figure=said, count=heard)
        named = _("{name}: {value}", name=label, value=spoken) if label else spoken
        return Figure(text=said, count=count, which=which, link=link, label=named)

    def cell(self, which: Which, count: int, *, label: str) -> Cell:
        """Return a count in a table. Nothing opens from none."""
        figure = self.of(which, count, label=label) if count else None
        return Cell(text=i18n.number(count), value=count, figure=figure)

    def time(self, which: Which, seconds: float | None, count: int, *, label: str) -> Cell:
        """Return a length of time in a table; it opens all that it was made of."""
        if seconds is None:
            return Cell(text="–")
        text = took(seconds)
        return Cell(text=text, value=round(seconds), figure=self.of(which, count, text, label=label))


def table_link(asked: Asked, key: str) -> str:
    """Return where a table is downloaded."""
    return asked.link(f"/reports/table/{key}.csv")


def ordered(totals: Counter[str]) -> list[str]:
    """Return the values in the order of a table: the most first; what is no value of its own comes last."""
    rest = [value for value in _LAST if value in totals]
    named = sorted((value for value in totals if value not in rest), key=lambda one: (-totals[one], one))
    return named + rest


def both(row: str, column: str) -> str:
    """Return how a cell is called: its row and its column."""
    return _("{row}, {column}", row=row, column=column)


def key_figures(numbers: Numbers, asked: Asked) -> list[KeyFigure]:
    """Return the figures at the head of the page."""
    return [
        _heard(numbers, asked),
        _begun(numbers, asked),
        _answered(numbers, asked),
        _acknowledged(numbers, asked),
        _solved(numbers, asked),
        _waiting(numbers, asked),
        _kept(numbers, asked),
        _accepted(numbers, asked),
    ]


def share_of(count: int, whole: int) -> str:
    """Return a share in words that keep the whole in sight: "86% of 29"."""
    return _("{share} of {whole}", share=i18n.percent(count / whole), whole=i18n.number(whole)) if whole else ""


def _heard(numbers: Numbers, asked: Asked) -> KeyFigure:
    posts, make = asked.which(Kind.POSTS), Figures(asked)
    late = numbers.heard.by(Facet.LATE)["yes",]
    note = make.of(posts.having(Facet.LATE, "yes"), late, label=_("Heard late")) if late else None
    return KeyFigure(
        name=_("Posts heard"),
        figure=make.of(posts, numbers.heard.total(), label=_("Posts heard")),
        more=_("heard late:") if late else "",
        beside=note,
        means=_("Written in these days."),
        tone=Tone.WAIT,
    )


def _begun(numbers: Numbers, asked: Asked) -> KeyFigure:
    count = sum(numbers.standing.values())
    closed = numbers.standing[Answer.CLOSED]
    which, make = asked.which(Kind.CONVERSATIONS), Figures(asked)
    return KeyFigure(
        name=_("Conversations begun"),
        figure=make.of(which, count, label=_("Conversations begun")),
        more=_("closed without a person:") if closed else "",
        beside=make.of(which.having(Facet.ANSWER, Answer.CLOSED), closed, label=_("Closed without a person"))
        if closed
        else None,
        means=_("Their first post was written in these days."),
        tone=Tone.WAIT,
    )


def _answered(numbers: Numbers, asked: Asked) -> KeyFigure:
    which, times = asked.which(Kind.CONVERSATIONS), numbers.taken[Facet.PERSON_TOOK]
    return KeyFigure(
        name=_("Answered by a person"),
        figure=Figures(asked).of(
            which.having(Facet.ANSWER, Answer.PERSON), len(times), label=_("Answered by a person")
        ),
        more=_("median:") if times else "",
        beside=_median(asked, Facet.PERSON_TOOK, times),
        means=_("Of those conversations. A person wrote or approved the reply."),
        tone=Tone.DONE,
    )


def _acknowledged(numbers: Numbers, asked: Asked) -> KeyFigure:
    which, times = asked.which(Kind.CONVERSATIONS), numbers.taken[Facet.AUTOMATIC_TOOK]
    return KeyFigure(
        name=_("Answered by the bot"),
        figure=Figures(asked).of(which.having(Facet.ACKNOWLEDGED, "yes"), len(times), label=_("Answered by the bot")),
        more=_("median:") if times else "",
        beside=_median(asked, Facet.AUTOMATIC_TOOK, times),
        means=_("Of those conversations. No person saw the reply before."),
        tone=Tone.BOT,
    )


def _solved(numbers: Numbers, asked: Asked) -> KeyFigure:
    solved = numbers.solved.by(Facet.SOLVED)
    once, more = solved[Solved.ONCE,], solved[Solved.MORE,]
    which = asked.which(Kind.CONVERSATIONS).having(Facet.ANSWER, Answer.PERSON)
    return KeyFigure(
        name=_("Solved with one answer"),
        figure=Figures(asked).of(which.having(Facet.SOLVED, Solved.ONCE), once, label=_("Solved with one answer")),
        more=share_of(once, once + more),
        beside=None,
        means=_("Of those that a person answered and that are resolved."),
        tone=Tone.DONE,
    )


def _waiting(numbers: Numbers, asked: Asked) -> KeyFigure:
    which = asked.which(Kind.CONVERSATIONS).having(Facet.ANSWER, Answer.WAITING)
    count = numbers.standing[Answer.WAITING]
    return KeyFigure(
        name=_("Still waiting"),
        figure=Figures(asked).of(which, count, label=_("Still waiting")),
        more=share_of(count, sum(numbers.standing.values())),
        beside=None,
        means=_("Of those conversations. Not resolved, and no person answered."),
        tone=Tone.SOON if count else Tone.DONE,
    )


def _kept(numbers: Numbers, asked: Asked) -> KeyFigure:
    outcomes = numbers.due.by(Facet.OUTCOME)
    kept, missed = outcomes[Outcome.MET,], outcomes[Outcome.MISSED,]
    return KeyFigure(
        name=_("Due times kept"),
        figure=Figures(asked).of(
            asked.which(Kind.PROMISES).having(Facet.OUTCOME, Outcome.MET), kept, label=_("Due times kept")
        ),
        more=share_of(kept, kept + missed),
        beside=None,
        means=_("Of those that fell due and were kept or missed."),
        tone=Tone.ACT if missed else Tone.DONE,
    )


def _accepted(numbers: Numbers, asked: Asked) -> KeyFigure:
    fates = numbers.drafts.by(Facet.FATE)
    judged = sum(fates[fate,] for fate in (Fate.UNCHANGED, Fate.EDITED, Fate.REJECTED))
    unchanged = fates[Fate.UNCHANGED,]
    return KeyFigure(
        name=_("Drafts accepted unchanged"),
        figure=Figures(asked).of(
            asked.which(Kind.DRAFTS).having(Facet.FATE, Fate.UNCHANGED), unchanged, label=_("Drafts accepted unchanged")
        ),
        more=share_of(unchanged, judged),
        beside=None,
        means=_("Of those that a person approved or rejected."),
        tone=Tone.BOT,
    )


def _median(asked: Asked, facet: Facet, times: Sequence[float]) -> Figure | None:
    """It opens every conversation it was made of."""
    median = percentile(times, 50)
    if median is None:
        return None
    which = asked.which(Kind.CONVERSATIONS).having(facet, ANY)
    return Figures(asked).of(which, len(times), took(median), label=_("Median"))
