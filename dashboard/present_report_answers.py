"""The tables of the page of numbers about answers: response times, due times, work, the bot's report card.

Owns what each of them says it counts. Pure: counts in, words and addresses out.
"""

from collections import Counter
from collections.abc import Sequence

from core.conversation import Move
from core.report import ANY, BUCKETS, Answer, Facet, Fate, Kind, Outcome, Solved, Which, bucket_counts, percentile
from dashboard import i18n
from dashboard.i18n import _
from dashboard.present_reports import Column, Figures, Row, Table, both, ordered, table_link
from dashboard.report_address import Asked
from dashboard.report_numbers import Numbers
from dashboard.report_words import FACETS, bucket_mark, bucket_word, value_word
from store.combined import Combined

_PERCENTS = (50, 90, 95)


def times(numbers: Numbers, asked: Asked, timed: Sequence[Facet]) -> Table:
    """Return how long the first answers took."""
    which, make = asked.which(Kind.CONVERSATIONS), Figures(asked)
    rows = []
    for facet in timed:
        taken, name = numbers.taken[facet], _timed_name(facet)
        every = which.having(facet, ANY)
        cells = [make.cell(every, len(taken), label=name)]
        cells += [make.time(every, percentile(taken, one), len(taken), label=name) for one in _PERCENTS]
        rows.append(Row(name=name, cells=tuple(cells)))
    seconds = _("seconds")
    return Table(
        key="response-times",
        name=_("Time to the first answer"),
        means=_(
            "From when the first post was written to when the first answer was published, for conversations that "
            "have one. Half took no longer than the median, nine in ten no longer than {ninety}.",
            ninety=i18n.percent(0.9),
        ),
        head=_("Answered"),
        columns=(
            Column(name=_("Conversations")),
            Column(name=_("Median"), unit=seconds),
            *(Column(name=i18n.percent(one / 100), unit=seconds) for one in _PERCENTS[1:]),
        ),
        rows=tuple(rows),
        link=table_link(asked, "response-times"),
    )


def spread(numbers: Numbers, asked: Asked, timed: Sequence[Facet]) -> Table:
    """Return how these times spread."""
    which, make = asked.which(Kind.CONVERSATIONS), Figures(asked)
    rows = []
    counts = {facet: bucket_counts(numbers.taken[facet]) for facet in timed}
    for name in BUCKETS:
        said = bucket_word(name)
        cells = [
            make.cell(which.having(facet, name), counts[facet][name], label=both(_timed_name(facet), said))
            for facet in timed
        ]
        rows.append(Row(name=said, mark=bucket_mark(name), cells=tuple(cells)))
    tones = {Facet.AUTOMATIC_TOOK: "bot", Facet.PERSON_TOOK: "accent", Facet.PERSON_TOOK_OPEN: "approve"}
    return Table(
        key="response-spread",
        name=_("How the first answers spread"),
        means=_("The same conversations, by how long the first answer took."),
        head=_("Took"),
        columns=tuple(Column(name=_timed_name(facet), tone=tones[facet]) for facet in timed),
        rows=tuple(rows),
        link=table_link(asked, "response-spread"),
        chart="grouped",
        chart_label=_("How many conversations were answered within which time. The table below has every figure."),
        empty=_("Nothing in these days is of this kind."),
    )


def _timed_name(facet: Facet) -> str:
    return {
        Facet.AUTOMATIC_TOOK: _("By the bot"),
        Facet.PERSON_TOOK: _("By a person"),
    }.get(facet, _("By a person, in business hours"))


def due(numbers: Numbers, asked: Asked) -> Table:
    """Return what became of due times."""
    return _split(
        asked,
        asked.which(Kind.PROMISES),
        numbers.due,
        Facet.RULE,
        Facet.OUTCOME,
        list(Outcome),
        key="due-times",
        name=_("Due times"),
        means=_(
            "Escalated posts that fell due in these days. One is kept when, from the escalation on and by its due "
            "time, a person took over, resolved, or a person's reply was published. Once it is over it never changes."
        ),
        whole=_("Due"),
        empty=_("Nothing fell due in these days."),
    )


def solved(numbers: Numbers, asked: Asked) -> Table:
    """Return how many answers it took, by topic."""
    return _split(
        asked,
        asked.which(Kind.CONVERSATIONS).having(Facet.ANSWER, Answer.PERSON),
        numbers.solved,
        Facet.TOPIC,
        Facet.SOLVED,
        list(Solved),
        key="solved",
        name=_("Solved with one answer"),
        means=_(
            "Conversations that began in these days and that a person answered, by what the first post is about. "
            "One with two topics counts with both. An acknowledgement is no answer."
        ),
        whole=_("Answered by a person"),
        empty=_("Nothing in these days is of this kind."),
    )


def card(numbers: Numbers, asked: Asked, facet: Facet) -> Table:
    """Return what became of the bot's drafts, by one thing about them."""
    names = {
        Facet.LANGUAGE: _("Drafts by language"),
        Facet.RULE: _("Drafts by rule"),
        Facet.TEMPLATE: _("Drafts by template"),
    }
    return _split(
        asked,
        asked.which(Kind.DRAFTS),
        numbers.drafts,
        facet,
        Facet.FATE,
        list(Fate),
        key=f"drafts-by-{facet}",
        name=names[facet],
        means=_("Texts the bot drafted in these days, and what became of each by now."),
        whole=_("Drafts"),
        empty=_("The bot drafted nothing in these days."),
    )


def _split(  # noqa: PLR0913
    asked: Asked,
    which: Which,
    counted: Combined,
    rows_by: Facet,
    columns_by: Facet,
    values: Sequence[str],
    *,
    key: str,
    name: str,
    means: str,
    whole: str,
    empty: str,
) -> Table:
    """Return a table of two facets with a total first. Columns without any row are left out."""
    make, tally, columns = Figures(asked), counted.by(rows_by, columns_by), counted.by(columns_by)
    shown = [value for value in values if columns[value,]]
    totals = Counter({row: number for (row,), number in counted.by(rows_by).items()})
    rows = []
    if len(totals) != 1:
        cells = (
            make.cell(which.having(columns_by, one), columns[one,], label=both(_("All"), value_word(columns_by, one)))
            for one in shown
        )
        total = make.cell(which, counted.total(), label=_("All"))
        rows = [Row(name=_("All"), cells=(total, *cells), is_total=True)] if totals else []
    for value in ordered(totals):
        of_row, said = which.having(rows_by, value), value_word(rows_by, value)
        cells = (
            make.cell(of_row.having(columns_by, one), tally[value, one], label=both(said, value_word(columns_by, one)))
            for one in shown
        )
        rows.append(Row(name=said, cells=(make.cell(of_row, totals[value], label=said), *cells)))
    return Table(
        key=key,
        name=name,
        means=means,
        head=FACETS[rows_by],
        columns=(Column(name=whole), *(Column(name=value_word(columns_by, one)) for one in shown)),
        rows=tuple(rows),
        link=table_link(asked, key),
        empty=empty,
    )


def work(numbers: Numbers, asked: Asked) -> Table:
    """Return who did what."""
    make, moves = Figures(asked), (Move.TAKE_OVER, Move.RESOLVE, Move.HAND_BACK)
    by_people = asked.which(Kind.REPLIES).having(Facet.AUTOMATIC, "no")
    people = sorted({by for (by,) in numbers.replies} | {by for by, _move in numbers.moves}, key=str.casefold)
    rows = []
    for by in people:
        label = value_word(Facet.BY, by)
        done = asked.which(Kind.MOVES).having(Facet.BY, by)
        cells = [make.cell(by_people.having(Facet.BY, by), numbers.replies[by,], label=label)]
        cells += [
            make.cell(
                done.having(Facet.MOVE, one), numbers.moves[by, one], label=both(label, value_word(Facet.MOVE, one))
            )
            for one in moves
        ]
        rows.append(Row(name=label, cells=tuple(cells)))
    return Table(
        key="work",
        name=_("Work"),
        means=_(
            "What each person did in these days: replies they wrote or approved that were published, and "
            "conversations they took over, resolved and handed back."
        ),
        head=_("Person"),
        columns=(Column(name=_("Replies")), *(Column(name=value_word(Facet.MOVE, one)) for one in moves)),
        rows=tuple(rows),
        link=table_link(asked, "work"),
        empty=_("Nobody did anything to a conversation in these days."),
    )
