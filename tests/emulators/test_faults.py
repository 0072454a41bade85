"""Every fault of the plan, met by the real clients; each must be on record as fired."""

import asyncio
import time
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import aiohttp
import pytest
from asyncpraw.exceptions import RedditAPIException
from asyncprawcore.exceptions import TooManyRequests

tweepy: Any = import_module("tweepy")

# asyncprawcore 4.0.0 uses what aiohttp 3.14 has deprecated
pytestmark = pytest.mark.filterwarnings(
    "ignore:BasicAuth is deprecated:DeprecationWarning", "ignore:The 'auth' parameter:DeprecationWarning"
)

BEARER = {"Authorization": "Bearer t"}


async def _stored(sandbox: Any) -> list[str]:
    _, posts = await sandbox.ask("GET", "posts")
    return [p["text"] for p in posts if p["ours"]]


async def test_an_error_status_comes_in_the_platforms_own_words(x_sandbox: Any, tweepy_client: Any) -> None:
    await x_sandbox.plan({"on": "create", "do": "status", "status": 503, "times": 2, "after": 1})
    await tweepy_client.create_tweet(text="en")
    for _ in range(2):
        with pytest.raises(tweepy.TwitterServerError, match="503"):
            await tweepy_client.create_tweet(text="to")
    await tweepy_client.create_tweet(text="tre")
    assert await _stored(x_sandbox) == ["en", "tre"]
    assert await x_sandbox.fired() == [2]


async def test_an_error_can_be_a_page_of_html(x_sandbox: Any, tweepy_client: Any) -> None:
    await x_sandbox.plan({"on": "*", "do": "status", "status": 502, "html": True})
    with pytest.raises(aiohttp.ContentTypeError):
        await tweepy_client.get_me()
    assert await x_sandbox.fired() == [1]


async def test_a_post_can_be_stored_although_the_answer_is_an_error(x_sandbox: Any, tweepy_client: Any) -> None:
    await x_sandbox.plan({"on": "create", "do": "status_after", "status": 500})
    with pytest.raises(tweepy.TwitterServerError):
        await tweepy_client.create_tweet(text="en")
    assert await _stored(x_sandbox) == ["en"]
    assert await x_sandbox.fired() == [1]


@pytest.mark.parametrize(
    ("fault", "is_stored", "error"),
    [
        ("hang", False, TimeoutError),
        ("hang_after", True, TimeoutError),
        ("drop", False, aiohttp.ServerDisconnectedError),
        ("drop_after", True, aiohttp.ServerDisconnectedError),
    ],
)
async def test_an_answer_that_never_comes_says_nothing_about_the_post(
    x_sandbox: Any, tweepy_client: Any, fault: str, error: type[Exception], *, is_stored: bool
) -> None:
    await x_sandbox.plan({"on": "create", "do": fault})
    with pytest.raises(error):
        async with asyncio.timeout(0.4):
            await tweepy_client.create_tweet(text="en")
    assert await _stored(x_sandbox) == (["en"] if is_stored else [])
    assert await x_sandbox.fired() == [1]


async def test_a_rate_limit_tells_when_it_ends_unless_it_is_bare(x_sandbox: Any, tweepy_client: Any) -> None:
    await x_sandbox.plan(
        {"on": "search", "do": "rate_limit", "seconds": 30}, {"on": "search", "do": "rate_limit_bare", "times": 1}
    )
    with pytest.raises(tweepy.TooManyRequests) as told:
        await tweepy_client.search_recent_tweets("brand")
    assert 25 < told.value.reset_time - time.time() < 35
    with pytest.raises(tweepy.TooManyRequests) as bare:
        await tweepy_client.search_recent_tweets("brand")
    assert bare.value.reset_time is None
    await tweepy_client.search_recent_tweets("brand")
    assert await x_sandbox.fired() == [1, 1]


async def test_an_unknown_plan_is_refused_whole_and_lists_what_is_known(x_sandbox: Any, reddit_sandbox: Any) -> None:
    good = {"on": "create", "do": "drop"}
    for bad, known in (
        ({"on": "nowhere", "do": "drop"}, "user_tweets"), ({"on": "create", "do": "explode"}, "hang_after"),
        ({"on": "create", "do": "drop", "color": 1}, "seconds"), ({"on": "create", "do": "drop", "times": 0}, "times"),
        ({"on": "create", "do": "stall"}, "stream"), ({"on": "create", "do": "status", "status": 200}, "status"),
    ):  # fmt: skip
        status, said = await x_sandbox.ask("POST", "faults", [good, bad])
        assert status == 400
        assert known in said["error"]
    assert (await x_sandbox.ask("POST", "faults", "?"))[0] == 400
    assert (await x_sandbox.ask("GET", "faults"))[1] == []
    assert (await reddit_sandbox.ask("POST", "faults", [{"on": "comments", "do": "close"}]))[0] == 400


async def test_a_plan_can_be_wrapped_and_cleared(x_sandbox: Any) -> None:
    status, planned = await x_sandbox.ask("POST", "faults", {"faults": [{"on": "me", "do": "drop"}]})
    assert (status, planned[0]["fired"]) == (201, 0)
    await x_sandbox.ask("DELETE", "faults")
    assert (await x_sandbox.ask("GET", "faults"))[1] == []


# the stream


@pytest.fixture
async def stream(x_sandbox: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    rules = {"add": [{"value": "brand", "tag": "t"}]}
    async with x_sandbox.session.post(
        f"{x_sandbox.url}/2/tweets/search/stream/rules", headers=BEARER, json=rules
    ) as response:
        assert response.status == 201
    async with x_sandbox.session.get(f"{x_sandbox.url}/2/tweets/search/stream", headers=BEARER) as response:
        assert await response.content.readline() == b"\r\n"
        yield response


async def _line(stream: aiohttp.ClientResponse) -> bytes:
    """The next line that is no heartbeat; empty at the end."""
    async with asyncio.timeout(5):
        while (line := await stream.content.readline()) == b"\r\n":
            pass
    return line


async def test_a_stream_ends_cleanly_after_the_posts_let_through(
    x_sandbox: Any, stream: aiohttp.ClientResponse
) -> None:
    await x_sandbox.plan({"on": "stream", "do": "close", "after": 2})
    for i in range(3):
        await x_sandbox.write("kari_h", f"brand {i}")
    assert [b"brand 0" in await _line(stream), b"brand 1" in await _line(stream)] == [True, True]
    assert await _line(stream) == b""
    assert await x_sandbox.fired() == [1]


async def test_a_stream_is_reset(x_sandbox: Any, stream: aiohttp.ClientResponse) -> None:
    await x_sandbox.plan({"on": "stream", "do": "reset"})
    with pytest.raises(aiohttp.ClientError):
        await _line(stream)
    assert await x_sandbox.fired() == [1]


async def test_a_stalled_stream_sends_nothing_and_then_goes_on(x_sandbox: Any, stream: aiohttp.ClientResponse) -> None:
    await x_sandbox.plan({"on": "stream", "do": "stall", "seconds": 1})
    await asyncio.sleep(0.1)
    while not stream.content.at_eof() and stream.content.total_raw_bytes and stream.content._size:
        await stream.content.readany()
    await x_sandbox.write("kari_h", "brand")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await stream.content.readany()
    assert b"brand" in await _line(stream)
    assert await x_sandbox.fired() == [1]


async def test_garbage_comes_between_good_lines(x_sandbox: Any, stream: aiohttp.ClientResponse) -> None:
    await x_sandbox.plan({"on": "stream", "do": "garbage", "times": 2})
    await x_sandbox.write("kari_h", "brand")
    lines = [await _line(stream) for _ in range(3)]
    assert [line.startswith(b"<<") for line in lines] == [True, True, False]
    assert await x_sandbox.fired() == [2]


async def test_an_operational_disconnect_is_said_in_the_stream(x_sandbox: Any, stream: aiohttp.ClientResponse) -> None:
    await x_sandbox.plan({"on": "stream", "do": "disconnect_error"})
    assert b"operational-disconnect" in await _line(stream)
    assert await _line(stream) == b""
    assert await x_sandbox.fired() == [1]


async def test_the_last_line_is_cut_in_half(x_sandbox: Any, stream: aiohttp.ClientResponse) -> None:
    await x_sandbox.plan({"on": "stream", "do": "truncate"})
    line = await _line(stream)
    assert line.startswith(b'{"data"')
    assert not line.endswith(b"\n")
    assert await _line(stream) == b""
    assert await x_sandbox.fired() == [1]


async def test_a_connect_to_the_stream_can_fail_like_any_call(x_sandbox: Any, stream: aiohttp.ClientResponse) -> None:
    stream.close()
    await x_sandbox.plan({"on": "stream", "do": "status", "status": 503})
    async with x_sandbox.session.get(f"{x_sandbox.url}/2/tweets/search/stream", headers=BEARER) as response:
        assert response.status == 503
    assert await x_sandbox.fired() == [1]


# Reddit


async def test_a_503_after_a_stored_comment_makes_the_real_client_send_it_twice(reddit_sandbox: Any, praw: Any) -> None:
    comment = await praw.comment((await reddit_sandbox.write("kari_h", "u/brand")).removeprefix("t1_"))
    await reddit_sandbox.plan({"on": "comment", "do": "status_after", "status": 503})
    await comment.reply("Hei!")
    assert await _stored(reddit_sandbox) == ["Hei!", "Hei!"]
    assert await reddit_sandbox.fired() == [1]


async def test_reddits_own_ratelimit_error_names_the_wait(reddit_sandbox: Any, praw: Any) -> None:
    comment = await praw.comment((await reddit_sandbox.write("kari_h", "u/brand")).removeprefix("t1_"))
    await reddit_sandbox.plan({"on": "comment", "do": "api_error", "seconds": 540})
    with pytest.raises(RedditAPIException, match="9 minutes") as refused:
        await comment.reply("Hei!")
    assert refused.value.items[0].error_type == "RATELIMIT"
    assert await _stored(reddit_sandbox) == []
    assert await reddit_sandbox.fired() == [1]


async def test_a_429_from_reddit_carries_its_headers_unless_bare(reddit_sandbox: Any, praw: Any) -> None:
    await praw.user.me()
    await reddit_sandbox.plan(
        {"on": "comments", "do": "rate_limit_bare"}, {"on": "comments", "do": "rate_limit", "seconds": 1}
    )
    place = await praw.subreddit("sandbox")
    waits = []
    for _ in range(2):
        with pytest.raises(TooManyRequests) as refused:
            _ = [c async for c in place.comments()]
        waits.append(refused.value.retry_after)
    assert waits == [None, "1"]
    assert await reddit_sandbox.fired() == [1, 1]


async def test_a_reddit_call_can_hang_or_be_dropped(reddit_sandbox: Any, praw: Any) -> None:
    comment = await praw.comment((await reddit_sandbox.write("kari_h", "u/brand")).removeprefix("t1_"))
    await reddit_sandbox.plan({"on": "comment", "do": "drop_after"}, {"on": "comment", "do": "hang", "seconds": 0.2})
    for text in ("Hei!", "Hallo!"):
        with pytest.raises(Exception) as lost:
            await comment.reply(text)
        assert "disconnected" in repr(lost.value).lower()
    assert await _stored(reddit_sandbox) == ["Hei!"]
    assert await reddit_sandbox.fired() == [1, 1]
