"""The emulated Reddit, asked by the real asyncpraw."""

import asyncio
import base64
from importlib import import_module
from typing import Any

import aiohttp
import pytest
from asyncpraw.exceptions import RedditAPIException
from asyncprawcore.exceptions import Forbidden, OAuthException, ResponseException

from emulators import reddit
from emulators.serve import Server
from emulators.world import World

asyncpraw: Any = import_module("asyncpraw")

# asyncprawcore 4.0.0 uses what aiohttp 3.14 has deprecated
pytestmark = pytest.mark.filterwarnings(
    "ignore:BasicAuth is deprecated:DeprecationWarning", "ignore:The 'auth' parameter:DeprecationWarning"
)


async def _newest(praw: Any, subreddit: str, **params: Any) -> list[Any]:
    place = await praw.subreddit(subreddit)
    return [c async for c in place.comments(limit=params.pop("limit", 100), params=params)]


async def test_a_comment_reaches_the_real_client_under_the_daily_thread(reddit_sandbox: Any, praw: Any) -> None:
    post_id = await reddit_sandbox.write("u/kari_h", "u/brand hvor er pakken? <3 & æøå")
    (comment,) = await _newest(praw, "sandbox")
    assert f"t1_{comment.id}" == post_id == comment.fullname
    assert (comment.author.name, comment.body) == ("kari_h", "u/brand hvor er pakken? <3 & æøå")
    assert comment.link_title.startswith("Daily thread")
    assert comment.parent_id == comment.link_id
    assert comment.subreddit.display_name == "sandbox"
    assert comment.edited is False


async def test_before_gives_the_items_nearest_the_anchor_newest_first(reddit_sandbox: Any, praw: Any) -> None:
    written = [await reddit_sandbox.write("kari_h", f"nr {i}") for i in range(12)]
    found = await _newest(praw, "sandbox", limit=5, before=written[2])
    assert [c.fullname for c in found] == written[3:8][::-1]
    found = await _newest(praw, "sandbox", limit=5, after=written[2])
    assert [c.fullname for c in found] == written[:2][::-1]
    await reddit_sandbox.ask("DELETE", f"posts/{written[2]}")
    assert await _newest(praw, "sandbox", before=written[2]) == []


async def test_a_stream_resumes_from_its_last_comment_and_misses_none(reddit_sandbox: Any, praw: Any) -> None:
    written = [await reddit_sandbox.write("kari_h", f"nr {i}", subreddit="one" if i % 2 else "two") for i in range(250)]
    place = await praw.subreddit("one+two")
    heard = []
    async with asyncio.timeout(20):
        async for comment in place.stream.comments(continue_after_id=written[9]):
            heard.append(comment.fullname)
            if len(heard) == 240:
                break
    assert heard == written[10:]


async def test_a_listing_ends_at_a_thousand(reddit_sandbox: Any, praw: Any) -> None:
    for i in range(1010):
        await reddit_sandbox.write("kari_h", f"nr {i}")
    assert len(await _newest(praw, "sandbox", limit=None)) == 1000


async def test_our_answer_is_found_by_refreshing_what_it_answers(reddit_sandbox: Any, praw: Any) -> None:
    asked = await reddit_sandbox.write("kari_h", "u/brand hallo?")
    comment = await praw.comment(asked.removeprefix("t1_"))
    answer = await comment.reply("Hei Kari & co!")
    assert (answer.parent_id, answer.author.name, answer.body) == (asked, "brand", "Hei Kari & co!")
    await reddit_sandbox.write("ola_m", "samme her", in_reply_to=answer.id)
    deeper = await praw.comment(answer.id)
    await deeper.refresh()
    assert [r.body for r in deeper.replies] == ["samme her"]
    await comment.refresh()
    assert [(r.author.name, r.body) for r in comment.replies] == [("brand", "Hei Kari & co!")]
    me = await praw.redditor("brand")
    assert [c.parent_id async for c in me.comments.new()] == [asked]


async def test_the_inbox_tells_mentions_from_replies_and_remembers_what_was_read(
    reddit_sandbox: Any, praw: Any
) -> None:
    asked = await reddit_sandbox.write("kari_h", "hei /u/Brand, hvor er pakken?")
    await reddit_sandbox.write("ola_m", "u/brandon is another, and brand is no mention")
    comment = await praw.comment(asked.removeprefix("t1_"))
    answer = await comment.reply("Hei!")
    thanks = await reddit_sandbox.write("kari_h", "takk u/brand", in_reply_to=answer.fullname)
    assert [m.fullname async for m in praw.inbox.mentions()] == [asked]
    assert [(m.fullname, m.type) async for m in praw.inbox.all()] == [
        (thanks, "comment_reply"),
        (asked, "username_mention"),
    ]
    (mention,) = [m async for m in praw.inbox.mentions()]
    await mention.mark_read()
    assert [m.fullname async for m in praw.inbox.unread()] == [thanks]
    await mention.refresh()
    assert [r.body for r in mention.replies] == ["Hei!"]


async def test_submissions_are_new_searchable_and_answerable(reddit_sandbox: Any, praw: Any) -> None:
    made = await reddit_sandbox.write(
        "kari_h", "Er brand nede?\nFår ikke logget inn.", kind="submission", subreddit="norge"
    )
    await reddit_sandbox.write("ola_m", "Noe helt annet", kind="submission", subreddit="norge")
    place = await praw.subreddit("norge")
    assert [s.title async for s in place.new()] == ["Noe helt annet", "Er brand nede?"]
    (found,) = [s async for s in place.search("brand", sort="new")]
    assert (found.fullname, found.selftext) == (made, "Får ikke logget inn.")
    everywhere = await praw.subreddit("all")
    assert [s.fullname async for s in everywhere.search("logget")] == [made]
    await found.reply("Vi ser på det.")
    thread = await praw.submission(found.id)
    assert [c.body for c in thread.comments.list()] == ["Vi ser på det."]


async def test_what_is_deleted_shows_as_deleted_and_leaves_the_listings(reddit_sandbox: Any, praw: Any) -> None:
    asked = await reddit_sandbox.write("kari_h", "u/brand hallo?")
    await reddit_sandbox.write("ola_m", "samme her", in_reply_to=asked)
    status, _ = await reddit_sandbox.ask("DELETE", f"posts/{asked.removeprefix('t1_')}")
    assert status == 200
    (shown,) = [c async for c in praw.info(fullnames=[asked])]
    assert (shown.author, shown.body) == (None, "[deleted]")
    assert asked not in [c.fullname for c in await _newest(praw, "sandbox")]
    with pytest.raises(RedditAPIException) as refused:
        await shown.reply("Hei!")
    assert refused.value.items[0].error_type == "DELETED_COMMENT"


async def test_locked_threads_and_long_texts_are_refused_with_http_200(reddit_sandbox: Any, praw: Any) -> None:
    locked = await reddit_sandbox.write("mod_x", "Låst", kind="submission", locked=True)
    under = await reddit_sandbox.write("kari_h", "u/brand", in_reply_to=locked)
    free = await reddit_sandbox.write("kari_h", "u/brand hei")
    for post_id, text, word in (
        (under, "Hei", "THREAD_LOCKED"),
        (free, "a" * 10_001, "TOO_LONG"),
        (free, " ", "NO_TEXT"),
    ):
        comment = await praw.comment(post_id.removeprefix("t1_"), fetch=False)
        with pytest.raises(RedditAPIException) as refused:
            await comment.reply(text)
        assert refused.value.items[0].error_type == word


async def test_we_can_delete_our_own_comment_but_nobody_elses(reddit_sandbox: Any, praw: Any) -> None:
    asked = await praw.comment((await reddit_sandbox.write("kari_h", "u/brand hei")).removeprefix("t1_"))
    answer = await asked.reply("Hei!")
    await answer.delete()
    with pytest.raises(Forbidden):
        await asked.delete()
    _, posts = await reddit_sandbox.ask("GET", "posts")
    assert [(p["deleted"], p["ours"]) for p in posts[1:]] == [(False, False), (True, True)]


async def test_the_account_of_the_password_grant_is_ours(reddit_sandbox: Any) -> None:
    async with _praw(reddit_sandbox.url, username="brand_help", password="pw") as praw:
        me = await praw.user.me()
        assert me.name == "brand_help"
        asked = await praw.comment((await reddit_sandbox.write("kari_h", "hei")).removeprefix("t1_"))
        await asked.reply("Hei!")
        author = await praw.redditor("kari_h")
        await author.load()
        assert author.has_verified_email
        place = await praw.subreddit("sandbox")
        await place.load()
        assert place.subscribers == 4200
    _, posts = await reddit_sandbox.ask("GET", "posts")
    assert [(p["author"], p["ours"]) for p in posts][-1] == ("brand_help", True)


def _praw(url: str, **credentials: str) -> Any:
    given = {"client_id": "id", "client_secret": "secret", "user_agent": "test:genlyd:0 (by /u/brand)"} | credentials
    return asyncpraw.Reddit(reddit_url=url, oauth_url=url, check_for_updates=False, **given)


async def test_wrong_credentials_are_refused_as_reddit_refuses_them(reddit_sandbox: Any) -> None:
    async with _praw(reddit_sandbox.url, username="brand", password="wrong") as praw:
        with pytest.raises(OAuthException, match="invalid_grant"):
            await praw.user.me()
    async with _praw(reddit_sandbox.url, client_secret="revoked", username="brand", password="pw") as praw:
        with pytest.raises(ResponseException) as refused:
            await praw.user.me()
        assert refused.value.response.status == 401
    async with _praw(reddit_sandbox.url, refresh_token="expired") as praw:
        with pytest.raises(ResponseException) as refused:
            await praw.user.me()
        assert refused.value.response.status == 400


async def test_a_refresh_token_speaks_for_the_brand_and_an_app_alone_for_nobody(reddit_sandbox: Any) -> None:
    async with _praw(reddit_sandbox.url, refresh_token="kept") as praw:
        assert (await praw.user.me()).name == "brand"
    async with _praw(reddit_sandbox.url) as praw:
        post_id = await reddit_sandbox.write("kari_h", "hei")
        (comment,) = await _newest(praw, "sandbox")
        assert comment.fullname == post_id
        with pytest.raises(RedditAPIException) as refused:
            await comment.reply("Hei!")
        assert refused.value.items[0].error_type == "USER_REQUIRED"


async def test_the_window_of_a_thousand_calls_is_told_and_enforced(session: aiohttp.ClientSession) -> None:
    headers = {"Authorization": "Bearer token-from-before-a-restart"}
    async with Server(reddit.make_app(World("reddit"))) as server:
        for used in range(1, 1002):
            async with session.get(f"{server.url}/api/v1/me", headers=headers) as response:
                assert response.status == (200 if used <= 1000 else 429)
                told = [response.headers[f"x-ratelimit-{name}"] for name in ("used", "remaining")]
                assert told == [str(used), f"{max(0, 1000 - used)}.0"]
                assert 570 <= int(response.headers["x-ratelimit-reset"]) <= 600


async def test_texts_are_escaped_unless_raw_json_is_asked_for(
    reddit_sandbox: Any, session: aiohttp.ClientSession
) -> None:
    await reddit_sandbox.write("kari_h", "a < b & c")
    headers = {"Authorization": "Bearer token-from-before-a-restart"}
    async with session.get(f"{reddit_sandbox.url}/r/sandbox/comments", headers=headers) as response:
        body = await response.json()
        assert body["data"]["children"][0]["data"]["body"] == "a &lt; b &amp; c"
    async with session.get(f"{reddit_sandbox.url}/r/sandbox/comments") as response:
        assert response.status == 401
    basic = base64.b64encode(b"id:").decode()
    token_url = f"{reddit_sandbox.url}/api/v1/access_token"
    async with session.post(token_url, headers={"Authorization": f"Basic {basic}"}) as response:
        assert response.status == 401


async def test_bad_sandbox_input_is_explained(reddit_sandbox: Any) -> None:
    for body in ({"author": "x", "text": "a"}, {"author": "kari_h", "text": "a", "kind": "poll"},
                 {"author": "kari_h", "text": "a", "in_reply_to": "t1_nope"}):  # fmt: skip
        status, said = await reddit_sandbox.ask("POST", "posts", body)
        assert status == 400
        assert said["error"]
    assert (await reddit_sandbox.ask("DELETE", "posts/t1_nope"))[0] == 404
