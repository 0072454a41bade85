"""What is deleted on the platform leaves every table here; the fact and the counts stay (I7)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from sqlalchemy import insert, select, update

from core.assessment import Reason, Sentiment
from core.conversation import Move, Status
from core.correction import Change, Field
from core.decision import URGENT, Action, Facts, Plan
from core.errors import Conflict
from core.needle import Needle
from core.post import Platform, Post
from core.recheck import SILENT_FOR, Answer, Pace
from core.reply import Reply, ReplyKind, ReplyState
from core.rights import Role
from responder.guards import refusal
from store import tables as t
from store.conversations import Conversations, Thread
from store.corrections import Corrections
from store.database import Database
from store.decisions import Decisions
from store.exports import QUERIES, export
from store.leaks import Looked, in_rows
from store.notes import Notes
from store.people import People
from store.posts import Posts, Stage
from store.purge import purge
from store.rechecks import Due, Rechecks
from store.replies import Replies
from store.saved_filters import SavedFilters
from tests.builders import (
    NOW,
    a_mention,
    a_notice,
    a_plan,
    a_post,
    an_assessment,
    an_author,
    assessed,
    decided,
    saved,
    some_progress,
)

PACE = Pace(first=timedelta(minutes=15), last=timedelta(hours=12))
LATER = NOW + timedelta(minutes=20)
SECRET = "Åse Ødegård fortryder det hele"
HANDLE = "aase_oedegaard"


def a_secret_post(native_id: str = "4242", **changes: Any) -> Post:
    post = a_post(
        native_id,
        text=f"@fjordnet {SECRET}",
        author=an_author("9", handle=HANDLE, name=SECRET),
        url=f"https://x.com/{HANDLE}/status/{native_id}",
        place=SECRET,
    )
    return replace(post, **changes)


async def look(
    database: Database, answers: dict[str, Answer], at: datetime = LATER, **options: Any
) -> tuple[list[str], tuple[int, ...], tuple[int, ...]]:
    """Look up what is due; return the native ids asked for, and the posts gone and edited."""
    rechecks = Rechecks(database)
    due = await rechecks.due("x-main", Platform.X, configured=("x-main",), at=at, pace=PACE, limit=100, **options)
    followed = await rechecks.settle(due, answers, at=at, pace=PACE)
    return [post.native_id for post in due], followed.gone, followed.edited


def gone(native_id: str = "4242") -> dict[str, Answer]:
    return {native_id: Answer(native_id=native_id, is_gone=True)}


def stands(post: Post, *, is_edited: bool = False) -> dict[str, Answer]:
    return {post.native_id: Answer(native_id=post.native_id, post=post, is_edited=is_edited)}


async def leaks(database: Database, text: str) -> list[str]:
    looked = Looked()
    found = [found.where async for found in in_rows(database, Needle.of(text), looked)]
    assert looked.rows > 0
    return found


async def thread_of(database: Database, post_id: int) -> Thread:
    query = select(t.posts.c.conversation_id).where(t.posts.c.id == post_id)
    async with database.read() as connection:
        thread = await Conversations(database).thread((await connection.execute(query)).scalar_one())
    assert thread is not None
    return thread


async def reply_of(database: Database, post_id: int) -> Reply:
    (reply,) = (await thread_of(database, post_id)).entries[0].replies
    return reply


async def test_a_post_that_is_gone_leaves_every_table_and_its_fact_stays(database: Database) -> None:
    ids = await saved(database, a_mention(post=a_secret_post()))
    judged = an_assessment(embedding=bytes([7]) * 384, reasons=(Reason(cue="name", words=SECRET, points=1),))
    await Posts(database).save_assessments([(ids[0], judged)], at=NOW)

    def plan(facts: Any) -> Any:
        made = a_plan(Action.DRAFT, notice=True)(facts)
        assert made.draft is not None
        assert made.notice is not None
        body = f"@{HANDLE}: {SECRET}\n{facts.heard.mention.post.url}"
        return replace(
            made, draft=replace(made.draft, text=f"@{HANDLE} {SECRET}"), notice=replace(made.notice, body=body)
        )

    await Decisions(database, repeat_alert_after=timedelta(hours=1)).decide(ids[0], plan, at=NOW)
    change = Change(field=Field.SENTIMENT, was=Sentiment.NEGATIVE, now=Sentiment.POSITIVE)
    await Corrections(database).make(ids[0], [change], by="kari", spreads=True, at=NOW)
    async with database.begin() as connection:
        raw = f'{{"id": "4242", "text": "{SECRET}"}}'
        await connection.execute(insert(t.unreadable).values(account="x-main", source="s", raw=raw, heard_at=NOW))
    assert {where.split(",")[0] for where in await leaks(database, SECRET)} == {
        "database: posts.text",
        "database: posts.place",
        "database: authors.name",
        "database: assessments.reasons",
        "database: replies.text",
        "database: replies.drafted_text",
        "database: alerts.body",
        "database: unreadable.raw",
        "database: post_words",
    }, "the negative control: before the deletion it stands everywhere"
    assert await leaks(database, HANDLE)

    assert await look(database, gone()) == (["4242"], (ids[0],), ())

    assert await leaks(database, SECRET) == []
    assert await leaks(database, HANDLE) == []
    async with database.read() as connection:
        for table in (t.assessments, t.corrections, t.correction_effects, t.unreadable):
            assert (await connection.execute(select(table))).all() == [], table.name
    thread = await thread_of(database, ids[0])
    (entry,) = thread.entries
    assert entry.heard.deleted_at == LATER
    assert (entry.action, entry.stage) == (Action.DRAFT, Stage.DECIDED)
    assert (thread.conversation.status, thread.conversation.urgency) == (Status.RESOLVED, 0)
    (reply,) = entry.replies
    assert (reply.state, reply.text, reply.problem) == (
        ReplyState.DROPPED,
        "",
        "the post was deleted by its author",
    )
    # Brought again by its platform, or looked up again, it stays what it is.
    again = await Posts(database).save_batch([a_mention(post=a_secret_post())], some_progress(), at=LATER)
    assert (again.ids, again.known) == ((), 1)
    assert (await look(database, gone(), LATER + timedelta(days=1)))[0] == []
    assert await leaks(database, SECRET) == []


async def test_exports_say_deleted_by_its_author_and_hold_no_text(database: Database) -> None:
    await decided(database, a_mention(post=a_secret_post()), a_mention("2"))
    await look(database, gone() | stands(a_post("2")))
    for what in QUERIES:
        assert SECRET not in str([row async for row in export(database, what)])
    first, second = [row async for row in export(database, "posts")]
    assert (first["note"], first["text"], first["author"]) == ("deleted by its author", "", "")
    assert (second["note"], second["author"]) == ("", "author77")


async def test_an_approved_reply_to_a_post_that_is_gone_is_refused_and_says_why(database: Database) -> None:
    (post_id,) = await decided(database, a_mention(post=a_secret_post()))
    assert (await reply_of(database, post_id)).state is ReplyState.APPROVED
    await look(database, gone())
    replies = Replies(database)
    (claimed,) = await replies.claim_due("me", at=LATER, lease=timedelta(minutes=1))
    assert refusal(claimed, await replies.standing(claimed, at=LATER)) == "the post was deleted"


async def test_a_reply_on_its_way_keeps_its_text_until_it_is_settled(database: Database) -> None:
    (post_id,) = await decided(database, a_mention(post=a_secret_post()))
    replies = Replies(database)
    (claimed,) = await replies.claim_due("me", at=NOW, lease=timedelta(minutes=1))
    await look(database, gone())
    assert (await reply_of(database, post_id)).text == claimed.text
    await purge(database, before=NOW - timedelta(days=9), at=LATER)
    assert (await reply_of(database, post_id)).text == claimed.text, "a look still needs it"
    assert await replies.mark_failed(claimed, "the post is gone", at=LATER)
    await purge(database, before=NOW - timedelta(days=9), at=LATER)
    assert (await reply_of(database, post_id)).text == ""


async def test_nobody_writes_under_a_post_that_is_gone(database: Database) -> None:
    (post_id,) = await decided(database, a_mention(post=a_secret_post()), plan=a_plan(Action.DRAFT))
    await look(database, gone())
    dropped = await reply_of(database, post_id)
    replies = Replies(database)
    with pytest.raises(Conflict, match="deleted by its author"):
        await replies.answer(post_id, "hej", by="kari", at=LATER)
    with pytest.raises(Conflict, match="deleted by its author"):
        await replies.redraft(dropped.id, by="kari", version=dropped.version, at=LATER)


async def test_nobody_writes_under_a_post_that_is_forgotten_and_what_somebody_did_goes(database: Database) -> None:
    old = NOW + timedelta(days=400)
    (post_id,) = await decided(database, a_mention(post=a_secret_post(place="")), plan=a_plan(Action.DRAFT))
    replies = Replies(database)
    await purge(database, before=old, at=old)
    draft = await reply_of(database, post_id)
    with pytest.raises(Conflict, match="forgotten"):
        await replies.answer(post_id, f"Kære {SECRET}", by="kari", at=old)
    with pytest.raises(Conflict, match="forgotten"):
        await replies.approve(draft.id, f"Kære {SECRET}", by="kari", version=draft.version, at=old)
    # As an earlier version of Genlyd let them.
    async with database.begin() as connection:
        await connection.execute(update(t.replies).values(text=SECRET, drafted_text=SECRET, state=ReplyState.SENT))
    await purge(database, before=old, at=old)
    assert await leaks(database, SECRET) == []


async def test_a_reply_on_its_way_keeps_its_text_through_a_purge_until_it_is_settled(database: Database) -> None:
    (post_id,) = await decided(database, a_mention(post=a_secret_post(place="")), plan=a_plan(Action.SHOW))
    replies, old = Replies(database), NOW + timedelta(days=400)
    await replies.answer(post_id, f"Kære {SECRET}", by="kari", at=old)
    (claimed,) = await replies.claim_due("me", at=old, lease=timedelta(minutes=1))
    await purge(database, before=old, at=old)
    assert (await reply_of(database, post_id)).text == f"Kære {SECRET}", "it is looked for by its text"
    await replies.mark_unknown(claimed, "no answer in time", at=old, look_at=None)
    await purge(database, before=old, at=old)
    unknown = await reply_of(database, post_id)
    assert unknown.text == f"Kære {SECRET}"
    await replies.settle_by_person(unknown.id, is_there=True, by="kari", version=unknown.version, at=old)
    await purge(database, before=old, at=old)
    assert await leaks(database, SECRET) == []


async def _name_it_everywhere(database: Database, conversation_id: int, at: datetime) -> None:
    """A filter that looks for the author, one named after them, a note and a tag; and a filter that names nobody."""
    await People(database).add_staff("kari", "x", Role.AGENT, at=NOW, by="test")
    (kari,) = await People(database).all()
    filters = SavedFilters(database)
    await filters.save(kari.id, "Hos os", f"?q={quote_plus(SECRET)}&status=open", at=at)
    await filters.save(kari.id, f"Fra @{HANDLE}", "?status=open", at=at)
    await filters.save(kari.id, "Faktura", "?q=faktura&status=open", at=at)
    await Notes(database).write(conversation_id, f"@{HANDLE} igen", by="kari", at=at)
    await Notes(database).tag(conversation_id, "aase oedegaard", by="kari", at=at)


@pytest.mark.parametrize("is_purge", [True, False])
async def test_filters_and_notes_that_name_an_author_go_with_the_author(database: Database, is_purge: bool) -> None:
    (post_id,) = await decided(database, a_mention(post=a_secret_post(place="")), plan=a_plan(Action.IGNORE))
    await _name_it_everywhere(database, (await thread_of(database, post_id)).conversation.id, LATER)
    if is_purge:
        await purge(database, before=NOW + timedelta(minutes=1), at=LATER)
    else:
        await look(database, gone())
    assert await leaks(database, HANDLE) == []
    assert await leaks(database, SECRET) == []
    assert await leaks(database, "aase oedegaard") == []
    async with database.read() as connection:
        assert (await connection.execute(select(t.saved_filters.c.name))).scalars().all() == ["Faktura"]


async def test_what_else_the_author_wrote_stays_and_so_does_their_handle(database: Database) -> None:
    root = {"root_id": "4242", "posted_at": NOW - timedelta(minutes=1)}
    first = a_secret_post()
    second = a_post("4243", author=first.author, text="og en ting til", **root)
    ids = await decided(database, a_mention(post=first), a_mention(post=second))
    await look(database, gone() | stands(second))
    thread = await thread_of(database, ids[1])
    texts = {entry.heard.mention.post.native_id: entry.heard.mention.post.text for entry in thread.entries}
    assert texts == {"4242": "", "4243": "og en ting til"}
    assert thread.entries[0].heard.mention.post.author.handle == HANDLE
    assert (thread.conversation.status, thread.conversation.urgency) == (Status.OPEN, 70)
    await look(database, gone("4243"), LATER + timedelta(hours=1))
    assert await leaks(database, HANDLE) == []


async def test_a_conversation_that_a_person_has_is_left_to_them(database: Database) -> None:
    (post_id,) = await decided(database, a_mention(post=a_secret_post()), plan=a_plan(Action.SHOW))
    before = (await thread_of(database, post_id)).conversation
    await Conversations(database).move(before.id, Move.TAKE_OVER, by="kari", version=before.version, at=NOW)
    await look(database, gone())
    after = (await thread_of(database, post_id)).conversation
    assert (after.status, after.taken_by, after.due_at) == (Status.OPEN, "kari", None)


async def test_a_dropped_draft_of_a_deleted_post_is_no_persons_act(database: Database) -> None:
    root = {"root_id": "4242"}
    (first,) = await decided(database, a_mention(post=a_secret_post(**root)), plan=a_plan(Action.DRAFT))
    await look(database, gone())
    (second,) = await decided(database, a_mention(post=a_secret_post("4244", **root)), at=LATER)
    assert (await thread_of(database, second)).conversation.id == (await thread_of(database, first)).conversation.id
    replies = Replies(database)
    (claimed,) = await replies.claim_due("me", at=LATER, lease=timedelta(minutes=1))
    facts = (await replies.standing(claimed, at=LATER)).facts
    assert facts is not None
    assert not facts.has_person_acted


async def test_a_correction_made_on_it_stays_for_the_other_posts_it_changed(database: Database) -> None:
    mentions = [a_mention(post=a_secret_post()), a_mention("2")]
    ids = await assessed(database, *mentions, embedding=bytes([7]) * 384)
    change = Change(field=Field.SENTIMENT, was=Sentiment.NEGATIVE, now=Sentiment.POSITIVE)
    made = await Corrections(database).make(ids[0], [change], by="kari", spreads=True, at=NOW)
    assert made.posts == 2
    await look(database, gone() | stands(a_post("2")))
    async with database.read() as connection:
        (kept,) = await connection.execute(select(t.corrections))
        assert (kept.embedding, kept.was, kept.now) == (None, "positive", "positive")
    assert await Corrections(database).lessons() == []
    assert await Corrections(database).undo(made.ids[0], by="kari", at=LATER) == 1


async def test_an_edit_takes_the_old_texts_place_and_is_read_anew(database: Database) -> None:
    post = a_secret_post()
    (post_id,) = await decided(database, a_mention(post=post), plan=a_plan(Action.DRAFT))
    new = replace(post, text="det var min egen fejl", place="")
    assert await look(database, stands(new, is_edited=True)) == (["4242"], (), (post_id,))
    (heard,) = await Posts(database).load([post_id], stage=Stage.SAVED)
    assert (heard.mention.post.text, heard.edited_at) == ("det var min egen fejl", LATER)
    marked = await reply_of(database, post_id)
    assert (marked.state, marked.problem) == (
        ReplyState.DRAFT,
        "the author edited the post after this was written: read it again",
    )
    assert await leaks(database, f"@fjordnet {SECRET}") == []
    # Looked at once more, nothing is new.
    assert (await look(database, stands(new, is_edited=True), LATER + timedelta(hours=1)))[2] == ()
    approved = await Replies(database).approve(marked.id, "ok", by="kari", version=marked.version, at=LATER)
    assert approved.problem is None


async def test_an_edited_post_is_never_acknowledged_a_second_time(database: Database) -> None:
    post = a_secret_post()
    (post_id,) = await decided(database, a_mention(post=post))
    await look(database, stands(replace(post, text="nyt"), is_edited=True))
    taken_back = await reply_of(database, post_id)
    assert (taken_back.state, taken_back.is_automatic, taken_back.approved_by) == (ReplyState.DRAFT, False, None)
    await Posts(database).save_assessments([(post_id, an_assessment())], at=LATER)

    seen: list[bool] = []

    def plan(facts: Any) -> Any:
        seen.append(facts.has_reply)
        return a_plan()(facts)

    await Decisions(database, repeat_alert_after=timedelta(hours=1)).decide(post_id, plan, at=LATER)
    assert seen == [True], "the rules are told, and stay silent"
    assert (await reply_of(database, post_id)).kind is ReplyKind.ACKNOWLEDGEMENT, "still one, and still a draft"
    assert await Replies(database).claim_due("me", at=LATER, lease=timedelta(minutes=1)) == []


async def test_an_assessment_of_the_old_text_is_not_taken_for_the_new_ones(database: Database) -> None:
    post = a_secret_post()
    (post_id,) = await saved(database, a_mention(post=post))
    (read,) = await Posts(database).load([post_id], stage=Stage.SAVED)
    await look(database, stands(replace(post, text="nyt"), is_edited=True))
    late = [(post_id, an_assessment())]
    assert await Posts(database).save_assessments(late, at=LATER, edited_at={post_id: read.edited_at}) == []
    assert await Posts(database).save_assessments(late, at=LATER, edited_at={post_id: LATER}) == [post_id]


async def test_a_new_version_that_a_source_brings_is_no_new_post(database: Database) -> None:
    post = a_secret_post()
    (post_id,) = await decided(database, a_mention(post=post))
    new = a_secret_post("4300", text="nyt", earlier_ids=("4242",))
    batch = await Posts(database).save_batch([a_mention(post=new)], some_progress("c2"), at=LATER)
    assert batch.ids == (post_id,)
    (heard,) = await Posts(database).load([post_id], stage=Stage.SAVED)
    assert (heard.mention.post.native_id, heard.mention.post.text) == ("4242", "nyt")
    again = await Posts(database).save_batch([a_mention(post=new)], some_progress("c3"), at=LATER)
    assert (again.ids, again.known) == ((), 1)
    await look(database, gone())
    await Posts(database).save_batch([a_mention(post=new)], some_progress("c4"), at=LATER)
    assert await leaks(database, HANDLE) == [], "a version of what is gone stays away too"


async def test_a_post_is_due_as_its_age_says_and_as_the_day_allows(database: Database) -> None:
    posts = [a_post(str(number), posted_at=NOW) for number in range(1, 4)]
    await saved(database, *(a_mention(post=post) for post in posts))
    everything = {name: answer for post in posts for name, answer in stands(post).items()}
    assert (await look(database, everything, NOW))[0] == [], "just heard"
    assert (await look(database, everything, LATER, a_day=2))[0] == ["1", "2"]
    assert (await look(database, everything, LATER, a_day=2))[0] == [], "the day's two are used up"
    assert (await look(database, everything, LATER))[0] == ["3"]
    after = LATER + timedelta(minutes=15)
    assert (await look(database, everything, after, a_day=2))[0] == ["1", "2", "3"], "looked up today they cost nothing"
    assert await Rechecks(database).overdue(at=after + timedelta(hours=25)) == {"x-main": 3}


async def test_silence_forgets_a_post_only_after_hours(database: Database) -> None:
    (post_id,) = await saved(database, a_mention(post=a_secret_post()))
    assert await look(database, {}) == (["4242"], (), ())
    assert (await look(database, {}, LATER + timedelta(minutes=30)))[0] == [], "not before an hour"
    assert await look(database, {}, LATER + timedelta(hours=2)) == (["4242"], (), ())
    assert await look(database, stands(a_secret_post()), LATER + timedelta(hours=4)) == (["4242"], (), ())
    assert await look(database, {}, LATER + timedelta(hours=7)) == (["4242"], (), ()), "the silence began anew"
    assert await look(database, {}, LATER + timedelta(hours=7) + SILENT_FOR) == (["4242"], (post_id,), ())


async def test_posts_of_an_account_that_left_the_config_are_followed_by_another(database: Database) -> None:
    await saved(database, a_mention("1"))
    due = Rechecks(database).due
    options: dict[str, Any] = {"at": LATER, "pace": PACE, "limit": 100}
    assert await due("x-new", Platform.X, configured=("x-new", "x-main"), **options) == []
    assert await due("reddit-main", Platform.REDDIT, configured=("reddit-main",), **options) == []
    (post,) = await due("x-new", Platform.X, configured=("x-new",), **options)
    assert isinstance(post, Due)


async def test_posts_of_an_account_that_left_count_on_the_day_of_the_one_that_looks_them_up(database: Database) -> None:
    theirs = [a_mention(str(number), account="x-other") for number in (8, 9)]
    await saved(database, *(a_mention(str(number)) for number in range(1, 5)), *theirs)
    rechecks, configured = Rechecks(database), ("x-new", "x-other")
    options: dict[str, Any] = {"configured": configured, "at": LATER, "pace": PACE, "limit": 100, "a_day": 2}
    due = await rechecks.due("x-new", Platform.X, **options)
    assert [post.native_id for post in due] == ["1", "2"]
    await rechecks.settle(due, gone("1") | stands(a_post("2")), at=LATER, pace=PACE)
    assert await rechecks.due("x-new", Platform.X, **options) == [], "what is gone is one of the day's two"
    due = await rechecks.due("x-other", Platform.X, **options)
    assert [post.native_id for post in due] == ["8", "9"], "the other has its own day, and its own posts"


async def test_what_cannot_be_read_is_kept_for_a_day(database: Database) -> None:
    async with database.begin() as connection:
        for hours in (1, 25):
            values = {"account": "x-main", "source": "s", "raw": f"{hours} h", "heard_at": NOW - timedelta(hours=hours)}
            await connection.execute(insert(t.unreadable).values(**values))
    await Posts(database).purge(before=NOW - timedelta(days=365), at=NOW)
    async with database.read() as connection:
        assert list((await connection.execute(select(t.unreadable.c.raw))).scalars()) == ["1 h"]


async def test_a_pending_alert_no_longer_tells_what_is_gone(database: Database) -> None:
    await decided(database, a_mention(post=a_secret_post()), plan=a_plan(Action.SHOW, notice=True))
    async with database.begin() as connection:
        await connection.execute(update(t.alerts).values(body=f"{SECRET} {a_secret_post().url}"))
    await look(database, gone())
    async with database.read() as connection:
        (alert,) = await connection.execute(select(t.alerts))
        assert (alert.state, alert.body) == ("settled", "The post this was about was deleted by its author.")


@pytest.mark.parametrize("end", [gone(), stands(replace(a_secret_post(), text="edited"), is_edited=True)])
async def test_an_alert_about_another_post_keeps_its_words(database: Database, end: dict[str, Answer]) -> None:
    """Its address may begin as the post's does, as a comment's on Reddit begins as its submission's."""
    await decided(database, a_mention(post=a_secret_post()), plan=a_plan(Action.SHOW, notice=True))
    other = f"I cannot go on\n\nPost: {a_secret_post().url}/a-comment"
    promise = "Somebody was promised something by now. The conversation says what."
    async with database.begin() as connection:
        (known,) = await connection.execute(select(t.alerts))
        await connection.execute(update(t.alerts).values(body=f"{SECRET}\nPost: {a_secret_post().url}", state="told"))
        for body in (other, promise):
            row = {**known._asdict(), "id": None, "kind": URGENT, "state": "told", "body": body}
            await connection.execute(insert(t.alerts).values(**{name: row[name] for name in row if name != "id"}))
    await look(database, end)
    async with database.read() as connection:
        bodies = list((await connection.execute(select(t.alerts.c.body).order_by(t.alerts.c.id))).scalars())
    assert bodies[1:] == [other, promise]
    assert SECRET not in bodies[0]


async def test_an_edit_takes_the_old_words_urgency_from_the_conversation(database: Database) -> None:
    await decided(database, a_mention(post=a_secret_post()))
    async with database.read() as connection:
        assert (await connection.execute(select(t.conversations.c.urgency))).scalar_one() > 0
    await look(database, stands(replace(a_secret_post(), text="solved, thanks"), is_edited=True))
    async with database.read() as connection:
        assert (await connection.execute(select(t.conversations.c.urgency))).scalar_one() == 0


async def test_what_is_written_again_after_a_deletion_is_told_for_nobody_has_it(database: Database) -> None:
    plan = a_plan(Action.SHOW, notice=True)
    await decided(database, a_mention(post=a_secret_post()), plan=plan)
    await look(database, gone())
    again = a_secret_post("4243", root_id=a_secret_post().root_id)
    ids = await decided(database, a_mention(post=again), plan=plan, at=LATER)
    async with database.read() as connection:
        told = [tuple(row) for row in await connection.execute(select(t.alerts.c.conversation_id, t.alerts.c.state))]
    thread = (await thread_of(database, ids[0])).conversation.id
    assert told == [(thread, "settled"), (thread, "pending")]


async def test_who_was_called_is_still_called_after_the_post_is_gone(database: Database) -> None:
    def call(facts: Facts) -> Plan:
        return replace(a_plan(Action.SHOW)(facts), notice=a_notice(kind=URGENT, body=f"{SECRET} {a_secret_post().url}"))

    await decided(database, a_mention(post=a_secret_post()), plan=call)
    await look(database, gone())
    async with database.read() as connection:
        (alert,) = await connection.execute(select(t.alerts))
        assert (alert.state, alert.body) == ("pending", "The post this was about was deleted by its author.")
