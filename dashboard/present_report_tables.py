"""The tables of the page of numbers about what was said: volume and mood; and the list of all tables.

Owns which tables there are, and what these say they count. Pure: counts in, words and addresses out.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from core.assessment import Sentiment
from core.report import (
    DELETED,
    TOOK,
    UNREAD,
    Facet,
    Kind,
)
from dashboard.i18n import _
from dashboard.present_report_answers import card, due, solved, spread, times, work
from dashboard.present_reports import Column, Figures, Row, Share, Table, both, ordered, table_link
from dashboard.report_address import Asked, of_days
from dashboard.report_numbers import Numbers
from dashboard.report_words import FACETS, days_word, part_mark, part_word, value_word
from store.combined import Tally

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


def tables(numbers: Numbers, asked: Asked, *, has_hours: bool) -> list[Table]:
    """Return every table of the page, by its key unique. `has_hours`: somewhere it is closed."""
    timed = TOOK if has_hours else TOOK[:2]
    return [
        _volume(numbers, asked),
        _by_mood(asked, Facet.PLATFORM, numbers.heard.by(Facet.PLATFORM, Facet.MOOD)),
        _by_mood(asked, Facet.LANGUAGE, numbers.heard.by(Facet.LANGUAGE, Facet.MOOD)),
        _by_mood(asked, Facet.TOPIC, numbers.heard.by(Facet.TOPIC, Facet.MOOD)),
        _by_mood(asked, Facet.WATCH, numbers.heard.by(Facet.WATCH, Facet.MOOD)),
        times(numbers, asked, timed),
        spread(numbers, asked, timed),
        solved(numbers, asked),
        due(numbers, asked),
        work(numbers, asked),
        card(numbers, asked, Facet.LANGUAGE),
        card(numbers, asked, Facet.RULE),
        card(numbers, asked, Facet.TEMPLATE),
    ]


def _volume(numbers: Numbers, asked: Asked) -> Table:
    posts, make, facet = asked.which(Kind.POSTS), Figures(asked), asked.split
    series = [Counter({value: number for (value,), number in one.by(facet).items()}) for one in numbers.series]
    found = {value for one in series for value in one}
    values = [mood.value if isinstance(mood, Sentiment) else mood for mood in _MOODS if mood in found]
    if facet is not Facet.MOOD:
        values = ordered(Counter({value: sum(one[value] for one in series) for value in found}))
    tones = _TONES if facet is Facet.MOOD else dict(zip(values, _PALETTE, strict=False))
    rows = []
    for part, heard, counts in zip(numbers.parts, numbers.series, series, strict=True):
        of_part, name = of_days(posts, part), part_word(part)
        whole = make.cell(of_part, heard.total(), label=name)
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
        means=_("Posts by the day they were written. A day runs from midnight to midnight where you are open.")
        + (" " + _("A post with two topics counts with both.") if facet is Facet.TOPIC else ""),
        head=_("Day") if asked.days.first == numbers.parts[0].last or _are_days(numbers) else _("Days"),
        columns=(Column(name=_("Posts")), *named),
        rows=tuple(rows),
        link=table_link(asked, "volume"),
        chart="stacked",
        chart_label=_("Posts over time, {days}. The table below has every figure.", days=days),
        empty=_("Nothing was heard in these days."),
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
    for value in ordered(totals):
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


def _shares(pieces: Iterable[tuple[str, int]], longest: int) -> tuple[Share, ...]:
    shares, start = [], 0.0
    for tone, number in pieces:
        width = 100 * number / longest if longest else 0.0
        if number:
            shares.append(Share(tone=tone, start=f"{start:.2f}%", width=f"{width:.2f}%"))
        start += width
    return tuple(shares)
