"""The tables of the page of numbers: volume and mood, response times, due times, work, the machine's report card.

Owns which tables there are, in which order, and what each says it counts. Pure: counts in, words and addresses out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from core.assessment import Sentiment
from core.conversation import Move
from core.report import (
    ANY,
    BUCKETS,
    DELETED,
    NONE,
    TOOK,
    UNREAD,
    Facet,
    Fate,
    Kind,
    Outcome,
    Which,
    bucket_counts,
    percentile,
)
from dashboard import i18n
from dashboard.i18n import _
from dashboard.present_reports import Column, Figures, Row, Share, Table, both
from dashboard.report_address import Asked, of_days
from dashboard.report_numbers import READ, Numbers, fold
from dashboard.report_words import FACETS, bucket_mark, bucket_word, days_word, part_mark, part_word, value_word
from store.reports import Tally

_MOODS = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE, Sentiment.UNSURE, UNREAD, DELETED)
_TONES = {
    Sentiment.NEGATIVE: "act",
    Sentiment.NEUTRAL: "wait",
    Sentiment.POSITIVE: "done",
    Sentiment.UNSURE: "soon",
    UNREAD: "accent",
    DELETED: "line",
}
_PALETTE = ("accent", "bot", "soon", "approve", "done", "wait", "act", "line-strong")
# Not one of the topics, languages or watches: they come last.
_LAST = (NONE, "unsure", UNREAD, DELETED)
_PERCENTS = (50, 90, 95)
# More topics and watches than these are for the download of the rows.
_MOST_ROWS = 40


def tables(numbers: Numbers, asked: Asked, *, has_hours: bool) -> list[Table]:
    """Return every table of the page, by its key unique. `has_hours`: somewhere it is closed."""
    timed = TOOK if has_hours else TOOK[:2]
    return [
        _volume(numbers, asked),
        _by_mood(asked, Facet.PLATFORM, fold(numbers.read, 0, 2)),
        _by_mood(asked, Facet.LANGUAGE, fold(numbers.read, 1, 2)),
        _by_mood(asked, Facet.TOPIC, numbers.topics),
        _by_mood(asked, Facet.WATCH, numbers.watches),
        _times(numbers, asked, timed),
        _spread(numbers, asked, timed),
        _due(numbers, asked),
        _work(numbers, asked),
        _card(asked, Facet.LANGUAGE, fold(numbers.drafts, 0, 3)),
        _card(asked, Facet.RULE, fold(numbers.drafts, 1, 3)),
        _card(asked, Facet.TEMPLATE, fold(numbers.drafts, 2, 3)),
    ]


def table_link(asked: Asked, key: str) -> str:
    """Return where a table is downloaded."""
    return asked.link(f"/reports/table/{key}.csv")


def _volume(numbers: Numbers, asked: Asked) -> Table:
    posts, make, facet = asked.which(Kind.POSTS), Figures(asked), asked.split
    nth = READ.index(facet)
    series = [Counter({value: number for (value,), number in fold(one, nth).items()}) for one in numbers.series]
    found = {value for one in series for value in one}
    values = [mood.value if isinstance(mood, Sentiment) else mood for mood in _MOODS if mood in found]
    if facet is not Facet.MOOD:
        values = _ordered(Counter({value: sum(one[value] for one in series) for value in found}))
    tones = _TONES if facet is Facet.MOOD else dict(zip(values, _PALETTE, strict=False))
    rows = []
    for part, counts in zip(numbers.parts, series, strict=True):
        of_part, name = of_days(posts, part), part_word(part)
        whole = make.cell(of_part, sum(counts.values()), label=name)
        each = (
            make.cell(of_part.having(facet, one), counts[one], label=both(name, value_word(facet, one)))
            for one in values
        )
        rows.append(Row(name=name, mark=part_mark(part), cells=(whole, *each)))
    named = (Column(name=value_word(facet, one), tone=tones.get(one, "line-strong")) for one in values)
    days = days_word(asked.days.first, asked.days.last)
    return Table(
        key="volume",
        name=_("Posts over time"),
        means=_("Posts by the day they were written. A day runs from midnight to midnight where you are open."),
        head=_("Day") if asked.days.first == numbers.parts[0].last or _are_days(numbers) else _("Days"),
        columns=(Column(name=_("Posts")), *named),
        rows=tuple(rows),
        link=table_link(asked, "volume"),
        chart="stacked",
        chart_label=_("Posts over time, {days}. The table below has every figure.", days=days),
    )


def _are_days(numbers: Numbers) -> bool:
    return all(part.first == part.last for part in numbers.parts)


_MEANS: dict[Facet, Callable[[], str]] = {
    Facet.PLATFORM: lambda: _("Posts heard, by the platform they were written on."),
    Facet.LANGUAGE: lambda: _("Posts heard, by the language they are written in. “Unsure” is any other one, too."),
    Facet.TOPIC: lambda: _("Posts heard, by what they are about. One with two topics counts with both."),
    Facet.WATCH: lambda: _("Posts heard, by the name, hashtag or keyword that found each."),
}


def _by_mood(asked: Asked, facet: Facet, tally: Tally) -> Table:
    posts, make = asked.which(Kind.POSTS), Figures(asked)
    totals: Counter[str] = Counter()
    for (value, _mood), number in tally.items():
        totals[value] += number
    # A column that only repeats its own row, such as that of deleted posts, is left out.
    held = {mood for (value, mood), number in tally.items() if number and value != mood}
    moods = [mood for mood in _MOODS if mood in held]
    longest = max(totals.values(), default=0)
    rows = []
    for value in _ordered(totals)[:_MOST_ROWS]:
        which, name = posts.having(facet, value), value_word(facet, value)
        counts = [tally[value, mood] for mood in moods]
        cells = [make.cell(which, totals[value], label=name)]
        cells += [
            make.cell(which.having(Facet.MOOD, mood), number, label=both(name, value_word(Facet.MOOD, mood)))
            for mood, number in zip(moods, counts, strict=True)
        ]
        shares = _shares([(_TONES[mood], number) for mood, number in zip(moods, counts, strict=True)], longest)
        rows.append(Row(name=name, cells=tuple(cells), shares=shares))
    columns = (Column(name=_("Posts")), *(Column(name=value_word(Facet.MOOD, one), tone=_TONES[one]) for one in moods))
    return Table(
        key=f"posts-by-{facet}",
        name={
            Facet.PLATFORM: _("Platforms"),
            Facet.LANGUAGE: _("Languages"),
            Facet.TOPIC: _("Topics"),
        }.get(facet, _("Names, hashtags and keywords")),
        means=_MEANS[facet](),
        head=FACETS[facet],
        columns=columns,
        rows=tuple(rows),
        link=table_link(asked, f"posts-by-{facet}"),
        empty=_("Nothing was heard in these days."),
    )


def _times(numbers: Numbers, asked: Asked, timed: Sequence[Facet]) -> Table:
    which, make = asked.which(Kind.CONVERSATIONS), Figures(asked)
    rows = []
    for facet in timed:
        times, name = numbers.taken[facet], _timed_name(facet)
        every = which.having(facet, ANY)
        cells = [make.cell(every, len(times), label=name)]
        cells += [make.time(every, percentile(times, one), len(times), label=name) for one in _PERCENTS]
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


def _spread(numbers: Numbers, asked: Asked, timed: Sequence[Facet]) -> Table:
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
    )


def _timed_name(facet: Facet) -> str:
    return {
        Facet.AUTOMATIC_TOOK: _("By the machine itself"),
        Facet.PERSON_TOOK: _("By a person"),
    }.get(facet, _("By a person, in business hours"))


def _due(numbers: Numbers, asked: Asked) -> Table:
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


def _card(asked: Asked, facet: Facet, tally: Tally) -> Table:
    names = {
        Facet.LANGUAGE: _("Drafts by language"),
        Facet.RULE: _("Drafts by rule"),
        Facet.TEMPLATE: _("Drafts by template"),
    }
    return _split(
        asked,
        asked.which(Kind.DRAFTS),
        tally,
        facet,
        Facet.FATE,
        list(Fate),
        key=f"drafts-by-{facet}",
        name=names[facet],
        means=_("Texts the machine drafted in these days, and what became of each by now."),
        whole=_("Drafts"),
        empty=_("The machine drafted nothing in these days."),
    )


def _split(  # noqa: PLR0913
    asked: Asked,
    which: Which,
    tally: Tally,
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
    make, columns = Figures(asked), fold(tally, 1)
    shown = [value for value in values if columns[value,]]
    totals = Counter({row: number for (row,), number in fold(tally, 0).items()})
    rows = []
    if len(totals) != 1:
        cells = (
            make.cell(which.having(columns_by, one), columns[one,], label=both(_("All"), value_word(columns_by, one)))
            for one in shown
        )
        total = make.cell(which, tally.total(), label=_("All"))
        rows = [Row(name=_("All"), cells=(total, *cells), is_total=True)] if totals else []
    for value in _ordered(totals):
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


def _work(numbers: Numbers, asked: Asked) -> Table:
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


def _ordered(totals: Counter[str]) -> list[str]:
    """The most first; what is no value of its own comes last."""
    rest = [value for value in _LAST if value in totals]
    named = sorted((value for value in totals if value not in rest), key=lambda one: (-totals[one], one))
    return named + rest


def _shares(pieces: Iterable[tuple[str, int]], longest: int) -> tuple[Share, ...]:
    shares, start = [], 0.0
    for tone, number in pieces:
        width = 100 * number / longest if longest else 0.0
        if number:
            shares.append(Share(tone=tone, start=f"{start:.2f}%", width=f"{width:.2f}%"))
        start += width
    return tuple(shares)
