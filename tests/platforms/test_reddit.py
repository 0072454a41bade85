"""The way to Reddit, against an emulator that misbehaves."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.config import AccountConfig, Secret
from core.errors import NeedsOperator, OutcomeUnknown, RateLimited, Rejected, TryLater
from platforms.reddit import RedditClient

if TYPE_CHECKING:
    from tests.conftest import Emulated

AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
async def client(reddit_account: AccountConfig) -> AsyncIterator[RedditClient]:
    client = RedditClient(reddit_account, timeout_seconds=2.0)
    yield client
    await client.close()


async def test_we_learn_who_we_are(client: RedditClient) -> None:
    assert (await client.me())["name"] == "brand"


async def test_credentials_of_another_account_need_the_operator(reddit_account: AccountConfig) -> None:
    client = RedditClient(replace(reddit_account, handle="u/someone_else"))
    with pytest.raises(NeedsOperator, match="belong to u/brand, not to u/someone_else"):
        await client.me()
    await client.close()


@pytest.mark.parametrize("name", ["client_secret", "password"])
async def test_refused_credentials_need_the_operator(reddit_account: AccountConfig, name: str) -> None:
    credentials = {**reddit_account.credentials, name: Secret("wrong")}
    client = RedditClient(replace(reddit_account, credentials=credentials))
    with pytest.raises(NeedsOperator, match="account 'reddit-main': Reddit refused the credentials") as caught:
        await client.reply("hello", "t1_x")
    assert "client_secret" in caught.value.cure
    await client.close()


async def test_a_missing_credential_is_named(reddit_account: AccountConfig) -> None:
    some = {name: secret for name, secret in reddit_account.credentials.items() if name != "password"}
    with pytest.raises(NeedsOperator, match="has no password"):
        await RedditClient(replace(reddit_account, credentials=some)).me()


async def test_a_planted_praw_ini_changes_nothing(
    client: RedditClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "praw.ini").write_text("[DEFAULT]\noauth_url=http://127.0.0.1:1\nreddit_url=http://127.0.0.1:1\n")
    monkeypatch.chdir(tmp_path)
    assert (await client.me())["name"] == "brand"


async def test_an_expired_token_is_renewed_without_anybody_noticing(
    client: RedditClient, emulated_reddit: Emulated
) -> None:
    await client.me()
    await emulated_reddit.faults({"on": "comments", "do": "status", "status": 401})
    assert (await client.comments(("sandbox",))).things == ()


async def test_a_refused_connection_is_tried_later_even_for_a_write(reddit_account: AccountConfig) -> None:
    client = RedditClient(replace(reddit_account, base_url="http://127.0.0.1:1"))
    with pytest.raises(TryLater):
        await client.reply("hello", "t1_x")
    await client.close()


async def test_a_failed_sign_in_is_never_taken_for_a_failed_write(
    client: RedditClient, emulated_reddit: Emulated
) -> None:
    await emulated_reddit.faults({"on": "token", "do": "status", "status": 503})
    with pytest.raises(TryLater):
        await client.reply("hello", "t1_x")


@pytest.mark.parametrize(
    "fault",
    [{"do": "hang"}, {"do": "status", "status": 500}, {"do": "status", "status": 503, "html": True}],
    ids=str,
)
async def test_a_question_without_an_answer_is_tried_later_and_asked_once(
    client: RedditClient, emulated_reddit: Emulated, fault: dict[str, object]
) -> None:
    await client.me()
    await emulated_reddit.faults({"on": "comments", **fault})
    began = time.monotonic()
    with pytest.raises(TryLater):
        await client.comments(("sandbox",))
    assert time.monotonic() - began < 4  # our 2 seconds and no retries, not asyncprawcore's 16 three times


@pytest.mark.parametrize(("fault", "least", "most"), [("rate_limit", 25, 31), ("rate_limit_bare", 60, 60)])
async def test_a_rate_limit_says_how_long_to_wait(
    client: RedditClient, emulated_reddit: Emulated, fault: str, least: float, most: float
) -> None:
    await emulated_reddit.faults({"on": "comments", "do": fault, "seconds": 30})
    with pytest.raises(RateLimited) as caught:
        await client.comments(("sandbox",))
    assert least <= (caught.value.wait_seconds or 0) <= most


async def test_a_used_up_allowance_raises_and_does_not_sleep(client: RedditClient, emulated_reddit: Emulated) -> None:
    await emulated_reddit.faults({"on": "comments", "do": "rate_limit", "seconds": 120})
    with pytest.raises(RateLimited):
        await client.comments(("sandbox",))
    began = time.monotonic()
    with pytest.raises(RateLimited, match="used up") as caught:
        await client.comments(("sandbox",))
    assert time.monotonic() - began < 1
    assert (caught.value.wait_seconds or 0) > 100


async def test_being_told_to_take_a_break_is_raised_at_once_and_sent_once(
    client: RedditClient, emulated_reddit: Emulated
) -> None:
    target = await emulated_reddit.post("kari", "u/brand help")
    await client.me()
    await emulated_reddit.faults({"on": "comment", "do": "api_error", "code": "RATELIMIT", "seconds": 3})
    began = time.monotonic()
    with pytest.raises(RateLimited) as caught:
        await client.reply("We are here", target)
    assert time.monotonic() - began < 2
    assert caught.value.wait_seconds == 4
    assert await emulated_reddit.replies_to(target) == []


async def test_a_reply_gives_a_receipt_with_a_link(client: RedditClient, emulated_reddit: Emulated) -> None:
    target = await emulated_reddit.post("kari", "u/brand help")
    receipt = await client.reply("We are here", target)
    (reply,) = await emulated_reddit.replies_to(target)
    assert receipt.remote_id == reply["id"]
    assert receipt.url.startswith("https://www.reddit.com/r/sandbox/comments/")


@pytest.mark.parametrize("text", ["x" * 10_001, " "])
async def test_a_reply_reddit_refuses_is_rejected_in_its_own_words(
    client: RedditClient, emulated_reddit: Emulated, text: str
) -> None:
    target = await emulated_reddit.post("kari", "u/brand help")
    with pytest.raises(Rejected) as caught:
        await client.reply(text, target)
    assert caught.value.reason in ("this is too long (max: 10000)", "we need something here")


async def test_a_reply_to_what_is_gone_is_rejected(client: RedditClient, emulated_reddit: Emulated) -> None:
    target = await emulated_reddit.post("kari", "u/brand help")
    await emulated_reddit.delete(target)
    with pytest.raises(Rejected, match="DELETED_COMMENT"):
        await client.reply("We are here", target)


@pytest.mark.parametrize(
    "fault",
    [{"do": "hang_after"}, {"do": "drop_after"}, {"do": "status_after", "status": 503}],
    ids=str,
)
async def test_a_reply_stored_without_an_answer_is_of_unknown_outcome_and_sent_once(
    client: RedditClient, emulated_reddit: Emulated, fault: dict[str, object]
) -> None:
    target = await emulated_reddit.post("kari", "u/brand help")
    await client.me()
    await emulated_reddit.faults({"on": "comment", **fault})
    with pytest.raises(OutcomeUnknown):
        await client.reply("We are here", target)
    assert len(await emulated_reddit.replies_to(target)) == 1
    found = await client.own_replies(target, AN_HOUR_AGO)
    assert found.is_complete
    assert [reply.text for reply in found.replies] == ["We are here"]


async def test_a_forbidden_write_needs_the_operator(client: RedditClient, emulated_reddit: Emulated) -> None:
    await emulated_reddit.faults({"on": "comment", "do": "status", "status": 403})
    with pytest.raises(NeedsOperator, match="403"):
        await client.reply("We are here", "t1_x")


async def test_things_that_still_exist_can_be_asked_for(client: RedditClient, emulated_reddit: Emulated) -> None:
    kept = await emulated_reddit.post("kari", "hello")
    (thing,) = await client.info((kept,))
    assert thing["data"]["body"] == "hello"
