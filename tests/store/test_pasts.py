"""The past, for trying rules on: as it was known then, beside what people did since; and never what is forgotten."""

from dataclasses import replace
from datetime import timedelta

from core.assessment import Sentiment
from core.correction import Change, Field
from core.decision import Action, Facts, Plan
from store.corrections import Corrections
from store.database import Database
from store.decisions import Decisions
from store.pasts import Pasts
from store.people import People, Scope
from store.posts import Posts
from store.replies import Replies
from tests.builders import NOW, a_mention, a_plan, a_post, an_author, assessed, decided, saved

LATER = NOW + timedelta(minutes=5)
DAY_AGO = NOW - timedelta(days=1)


async def test_a_past_post_comes_with_what_was_decided_and_what_held_then(database: Database) -> None:
    def plan(facts: Facts) -> Plan:
        made = a_plan(Action.DRAFT)(facts)
        return replace(made, rulebook=3, decision=replace(made.decision, held=("paused", "irony")))

    await decided(database, a_mention(), plan=plan)
    history = await Pasts(database).read(since=DAY_AGO, most=10)
    [past] = history.pasts
    assert (past.was.action, past.was.rule, past.was.escalate) == (Action.DRAFT, "angry", False)
    assert past.held == frozenset({"paused", "irony"})
    assert past.decided_at == NOW
    assert (past.set_right, past.was_rejected, past.opted_out_since, past.was_dealt_with) == (None, False, False, False)
    assert (history.all_posts, history.forgotten) == (1, 0)


async def test_what_people_set_right_since_is_told_apart_from_what_was_read_then(database: Database) -> None:
    [post_id] = await decided(database, a_mention())
    change = Change(field=Field.SENTIMENT, was=Sentiment.NEGATIVE, now=Sentiment.POSITIVE)
    await Corrections(database).make(post_id, [change], by="Lars", spreads=False, at=LATER)
    [past] = (await Pasts(database).read(since=DAY_AGO, most=10)).pasts
    assert past.assessment.sentiment is Sentiment.NEGATIVE
    assert past.assessment.confidence == 0.9
    assert past.set_right is not None
    assert (past.set_right.sentiment, past.set_right.confidence) == (Sentiment.POSITIVE, 1.0)


async def test_what_was_set_right_before_the_decision_was_known_then(database: Database) -> None:
    [post_id] = await assessed(database, a_mention())
    change = Change(field=Field.SENTIMENT, was=Sentiment.NEGATIVE, now=Sentiment.POSITIVE)
    await Corrections(database).make(post_id, [change], by="Lars", spreads=False, at=NOW)
    await Decisions(database, repeat_alert_after=timedelta(hours=1)).decide(post_id, a_plan(), at=LATER)
    [past] = (await Pasts(database).read(since=DAY_AGO, most=10)).pasts
    assert past.assessment.sentiment is Sentiment.POSITIVE
    assert past.set_right is None


async def test_a_dropped_draft_an_opt_out_and_an_alert_dealt_with_are_later_acts(database: Database) -> None:
    await decided(database, a_mention(), plan=a_plan(Action.DRAFT, notice=True, escalate=True))
    replies = Replies(database)
    reply = await replies.get(1)
    assert reply is not None
    await replies.drop(reply.id, by="Lars", version=reply.version, at=LATER)
    await People(database).opt_out(1, Scope.AUTOMATIC, because="asked", by="Lars", at=LATER)
    [past] = (await Pasts(database).read(since=DAY_AGO, most=10)).pasts
    assert (past.was_rejected, past.opted_out_since, past.is_opted_out, past.was_dealt_with) == (
        True,
        True,
        False,
        True,
    )


async def test_whoever_of_us_silenced_an_author_is_known_of_what_was_decided_after_it(database: Database) -> None:
    await decided(database, a_mention())
    await People(database).opt_out(1, Scope.AUTOMATIC, because="the desk", by="Lars", at=DAY_AGO)
    [past] = (await Pasts(database).read(since=DAY_AGO, most=10)).pasts
    assert (past.is_opted_out, past.opted_out_by, past.opted_out_since) == (True, "Lars", False)


async def test_the_newest_posts_are_tried_and_those_without_a_text_are_counted(database: Database) -> None:
    mentions = [a_mention(post=a_post(str(n), author=an_author(str(n)))) for n in range(1001, 1006)]
    for number, mention in enumerate(mentions):
        await decided(database, mention, at=NOW + timedelta(seconds=number))
    await saved(database, a_mention(post=a_post("1010", text="not read yet")))
    pasts = Pasts(database)
    newest = await pasts.read(since=DAY_AGO, most=2)
    assert [past.heard.mention.post.native_id for past in newest.pasts] == ["1004", "1005"]
    assert (newest.all_posts, newest.forgotten) == (5, 0)
    assert [(saying.conversation_id, saying.template) for saying in newest.sayings] == [
        (number, "da/general/1") for number in (1, 2, 3)
    ]
    since_then = await pasts.read(since=NOW + timedelta(seconds=4), most=10)
    assert len(since_then.pasts) == 1


async def test_an_earlier_acknowledgement_of_the_conversation_is_known(database: Database) -> None:
    await decided(database, a_mention(post=a_post("1001", root_id="r")))
    await decided(database, a_mention(post=a_post("1002", root_id="r")), at=NOW + timedelta(hours=1))
    [past] = (await Pasts(database).read(since=NOW + timedelta(minutes=30), most=10)).pasts
    assert past.earlier_at == NOW


async def test_posts_to_try_watches_on_come_newest_first_and_counted(database: Database) -> None:
    mentions = [a_mention(post=a_post(str(n), posted_at=NOW - timedelta(minutes=n))) for n in range(1, 5)]
    await saved(database, *mentions)
    found, all_posts = await Pasts(database).heard(["x-main"], since=DAY_AGO, most=3)
    assert [heard.mention.post.native_id for heard in found] == ["1", "2", "3"]
    assert all_posts == 4
    assert await Pasts(database).heard(["another"], since=DAY_AGO, most=3) == ([], 0)


async def test_posts_without_a_text_are_counted_and_never_tried(database: Database) -> None:
    mentions = [a_mention(post=a_post(str(n), author=an_author(str(n)))) for n in range(1001, 1004)]
    for number, mention in enumerate(mentions):
        await decided(database, mention, at=NOW + timedelta(seconds=number))
    await Posts(database).purge(before=NOW + timedelta(days=1), at=LATER)
    await decided(database, a_mention(post=a_post("1009", author=an_author("9"))), at=LATER)
    history = await Pasts(database).read(since=DAY_AGO, most=10)
    assert ([past.heard.mention.post.native_id for past in history.pasts], history.all_posts, history.forgotten) == (
        ["1009"],
        4,
        3,
    )
    newest = await Pasts(database).read(since=DAY_AGO, most=1)
    assert (len(newest.pasts), newest.all_posts, newest.forgotten) == (1, 4, 0)
    found, all_posts = await Pasts(database).heard(["x-main"], since=DAY_AGO, most=10)
    assert (len(found), all_posts) == (1, 1)
