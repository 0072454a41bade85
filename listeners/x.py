"""Hearing X: the filtered stream and the mentions timeline.

Owns what to ask X and where to resume; `x_posts` reads its posts. Refuses to know tweepy (`platforms.x`
does), to wait between asks, and to decide what concerns us (`core.watch` does).
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from core.budget import Purse, Use
from core.clock import Clock
from core.config import AccountConfig
from core.errors import BudgetSpent, CursorTooOld, Deaf, PlatformError, RateLimited, TryLater, Unreadable
from core.post import Platform, Post
from core.watch import Identity, Watch
from listeners.base import FIRST_ASK_REACHES_BACK, Batch, Checker, Listener
from listeners.x_check import XChecker
from listeners.x_posts import Parsed, id_at, in_order, instant_of, parse_page, parse_post, parse_stream_line
from listeners.x_rules import SEARCH_QUERY_LENGTH, STREAM_RULE_LENGTH, make_rules
from listeners.x_silence import Silence
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
SEARCH_REACHES_BACK = timedelta(days=7) - timedelta(minutes=10)
READ_SECONDS = 15.0
# A read that took longer than this was slept through.
SLEPT_SECONDS = READ_SECONDS + 60.0
_TOO_OLD = "away for more than 7 days; X's search goes no further back"
_TOO_MANY = "more posts came while we were away than one backfill reads; the oldest of them are missing"
_SINCE = "since "
# What X finds late is in after so long; a cursor older than a day moves on.
SETTLED, MOVES_ON = timedelta(minutes=10), timedelta(days=1)
# Search may be ahead of the stream by as much; its P99 is 7 seconds.
_LATE = timedelta(seconds=30)
# The stream promises no order and a P99 delay of 7 seconds, so a backfill begins before the newest post seen.
BACKFILL_OVERLAP = timedelta(seconds=60)
# X allows 50 connects in 15 minutes: a connection that did not live this long makes the next one wait.
SHORT_LIFE_SECONDS = 60.0
MOST_PAUSE_SECONDS = 320.0


def build_listeners(account: AccountConfig, watches: tuple[Watch, ...], purse: Purse | None = None) -> list[Listener]:
    """Return the sources of `account`; they share one client, which connects at the first ask."""
    ours = tuple(watch for watch in watches if watch.account == account.name)
    client = XClient(account, purse=purse)
    listeners: list[Listener] = []
    if make_rules(account.handle, ours, longest=STREAM_RULE_LENGTH):
        listeners.append(XStreamListener(client, ours))
    if any(watch.mentions for watch in ours):
        listeners.append(XMentionsListener(client))
    return listeners


def build_checker(account: AccountConfig, purse: Purse | None = None) -> Checker:
    """Return what looks posts up again, with a client of its own."""
    return XChecker(XClient(account, purse=purse, use=Use.RECHECK))


class XMentionsListener:
    """The posts that mention us, polled. Finds what the stream missed, also from authors the rules never saw."""

    source = "mentions"

    def __init__(self, client: XClient, clock: Clock | None = None) -> None:
        self.account = client.account.name
        self.poll_seconds = client.account.poll_seconds or MENTIONS_POLL_SECONDS
        self._client = client
        self._clock = clock or client.purse.clock

    async def identify(self) -> Identity:
        """Return who we are there. Raises: PlatformError."""
        return await _identify(self._client)

    def first_cursor(self, at: datetime, before: str | None = None) -> str:
        """Return where a source begins that is listened to from `at` on; what it is asked for leaves its cursor be."""
        return before or _from(at - FIRST_ASK_REACHES_BACK)

    async def fetch(self, cursor: str | None) -> Batch:
        """Return the mentions since `cursor`. Raises: PlatformError."""
        began = self._clock.now()
        cursor = cursor or self.first_cursor(began)
        start, oldest = _start_of(cursor), began - SEARCH_REACHES_BACK
        since = {"since_id": cursor} if start is None else {"start_time": max(start, oldest)}
        try:
            pages = await self._client.mentions(**since)
            too_old = start is not None and start < oldest
        except CursorTooOld:
            # Asked for no instant at all, X shows the newest 800. That is everything where there are fewer.
            pages, too_old = await self._client.mentions(), False
        parsed = _parse_pages([pages], self.account)
        gap = _TOO_OLD if too_old else None
        if not pages.is_complete:
            gap = pages.why_not or "more than 800 mentions came while we were away; X shows no older ones"
        missing_until = _reached([pages], self.account) if not pages.is_complete else oldest if too_old else None
        return _batch(parsed, _moved_on(cursor, began), gap=gap, missing_until=missing_until, heard_until=began)

    def doubt(self) -> None:
        """Each ask stands for itself: there is nothing to distrust."""

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()


class XStreamListener:
    """The filtered stream. Connected first and backfilled by search second, so nothing falls between."""

    source = "stream"
    poll_seconds = 0.0

    def __init__(
        self,
        client: XClient,
        watches: tuple[Watch, ...],
        clock: Clock | None = None,
        *,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.account = client.account.name
        self._client = client
        self._watches = watches
        self._read_seconds = read_seconds
        self._clock = clock or client.purse.clock
        self._stream: XStream | None = None
        self._needs_backfill = self._is_doubted = False
        self._filled_until = self._clock.now()
        self._given: str | None = None
        self._heard_until: datetime | None = None
        self._silence = Silence(self._clock.now())
        self._opened_at = 0.0
        self._short_lives = 0

    async def identify(self) -> Identity:
        """Return who we are there. Raises: PlatformError."""
        return await _identify(self._client)

    def first_cursor(self, at: datetime, before: str | None = None) -> str:
        """Return where a source begins that is listened to from `at` on; what it is asked for leaves its cursor be."""
        return before or _from(at - FIRST_ASK_REACHES_BACK)

    async def fetch(self, cursor: str | None) -> Batch:
        """Return a backfill after connecting, else what came within 15 seconds. Raises: PlatformError.

        One call connects once at most; a connection that ended raises, and the caller waits.
        """
        try:
            batch = await self._fetch(cursor or self._given or self.first_cursor(self._clock.now()))
        except PlatformError as err:
            await self._hang_up()
            raise self._later(err) from err
        self._given = batch.cursor
        return batch

    def doubt(self) -> None:
        """Connect anew at the next fetch, and ask for what the connection may not have brought."""
        self._is_doubted = True

    async def close(self) -> None:
        """Let go of connections."""
        await self._hang_up()
        await self._client.close()

    async def _fetch(self, cursor: str) -> Batch:
        if self._is_doubted:
            await self._hang_up()
            self._is_doubted = False
        if self._stream is None:
            await self._connect()
        elif cursor != self._given:
            # The last batch was not saved: what it held has to be asked for again.
            self._needs_backfill = True
        if self._needs_backfill:
            assert self._stream is not None  # noqa: S101 - narrows; connected above
            # A search beside a line that is down would cover up to now, and not what comes before the next connect.
            self._stream.check()
            batch = await self._find(cursor)
            self._silence.heard(batch.posts, self._clock.now())
            self._needs_backfill = False
            return batch
        if self._silence.is_unusual(self._clock.now()):
            return await self._probe(cursor)
        return await self._listen(cursor)

    async def _listen(self, cursor: str) -> Batch:
        assert self._stream is not None  # noqa: S101 - narrows; connected above
        began = self._clock.now()
        self._client.purse.check(Use.STREAM)
        parsed = _parse_lines(await self._stream.read(self._read_seconds), self.account)
        now = self._clock.now()
        self._client.count_streamed([(post.native_id, post.author.native_id) for post in parsed.posts])
        if (now - began).total_seconds() > SLEPT_SECONDS:
            message = f"account '{self.account}': the machine slept while X's stream was read"
            raise Deaf(self.account, message, since=began)
        self._silence.heard(parsed.posts, now)
        doubt = None
        if parsed.unreadable:
            # What the line held is asked for by search, which may say it better.
            self._needs_backfill = True
            doubt = "a line of X's stream could not be read"
        return _batch(parsed, cursor, doubt=doubt, heard_until=max(self._stream.heard_at, self._filled_until))

    async def _connect(self) -> None:
        self._client.purse.check(Use.STREAM)
        rules = make_rules(self._client.account.handle, self._watches, longest=STREAM_RULE_LENGTH)
        await self._client.sync_rules(rules)
        self._stream = await self._client.open_stream()
        self._opened_at = asyncio.get_running_loop().time()
        self._needs_backfill = True

    async def _find(self, cursor: str) -> Batch:
        """Search from the cursor on: what the stream brings no more, or should have brought."""
        began = self._clock.now()
        since, gap = self._since(cursor)
        try:
            found = await self._search(since)
        except CursorTooOld:
            # X's clock and ours disagree. Asked for no instant at all, search goes back as far as it can.
            found, gap = await self._search({}), _TOO_OLD
        parsed = _parse_pages(found, self.account)
        missing_until = began - SEARCH_REACHES_BACK if gap else None
        cut = next((pages for pages in found if not pages.is_complete), None)
        if cut is not None:
            gap, missing_until = cut.why_not or gap or _TOO_MANY, _reached(found, self.account)
        self._filled_until = began
        return _batch(
            parsed, _moved_on(cursor, began), gap=gap, missing_until=missing_until, heard_until=began, is_backfill=True
        )

    async def _search(self, since: dict[str, Any]) -> list[Pages]:
        queries = make_rules(self._client.account.handle, self._watches, longest=SEARCH_QUERY_LENGTH)
        return [await self._client.search(query, **since) for query in queries]

    async def _probe(self, cursor: str) -> Batch:
        """The stream beats and brings nothing: search for what it should have brought. Finding nothing is free.

        Raises: Deaf where there is something; the next fetch connects anew and backfills it.
        """
        began, silent_since = self._clock.now(), self._silence.since
        found = await self._find(cursor)
        missed = [post for post in self._silence.unknown(found.posts) if post.posted_at < began - _LATE]
        if missed:
            since = min(silent_since, *(post.posted_at for post in missed))
            message = f"account '{self.account}': X's stream beats and leaves out what search finds ({len(missed)})"
            raise Deaf(self.account, message, since=since)
        self._silence.is_proven(began)
        return found

    def _since(self, cursor: str) -> tuple[dict[str, Any], str | None]:
        """Return where search starts, and the gap before it.

        An old cursor is no gap where this listener itself has been listening to silence since.
        """
        oldest = self._clock.now() - SEARCH_REACHES_BACK
        start = _start_of(cursor)
        if start is not None and start - BACKFILL_OVERLAP >= oldest:
            return {"start_time": start - BACKFILL_OVERLAP}, None
        if start is None and instant_of(cursor) - BACKFILL_OVERLAP >= oldest:
            return {"since_id": str(id_at(instant_of(cursor) - BACKFILL_OVERLAP))}, None
        if self._heard_until is not None and self._heard_until - BACKFILL_OVERLAP >= oldest:
            return {"start_time": self._heard_until - BACKFILL_OVERLAP}, None
        return {"start_time": oldest}, _TOO_OLD

    async def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        lived = asyncio.get_running_loop().time() - self._opened_at
        self._short_lives = self._short_lives + 1 if lived < SHORT_LIFE_SECONDS else 0
        self._heard_until = stream.heard_at
        await stream.close()

    def _later(self, error: PlatformError) -> PlatformError:
        """Connections that keep dying young ask for longer and longer pauses, whatever worked in between."""
        is_its_own = isinstance(error, RateLimited | BudgetSpent | Deaf)
        if not isinstance(error, TryLater) or is_its_own or not self._short_lives:
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


def _batch(
    parsed: Parsed,
    cursor: str,
    *,
    gap: str | None = None,
    missing_until: datetime | None = None,
    doubt: str | None = None,
    heard_until: datetime | None = None,
    is_backfill: bool = False,
) -> Batch:
    """The cursor is the newest id, and never moves backwards: a backfill brings again what came shortly before it."""
    start = _start_of(cursor)
    stands = int(cursor) if start is None else id_at(start)
    newest = max((int(post.native_id) for post in parsed.posts), default=0)
    return Batch(
        posts=parsed.posts,
        cursor=str(newest) if newest > stands else cursor,
        gap=gap,
        missing_until=missing_until,
        doubt=doubt,
        heard_until=heard_until,
        is_backfill=is_backfill,
        unreadable=parsed.unreadable,
    )


def _moved_on(cursor: str, asked_at: datetime) -> str:
    """Return the cursor after a full answer: an old one moves on to shortly before the ask.

    A brand of which nobody speaks for a week must not be taken for one that was not heard for a week.
    """
    settled = asked_at - SETTLED
    stands = _start_of(cursor) or instant_of(cursor)
    return _from(settled) if settled - stands > MOVES_ON else cursor


def _reached(found: list[Pages], account: str) -> datetime | None:
    """Return how far back those that were cut short go: before it, something is missing.

    X pages by id, so the lowest one is where it stopped, whatever time a post claims.
    """
    cut = (_parse_pages([pages], account).posts for pages in found if not pages.is_complete)
    lowest = (min(posts, key=lambda post: int(post.native_id)).posted_at for posts in cut if posts)
    return max(lowest, default=None)


def _from(instant: datetime) -> str:
    """Return a cursor for a source that has heard nothing yet: the instant it began to listen."""
    return f"{_SINCE}{instant.isoformat()}"


def _start_of(cursor: str) -> datetime | None:
    """Return the instant of such a cursor; None for one that is a post's id."""
    return datetime.fromisoformat(cursor.removeprefix(_SINCE)) if cursor.startswith(_SINCE) else None


async def _identify(client: XClient) -> Identity:
    me = await client.me()
    account = client.account.name
    return Identity(account=account, platform=Platform.X, handle=str(me["username"]), native_id=str(me["id"]))
