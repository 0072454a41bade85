"""Hearing Reddit: new comments in subreddits, our inbox, and keywords across submissions.

Owns what to ask Reddit and where to resume; `reddit_posts` reads its things. Refuses to know asyncpraw
(`platforms.reddit` does), to wait between asks, and to decide what concerns us (`core.watch` does).

Newest pages are read until something known is met. `before=` is not used: Reddit answers it with nothing
once the comment it names is deleted, which looks like silence.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from core.budget import Purse, Use
from core.clock import Clock
from core.config import AccountConfig
from core.errors import BudgetSpent, Deaf, Unreadable
from core.post import Platform, Post
from core.watch import Identity, Watch
from listeners.base import FIRST_ASK_REACHES_BACK, Batch, Checker, Listener
from listeners.reddit_check import RedditChecker
from listeners.reddit_posts import parse_comment, parse_submission, parse_thing
from platforms.reddit import Listing, RedditClient, source_of

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
# A listing holds about 1,000 things. Below 800 it ended by itself: there was nothing more.
MOST_PAGES, LISTING_REACHES = 11, 800
MOST_REMEMBERED = 200
SEARCH_QUERY_LENGTH = 512

# So many of the newest comments are looked up to see whether an empty listing tells the truth.
_PROBED = 10
TOO_MANY = "more came while we were away than Reddit's listing holds"

Ask = Callable[[str | None], Awaitable[Listing]]


def build_listeners(account: AccountConfig, watches: tuple[Watch, ...], purse: Purse | None = None) -> list[Listener]:
    """Return the sources of `account`; they share one client, which connects at the first ask."""
    ours = tuple(watch for watch in watches if watch.account == account.name)
    client = RedditClient(account, purse=purse)
    subreddits = tuple(dict.fromkeys(name.removeprefix("r/") for watch in ours for name in watch.subreddits))
    phrases = phrases_of(ours)
    listeners: list[Listener] = []
    if subreddits:
        listeners.append(RedditCommentsListener(client, subreddits))
    if any(watch.mentions for watch in ours):
        listeners.append(RedditMentionsListener(client))
    if phrases:
        listeners.append(RedditSearchListener(client, phrases))
    return listeners


def build_checker(account: AccountConfig, purse: Purse | None = None) -> Checker:
    """Return what looks things up again, with a client of its own."""
    return RedditChecker(RedditClient(account, purse=purse, use=Use.RECHECK))


def phrases_of(watches: tuple[Watch, ...]) -> tuple[str, ...]:
    """Return the keywords of `watches` as a search spells them, each once."""
    words = (" ".join(word.replace('"', " ").split()) for watch in watches for word in watch.keywords)
    return tuple(dict.fromkeys(word for word in words if word))


def make_queries(phrases: Iterable[str]) -> tuple[str, ...]:
    """Return searches of at most 512 characters that together find every phrase."""
    queries: list[str] = []
    for phrase in phrases:
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
        self._clock = clock or client.purse.clock

    async def identify(self) -> Identity:
        """Return who we are there. Raises: PlatformError."""
        me = await self._client.me()
        return Identity(
            account=self.account, platform=Platform.REDDIT, handle=str(me["name"]), native_id=f"t2_{me['id']}"
        )

    def first_cursor(self, at: datetime, before: str | None = None) -> str:
        """Return where a source begins that is listened to from `at` on; one that stood at `before` goes on there."""
        return before or Seen(since=(at - FIRST_ASK_REACHES_BACK).timestamp()).write()

    async def fetch(self, cursor: str | None) -> Batch:
        """Return what is new since `cursor`. Raises: PlatformError; Deaf where a listing lost what stands."""
        began = self._clock.now()
        seen = Seen.read(self.first_cursor(began, cursor))
        our_id = (await self.identify()).native_id
        new: list[dict[str, Any]] = []
        gaps: list[Walk] = []
        for ask, known in self._asks(seen):
            walk = await _walk(ask, known)
            if walk.is_empty:
                await self._doubt_an_empty_listing(seen)
            new += walk.new
            gaps += [] if walk.is_met else [walk]
        posts, unreadable = _parse(new, self.account, our_id)
        return Batch(
            posts=posts,
            cursor=seen.and_new(new).write(),
            gap=gaps[0].why_not if gaps else None,
            missing_until=max((walk.reached for walk in gaps if walk.reached), default=None),
            heard_until=began,
            unreadable=unreadable,
        )

    def doubt(self) -> None:
        """Each ask stands for itself: there is nothing to distrust."""

    async def _doubt_an_empty_listing(self, seen: "Seen") -> None:
        """A source of which every listing has things may say here what an empty one means."""

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    def _asks(self, seen: "Seen") -> tuple[tuple[Ask, "Seen"], ...]:
        """Return what to ask, each with what is known of its answer."""
        raise NotImplementedError


class RedditCommentsListener(_Polled):
    """Every new comment of some subreddits."""

    def __init__(self, client: RedditClient, subreddits: tuple[str, ...], clock: Clock | None = None) -> None:
        super().__init__(client, source_of(subreddits), COMMENTS_POLL_SECONDS, clock)
        self._subreddits = subreddits

    def _asks(self, seen: "Seen") -> tuple[tuple[Ask, "Seen"], ...]:
        return ((partial(self._client.comments, self._subreddits), seen),)

    async def _doubt_an_empty_listing(self, seen: "Seen") -> None:
        """Ask for what it held before. Where that stands, the listing is wrong, and silence is not to be believed."""
        names = tuple(name for name in seen.names if name.startswith("t1_"))[:_PROBED]
        if not names:
            return
        stand = [parse_thing(thing) for thing in await self._client.info(names, self.source)]
        if any(stand):
            message = f"account '{self.account}': Reddit lists nothing in {self.source}, and what it listed stands"
            raise Deaf(self.account, message)


class RedditMentionsListener(_Polled):
    """Comments that name us or answer us, wherever they are."""

    def __init__(self, client: RedditClient, clock: Clock | None = None) -> None:
        super().__init__(client, "mentions", MENTIONS_POLL_SECONDS, clock)

    def _asks(self, seen: "Seen") -> tuple[tuple[Ask, "Seen"], ...]:
        return ((self._client.inbox, seen),)


class RedditSearchListener(_Polled):
    """Submissions that hold a keyword, across Reddit. Comments cannot be searched.

    A keyword that joins is searched for by itself until it was once answered: what the others have seen is not what it
    has, and what they missed while we were away does not begin where it does.
    """

    def __init__(self, client: RedditClient, phrases: tuple[str, ...], clock: Clock | None = None) -> None:
        super().__init__(client, "search", SEARCH_POLL_SECONDS, clock)
        self._phrases = phrases

    def first_cursor(self, at: datetime, before: str | None = None) -> str:
        """Return where the search begins; from `before` on for the phrases that it was asked for then."""
        first = super().first_cursor(at)
        return Seen.read(before or first).asked_for(self._phrases, Seen.read(first).since).write()

    def _asks(self, seen: "Seen") -> tuple[tuple[Ask, "Seen"], ...]:
        asks: list[tuple[Ask, Seen]] = []
        for since in sorted(set(seen.phrases.values())):
            known = seen if since == seen.since else Seen(since=since)
            phrases = (phrase for phrase, begins in seen.phrases.items() if begins == since)
            asks += [(partial(self._client.search, query), known) for query in make_queries(phrases)]
        return tuple(asks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The cursor: the newest things seen, newest first, and the instant (Unix) before which nothing is asked.

    Several names and not one, so that deleting a comment does not lose our place; ids rise, so what is
    older than every remembered name is known too. `phrases` are those a search is asked for, each with the instant
    at which it begins: later than `since` for one that joined and was not answered yet.
    """

    since: float
    names: tuple[str, ...] = ()
    phrases: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: str) -> "Seen":
        """Return the cursor's meaning."""
        content = json.loads(cursor)
        phrases = {str(phrase): float(since) for phrase, since in content.get("phrases", {}).items()}
        return cls(since=float(content["since"]), names=tuple(content["names"]), phrases=phrases)

    def write(self) -> str:
        """Return the cursor."""
        phrases = {"phrases": self.phrases} if self.phrases else {}
        return json.dumps({"since": self.since, "names": self.names, **phrases})

    def asked_for(self, phrases: tuple[str, ...], since: float) -> "Seen":
        """Return the cursor of a search for `phrases`, of which those that it was not asked for begin at `since`.

        One that keeps no phrases was written before any did, and counts as asked for all of them.
        """
        begins = since if self.phrases else self.since
        return replace(self, phrases={phrase: self.phrases.get(phrase, begins) for phrase in phrases})

    def knows(self, thing: dict[str, Any]) -> bool:
        """Whether `thing` is one we have had, or older than all those we remember."""
        name = _name_of(thing)
        created = _data_of(thing).get("created_utc")
        return (
            name in self.names
            or (isinstance(created, int | float) and created < self.since)
            or _number(name) < min((_number(known) for known in self.names if known[:3] == name[:3]), default=0)
        )

    def and_new(self, things: list[dict[str, Any]]) -> "Seen":
        """Return the cursor after `things`, newest first, were saved; every phrase was answered by then."""
        names = dict.fromkeys([_name_of(thing) for thing in things] + list(self.names))
        since = max(self.since, *self.phrases.values()) if self.phrases else self.since
        return Seen(since=since, names=tuple(names)[:MOST_REMEMBERED], phrases=dict.fromkeys(self.phrases, since))


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The unknown things of one listing, newest first, and whether the walk met something known or the very end.

    `reached` is when the oldest of them was written: where it did not meet, what is older is missing.
    """

    new: list[dict[str, Any]]
    is_met: bool
    is_empty: bool = False
    why_not: str = TOO_MANY

    @property
    def reached(self) -> datetime | None:
        created = _data_of(self.new[-1]).get("created_utc") if self.new else None
        return datetime.fromtimestamp(created, UTC) if isinstance(created, int | float) else None


async def _walk(ask: Ask, seen: Seen) -> Walk:
    new: list[dict[str, Any]] = []
    after: str | None = None
    for number in range(MOST_PAGES):
        try:
            page = await ask(after)
        except BudgetSpent as err:
            if not new:
                raise
            return Walk(new=new, is_met=False, why_not=str(err))
        fresh = [thing for thing in page.things if not seen.knows(thing)]
        new += fresh
        after = page.after
        if len(fresh) < len(page.things):
            return Walk(new=new, is_met=True)
        if not after:
            return Walk(new=new, is_met=len(new) < LISTING_REACHES, is_empty=number == 0 and not page.things)
    return Walk(new=new, is_met=False)


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
    data = _data_of(thing)
    if data.get("id"):
        return f"{thing.get('kind')}_{str(data['id']).split('_')[-1]}"
    return "?" + hashlib.sha256(json.dumps(thing, sort_keys=True).encode()).hexdigest()[:12]


def _data_of(thing: Any) -> dict[str, Any]:
    """Return what a thing holds; nothing for what is none."""
    data = thing.get("data") if isinstance(thing, dict) else None
    return data if isinstance(data, dict) else {}


def _number(name: str) -> float:
    """Return the rising number in a fullname; endless for what is no fullname, so that it is never "older"."""
    try:
        return int(name.partition("_")[2], 36)
    except ValueError:
        return float("inf")
