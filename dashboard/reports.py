"""GET /reports: the numbers, the lists behind them, and both as files.

Owns the handlers. Refuses to count or to say: `store.reports` and the views do.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from core.report import Facet, Kind, Which
from dashboard import i18n, words
from dashboard.desk import Desk, desk_of
from dashboard.downloads import csv_text, download, file_name
from dashboard.forms import number_if_any
from dashboard.i18n import _
from dashboard.pages import refuse, render
from dashboard.present_report_list import csv_head, csv_line, list_view
from dashboard.present_report_tables import tables
from dashboard.present_reports import Table, key_figures
from dashboard.report_address import Asked, Misread, first_day, last_day, read_asked, read_which
from dashboard.report_choices import ranges, selects, splits
from dashboard.report_numbers import ask
from dashboard.report_words import days_word, kind_count, zone_word
from store.reports import Reports

PAGE = 50
_MOST_PAGES = 10_000
# A file with more lines than these no spreadsheet opens gladly.
MOST_LINES = 50_000


async def reports(request: web.Request) -> web.Response:
    """GET /reports."""
    desk = desk_of(request)
    now = desk.clock.now()
    try:
        asked = read_asked(request.query, now=now, zone=desk.config.hours.zone)
    except Misread as misread:
        return await render(request, "reports.html", await _form(desk, request.query, misread), status=400)
    numbers = await ask(desk.database, desk.config.hours, asked, at=now)
    found = {table.key: table for table in tables(numbers, asked, has_hours=desk.config.hours.ever_close)}
    context = {
        **await _form(desk, request.query, None, asked),
        "asked": asked,
        "days": days_word(asked.days.first, asked.days.last),
        "zone": zone_word(asked.zone),
        "as_of": words.moment(now, now),
        "figures": key_figures(numbers, asked),
        "tables": found,
        "splits": splits(asked),
        "has_hours": desk.config.hours.ever_close,
        "gaps": await _gaps(desk, asked, now),
    }
    return await render(request, "reports.html", context)


async def table(request: web.Request) -> web.Response:
    """GET /reports/table/KEY.csv: one table of the page."""
    desk, key = desk_of(request), request.match_info["key"]
    asked = _asked(request, desk)
    numbers = await ask(desk.database, desk.config.hours, asked, at=desk.clock.now())
    found = {one.key: one for one in tables(numbers, asked, has_hours=desk.config.hours.ever_close)}
    if key not in found:
        raise web.HTTPNotFound
    values = [value for _facet, value in asked.facets]
    name = file_name(key, *values, f"{asked.days.first}", "to", f"{asked.days.last}")
    return download(name, _as_csv(found[key]))


async def listing(request: web.Request) -> web.Response:
    """GET /reports/KIND: the rows behind a figure."""
    desk, kind = desk_of(request), Kind(request.match_info["kind"])
    zone, now = desk.config.hours.zone, desk.clock.now()
    which = _which(request, kind)
    page, was = (number_if_any(request.query.get(name), most_digits=9) for name in ("page", "was"))
    page = min(max(1 if page is None else page, 1), _MOST_PAGES)
    async with Reports(desk.database, desk.config.hours).look(at=now) as look:
        total = await look.count(which)
        lines = await look.lines(which, limit=PAGE, offset=(page - 1) * PAGE)
    view = list_view(which, lines, total=total, page=page, size=PAGE, was=was, zone=zone, now=now)
    return await render(request, "report_list.html", {"list": view})


async def listing_file(request: web.Request) -> web.Response:
    """GET /reports/KIND.csv: all rows behind a figure, without texts and handles."""
    desk, kind = desk_of(request), Kind(request.match_info["kind"])
    zone, which = desk.config.hours.zone, _which(request, kind)
    async with Reports(desk.database, desk.config.hours).look(at=desk.clock.now()) as look:
        total = await look.count(which)
        if total > MOST_LINES:
            most, found = i18n.number(MOST_LINES), kind_count(kind, total)
            cure = _(
                "A file holds {most} lines at most; this one would have {found}. Choose fewer days, or filter.",
                most=most,
                found=found,
            )
            raise refuse(400, _("Too many lines for one file"), cure)
        lines = await look.lines(which, limit=MOST_LINES)
    url = desk.config.dashboard.url
    text = csv_text(csv_head(kind), (csv_line(line, kind, zone=zone, url=url) for line in lines))
    days = (f"{first_day(which, zone)}", "to", f"{last_day(which, zone)}")
    return download(file_name(kind, *(value for _facet, value in which.facets), *days), text)


async def _form(
    desk: Desk, query: Mapping[str, str], misread: Misread | None, asked: Asked | None = None
) -> dict[str, Any]:
    """What the head of the page shows, whatever was asked: what was typed stays."""
    today = desk.clock.now().astimezone(desk.config.hours.zone).date()
    usual = asked or read_asked({}, now=desk.clock.now(), zone=desk.config.hours.zone)
    accounts = [account.name for account in await desk.accounts.all()]
    return {
        "asked": None,
        "ranges": ranges(usual if misread is None else None, query),
        "selects": selects(query, accounts),
        "typed": {
            "from": query.get("from", f"{usual.days.first}")[:20],
            "to": query.get("to", f"{usual.days.last}")[:20],
            "by": "" if usual.split is Facet.MOOD else usual.split.value,
            "today": f"{today}",
        },
        "problem": misread,
    }


async def _gaps(desk: Desk, asked: Asked, now: datetime) -> int:
    """How many gaps in these days nothing has covered yet: there the numbers may still grow."""
    gaps = await desk.sources.gaps(covered_since=now - timedelta(days=1))
    return sum(
        gap.closed_at is None and gap.from_at < asked.days.until and (gap.until_at or now) >= asked.days.start
        for gap in gaps
    )


def _as_csv(one: Table) -> str:
    names = (
        _("{name} ({unit})", name=column.name, unit=column.unit) if column.unit else column.name
        for column in one.columns
    )
    return csv_text([one.head, *names], ([row.name, *(cell.value for cell in row.cells)] for row in one.rows))


def _asked(request: web.Request, desk: Desk) -> Asked:
    try:
        return read_asked(request.query, now=desk.clock.now(), zone=desk.config.hours.zone)
    except Misread as misread:
        raise refuse(400, _("We could not read that"), misread.message) from misread


def _which(request: web.Request, kind: Kind) -> Which:
    desk = desk_of(request)
    try:
        return read_which(kind, list(request.query.items()), zone=desk.config.hours.zone)
    except Misread as misread:
        raise refuse(400, _("We could not read that"), misread.message) from misread
