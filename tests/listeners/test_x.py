"""Hearing X: parsing, rules, and two sources against an emulator that misbehaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from core.clock import ManualClock
from core.config import AccountConfig
from core.errors import RateLimited, TryLater, Unreadable
from core.watch import MOST_WORD, Watch, problem_with_word
from listeners import build
from listeners.base import Batch
from listeners.x import XMentionsListener, XStreamListener, parse_page, parse_post, parse_stream_line
from listeners.x_posts import id_at, instant_of
from listeners.x_rules import SEARCH_QUERY_LENGTH, STREAM_RULE_LENGTH, make_rules
from platforms.x import XClient

if TYPE_CHECKING:
    from tests.conftest import Emulated

WATCH = Watch(account="x-main", hashtags=("acme",), keywords=("acme router",), exclude=("giveaway",))
USERS = {
    "users": [
        {"id": "7", "username": "Kari", "name": "Kari N", "public_metrics": {"followers_count": 12}},
        {"id": "8", "username": "brand"},
    ]
}


def raw_post(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1594000000000000000",
        "text": "@brand Hva skjer? #Nett &amp; strøm",
        "author_id": "7",
        "created_at": "2026-11-22T10:00:00.000Z",
        "conversation_id": "1593000000000000000",
        "lang": "no",
        **changes,
    }


# parsing


def test_a_post_is_read_in_full() -> None:
    entities = {"mentions": [{"username": "Brand"}], "hashtags": [{"tag": "Nett"}]}
    reference = [{"type": "replied_to", "id": "1593000000000000000"}]
    post = parse_post(raw_post(entities=entities, referenced_tweets=reference, in_reply_to_user_id="8"), USERS)
    assert post.text == "@brand Hva skjer? #Nett & strøm"
    assert (post.author.native_id, post.author.handle, post.author.name, post.author.followers) == (
        "7",
        "Kari",
        "Kari N",
        12,
    )
    assert (post.mentions, post.hashtags) == (frozenset({"brand"}), frozenset({"nett"}))
    assert (post.root_id, post.parent_id, post.parent_author_id) == ("1593000000000000000", "1593000000000000000", "8")
    assert post.url == "https://x.com/Kari/status/1594000000000000000"
    assert post.posted_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert post.language_hint == "no"


@pytest.mark.parametrize("written", ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z", "2026-11-22T11:00:00+01:00"])
def test_a_time_is_read_with_and_without_fractions(written: str) -> None:
    assert parse_post(raw_post(created_at=written), USERS).posted_at == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_a_post_without_a_time_was_posted_when_its_id_was_given() -> None:
    raw = raw_post()
    del raw["created_at"]
    assert parse_post(raw, USERS).posted_at == instant_of("1594000000000000000")


def test_mentions_and_hashtags_are_found_in_the_text_where_none_are_listed() -> None:
    post = parse_post(raw_post(text="mail me@example.com @Brand, @kari_2 #Strøm"), USERS)
    assert (post.mentions, post.hashtags) == (frozenset({"brand", "kari_2"}), frozenset({"strøm"}))


def test_a_long_post_is_read_from_its_note() -> None:
    note = {"text": "all of it &lt;3", "entities": {"mentions": [{"username": "Brand"}]}}
    post = parse_post(raw_post(text="all…", note_tweet=note), USERS)
    assert (post.text, post.mentions) == ("all of it <3", frozenset({"brand"}))


def test_whom_a_post_quotes_or_repeats_is_read_from_the_includes() -> None:
    includes = {**USERS, "tweets": [{"id": "5", "author_id": "8"}]}
    quote = parse_post(raw_post(referenced_tweets=[{"type": "quoted", "id": "5"}]), includes)
    repost = parse_post(raw_post(referenced_tweets=[{"type": "retweeted", "id": "5"}]), includes)
    assert (quote.quoted_author_id, quote.is_repost) == ("8", False)
    assert (repost.quoted_author_id, repost.is_repost) == ("8", True)


def test_an_author_x_did_not_include_still_has_an_id_and_a_link() -> None:
    post = parse_post(raw_post(), {})
    assert (post.author.native_id, post.author.handle) == ("7", "")
    assert post.url == "https://x.com/i/status/1594000000000000000"


@pytest.mark.parametrize("missing", ["id", "text", "author_id"])
def test_a_post_without_what_matters_is_unreadable_and_keeps_its_raw(missing: str) -> None:
    raw = raw_post()
    del raw[missing]
    with pytest.raises(Unreadable) as caught:
        parse_post(raw, USERS, account="x-main")
    assert json.loads(caught.value.raw) == raw


@pytest.mark.parametrize("raw", [None, [], "text", 3, {"id": "x", "text": "", "author_id": "7"}])
def test_anything_else_is_unreadable(raw: Any) -> None:
    with pytest.raises(Unreadable):
        parse_post(raw, {})


def test_one_unreadable_post_does_not_spoil_its_page() -> None:
    newer, older = raw_post(id="1594000000000000002"), raw_post(id="1594000000000000001")
    parsed = parse_page({"data": [newer, {"id": "1"}, older], "includes": USERS})
    assert [post.native_id for post in parsed.posts] == ["1594000000000000001", "1594000000000000002"]
    assert len(parsed.unreadable) == 1


@pytest.mark.parametrize("line", [b"", b"\r\n", b'{"errors":[{"title":"x"}]}', b'{"meta":{}}'])
def test_a_line_without_a_post_is_nothing(line: bytes) -> None:
    assert parse_stream_line(line) is None


@pytest.mark.parametrize("line", [b'{"data": {"id"', b"<html>", b"[]", b"\xff\xfe"])
def test_a_broken_line_is_unreadable(line: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_stream_line(line)


def test_ids_and_instants_turn_into_each_other() -> None:
    instant = datetime(2026, 11, 22, 10, 0, 0, 500_000, tzinfo=UTC)
    assert abs(instant_of(str(id_at(instant))) - instant) < timedelta(milliseconds=2)


# rules


def test_a_watch_becomes_a_rule() -> None:
    (rule,) = make_rules("@brand", (WATCH,), longest=1024)
    assert rule == '(@brand OR #acme OR "acme router") -"giveaway" -is:retweet'


def test_a_watch_too_long_for_one_rule_is_split_without_losing_a_word() -> None:
    words = tuple(f"a rather long keyword number {number}" for number in range(60))
    rules = make_rules("brand", (Watch(account="x", keywords=words, exclude=("spam",)),), longest=512)
    assert all(len(rule) <= 512 and rule.endswith(' -"spam" -is:retweet') for rule in rules)
    assert all(any(f'"{word}"' in rule for rule in rules) for word in words)


def test_more_exclusions_than_fit_are_left_to_match() -> None:
    watch = Watch(account="x", exclude=tuple(f"excluded word {number}" for number in range(100)))
    assert all(len(rule) <= 512 for rule in make_rules("brand", (watch,), longest=512))


@pytest.mark.parametrize("longest", [STREAM_RULE_LENGTH, SEARCH_QUERY_LENGTH])
def test_any_word_a_watch_may_have_fits_xs_rules_and_searches(longest: int) -> None:
    words = tuple(letter * MOST_WORD for letter in "abc")
    assert not any(map(problem_with_word, words))
    for exclude in ((), words, tuple(f"exclude{number:02}" for number in range(90))):
        watch = Watch(account="x", keywords=words, hashtags=words, exclude=exclude)
        assert all(len(rule) <= longest for rule in make_rules("b" * 15, (watch,), longest=longest))


def test_a_watch_of_nothing_makes_no_rule() -> None:
    nothing = Watch(account="x", mentions=False, keywords=('"', " "), hashtags=("#",))
    assert make_rules("brand", (nothing,), longest=1024) == ()


# sources


@pytest.fixture
async def stream(x_account: AccountConfig) -> AsyncIterator[XStreamListener]:
    listener = XStreamListener(XClient(x_account, timeout_seconds=3.0, quiet_seconds=2.0), (WATCH,))
    yield listener
    await listener.close()


@pytest.fixture
async def mentions(x_account: AccountConfig) -> AsyncIterator[XMentionsListener]:
    listener = XMentionsListener(XClient(x_account, timeout_seconds=3.0))
    yield listener
    await listener.close()


async def fetch_until(listener: XStreamListener, cursor: str | None, count: int) -> Batch:
    """Fetch until `count` posts or unreadable lines have come, as one batch."""
    batch = Batch(cursor=cursor)
    async with asyncio.timeout(20):
        while len(batch.posts) + len(batch.unreadable) < count:
            more = await listener.fetch(batch.cursor)
            batch = replace(more, posts=batch.posts + more.posts, unreadable=batch.unreadable + more.unreadable)
    return batch


def test_an_account_gets_the_sources_its_watches_need(x_account: AccountConfig) -> None:
    only_words = Watch(account="x-main", mentions=False, keywords=("acme",))
    assert [listener.source for listener in build(x_account, (WATCH,))] == ["stream", "mentions"]
    assert [listener.source for listener in build(x_account, (only_words,))] == ["stream"]
    assert build(x_account, (replace(WATCH, account="another"),)) == []


async def test_we_know_who_we_are(mentions: XMentionsListener) -> None:
    us = await mentions.identify()
    assert (us.account, us.handle) == ("x-main", "brand")
    assert us.native_id.isdigit()


async def test_mentions_are_heard_once_and_the_cursor_never_moves_back(
    mentions: XMentionsListener, emulated_x: Emulated
) -> None:
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    await emulated_x.post("kari", "@brand too old for a first ask", at=long_ago)
    first = await emulated_x.post("kari", "@brand help")
    heard = await mentions.fetch(None)
    assert [post.native_id for post in heard.posts] == [first]
    second = await emulated_x.post("ola", "@brand me too")
    again = await mentions.fetch(heard.cursor)
    assert [post.native_id for post in again.posts] == [second]
    quiet = await mentions.fetch(again.cursor)
    assert (quiet.posts, quiet.cursor) == ((), second)


async def test_where_nothing_was_heard_yet_the_cursor_says_since_when(mentions: XMentionsListener) -> None:
    cursor = (await mentions.fetch(None)).cursor
    assert cursor is not None
    assert cursor.startswith("since ")
    assert (await mentions.fetch(cursor)).cursor == cursor


async def test_a_first_start_reaches_back_one_hour_and_no_further(
    stream: XStreamListener, emulated_x: Emulated
) -> None:
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    await emulated_x.post("kari", "@brand too old for a first ask", at=long_ago)
    before = await emulated_x.post("kari", "@brand from before")
    first = await stream.fetch(None)
    assert ([post.native_id for post in first.posts], first.is_backfill) == ([before], True)
    post_id = await emulated_x.post("kari", "@brand live")
    batch = await fetch_until(stream, first.cursor, 1)
    assert [post.native_id for post in batch.posts] == [post_id]
    assert (batch.cursor, batch.is_backfill) == (post_id, False)


async def test_a_restart_after_nothing_but_silence_backfills_from_the_first_start(
    stream: XStreamListener, emulated_x: Emulated
) -> None:
    cursor = (await stream.fetch(None)).cursor
    await stream.close()
    missed = await emulated_x.post("kari", "@brand while you were away")
    batch = await stream.fetch(cursor)
    assert ([post.native_id for post in batch.posts], batch.is_backfill) == ([missed], True)


async def test_a_restart_backfills_from_the_cursor_then_goes_on_live(
    stream: XStreamListener, emulated_x: Emulated
) -> None:
    seen = await emulated_x.post("kari", "@brand seen")
    missed = await emulated_x.post("kari", "my acme router is down")
    batch = await stream.fetch(seen)
    assert batch.is_backfill
    assert missed in [post.native_id for post in batch.posts]
    assert (batch.cursor, batch.gap) == (missed, None)
    live = await emulated_x.post("kari", "#acme is back")
    assert [post.native_id for post in (await fetch_until(stream, batch.cursor, 1)).posts] == [live]


async def test_nothing_is_lost_over_a_lost_connection(stream: XStreamListener, emulated_x: Emulated) -> None:
    await stream.fetch(None)
    before = await emulated_x.post("kari", "@brand before")
    batch = await fetch_until(stream, None, 1)
    await emulated_x.faults({"on": "stream", "do": "reset"})
    with pytest.raises(TryLater):
        await fetch_until(stream, batch.cursor, 1)
    missed = await emulated_x.post("kari", "@brand missed")
    again = await stream.fetch(batch.cursor)
    assert again.is_backfill
    assert {post.native_id for post in again.posts} == {before, missed}  # one minute of overlap, stored once
    assert again.cursor == missed


async def test_a_connection_lost_before_anything_was_heard_is_backfilled_too(
    stream: XStreamListener, emulated_x: Emulated
) -> None:
    await stream.fetch(None)
    await emulated_x.faults({"on": "stream", "do": "reset"})
    with pytest.raises(TryLater):
        await fetch_until(stream, None, 1)
    missed = await emulated_x.post("kari", "@brand missed")
    assert [post.native_id for post in (await stream.fetch(None)).posts] == [missed]


async def test_a_doubted_stream_connects_anew_and_backfills(stream: XStreamListener, emulated_x: Emulated) -> None:
    first = await stream.fetch(None)
    await emulated_x.faults({"on": "stream", "do": "deaf", "seconds": 1})
    missed = await emulated_x.post("kari", "@brand while we stood still")
    stream.doubt()
    async with asyncio.timeout(20):
        while True:
            try:
                batch = await stream.fetch(first.cursor)
                break
            except RateLimited:
                # The old connection's place is not free yet.
                await asyncio.sleep(0.2)
    assert batch.is_backfill
    assert [post.native_id for post in batch.posts] == [missed]


async def test_a_batch_that_was_not_saved_is_asked_for_again(stream: XStreamListener, emulated_x: Emulated) -> None:
    await stream.fetch(None)
    saved = await emulated_x.post("kari", "@brand saved")
    batch = await fetch_until(stream, None, 1)
    lost = await emulated_x.post("kari", "@brand lost with the database")
    await fetch_until(stream, batch.cursor, 1)
    again = await stream.fetch(saved)
    assert lost in [post.native_id for post in again.posts]


async def test_away_for_longer_than_search_reaches_is_a_gap(x_account: AccountConfig, emulated_x: Emulated) -> None:
    await emulated_x.post("kari", "@brand lately")
    listener = XStreamListener(XClient(x_account), (WATCH,))
    batch = await listener.fetch(str(id_at(datetime.now(UTC) - timedelta(days=9))))
    assert batch.gap is not None
    assert "7 days" in batch.gap
    assert len(batch.posts) == 1
    await listener.close()


async def test_a_long_silence_while_connected_is_no_gap(x_account: AccountConfig, emulated_x: Emulated) -> None:
    # The clock stands where the silence ends: the cursor is old, the connection was up all the while.
    listener = XStreamListener(XClient(x_account), (WATCH,), ManualClock(datetime.now(UTC)))
    old = str(id_at(datetime.now(UTC) - timedelta(days=9)))
    await listener.fetch(old)
    await emulated_x.faults({"on": "stream", "do": "close"})
    with pytest.raises(TryLater):
        await fetch_until(listener, old, 1)
    assert (await listener.fetch(old)).gap is None
    await listener.close()


@pytest.mark.parametrize("fault", ["garbage", "truncate"])
async def test_a_broken_line_is_counted_and_hearing_goes_on(
    stream: XStreamListener, emulated_x: Emulated, fault: str
) -> None:
    await stream.fetch(None)
    await emulated_x.faults({"on": "stream", "do": fault})
    assert len((await fetch_until(stream, None, 1)).unreadable) == 1


async def test_a_stream_that_keeps_dying_young_asks_for_longer_pauses(
    stream: XStreamListener, emulated_x: Emulated
) -> None:
    waits: list[float] = []
    for _ in range(3):
        await stream.fetch(None)
        await emulated_x.faults({"on": "stream", "do": "close"})
        with pytest.raises(TryLater) as caught:
            await fetch_until(stream, None, 1)
        waits.append(caught.value.wait_seconds or 0.0)
    assert waits == [2.0, 4.0, 8.0]
    assert len(await emulated_x.fired()) == 3  # three connects, three ends: never one more


async def test_a_stall_ends_the_connection(stream: XStreamListener, emulated_x: Emulated) -> None:
    await stream.fetch(None)
    await emulated_x.faults({"on": "stream", "do": "stall", "seconds": 30})
    with pytest.raises(TryLater, match="nothing on X's stream"):
        await fetch_until(stream, None, 1)


async def test_a_rate_limited_connect_waits_as_x_says(stream: XStreamListener, emulated_x: Emulated) -> None:
    await emulated_x.faults({"on": "stream", "do": "rate_limit", "seconds": 100})
    with pytest.raises(RateLimited) as caught:
        await stream.fetch(None)
    assert (caught.value.wait_seconds or 0) > 90
