"""Rows counted once each, by everything that was asked of them at once; and that folded to what one table shows.

Owns the folding. Refuses to ask a database.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from core.report import Facet
from store.readings import values_of

Tally = Counter[tuple[str, ...]]
# A post's reading, 0 where it was not asked for, and the values of the facets beside it.
Key = tuple[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """How many rows have each reading and each values of `beside`."""

    beside: tuple[Facet, ...]
    counted: Counter[Key]

    def total(self) -> int:
        """Return how many rows there are."""
        return self.counted.total()

    def by(self, *facets: Facet) -> Tally:
        """Return how many rows have each combination of values. A row with several topics counts with each."""
        places = [self.beside.index(facet) if facet in self.beside else None for facet in facets]
        kept = [place for place in places if place is not None]
        asks_reading = None in places
        folded: Counter[Key] = Counter()
        for (read, values), number in self.counted.items():
            folded[read if asks_reading else 0, tuple([values[place] for place in kept])] += number
        tally: Tally = Counter()
        for (read, values), number in folded.items():
            for combination in _spread(read, iter(values), facets, places):
                tally[combination] += number
        return tally


def _spread(
    read: int, values: Iterator[str], facets: tuple[Facet, ...], places: list[int | None]
) -> Iterator[tuple[str, ...]]:
    each = (
        values_of(read, facet) if place is None else (next(values),)
        for facet, place in zip(facets, places, strict=True)
    )
    return product(*each)


def summed(some: list[Combined]) -> Combined:
    """Return all of them together. They were asked the same."""
    counted: Counter[Key] = Counter()
    for one in some:
        counted.update(one.counted)
    return Combined(beside=some[0].beside, counted=counted)
