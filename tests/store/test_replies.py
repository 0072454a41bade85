"""The outbox: SENDING first, one sender at a time, and a person's word checked against what they saw."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from core.assessment import Intent
from core.conversation import Move, Status
from core.decision import Action
from core.errors import Conflict
from core.reply import MAY_STAND, Receipt, Reply, ReplyKind, ReplyState
from store import tables as t
from store.accounts import Accounts, AccountState
from store.conversations import Conversations
from store.database import Database
from store.inbox import InboxFilters
from store.replies import Beside, Replies
from tests.builders import NOW, a_mention, a_plan, a_post, a_standing, an_author, decided, saved

LEASE = timedelta(seconds=60)
RECEIPT = Receipt(remote_id="5005", url="https://x.com/i/status/5005")


@pytest.fixture
def replies(database: Database) -> Replies:
    return Replies(database)


async def _get(replies: Replies, reply_id: int) -> Reply:
    reply = await replies.get(reply_id)
    assert reply is not None
    return reply


async def _claimed(database: Database, owner: str = "me") -> Reply:
    await decided(database, a_mention())
    (reply,) = await Replies(database).claim_due(owner, at=NOW, lease=LEASE)
    return reply


async def _draft(database: Database) -> Reply:
    (post_id,) = await decided(database, a_mention(), plan=a_plan(Action.DRAFT))
    async with database.read() as connection:
        query = select(t.replies.c.id).where(t.replies.c.post_id == post_id)
        reply_id = (await connection.execute(query)).scalar_one()
    return await _get(Replies(database), reply_id)


async def _unknown(database: Database) -> Reply:
    reply = await _claimed(database)
    await Replies(database).mark_unknown(reply, "no answer", at=NOW, look_at=None)
    return await _get(Replies(database), reply.id)


async def test_a_claim_writes_sending_before_anybody_sends(database: Database, replies: Replies) -> None:
    claimed = await _claimed(database)
    assert claimed == await _get(replies, claimed.id)
    assert (claimed.state, claimed.attempts, claimed.fence, claimed.sending_at) == (ReplyState.SENDING, 1, 1, NOW)
    assert await replies.claim_due("another", at=NOW, lease=LEASE) == []


async def test_concurrent_claimers_never_get_the_same_reply(database: Database, replies: Replies) -> None:
    posts = [a_post(str(number), author=an_author(str(number))) for number in range(30)]
    await decided(database, *(a_mention(post=post) for post in posts))
    claims = await asyncio.gather(
        *(replies.claim_due(f"owner{number}", at=NOW, lease=LEASE, limit=8) for number in range(6))
    )
    ids = [reply.id for claim in claims for reply in claim]
    assert len(ids) == len(set(ids))
    assert all(len(claim) <= 8 for claim in claims)
    rest = await replies.claim_due("last", at=NOW, lease=LEASE, limit=30)
    assert len(ids) + len(rest) == 30


async def test_what_is_not_due_waits(database: Database, replies: Replies) -> None:
    reply = await _claimed(database)
    await replies.reschedule(reply, "429", at=NOW, not_before=NOW + timedelta(seconds=30))
    assert await replies.claim_due("me", at=NOW + timedelta(seconds=29), lease=LEASE) == []
    (again,) = await replies.claim_due("me", at=NOW + timedelta(seconds=30), lease=LEASE)
    assert (again.id, again.attempts, again.fence) == (reply.id, 2, 2)
    assert again.sending_at == NOW, "a look goes back to the first time it may have left"


async def test_an_account_the_platform_turned_away_sends_nothing_and_a_paused_one_what_people_approved(
    database: Database, replies: Replies
) -> None:
    await decided(database, a_mention())
    accounts = Accounts(database)
    await accounts.set_state("x-main", AccountState.NEEDS_OPERATOR, reason="revoked", by="genlyd", at=NOW)
    assert await replies.claim_due("me", at=NOW, lease=LEASE) == []
    await accounts.set_state("x-main", AccountState.PAUSED, reason="quiet", by="kari", at=NOW)
    assert len(await replies.claim_due("me", at=NOW, lease=LEASE)) == 1


async def test_what_is_sent_keeps_its_receipt_and_tells_the_conversation(database: Database, replies: Replies) -> None:
    reply = await _claimed(database)
    assert await replies.mark_sent(reply, RECEIPT, at=NOW)
    sent = await _get(replies, reply.id)
    assert (sent.state, sent.remote_id, sent.remote_url, sent.settled_at) == (
        ReplyState.SENT,
        RECEIPT.remote_id,
        RECEIPT.url,
        NOW,
    )
    (card,) = (await Conversations(database).inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    assert card.conversation.acknowledged_at == NOW
    assert card.conversation.waiting_since is not None, "an acknowledgement is no answer: they still wait"


async def test_an_answer_ends_the_waiting(database: Database, replies: Replies) -> None:
    (post_id,) = await decided(database, a_mention(), plan=a_plan(Action.SHOW))
    await replies.answer(post_id, "Hej", by="kari", at=NOW)
    (reply,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    await replies.mark_sent(reply, RECEIPT, at=NOW)
    (card,) = (await Conversations(database).inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    assert (card.conversation.waiting_since, card.conversation.acknowledged_at) == (None, None)


async def test_a_stale_owner_cannot_settle(database: Database, replies: Replies) -> None:
    stale = await _claimed(database)
    later = NOW + LEASE + timedelta(seconds=1)
    (looked,) = await replies.claim_unsettled("another", at=later, lease=LEASE)
    for settle in (
        replies.mark_failed(stale, "no", at=later),
        replies.mark_refused(stale, "no", at=later),
        replies.mark_unknown(stale, "no", at=later, look_at=None),
        replies.reschedule(stale, "no", at=later, not_before=later),
    ):
        assert await settle is False
    assert await _get(replies, stale.id) == looked
    assert await replies.mark_sent(looked, RECEIPT, at=later)
    assert not await replies.mark_sent(looked, RECEIPT, at=later)


async def test_a_sender_that_was_lost_leaves_unknown_and_only_after_its_lease(
    database: Database, replies: Replies
) -> None:
    lost = await _claimed(database)
    assert await replies.claim_unsettled("another", at=NOW + LEASE, lease=LEASE) == []
    (found,) = await replies.claim_unsettled("another", at=NOW + LEASE + timedelta(seconds=1), lease=LEASE)
    assert (found.id, found.state, found.fence) == (lost.id, ReplyState.UNKNOWN, 2)
    assert found.problem == "the sender was lost while sending"
    assert await replies.looks(found) == 1
    assert await replies.claim_due("another", at=NOW + 2 * LEASE, lease=LEASE) == [], "never sent again blind"


async def test_two_concurrent_lookers_never_look_for_the_same_reply(database: Database, replies: Replies) -> None:
    await _claimed(database)
    later = NOW + LEASE * 2
    found = await asyncio.gather(*(replies.claim_unsettled(f"o{n}", at=later, lease=LEASE) for n in range(4)))
    assert sorted(len(some) for some in found) == [0, 0, 0, 1]


async def test_what_only_a_person_can_tell_is_not_looked_for_again(database: Database, replies: Replies) -> None:
    await _unknown(database)
    assert await replies.claim_unsettled("me", at=NOW + timedelta(days=9), lease=LEASE) == []


async def test_looks_count_from_none_again_once_it_is_sent_anew(database: Database, replies: Replies) -> None:
    reply = await _claimed(database)
    await replies.mark_unknown(reply, "no answer", at=NOW, look_at=NOW)
    (looked,) = await replies.claim_unsettled("me", at=NOW, lease=LEASE)
    await replies.reschedule(looked, "it was surely not published", at=NOW, not_before=NOW)
    (again,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    await replies.mark_unknown(again, "no answer", at=NOW, look_at=NOW)
    (looked,) = await replies.claim_unsettled("me", at=NOW, lease=LEASE)
    assert await replies.looks(looked) == 1


async def test_a_person_approves_what_they_saw_edited_or_not(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    approved = await replies.approve(draft.id, "Rettet", by="kari", version=draft.version, at=NOW)
    assert (approved.text, approved.approved_by, approved.version) == ("Rettet", "kari", draft.version + 1)
    with pytest.raises(Conflict, match="changed since"):
        await replies.approve(draft.id, "Igen", by="ola", version=draft.version, at=NOW)
    (claimed,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    assert claimed.text == "Rettet"


async def test_two_who_approve_at_once_give_one_reply_and_one_conflict(database: Database, replies: Replies) -> None:
    draft = await _draft(database)
    outcomes = await asyncio.gather(
        *(replies.approve(draft.id, by, by=by, version=draft.version, at=NOW) for by in ("kari", "ola")),
        return_exceptions=True,
    )
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
    assert [type(outcome) for outcome in outcomes if outcome is not winner] == [Conflict]
    assert (await _get(replies, draft.id)).text == winner.approved_by


async def test_nobody_approves_what_is_being_sent_or_may_be_published(database: Database, replies: Replies) -> None:
    sending = await _claimed(database)
    with pytest.raises(Conflict, match="already sending"):
        await replies.approve(sending.id, "igen", by="kari", version=sending.version, at=NOW)
    with pytest.raises(Conflict, match="already sending"):
        await replies.settle_by_person(sending.id, is_there=False, by="kari", version=sending.version, at=NOW)
    with pytest.raises(Conflict, match="already sending"):
        await replies.drop(sending.id, by="kari", version=sending.version, at=NOW)
    with pytest.raises(Conflict, match="already sending"):
        await replies.redraft(sending.id, by="kari", version=sending.version, at=NOW)
    await replies.mark_unknown(sending, "no answer", at=NOW, look_at=None)
    unknown = await _get(replies, sending.id)
    with pytest.raises(Conflict, match="already unknown"):
        await replies.approve(unknown.id, "igen", by="kari", version=unknown.version, at=NOW)


async def test_a_dropped_reply_never_leaves_and_may_be_written_anew(database: Database, replies: Replies) -> None:
    await decided(database, a_mention())
    approved = await _get(replies, 1)
    dropped = await replies.drop(approved.id, by="kari", version=approved.version, at=NOW)
    assert dropped.state is ReplyState.DROPPED
    assert await replies.claim_due("me", at=NOW, lease=LEASE) == []
    anew = await replies.redraft(dropped.id, by="kari", version=dropped.version, at=NOW)
    assert (anew.state, anew.is_automatic, anew.approved_by) == (ReplyState.DRAFT, False, None)


@pytest.mark.parametrize(("is_there", "state"), [(True, ReplyState.SENT), (False, ReplyState.APPROVED)])
async def test_a_person_settles_what_nobody_knows(
    database: Database, replies: Replies, is_there: bool, state: ReplyState
) -> None:
    unknown = await _unknown(database)
    settled = await replies.settle_by_person(unknown.id, is_there=is_there, by="kari", version=unknown.version, at=NOW)
    assert (settled.state, settled.settled_at) == (state, NOW if is_there else None)
    (card,) = (await Conversations(database).inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    assert card.conversation.acknowledged_at == (NOW if is_there else None)
    assert len(await replies.claim_due("me", at=NOW, lease=LEASE)) == (0 if is_there else 1)


async def test_a_look_on_its_way_cannot_undo_what_a_person_settled(database: Database, replies: Replies) -> None:
    sending = await _claimed(database)
    await replies.mark_unknown(sending, "no answer", at=NOW, look_at=NOW)
    (looking,) = await replies.claim_unsettled("me", at=NOW, lease=LEASE)
    await replies.settle_by_person(looking.id, is_there=True, by="kari", version=looking.version, at=NOW)
    assert not await replies.reschedule(looking, "absent", at=NOW, not_before=NOW)
    assert (await _get(replies, looking.id)).state is ReplyState.SENT


async def test_what_is_being_looked_for_cannot_be_sent_again_by_a_person(database: Database, replies: Replies) -> None:
    sending = await _claimed(database)
    await replies.mark_unknown(sending, "no answer", at=NOW, look_at=NOW)
    (looking,) = await replies.claim_unsettled("me", at=NOW, lease=LEASE)
    for _ in range(2):
        with pytest.raises(Conflict, match="looked for right now"):
            await replies.settle_by_person(looking.id, is_there=False, by="kari", version=looking.version, at=NOW)
    after = NOW + LEASE
    settled = await replies.settle_by_person(looking.id, is_there=False, by="kari", version=looking.version, at=after)
    assert settled.state is ReplyState.APPROVED


async def test_a_receipt_is_a_fact_whatever_was_decided_meanwhile(database: Database, replies: Replies) -> None:
    sending = await _claimed(database)
    await replies.mark_unknown(sending, "no answer", at=NOW, look_at=NOW)
    (looking,) = await replies.claim_unsettled("me", at=NOW, lease=LEASE)
    dropped = await replies.drop(looking.id, by="kari", version=looking.version, at=NOW)
    assert await replies.mark_sent(looking, RECEIPT, at=NOW)
    reply = await _get(replies, dropped.id)
    assert (reply.state, reply.remote_id) == (ReplyState.SENT, RECEIPT.remote_id)
    assert reply.version == dropped.version + 1


@pytest.mark.parametrize("is_sent_anew", [True, False])
async def test_a_receipt_of_other_words_or_of_an_earlier_sending_settles_nothing(
    database: Database, replies: Replies, *, is_sent_anew: bool
) -> None:
    sending = await _claimed(database)
    await replies.mark_unknown(sending, "no answer", at=NOW, look_at=None)
    unknown = await _get(replies, sending.id)
    if is_sent_anew:
        await replies.settle_by_person(unknown.id, is_there=False, by="kari", version=unknown.version, at=NOW)
        [anew] = await replies.claim_due("me", at=NOW, lease=LEASE)
    else:
        dropped = await replies.drop(unknown.id, by="kari", version=unknown.version, at=NOW)
        draft = await replies.redraft(dropped.id, by="kari", version=dropped.version, at=NOW, has_looked=True)
        anew = await replies.approve(draft.id, "Andre ord", by="kari", version=draft.version, at=NOW)
    assert not await replies.mark_sent(sending, RECEIPT, at=NOW)
    assert await _get(replies, anew.id) == anew


async def test_a_post_is_answered_once_however_often_it_is_clicked(database: Database, replies: Replies) -> None:
    (post_id,) = await decided(database, a_mention(), plan=a_plan(Action.SHOW))
    outcomes = await asyncio.gather(
        *(replies.answer(post_id, f"Hej {number}", by="kari", at=NOW) for number in range(3)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Conflict", "int"]
    with pytest.raises(Conflict, match="already answered"):
        await replies.answer(post_id, "Hej", by="ola", at=NOW)
    (answer,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    assert (answer.kind, answer.is_automatic, answer.approved_by, answer.language) == (
        ReplyKind.ANSWER,
        False,
        "kari",
        "da",
    )


async def test_who_answers_a_post_that_is_being_decided_waits_for_it(database: Database, replies: Replies) -> None:
    """Deciding locks the conversation and then the post: answering in another order would end in a deadlock."""
    (post_id,) = await saved(database, a_mention())
    async with database.begin() as deciding:
        await deciding.execute(select(t.conversations.c.id).with_for_update())
        answering = asyncio.create_task(replies.answer(post_id, "Hej", by="kari", at=NOW))
        async with asyncio.timeout(20):
            while not await _waits(database):  # noqa: ASYNC110 - the server rings no bell
                await asyncio.sleep(0.01)
        await deciding.execute(update(t.posts).values(stage="decided"))
    await answering


async def test_who_takes_back_answers_while_posts_are_decided_waits_for_it(
    database: Database, replies: Replies
) -> None:
    """Both lock several conversations, and the second was answered first."""
    first, second = await decided(database, a_mention("1"), a_mention("2"), plan=a_plan(Action.SHOW))
    for post_id in (second, first):
        await replies.answer(post_id, f"Hej {post_id}", by="kari", at=NOW)
    async with database.begin() as connection:
        await connection.execute(update(t.conversations).values(taken_by="ola"))
    order = select(t.conversations.c.id).order_by(t.conversations.c.id)
    async with database.begin() as deciding:
        await deciding.execute(order.where(t.conversations.c.id == 1).with_for_update())
        taking = asyncio.create_task(replies.take_back_moved(at=NOW))
        async with asyncio.timeout(20):
            while not await _waits(database):  # noqa: ASYNC110 - the server rings no bell
                await asyncio.sleep(0.01)
        await deciding.execute(order.where(t.conversations.c.id == 2).with_for_update())
    assert len(await taking) == 2


async def _waits(database: Database) -> bool:
    """Whether somebody waits for a lock; on SQLite whoever comes second does."""
    if database.is_sqlite:
        return True
    async with database.read() as connection:
        return bool((await connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))).scalar_one())


async def test_the_standing_is_read_anew_each_time(database: Database, replies: Replies) -> None:
    reply = await _claimed(database)
    quiet = await replies.standing(reply, at=NOW)
    assert replace(quiet, facts=None) == a_standing(not_after=NOW + timedelta(minutes=60), facts=None)
    facts = quiet.facts
    assert facts is not None
    assert (facts.is_paused, facts.is_opted_out, facts.conversation.taken_by, facts.is_ours) == (
        False,
        False,
        None,
        False,
    )
    assert (facts.has_reply, facts.acknowledged_at) == (False, None), "the reply itself does not count"
    await Accounts(database).pause_house(True, by="kari", at=NOW)
    conversations = Conversations(database)
    (card,) = (await conversations.inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    version = card.conversation.version
    await conversations.move(card.conversation.id, Move.TAKE_OVER, by="kari", version=version, at=NOW)
    async with database.begin() as connection:
        await connection.execute(t.posts.update().values(deleted_at=NOW))
        await connection.execute(t.opt_outs.insert().values(author_id=1, scope="automatic", since=NOW, because="stop"))
        await connection.execute(t.assessments.update().values(intents=["grief"]))
        await connection.execute(t.authors.update().values(handle="fjordNET"))
    standing = await replies.standing(reply, at=NOW)
    facts = standing.facts
    assert facts is not None
    assert (standing.is_deleted, facts.heard.deleted_at) == (True, NOW)
    assert (facts.is_paused, facts.is_opted_out, facts.conversation.taken_by, facts.is_ours) == (
        True,
        True,
        "kari",
        True,
    )
    assert facts.assessment.intents == (Intent.GRIEF,), "what a person set right meanwhile counts"


async def test_a_person_may_answer_what_nobody_has_read(database: Database, replies: Replies) -> None:
    (post_id,) = await saved(database, a_mention())
    answer = await _get(replies, await replies.answer(post_id, "Hej", by="kari", at=NOW))
    assert (await replies.standing(answer, at=NOW)).facts is None


async def test_another_acknowledgement_of_the_conversation_is_seen(database: Database, replies: Replies) -> None:
    first, second, third = [a_mention(post=a_post(number, root_id="r")) for number in ("1", "2", "3")]
    await decided(database, first)
    (sent,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    await replies.mark_sent(sent, RECEIPT, at=NOW)
    await decided(database, second, plan=a_plan(Action.DRAFT))
    draft = await _get(replies, 2)
    assert (await replies.standing(draft, at=NOW)).has_other_reply
    await decided(database, third, plan=a_plan(Action.DRAFT, alone_since=NOW + timedelta(seconds=1)))
    assert not (await replies.standing(await _get(replies, 3), at=NOW)).has_other_reply, "its window began later"
    assert not (await replies.standing(replace(sent, state=ReplyState.SENDING), at=NOW)).has_other_reply


async def test_what_was_dropped_after_it_may_have_left_is_drafted_again_once_somebody_looked(
    database: Database, replies: Replies
) -> None:
    await decided(database, a_mention())
    (claimed,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    await replies.mark_unknown(claimed, "no answer", at=NOW, look_at=None)
    dropped = await replies.drop(claimed.id, by="kari", version=(await _get(replies, claimed.id)).version, at=NOW)
    assert dropped.problem == MAY_STAND
    with pytest.raises(Conflict, match="may stand on the platform"):
        await replies.redraft(claimed.id, by="kari", version=dropped.version, at=NOW)
    again = await replies.redraft(claimed.id, by="kari", version=dropped.version, at=NOW, has_looked=True)
    assert (again.state, again.problem, again.is_automatic) == (ReplyState.DRAFT, None, False)


async def test_what_the_platform_refused_is_drafted_again_after_a_drop(database: Database, replies: Replies) -> None:
    await decided(database, a_mention())
    (claimed,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    await replies.mark_failed(claimed, "it is too long", at=NOW)
    dropped = await replies.drop(claimed.id, by="kari", version=(await _get(replies, claimed.id)).version, at=NOW)
    assert dropped.problem == "it is too long"
    again = await replies.redraft(claimed.id, by="kari", version=dropped.version, at=NOW)
    assert again.state is ReplyState.DRAFT


async def test_another_reply_of_ours_is_not_taken_for_this_one(database: Database, replies: Replies) -> None:
    (post_id,) = await decided(database, a_mention())
    (sent,) = await replies.claim_due("me", at=NOW, lease=LEASE)
    await replies.mark_sent(sent, RECEIPT, at=NOW)
    answer = await _get(replies, await replies.answer(post_id, "Hej", by="kari", at=NOW))
    assert await replies.beside(answer) == Beside(remote_ids=frozenset({"5005"}), texts=frozenset(), has_spoken=True)
    assert await replies.beside(sent) == Beside(remote_ids=frozenset(), texts=frozenset(), has_spoken=False)
    await replies.claim_due("me", at=NOW, lease=LEASE)
    assert await replies.beside(sent) == Beside(
        remote_ids=frozenset(), texts=frozenset({answer.text}), has_spoken=False
    )


async def test_an_approval_from_an_old_page_is_void_though_the_reply_is_a_draft_again(
    database: Database, replies: Replies
) -> None:
    """Somebody approved and took back meanwhile: what the old page shows is not what would go out."""
    draft = await _draft(database)
    approved = await replies.approve(draft.id, "Rettet", by="kari", version=draft.version, at=NOW)
    again = await replies.redraft(draft.id, by="kari", version=approved.version, at=NOW)
    for act in (replies.drop, replies.redraft):
        with pytest.raises(Conflict, match="changed since"):
            await act(draft.id, by="ola", version=draft.version, at=NOW)
    with pytest.raises(Conflict, match="changed since"):
        await replies.approve(draft.id, draft.text, by="ola", version=draft.version, at=NOW)
    assert await _get(replies, draft.id) == again


async def test_a_stale_owner_cannot_settle_what_another_is_sending_by_now(database: Database, replies: Replies) -> None:
    """The state is the same again; only the fence tells the two apart."""
    stale = await _claimed(database)
    later = NOW + LEASE + timedelta(seconds=1)
    (looked,) = await replies.claim_unsettled("another", at=later, lease=LEASE)
    await replies.reschedule(looked, "it was surely not published", at=later, not_before=later)
    (sending,) = await replies.claim_due("another", at=later, lease=LEASE)
    assert sending.state is stale.state is ReplyState.SENDING
    assert not await replies.mark_failed(stale, "403", at=later)
    assert not await replies.reschedule(stale, "429", at=later, not_before=later)
    assert not await replies.mark_sent(stale, Receipt(remote_id="9", url=""), at=later)
    assert await _get(replies, stale.id) == sending
