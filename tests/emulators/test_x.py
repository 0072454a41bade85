"""The emulated X, asked by the real tweepy."""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from typing import Any

import aiohttp
import pytest
from yarl import URL

from emulators import query, x, x_shapes
from emulators.serve import Server
from emulators.world import Ids, NewPost, World
from emulators.x_access import Secrets

tweepy: Any = import_module("tweepy")
asynchronous: Any = import_module("tweepy.asynchronous")

FIELDS = {
    "tweet_fields": ["created_at", "author_id", "conversation_id", "in_reply_to_user_id", "referenced_tweets",
                     "entities", "lang", "public_metrics"],
    "expansions": ["author_id", "referenced_tweets.id"],
    "user_fields": ["public_metrics"],
}  # fmt: skip


class Listening(asynchronous.AsyncStreamingClient):  # type: ignore[misc]
    """The real streaming client, led to the emulator, keeping what it hears."""

    session: Any

    def __init__(self, make_session: Callable[[], aiohttp.ClientSession]) -> None:
        super().__init__("app-token", max_retries=0)
        self.make_session = make_session
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def _connect(self, *args: Any, **kwargs: Any) -> None:
        if self.session is None or self.session.closed:
            self.session = self.make_session()
        await super()._connect(*args, **kwargs)

    async def on_connect(self) -> None:
        self.heard.put_nowait(("connect", None))

    async def on_keep_alive(self) -> None:
        self.heard.put_nowait(("heartbeat", None))

    async def on_response(self, response: Any) -> None:
        self.heard.put_nowait(("post", response))

    async def on_request_error(self, status_code: int) -> None:
        self.heard.put_nowait(("refused", status_code))

    async def on_errors(self, errors: Any) -> None:
        self.heard.put_nowait(("errors", errors))

    async def on_exception(self, exception: Exception) -> None:
        self.heard.put_nowait(("exception", exception))

    async def on_closed(self, resp: Any) -> None:
        self.heard.put_nowait(("closed", None))
        await asyncio.sleep(3600)

    async def on_connection_error(self) -> None:
        self.heard.put_nowait(("lost", None))
        await asyncio.sleep(3600)

    async def hear(self, *kinds: str) -> Any:
        async with asyncio.timeout(5):
            while True:
                kind, what = await self.heard.get()
                if kind in kinds:
                    return what


@pytest.fixture
async def listening(x_sandbox: Any, led_session: aiohttp.ClientSession) -> AsyncIterator[Listening]:
    middleware = led_session._middlewares
    stream = Listening(lambda: aiohttp.ClientSession(middlewares=middleware))
    yield stream
    stream.disconnect()
    if stream.task:
        await stream.task


@pytest.fixture
async def rules(led_session: aiohttp.ClientSession) -> Any:
    client = asynchronous.AsyncStreamingClient("app-token")
    client.session = led_session
    return client


async def test_a_mention_reaches_the_real_client_with_its_author_and_time(x_sandbox: Any, tweepy_client: Any) -> None:
    me = (await tweepy_client.get_me()).data
    post_id = await x_sandbox.write(
        "@kari_h", "@brand har dere noen gang svart? #brand https://example.com/a", followers=5200
    )
    page = await tweepy_client.get_users_mentions(me.id, **FIELDS)
    (post,) = page.data
    (author,) = page.includes["users"]
    assert (str(post.id), post.author_id, post.conversation_id) == (post_id, author.id, post.id)
    assert (author.username, author.public_metrics["followers_count"]) == ("kari_h", 5200)
    assert abs(time.time() - post.created_at.timestamp()) < 5
    assert post.entities["mentions"][0] == {"start": 0, "end": 6, "username": "brand", "id": str(me.id)}
    assert post.entities["hashtags"][0]["tag"] == "brand"
    assert post.lang == "no"
    assert page.meta["newest_id"] == post_id


async def test_since_id_shows_only_what_is_newer_and_an_empty_page_has_no_data(
    x_sandbox: Any, tweepy_client: Any
) -> None:
    me = (await tweepy_client.get_me()).data
    first, second = [await x_sandbox.write("kari_h", f"@brand {i}") for i in (1, 2)]
    page = await tweepy_client.get_users_mentions(me.id, since_id=first)
    assert [str(p.id) for p in page.data] == [second]
    page = await tweepy_client.get_users_mentions(me.id, since_id=second)
    assert page.data is None
    assert page.meta == {"result_count": 0}


async def test_every_mention_is_found_once_by_paging(x_sandbox: Any, tweepy_client: Any) -> None:
    me = (await tweepy_client.get_me()).data
    written = [await x_sandbox.write("kari_h", f"@brand {i}") for i in range(23)]
    found = [p async for p in _paged(tweepy_client.get_users_mentions, me.id, max_results=5)]
    assert [str(p.id) for p in found] == written[::-1]
    searched = [p async for p in _paged(tweepy_client.search_recent_tweets, "@brand", max_results=10)]
    assert [str(p.id) for p in searched] == written[::-1]


async def test_a_reply_to_a_mention_is_stored_once_and_points_at_it(x_sandbox: Any, tweepy_client: Any) -> None:
    asked = await x_sandbox.write("kari_h", "@brand hallo?")
    answer = await tweepy_client.create_tweet(text="Hei Kari!", in_reply_to_tweet_id=asked)
    _, posts = await x_sandbox.ask("GET", "posts")
    assert [(p["id"], p["parent"], p["ours"], p["text"]) for p in posts] == [
        (asked, None, False, "@brand hallo?"),
        (answer.data["id"], asked, True, "Hei Kari!"),
    ]
    me = (await tweepy_client.get_me()).data
    mine = await tweepy_client.get_users_tweets(me.id, since_id=asked, tweet_fields=["referenced_tweets"])
    assert [(r.type, str(r.id)) for r in mine.data[0].referenced_tweets] == [("replied_to", asked)]
    searched = await tweepy_client.search_recent_tweets(f"from:brand in_reply_to_tweet_id:{asked}")
    assert [str(p.id) for p in searched.data] == [answer.data["id"]]


async def test_a_persons_reply_to_us_carries_our_name_as_x_writes_it(x_sandbox: Any, tweepy_client: Any) -> None:
    asked = await x_sandbox.write("kari_h", "@brand hallo?")
    ours = (await tweepy_client.create_tweet(text="Hei!", in_reply_to_tweet_id=asked)).data["id"]
    thanks = await x_sandbox.write("kari_h", "takk!", in_reply_to=ours)
    post = (await tweepy_client.get_tweet(thanks, tweet_fields=["conversation_id", "in_reply_to_user_id"])).data
    assert post.text == "@brand takk!"
    assert str(post.conversation_id) == asked
    await tweepy_client.create_tweet(text="Bare hyggelig!", in_reply_to_tweet_id=thanks)


async def test_who_did_not_summon_us_cannot_be_answered(x_sandbox: Any, tweepy_client: Any) -> None:
    keyword = await x_sandbox.write("kari_h", "brand er håpløse #brand")
    with pytest.raises(tweepy.Forbidden):
        await tweepy_client.create_tweet(text="Hei!", in_reply_to_tweet_id=keyword)
    ours = (await tweepy_client.create_tweet(text="Nytt i butikken")).data["id"]
    quoting = await x_sandbox.write("kari_h", "se på dette", quotes=ours)
    await tweepy_client.create_tweet(text="Takk for at du deler!", in_reply_to_tweet_id=quoting)


async def test_duplicates_long_texts_and_lost_parents_are_refused(x_sandbox: Any, tweepy_client: Any) -> None:
    asked = await x_sandbox.write("kari_h", "@brand hallo?")
    await tweepy_client.create_tweet(text="Hei!", in_reply_to_tweet_id=asked)
    with pytest.raises(tweepy.Forbidden, match="duplicate content"):
        await tweepy_client.create_tweet(text="Hei!", in_reply_to_tweet_id=asked)
    with pytest.raises(tweepy.Forbidden, match="too long"):
        await tweepy_client.create_tweet(text="å" * 281, in_reply_to_tweet_id=asked)
    await tweepy_client.create_tweet(text="@kari_h " + "å" * 280, in_reply_to_tweet_id=asked)
    await x_sandbox.ask("DELETE", f"posts/{asked}")
    with pytest.raises(tweepy.Forbidden, match="deleted or not visible"):
        await tweepy_client.create_tweet(text="Er du der?", in_reply_to_tweet_id=asked)


async def test_a_deleted_post_is_gone_from_every_answer(x_sandbox: Any, tweepy_client: Any) -> None:
    me = (await tweepy_client.get_me()).data
    kept, gone = [await x_sandbox.write("kari_h", f"@brand {i}") for i in (1, 2)]
    status, _ = await x_sandbox.ask("DELETE", f"posts/{gone}")
    assert status == 200
    assert (await x_sandbox.ask("DELETE", f"posts/{gone}"))[0] == 404
    looked_up = await tweepy_client.get_tweets([kept, gone])
    assert [str(p.id) for p in looked_up.data] == [kept]
    assert looked_up.errors[0]["type"].endswith("resource-not-found")
    assert [str(p.id) for p in (await tweepy_client.get_users_mentions(me.id)).data] == [kept]
    assert (await tweepy_client.get_tweet(gone)).data is None


async def test_we_can_take_our_own_post_back_but_nobody_elses(x_sandbox: Any, tweepy_client: Any) -> None:
    ours = (await tweepy_client.create_tweet(text="ups")).data["id"]
    theirs = await x_sandbox.write("kari_h", "@brand hei")
    assert (await tweepy_client.delete_tweet(ours)).data == {"deleted": True}
    with pytest.raises(tweepy.Forbidden):
        await tweepy_client.delete_tweet(theirs)


@pytest.mark.parametrize("secret", ["wrong", "my-revoked-token", "EXPIRED"])
async def test_a_credential_that_says_it_is_wrong_is_refused(secret: str, led_session: aiohttp.ClientSession) -> None:
    client = asynchronous.AsyncClient(secret, "key", "s", secret, "s")
    client.session = led_session
    with pytest.raises(tweepy.Unauthorized):
        await client.search_recent_tweets("brand")
    with pytest.raises(tweepy.Unauthorized):
        await client.create_tweet(text="hei")


async def test_an_app_token_cannot_post(tweepy_client: Any) -> None:
    with pytest.raises(tweepy.Forbidden, match="Application-Only"):
        await tweepy_client.create_tweet(text="hei", user_auth=False)


async def test_signatures_are_checked_when_the_secrets_are_known(session: aiohttp.ClientSession) -> None:
    settings = x.XSettings(secrets=Secrets(consumer="key-secret", access="token secret/ø"))
    async with Server(x.make_app(World("x"), settings)) as server:
        from_conftest = _lead(server.url)
        async with aiohttp.ClientSession(middlewares=(from_conftest,)) as led:
            for access_secret, is_right in (("token secret/ø", True), ("another", False)):
                client = asynchronous.AsyncClient(None, "key", "key-secret", "1-token", access_secret)
                client.session = led
                if is_right:
                    me = (await client.get_me(user_fields=["created_at", "public_metrics"])).data
                    await client.get_users_mentions(me.id, start_time="2026-01-01T00:00:00Z", user_auth=True)
                    await client.create_tweet(text="blåbær & fløte")
                else:
                    with pytest.raises(tweepy.Unauthorized):
                        await client.get_me()


def _lead(url: str) -> Any:
    async def lead(request: Any, handler: Any) -> Any:
        request.url = URL(url).join(request.url.relative())
        return await handler(request)

    return lead


async def test_the_stream_delivers_a_matching_post_at_once_with_its_rule(
    x_sandbox: Any, rules: Any, listening: Listening
) -> None:
    made = await rules.add_rules([tweepy.StreamRule("@brand OR #brandfail", tag="named"), tweepy.StreamRule("solrik")])
    assert made.meta["summary"] == {"created": 2, "not_created": 0, "valid": 2, "invalid": 0}
    listening.filter(**FIELDS)
    await listening.hear("connect")
    await x_sandbox.write("ola_m", "nothing of interest")
    started = time.monotonic()
    post_id = await x_sandbox.write("kari_h", "@brand æøå 😊", followers=12)
    response = await listening.hear("post")
    assert time.monotonic() - started < 0.5
    assert str(response.data.id) == post_id
    assert response.data.text == "@brand æøå 😊"
    assert response.includes["users"][0].username == "kari_h"
    assert [(r.tag, str(r.id)) for r in response.matching_rules] == [("named", made.data[0].id)]
    await listening.hear("heartbeat")


async def test_rules_are_listed_refused_when_doubled_and_deleted(rules: Any) -> None:
    made = (await rules.add_rules(tweepy.StreamRule("brand", tag="t"))).data[0]
    again = await rules.add_rules(tweepy.StreamRule("brand", tag="other"))
    assert (again.errors[0]["title"], again.errors[0]["id"]) == ("DuplicateRule", made.id)
    await rules.add_rules(tweepy.StreamRule("dry"), dry_run="true")
    assert [(r.id, r.value, r.tag) for r in (await rules.get_rules()).data] == [(made.id, "brand", "t")]
    with pytest.raises(tweepy.BadRequest):
        await rules.add_rules(tweepy.StreamRule("lang:da"))
    gone = await rules.delete_rules([made.id])
    assert gone.meta["summary"] == {"deleted": 1, "not_deleted": 0}
    assert (await rules.get_rules()).data is None


async def test_a_stream_needs_rules_and_there_is_only_one(x_sandbox: Any, rules: Any) -> None:
    url, headers = f"{x_sandbox.url}/2/tweets/search/stream", {"Authorization": "Bearer t"}
    async with x_sandbox.session.get(url, headers=headers) as response:
        assert response.status == 409
    await rules.add_rules(tweepy.StreamRule("brand"))
    async with x_sandbox.session.get(url, headers=headers) as first:
        assert first.headers["x-rate-limit-limit"] == "50"
        async with x_sandbox.session.get(url, headers=headers) as second:
            assert second.status == 429
            assert (await second.json(content_type=None))["connection_issue"] == "TooManyConnections"
    # the place is free again soon after the first one has gone
    async with asyncio.timeout(2):
        while True:
            async with x_sandbox.session.get(url, headers=headers) as third:
                if third.status == 200:
                    break
            await asyncio.sleep(0.02)


async def test_the_fifty_first_connect_in_a_quarter_is_refused(x_sandbox: Any) -> None:
    url, headers = f"{x_sandbox.url}/2/tweets/search/stream", {"Authorization": "Bearer t"}
    statuses = []
    for _ in range(51):
        async with x_sandbox.session.get(url, headers=headers) as response:
            statuses.append(response.status)
    assert statuses == [409] * 50 + [429]
    assert response.headers["x-rate-limit-remaining"] == "0"
    assert int(response.headers["x-rate-limit-reset"]) > time.time() + 800


@pytest.mark.parametrize(
    ("asked", "text", "is_found"),
    [
        ("brand hjelp OR pakke", "pakke", True),
        ("brand (hjelp OR pakke)", "pakke", False),
        ("brand -pakke", "brand og pakke", False),
        ('"min pakke"', "hvor er min pakke", True),
        ('"min pakke"', "pakke min", False),
        ("#brand", "se #Brand her", True),
        ("#brand", "#brandfail", False),
        ("brand", "brandfail", False),
        ("from:kari_h brand", "brand", True),
        ("@brand -is:retweet", "@Brand hei", True),
        ("brand -from:kari_h", "brand", False),
        ("smorrebrod", "smørrebrod", False),
        ("creme", "crème", True),
    ],
)
def test_the_query_language_binds_as_documented(asked: str, text: str, *, is_found: bool) -> None:
    world = World("x", seed=1)
    post = world.write(_new("kari_h", text))
    assert query.parse(asked, folds_accents=True)(x_shapes.facts(world, post)) is is_found


def _paged(method: Any, *args: Any, **kwargs: Any) -> Any:
    return asynchronous.AsyncPaginator(method, *args, **kwargs).flatten()


def _new(author: str, text: str) -> NewPost:
    return NewPost(author=author, text=text)


@pytest.mark.parametrize("asked", ["lang:da", "-(a OR b) c", "(a", '"a', "a OR", "", "is:nonsense a"])
def test_a_query_that_x_would_refuse_is_refused(asked: str) -> None:
    with pytest.raises(query.BadQuery):
        query.parse(asked, folds_accents=True)


async def test_a_query_over_512_characters_is_refused(tweepy_client: Any) -> None:
    await tweepy_client.search_recent_tweets("a" * 512)
    with pytest.raises(tweepy.BadRequest):
        await tweepy_client.search_recent_tweets("a" * 513)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("æøå", 3),
        ("日本", 4),
        ("👨\u200d👩\u200d👧", 2),
        ("👍🏽", 2),
        ("🇩🇰", 2),
        ("se https://example.com/a/b?c=d .", 28),
        ("@a @b hei", 9),
    ],
)
def test_lengths_are_weighed_as_x_weighs_them(text: str, length: int) -> None:
    assert x_shapes.weighted_length(text, is_reply=False) == length


def test_the_same_seed_gives_the_same_rising_ids() -> None:
    for platform in ("x", "reddit"):
        runs = [[ids.next() for _ in range(50)] for ids in (Ids(platform, 3), Ids(platform, 3), Ids(platform, 4))]
        assert runs[0] == runs[1] == sorted(set(runs[0]))
        assert runs[0] != runs[2]
        unseeded = [Ids(platform, None).next() for _ in range(1)]
        assert len(str(unseeded[0])) >= 10


async def test_bad_sandbox_input_is_explained(x_sandbox: Any) -> None:
    good: dict[str, object] = {"author": "a", "text": "b"}
    bodies: list[object] = [{"text": "a"}, {"author": "no spaces", "text": "a"}, []]
    bodies += [good | wrong for wrong in ({"in_reply_to": "1"}, {"followers": -1}, {"at": "soon"}, {"colour": "red"})]
    for body in bodies:
        status, said = await x_sandbox.ask("POST", "posts", body)
        assert status == 400
        assert said["error"]
    assert (await x_sandbox.ask("GET", "posts"))[1] == []


async def test_the_page_says_what_it_is_and_loads_nothing_from_elsewhere(x_sandbox: Any) -> None:
    async with x_sandbox.session.get(x_sandbox.url) as response:
        page = await response.text()
        assert response.url.path == "/sandbox"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "emulated platform on this machine" in page
    assert "https://" not in page
    for name in ("sandbox.css", "sandbox.js"):
        async with x_sandbox.session.get(f"{x_sandbox.url}/sandbox/static/{name}") as response:
            assert response.status == 200
            assert "https://" not in await response.text()


@contextlib.asynccontextmanager
async def _started(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "emulators", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        yield process, line.strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_the_program_says_where_it_listens_and_ends_at_once_with_a_stream_open(
    session: aiohttp.ClientSession,
) -> None:
    async with _started("x", "--port", "0") as (process, line):
        said, _, url = line.rpartition(" on ")
        assert said == "emulated x"
        headers = {"Authorization": "Bearer t"}
        rules_url = f"{url}/2/tweets/search/stream/rules"
        async with session.post(rules_url, headers=headers, json={"add": [{"value": "brand"}]}) as response:
            assert response.status == 201
        async with session.get(f"{url}/2/tweets/search/stream", headers=headers) as response:
            assert await response.content.readline() == b"\r\n"
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 5) == 0
            assert time.monotonic() - started < 3
        assert process.stdout
        assert await process.stdout.read() == b""


async def test_the_replay_fills_both_platforms_and_comes_back_to_one_that_was_away() -> None:
    async with _started("reddit", "--port", "0") as (_, reddit_line), aiohttp.ClientSession() as session:
        reddit_url = reddit_line.rpartition(" ")[2]
        async with _started("x", "--port", "0") as (_, x_line):
            x_url = x_line.rpartition(" ")[2]
            arguments = ["--x", x_url, "--reddit", reddit_url, "--per-minute", "6000", "--seed", "1"]
            replay = await asyncio.create_subprocess_exec(sys.executable, "-m", "emulators", "replay", *arguments)
            await _wait_for_posts(session, x_url, reddit_url)
        async with _started("x", "--port", x_url.rpartition(":")[2]):
            await _wait_for_posts(session, x_url)
        texts = json.dumps(await _posts(session, reddit_url))
        replay.terminate()
        assert await asyncio.wait_for(replay.wait(), 5) == 0
    assert "@brand" not in texts
    assert "u/brand" in texts


async def _wait_for_posts(session: aiohttp.ClientSession, *urls: str) -> None:
    async with asyncio.timeout(20):
        # the other side is a process of its own: there is no event of it to await
        while min([len(await _posts(session, url)) for url in urls]) < 20:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _posts(session: aiohttp.ClientSession, url: str) -> list[Any]:
    async with session.get(f"{url}/sandbox/posts") as response:
        return list(await response.json())
