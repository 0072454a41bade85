"""What can be chosen at the head of the page of numbers: days, filters, and how the chart is split.

Owns these choices as words and addresses. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.report import COMMON, DELETED, NONE, Facet
from dashboard import words
from dashboard.i18n import _
from dashboard.report_address import RANGES, SPLITS, Asked
from dashboard.report_words import FACETS, value_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing to choose: `value` in a form, or `link` on the page."""

    word: str
    value: str = ""
    link: str = ""
    is_chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """One filter."""

    name: str
    word: str
    options: tuple[Option, ...]


def ranges(asked: Asked | None, query: Mapping[str, str]) -> list[Option]:
    """Return the ranges that need no typing; the other filters stay."""
    names = {
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "7": _("7 days"),
        "30": _("30 days"),
        "90": _("90 days"),
    }
    kept = {facet: query[facet] for facet in COMMON if query.get(facet)}
    return [
        Option(
            word=names[name],
            value=name,
            link=f"?range={name}" if asked is None else asked.link(range=name, **kept),
            is_chosen=asked is not None and asked.name == name,
        )
        for name in RANGES
    ]


def selects(query: Mapping[str, str], accounts: Iterable[str]) -> list[Select]:
    """Return the filters. One that is set to what nobody knows keeps it: the page then counts none."""
    values: dict[Facet, list[str]] = {
        Facet.PLATFORM: [platform.value for platform in words.PLATFORMS],
        Facet.ACCOUNT: list(accounts),
        Facet.LANGUAGE: [language.value for language in words.LANGUAGES],
        Facet.TOPIC: [*(intent.value for intent in words.INTENTS), NONE],
    }
    every = {
        Facet.PLATFORM: _("All platforms"),
        Facet.ACCOUNT: _("All accounts"),
        Facet.LANGUAGE: _("All languages"),
        Facet.TOPIC: _("All topics"),
    }
    return [
        Select(
            name=facet.value,
            word=FACETS[facet],
            options=(
                Option(word=every[facet], is_chosen=not query.get(facet)),
                *_options(facet, values[facet], query.get(facet, "")),
            ),
        )
        for facet in COMMON
    ]


def splits(asked: Asked) -> list[Option]:
    """Return by what the chart can be split."""
    return [
        Option(
            word=FACETS[facet],
            link=asked.link(by="" if facet is Facet.MOOD else facet.value) + "#volume",
            is_chosen=asked.split is facet,
        )
        for facet in SPLITS
    ]


def _options(facet: Facet, values: Iterable[str], chosen: str) -> Iterable[Option]:
    known = list(values)
    if chosen and chosen not in known:
        known.append(chosen)
    words_of = {DELETED: _("Deleted since")}
    return [
        Option(word=words_of.get(one) or value_word(facet, one), value=one, is_chosen=one == chosen) for one in known
    ]
