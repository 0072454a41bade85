"""The page of numbers: every figure is as many as its list, and what cannot be read is said where it stands."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core.report import Which
from core.sla import Hours, Span
from dashboard.present_report_tables import tables
from dashboard.present_reports import Figure, key_figures
from dashboard.report_address import Asked, read_asked
from dashboard.report_numbers import ask
from store.database import Database
from store.reports import Reports
from tests.report_crowd import Crowd

CPH = ZoneInfo("Europe/Copenhagen")
OFFICE = Hours(week=((Span(start=8 * 60, end=16 * 60),),) * 5 + ((), ()), zone=CPH)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def _asked(**query: str) -> Asked:
    return read_asked(query, now=NOW, zone=CPH)


async def _figures(database: Database, asked: Asked) -> list[Figure]:
    numbers = await ask(database, OFFICE, asked, at=NOW)
    made = [figure for key in key_figures(numbers, asked) for figure in (key.figure, key.beside)]
    every = tables(numbers, asked, has_hours=True)
    made += [cell.figure for table in every for row in table.rows for cell in row.cells]
    return [figure for figure in made if figure is not None]


ASKED: tuple[dict[str, str], ...] = (
    {},
    {"range": "today"},
    {"from": "2026-10-20", "to": "2026-11-02", "platform": "x", "by": "language"},
    {"range": "90", "topic": "complaint", "language": "da", "account": "hav-dk", "by": "platform"},
    {"topic": "none"},
    {"language": "deleted"},
    {"account": "nobody"},
)


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_figure_is_as_many_as_the_rows_it_opens(database: Database, seed: int) -> None:
    await Crowd(seed=seed, until=NOW).settle_in(database, conversations=160)
    for query in ASKED:
        told: dict[Which, int] = {}
        for figure in await _figures(database, _asked(**query)):
            assert told.setdefault(figure.which, figure.count) == figure.count, figure.link
        assert len(told) > (100 if not query else 5)
        async with Reports(database, OFFICE).look(at=NOW) as look:
            for which, count in told.items():
                assert len(await look.lines(which, limit=10_000)) == count, (query, which)
                assert await look.count(which) == count, (query, which)
