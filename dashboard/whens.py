"""When: the times that a person chooses by a word or writes down, as instants.

Owns those words and their reading, in the house's own zone. Pure.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo

from core.errors import BadValue
from dashboard.i18n import N_, _

_MORNING = time(9, 0)
_MOST = timedelta(days=366)

_AFTER = {
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),
    "3h": timedelta(hours=3),
}
AUTHOR = "author"

SNOOZES: Mapping[str, str] = {
    "1h": N_("For an hour"),
    "3h": N_("For three hours"),
    "tomorrow": N_("Until tomorrow at 9"),
    "monday": N_("Until Monday at 9"),
    AUTHOR: N_("Until the author writes"),
}
PROMISES: Mapping[str, str] = {
    "30m": N_("Within half an hour"),
    "1h": N_("Within an hour"),
    "2h": N_("Within two hours"),
    "tomorrow": N_("Tomorrow at 9"),
}


def instant_of(key: str, written: str, *, zone: tzinfo, now: datetime) -> datetime | None:
    """Return the instant that a word names, or else a written one; None for "until the author writes".

    Raises: BadValue.
    """
    if written.strip():
        return _read(written.strip(), zone, now)
    if key == AUTHOR:
        return None
    if key in _AFTER:
        return now + _AFTER[key]
    today = now.astimezone(zone).date()
    if key == "tomorrow":
        return datetime.combine(today + timedelta(days=1), _MORNING, zone).astimezone(UTC)
    if key == "monday":
        return datetime.combine(today + timedelta(days=7 - today.weekday()), _MORNING, zone).astimezone(UTC)
    raise BadValue(_("say when: choose a time, or write one"))


def _read(written: str, zone: tzinfo, now: datetime) -> datetime:
    try:
        naive = datetime.fromisoformat(written)
    except ValueError as err:
        raise BadValue(_("“{text}” is no time; write it as 2026-12-24T16:30", text=written[:40])) from err
    at = naive if naive.tzinfo else naive.replace(tzinfo=zone)
    # Compared as it is: the first and the last day there are have no UTC.
    if not now < at <= now + _MOST:
        raise BadValue(_("that time is over already, or more than a year away"))
    return at.astimezone(UTC)
