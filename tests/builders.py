"""Values that are valid by default, and the first steps of a post's walk: a test names only what it is about."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.assessment import Assessment, Language, Probabilities, Sentiment
from core.config import Rule
from core.conversation import Conversation, Status
from core.decision import Action, Decision, Draft, Facts, Heard, Notice, Plan, Standing
from core.post import Author, Platform, Post
from core.reply import Reply, ReplyKind, ReplyState
from core.watch import Identity, Mention, Via
from store.database import Database
from store.decisions import Decisions
from store.posts import Posts
from store.sources import Progress

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
US = Identity(account="x-main", platform=Platform.X, handle="Fjordnet", native_id="1")


def an_author(native_id: str = "77", **changes: Any) -> Author:
    return replace(Author(native_id=native_id, handle=f"author{native_id}", name="Åse Ø", followers=120), **changes)


def a_post(native_id: str = "1001", **changes: Any) -> Post:
    post = Post(
        platform=Platform.X,
        native_id=native_id,
        author=an_author(),
        text="@fjordnet min internetforbindelse er væk igen",
        posted_at=NOW - timedelta(seconds=5),
        root_id=changes.pop("root_id", native_id),
        url=f"https://x.com/i/status/{native_id}",
        mentions=frozenset({"fjordnet"}),
    )
    return replace(post, **changes)


def a_mention(native_id: str = "1001", *, post: Post | None = None, **changes: Any) -> Mention:
    mention = Mention(
        post=post or a_post(native_id), account="x-main", via=Via.MENTION, matched="Fjordnet", is_summons=True
    )
    return replace(mention, **changes)


def an_assessment(**changes: Any) -> Assessment:
    assessment = Assessment(
        language=Language.DA,
        sentiment=Sentiment.NEGATIVE,
        confidence=0.9,
        probabilities=Probabilities(negative=0.9, neutral=0.08, positive=0.02),
        urgency=70,
        intents=(),
        reasons=(),
        model="shipped",
        model_version="1",
    )
    return replace(assessment, **changes)


def a_conversation(**changes: Any) -> Conversation:
    return replace(Conversation(id=1, account="x-main", status=Status.PENDING, version=1), **changes)


def a_heard(**changes: Any) -> Heard:
    return replace(Heard(id=1, conversation_id=1, mention=a_mention(), heard_at=NOW), **changes)


def some_facts(**changes: Any) -> Facts:
    facts = Facts(heard=a_heard(), assessment=an_assessment(), conversation=a_conversation(), now=NOW)
    return replace(facts, **changes)


def a_rule(**changes: Any) -> Rule:
    return replace(Rule(name="angry", reply="automatic"), **changes)


def a_standing(**changes: Any) -> Standing:
    """What belongs to the facts may be named beside what is the standing's own."""
    ours = {name: changes.pop(name) for name in list(changes) if name in Facts.__dataclass_fields__ and name != "now"}
    standing = Standing(
        now=NOW,
        posted_at=NOW - timedelta(seconds=5),
        is_summons=True,
        is_deleted=False,
        has_other_reply=False,
        facts=some_facts(**ours),
    )
    return replace(standing, **changes)


def an_automatic_reply(**changes: Any) -> Reply:
    reply = Reply(
        id=1,
        post_id=1,
        conversation_id=1,
        account="x-main",
        platform=Platform.X,
        target_id="1001",
        kind=ReplyKind.ACKNOWLEDGEMENT,
        text="@author77 Vi har set dit opslag.",
        language=Language.DA,
        state=ReplyState.SENDING,
        is_automatic=True,
        template="da/general/1",
        approved_by="rule angry",
        version=1,
        attempts=1,
        fence=1,
        created_at=NOW,
    )
    return replace(reply, **changes)


def some_progress(cursor: str | None = "c1", **changes: Any) -> Progress:
    return replace(Progress(account="x-main", source="mentions", cursor=cursor), **changes)


def a_notice(**changes: Any) -> Notice:
    notice = Notice(kind="escalation", title="Urgency 70", body="@author77: text", account="x-main", urgency=70)
    return replace(notice, **changes)


def a_plan(action: Action = Action.ACKNOWLEDGE, *, notice: bool = False, **changes: Any) -> Callable[[Facts], Plan]:
    """Return a planner that always says the same, but never acknowledges a conversation twice."""

    def plan(facts: Facts) -> Plan:
        taken = action is Action.ACKNOWLEDGE and facts.acknowledged_at is not None
        made = Action.SHOW if taken else action
        limits = {"not_after": NOW + timedelta(minutes=60), "alone_since": NOW - timedelta(hours=24)}
        decision = replace(Decision(action=made, rule="angry", because="a test says so"), **(limits | changes))
        wants_text = made in (Action.ACKNOWLEDGE, Action.DRAFT)
        return Plan(
            decision=decision,
            draft=Draft(text=f"Vi har set opslag {facts.heard.id}.", template="da/general/1") if wants_text else None,
            notice=a_notice(account=facts.heard.mention.account) if notice else None,
        )

    return plan


async def saved(database: Database, *mentions: Mention, at: datetime = NOW) -> list[int]:
    """Save mentions and return the new posts' ids."""
    return list((await Posts(database).save_batch(mentions, some_progress(), at=at)).ids)


async def assessed(database: Database, *mentions: Mention, at: datetime = NOW, **changes: Any) -> list[int]:
    """Save and assess mentions; return the new posts' ids."""
    ids = await saved(database, *mentions, at=at)
    await Posts(database).save_assessments([(post_id, an_assessment(**changes)) for post_id in ids], at=at)
    return ids


async def decided(
    database: Database, *mentions: Mention, plan: Callable[[Facts], Plan] | None = None, at: datetime = NOW
) -> list[int]:
    """Save, assess and decide mentions (acknowledge, unless `plan` says otherwise); return the new posts' ids."""
    ids = await assessed(database, *mentions, at=at)
    decisions = Decisions(database, repeat_alert_after=timedelta(minutes=60))
    for post_id in ids:
        await decisions.decide(post_id, plan or a_plan(), at=at)
    return ids
