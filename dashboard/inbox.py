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
from store.inbox import MOST_COUNTED, InboxFilters

PAGE = 50
_ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the address asks for."""

    status: str = Status.OPEN.value
    account: str | None = None
    after: str | None = None
    before: str | None = None

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses to show."""
        return tuple(Status) if self.status == _ALL else (Status(self.status),)

    @property
    def asked(self) -> InboxFilters:
        """What to ask the store for."""
        return InboxFilters(statuses=self.statuses, account=self.account)

    def link(self, **changes: object) -> str:
        """Return the address of these filters' first page with changes; what is as usual is left out."""
        wanted: dict[str, object] = {"status": self.status, "account": self.account, **changes}
        usual = {"status": Status.OPEN.value}
        return f"?{urlencode({key: value for key, value in wanted.items() if value and value != usual.get(key)})}"


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
    return Filters(
        status=status if status in {*Status, _ALL} else Status.OPEN.value,
        account=query.get("account") or None,
        after=query.get("after") or None,
        before=query.get("before") or None,
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
    page = await desk.conversations.inbox(filters.asked, after=filters.after, before=filters.before, limit=PAGE)
    counts = await desk.conversations.count(account=filters.account)
    return {
        "cards": [card_view(card, now) for card in page.cards],
        "filters": filters,
        "statuses": status_choices(filters, counts),
        "accounts": await _account_choices(desk, filters),
        "earlier": filters.link(before=page.before) if page.before else None,
        "later": filters.link(after=page.after) if page.after else None,
        "since": since,
        "query": filters.link(after=filters.after, before=filters.before),
        "empty": _EMPTY[filters.status],
    }


def status_choices(filters: Filters, counts: Mapping[str, int]) -> list[Choice]:
    """Return the statuses with how many stand at each."""
    made = [
        Choice(
            chip=chip,
            count=_tally(counts.get(status, 0)),
            link=filters.link(status=status.value),
            is_chosen=filters.status == status,
        )
        for status, chip in words.STATUSES.items()
    ]
    every = Choice(
        chip=Chip(icon="layers", word="All"),
        count=_tally(MOST_COUNTED + 1 if max(counts.values(), default=0) > MOST_COUNTED else sum(counts.values())),
        link=filters.link(status=_ALL),
        is_chosen=filters.status == _ALL,
    )
    return [*made, every]


def _tally(number: int) -> str:
    return f"{number:,}" if number <= MOST_COUNTED else f"{MOST_COUNTED:,}+"


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
