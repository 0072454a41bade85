"""What people approve is held for a moment, can be taken back meanwhile, and keeps the draft it was made from."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from core.conversation import Move
from core.decision import Action
from core.errors import Conflict
from core.reply import ANSWERED, Receipt, RejectReason, Reply, ReplyKind, ReplyState
from store import tables as t
from store.conversations import Conversations, person_has_acted
from store.database import Database
from store.edits import rewrite
from store.exports import export
from store.posts import Posts
from store.replies import Replies
from tests.builders import NOW, a_mention, a_plan, a_post, decided, saved

LEASE = timedelta(seconds=60)
HOLD = timedelta(seconds=15)


@pytest.fixture
def replies(database: Database) -> Replies:
    return Replies(database)


async def _draft(database: Database) -> Reply:
    (post_id,) = await decided(database, a_mention(), plan=a_plan(Action.DRAFT))
    async with database.read() as connection:
        reply_id = (await connection.execute(select(t.replies.c.id).where(t.replies.c.post_id == post_id))).scalar_one()
    return await _get(Replies(database), reply_id)


async def _get(replies: Replies, reply_id: int) -> Reply:
    reply = await replies.get(reply_id)
    assert reply is not None
    return reply


async def _has_person_acted(database: Database) -> bool:
    async with database.read() as connection:
        return bool((await connection.execute(select(person_has_acted(t.conversations.c.id)))).scalar_one())


async def test_what_a_person_approves_is_not_claimed_before_its_hold_is_over(
    database: Database, replies: Replies
) -> None:
    draft = await _draft(database)
    held = await replies.approve(draft.id, "Rettet", by="kari", version=draft.version, at=NOW, hold=HOLD)
    assert (held.approved_at, held.not_before) == (NOW, NOW + HOLD)
    early = NOW + HOLD - timedelta(seconds=1)
    assert await replies.claim_due("me", at=early, lease=LEASE) == []


async def test_a_sender_whose_clock_is_ahead_waits_for_the_hold_too(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    hold = timedelta(seconds=0.4)
    await replies.approve(draft.id, "Rettet", by="kari", version=draft.version, at=NOW, hold=hold)
    claimed = await replies.claim_due("me", at=NOW + timedelta(hours=1), lease=LEASE)
    if not database.is_sqlite:
        assert claimed == [], "PostgreSQL's own clock says that the moment is not over"
        await asyncio.sleep(0.5)
        claimed = await replies.claim_due("me", at=NOW + timedelta(hours=1), lease=LEASE)
    assert [reply.id for reply in claimed] == [draft.id]


async def test_what_is_held_can_be_taken_back_and_approved_again(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    held = await replies.approve(draft.id, "Rettet", by="kari", version=draft.version, at=NOW, hold=HOLD)
    back = await replies.redraft(held.id, by="kari", version=held.version, at=NOW)
    assert (back.state, back.text, back.drafted_text) == (ReplyState.DRAFT, "Rettet", draft.text)
    assert await _has_person_acted(database)
    assert await replies.claim_due("me", at=NOW + timedelta(days=1), lease=LEASE) == []
    again = await replies.approve(back.id, "Rettet igen", by="kari", version=back.version, at=NOW)
    assert [reply.id for reply in await replies.claim_due("me", at=NOW, lease=LEASE)] == [again.id]


async def test_taking_back_and_claiming_at_the_same_moment_have_one_winner(
    database: Database, replies: Replies
) -> None:
    draft = await _draft(database)
    # The moment is just over: the undo was pressed in the last second, and a sender looks.
    held = await replies.approve(draft.id, "Rettet", by="kari", version=draft.version, at=NOW)
    undone, claimed = await asyncio.gather(
        replies.redraft(held.id, by="kari", version=held.version, at=NOW),
        replies.claim_due("me", at=NOW, lease=LEASE),
        return_exceptions=True,
    )
    after = await _get(replies, draft.id)
    if isinstance(undone, Conflict):
        assert isinstance(claimed, list)
        assert [reply.id for reply in claimed] == [draft.id]
        assert after.state is ReplyState.SENDING
    else:
        assert claimed == []
        assert after.state is ReplyState.DRAFT


async def test_what_is_being_sent_cannot_be_taken_back(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    held = await replies.approve(draft.id, "Rettet", by="kari", version=draft.version, at=NOW)
    await replies.claim_due("me", at=NOW, lease=LEASE)
    with pytest.raises(Conflict, match="sending"):
        await replies.redraft(held.id, by="kari", version=held.version, at=NOW)


async def test_automatic_replies_are_not_held(database: Database, replies: Replies) -> None:
    await decided(database, a_mention())
    (claimed,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    assert (claimed.is_automatic, claimed.drafted_text) == (True, claimed.text)


async def test_the_draft_stays_beside_what_was_approved(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    assert (draft.drafted_text, draft.drafted_by, draft.is_edited) == (draft.text, None, None)
    edited = await replies.approve(draft.id, "Andre ord", by="kari", version=draft.version, at=NOW)
    assert (edited.text, edited.drafted_text, edited.is_edited) == ("Andre ord", draft.text, True)
    back = await replies.redraft(edited.id, by="kari", version=edited.version, at=NOW)
    same = await replies.approve(back.id, draft.text, by="kari", version=back.version, at=NOW)
    assert same.is_edited is False


async def test_whether_a_draft_was_edited_outlives_its_words(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    await replies.approve(draft.id, "Andre ord", by="kari", version=draft.version, at=NOW)
    await Posts(database).purge(before=NOW + timedelta(days=1))
    after = await _get(replies, draft.id)
    assert (after.text, after.drafted_text, after.is_edited) == ("", None, True)


async def test_somebody_who_may_not_send_leaves_a_draft_with_their_name(database: Database, replies: Replies) -> None:
    (post_id,) = await saved(database, a_mention())
    reply = await _get(replies, await replies.suggest(post_id, "Hej fra Ola", by="ola", at=NOW))
    assert (reply.state, reply.drafted_by, reply.drafted_text) == (ReplyState.DRAFT, "ola", "Hej fra Ola")
    assert await replies.claim_due("me", at=NOW, lease=LEASE) == []
    assert await _has_person_acted(database), "the bot is to be silent beside it"
    with pytest.raises(Conflict, match="already answered"):
        await replies.answer(post_id, "Hej", by="kari", at=NOW)
    revised = await replies.revise(reply.id, "Hej igen", by="eva", version=reply.version, at=NOW)
    assert (revised.state, revised.text, revised.drafted_by) == (ReplyState.DRAFT, "Hej igen", "eva")
    with pytest.raises(Conflict, match="changed since"):
        await replies.approve(reply.id, "Hej", by="kari", version=reply.version, at=NOW)
    sent = await replies.approve(reply.id, "Hej igen", by="kari", version=revised.version, at=NOW)
    assert (sent.approved_by, sent.drafted_by, sent.is_edited) == ("kari", "eva", True)


async def test_only_a_draft_is_revised(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    sent = await replies.approve(draft.id, "Hej", by="kari", version=draft.version, at=NOW)
    with pytest.raises(Conflict, match="already approved"):
        await replies.revise(draft.id, "Nej", by="ola", version=sent.version, at=NOW)


async def test_a_reject_keeps_its_reason_until_it_is_taken_up_again(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    dropped = await replies.drop(draft.id, by="kari", version=draft.version, at=NOW, because=RejectReason.LANGUAGE)
    assert dropped.rejected_because is RejectReason.LANGUAGE
    audit = [row async for row in export(database, "audit") if row["action"] == "reply dropped"]
    assert audit[0]["detail"]["because"] == "language"
    back = await replies.redraft(draft.id, by="kari", version=dropped.version, at=NOW)
    assert back.rejected_because is None


async def test_an_answer_sent_at_once_has_no_draft(database: Database, replies: Replies) -> None:
    (post_id,) = await saved(database, a_mention())
    reply = await _get(replies, await replies.answer(post_id, "Hej", by="kari", at=NOW, hold=HOLD))
    assert (reply.kind, reply.drafted_text, reply.is_edited) == (ReplyKind.ANSWER, None, None)
    assert reply.not_before == NOW + HOLD
    assert await replies.claim_due("me", at=NOW, lease=LEASE) == []


async def test_an_answer_and_an_edit_of_its_post_never_wait_for_each_other(
    database: Database, replies: Replies
) -> None:
    (post_id,) = await saved(database, a_mention())
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks, database.begin() as connection:
        # As `lock_post` does, for edits and deletions: the conversation, then the post.
        await connection.execute(select(t.conversations.c.id).with_for_update())
        answering = tasks.create_task(replies.answer(post_id, "Hej", by="kari", at=NOW))
        await asyncio.sleep(0.3)
        await connection.execute(select(t.posts.c.id).with_for_update())
    assert (await _get(replies, answering.result())).text == "Hej"


async def test_a_suggestion_goes_when_a_persons_own_answer_is_out_and_not_before(
    database: Database, replies: Replies
) -> None:
    draft = await _draft(database)
    answer_id = await replies.answer(draft.post_id, "Vi ringer i dag", by="kari", at=NOW)
    assert (await _get(replies, draft.id)).state is ReplyState.DRAFT, "the answer may be taken back yet"
    (leaving,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    assert leaving.id == answer_id
    await replies.mark_sent(leaving, Receipt(remote_id="9", url="https://x.example/9"), at=NOW)
    after = await _get(replies, draft.id)
    assert (after.state, after.problem) == (ReplyState.DROPPED, ANSWERED)
    async with database.read() as connection:
        assert (await connection.execute(select(t.conversations.c.has_draft))).scalar_one() is False
    audit = [row async for row in export(database, "audit") if row["action"] == "reply dropped"]
    assert [row["detail"]["because"] for row in audit] == [ANSWERED]


async def _take_over(database: Database, conversation_id: int, *, by: str) -> None:
    thread = await Conversations(database).thread(conversation_id)
    assert thread is not None
    version = thread.conversation.version
    await Conversations(database).move(conversation_id, Move.TAKE_OVER, by=by, version=version, at=NOW + HOLD / 3)


async def test_what_is_held_is_a_draft_again_when_its_author_writes_meanwhile(
    database: Database, replies: Replies
) -> None:
    draft = await _draft(database)
    await replies.approve(draft.id, "Vi ringer", by="kari", version=draft.version, at=NOW, hold=HOLD)
    again = a_post("1002", text="ring ikke, jeg har sagt op", root_id=a_post().root_id)
    await saved(database, a_mention(post=again), at=NOW + HOLD / 3)
    assert await replies.claim_due("me", at=NOW + timedelta(days=1), lease=LEASE) == [], "not even before it is told"
    assert await replies.take_back_moved(at=NOW + HOLD) == [draft.id]
    after = await _get(replies, draft.id)
    assert (after.state, after.text, after.approved_by, after.approved_at) == (
        ReplyState.DRAFT, "Vi ringer", None, None,
    )  # fmt: skip
    assert after.problem == "the author wrote again before it left: read it first"
    assert await _has_person_acted(database)
    await replies.approve(draft.id, "Vi ringer ikke", by="kari", version=after.version, at=NOW + HOLD)
    assert await replies.take_back_moved(at=NOW + HOLD) == [], "what came before the approval was read"
    assert len(await replies.claim_due("me", at=NOW + timedelta(days=1), lease=LEASE)) == 1


async def test_what_is_held_as_its_post_is_edited_is_nobodys_approval_any_more(
    database: Database, replies: Replies
) -> None:
    draft = await _draft(database)
    await replies.approve(draft.id, "Vi ringer", by="kari", version=draft.version, at=NOW, hold=HOLD)
    async with database.begin() as connection:
        assert await rewrite(connection, draft.post_id, a_post(text="ring ikke"), at=NOW + HOLD / 3)
    after = await _get(replies, draft.id)
    assert (after.state, after.approved_by, after.approved_at) == (ReplyState.DRAFT, None, None)
    assert await _has_person_acted(database)


async def test_what_is_held_is_a_draft_again_when_a_colleague_takes_over_and_not_when_its_writer_does(
    database: Database, replies: Replies
) -> None:
    draft = await _draft(database)
    held = await replies.approve(draft.id, "Vi ringer", by="kari", version=draft.version, at=NOW, hold=HOLD)
    await _take_over(database, held.conversation_id, by="kari")
    assert await replies.take_back_moved(at=NOW + HOLD) == []
    async with database.begin() as connection:
        await connection.execute(update(t.conversations).values(taken_by=None))
    await _take_over(database, held.conversation_id, by="lars")
    assert await replies.take_back_moved(at=NOW + HOLD) == [draft.id]
    after = await _get(replies, draft.id)
    assert after.problem == "lars took this conversation over before it left: read it first"
    async with database.read() as connection:
        line = (await connection.execute(select(t.audit).where(t.audit.c.action == "take back"))).one()
    assert (line.by, line.subject) == ("genlyd", f"reply {draft.id}")
    assert await replies.claim_due("me", at=NOW + timedelta(days=1), lease=LEASE) == []


async def test_what_a_person_sends_again_counts_from_that_word_of_theirs(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    await replies.approve(draft.id, "Vi ringer", by="kari", version=draft.version, at=NOW)
    (claimed,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    await saved(database, a_mention(post=a_post("1002", root_id=a_post().root_id)), at=NOW + HOLD)
    assert await replies.take_back_moved(at=NOW + HOLD) == [], "what is on its way is left to its sender"
    await replies.mark_unknown(claimed, "no answer in time", at=NOW, look_at=None)
    unknown = await _get(replies, draft.id)
    later = NOW + 2 * HOLD
    await replies.settle_by_person(draft.id, is_there=False, by="lars", version=unknown.version, at=later)
    assert await replies.take_back_moved(at=later) == []
    assert len(await replies.claim_due("me", at=later, lease=LEASE)) == 1


async def test_who_has_taken_it_over_may_send_again_what_a_colleague_approved(
    database: Database, replies: Replies
) -> None:
    draft = await _draft(database)
    await replies.approve(draft.id, "Vi ringer", by="kari", version=draft.version, at=NOW)
    (claimed,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    await replies.mark_unknown(claimed, "no answer in time", at=NOW, look_at=None)
    await _take_over(database, claimed.conversation_id, by="lars")
    unknown = await _get(replies, draft.id)
    await replies.settle_by_person(draft.id, is_there=False, by="lars", version=unknown.version, at=NOW + HOLD)
    assert await replies.take_back_moved(at=NOW + HOLD) == []
    assert len(await replies.claim_due("me", at=NOW + HOLD, lease=LEASE)) == 1


@pytest.mark.parametrize("is_known", [True, False])
async def test_who_writes_while_an_answer_is_on_its_way_waits_for_the_next(
    database: Database, replies: Replies, *, is_known: bool
) -> None:
    (post_id,) = await saved(database, a_mention())
    answer_id = await replies.answer(post_id, "Vi ringer", by="kari", at=NOW)
    (claimed,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    again = a_post("1002", root_id=a_post().root_id, posted_at=NOW + HOLD / 3)
    await saved(database, a_mention(post=again), at=NOW + HOLD / 2)
    if is_known:
        await replies.mark_sent(claimed, Receipt(remote_id="9", url="https://x.example/9"), at=NOW + HOLD)
    else:
        await replies.mark_unknown(claimed, "no answer in time", at=NOW + HOLD, look_at=None)
        unknown = await _get(replies, answer_id)
        await replies.settle_by_person(answer_id, is_there=True, by="lars", version=unknown.version, at=NOW + 9 * HOLD)
    thread = await Conversations(database).thread(claimed.conversation_id)
    assert thread is not None
    assert thread.conversation.waiting_since == again.posted_at


async def test_a_due_time_that_an_answer_kept_is_not_missed_by_what_its_author_writes_later(
    database: Database, replies: Replies
) -> None:
    plan = a_plan(Action.SHOW, escalate=True, due_at=NOW + HOLD)
    (post_id,) = await decided(database, a_mention(), plan=plan)
    await replies.answer(post_id, "Vi ringer", by="kari", at=NOW)
    (claimed,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    await replies.mark_sent(claimed, Receipt(remote_id="9", url="https://x.example/9"), at=NOW)
    later = NOW + timedelta(hours=3)
    thanks = a_mention(post=a_post("1002", root_id=a_post().root_id, posted_at=later))
    await decided(database, thanks, plan=a_plan(Action.SHOW), at=later)
    thread = await Conversations(database).thread(claimed.conversation_id)
    assert thread is not None
    assert (thread.conversation.waiting_since, thread.conversation.due_at) == (later, None)
