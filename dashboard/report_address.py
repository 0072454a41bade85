"""Which days, and what of them: the address of /reports and of every list that opens from it.

Owns reading such an address and writing one. Refuses to guess: what it cannot read ends in words for the person, for a
number about other days than were asked for is worse than none.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from urllib.parse import urlencode

from core.report import COMMON, Facet, Kind, Period, Which, period
from dashboard.i18n import _
from store.reports import facets_of

# How many days, and how many days ago the last of them is.
RANGES = {"today": (1, 0), "yesterday": (1, 1), "7": (7, 0), "30": (30, 0), "90": (90, 0)}
USUAL = "30"
CUSTOM = "custom"
# What the chart of posts can be split by.
SPLITS = (Facet.MOOD, Facet.TOPIC, Facet.PLATFORM, Facet.LANGUAGE)
_MOST_DAYS = 1_100
_MOST_TEXT = 200
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_A_DAY = timedelta(days=1)
_A_MOMENT = timedelta(microseconds=1)


class Misread(Exception):
    """An address asks for what cannot be. Show the person the message, beside the field it names."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What /reports is asked for: days of the house's calendar, and the filters that hold for every number."""

    days: Period
    name: str
    zone: tzinfo
    facets: tuple[tuple[Facet, str], ...] = ()
    split: Facet = Facet.MOOD

    def which(self, kind: Kind) -> Which:
        """Return the rows of a kind that the page is about."""
        return Which(kind=kind, start=self.days.start, until=self.days.until, facets=self.facets)

    def value(self, facet: Facet) -> str:
        """Return the value a filter is set to, "" where it is not."""
        return dict(self.facets).get(facet, "")

    def link(self, path: str = "/reports", **changes: str) -> str:
        """Return the address of the page with changes; what is as usual is left out."""
        days = {"from": f"{self.days.first}", "to": f"{self.days.last}"} if self.name == CUSTOM else {}
        split = "" if self.split is Facet.MOOD else self.split.value
        wanted = {"range": self.name, **days, **dict(self.facets), "by": split, **changes}
        if wanted["range"] != CUSTOM:
            wanted.pop("from", None)
            wanted.pop("to", None)
        if wanted["range"] in (USUAL, CUSTOM):
            wanted["range"] = ""
        named = {key: value for key, value in wanted.items() if value}
        return f"{path}?{urlencode(named)}" if named else path


def read_asked(query: Mapping[str, str], *, now: datetime, zone: tzinfo) -> Asked:
    """Return what an address asks for. Raises: Misread."""
    today = now.astimezone(zone).date()
    name = query.get("range") or USUAL
    if name not in (*RANGES, CUSTOM):
        raise Misread("range", _("There is no such range. Choose one of those above, or two days."))
    days, ago = RANGES.get(name, (1, 0))
    first, last = today - (days - 1 + ago) * _A_DAY, today - ago * _A_DAY
    if query.get("from") or query.get("to") or name == CUSTOM:
        typed = _read_days(query)
        # A form sends both; days that are those of a range leave it a range, which moves on tomorrow.
        name = name if typed == (first, last) and query.get("range") else CUSTOM
        first, last = typed
    split = query.get("by") or Facet.MOOD.value
    if split not in SPLITS:
        raise Misread("by", _("The chart can be split by mood, topic, platform or language."))
    facets = tuple(sorted((facet, _text(query[facet])) for facet in COMMON if query.get(facet)))
    return Asked(days=period(first, last, zone), name=name, zone=zone, facets=facets, split=Facet(split))


def read_which(kind: Kind, pairs: Sequence[tuple[str, str]], *, zone: tzinfo) -> Which:
    """Return the rows that a list's address asks for. Raises: Misread."""
    first, last = _read_days(dict(pairs))
    days = period(first, last, zone)
    which = Which(kind=kind, start=days.start, until=days.until)
    known = facets_of(kind)
    for key, value in pairs:
        if key in _NO_FACETS:
            continue
        if key not in known:
            raise Misread(key, _("A list of this kind cannot be narrowed by “{key}”.", key=key[:50]))
        which = which.having(Facet(key), _text(value))
    return which


_NO_FACETS = frozenset({"from", "to", "page", "was"})


def list_link(which: Which, zone: tzinfo, *, was: int | None = None, page: int = 1, form: str = "") -> str:
    """Return the address of the list of `which`. `was` is how many the reader was told; `form` is "" or ".csv"."""
    days = [("from", f"{first_day(which, zone)}"), ("to", f"{last_day(which, zone)}")]
    more = [("page", str(page))] if page > 1 else []
    told = [] if was is None else [("was", str(was))]
    return f"/reports/{which.kind}{form}?{urlencode([*days, *which.facets, *more, *told])}"


def first_day(which: Which, zone: tzinfo) -> date:
    """Return the first day of its range."""
    return which.start.astimezone(zone).date()


def last_day(which: Which, zone: tzinfo) -> date:
    """Return the last day of its range."""
    return (which.until - _A_MOMENT).astimezone(zone).date()


def of_days(which: Which, part: Period) -> Which:
    """Return the same rows of one part of the range."""
    return replace(which, start=part.start, until=part.until)


def _read_days(query: Mapping[str, str]) -> tuple[date, date]:
    first, last = _read_day(query, "from"), _read_day(query, "to")
    if first > last:
        raise Misread("to", _("The last day lies before the first one. Swap the two."))
    if (last - first).days >= _MOST_DAYS:
        raise Misread("from", _("Three years at most. Choose a later first day."))
    return first, last


def _read_day(query: Mapping[str, str], name: str) -> date:
    said = query.get(name, "")
    try:
        day = date.fromisoformat(said) if _DAY.fullmatch(said) else None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2199:
        what = _("{field}: “{said}” is not a day. Write it as 2026-11-05.", field=field_word(name), said=said[:40])
        raise Misread(name, what)
    return day


def field_word(name: str) -> str:
    """Return how the form calls one of its days."""
    return _("First day") if name == "from" else _("Last day")


def _text(value: str) -> str:
    return value.replace("\x00", "")[:_MOST_TEXT]
