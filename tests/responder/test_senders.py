"""Publishing a reply once, and looking for one whose outcome is unknown, on both platforms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from core.config import AccountConfig
from core.errors import OutcomeUnknown, RateLimited, Rejected, TryLater
from core.reply import Receipt, Reply
from platforms.published import OwnReplies, Published
from platforms.reddit import RedditClient
from platforms.x import XClient
from responder.senders import build
from responder.senders.base import Look, Sender
from responder.senders.find import find_among, plain
from responder.senders.reddit import RedditSender
from responder.senders.x import XSender

if TYPE_CHECKING:
    from tests.conftest import Emulated

Build = Callable[..., Reply]


@dataclass(frozen=True)
class Stage:
    """One platform, set for a scene: the sender under test, and the names of the emulator's endpoints."""

    sender: Sender
    emulated: Emulated
    account: AccountConfig
    reply: Build
    posting: str
    looking: str

    async def a_target(self) -> str:
        """A post whose author summoned us."""
        return await self.emulated.post("kari", "@brand u/brand help")

    def a_reply(self, target_id: str, **changes: Any) -> Reply:
        return replace(self.reply(self.account, target_id), **changes)


@pytest.fixture
async def on_x(x_account: AccountConfig, emulated_x: Emulated, a_reply: Build) -> AsyncIterator[Stage]:
    sender = XSender(XClient(x_account, timeout_seconds=2.0))
    yield Stage(sender, emulated_x, x_account, a_reply, "create", "user_tweets")
    await sender.close()


@pytest.fixture
async def on_reddit(reddit_account: AccountConfig, emulated_reddit: Emulated, a_reply: Build) -> AsyncIterator[Stage]:
    sender = RedditSender(RedditClient(reddit_account, timeout_seconds=2.0))
    yield Stage(sender, emulated_reddit, reddit_account, a_reply, "comment", "user_comments")
    await sender.close()


@pytest.fixture(params=["on_x", "on_reddit"])
def stage(request: pytest.FixtureRequest) -> Stage:
    stage: Stage = request.getfixturevalue(request.param)
    return stage


async def test_a_registry_builds_the_sender_of_an_account(
    x_account: AccountConfig, reddit_account: AccountConfig
) -> None:
    for account in (x_account, reddit_account):
        sender = build(account)
        assert (sender.account, sender.platform) == (account.name, account.platform)
        await sender.close()


async def test_a_reply_is_published_under_its_target_and_found_again(stage: Stage) -> None:
    target = await stage.a_target()
    reply = stage.a_reply(target)
    receipt = await stage.sender.send(reply)
    (published,) = await stage.emulated.replies_to(target)
    assert (published["id"], published["text"]) == (receipt.remote_id, reply.text)
    assert await stage.sender.find(reply) == receipt


async def test_what_was_never_sent_is_absent(stage: Stage) -> None:
    await stage.emulated.post("kari", "another")
    target = await stage.a_target()
    assert await stage.sender.find(stage.a_reply(target)) is Look.ABSENT


@pytest.mark.parametrize(
    "fault",
    [{"do": "hang_after"}, {"do": "drop_after"}, {"do": "status_after", "status": 503, "html": True}],
    ids=lambda fault: str(fault["do"]),
)
async def test_a_reply_stored_without_an_answer_is_found_and_stands_once(stage: Stage, fault: dict[str, Any]) -> None:
    target = await stage.a_target()
    reply = stage.a_reply(target)
    await stage.emulated.faults({"on": stage.posting, **fault})
    with pytest.raises(OutcomeUnknown):
        await stage.sender.send(reply)
    (published,) = await stage.emulated.replies_to(target)
    found = await stage.sender.find(reply)
    assert isinstance(found, Receipt)
    assert found.remote_id == published["id"]


@pytest.mark.parametrize("fault", [{"do": "hang"}, {"do": "drop"}, {"do": "status", "status": 502}], ids=str)
async def test_a_reply_that_got_lost_on_the_way_is_of_unknown_outcome_and_then_absent(
    stage: Stage, fault: dict[str, Any]
) -> None:
    target = await stage.a_target()
    reply = stage.a_reply(target)
    await stage.emulated.faults({"on": stage.posting, **fault})
    with pytest.raises(OutcomeUnknown):
        await stage.sender.send(reply)
    assert await stage.sender.find(reply) is Look.ABSENT


async def test_reddit_showing_nothing_at_all_of_who_has_spoken_tells_nothing(on_reddit: Stage) -> None:
    target = await on_reddit.a_target()
    await on_reddit.sender.send(on_reddit.a_reply(await on_reddit.a_target()))
    reply = on_reddit.a_reply(target)
    assert await on_reddit.sender.find(reply, has_spoken=True) is Look.ABSENT
    await on_reddit.emulated.faults({"on": "user_comments", "do": "empty"})
    assert await on_reddit.sender.find(reply, has_spoken=True) is Look.CANNOT_TELL
    # Who never spoke has an empty listing.
    await on_reddit.emulated.faults({"on": "user_comments", "do": "empty"})
    assert await on_reddit.sender.find(reply) is Look.ABSENT


async def test_a_look_that_fails_tells_nothing(stage: Stage) -> None:
    target = await stage.a_target()
    await stage.emulated.faults({"on": stage.looking, "do": "status", "status": 503})
    with pytest.raises(TryLater):
        await stage.sender.find(stage.a_reply(target))


async def test_a_rate_limited_reply_is_not_published(stage: Stage) -> None:
    target = await stage.a_target()
    reply = stage.a_reply(target)
    await stage.emulated.faults({"on": stage.posting, "do": "rate_limit", "seconds": 5})
    with pytest.raises(RateLimited):
        await stage.sender.send(reply)
    assert await stage.emulated.replies_to(target) == []


async def test_a_reply_to_what_is_gone_is_rejected(stage: Stage) -> None:
    target = await stage.a_target()
    await stage.emulated.delete(target)
    with pytest.raises(Rejected):
        await stage.sender.send(stage.a_reply(target))


async def test_the_acknowledgement_is_not_taken_for_the_answer(stage: Stage) -> None:
    target = await stage.a_target()
    await stage.sender.send(stage.a_reply(target, text="We have seen you."))
    later = datetime.now(UTC) + timedelta(minutes=1)
    answer = stage.a_reply(target, text="It works again.", sending_at=later)
    assert await stage.sender.find(answer) is Look.ABSENT


async def test_a_second_text_like_the_first_is_looked_for_on_x(on_x: Stage) -> None:
    target = await on_x.a_target()
    reply = on_x.a_reply(target)
    receipt = await on_x.sender.send(reply)
    with pytest.raises(OutcomeUnknown, match="duplicate"):
        await on_x.sender.send(reply)
    assert await on_x.sender.find(reply) == receipt


# the judgement alone


def published(text: str, at: datetime) -> Published:
    return Published(remote_id="9", url="https://x.com/brand/status/9", text=text, parent_id="1", published_at=at)


@pytest.mark.parametrize(
    "shown",
    [
        "@kari see  https://t.co/abc &amp; wait\n",
        "see https://example.com/long & wait",
        "@kari @ola see https://a.b & wait",
    ],
)
def test_a_text_the_platform_rewrote_is_still_ours(shown: str) -> None:
    assert plain(shown) == plain("see https://example.com/long & wait")


def test_equal_text_is_ours_whenever_it_was_published(a_reply: Build, x_account: AccountConfig) -> None:
    reply = a_reply(x_account, "1", "We are here")
    old = published("We are here", datetime.now(UTC) - timedelta(hours=3))
    assert isinstance(find_among(OwnReplies(replies=(old,), is_complete=False), reply), Receipt)


def test_another_text_counts_only_from_when_we_began_to_send(a_reply: Build, x_account: AccountConfig) -> None:
    reply = a_reply(x_account, "1", "We are here")
    assert reply.sending_at is not None
    after = published("changed beyond recognition", reply.sending_at + timedelta(seconds=1))
    before = published("the acknowledgement", reply.sending_at - timedelta(minutes=1))
    assert isinstance(find_among(OwnReplies(replies=(after,), is_complete=True), reply), Receipt)
    assert find_among(OwnReplies(replies=(before,), is_complete=True), reply) is Look.ABSENT


def test_the_words_of_another_reply_that_nobody_knows_of_are_not_this_one(
    a_reply: Build, x_account: AccountConfig
) -> None:
    """Both were sent within a moment and no answer came: what stands there is the acknowledgement."""
    reply = a_reply(x_account, "1", "We are here")
    assert reply.sending_at is not None
    other = OwnReplies(replies=(published("We have seen it", reply.sending_at),), is_complete=True)
    assert find_among(other, reply, nor_saying=["We have  seen it"]) is Look.ABSENT
    ours = OwnReplies(replies=(published("We are here", reply.sending_at),), is_complete=True)
    assert isinstance(find_among(ours, reply, nor_saying=["We are here"]), Receipt)


def test_an_incomplete_look_without_a_find_cannot_tell(a_reply: Build, x_account: AccountConfig) -> None:
    assert find_among(OwnReplies(replies=(), is_complete=False), a_reply(x_account, "1")) is Look.CANNOT_TELL


def test_what_is_known_to_be_another_reply_is_not_taken_for_this_one(a_reply: Build, x_account: AccountConfig) -> None:
    reply = a_reply(x_account, "1", "We are here")
    same = published("We are here", datetime.now(UTC))
    assert find_among(OwnReplies(replies=(same,), is_complete=True), reply, not_these={"9"}) is Look.ABSENT
