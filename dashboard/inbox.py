"""GET /inbox and what an open inbox asks for: what waits, in the order in which it asks for a person.

Owns these answers. A list stays as its reader got it: `fresh` brings the cards that changed in it and counts what is
new; `cards` is the list made anew, when its reader asks for it. Refuses to act on anything.
"""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from dashboard.desk import Desk, desk_of, reader_of, session_of
from dashboard.filters import (
    Filters,
    applied,
    fields_of,
    filters_of_link,
    nothing_here,
    read_filters,
    saved_choices,
    status_choices,
)
from dashboard.pages import render
from dashboard.present import card_view
from dashboard.present_queue import ToastView, done_view, ids_in, news_of, news_words
from dashboard.swaps import is_for, said_at
from store.inbox import Card, Page

PAGE = 30
# As many as a list can show that was added to.
MOST_SHOWN = 6 * PAGE


async def inbox(request: web.Request) -> web.Response:
    """GET /inbox. A browser that only closes a conversation gets the empty pane in its place."""
    filters = read_filters(request.query)
    if is_for(request, "reading"):
        response = await render(request, "_nothing_chosen.html", {"query": filters.link})
        return said_at(response, f"/inbox{filters.link}", request)
    return await render(request, "inbox.html", await queue_context(request, filters))


async def cards(request: web.Request) -> web.Response:
    """GET /inbox/cards: the list made anew."""
    return await render(request, "_fresh_list.html", await queue_context(request, read_filters(request.query)))


async def fresh(request: web.Request) -> web.Response:
    """GET /inbox/fresh?shown=1.2.3&changed=2: the changed ones of the cards shown, and how many are new."""
    filters = read_filters(request.query)
    shown = ids_in(request.query.get("shown", ""), most=MOST_SHOWN)
    changed = [one for one in ids_in(request.query.get("changed", ""), most=MOST_SHOWN) if one in set(shown)]
    if not shown:
        # An empty list is read by nobody.
        return await render(request, "_fresh_list.html", await queue_context(request, filters))
    desk, since = desk_of(request), str(desk_of(request).hub.latest)
    page, counts = await _shared_look(desk, filters, reader_of(request))
    news = news_of(shown, page.cards)
    here = {card.conversation.id: card for card in page.cards}
    elsewhere = await desk.conversations.cards([one for one in changed if one not in here])
    context = {
        "changed": card_views(request, (*(here[one] for one in changed if one in here), *elsewhere), filters),
        "below": card_views(request, news.below if not page.after else (), filters),
        "news": news_words(news.above),
        "statuses": status_choices(filters, counts),
        "since": since,
        "query": filters.link,
    }
    return await render(request, "_fresh.html", context, is_framed=False)


async def _shared_look(desk: Desk, filters: Filters, reader: str) -> tuple[Page, dict[str, int]]:
    """Return the page and the counts that everybody sees who looks at the same list now."""
    asked = filters.asked(reader)

    async def look() -> tuple[Page, dict[str, int]]:
        page = await desk.conversations.inbox(asked, after=filters.after, before=filters.before, limit=PAGE)
        return page, await desk.conversations.count(account=filters.account or None)

    return await desk.shared.ask((asked, filters.after, filters.before), look)


async def queue_context(request: web.Request, filters: Filters) -> dict[str, Any]:
    """Return what the queue's templates show: the filters, the list, and what to ask for later."""
    desk = desk_of(request)
    # Before the rows are read: what changes in between is announced, not missed.
    since = str(desk.hub.latest)
    page = await desk.conversations.inbox(
        filters.asked(reader_of(request)), after=filters.after, before=filters.before, limit=PAGE
    )
    counts = await desk.conversations.count(account=filters.account or None)
    saved = await desk.saved_filters.of(session_of(request).staff.id)
    return {
        "cards": card_views(request, page.cards, filters),
        "filters": filters,
        "statuses": status_choices(filters, counts),
        "fields": fields_of(filters, await desk.accounts.all()),
        "applied": applied(filters),
        "saved": saved_choices(saved, filters),
        "here": filters.with_(),
        "earlier": filters.with_(before=page.before) if page.before else None,
        "later": filters.with_(after=page.after) if page.after else None,
        "since": since,
        "query": filters.link,
        "news": "",
        "toast": await just_done(request),
        "empty": nothing_here(filters, counts),
    }


async def just_done(request: web.Request) -> ToastView | None:
    """Return what a form did a moment ago that leads here, and how to undo it: `?batch=TOKEN`."""
    desk, token = desk_of(request), request.query.get("batch", "")[:40]
    batch = await desk.bulk.batch(token, by=reader_of(request), at=desk.clock.now()) if token else None
    return done_view(batch) if batch else None


def card_views(request: web.Request, found: Sequence[Card], filters: Filters) -> list[Any]:
    """Return cards as they stand now; one that no longer fits the filters says so."""
    now, reader = desk_of(request).clock.now(), reader_of(request)
    return [card_view(card, now, has_left=not filters.still_fits(card, reader)) for card in found]


def filters_here(request: web.Request) -> Filters:
    """Return the filters of the address, or, after a form, those of the page that htmx says it stands on."""
    if any(name in Filters.__dataclass_fields__ for name in request.query):
        return read_filters(request.query)
    return filters_of_link(request.headers.get("HX-Current-URL", "").partition("?")[2].partition("#")[0])
