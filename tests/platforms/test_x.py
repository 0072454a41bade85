"""The way to X, against an emulator that misbehaves."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import pytest

from core.config import AccountConfig, Secret
from core.errors import NeedsOperator, OutcomeUnknown, RateLimited, Rejected, TryLater
from platforms.http import Door
from platforms.x import RULE_TAG, XClient
from platforms.x_errors import refused
from platforms.x_stream import XStream

if TYPE_CHECKING:
    from tests.conftest import Emulated


@pytest.fixture
async def client(x_account: AccountConfig) -> AsyncIterator[XClient]:
    client = XClient(x_account, timeout_seconds=2.0, quiet_seconds=2.0)
    yield client
    await client.close()


async def lines_of(stream: XStream, count: int) -> list[bytes]:
    lines: list[bytes] = []
    async with asyncio.timeout(10):
        while len(lines) < count:
            lines += await stream.read(0.5)
    return lines


async def end_of(stream: XStream) -> Exception:
    """Read until the stream raises."""
    async with asyncio.timeout(10):
        while True:
            try:
                await stream.read(0.5)
            except (TryLater, NeedsOperator) as err:
                await stream.close()
                return err


async def test_we_learn_who_we_are(client: XClient) -> None:
    assert (await client.me())["username"] == "brand"


async def test_credentials_of_another_account_need_the_operator(x_account: AccountConfig) -> None:
    client = XClient(replace(x_account, handle="@someone_else"))
    with pytest.raises(NeedsOperator, match="belong to @brand, not to @someone_else") as caught:
        await client.me()
    assert "Set handle to brand" in caught.value.cure
    await client.close()


async def test_refused_credentials_say_which_and_how_to_mend_them(x_account: AccountConfig) -> None:
    wrong = replace(x_account, credentials={**x_account.credentials, "consumer_key": Secret("revoked")})
    client = XClient(wrong)
    with pytest.raises(NeedsOperator, match=r"account 'x-main': X refused the credentials \(401\)") as caught:
        await client.me()
    assert "consumer_key" in caught.value.cure
    assert "unpause" in caught.value.cure
    await client.close()


async def test_a_missing_credential_is_named(x_account: AccountConfig) -> None:
    some = {name: secret for name, secret in x_account.credentials.items() if name != "bearer_token"}
    with pytest.raises(NeedsOperator, match="has no bearer_token"):
        await XClient(replace(x_account, credentials=some)).search("acme")


async def test_a_refused_connection_is_tried_later_even_for_a_write(x_account: AccountConfig) -> None:
    client = XClient(replace(x_account, base_url="http://127.0.0.1:1"))
    with pytest.raises(TryLater):
        await client.reply("hello", "1")
    assert client.purse.money_this_month() == 0, "tried for days, it must not eat the month's money"
    await client.close()


async def test_mentions_come_in_pages_oldest_first(client: XClient, emulated_x: Emulated) -> None:
    written = [await emulated_x.post("kari", f"@brand number {number}") for number in range(130)]
    pages = await client.mentions(since_id=written[4])
    assert pages.is_complete
    found = [post["id"] for page in pages.pages for post in reversed(page["data"])]
    assert found == written[5:]


async def test_search_finds_what_was_said_since(client: XClient, emulated_x: Emulated) -> None:
    first = await emulated_x.post("kari", "the acme router is down")
    second = await emulated_x.post("ola", "my acme router too")
    pages = await client.search('"acme router" -is:retweet', since_id=first)
    assert [post["id"] for page in pages.pages for post in page["data"]] == [second]


async def test_a_query_x_does_not_understand_needs_the_operator(client: XClient) -> None:
    with pytest.raises(NeedsOperator, match="400"):
        await client.search("-is:retweet")


@pytest.mark.parametrize(("fault", "least", "most"), [("rate_limit", 20, 32), ("rate_limit_bare", 60, 60)])
async def test_a_rate_limit_says_how_long_to_wait(
    client: XClient, emulated_x: Emulated, fault: str, least: float, most: float
) -> None:
    await emulated_x.faults({"on": "search", "do": fault, "seconds": 30})
    with pytest.raises(RateLimited) as caught:
        await client.search("acme")
    assert caught.value.wait_seconds is not None
    assert least <= caught.value.wait_seconds <= most


async def test_a_page_of_html_is_tried_later(client: XClient, emulated_x: Emulated) -> None:
    await emulated_x.faults({"on": "search", "do": "status", "status": 503, "html": True})
    with pytest.raises(TryLater):
        await client.search("acme")


@pytest.mark.parametrize("fault", ["hang", "drop"])
async def test_a_question_without_an_answer_is_tried_later(client: XClient, emulated_x: Emulated, fault: str) -> None:
    # aiohttp asks once more where a kept connection dropped before any answer: two faults, whatever it does.
    await client.me()
    await emulated_x.faults({"on": "search", "do": fault, "times": 1 if fault == "hang" else 2})
    with pytest.raises(TryLater):
        await client.search("acme")


async def add_by_hand(emulated_x: Emulated, *rules: dict[str, str]) -> None:
    headers = {"Authorization": "Bearer someone"}
    url = f"{emulated_x.url}/2/tweets/search/stream/rules"
    async with aiohttp.ClientSession() as session, session.post(url, json={"add": rules}, headers=headers) as answer:
        assert answer.status == 201


async def rules_at_x(client: XClient) -> set[str]:
    return {rule["value"] for rule in (await client._rule_client().get_rules())["data"]}


async def test_rules_become_exactly_what_is_wanted_and_strangers_stay(client: XClient, emulated_x: Emulated) -> None:
    await add_by_hand(
        emulated_x,
        {"value": "stale", "tag": f"{RULE_TAG}old"},
        {"value": "theirs"},
        {"value": "wanted", "tag": "other"},
    )
    for _ in range(2):
        await client.sync_rules(["@brand -is:retweet", "wanted"])
    assert await rules_at_x(client) == {"theirs", "wanted", "@brand -is:retweet"}


async def test_a_refused_rule_leaves_the_old_ones_listening(client: XClient) -> None:
    await client.sync_rules(["acme"])
    with pytest.raises(NeedsOperator, match="does not accept the rule"):
        await client.sync_rules(["a" * 1025])
    assert await rules_at_x(client) == {"acme"}
    await client.sync_rules(["acme router"])
    assert await rules_at_x(client) == {"acme router"}


async def test_where_x_has_no_room_for_old_and_new_rules_the_old_go_first(
    client: XClient, emulated_x: Emulated
) -> None:
    await client.sync_rules(["acme"])
    await add_by_hand(emulated_x, *({"value": f"theirs{number}"} for number in range(999)))
    await client.sync_rules(["acme router"])
    found = await rules_at_x(client)
    assert (len(found), "acme router" in found, "acme" in found) == (1000, True, False)
    with pytest.raises(NeedsOperator, match="X takes no more rules") as full:
        await client.sync_rules(["acme router", "acme box"])
    assert "watches" in full.value.cure
    assert "acme router" in await rules_at_x(client)


async def test_a_rule_x_refuses_is_named(client: XClient) -> None:
    with pytest.raises(NeedsOperator, match="-is:retweet") as caught:
        await client.sync_rules(["-is:retweet"])
    assert "keywords" in caught.value.cure


async def test_the_stream_brings_raw_lines(client: XClient, emulated_x: Emulated) -> None:
    await client.sync_rules(["acme"])
    stream = await client.open_stream()
    written = [await emulated_x.post("kari", f"acme {number}") for number in range(3)]
    lines = await lines_of(stream, 3)
    assert [json.loads(line)["data"]["id"] for line in lines] == written
    await stream.close()


async def test_a_stream_without_rules_is_tried_later(client: XClient) -> None:
    with pytest.raises(TryLater, match="409"):
        await client.open_stream()


async def test_a_second_connection_backs_off_and_does_not_wait_for_the_windows_end(client: XClient) -> None:
    await client.sync_rules(["acme"])
    stream = await client.open_stream()
    with pytest.raises(TryLater, match="maximum allowed connection") as caught:
        await client.open_stream()
    assert not isinstance(caught.value, RateLimited)
    assert caught.value.wait_seconds is None
    await stream.close()


@pytest.mark.parametrize(
    ("left", "issue"), [("0", "TooManyConnections"), ("12", "OtherIssue"), (None, "TooManyConnections")]
)
def test_a_taken_stream_waits_where_the_window_is_used_up_as_well(left: str | None, issue: str) -> None:
    reset = {"x-rate-limit-reset": str(int(time.time()) + 300)}
    headers = reset if left is None else reset | {"x-rate-limit-remaining": left}
    error = refused(
        Door(account="x-main", platform="X", cure=""), 429, headers, {"connection_issue": issue}, is_write=False
    )
    assert isinstance(error, RateLimited)
    assert 290 <= (error.wait_seconds or 0) <= 300


async def test_a_refused_stream_says_when_to_come_back(client: XClient, emulated_x: Emulated) -> None:
    await client.sync_rules(["acme"])
    await emulated_x.faults({"on": "stream", "do": "rate_limit", "seconds": 40})
    with pytest.raises(RateLimited) as caught:
        await client.open_stream()
    assert 30 <= (caught.value.wait_seconds or 0) <= 42


async def test_a_stream_closed_at_once_is_connected_once_a_call(client: XClient, emulated_x: Emulated) -> None:
    await client.sync_rules(["acme"])
    await emulated_x.faults({"on": "stream", "do": "close", "times": 3})
    for fired in (1, 2, 3):
        with pytest.raises(TryLater, match="closed"):
            raise await end_of(await client.open_stream())
        await asyncio.sleep(0.3)  # tweepy alone would connect hundreds of times by now
        assert (await emulated_x.fired())[0]["fired"] == fired


@pytest.mark.parametrize("fault", ["close", "reset", "disconnect_error"])
async def test_an_ended_stream_raises(client: XClient, emulated_x: Emulated, fault: str) -> None:
    await client.sync_rules(["acme"])
    stream = await client.open_stream()
    await emulated_x.faults({"on": "stream", "do": fault})
    assert isinstance(await end_of(stream), TryLater)


async def test_silence_without_heartbeats_ends_the_stream(client: XClient, emulated_x: Emulated) -> None:
    await client.sync_rules(["acme"])
    stream = await client.open_stream()
    assert await stream.read(1.5) == []  # heartbeats only: alive
    await emulated_x.faults({"on": "stream", "do": "stall", "seconds": 30})
    assert "nothing on X's stream for 2 seconds" in str(await end_of(stream))


@pytest.mark.parametrize("fault", ["garbage", "truncate"])
async def test_a_broken_line_is_handed_on_and_never_kills_the_reader(
    client: XClient, emulated_x: Emulated, fault: str
) -> None:
    await client.sync_rules(["acme"])
    stream = await client.open_stream()
    await emulated_x.faults({"on": "stream", "do": fault})
    (line,) = await lines_of(stream, 1)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(line)
    if fault == "garbage":
        await emulated_x.post("kari", "acme goes on")
        assert b"acme goes on" in (await lines_of(stream, 1))[0]
    await stream.close()


async def test_a_reply_gives_a_receipt_with_a_link(client: XClient, emulated_x: Emulated) -> None:
    target = await emulated_x.post("kari", "@brand help")
    receipt = await client.reply("We are here", target)
    (reply,) = await emulated_x.replies_to(target)
    assert receipt.remote_id == reply["id"]
    assert receipt.url == f"https://x.com/brand/status/{reply['id']}"


async def test_a_reply_x_forbids_is_rejected_in_its_own_words(client: XClient, emulated_x: Emulated) -> None:
    unsummoned = await emulated_x.post("kari", "acme is down")
    with pytest.raises(Rejected) as caught:
        await client.reply("We are here", unsummoned)
    assert "has not mentioned you" in caught.value.reason


async def test_duplicate_text_may_be_our_own_so_we_look(client: XClient, emulated_x: Emulated) -> None:
    target = await emulated_x.post("kari", "@brand help")
    await client.reply("We are here", target)
    with pytest.raises(OutcomeUnknown):
        await client.reply("We are here", target)


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "hang_after"},
        {"do": "drop_after"},
        {"do": "status_after", "status": 503, "html": True},
        {"do": "status_after", "status": 500},
    ],
    ids=str,
)
async def test_a_reply_stored_without_an_answer_is_of_unknown_outcome_and_sent_once(
    client: XClient, emulated_x: Emulated, fault: dict[str, object]
) -> None:
    target = await emulated_x.post("kari", "@brand help")
    await client.me()
    await emulated_x.faults({"on": "create", **fault})
    before = client.purse.money_this_month()
    with pytest.raises(OutcomeUnknown):
        await client.reply("We are here", target)
    assert client.purse.money_this_month() > before, "it may be billed"
    assert len(await emulated_x.replies_to(target)) == 1
    found = await client.own_replies_since(target)
    assert found.is_complete
    assert [reply.text for reply in found.replies] == ["We are here"]


async def test_a_rate_limited_reply_surely_did_not_happen(client: XClient, emulated_x: Emulated) -> None:
    target = await emulated_x.post("kari", "@brand help")
    await emulated_x.faults({"on": "create", "do": "rate_limit", "seconds": 10})
    with pytest.raises(RateLimited):
        await client.reply("We are here", target)
    assert await emulated_x.replies_to(target) == []


async def test_no_credential_is_ever_logged(
    client: XClient, emulated_x: Emulated, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await client.me()
        await client.reply("We are here", await emulated_x.post("kari", "@brand help"))
    assert "-for-tests" not in caplog.text
    assert "oauth_signature" not in caplog.text
