"""GET /inbox: what waits, the most urgent first.

Owns the filters in the address and the paging. Refuses to act on anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from core.conversation import Status
from dashboard import words
from dashboard.desk import Desk, desk_of
from dashboard.pages import render
from dashboard.present import card_view
from dashboard.words import Chip

PAGE = 50
_MOST_PAGES = 1_000
_ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the address asks for."""

    status: str = Status.OPEN.value
    account: str | None = None
    page: int = 1

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses to show."""
        return tuple(Status) if self.status == _ALL else (Status(self.status),)

    def link(self, **changes: object) -> str:
        """Return the address of these filters with changes; what is as usual is left out."""
        wanted: dict[str, object] = {"status": self.status, "account": self.account, "page": 1, **changes}
        usual = {"status": Status.OPEN.value, "account": None, "page": 1}
        return f"?{urlencode({key: value for key, value in wanted.items() if value != usual[key]})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One filter to choose."""

    chip: Chip
    count: str
    link: str
    is_chosen: bool


def read_filters(query: Mapping[str, str]) -> Filters:
    """Return the filters of an address; nonsense in it is as if it were not there."""
    status = query.get("status", "")
    page = query.get("page", "")
    return Filters(
        status=status if status in {*Status, _ALL} else Status.OPEN.value,
        account=query.get("account") or None,
        page=min(max(int(page), 1), _MOST_PAGES) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
    )


async def inbox(request: web.Request) -> web.Response:
    """GET /inbox."""
    return await render(request, "inbox.html", await _context(request))


async def fragment(request: web.Request) -> web.Response:
    """GET /inbox/fragment: the same list without its frame, for live.js."""
    return await render(request, "_cards.html", await _context(request))


async def _context(request: web.Request) -> dict[str, Any]:
    desk, filters = desk_of(request), read_filters(request.query)
    # Before the rows are read: what changes in between is announced, not missed.
    since = str(desk.hub.latest)
    now = desk.clock.now()
    found = await desk.conversations.inbox(
        statuses=filters.statuses, account=filters.account, limit=PAGE + 1, offset=(filters.page - 1) * PAGE
    )
    counts = await desk.conversations.count(account=filters.account)
    return {
        "cards": [card_view(card, now) for card in found[:PAGE]],
        "filters": filters,
        "statuses": status_choices(filters, counts),
        "accounts": await _account_choices(desk, filters),
        "earlier": filters.link(page=filters.page - 1) if filters.page > 1 else None,
        "later": filters.link(page=filters.page + 1) if len(found) > PAGE else None,
        "since": since,
        "query": filters.link(page=filters.page),
        "empty": _EMPTY[filters.status],
    }


def status_choices(filters: Filters, counts: Mapping[str, int]) -> list[Choice]:
    """Return the statuses with how many stand at each."""
    made = [
        Choice(
            chip=chip,
            count=f"{counts.get(status, 0):,}",
            link=filters.link(status=status.value),
            is_chosen=filters.status == status,
        )
        for status, chip in words.STATUSES.items()
    ]
    every = Choice(
        chip=Chip(icon="layers", word="All"),
        count=f"{sum(counts.values()):,}",
        link=filters.link(status=_ALL),
        is_chosen=filters.status == _ALL,
    )
    return [*made, every]


async def _account_choices(desk: Desk, filters: Filters) -> list[Choice]:
    rows = await desk.accounts.all()
    every = Choice(
        chip=Chip(icon="layers", word="All accounts"),
        count="",
        link=filters.link(account=None),
        is_chosen=filters.account is None,
    )
    return [every] + [
        Choice(
            chip=Chip(icon=f"platform-{row.platform}", word=row.name),
            count="",
            link=filters.link(account=row.name),
            is_chosen=filters.account == row.name,
        )
        for row in rows
    ]


_EMPTY = {
    "open": ("All answered", "Nothing waits for a person. New posts appear here by themselves."),
    "pending": ("Nothing pending", "Every post heard so far has been read and decided."),
    "snoozed": ("Nothing snoozed", "Nothing has been put off."),
    "resolved": ("Nothing resolved yet", "What you resolve is kept here."),
    _ALL: (
        "Nothing heard yet",
        "When someone writes to you or about you, it appears here. Sources shows what listens.",
    ),
}
