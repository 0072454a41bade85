"""The tables [hours] and [alerts] of the operator's file: who is told, when, and when people are there.

Owns their format. Refuses the rest of the file: `app.config` owns it.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.calendars import CUSTOMARY, Holidays
from app.toml_lines import Path
from core.config import AlertsConfig, Secret, Step
from core.sla import ALL_DAY, ALWAYS, Hours, Span

if TYPE_CHECKING:
    from app.config import Reader

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))")
_WEEK_MINUTES = 10_080
_ALERT_KEYS = (
    "urls",
    "repeat_after_minutes",
    "gather_seconds",
    "again_after_minutes",
    "link_hours",
    "quiet_hours",
    "ladder",
)
_STEP_KEYS = ("name", "urls", "after_minutes", "hours")


def read_hours(reader: "Reader", table: Mapping[str, Any]) -> Hours:
    """Return when people are there. Without any weekday that is always; with some, the others are closed."""
    path: Path = ("hours",)
    reader.known(table, path, ("timezone", *WEEKDAYS, "holidays", "customary_too", "days"))
    is_given = any(day in table for day in WEEKDAYS)
    week = tuple(_day(reader, table, (*path, day)) if day in table else () if is_given else ALL_DAY for day in WEEKDAYS)
    if not any(week) and not any(problem.where.startswith("hours.") for problem in reader.problems):
        reader.fault(path, "is never open: give a weekday its hours, or leave all of them out")
        week = ALWAYS.week
    return Hours(
        week=week,
        days=_days(reader, table, path),
        holidays=_holidays(reader, table, path),
        zone=read_zone(reader, table, path),
    )


def read_alerts(reader: "Reader", table: Mapping[str, Any], zone: tzinfo) -> AlertsConfig:
    """Return whom to tell and when; `zone` is the clock of the quiet hours."""
    path: Path = ("alerts",)
    reader.known(table, path, _ALERT_KEYS)
    default = AlertsConfig()
    urls = _urls(reader, table, path)
    ladder = _ladder(reader, table, path, is_first=not urls)
    quiet = read_quiet(reader, table, path)
    repeat = reader.number(table, path, "repeat_after_minutes", default=60, least=0, most=_WEEK_MINUTES)
    again = reader.number(table, path, "again_after_minutes", default=60, least=0, most=_WEEK_MINUTES)
    return AlertsConfig(
        urls=urls,
        ladder=ladder,
        repeat_after_minutes=int(repeat),
        gather_seconds=reader.number(table, path, "gather_seconds", default=default.gather_seconds, least=0, most=3600),
        again_after_minutes=int(again),
        link_hours=int(reader.number(table, path, "link_hours", default=default.link_hours, least=1, most=720)),
        awake=ALWAYS if quiet is None else Hours(week=(_but(*quiet),) * 7, zone=zone),
    )


def read_quiet(reader: "Reader", table: Mapping[str, Any], path: Path) -> tuple[int, int] | None:
    """Return from which minute of the day to which it is quiet, None for never."""
    spelled = reader.text(table, path, "quiet_hours", default="")
    found = QUIET.fullmatch(spelled)
    if found is None or spelled[:5] == spelled[6:]:
        if spelled:
            what = f'must be two different times, such as "22:00-07:00", or "" for none, not {spelled!r}'
            reader.fault((*path, "quiet_hours"), what)
        return None
    hours = [int(part) for part in found.groups()]
    return hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]


def read_zone(reader: "Reader", table: Mapping[str, Any], path: Path) -> tzinfo:
    """Return whose clock it is."""
    name = reader.text(table, path, "timezone", default="UTC")
    # UTC needs no list of zones, which a small image may lack.
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        what = f'{name!r} is no time zone this machine knows; write one such as "Europe/Copenhagen", or install tzdata'
        reader.fault((*path, "timezone"), what)
        return UTC


def _but(start: int, end: int) -> tuple[Span, ...]:
    """Return the spans of a day that are not quiet."""
    if start > end:
        return (Span(start=end, end=start),)
    return tuple(span for span in (Span(end=start), Span(start=end)) if span.start < span.end)


def _day(reader: "Reader", table: Mapping[str, Any], path: Path) -> tuple[Span, ...]:
    """Read "08:00-12:00, 13:00-17:00"; "" is closed."""
    spelled = reader.text(table, path[:-1], str(path[-1]), default="")
    spans: list[Span] = []
    for part in spelled.split(",") if spelled.strip() else ():
        found = _SPAN.fullmatch(part.strip())
        hours = [int(number) for number in found.groups() if number is not None] if found else [0, 0, 0, 0]
        span = Span(start=hours[0] * 60 + hours[1], end=hours[2] * 60 + hours[3])
        if found is None or span.start >= span.end or (spans and span.start < spans[-1].end):
            what = f'must be times that rise within a day, such as "08:00-16:00", or "" for closed, not {spelled!r}'
            reader.fault(path, what)
            return ()
        spans.append(span)
    return tuple(spans)


def _days(reader: "Reader", table: Mapping[str, Any], path: Path) -> dict[str, tuple[Span, ...]]:
    own = reader.table(table, "days", path)
    for key in own:
        if not _is_day(key):
            what = "is no day: write 2027-05-07 for one day, or 12-24 for that day of each year"
            reader.fault((*path, "days", key), what)
    return {key: _day(reader, own, (*path, "days", key)) for key in own}


def _is_day(key: str) -> bool:
    try:
        # A leap year, so that the 29th of February may be meant.
        return date.fromisoformat(key if len(key) == len("2026-12-24") else f"2028-{key}") is not None
    except ValueError:
        return False


def _holidays(reader: "Reader", table: Mapping[str, Any], path: Path) -> Holidays | frozenset[date]:
    with_customary = reader.flag(table, path, "customary_too", default=False)
    countries = tuple(dict.fromkeys(name.upper() for name in reader.texts(table, path, "holidays")))
    unknown = [name for name in countries if name not in CUSTOMARY]
    if unknown:
        what = f"{', '.join(unknown)} is no country we have holidays for; known: {', '.join(CUSTOMARY)}"
        reader.fault((*path, "holidays"), what)
    if unknown or not countries:
        return frozenset()
    return Holidays(countries=countries, with_customary=with_customary)


def _ladder(reader: "Reader", table: Mapping[str, Any], path: Path, *, is_first: bool) -> tuple[Step, ...]:
    steps: list[Step] = [] if is_first else [Step(name="people")]
    for index, one in enumerate(reader.tables(table, "ladder", path)):
        step = _step(reader, one, (*path, "ladder", index))
        _check_order(reader, (*path, "ladder", index), step, steps)
        steps.append(step)
    return tuple(steps if is_first else steps[1:])


def _step(reader: "Reader", table: Mapping[str, Any], path: Path) -> Step:
    reader.known(table, path, _STEP_KEYS)
    hours = reader.text(table, path, "hours", default="always")
    if hours not in ("always", "open"):
        what = f'must be "always", or "open" for business hours only, not {hours!r}'
        reader.fault((*path, "hours"), what)
    urls = _urls(reader, table, path)
    if not table.get("urls"):
        reader.fault((*path, "urls"), "tells nobody: give it at least one Apprise URL, or leave the step out")
    after = reader.number(table, path, "after_minutes", default=0, least=0, most=_WEEK_MINUTES)
    return Step(name=reader.text(table, path, "name"), urls=urls, after_minutes=int(after), only_open=hours == "open")


def _check_order(reader: "Reader", path: Path, step: Step, before: list[Step]) -> None:
    if step.name and any(step.name == one.name for one in before):
        reader.fault((*path, "name"), f"there are two steps named {step.name!r}")
    if not before and step.after_minutes:
        reader.fault((*path, "after_minutes"), "the first step is told at once: leave it out, or write 0")
    if before and step.after_minutes <= before[-1].after_minutes:
        what = f"must be more than that of {before[-1].name!r} before it, {before[-1].after_minutes}"
        reader.fault((*path, "after_minutes"), what)


def _urls(reader: "Reader", table: Mapping[str, Any], path: Path) -> tuple[Secret, ...]:
    spelled = reader.texts(table, path, "urls")
    return tuple(reader.reveal(url, (*path, "urls", index)) for index, url in enumerate(spelled))
