"""Hearing Reddit: new comments in subreddits, our inbox, and keywords across submissions.

Owns what to ask Reddit and where to resume; `reddit_posts` reads its things. Refuses to know asyncpraw
(`platforms.reddit` does), to wait between asks, and to decide what concerns us (`core.watch` does).

Newest pages are read until something known is met. `before=` is not used: Reddit answers it with nothing
once the comment it names is deleted, which looks like silence.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from core.clock import Clock, SystemClock
from core.config import AccountConfig
from core.errors import Unreadable
from core.post import Platform, Post
from core.watch import Identity, Watch
from listeners.base import Batch, Checker, Listener
from listeners.reddit_check import RedditChecker
from listeners.reddit_posts import parse_comment, parse_submission, parse_thing
from platforms.reddit import Listing, RedditClient

__all__ = [
    "RedditCommentsListener",
    "RedditMentionsListener",
    "RedditSearchListener",
    "build_checker",
    "build_listeners",
    "parse_comment",
    "parse_submission",
    "parse_thing",
]

# Seven asks a minute, of the hundred Reddit allows one app. Source: Reddit's Data API wiki, read 2026-11.
COMMENTS_POLL_SECONDS, MENTIONS_POLL_SECONDS, SEARCH_POLL_SECONDS = 15.0, 30.0, 60.0
FIRST_ASK_REACHES_BACK = timedelta(hours=1)
# A listing holds about 1,000 things. Below 800 it ended by itself: there was nothing more.
MOST_PAGES, LISTING_REACHES = 11, 800
MOST_REMEMBERED = 200
SEARCH_QUERY_LENGTH = 512

Ask = Callable[[str | None], Awaitable[Listing]]


def build_listeners(account: AccountConfig, watches: tuple[Watch, ...]) -> list[Listener]:
    """Return the sources of `account`; they share one client, which connects at the first ask."""
    ours = tuple(watch for watch in watches if watch.account == account.name)
    client = RedditClient(account)
    subreddits = tuple(dict.fromkeys(name.removeprefix("r/") for watch in ours for name in watch.subreddits))
    queries = make_queries(ours)
    listeners: list[Listener] = []
    if subreddits:
        listeners.append(RedditCommentsListener(client, subreddits))
    if any(watch.mentions for watch in ours):
        listeners.append(RedditMentionsListener(client))
    if queries:
        listeners.append(RedditSearchListener(client, queries))
    return listeners


def build_checker(account: AccountConfig) -> Checker:
    """Return what looks things up again, with a client of its own."""
    return RedditChecker(RedditClient(account))


def make_queries(watches: tuple[Watch, ...]) -> tuple[str, ...]:
    """Return searches of at most 512 characters that together find every keyword."""
    queries: list[str] = []
    for word in dict.fromkeys(word for watch in watches for word in watch.keywords):
        phrase = " ".join(word.replace('"', " ").split())
        if not phrase:
            continue
        longer = f'{queries[-1]} OR "{phrase}"' if queries else ""
        if longer and len(longer) <= SEARCH_QUERY_LENGTH:
            queries[-1] = longer
        else:
            queries.append(f'"{phrase}"')
    return tuple(queries)


class _Polled:
    """What the three sources share: walk the newest pages back to what is known."""

    def __init__(self, client: RedditClient, source: str, poll_seconds: float, clock: Clock | None) -> None:
        self.account = client.account.name
        self.source = source
        self.poll_seconds = client.account.poll_seconds or poll_seconds
        self._client = client
        self._clock = clock or SystemClock()

    async def identify(self) -> Identity:
        """Return who we are there. Raises: PlatformError."""
        me = await self._client.me()
        return Identity(
            account=self.account, platform=Platform.REDDIT, handle=str(me["name"]), native_id=f"t2_{me['id']}"
        )

    async def fetch(self, cursor: str | None) -> Batch:
        """Return what is new since `cursor`; the very first ask reaches one hour back. Raises: PlatformError."""
        since = (self._clock.now() - FIRST_ASK_REACHES_BACK).timestamp()
        seen = Seen.read(cursor) or Seen(since=since)
        our_id = (await self.identify()).native_id
        new: list[dict[str, Any]] = []
        has_gap = False
        for ask in self._asks():
            things, is_met = await _walk(ask, seen)
            new += things
            has_gap = has_gap or (cursor is not None and not is_met)
        posts, unreadable = _parse(new, self.account, our_id)
        return Batch(
            posts=posts,
            cursor=seen.and_new(new).write(),
            gap="more came while we were away than Reddit's listing holds" if has_gap else None,
            unreadable=unreadable,
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    def _asks(self) -> tuple[Ask, ...]:
        raise NotImplementedError


class RedditCommentsListener(_Polled):
    """Every new comment of some subreddits."""

    def __init__(self, client: RedditClient, subreddits: tuple[str, ...], clock: Clock | None = None) -> None:
        super().__init__(client, f"r/{'+'.join(subreddits)}", COMMENTS_POLL_SECONDS, clock)
        self._subreddits = subreddits

    def _asks(self) -> tuple[Ask, ...]:
        return (partial(self._client.comments, self._subreddits),)


class RedditMentionsListener(_Polled):
    """Comments that name us or answer us, wherever they are."""

    def __init__(self, client: RedditClient, clock: Clock | None = None) -> None:
        super().__init__(client, "mentions", MENTIONS_POLL_SECONDS, clock)

    def _asks(self) -> tuple[Ask, ...]:
        return (self._client.inbox,)


class RedditSearchListener(_Polled):
    """Submissions that hold a keyword, across Reddit. Comments cannot be searched."""

    def __init__(self, client: RedditClient, queries: tuple[str, ...], clock: Clock | None = None) -> None:
        super().__init__(client, "search", SEARCH_POLL_SECONDS, clock)
        self._queries = queries

    def _asks(self) -> tuple[Ask, ...]:
        return tuple(partial(self._client.search, query) for query in self._queries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The cursor: the newest things seen, newest first, and the instant (Unix) before which nothing is asked.

    Several names and not one, so that deleting a comment does not lose our place; ids rise, so what is
    older than every remembered name is known too.
    """

    since: float
    names: tuple[str, ...] = ()

    @classmethod
    def read(cls, cursor: str | None) -> "Seen | None":
        """Return the cursor's meaning; None for the very first ask."""
        if cursor is None:
            return None
        content = json.loads(cursor)
        return cls(since=float(content["since"]), names=tuple(content["names"]))

    def write(self) -> str:
        """Return the cursor."""
        return json.dumps({"since": self.since, "names": self.names})

    def knows(self, thing: dict[str, Any]) -> bool:
        """Whether `thing` is one we have had, or older than all those we remember."""
        name = _name_of(thing)
        data = thing.get("data")
        created = data.get("created_utc") if isinstance(data, dict) else None
        return (
            name in self.names
            or (isinstance(created, int | float) and created < self.since)
            or _number(name) < min((_number(known) for known in self.names if known[:3] == name[:3]), default=0)
        )

    def and_new(self, things: list[dict[str, Any]]) -> "Seen":
        """Return the cursor after `things`, newest first, were saved."""
        names = dict.fromkeys([_name_of(thing) for thing in things] + list(self.names))
        return Seen(since=self.since, names=tuple(names)[:MOST_REMEMBERED])


async def _walk(ask: Ask, seen: Seen) -> tuple[list[dict[str, Any]], bool]:
    """Return the unknown things, newest first, and whether the walk reached something known or the very end."""
    new: list[dict[str, Any]] = []
    after: str | None = None
    for _ in range(MOST_PAGES):
        page = await ask(after)
        fresh = [thing for thing in page.things if not seen.knows(thing)]
        new += fresh
        after = page.after
        if len(fresh) < len(page.things):
            return new, True
        if not after:
            return new, len(new) < LISTING_REACHES
    return new, False


def _parse(things: list[dict[str, Any]], account: str, our_id: str) -> tuple[tuple[Post, ...], tuple[str, ...]]:
    posts: dict[str, Post] = {}
    unreadable: list[str] = []
    for thing in things:
        try:
            post = parse_thing(thing, account=account, our_id=our_id)
        except Unreadable as err:
            unreadable.append(err.raw)
        else:
            posts |= {post.native_id: post} if post else {}
    return tuple(sorted(posts.values(), key=lambda post: (post.posted_at, post.native_id))), tuple(unreadable)


def _name_of(thing: dict[str, Any]) -> str:
    """Return the fullname; what has none is remembered by its content, so that it is counted once."""
    data = thing.get("data")
    if isinstance(data, dict) and data.get("id"):
        return f"{thing.get('kind')}_{str(data['id']).split('_')[-1]}"
    return "?" + hashlib.sha256(json.dumps(thing, sort_keys=True).encode()).hexdigest()[:12]


def _number(name: str) -> float:
    """Return the rising number in a fullname; endless for what is no fullname, so that it is never "older"."""
    try:
        return int(name.partition("_")[2], 36)
    except ValueError:
        return float("inf")
