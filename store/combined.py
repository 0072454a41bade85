"""Rows counted once each, by everything that was asked of them at once; and that folded to what one table shows.

Owns the folding. Refuses to ask a database.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from core.report import Facet
from store.readings import values_of

Tally = Counter[tuple[str, ...]]
# A post's reading, 0 where it was not asked for, and the values of the facets beside it as one text.
Key = tuple[int, str]
# What parts these values. Engines that sort to group compare one text faster than several.
PART = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """How many rows have each reading and values of `beside`."""

    beside: tuple[Facet, ...]
    counted: Counter[Key]

    def total(self) -> int:
        """Return how many rows there are."""
        return self.counted.total()

    def by(self, *facets: Facet) -> Tally:
        """Return how many rows have each combination of values. A row with several topics counts with each."""
        places = tuple(self.beside.index(facet) if facet in self.beside else None for facet in facets)
        asks_reading = None in places
        kept: dict[str, tuple[str, ...]] = {}
        folded: dict[tuple[int, tuple[str, ...]], int] = {}
        for (read, text), number in self.counted.items():
            values = kept.get(text)
            if values is None:
                each = text.split(PART)
                values = kept[text] = tuple(each[place] for place in places if place is not None)
            key = (read if asks_reading else 0, values)
            folded[key] = folded.get(key, 0) + number
        tally: Tally = Counter()
        for (read, values), number in folded.items():
            for combination in _spread(read, values, facets, places):
                tally[combination] += number
        return tally


@lru_cache(maxsize=50_000)
def _spread(
    read: int, values: tuple[str, ...], facets: tuple[Facet, ...], places: tuple[int | None, ...]
) -> tuple[tuple[str, ...], ...]:
    """Return every combination that such a row counts with."""
    rest = iter(values)
    each = (
        values_of(read, facet) if place is None else (next(rest),) for facet, place in zip(facets, places, strict=True)
    )
    return tuple(product(*each))


def summed(some: Sequence[Combined]) -> Combined:
    """Return all of them together. They were asked the same."""
    counted: dict[Key, int] = {}
    for one in some:
        for key, number in one.counted.items():
            counted[key] = counted.get(key, 0) + number
    return Combined(beside=some[0].beside, counted=Counter(counted))
