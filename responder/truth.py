"""The truth table of docs/safety.md: every condition with what is decided, why, and whether it is asked again.

`python -m responder.truth` prints it; `python -m responder.truth docs/safety.md` writes it between that page's marks.
Owns one example of each condition, and shows what policy and guards themselves say of it. Refuses to know better.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from core.assessment import Assessment, Intent, Language, Probabilities, Sentiment
from core.config import BreakerConfig, Rule, SafetyConfig
from core.conversation import Conversation, Status
from core.decision import Decision, Draft, Facts, Heard, Standing
from core.incident import Incident
from core.post import Author, Platform, Post
from core.reply import Reply, ReplyKind, ReplyState
from core.watch import Mention, Via
from responder.guards import refusal
from responder.policy import decide
from responder.safety import CONDITIONS

START, END = "<!-- table: python -m responder.truth docs/safety.md -->", "<!-- end of table -->"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RULE = Rule(name="all", reply="automatic")
# Quiet at night, so that the hour alone makes an example.
_STORM = Incident(id=7, account="x-main", opened_at=NOW)
LIMITS = SafetyConfig(quiet_from=time(22), quiet_until=time(7), account_at_once=BreakerConfig().replies_at_once)

Change = Callable[["Scene"], "Scene"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that a decision looks at."""

    facts: Facts
    draft: Draft

    def decide(self, rule: Rule = RULE) -> Decision:
        """Return what policy says."""
        return decide(self.facts, (rule,), LIMITS, self.draft)

    def refusal(self, rule: Rule = RULE) -> str | None:
        """Return what the guards say of an automatic reply that was decided before things came to stand so."""
        facts, mention = self.facts, self.facts.heard.mention
        began = facts.now - timedelta(hours=rule.once_per_hours)
        standing = Standing(
            now=facts.now,
            posted_at=mention.post.posted_at,
            is_summons=mention.is_summons,
            is_deleted=facts.heard.deleted_at is not None,
            has_other_reply=facts.acknowledged_at is not None and facts.acknowledged_at > began,
            not_after=mention.post.posted_at + timedelta(minutes=rule.max_age_minutes),
            facts=facts,
        )
        return refusal(_reply(self), standing, LIMITS)


def plain() -> Scene:
    """A post that nothing forbids to answer."""
    author = Author(native_id="7", handle="anna", followers=120)
    post = Post(
        platform=Platform.X,
        native_id="1001",
        author=author,
        text="@brand my parcel has not come",
        posted_at=NOW - timedelta(seconds=10),
        root_id="1001",
        url="https://x.com/i/status/1001",
    )
    mention = Mention(post=post, account="x-main", via=Via.MENTION, matched="brand", is_summons=True)
    assessment = Assessment(
        language=Language.EN,
        sentiment=Sentiment.NEGATIVE,
        confidence=0.9,
        probabilities=Probabilities(negative=0.9, neutral=0.08, positive=0.02),
        urgency=50,
        intents=(Intent.COMPLAINT,),
        reasons=(),
        model="shipped",
        model_version="1",
    )
    facts = Facts(
        heard=Heard(id=1, conversation_id=1, mention=mention, heard_at=NOW),
        assessment=assessment,
        conversation=Conversation(id=1, account="x-main", status=Status.PENDING, version=1),
        now=NOW,
    )
    return Scene(facts=facts, draft=Draft(text="@anna We have seen your post.", template="en/general/1"))


def table() -> str:
    """Return the table, as Markdown."""
    lines = [
        "| condition | decided | because | asked again before sending |",
        "|---|---|---|---|",
        *(_line(condition.name, EXAMPLES[condition.name](plain())) for condition in CONDITIONS),
        _line("none of these", plain()),
    ]
    return "\n".join(lines)


def write(page: str) -> str:
    """Return `page` with the table between its marks."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{table()}\n\n{END}{after}"


def _line(name: str, scene: Scene) -> str:
    decision = scene.decide()
    decided = str(decision.action)
    decided += ", call a person now" if decision.calls_a_person else ""
    decided += ", opt the author out" if decision.opt_out else ""
    again = "yes" if scene.refusal() else "nothing refuses it"
    return f"| {name} | {decided} | {decision.because} | {again} |"


def _reply(scene: Scene) -> Reply:
    post = scene.facts.heard.mention.post
    return Reply(
        id=1,
        post_id=1,
        conversation_id=1,
        account="x-main",
        platform=post.platform,
        target_id=post.native_id,
        kind=ReplyKind.ACKNOWLEDGEMENT,
        text=scene.draft.text,
        language=Language.EN,
        state=ReplyState.SENDING,
        is_automatic=True,
        template=scene.draft.template,
        approved_by="rule all",
        version=1,
        attempts=1,
        fence=1,
        created_at=NOW,
    )


def _facts(**changes: Any) -> Change:
    return lambda scene: replace(scene, facts=replace(scene.facts, **changes))


def _heard(**changes: Any) -> Change:
    return lambda scene: _facts(heard=replace(scene.facts.heard, **changes))(scene)


def _mention(**changes: Any) -> Change:
    return lambda scene: _heard(mention=replace(scene.facts.heard.mention, **changes))(scene)


def _post(**changes: Any) -> Change:
    return lambda scene: _mention(post=replace(scene.facts.heard.mention.post, **changes))(scene)


def _author(**changes: Any) -> Change:
    return lambda scene: _post(author=replace(scene.facts.heard.mention.post.author, **changes))(scene)


def _assessed(**changes: Any) -> Change:
    return lambda scene: _facts(assessment=replace(scene.facts.assessment, **changes))(scene)


def _lately(**changes: Any) -> Change:
    return lambda scene: _facts(lately=replace(scene.facts.lately, **changes))(scene)


def _intent(intent: Intent) -> Change:
    """Beside those it has."""
    return lambda scene: _assessed(intents=(*scene.facts.assessment.intents, intent))(scene)


def _both(one: Change, other: Change) -> Change:
    return lambda scene: other(one(scene))


def _answers_at_once(scene: Scene) -> Scene:
    return _lately(last_sent_at=scene.facts.heard.mention.post.posted_at - timedelta(seconds=1))(scene)


def _at_night(scene: Scene) -> Scene:
    """The post was written as recently before."""
    later = NOW.replace(hour=23)
    age = scene.facts.now - scene.facts.heard.mention.post.posted_at
    return _both(_facts(now=later), _post(posted_at=later - age))(scene)


def _aged(scene: Scene) -> Scene:
    return _post(posted_at=scene.facts.now - timedelta(minutes=61))(scene)


def _acknowledged(scene: Scene) -> Scene:
    return _facts(acknowledged_at=scene.facts.now - timedelta(hours=2))(scene)


def _rude(scene: Scene) -> Scene:
    named = _author(handle="fuck_you_all")(scene)
    return replace(named, draft=replace(scene.draft, text="@fuck_you_all We have seen your post."))


def _told_often(scene: Scene) -> Scene:
    return _lately(told={scene.draft.template: LIMITS.same_text_per_hour})(scene)


def _long(scene: Scene) -> Scene:
    return replace(scene, draft=replace(scene.draft, text=scene.draft.text * 400))


# One example of each condition, by its name. Each changes no more than it must, so that several can be put together.
EXAMPLES: Mapping[str, Change] = {
    "deleted": _heard(deleted_at=NOW),
    "ours": _facts(is_ours=True),
    "threat of self-harm": _intent(Intent.SELF_HARM),
    "grief": _intent(Intent.GRIEF),
    "asked us to stop": _intent(Intent.OPT_OUT),
    "bot, by its flag": _author(is_bot=True),
    "bot, by its name": _author(handle="weather_bot"),
    "bot, by its tempo": _lately(author_posts_minute=6),
    "bot, by its haste": _answers_at_once,
    "back and forth": _lately(in_conversation=2),
    "not summoned, where the platform refuses": _both(_post(platform=Platform.X), _mention(is_summons=False)),
    "says stop, not to us": _both(
        _intent(Intent.OPT_OUT), _both(_post(platform=Platform.REDDIT), _mention(is_summons=False))
    ),
    "opted out": _facts(is_opted_out=True),
    "conversation taken": lambda scene: _facts(conversation=replace(scene.facts.conversation, taken_by="kari"))(scene),
    "a person acted": _facts(has_person_acted=True),
    "has a reply": _facts(has_reply=True),
    "wants a person": _intent(Intent.PERSON),
    "only quoted": _post(text="RT @paper: what @brand did to its customers today"),
    "spam": _intent(Intent.SPAM),
    "already acknowledged": _acknowledged,
    "accident or danger": _intent(Intent.SAFETY),
    "legal or press": _intent(Intent.LEGAL),
    "fraud": _intent(Intent.SCAM),
    "not summoned": _both(_post(platform=Platform.REDDIT), _mention(is_summons=False)),
    "paused": _facts(is_paused=True),
    "storm": _facts(incident=_STORM),
    "quiet hours": _at_night,
    "backfilled": _heard(is_backfill=True),
    "too old": _aged,
    "unsure language": _assessed(language=Language.UNSURE),
    "unsure mood": _assessed(sentiment=Sentiment.UNSURE),
    "irony": _assessed(irony=0.4),
    "a name that offends": _rude,
    "author's budget, hour": _lately(author_hour=LIMITS.author_per_hour),
    "author's budget, day": _lately(author_day=LIMITS.author_per_day),
    "account's budget, hour": _lately(account_hour=LIMITS.account_per_hour),
    "account's budget, day": _lately(account_day=LIMITS.account_per_day),
    "account's budget, five minutes": _lately(account_at_once=LIMITS.account_at_once),
    "same text to many": _told_often,
    "too long": _long,
}


def main(arguments: list[str]) -> None:
    """Print the table, or write it into the page that is named."""
    if not arguments:
        sys.stdout.write(f"{table()}\n")
        return
    page = Path(arguments[0])
    page.write_text(write(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
