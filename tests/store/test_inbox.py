"""The inbox: its order, its pages each way, its filters; and that what they stand on is always what the rows say."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, select, update

from core.assessment import Intent, Language, Sentiment
from core.conversation import Conversation, Move, Status
from core.correction import Change, Field
from core.decision import Action
from core.errors import Conflict, IllegalMove
from core.post import Platform
from core.reply import Receipt, ReplyKind, ReplyState
from store import tables as t
from store.conversations import Conversations
from store.corrections import Corrections
from store.database import Database
from store.decisions import Decisions
from store.deletions import forget_gone
from store.edits import rewrite
from store.inbox import MOST_COUNTED, InboxFilters, Page, count_by_status
from store.places import INTENT_BITS, place
from store.posts import Posts
from store.readings import reading_of
from store.replies import Replies
from store.rows import assessment
from tests.builders import NOW, a_mention, a_plan, a_post, an_assessment, an_author, decided, saved

EVERY = InboxFilters(statuses=tuple(Status))


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database)


async def _hear(database: Database, name: str, *, minutes: int = 0, urgency: int = 10, **read: Any) -> int:
    """One post of an author of its own, read and shown; return the conversation's id."""
    followers = read.pop("followers", 0)
    post = a_post(
        name, author=an_author(name, followers=followers), posted_at=NOW - timedelta(minutes=minutes), text=name
    )
    (post_id,) = await saved(database, a_mention(post=post, account=read.pop("account", "x-main")))
    await Posts(database).save_assessments([(post_id, an_assessment(urgency=urgency, **read))], at=NOW)
    decisions = Decisions(database, repeat_alert_after=timedelta(hours=1))
    await decisions.decide(post_id, a_plan(Action.SHOW), at=NOW)
    async with database.read() as connection:
        found = await connection.execute(select(t.posts.c.conversation_id).where(t.posts.c.id == post_id))
        return int(found.scalar_one())


def _names(page: Page) -> list[str]:
    return [card.heard.mention.post.native_id for card in page.cards]


async def test_the_order_is_urgency_against_waiting_reach_and_due_time(
    database: Database, conversations: Conversations
) -> None:
    await _hear(database, "calm")
    await _hear(database, "calm with many followers", followers=50_000)
    await _hear(database, "calm for three hours", minutes=180)
    await _hear(database, "urgent", urgency=75)
    await _hear(database, "calm for a week", minutes=60 * 24 * 7)
    due = await _hear(database, "due now", minutes=60)
    async with database.begin() as connection:
        await connection.execute(update(t.conversations).where(t.conversations.c.id == due).values(due_at=NOW))
        await place(connection, [due])
    assert _names(await conversations.inbox(EVERY)) == [
        "calm for a week",
        "urgent",
        "due now",
        "calm for three hours",
        "calm with many followers",
        "calm",
    ]


async def test_where_nobody_waits_comes_last_and_the_latest_word_first(
    database: Database, conversations: Conversations
) -> None:
    for name, minutes in (("old", 90), ("new", 1), ("waits", 0)):
        one = await _hear(database, name, minutes=minutes, urgency=99 if name != "waits" else 0)
        if name != "waits":
            await _move(conversations, one, Move.RESOLVE)
    assert _names(await conversations.inbox(EVERY)) == ["waits", "new", "old"]


async def _move(conversations: Conversations, one: int, move: Move) -> None:
    thread = await conversations.thread(one)
    assert thread is not None
    await conversations.move(one, move, by="kari", version=thread.conversation.version, at=NOW)


async def test_pages_lead_on_and_back_and_leave_nothing_out(database: Database, conversations: Conversations) -> None:
    names = [f"n{number:02}" for number in range(11)]
    # Three have waited equally long: then the one that came first is first.
    for number, name in enumerate(names):
        await _hear(database, name, minutes=100 - max(number, 3))
    pages = [await conversations.inbox(EVERY, limit=4)]
    while pages[-1].after is not None:
        pages.append(await conversations.inbox(EVERY, limit=4, after=pages[-1].after))
    assert [name for page in pages for name in _names(page)] == names
    assert [len(page.cards) for page in pages] == [4, 4, 3]
    assert pages[0].before is None
    back = await conversations.inbox(EVERY, limit=4, before=pages[2].before)
    assert _names(back) == _names(pages[1])
    assert _names(await conversations.inbox(EVERY, limit=4, before=back.before)) == _names(pages[0])


async def test_a_page_that_was_dealt_with_meanwhile_is_the_first_again(
    database: Database, conversations: Conversations
) -> None:
    ids = [await _hear(database, f"n{number}", minutes=60 - number) for number in range(5)]
    waiting = InboxFilters(statuses=(Status.OPEN, Status.PENDING))
    first = await conversations.inbox(waiting, limit=3)
    for one in ids[3:]:
        await _move(conversations, one, Move.RESOLVE)
    again = await conversations.inbox(waiting, limit=3, after=first.after)
    assert _names(again) == ["n0", "n1", "n2"]
    assert (again.before, again.after) == (None, None)


async def test_what_comes_in_meanwhile_shifts_no_page(database: Database, conversations: Conversations) -> None:
    for number in range(6):
        await _hear(database, f"n{number}", minutes=60 - number)
    first = await conversations.inbox(EVERY, limit=3)
    await _hear(database, "urgent", urgency=95)
    assert _names(await conversations.inbox(EVERY, limit=3, after=first.after)) == ["n3", "n4", "n5"]
    before = await conversations.inbox(EVERY, limit=3, before=first.after)
    assert _names(before) == ["urgent", "n0", "n1"], "fewer than a page stand before it: the first page, whole"


@pytest.mark.parametrize("cursor", ["", "1", "1.", "1.x", "999999999999999999999.1", "1.1.1", "p7", "².1", "' OR 1"])
async def test_a_cursor_that_is_nonsense_is_the_first_page(
    database: Database, conversations: Conversations, cursor: str
) -> None:
    await _hear(database, "one")
    assert _names(await conversations.inbox(EVERY, after=cursor)) == ["one"]
    assert _names(await conversations.inbox(EVERY, before=cursor)) == ["one"]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["da", "sv", "nb"]),
        ({"statuses": (Status.RESOLVED,)}, []),
        ({"statuses": ()}, []),
        ({"account": "x-second"}, ["nb"]),
        ({"account": "x-third"}, []),
        ({"platform": Platform.X}, ["da", "sv", "nb"]),
        ({"platform": Platform.REDDIT}, []),
        ({"language": Language.SV}, ["sv"]),
        ({"sentiment": Sentiment.POSITIVE}, ["nb"]),
        ({"intent": Intent.BILLING}, ["da", "nb"]),
        ({"intent": Intent.PERSON}, ["nb"]),
        ({"intent": Intent.COMPLAINT}, []),
        ({"intent": Intent.BILLING, "language": Language.DA}, ["da"]),
        ({"has_draft": True}, []),
    ],
)
async def test_filters_hold_all_at_once(
    database: Database, conversations: Conversations, asked: dict[str, Any], names: list[str]
) -> None:
    await _hear(database, "da", minutes=9, language=Language.DA, intents=(Intent.BILLING,))
    await _hear(database, "sv", minutes=8, language=Language.SV)
    await _hear(
        database,
        "nb",
        minutes=7,
        language=Language.NB,
        sentiment=Sentiment.POSITIVE,
        intents=(Intent.PERSON, Intent.BILLING),
        account="x-second",
    )
    assert _names(await conversations.inbox(InboxFilters(**asked))) == names


async def test_a_draft_that_awaits_approval_is_found_until_it_is_approved(
    database: Database, conversations: Conversations
) -> None:
    await decided(database, a_mention(), plan=a_plan(Action.DRAFT))
    asked = InboxFilters(has_draft=True)
    (card,) = (await conversations.inbox(asked)).cards
    assert card.reply is not None
    assert card.reply.state is ReplyState.DRAFT
    await Replies(database).approve(card.reply.id, "Hej", by="kari", version=card.reply.version, at=NOW)
    assert await conversations.inbox(asked) == Page()


async def test_a_page_takes_the_same_few_statements_however_many_cards(
    database: Database, conversations: Conversations
) -> None:
    taken: list[str] = []
    event.listen(
        database._engine.sync_engine, "before_cursor_execute", lambda *given: taken.append(given[2]), named=False
    )
    counts = []
    for number in range(0, 30, 10):
        for one in range(10):
            await _hear(database, f"n{number + one}")
        taken.clear()
        assert len((await conversations.inbox(EVERY)).cards) == number + 10
        counts.append(len([statement for statement in taken if statement.startswith("SELECT")]))
    assert counts == [4, 4, 4]


async def test_cards_are_fetched_by_name_in_the_order_asked_for(
    database: Database, conversations: Conversations
) -> None:
    ids = [await _hear(database, name) for name in ("a", "b", "c")]
    cards = await conversations.cards([ids[2], 999, ids[0]])
    assert [card.conversation.id for card in cards] == [ids[2], ids[0]]
    assert await conversations.cards([]) == ()


async def test_counts_end_where_nobody_counts_on(database: Database) -> None:
    authors = [an_author(str(n)) for n in range(MOST_COUNTED + 5)]
    posts = [a_post(str(n), author=author) for n, author in enumerate(authors)]
    await saved(database, *(a_mention(post=post) for post in posts))
    async with database.read() as connection:
        assert await count_by_status(connection, account=None) == {"pending": MOST_COUNTED + 1}
        assert await count_by_status(connection, account="x-main") == {"pending": MOST_COUNTED + 1}
        assert await count_by_status(connection, account="x-second") == {}


def test_every_intent_has_a_bit_of_its_own() -> None:
    assert set(INTENT_BITS) == set(Intent)
    assert len(set(INTENT_BITS.values())) == len(Intent)
    assert all(bit.bit_count() == 1 for bit in INTENT_BITS.values())


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_done_the_places_are_what_the_rows_say(database: Database, seed: int) -> None:
    """A walk through everything that changes a conversation; placing all of them anew must change nothing."""
    random = Random(seed)
    walk = _Walk(database, random)
    for _ in range(60):
        await random.choice(walk.steps)()
    before = await _places(database)
    async with database.begin() as connection:
        await place(connection, [row["id"] for row in before])
    assert await _places(database) == before
    assert len(before) > 3
    assert walk.done > 30
    await _assert_the_numbers_columns_hold(database)


async def _assert_the_numbers_columns_hold(database: Database) -> None:
    """What the reports count from (store/readings.py and four columns of a conversation), made anew from the rows."""
    async with database.read() as connection:
        read = {row.post_id: assessment(row) for row in await connection.execute(select(t.assessments))}
        posts = (await connection.execute(select(t.posts).order_by(t.posts.c.id))).all()
        sent = (await connection.execute(select(t.replies).where(t.replies.c.state == ReplyState.SENT))).all()
        threads = (await connection.execute(select(t.conversations))).all()
    assert {one.id: one.reading for one in posts} == {
        one.id: reading_of(read[one.id]) if one.id in read else None for one in posts
    }
    assert sent
    for thread in threads:
        first = next(post for post in posts if post.conversation_id == thread.id)
        assert (thread.first_post_id, thread.began_at) == (first.id, first.posted_at)
        for name, is_automatic in (("automatic_took", True), ("person_took", False)):
            ours = [one for one in sent if (one.conversation_id, one.is_automatic) == (thread.id, is_automatic)]
            took = [(one.settled_at - first.posted_at).total_seconds() for one in ours]
            assert getattr(thread, name) == min(took, default=None)
        answers = [one for one in sent if one.kind == ReplyKind.ANSWER and not one.is_automatic]
        assert thread.answers == sum(one.conversation_id == thread.id for one in answers)


async def _places(database: Database) -> list[dict[str, Any]]:
    names = ("id", "rank", "platform", "language", "sentiment", "intents", "has_draft")
    query = select(*(t.conversations.c[name] for name in names)).order_by(t.conversations.c.id)
    async with database.read() as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]


class _Walk:
    """Anything that may happen, to anything there is."""

    def __init__(self, database: Database, random: Random) -> None:
        self._db, self._random = database, random
        self._conversations, self._replies = Conversations(database), Replies(database)
        self._said = 0
        self.done = 0
        change = (self.move, self.reply, self.send, self.correct, self.delete, self.edit)
        self.steps = (self.hear, self.hear, self.hear, *change)

    async def hear(self) -> None:
        """A post, new or in a conversation that is there."""
        self._said += 1
        root = f"r{self._random.randrange(8)}"
        ago = timedelta(minutes=self._random.randrange(500))
        post = a_post(str(self._said), root_id=root, author=an_author(root), posted_at=NOW - ago)
        (post_id,) = await saved(self._db, a_mention(post=post))
        read = an_assessment(
            urgency=self._random.randrange(101),
            language=self._random.choice(tuple(Language)),
            sentiment=self._random.choice(tuple(Sentiment)),
            intents=tuple(self._random.sample(tuple(Intent), 2)),
        )
        await Posts(self._db).save_assessments([(post_id, read)], at=NOW)
        action = self._random.choice((Action.SHOW, Action.DRAFT, Action.ACKNOWLEDGE, Action.IGNORE))
        due = NOW + timedelta(minutes=30) if self._random.random() < 0.3 else None
        decisions = Decisions(self._db, repeat_alert_after=timedelta(hours=1))
        await decisions.decide(post_id, a_plan(action, escalate=due is not None, due_at=due), at=NOW)
        self.done += 1

    async def move(self) -> None:
        """A person moves a conversation."""
        one = await self._any(t.conversations.c.id)
        thread = await self._conversations.thread(one) if one is not None else None
        if thread is None:
            return
        move = self._random.choice(tuple(Move))
        try:
            version = thread.conversation.version
            await self._conversations.move(thread.conversation.id, move, by="kari", version=version, at=NOW)
        except IllegalMove:
            return
        self.done += 1

    async def reply(self) -> None:
        """A person approves, drops, or answers; a sender sends."""
        one = await self._any(t.replies.c.id)
        reply = await self._replies.get(one) if one is not None else None
        if reply is None:
            return
        try:
            match self._random.randrange(4):
                case 0:
                    await self._replies.approve(reply.id, "Hej", by="kari", version=reply.version, at=NOW)
                case 1:
                    await self._replies.drop(reply.id, by="kari", version=reply.version, at=NOW)
                case 2:
                    await self._replies.redraft(reply.id, by="kari", version=reply.version, at=NOW)
                case _:
                    await self._replies.answer(reply.post_id, "Hej", by="kari", at=NOW)
        except Conflict:
            return
        self.done += 1

    async def send(self) -> None:
        """Whatever may leave is published, a little later than what was before it."""
        for reply in await self._replies.claim_due("test", at=NOW, lease=timedelta(minutes=1)):
            at = NOW + timedelta(seconds=self._random.randrange(100))
            receipt = Receipt(remote_id=f"r{reply.id}", url="https://x.com/i/status/1")
            self.done += await self._replies.mark_sent(reply, receipt, at=at)

    async def correct(self) -> None:
        """A person sets right what was understood."""
        post_id = await self._any(t.assessments.c.post_id)
        if post_id is None:
            return
        async with self._db.read() as connection:
            query = select(t.assessments).where(t.assessments.c.post_id == post_id)
            row = (await connection.execute(query)).one()
        to = self._random.randrange(101)
        change = Change(field=Field.URGENCY, was=row.urgency, now=to)
        match self._random.randrange(4):
            case 0:
                mood = self._random.choice((Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE))
                change = Change(field=Field.SENTIMENT, was=Sentiment(row.sentiment), now=mood)
            case 1:
                language = self._random.choice((Language.DA, Language.SV))
                change = Change(field=Field.LANGUAGE, was=Language(row.language), now=language)
            case 2:
                now = (self._random.choice(tuple(Intent)),)
                change = Change(field=Field.INTENTS, was=assessment(row).intents, now=now)
            case _:
                pass
        if change.was != change.now:
            await Corrections(self._db).make(post_id, [change], by="kari", spreads=False, at=NOW)
            self.done += 1

    async def delete(self) -> None:
        """An author deletes a post."""
        post_id = await self._any(t.posts.c.id)
        if post_id is not None and self._random.random() < 0.5:
            async with self._db.begin() as connection:
                self.done += await forget_gone(connection, post_id, at=NOW)

    async def edit(self) -> None:
        """An author edits a post."""
        post_id = await self._any(t.posts.c.id)
        if post_id is not None and self._random.random() < 0.5:
            async with self._db.begin() as connection:
                text = f"nu {self._random.random()}"
                self.done += await rewrite(connection, post_id, a_post(text=text), at=NOW)

    async def _any(self, column: Any) -> int | None:
        async with self._db.read() as connection:
            ids: Sequence[int] = (await connection.execute(select(column).order_by(column))).scalars().all()
        return self._random.choice(ids) if ids else None


async def test_a_conversation_without_any_post_left_waits_for_nobody(
    database: Database, conversations: Conversations
) -> None:
    one = await _hear(database, "gone", urgency=90, minutes=500)
    await _hear(database, "stays")
    async with database.begin() as connection:
        assert await forget_gone(connection, one, at=NOW)
    assert _names(await conversations.inbox(EVERY)) == ["stays", "gone"]
    conversation: Conversation = (await conversations.inbox(EVERY)).cards[1].conversation
    assert (conversation.status, conversation.urgency) == (Status.RESOLVED, 0)
    assert _names(await conversations.inbox(InboxFilters(statuses=tuple(Status), language=Language.DA))) == ["stays"]
