"""Two of our own bots in one thread: each hears what the other says, and nobody else ends it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.assessment import Language, Sentiment
from core.clock import ManualClock
from core.config import AccountConfig, SafetyConfig
from core.post import Platform
from responder import draft
from responder.outbox import Outbox
from responder.worker import Desk
from store.accounts import Accounts
from store.bell import Bell
from store.database import Database, open_database
from store.decisions import Decisions
from store.owners import OwnerLock
from store.presence import Presence
from store.replies import Replies
from tests.builders import a_mention, a_post, a_rule, an_author, assessed
from tests.responder.wire import Wire

# The rule's window has always passed when the other answers.
BETWEEN = timedelta(minutes=61)
BOUNDLESS = SafetyConfig(conversation_most=10**6, author_per_hour=10**6, author_per_day=10**6, same_text_per_hour=10**6)

Talk = Callable[[SafetyConfig], Awaitable[int]]


@dataclass(frozen=True)
class Brand:
    """One Genlyd with its own database, that answers whatever it hears."""

    handle: str
    database: Database
    desk: Desk
    outbox: Outbox
    wire: Wire
    clock: ManualClock

    async def hear(self, text: str, by: str, number: int) -> str | None:
        """Hear a post of the other; return what is said to it."""
        post = a_post(str(number), root_id="thread", author=an_author(by, handle=by), text=f"@{self.handle} {text}")
        post = replace(post, posted_at=self.clock.now() - timedelta(seconds=30))
        mention = a_mention(post=post, matched=self.handle)
        mood = {"language": Language.DA, "sentiment": Sentiment.POSITIVE, "confidence": 0.95}
        (post_id,) = await assessed(self.database, mention, at=self.clock.now(), **mood)
        decisions = Decisions(self.database, repeat_alert_after=timedelta(hours=1))
        await decisions.decide(post_id, self.desk.plan, at=self.clock.now())
        before = len(self.wire.published)
        await self.outbox.send_due()
        return self.wire.published[-1].text if len(self.wire.published) > before else None


@asynccontextmanager
async def _brand(folder: Path, handle: str, limits: SafetyConfig, clock: ManualClock) -> AsyncIterator[Brand]:
    async with AsyncExitStack() as stack:
        database = await open_database(f"sqlite:///{folder}/{handle}.db")
        stack.push_async_callback(database.close)
        account = AccountConfig(name="x-main", platform=Platform.X, handle=handle, credentials={})
        await Accounts(database).enrol([account], at=clock.now() - timedelta(days=1))
        bell = Bell.open(f"unix://{folder}/nobody.sock", consumer=handle)
        stack.push_async_callback(bell.close)
        (folder / handle).mkdir()
        wire = Wire()
        outbox = Outbox(
            owner=await stack.enter_async_context(Presence(OwnerLock(folder / handle), database)),
            senders={"x-main": wire},
            replies=Replies(database),
            accounts=Accounts(database),
            bell=bell,
            clock=clock,
            limits=limits,
        )
        templates = draft.load(brand=handle, house_language=Language.DA, signatures={})
        rules = (a_rule(once_per_hours=1),)
        desk = Desk(rules=rules, templates=templates, dashboard_url="http://here", limits=limits)
        yield Brand(handle, database, desk, outbox, wire, clock)


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    """Returns a conversation that runs until one is silent, or twelve turns are over; it tells how many were taken."""

    async def run(limits: SafetyConfig) -> int:
        clock = ManualClock()
        folder = tmp_path / str(limits.conversation_most)
        folder.mkdir()
        async with (
            _brand(folder, "fjordnet", limits, clock) as one,
            _brand(folder, "fjellpost", limits, clock) as other,
        ):
            said: str | None = "Hej, tak fordi I skriver"
            for turn in range(12):
                hearer, speaker = (one, other) if turn % 2 == 0 else (other, one)
                said = await hearer.hear(said or "", speaker.handle, turn)
                if said is None:
                    return turn
                await clock.advance(BETWEEN.total_seconds())
        return 12

    return run


async def test_two_bots_that_wait_out_every_window_fall_silent_after_two_turns_each(talk: Talk) -> None:
    assert await talk(SafetyConfig()) == 4


async def test_without_limits_they_would_talk_for_ever(talk: Talk) -> None:
    """The control: nothing else in this test makes them stop."""
    assert await talk(BOUNDLESS) == 12
