"""Conversations for tests and screenshots, made only through the doors the other rooms use.

Owns the builders, valid by default. Refuses raw SQL.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from core.assessment import Assessment, Intent, Language, Probabilities, Reason, Sentiment
from core.clock import Clock
from core.decision import Action, Decision, Draft, Facts, Plan
from core.post import Author, Platform, Post
from core.reply import Receipt, Reply
from core.watch import Mention, Via
from store.conversations import Conversations
from store.database import Database
from store.decisions import Decisions
from store.posts import Posts
from store.replies import Replies
from store.sources import Progress

_numbers = count(1000)


@dataclass(frozen=True, kw_only=True)
class Said:
    """One post to be heard, and what becomes of it."""

    text: str = "@hav tredje gang jeg ringer, ingen hjælper!!!"
    handle: str = "jensen_kbh"
    name: str = "Jens Jensen"
    followers: int | None = 312
    account: str = "hav-dk"
    platform: Platform = Platform.X
    via: Via = Via.MENTION
    matched: str = "hav"
    is_summons: bool = True
    url: str | None = None
    root: str | None = None
    language: Language = Language.DA
    sentiment: Sentiment = Sentiment.NEGATIVE
    negative: float = 0.93
    positive: float = 0.02
    urgency: int = 84
    intents: tuple[Intent, ...] = (Intent.COMPLAINT,)
    reasons: tuple[Reason, ...] = (Reason(cue="repeated_contact", words="tredje gang", points=24),)
    age: timedelta = timedelta(minutes=4)
    action: Action | None = Action.DRAFT
    rule: str = "complaints"
    because: str = "A complaint is answered by a person; an acknowledgement was drafted."
    draft: str = "Hej Jens. Vi har set dit opslag og er på sagen. /Mette"
    due: timedelta | None = None
    is_read: bool = True
    embedding: bytes | None = None


@dataclass(kw_only=True)
class Seed:
    """Says things into a real database."""

    database: Database
    clock: Clock
    posts: Posts = field(init=False)
    replies: Replies = field(init=False)
    conversations: Conversations = field(init=False)

    def __post_init__(self) -> None:
        self.posts = Posts(self.database)
        self.replies = Replies(self.database)
        self.conversations = Conversations(self.database)

    async def say(self, said: Said | None = None) -> int:
        """Hear, read and decide one post; return its conversation's id."""
        said = said or Said()
        now = self.clock.now()
        progress = Progress(account=said.account, source="mentions", cursor="1")
        saved = await self.posts.save_batch([mention_of(said, now)], progress, at=now)
        post_id = saved.ids[0]
        if said.is_read:
            await self.posts.save_assessments([(post_id, assessment_of(said))], at=now)
        if said.is_read and said.action is not None:
            decisions = Decisions(self.database, repeat_alert_after=timedelta(hours=1))
            await decisions.decide(post_id, lambda facts: plan_of(said, facts), at=now)
        changed = await self.conversations.changed_after(now - timedelta(days=1), 0, limit=10_000)
        threads = [thread for _, one in changed if (thread := await self.conversations.thread(one))]
        return next(t.conversation.id for t in threads if any(entry.heard.id == post_id for entry in t.entries))

    async def reply_of(self, conversation_id: int) -> Reply:
        """Return the newest reply of a conversation."""
        thread = await self.conversations.thread(conversation_id)
        assert thread is not None
        return max((reply for entry in thread.entries for reply in entry.replies), key=lambda reply: reply.id)

    async def send(self, conversation_id: int, *, ago: timedelta = timedelta(0)) -> Reply:
        """Approve if need be, and publish the newest reply, as a sender does."""
        claimed = await self._claim(conversation_id)
        url = f"https://x.com/hav/status/{claimed.id}"
        receipt = Receipt(remote_id=f"r{claimed.id}", url=url)
        assert await self.replies.mark_sent(claimed, receipt, at=self.clock.now() - ago)
        return claimed

    async def lose(self, conversation_id: int) -> Reply:
        """Let a reply leave, and no answer come back."""
        claimed = await self._claim(conversation_id)
        why = "The connection broke after the text had left."
        assert await self.replies.mark_unknown(claimed, why, at=self.clock.now(), look_at=None)
        return claimed

    async def fail(self, conversation_id: int) -> Reply:
        """Let the platform refuse a reply."""
        claimed = await self._claim(conversation_id)
        assert await self.replies.mark_failed(claimed, "403: replies are off for this post", at=self.clock.now())
        return claimed

    async def _claim(self, conversation_id: int) -> Reply:
        reply, now = await self.reply_of(conversation_id), self.clock.now()
        if reply.state == "draft":
            reply = await self.replies.approve(reply.id, reply.text, by="Mette", version=reply.version, at=now)
        due = await self.replies.claim_due("test", at=now, lease=timedelta(minutes=1), limit=100)
        return next(claimed for claimed in due if claimed.id == reply.id)


def mention_of(said: Said, now: datetime) -> Mention:
    """Return the mention a listener would save."""
    native_id = str(next(_numbers))
    at_home = f"https://x.com/{said.handle}/status/{native_id}"
    post = Post(
        platform=said.platform,
        native_id=native_id,
        author=Author(native_id=f"id-{said.handle}", handle=said.handle, name=said.name, followers=said.followers),
        text=said.text,
        posted_at=now - said.age,
        root_id=said.root or native_id,
        url=at_home if said.url is None else said.url,
        place="r/Denmark" if said.platform is Platform.REDDIT else "",
    )
    return Mention(post=post, account=said.account, via=said.via, matched=said.matched, is_summons=said.is_summons)


def assessment_of(said: Said) -> Assessment:
    """Return the assessment a model would make."""
    neutral = max(0.0, 1 - said.negative - said.positive)
    return Assessment(
        language=said.language,
        sentiment=said.sentiment,
        confidence=max(said.negative, neutral, said.positive),
        probabilities=Probabilities(negative=said.negative, neutral=neutral, positive=said.positive),
        urgency=said.urgency,
        intents=said.intents,
        reasons=said.reasons,
        model="genlyd-nordic",
        model_version="2026-11",
        embedding=said.embedding,
    )


def plan_of(said: Said, facts: Facts) -> Plan:
    """Return the plan a responder would make."""
    assert said.action is not None
    speaks = said.action in (Action.DRAFT, Action.ACKNOWLEDGE)
    decision = Decision(
        action=said.action,
        rule=said.rule,
        because=said.because,
        escalate=said.due is not None,
        due_at=None if said.due is None else facts.now + said.due,
    )
    return Plan(decision=decision, draft=Draft(text=said.draft, template="da/complaint/1") if speaks else None)
