"""A small world whose numbers are known: posts, answers, moves and deletions at chosen instants, through the doors.

Owns the builder. Refuses raw SQL: what is counted is what the rooms write.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from core.conversation import Move
from core.decision import Action, Decision, Draft, Facts, Plan
from core.post import Platform
from core.reply import Receipt, Reply
from store.conversations import Conversations
from store.database import Database
from store.decisions import Decisions
from store.deletions import forget_gone
from store.posts import Posts
from store.replies import Replies
from tests.builders import a_mention, a_post, an_assessment, an_author, some_progress

_LEASE = timedelta(minutes=1)


@dataclass
class World:
    """Says and does things at the instants it is told."""

    database: Database
    numbers: "count[int]" = field(default_factory=lambda: count(1000))
    claimed: dict[int, Reply] = field(default_factory=dict)

    async def post(
        self,
        at: datetime,
        *,
        root: str | None = None,
        author: str | None = None,
        account: str = "x-main",
        platform: Platform = Platform.X,
        is_late: bool = False,
        heard_at: datetime | None = None,
        is_read: bool = True,
        **read: Any,
    ) -> int:
        """Hear a post written at `at`, read unless told otherwise; return its id."""
        name = str(next(self.numbers))
        writer = an_author(author or name)
        post = a_post(name, author=writer, platform=platform, posted_at=at, root_id=root or name)
        mention = a_mention(name, post=post, account=account)
        progress = some_progress(account=account, is_backfill=is_late)
        heard = heard_at or at
        posts = Posts(self.database)
        [post_id] = (await posts.save_batch([mention], progress, at=heard)).ids
        if is_read:
            await posts.save_assessments([(post_id, an_assessment(**read))], at=heard)
        return post_id

    async def decide(
        self, post_id: int, action: Action, at: datetime, *, due_at: datetime | None = None, rule: str = "angry"
    ) -> None:
        """Decide a post; where the action speaks, a draft is written."""
        draft = Draft(text="Vi har set det.", template="da/general/1")
        speaks = action in (Action.DRAFT, Action.ACKNOWLEDGE)

        def plan(_facts: Facts) -> Plan:
            decision = Decision(
                action=action, rule=rule, because="a test says so", escalate=due_at is not None, due_at=due_at
            )
            return Plan(decision=decision, draft=draft if speaks else None)

        await Decisions(self.database, repeat_alert_after=timedelta(hours=1)).decide(post_id, plan, at=at)

    async def reply_of(self, post_id: int) -> Reply:
        """Return the newest reply under a post."""
        thread = await Conversations(self.database).thread(await self.conversation_of(post_id))
        assert thread is not None
        return max(
            (one for entry in thread.entries if entry.heard.id == post_id for one in entry.replies),
            key=lambda one: one.id,
        )

    async def conversation_of(self, post_id: int) -> int:
        """Return the conversation that a post belongs to."""
        changed = await Conversations(self.database).changed_after(datetime.min.replace(tzinfo=UTC), 0, limit=10_000)
        for _, one in changed:
            thread = await Conversations(self.database).thread(one)
            if thread is not None and any(entry.heard.id == post_id for entry in thread.entries):
                return one
        raise AssertionError(f"no conversation has post {post_id}")

    async def acknowledge(self, post_id: int, at: datetime) -> None:
        """The machine answers by itself, and it is published at `at`."""
        await self.decide(post_id, Action.ACKNOWLEDGE, at)
        await self.publish((await self.reply_of(post_id)).id, at)

    async def answer(self, post_id: int, at: datetime, *, by: str = "Lars") -> None:
        """A person answers, and it is published at once."""
        await self.publish(await Replies(self.database).answer(post_id, "Hej.", by=by, at=at), at)

    async def approve(self, post_id: int, at: datetime, *, text: str | None = None, by: str = "Lars") -> Reply:
        """A person approves a draft, edited where a text is given."""
        reply = await self.reply_of(post_id)
        approved = text or reply.text
        return await Replies(self.database).approve(reply.id, approved, by=by, version=reply.version, at=at)

    async def drop(self, post_id: int, at: datetime, *, by: str = "Lars") -> None:
        """A person rejects a draft."""
        reply = await self.reply_of(post_id)
        await Replies(self.database).drop(reply.id, by=by, version=reply.version, at=at)

    async def publish(self, reply_id: int, at: datetime) -> None:
        """An approved reply is published at `at`."""
        claimed = await self._claim(reply_id, at)
        receipt = Receipt(remote_id=f"r{reply_id}", url=f"https://x.com/i/status/r{reply_id}")
        assert await Replies(self.database).mark_sent(claimed, receipt, at=at)

    async def hold(self, reply_id: int, at: datetime) -> None:
        """A guard says no."""
        assert await Replies(self.database).mark_refused(await self._claim(reply_id, at), "a guard said no", at=at)

    async def move(self, post_id: int, move: Move, at: datetime, *, by: str = "Lars") -> None:
        """A person moves the conversation of a post."""
        conversations, one = Conversations(self.database), await self.conversation_of(post_id)
        thread = await conversations.thread(one)
        assert thread is not None
        await conversations.move(one, move, by=by, version=thread.conversation.version, at=at)

    async def delete(self, post_id: int, at: datetime) -> None:
        """The author deletes a post, and we follow."""
        async with self.database.begin() as connection:
            assert await forget_gone(connection, post_id, at=at)

    async def _claim(self, reply_id: int, at: datetime) -> Reply:
        due = await Replies(self.database).claim_due("test", at=at, lease=_LEASE, limit=1000)
        self.claimed |= {one.id: one for one in due}
        return self.claimed.pop(reply_id)
