"""The inbox: pages of cards in the order in which they ask for a person, filtered, each way from any card.

Owns the query and its cursors. Read only. Refuses to decide the order (`core.rank`) and to write it (`places`).

A page costs the same few statements whatever is on it, and looks at no row that is not: the order and what filters ask
stand in one index. Cursors name a place in the order, not a number of rows, so nothing is shown twice or left out when
others work meanwhile.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Assessment, Intent, Language, Sentiment
from core.conversation import Conversation, Status
from core.decision import Heard
from core.post import Platform
from core.reply import Reply
from core.sought import read
from store import rows
from store import tables as t
from store.places import INTENT_BITS
from store.search import Hit, Hits, find_posts

# Counts end here: what is more is "999+", and costs no more.
MOST_COUNTED = 999


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFilters:
    """Which conversations to show: all that hold at once. None or empty asks nothing."""

    statuses: tuple[Status, ...] = (Status.OPEN,)
    account: str | None = None
    platform: Platform | None = None
    language: Language | None = None
    sentiment: Sentiment | None = None
    intent: Intent | None = None
    has_draft: bool = False
    # Whose work it is; `is_nobodys` asks for what nobody has.
    of: str | None = None
    is_nobodys: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One conversation as the inbox shows it: its latest post, what we understood, where it stands."""

    conversation: Conversation
    heard: Heard
    assessment: Assessment | None
    reply: Reply | None
    posts: int
    last_post_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Cards in order. `before` and `after` are cursors to the pages on either side, None where there is none."""

    cards: tuple[Card, ...] = ()
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A place in the order. Its text is a cursor."""

    rank: int
    id: int

    def __str__(self) -> str:
        return f"{self.rank}.{self.id}"

    @classmethod
    def parse(cls, cursor: str | None) -> "Spot | None":
        """Return the place that a cursor names, None where it is no cursor of ours."""
        found = _CURSOR.fullmatch(cursor or "")
        return cls(int(found[1]), int(found[2])) if found else None


_CURSOR = re.compile(r"(-?[0-9]{1,12})\.([0-9]{1,15})", re.ASCII)
_POST_CURSOR = re.compile(r"p([0-9]{1,15})", re.ASCII)


async def find_page(
    connection: AsyncConnection, filters: InboxFilters, *, after: str | None, before: str | None, limit: int
) -> Page:
    """Return the page after a cursor, or before one, or the first. A cursor that is nonsense is none."""
    if filters.text.strip():
        return await _found_page(connection, filters, after=after, before=before, limit=limit)
    start, end = Spot.parse(after), Spot.parse(before)
    if start is None and end is not None:
        page = await _page_before(connection, filters, end, limit)
        # Fewer than a page stand before it: then that is the first page, and it is shown whole.
        return page if page is not None else await _page_after(connection, filters, None, limit)
    return await _page_after(connection, filters, start, limit)


async def find_cards(connection: AsyncConnection, ids: Sequence[int]) -> tuple[Card, ...]:
    """Return the cards of conversations, in the order given; one that is not there is left out."""
    if not ids:
        return ()
    found = {row.id: row for row in await connection.execute(_CONVERSATIONS, {"ids": list(ids)})}
    newest = {"ids": [row.newest_id for row in found.values()]}
    posts = {row.conversation_id: row for row in await connection.execute(_POSTS, newest)}
    latest = {"ids": [row.reply_id for row in found.values() if row.reply_id is not None]}
    replies = {row.conversation_id: rows.reply(row) for row in await connection.execute(_REPLIES, latest)}
    # In between a post may have gone to another conversation's page, never to none.
    return tuple(_card(found[one], posts[one], replies.get(one)) for one in ids if one in found and one in posts)


async def count_by_status(connection: AsyncConnection, *, account: str | None) -> dict[str, int]:
    """Return how many conversations stand at each status, MOST_COUNTED + 1 where they are more."""
    counted: list[Any] = [
        select(bindparam(None, status.value).label("status"), func.count().label("number")).select_from(
            _of(status, account).limit(MOST_COUNTED + 1).subquery()
        )
        for status in Status
    ]
    return {row.status: row.number for row in await connection.execute(union_all(*counted)) if row.number}


async def _page_after(connection: AsyncConnection, filters: InboxFilters, start: Spot | None, limit: int) -> Page:
    spots = await _spots(connection, filters, limit + 1, after=start)
    if start is not None and not spots:
        # What stood there was dealt with since: the list begins anew.
        return await _page_after(connection, filters, None, limit)
    shown = spots[:limit]
    return Page(
        cards=await find_cards(connection, [spot.id for spot in shown]),
        before=str(shown[0]) if start is not None and shown else None,
        after=str(shown[-1]) if len(spots) > limit else None,
    )


async def _page_before(connection: AsyncConnection, filters: InboxFilters, end: Spot, limit: int) -> Page | None:
    spots = await _spots(connection, filters, limit + 1, before=end)
    if len(spots) <= limit:
        return None
    shown = spots[1:]
    return Page(
        cards=await find_cards(connection, [spot.id for spot in shown]), before=str(shown[0]), after=str(shown[-1])
    )


async def _found_page(
    connection: AsyncConnection, filters: InboxFilters, *, after: str | None, before: str | None, limit: int
) -> Page:
    """A page of what was searched for: the newest post that was found, first."""
    start, end = _post_of(after), _post_of(before)
    sought, wanted = read(filters.text), [_C.status.in_(filters.statuses), *_conditions(filters)]
    if start is None and end is not None:
        newer = await find_posts(connection, sought, wanted, beyond=end, backwards=True, wanted=limit + 1)
        if (edge := _edge(newer, limit)) is not None:
            shown = newer.hits[:limit]
            after = _post_cursor(shown[0].post_id if shown else end)
            return Page(cards=await _cards_of(connection, shown[::-1]), before=edge, after=after)
    older = await find_posts(connection, sought, wanted, beyond=start, wanted=limit + 1)
    shown = older.hits[:limit]
    before = _post_cursor(shown[0].post_id) if start is not None and shown else None
    return Page(cards=await _cards_of(connection, shown), before=before, after=_edge(older, limit))


def _edge(found: Hits, limit: int) -> str | None:
    """The cursor to what lies beyond a page: its last hit, or where the looking ended; None where nothing does."""
    if len(found.hits) > limit:
        return _post_cursor(found.hits[limit - 1].post_id)
    return None if found.looked_to is None else _post_cursor(found.looked_to)


async def _cards_of(connection: AsyncConnection, hits: Sequence[Hit]) -> tuple[Card, ...]:
    return await find_cards(connection, [hit.conversation_id for hit in hits])


def _post_cursor(post_id: int) -> str:
    return f"p{post_id}"


def _post_of(cursor: str | None) -> int | None:
    found = _POST_CURSOR.fullmatch(cursor or "")
    return int(found[1]) if found else None


async def _spots(
    connection: AsyncConnection,
    filters: InboxFilters,
    limit: int,
    *,
    after: Spot | None = None,
    before: Spot | None = None,
) -> list[Spot]:
    """Return places in order. Each status is looked through by itself, for that is how the index stands."""
    place = tuple_(_C.rank, _C.id)
    order = (_C.rank.desc(), _C.id.desc()) if before is not None else (_C.rank, _C.id)
    wanted = _conditions(filters)
    if after is not None:
        wanted.append(place > tuple_(after.rank, after.id))
    if before is not None:
        wanted.append(place < tuple_(before.rank, before.id))
    parts = [
        select(_C.rank, _C.id).where(_C.status == status, *wanted).order_by(*order).limit(limit).subquery()
        for status in filters.statuses
    ]
    if not parts:
        return []
    found = await connection.execute(union_all(*(select(part) for part in parts)))
    spots = sorted((Spot(row.rank, row.id) for row in found), reverse=before is not None)[:limit]
    return spots if before is None else spots[::-1]


def _conditions(filters: InboxFilters) -> list[ColumnElement[bool]]:
    asked: list[tuple[object, ColumnElement[bool]]] = [
        (filters.account, _C.account == filters.account),
        (filters.platform, _C.platform == filters.platform),
        (filters.language, _C.language == filters.language),
        (filters.sentiment, _C.sentiment == filters.sentiment),
        (filters.intent, _C.intents.op("&")(INTENT_BITS[filters.intent] if filters.intent else 0) != 0),
        (filters.has_draft, literal_column("conversations.has_draft")),
        (filters.of, _C.assigned_to == filters.of),
        (filters.is_nobodys, _C.assigned_to.is_(None)),
    ]
    return [condition for wanted, condition in asked if wanted]


def _of(status: Status, account: str | None) -> Select[Any]:
    query = select(_C.id).where(_C.status == status)
    return query if account is None else query.where(_C.account == account)


def _card(row: rows.AnyRow, post: rows.AnyRow, reply: Reply | None) -> Card:
    return Card(
        conversation=rows.conversation(row),
        heard=rows.heard(post),
        assessment=rows.assessment(post) if post.post_id is not None else None,
        reply=reply,
        posts=row.posts,
        last_post_at=row.last_post_at,
        changed_at=row.changed_at,
    )


_C, _P, _R = t.conversations.c, t.posts.c, t.replies.c
_IDS: Any = bindparam("ids", expanding=True)
_OF_IT = _P.conversation_id == _C.id
_NEWEST = select(_P.id).where(_OF_IT).order_by(_P.posted_at.desc(), _P.id.desc()).limit(1)
_CONVERSATIONS = select(
    t.conversations,
    _NEWEST.correlate(t.conversations).scalar_subquery().label("newest_id"),
    select(func.count()).where(_OF_IT).correlate(t.conversations).scalar_subquery().label("posts"),
    select(func.max(_R.id))
    .where(_R.conversation_id == _C.id)
    .correlate(t.conversations)
    .scalar_subquery()
    .label("reply_id"),
).where(_C.id.in_(_IDS))
_POSTS = (
    select(*rows.HEARD_COLUMNS, *t.assessments.c)
    .join(t.authors, t.authors.c.id == _P.author_id)
    .join(t.assessments, t.assessments.c.post_id == _P.id, isouter=True)
    .where(_P.id.in_(_IDS))
)
_REPLIES = select(t.replies).where(_R.id.in_(_IDS))
