"""Hearing X: the filtered stream and the mentions timeline.

Owns what to ask X and where to resume; `x_posts` reads its posts. Refuses to know tweepy (`platforms.x`
does), to wait between asks, and to decide what concerns us (`core.watch` does).
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from core.clock import Clock, SystemClock
from core.config import AccountConfig
from core.errors import PlatformError, RateLimited, TryLater, Unreadable
from core.post import Platform, Post
from core.watch import Identity, Watch
from listeners.base import Batch, Checker, Listener
from listeners.x_check import XChecker
from listeners.x_posts import Parsed, id_at, in_order, instant_of, parse_page, parse_post, parse_stream_line
from listeners.x_rules import SEARCH_QUERY_LENGTH, STREAM_RULE_LENGTH, make_rules
from platforms.x import Pages, XClient
from platforms.x_stream import XStream

__all__ = [
    "XMentionsListener",
    "XStreamListener",
    "build_checker",
    "build_listeners",
    "parse_page",
    "parse_post",
    "parse_stream_line",
]

MENTIONS_POLL_SECONDS = 60.0
FIRST_ASK_REACHES_BACK = timedelta(hours=1)
SEARCH_REACHES_BACK = timedelta(days=7) - timedelta(minutes=10)
READ_SECONDS = 15.0
_SINCE = "since "
# The stream promises no order and a P99 delay of 7 seconds, so a backfill begins before the newest post seen.
BACKFILL_OVERLAP = timedelta(seconds=60)
# X allows 50 connects in 15 minutes: a connection that did not live this long makes the next one wait.
SHORT_LIFE_SECONDS = 60.0
MOST_PAUSE_SECONDS = 320.0


def build_listeners(account: AccountConfig, watches: tuple[Watch, ...]) -> list[Listener]:
    """Return the sources of `account`; they share one client, which connects at the first ask."""
    ours = tuple(watch for watch in watches if watch.account == account.name)
    client = XClient(account)
    listeners: list[Listener] = []
    if make_rules(account.handle, ours, longest=STREAM_RULE_LENGTH):
        listeners.append(XStreamListener(client, ours))
    if any(watch.mentions for watch in ours):
        listeners.append(XMentionsListener(client))
    return listeners


def build_checker(account: AccountConfig) -> Checker:
    """Return what looks posts up again, with a client of its own."""
    return XChecker(XClient(account))


class XMentionsListener:
    """The posts that mention us, polled. Finds what the stream missed, also from authors the rules never saw."""

    source = "mentions"

    def __init__(self, client: XClient, clock: Clock | None = None) -> None:
        self.account = client.account.name
        self.poll_seconds = client.account.poll_seconds or MENTIONS_POLL_SECONDS
        self._client = client
        self._clock = clock or SystemClock()

    async def identify(self) -> Identity:
        """Return who we are there. Raises: PlatformError."""
        return await _identify(self._client)

    async def fetch(self, cursor: str | None) -> Batch:
        """Return the mentions since `cursor`; the very first ask reaches one hour back. Raises: PlatformError."""
        first = self._clock.now() - FIRST_ASK_REACHES_BACK
        # Kept from the first ask on: after a long silence and a restart, we ask from there and not from an hour ago.
        cursor = cursor or _from(first)
        start = _start_of(cursor)
        since = {"since_id": cursor} if start is None else {"start_time": max(start, self._oldest())}
        pages = await self._client.mentions(**since)
        gap = None if pages.is_complete else "more than 800 mentions came while we were away; X shows no older ones"
        return _batch(_parse_pages([pages], self.account), cursor, gap=gap)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    def _oldest(self) -> datetime:
        return self._clock.now() - SEARCH_REACHES_BACK


class XStreamListener:
    """The filtered stream. Connected first and backfilled by search second, so nothing falls between."""

    source = "stream"
    poll_seconds = 0.0

    def __init__(self, client: XClient, watches: tuple[Watch, ...], clock: Clock | None = None) -> None:
        self.account = client.account.name
        self._client = client
        self._watches = watches
        self._clock = clock or SystemClock()
        self._stream: XStream | None = None
        self._needs_backfill = False
        self._given: str | None = None
        self._heard_until: datetime | None = None
        self._opened_at = 0.0
        self._short_lives = 0

    async def identify(self) -> Identity:
        """Return who we are there. Raises: PlatformError."""
        return await _identify(self._client)

    async def fetch(self, cursor: str | None) -> Batch:
        """Return a backfill after connecting, else what came within 15 seconds. Raises: PlatformError.

        One call connects once at most; a connection that ended raises, and the caller waits.
        """
        try:
            batch = await self._fetch(cursor)
        except PlatformError as err:
            await self._hang_up()
            raise self._later(err) from err
        self._given = batch.cursor
        return batch

    async def close(self) -> None:
        """Let go of connections."""
        await self._hang_up()
        await self._client.close()

    async def _fetch(self, cursor: str | None) -> Batch:
        if self._stream is None:
            await self._connect()
        elif cursor != self._given:
            # The last batch was not saved: what it held has to be asked for again.
            self._needs_backfill = True
        if self._needs_backfill:
            batch = await self._backfill(cursor)
            self._needs_backfill = False
            return batch
        assert self._stream is not None  # noqa: S101 - narrows; connected above
        return _batch(_parse_lines(await self._stream.read(READ_SECONDS), self.account), cursor)

    async def _connect(self) -> None:
        rules = make_rules(self._client.account.handle, self._watches, longest=STREAM_RULE_LENGTH)
        await self._client.sync_rules(rules)
        self._stream = await self._client.open_stream()
        self._opened_at = asyncio.get_running_loop().time()
        self._needs_backfill = True

    async def _backfill(self, cursor: str | None) -> Batch:
        """Search from the cursor on. The first ever start has none, and nothing to fill."""
        if cursor is None and self._heard_until is None:
            return Batch(cursor=_from(self._clock.now()))
        since, gap = self._since(cursor)
        queries = make_rules(self._client.account.handle, self._watches, longest=SEARCH_QUERY_LENGTH)
        found = [await self._client.search(query, **since) for query in queries]
        if gap is None and not all(pages.is_complete for pages in found):
            gap = "more posts came while we were away than one backfill reads; the oldest of them are missing"
        return _batch(_parse_pages(found, self.account), cursor, gap=gap, is_backfill=True)

    def _since(self, cursor: str | None) -> tuple[dict[str, Any], str | None]:
        """Return where search starts, and the gap before it.

        An old cursor is no gap where this listener itself has been listening to silence since.
        """
        oldest = self._clock.now() - SEARCH_REACHES_BACK
        start = _start_of(cursor)
        if start is not None and start - BACKFILL_OVERLAP >= oldest:
            return {"start_time": start - BACKFILL_OVERLAP}, None
        if cursor is not None and start is None and instant_of(cursor) - BACKFILL_OVERLAP >= oldest:
            return {"since_id": str(id_at(instant_of(cursor) - BACKFILL_OVERLAP))}, None
        if self._heard_until is not None and self._heard_until - BACKFILL_OVERLAP >= oldest:
            return {"start_time": self._heard_until - BACKFILL_OVERLAP}, None
        return {"start_time": oldest}, "away for more than 7 days; X's search goes no further back"

    async def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        lived = asyncio.get_running_loop().time() - self._opened_at
        self._short_lives = self._short_lives + 1 if lived < SHORT_LIFE_SECONDS else 0
        self._heard_until = self._clock.now()
        await stream.close()

    def _later(self, error: PlatformError) -> PlatformError:
        """Connections that keep dying young ask for longer and longer pauses, whatever worked in between."""
        if not isinstance(error, TryLater) or isinstance(error, RateLimited) or not self._short_lives:
            return error
        pause = min(2.0**self._short_lives, MOST_PAUSE_SECONDS)
        return TryLater(error.account, str(error), wait_seconds=max(error.wait_seconds or 0.0, pause))


def _parse_pages(found: list[Pages], account: str) -> Parsed:
    parsed = [parse_page(page, account=account) for pages in found for page in pages.pages]
    return Parsed(
        posts=in_order(post for part in parsed for post in part.posts),
        unreadable=tuple(raw for part in parsed for raw in part.unreadable),
    )


def _parse_lines(lines: list[bytes], account: str) -> Parsed:
    posts: list[Post] = []
    unreadable: list[str] = []
    for line in lines:
        try:
            post = parse_stream_line(line, account=account)
        except Unreadable as err:
            unreadable.append(err.raw)
        else:
            posts += [post] if post else []
    return Parsed(posts=in_order(posts), unreadable=tuple(unreadable))


def _batch(parsed: Parsed, cursor: str | None, *, gap: str | None = None, is_backfill: bool = False) -> Batch:
    """The cursor is the newest id, and never moves backwards."""
    known = cursor if cursor is not None and _start_of(cursor) is None else "0"
    newest = max([int(post.native_id) for post in parsed.posts] + [int(known)])
    return Batch(
        posts=parsed.posts,
        cursor=str(newest) if newest else cursor,
        gap=gap,
        is_backfill=is_backfill,
        unreadable=parsed.unreadable,
    )


def _from(instant: datetime) -> str:
    """Return a cursor for a source that has heard nothing yet: the instant it began to listen."""
    return f"{_SINCE}{instant.isoformat()}"


def _start_of(cursor: str | None) -> datetime | None:
    """Return the instant of such a cursor; None for one that is a post's id."""
    return datetime.fromisoformat(cursor.removeprefix(_SINCE)) if cursor and cursor.startswith(_SINCE) else None


async def _identify(client: XClient) -> Identity:
    me = await client.me()
    account = client.account.name
    return Identity(account=account, platform=Platform.X, handle=str(me["username"]), native_id=str(me["id"]))
