"""The inbox, and moves checked against the version a person saw."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.conversation import Conversation, Move, Status
from core.errors import Conflict, IllegalMove
from store import tables as t
from store.conversations import Conversations
from store.database import Database
from store.inbox import InboxFilters, Page
from tests.builders import NOW, a_mention, a_plan, a_post, an_author, decided, saved

LATER = NOW + timedelta(minutes=1)
EVERY = InboxFilters(statuses=tuple(Status))


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database)


async def _first(conversations: Conversations) -> Conversation:
    return (await conversations.inbox(EVERY)).cards[0].conversation


async def test_the_inbox_and_the_counts_keep_to_their_statuses_and_account(
    database: Database, conversations: Conversations
) -> None:
    await decided(database, a_mention("1"))
    await saved(database, a_mention("2", account="x-second"))
    assert await conversations.count() == {"open": 1, "pending": 1}
    assert await conversations.count(account="x-second") == {"pending": 1}
    (card,) = (await conversations.inbox(InboxFilters(statuses=(Status.PENDING,)))).cards
    assert card.conversation.account == "x-second"
    assert await conversations.inbox(InboxFilters(account="x-second")) == Page()


async def test_a_card_shows_the_latest_post_and_the_latest_reply(
    database: Database, conversations: Conversations
) -> None:
    newer, older = (a_post(key, root_id="r", posted_at=NOW - timedelta(minutes=n)) for n, key in enumerate(("b", "a")))
    await decided(database, a_mention(post=older))
    await saved(database, a_mention(post=newer))
    (card,) = (await conversations.inbox(EVERY)).cards
    assert (card.heard.mention.post.native_id, card.posts, card.assessment) == ("b", 2, None)
    assert card.reply is not None


async def test_a_thread_is_whole_and_oldest_first(database: Database, conversations: Conversations) -> None:
    older, newer = (a_post(key, root_id="r", posted_at=NOW + timedelta(minutes=n)) for n, key in enumerate(("a", "b")))
    await saved(database, a_mention(post=newer))
    await decided(database, a_mention(post=older))
    thread = await conversations.thread((await _first(conversations)).id)
    assert thread is not None
    assert [entry.heard.mention.post.native_id for entry in thread.entries] == ["a", "b"]
    first, second = thread.entries
    assert (first.action, first.rule, first.because, first.stage) == (
        "acknowledge",
        "angry",
        "a test says so",
        "decided",
    )
    assert (len(first.replies), first.assessment is None) == (1, False)
    assert (second.action, second.replies, second.assessment, second.stage) == (None, (), None, "saved")
    assert not thread.is_opted_out
    assert await conversations.thread(999) is None


async def test_a_move_is_written_with_its_audit(database: Database, conversations: Conversations) -> None:
    await decided(database, a_mention())
    before = await _first(conversations)
    await conversations.move(before.id, Move.TAKE_OVER, by="kari", version=before.version, at=LATER)
    after = await _first(conversations)
    assert (after.taken_by, after.version) == ("kari", before.version + 1)
    async with database.read() as connection:
        (line,) = await connection.execute(select(t.audit).where(t.audit.c.by == "kari"))
    assert (line.action, line.subject, line.at) == ("take over", f"conversation {before.id}", LATER)
    assert line.detail["after"] == {
        "status": "open", "taken_by": "kari", "assigned_to": "kari", "version": after.version
    }  # fmt: skip


async def test_a_move_on_what_changed_meanwhile_is_a_conflict(database: Database, conversations: Conversations) -> None:
    await saved(database, a_mention(post=a_post("1", root_id="r")))
    seen = await _first(conversations)
    await saved(database, a_mention(post=a_post("2", root_id="r")))
    with pytest.raises(Conflict, match="changed since"):
        await conversations.move(seen.id, Move.RESOLVE, by="kari", version=seen.version, at=NOW)
    with pytest.raises(Conflict):
        await conversations.move(999, Move.RESOLVE, by="kari", version=1, at=NOW)


async def test_two_who_take_over_at_once_give_one_owner_and_one_conflict(
    database: Database, conversations: Conversations
) -> None:
    await decided(database, a_mention())
    seen = await _first(conversations)
    outcomes = await asyncio.gather(
        *(
            conversations.move(seen.id, Move.TAKE_OVER, by=by, version=seen.version, at=NOW)
            for by in ("kari", "ola", "per")
        ),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Conflict", "Conversation"]


async def test_a_move_that_makes_no_sense_changes_nothing(database: Database, conversations: Conversations) -> None:
    await decided(database, a_mention())
    before = await _first(conversations)
    with pytest.raises(IllegalMove):
        await conversations.move(before.id, Move.REOPEN, by="kari", version=before.version, at=NOW)
    assert await _first(conversations) == before


async def test_live_pages_learn_what_changed_and_nothing_twice(
    database: Database, conversations: Conversations
) -> None:
    await saved(database, *(a_mention(str(n), post=a_post(str(n), author=an_author(str(n)))) for n in range(5)))
    first = await conversations.changed_after(NOW - timedelta(seconds=1), 0, limit=3)
    rest = await conversations.changed_after(*first[-1])
    assert [at for at, _ in first + rest] == [NOW] * 5
    assert len({conversation_id for _, conversation_id in first + rest}) == 5
    assert await conversations.changed_after(*rest[-1]) == []
    changed = first[0][1]
    thread = await conversations.thread(changed)
    assert thread is not None
    await conversations.move(changed, Move.RESOLVE, by="kari", version=thread.conversation.version, at=LATER)
    assert await conversations.changed_after(*rest[-1]) == [(LATER, changed)]


async def test_a_decision_is_a_change_too(database: Database, conversations: Conversations) -> None:
    await decided(database, a_mention(), plan=a_plan(), at=LATER)
    assert [at for at, _ in await conversations.changed_after(NOW, 0)] == [LATER]
