"""Public holidays of the Nordic countries, from the `holidays` library.

Owns the only place that knows the library. Refuses to know business hours: `core.sla` asks whether a day is in here.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

# What the library lists beside public holidays, and people treat as days off: by law in Sweden (Midsummer Eve,
# Christmas Eve, New Year's Eve), by agreement in Denmark (1 May, 5 June, Christmas Eve, New Year's Eve). Finland's eves
# are public holidays there, and for Norway it lists none. Source: holidays 0.109, read 2026-11.
CUSTOMARY = {"DK": ("optional",), "SE": ("de_facto",), "NO": (), "FI": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """The holidays of several countries together: a day is in here if it is one in any of them."""

    countries: tuple[str, ...]
    with_customary: bool = False

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in _days(self.countries, self.with_customary, day.year)


@cache
def _days(countries: tuple[str, ...], with_customary: bool, year: int) -> frozenset[date]:
    # Slow to import, and many a house names no country.
    from holidays import country_holidays  # noqa: PLC0415

    found: set[date] = set()
    for country in countries:
        categories = ("public", *(CUSTOMARY[country] if with_customary else ()))
        found.update(country_holidays(country, years=year, categories=categories))
    return frozenset(found)
