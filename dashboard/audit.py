"""GET /audit: who did what, when; what it was before and after.

Owns that page and its file. Refuses to write lines: whoever makes a change does, in its transaction.
"""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from aiohttp import web

from dashboard.desk import desk_of
from dashboard.downloads import harmless
from dashboard.forms import number_if_any
from dashboard.pages import render
from dashboard.present_audit import action_choices, line_view, link_to
from store.audit import Line, Wanted

_A_PAGE = 100
_COLUMNS = ("id", "at", "by", "action", "subject", "detail")


async def audit(request: web.Request) -> web.Response:
    """GET /audit."""
    desk = desk_of(request)
    asked = _asked(request.query)
    at = number_if_any(request.query.get("before"))
    lines = await desk.audit.lines(_wanted(asked, desk.config.hours.zone), limit=_A_PAGE + 1, before=at)
    people, actions = await desk.audit.names()
    more = link_to("/audit", {**asked, "before": str(lines[_A_PAGE - 1].id)}) if len(lines) > _A_PAGE else ""
    context = {
        "lines": [line_view(line, desk.clock.now()) for line in lines[:_A_PAGE]],
        "asked": asked,
        "people": people,
        "actions": action_choices(actions),
        "more": more,
        "file": link_to("/audit.csv", asked),
        "is_filtered": any(asked.values()),
    }
    return await render(request, "audit.html", context)


async def audit_file(request: web.Request) -> web.StreamResponse:
    """GET /audit.csv: the same lines, all of them."""
    desk = desk_of(request)
    wanted = _wanted(_asked(request.query), desk.config.hours.zone)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="genlyd-audit.csv"',
        }
    )
    await response.prepare(request)
    await response.write(_row(_COLUMNS))
    async for line in desk.audit.every(wanted):
        await response.write(_row(_cells(line)))
    return response


def _asked(query: Mapping[str, str]) -> dict[str, str]:
    return {key: query.get(key, "").strip()[:100] for key in ("by", "action", "day")}


def _wanted(asked: Mapping[str, str], zone: tzinfo) -> Wanted:
    """A day is the house's own, from midnight to midnight."""
    try:
        day = date.fromisoformat(asked["day"])
        since, until = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
    except (ValueError, OverflowError):
        # The first and the last day there are have no UTC.
        return Wanted(by=asked["by"], action=asked["action"])
    return Wanted(by=asked["by"], action=asked["action"], since=since, until=until)


def _cells(line: Line) -> tuple[str, ...]:
    detail = json.dumps(dict(line.detail), ensure_ascii=False) if line.detail else ""
    return (str(line.id), line.at.isoformat(), line.by, line.action, line.subject, detail)


def _row(cells: tuple[str, ...]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([harmless(cell) for cell in cells])
    return out.getvalue().encode("utf-8", errors="replace")
