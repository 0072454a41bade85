"""Hearing Reddit: parsing, and three sources against an emulator that misbehaves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import String

from core.config import AccountConfig
from core.errors import RateLimited, TryLater, Unreadable
from core.watch import Watch
from listeners import build
from listeners.reddit import (
    MOST_REMEMBERED,
    Ask,
    RedditCommentsListener,
    RedditMentionsListener,
    RedditSearchListener,
    Seen,
    make_queries,
    parse_comment,
    parse_submission,
    parse_thing,
    phrases_of,
)
from platforms.reddit import Listing, RedditClient
from store import tables as t

if TYPE_CHECKING:
    from tests.conftest import Emulated


def raw_comment(**changes: Any) -> dict[str, Any]:
    return {
        "id": "abc",
        "author": "kari",
        "author_fullname": "t2_k",
        "body": "Hei u/Brand, &amp; @brand #Nett",
        "created_utc": 1795341600.0,
        "link_id": "t3_root",
        "parent_id": "t1_up",
        "permalink": "/r/sandbox/comments/root/title/abc/",
        "subreddit_name_prefixed": "r/sandbox",
        **changes,
    }


# parsing


def test_a_comment_is_read_in_full() -> None:
    post = parse_comment(raw_comment())
    assert post is not None
    assert (post.native_id, post.root_id, post.parent_id) == ("t1_abc", "t3_root", "t1_up")
    assert post.text == "Hei u/Brand, & @brand #Nett"
    assert (post.mentions, post.hashtags, post.place) == (frozenset({"brand"}), frozenset({"nett"}), "r/sandbox")
    assert post.url == "https://www.reddit.com/r/sandbox/comments/root/title/abc/"
    assert (post.author.native_id, post.author.handle) == ("t2_k", "kari")
    assert post.posted_at == datetime.fromtimestamp(1795341600, UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("u/Brand", True),
        ("/u/brand!", True),
        ("see example.com/u/brand", False),
        ("@brand", False),
        ("xu/brand", False),
    ],
)
def test_a_mention_is_u_slash_handle(text: str, found: bool) -> None:
    post = parse_comment(raw_comment(body=text))
    assert post is not None
    assert ("brand" in post.mentions) == found


@pytest.mark.parametrize(
    "gone", [{"author": "[deleted]"}, {"author": None}, {"body": "[removed]"}, {"body": "[deleted]"}]
)
def test_what_is_deleted_is_nothing(gone: dict[str, Any]) -> None:
    assert parse_comment(raw_comment(**gone)) is None


def test_an_inbox_message_finds_its_thread_in_its_context_and_its_parent_in_its_type() -> None:
    raw = raw_comment(type="comment_reply", context="/r/sandbox/comments/root/title/abc/?context=3")
    del raw["link_id"], raw["permalink"]
    post = parse_comment(raw, our_id="t2_us")
    assert post is not None
    assert (post.root_id, post.parent_author_id) == ("t3_root", "t2_us")
    assert post.url == "https://www.reddit.com/r/sandbox/comments/root/title/abc/"


def test_a_submission_is_its_title_and_its_text() -> None:
    raw = raw_comment(title="Down &gt; up", selftext="Again")
    post = parse_submission(raw)
    assert post is not None
    assert (post.native_id, post.root_id, post.parent_id, post.text) == ("t3_abc", "t3_abc", None, "Down > up\n\nAgain")


@pytest.mark.parametrize(("handle", "is_bot"), [("AutoModerator", True), ("tip_bot", True), ("talbot", False)])
def test_a_bot_says_so_in_its_name(handle: str, is_bot: bool) -> None:
    post = parse_comment(raw_comment(author=handle))
    assert post is not None
    assert post.author.is_bot is is_bot


@pytest.mark.parametrize("missing", ["id", "body", "created_utc"])
def test_a_comment_without_what_matters_is_unreadable_and_keeps_its_raw(missing: str) -> None:
    raw = raw_comment()
    del raw[missing]
    with pytest.raises(Unreadable) as caught:
        parse_comment(raw)
    assert json.loads(caught.value.raw) == raw


@pytest.mark.parametrize("thing", [None, [], {"kind": "t1"}, {"kind": "t1", "data": []}, {"data": {}}])
def test_anything_else_is_unreadable(thing: Any) -> None:
    with pytest.raises(Unreadable):
        parse_thing(thing)


def test_a_private_message_is_nothing() -> None:
    assert parse_thing({"kind": "t4", "data": {"body": "psst"}}) is None


def test_keywords_become_queries_that_fit() -> None:
    words = tuple(f"keyword number {number}" for number in range(60))
    queries = make_queries(phrases_of((Watch(account="r", keywords=words),)))
    assert all(len(query) <= 512 for query in queries)
    assert all(any(f'"{word}"' in query for query in queries) for word in words)


def test_a_cursor_remembers_only_the_newest_names() -> None:
    things = [{"kind": "t1", "data": {"id": f"a{number:04d}", "created_utc": 9.0}} for number in range(500, 0, -1)]
    seen = Seen.read(Seen(since=1.0).and_new(things).write())
    assert seen is not None
    assert len(seen.names) == MOST_REMEMBERED
    assert seen.names[0] == "t1_a0500"
    assert all(seen.knows(thing) for thing in things)
    assert not seen.knows({"kind": "t1", "data": {"id": "a0501", "created_utc": 9.0}})
    assert not seen.knows({"kind": "t3", "data": {"id": "1", "created_utc": 9.0}})


# sources


@pytest.fixture
async def client(reddit_account: AccountConfig) -> AsyncIterator[RedditClient]:
    client = RedditClient(reddit_account, timeout_seconds=5.0)
    yield client
    await client.close()


@pytest.fixture
def comments(client: RedditClient) -> RedditCommentsListener:
    return RedditCommentsListener(client, ("sandbox", "other"))


def test_an_account_gets_the_sources_its_watches_need(reddit_account: AccountConfig) -> None:
    watch = Watch(account="reddit-main", keywords=("acme",), subreddits=("a", "r/b", "a"))
    assert [listener.source for listener in build(reddit_account, (watch,))] == ["r/a+b", "mentions", "search"]
    assert [listener.source for listener in build(reddit_account, (replace(watch, account="x"),))] == []


def test_the_name_of_a_source_of_many_subreddits_fits_its_column(client: RedditClient) -> None:
    """PostgreSQL takes no longer one, and the source would never be heard."""
    many = tuple(f"asubreddit{number}" for number in range(50))
    sources = [RedditCommentsListener(client, some).source for some in (many, many[:-1], ("sandbox", "other"))]
    assert len(set(sources)) == 3
    assert sources[2] == "r/sandbox+other"
    for column in (t.sources.c.source, t.gaps.c.source, t.spending.c.source, t.unreadable.c.source):
        assert isinstance(column.type, String)
        assert max(map(len, sources)) == column.type.length


async def test_we_know_who_we_are(comments: RedditCommentsListener) -> None:
    us = await comments.identify()
    assert (us.account, us.handle, us.native_id[:3]) == ("reddit-main", "brand", "t2_")


async def test_comments_are_heard_once_oldest_first(
    comments: RedditCommentsListener, emulated_reddit: Emulated
) -> None:
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    await emulated_reddit.post("kari", "too old for a first ask", at=long_ago)
    first = [await emulated_reddit.post("kari", f"number {number}") for number in range(3)]
    heard = await comments.fetch(None)
    assert [post.native_id for post in heard.posts] == first
    second = await emulated_reddit.post("ola", "elsewhere", subreddit="other")
    again = await comments.fetch(heard.cursor)
    assert [post.native_id for post in again.posts] == [second]
    assert (await comments.fetch(again.cursor)).posts == ()


async def test_pages_are_walked_back_to_what_is_known(
    comments: RedditCommentsListener, emulated_reddit: Emulated
) -> None:
    await emulated_reddit.post("kari", "seen")
    cursor = (await comments.fetch(None)).cursor
    missed = [await emulated_reddit.post("kari", f"missed {number}") for number in range(230)]
    batch = await comments.fetch(cursor)
    assert [post.native_id for post in batch.posts] == missed
    assert batch.gap is None


async def test_a_deleted_anchor_loses_nothing(comments: RedditCommentsListener, emulated_reddit: Emulated) -> None:
    seen = [await emulated_reddit.post("kari", f"seen {number}") for number in range(3)]
    cursor = (await comments.fetch(None)).cursor
    missed = [await emulated_reddit.post("kari", f"missed {number}") for number in range(3)]
    for post_id in seen:
        await emulated_reddit.delete(post_id)
    batch = await comments.fetch(cursor)
    assert [post.native_id for post in batch.posts] == missed
    assert batch.gap is None


@pytest.mark.parametrize(
    "odd", [None, "t1_x", [], {}, {"kind": "t1"}, {"kind": "t1", "data": raw_comment(id="far", created_utc=1e20)}]
)
async def test_what_is_no_thing_in_a_listing_is_kept_as_unreadable_and_holds_up_nobody(
    client: RedditClient, odd: Any
) -> None:
    comment = {"kind": "t1", "data": raw_comment(created_utc=datetime.now(UTC).timestamp())}

    class Odd(RedditCommentsListener):
        def _asks(self, seen: Seen) -> tuple[tuple[Ask, Seen], ...]:
            async def ask(after: str | None) -> Listing:
                return Listing(things=(odd, comment), after=None)

            return ((ask, seen),)

    listener = Odd(client, ("sandbox",))
    batch = await listener.fetch(None)
    assert ([post.native_id for post in batch.posts], len(batch.unreadable)) == (["t1_abc"], 1)
    again = await listener.fetch(batch.cursor)
    assert (again.posts, again.unreadable) == ((), ()), "it is counted once"


async def test_more_than_a_listing_holds_is_a_gap(comments: RedditCommentsListener, emulated_reddit: Emulated) -> None:
    await emulated_reddit.post("kari", "seen")
    cursor = (await comments.fetch(None)).cursor
    for number in range(1005):
        await emulated_reddit.post("kari", f"missed {number}")
    batch = await comments.fetch(cursor)
    assert len(batch.posts) == 1000
    assert batch.gap == "more came while we were away than Reddit's listing holds"


async def test_what_is_deleted_before_we_look_is_not_heard(
    client: RedditClient, comments: RedditCommentsListener, emulated_reddit: Emulated
) -> None:
    gone = await emulated_reddit.post("kari", "regretted")
    await emulated_reddit.delete(gone)
    assert (await comments.fetch(None)).posts == ()
    (thing,) = await client.info((gone,))
    assert parse_thing(thing) is None


async def test_mentions_and_answers_to_us_are_heard(client: RedditClient, emulated_reddit: Emulated) -> None:
    listener = RedditMentionsListener(client)
    us = await listener.identify()
    mention = await emulated_reddit.post("kari", "u/brand help")
    receipt = await client.reply("We are here", mention)
    answer = await emulated_reddit.post("kari", "still down", in_reply_to=receipt.remote_id)
    await emulated_reddit.post("kari", "not to you")
    batch = await listener.fetch(None)
    assert [post.native_id for post in batch.posts] == [mention, answer]
    assert [post.parent_author_id for post in batch.posts] == [None, us.native_id]
    assert (await listener.fetch(batch.cursor)).posts == ()


async def test_keywords_are_found_in_submissions_anywhere(client: RedditClient, emulated_reddit: Emulated) -> None:
    found = await emulated_reddit.post("kari", "My acme router\nis down", kind="submission", subreddit="elsewhere")
    await emulated_reddit.post("kari", "Another make", kind="submission", subreddit="elsewhere")
    listener = RedditSearchListener(client, ("acme router", "acme box"))
    batch = await listener.fetch(None)
    assert [post.native_id for post in batch.posts] == [found]
    assert batch.posts[0].text == "My acme router\n\nis down"


async def test_a_keyword_that_joins_is_heard_from_an_hour_back_and_the_others_from_where_they_stood(
    client: RedditClient, emulated_reddit: Emulated
) -> None:
    async def submit(text: str, **ago: float) -> str:
        at = datetime.now(UTC) - timedelta(**ago)
        return await emulated_reddit.post("kari", text, kind="submission", at=at.isoformat())

    before = RedditSearchListener(client, ("acme router",))
    known = await submit("my acme router", days=50)
    heard = await before.fetch(before.first_cursor(datetime.now(UTC) - timedelta(days=60)))
    assert [post.native_id for post in heard.posts] == [known]
    await submit("bredbånd of last month", days=30)
    missed = [await submit("acme router while we were away", hours=5), await submit("bredbånd lately", minutes=30)]

    since = RedditSearchListener(client, ("acme router", "bredbånd"))
    joined = await since.fetch(heard.cursor)
    assert ([post.native_id for post in joined.posts], joined.gap) == (missed, None)
    both = await submit("bredbånd and acme router")
    again = await since.fetch(joined.cursor)
    assert [post.native_id for post in again.posts] == [both]
    assert len(since._asks(Seen.read(again.cursor or ""))) == 1, "one query finds both, once both were answered"


async def test_a_keyword_that_joins_begins_an_hour_back_however_many_others_were_heard_since(
    client: RedditClient, emulated_reddit: Emulated
) -> None:
    before = RedditSearchListener(client, ("acme router",))
    joins = await emulated_reddit.post("kari", "bredbånd", kind="submission")
    await emulated_reddit.post("kari", "my acme router", kind="submission")
    cursor = (await before.fetch(None)).cursor
    heard = await RedditSearchListener(client, ("acme router", "bredbånd")).fetch(cursor)
    assert joins in [post.native_id for post in heard.posts]


def test_a_keyword_begins_when_it_joined_and_a_cursor_of_before_keywords_were_kept_has_them_all(
    client: RedditClient,
) -> None:
    old, now, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC), datetime.now(UTC)
    written_before = json.dumps({"since": old.timestamp(), "names": ["t3_a"]})
    first = RedditSearchListener(client, ("acme",)).first_cursor(now, written_before)
    assert Seen.read(first) == Seen(since=old.timestamp(), names=("t3_a",), phrases={"acme": old.timestamp()})
    two = RedditSearchListener(client, ("acme", "bredbånd"))
    joined = two.first_cursor(now, first)
    assert Seen.read(joined).phrases == {"acme": old.timestamp(), "bredbånd": (now - timedelta(hours=1)).timestamp()}
    assert two.first_cursor(later, joined) == joined
    without = RedditSearchListener(client, ("acme",)).first_cursor(later, joined)
    assert without == first, "a keyword that left and joins again begins anew"


@pytest.mark.parametrize("fault", [{"do": "status", "status": 503, "html": True}, {"do": "drop", "times": 2}], ids=str)
async def test_a_failure_is_tried_later_and_loses_nothing(
    comments: RedditCommentsListener, emulated_reddit: Emulated, fault: dict[str, Any]
) -> None:
    cursor = (await comments.fetch(None)).cursor
    missed = await emulated_reddit.post("kari", "missed")
    await emulated_reddit.faults({"on": "comments", **fault})
    with pytest.raises(TryLater):
        await comments.fetch(cursor)
    assert [post.native_id for post in (await comments.fetch(cursor)).posts] == [missed]


async def test_a_rate_limit_is_passed_on(comments: RedditCommentsListener, emulated_reddit: Emulated) -> None:
    await comments.identify()
    await emulated_reddit.faults({"on": "comments", "do": "rate_limit", "seconds": 30})
    with pytest.raises(RateLimited):
        await comments.fetch(None)
