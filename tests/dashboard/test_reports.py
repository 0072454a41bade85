"""The page of numbers: every figure is as many as its list, and what cannot be read is said where it stands."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from core.clock import ManualClock
from core.report import Kind, Which
from core.sla import Hours, Span
from dashboard.downloads import csv_text, file_name, harmless
from dashboard.present_report_tables import tables
from dashboard.present_reports import Figure, key_figures
from dashboard.report_address import Asked, read_asked, read_which
from dashboard.report_numbers import ask
from store.database import Database
from store.reports import Reports
from tests.dashboard.conftest import Browser
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
    {"topic": "none", "by": "topic"},
    {"range": "7", "by": "topic"},
    {"language": "deleted"},
    {"account": "nobody"},
)


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_figure_is_as_many_as_the_rows_it_opens(database: Database, seed: int) -> None:
    await Crowd(seed=seed, until=NOW).settle_in(database, conversations=130)
    for query in ASKED:
        told: dict[Which, int] = {}
        for figure in await _figures(database, _asked(**query)):
            assert told.setdefault(figure.which, figure.count) == figure.count, figure.link
        assert len(told) > (100 if not query else 5)
        async with Reports(database, OFFICE).look(at=NOW) as look:
            for which, count in told.items():
                assert len(await look.lines(which, limit=10_000)) == count, (query, which)
                assert await look.count(which) == count, (query, which)


def test_yesterday_is_one_whole_day_and_ends_where_today_begins() -> None:
    assert _asked(range="yesterday").days.until == _asked(range="today").days.start


async def test_a_figures_address_asks_for_exactly_its_rows(database: Database) -> None:
    await Crowd(seed=3, until=NOW).settle_in(database, conversations=120)
    for query in ASKED:
        for figure in await _figures(database, _asked(**query)):
            path, _, rest = figure.link.partition("?")
            kind = Kind(path.removeprefix("/reports/"))
            assert read_which(kind, parse_qsl(rest), zone=CPH) == figure.which, figure.link


@pytest.fixture
async def crowded(database: Database, clock: ManualClock) -> Crowd:
    made = Crowd(seed=4, until=clock.now(), days=20)
    await made.settle_in(database, conversations=120)
    return made


def _links(page: str) -> dict[str, int]:
    """Every figure of a page: where it leads, and how many it says."""
    found = re.findall(r'<a href="([^"]+)" data-count="(\d+)"', page)
    return {unescape(link): int(count) for link, count in found}


async def test_a_figure_on_the_page_opens_a_list_with_as_many(crowded: Crowd, lars: Browser) -> None:
    assert (await lars.get("/reports")).status == 200
    links = _links(lars.page)
    assert len(links) > 80
    assert {link.partition("?")[0] for link in links} == {f"/reports/{kind}" for kind in Kind}
    for link, count in list(links.items())[:: max(1, len(links) // 12)]:
        assert (await lars.get(link)).status == 200
        title = re.search(r"<h1[^>]*>([\d.,]+) ", lars.page)
        assert title is not None
        assert int(re.sub(r"\D", "", title[1])) == count, link
        assert "Since then" not in lars.page
        assert lars.page.count('class="ledger-what"') == min(count, 50)


async def test_a_long_list_is_paged_and_every_row_comes_once(crowded: Crowd, lars: Browser) -> None:
    await lars.get("/reports")
    link = next(link for link, count in _links(lars.page).items() if count > 120)
    seen: list[str] = []
    while link:
        await lars.get(link)
        seen += re.findall(r'<bdi>(kunde\d+)</bdi></a> <span class="fact"><time datetime="([^"]+)"', lars.page)
        later = re.search(r'href="([^"]+)" rel="next"', lars.page)
        link = unescape(later[1]) if later else ""
    assert len(seen) == len(set(seen)) > 120


async def test_a_list_that_is_not_what_the_page_said_says_so(crowded: Crowd, lars: Browser) -> None:
    await lars.get("/reports")
    link, count = next(iter(_links(lars.page).items()))
    await lars.get(link.replace(f"was={count}", f"was={count + 1}"))
    assert "The page you come from counted" in lars.page


@pytest.mark.parametrize(
    ("query", "field", "cure"),
    [
        ("from=2026-02-30&to=2026-11-05&topic=billing", "from", "is not a day"),
        ("from=2026-11-05&to=&platform=x&topic=billing", "to", "is not a day"),
        ("from=2026-11-06&to=2026-11-05&topic=billing", "to", "Swap the two"),
        ("from=2020-01-01&to=2026-11-05&topic=billing", "from", "Three years at most"),
        ("range=fortnight&topic=billing", "range", "no such range"),
        ("by=weather&topic=billing", "by", "split by mood, topic, platform or language"),
    ],
)
async def test_what_cannot_be_read_is_named_and_what_was_typed_stays(
    lars: Browser, query: str, field: str, cure: str
) -> None:
    response = await lars.get(f"/reports?{query}")
    assert response.status == 400
    assert cure in unescape(lars.page)
    assert 'value="billing" selected' in lars.page
    if field in ("from", "to"):
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"[^>]*aria-describedby="problem"', lars.page)
        assert 'value="2026-11-05"' in lars.page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reports/posts?from=2026-11-01&to=2026-11-05&weather=wet", 400),
        ("/reports/posts?from=2026-11-01", 400),
        ("/reports/posts.csv?from=x&to=y", 400),
        ("/reports/table/volume.csv?from=x", 400),
        ("/reports/table/nothing.csv", 404),
        ("/reports/secrets", 404),
        ("/reports/moves?from=2026-11-01&to=2026-11-05&by=%01%27%22%3Cb%3E&page=99999999999", 200),
    ],
)
async def test_an_address_that_asks_for_what_is_not_there_ends_calmly(lars: Browser, path: str, status: int) -> None:
    assert (await lars.get(path)).status == status
    assert "Something broke" not in lars.page


async def test_nothing_heard_is_no_error_and_says_so(lars: Browser) -> None:
    assert (await lars.get("/reports?range=today")).status == 200
    assert "Nothing was heard in these days." in lars.page


async def test_a_table_as_a_file_holds_the_pages_own_figures(crowded: Crowd, lars: Browser) -> None:
    await lars.get("/reports?platform=x")
    said = unescape(lars.page)
    response = await lars.get("/reports/table/work.csv?platform=x")
    today = crowded.until.date()
    first = today - timedelta(days=29)
    name = f'attachment; filename="genlyd-work-x-{first}-to-{today}.csv"'
    assert response.headers["Content-Disposition"] == name
    assert lars.page.startswith("\ufeff")
    head, *lines = list(csv.reader(io.StringIO(lars.page.removeprefix("\ufeff"), newline=""), delimiter=";"))
    assert head == ["Person", "Replies", "Taken over", "Resolved", "Handed back"]
    assert sorted(line[0] for line in lines) == ["'=Nora", "Lars", "Mette", "Åse"]
    section = said[said.index('id="work"') :]
    for name, *cells in lines:
        row = re.search(rf"<bdi>{re.escape(name.removeprefix(chr(39)))}</bdi>.*?</tr>", section, re.DOTALL)
        assert row is not None
        assert re.findall(r'data-value="(\d+)"', row[0]) == cells


async def test_a_list_as_a_file_holds_every_row_and_nobodys_words_or_name(crowded: Crowd, lars: Browser) -> None:
    await lars.get("/reports")
    link, count = next((link, count) for link, count in _links(lars.page).items() if "/conversations?" in link)
    await lars.get(link.replace("/conversations?", "/conversations.csv?"))
    head, *lines = list(csv.reader(io.StringIO(lars.page.removeprefix("\ufeff"), newline=""), delimiter=";"))
    assert len(lines) == count
    assert head[:6] == ["Time", "Platform", "Account", "Language", "Topic", "Mood"]
    assert "kunde" not in lars.page
    assert "@hav" not in lars.page
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line[0]) for line in lines)


@pytest.mark.parametrize("text", ["=1+1", "+4512345678", "-40%", "@danger", "\t=1", "\r=1", " =cmd|'/c calc'!A1"])
def test_no_field_of_a_file_is_taken_for_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert csv_text(["a"], [[text]]).split("\r\n", 1)[1].lstrip('"').startswith("'")


def test_a_file_opens_in_excel_in_the_nordic_countries() -> None:
    text = csv_text(["Årsag", "Antal"], [["æble; pære", 1200], ["søvn", None]])
    assert text == '\ufeffÅrsag;Antal\r\n"æble; pære";1200\r\nsøvn;\r\n'
    assert file_name("Årsag & co", "2026-11-05") == "genlyd-rsag-co-2026-11-05.csv"


async def test_the_documents_say_what_every_figure_counts(database: Database) -> None:
    await Crowd(seed=5, until=NOW).settle_in(database, conversations=150)
    asked = _asked()
    numbers = await ask(database, OFFICE, asked, at=NOW)
    named = {key.name for key in key_figures(numbers, asked)}
    for table in tables(numbers, asked, has_hours=True):
        named.add(table.name)
        named |= {column.name for column in table.columns if column.name != "Posts"}
    page = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    told = {one.casefold() for one in re.findall(r"\*\*([^*]+)\*\*", page)}
    assert {name.casefold() for name in named} - told == set()


def test_the_same_days_twice_in_a_form_stay_a_range_that_moves_on() -> None:
    days = {"from": "2026-10-24", "to": "2026-11-22"}
    assert _asked(**days, range="30").name == "30"
    assert _asked(**days).name == "custom"
    assert _asked(**{**days, "to": "2026-11-21"}, range="30").name == "custom"
    assert _asked(range="30", platform="x").link() == "/reports?platform=x"
    assert _asked(**days).link() == "/reports?from=2026-10-24&to=2026-11-22"
