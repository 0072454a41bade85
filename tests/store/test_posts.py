"""Every post a platform showed us is stored exactly once, and the cursor moves with it (I1)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Intent, Reason
from core.conversation import Status
from core.decision import Action
from core.post import Platform
from core.watch import Mention, Via
from store import tables as t
from store.conversations import Conversations
from store.database import Database, checking
from store.decisions import Decisions
from store.deletions import forget_gone
from store.inbox import InboxFilters
from store.people import People, Scope
from store.posts import MOST_ATTEMPTS, Posts, Stage
from store.sources import Progress, Sources
from tests.builders import (
    NOW,
    a_heard,
    a_mention,
    a_plan,
    a_post,
    an_assessment,
    an_author,
    assessed,
    decided,
    saved,
    some_progress,
)

BATCH = [a_mention(str(number), post=a_post(str(number), author=an_author(str(number % 7)))) for number in range(40)]


async def _count(database: Database, table: str) -> int:
    async with database.read() as connection:
        query = select(func.count()).select_from(t.metadata.tables[table])
        return int((await connection.execute(query)).scalar_one())


async def test_a_post_comes_back_as_it_was_heard(database: Database) -> None:
    post = a_post(
        parent_id="9", parent_author_id="1", quoted_author_id="2", place="denmark", language_hint="da", text="æ💙\n"
    )
    (post_id,) = await saved(database, a_mention(post=post))
    (heard,) = await Posts(database).load([post_id], stage=Stage.SAVED)
    # Which handles and hashtags a text holds is asked once, when it is matched.
    mention = a_mention(post=replace(post, mentions=frozenset()))
    assert heard == a_heard(id=post_id, conversation_id=heard.conversation_id, mention=mention)


async def test_the_same_batch_twice_is_stored_once(database: Database) -> None:
    posts = Posts(database)
    first = await posts.save_batch(BATCH, some_progress("c1"), at=NOW)
    again = await posts.save_batch(BATCH, some_progress("c2"), at=NOW)
    assert (len(first.ids), first.known, again.ids, again.known) == (40, 0, (), 40)
    assert await _count(database, "posts") == 40
    assert await Sources(database).cursor("x-main", "mentions") == "c2"


async def test_one_post_twice_in_one_batch_is_stored_once(database: Database) -> None:
    result = await Posts(database).save_batch([a_mention("1"), a_mention("2"), a_mention("1")], some_progress(), at=NOW)
    assert (len(result.ids), result.known) == (2, 1)


async def test_a_post_and_its_edits_in_one_batch_are_one_post_with_the_newest_text(database: Database) -> None:
    first = a_mention("1001")
    edits = [
        a_mention(post=a_post("1002", text="@fjordnet væk siden kl. 8", earlier_ids=("1001",))),
        a_mention(post=a_post("1003", text="@fjordnet væk siden kl. 9", earlier_ids=("1001", "1002"))),
    ]
    batch = [first, a_mention("1007"), *edits]
    (post_id, _) = await saved(database, *batch)
    assert await saved(database, *batch) == []
    (heard,) = await Posts(database).load([post_id], stage=Stage.SAVED)
    post = heard.mention.post
    assert (post.native_id, post.root_id, post.text) == ("1001", "1001", "@fjordnet væk siden kl. 9")


async def test_concurrent_batches_with_the_same_posts_in_any_order_store_each_once(database: Database) -> None:
    posts = Posts(database)
    batches = [BATCH, BATCH[::-1], BATCH[20:] + BATCH[:20], BATCH[::2] + BATCH[1::2]]
    results = await asyncio.gather(
        *(posts.save_batch(batch, some_progress(source=f"s{number}"), at=NOW) for number, batch in enumerate(batches))
    )
    ids = [post_id for result in results for post_id in result.ids]
    assert len(ids) == len(set(ids)) == 40
    assert sum(result.known for result in results) == 120
    assert await _count(database, "posts") == 40
    assert await _count(database, "conversations") == 40


def overheard(mention: Mention) -> Mention:
    """The same post from a source that does not say whom it answers."""
    post = replace(mention.post, parent_author_id=None)
    return replace(mention, post=post, via=Via.KEYWORD, matched="internetforbindelse", is_summons=False)


ANSWER = a_mention(post=a_post(parent_id="9", parent_author_id="1"))


async def test_an_answer_to_us_that_was_overheard_first_is_decided_anew_as_said_to_us(database: Database) -> None:
    posts = Posts(database)
    (post_id,) = await decided(database, overheard(ANSWER), plan=a_plan(Action.DRAFT))
    inbox = await posts.save_batch([ANSWER], some_progress("c2", source="inbox"), at=NOW)
    assert (inbox.ids, inbox.known, inbox.again) == ((), 1, (post_id,))
    (heard,) = await posts.load([post_id], stage=Stage.ASSESSED)
    mention = replace(ANSWER, post=replace(ANSWER.post, mentions=frozenset()))
    assert heard == a_heard(id=post_id, conversation_id=heard.conversation_id, mention=mention)
    assert await Decisions(database, repeat_alert_after=timedelta(0)).decide(post_id, a_plan(), at=NOW) is not None
    assert (await _count(database, "decisions"), await _count(database, "replies")) == (1, 1), "answered once"
    for known in (ANSWER, overheard(ANSWER)):
        later = await posts.save_batch([known], some_progress("c3"), at=NOW)
        assert (later.ids, later.known, later.again) == ((), 1, ()), "no news"
    assert await posts.count_by_stage() == {"decided": 1}


async def test_an_answer_to_us_that_nobody_has_decided_yet_waits_on_and_is_known_as_one(database: Database) -> None:
    posts = Posts(database)
    (post_id,) = await saved(database, overheard(ANSWER))
    assert (await posts.save_batch([ANSWER], some_progress(), at=NOW)).again == ()
    (heard,) = await posts.load([post_id], stage=Stage.SAVED)
    assert (heard.mention.is_summons, heard.mention.via) == (True, Via.MENTION)


async def test_an_answer_to_us_that_is_gone_or_forgotten_stays_as_it_is(database: Database) -> None:
    posts = Posts(database)
    other = a_mention(post=a_post("1002", parent_id="9", parent_author_id="1", posted_at=NOW - timedelta(days=400)))
    (gone, _) = await decided(database, overheard(ANSWER), overheard(other))
    assert await posts.purge(before=NOW - timedelta(days=365)) == 1
    async with database.begin() as connection:
        assert await forget_gone(connection, gone, at=NOW)
    assert (await posts.save_batch([ANSWER, other], some_progress(), at=NOW)).again == ()
    assert await posts.count_by_stage() == {"decided": 2}


async def test_what_is_said_to_another_account_of_ours_is_no_summons_of_the_one_that_has_it(database: Database) -> None:
    posts = Posts(database)
    (post_id,) = await saved(database, overheard(ANSWER))
    other = replace(ANSWER, account="x-second")
    assert (await posts.save_batch([other], some_progress(account="x-second"), at=NOW)).again == ()
    (heard,) = await posts.load([post_id], stage=Stage.SAVED)
    assert not heard.mention.is_summons


async def test_two_sources_at_once_never_lose_who_was_addressed(database: Database) -> None:
    posts = Posts(database)
    half = [overheard(mention) for mention in BATCH]
    ids = await decided(database, *half[:10], plan=a_plan(Action.SHOW))
    await asyncio.gather(
        *(
            posts.save_batch(batch, some_progress(source=f"s{number}"), at=NOW)
            for number, batch in enumerate((half, BATCH, half[::-1], BATCH[::-1]))
        )
    )
    async with database.read() as connection:
        said = (await connection.execute(select(t.posts.c.is_summons, t.posts.c.via))).all()
    assert [tuple(row) for row in said] == [(True, Via.MENTION)] * 40
    assert len(await posts.load(ids, stage=Stage.ASSESSED)) == 10
    assert (await _count(database, "decisions"), await posts.count_by_stage()) == (0, {"assessed": 10, "saved": 30})


async def test_two_accounts_that_hear_one_post_at_once_leave_no_empty_conversation(database: Database) -> None:
    posts = Posts(database)
    other = [replace(mention, account="x-second") for mention in BATCH]
    await asyncio.gather(
        posts.save_batch(BATCH, some_progress(), at=NOW),
        posts.save_batch(other, some_progress(account="x-second"), at=NOW),
    )
    assert await _count(database, "conversations") == 40
    page = await Conversations(database).inbox(InboxFilters(statuses=tuple(Status)))
    assert len(page.cards) == 40


async def test_a_failure_in_the_middle_moves_neither_posts_nor_cursor(database: Database) -> None:
    posts, sources = Posts(database), Sources(database)
    await posts.save_batch([a_mention("1")], some_progress("c1"), at=NOW)
    naive = a_post("3", posted_at=NOW.replace(tzinfo=None))
    with pytest.raises(Exception, match="naive"):
        await posts.save_batch([a_mention("2"), a_mention(post=naive)], some_progress("c2"), at=NOW)
    assert await _count(database, "posts") == 1
    assert await sources.cursor("x-main", "mentions") == "c1"


async def test_a_failure_after_the_posts_takes_them_back_too(database: Database) -> None:
    """The cursor is written last; what cannot be written takes the posts back with it."""
    bad = Progress(account="x-main", source="mentions", cursor="c", unreadable=(None,))  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        await Posts(database).save_batch([a_mention("2")], bad, at=NOW)
    assert await _count(database, "posts") == 0
    assert await Sources(database).cursor("x-main", "mentions") is None


async def test_letters_that_a_database_refuses_stop_nobody(database: Database) -> None:
    post = a_post(text="halv \ud83d emoji, nul \0 og 💙", author=an_author(name="\udc99"), place="\0")
    (post_id,) = await saved(database, a_mention(post=post))
    (heard,) = await Posts(database).load([post_id], stage=Stage.SAVED)
    assert heard.mention.post.text == "halv � emoji, nul � og 💙"


async def test_unreadable_items_are_kept_and_counted_beside_the_posts(database: Database) -> None:
    raw = ('{"id": \ud83d}', "x" * 50_000)
    await Posts(database).save_batch([a_mention()], some_progress(unreadable=raw), at=NOW)
    async with database.read() as connection:
        kept = (await connection.execute(select(t.unreadable.c.raw).order_by(t.unreadable.c.id))).scalars().all()
    assert kept == ['{"id": �}', "x" * 50_000]
    (source,) = await Sources(database).all()
    assert (source.heard, source.unreadable) == (1, 2)


async def test_a_second_post_joins_the_conversation_and_a_late_older_one_does_not_turn_time_back(
    database: Database,
) -> None:
    newer = a_post("2", root_id="r", posted_at=NOW)
    older = a_post("1", root_id="r", posted_at=NOW - timedelta(hours=2))
    await saved(database, a_mention(post=newer))
    await saved(database, a_mention(post=older))
    (card,) = (await Conversations(database).inbox(InboxFilters(statuses=tuple(Status)))).cards
    assert (card.posts, card.last_post_at, card.heard.mention.post.native_id) == (2, NOW, "2")


async def test_an_author_is_refreshed_and_keeps_followers_a_platform_leaves_out(database: Database) -> None:
    (first,) = await saved(database, a_mention("1"))
    (second,) = await saved(database, a_mention(post=a_post("2", author=an_author(handle="new", followers=None))))
    heard = await Posts(database).load([first, second], stage=Stage.SAVED)
    assert {(one.mention.post.author.handle, one.mention.post.author.followers) for one in heard} == {("new", 120)}


async def test_authors_who_asked_not_to_be_followed_are_named(database: Database) -> None:
    (post_id,) = await saved(database, a_mention())
    async with database.read() as connection:
        author_id = (await connection.execute(select(t.posts.c.author_id).where(t.posts.c.id == post_id))).scalar_one()
    posts, people = Posts(database), People(database)
    await people.opt_out(author_id, Scope.AUTOMATIC, because="stop", by="kari", at=NOW)
    assert await posts.not_followed(Platform.X, ["77", "78"]) == frozenset()
    await people.opt_out(author_id, Scope.LISTENING, because="stop", by="kari", at=NOW)
    assert await posts.not_followed(Platform.X, ["77", "78"]) == {"77"}
    assert await posts.not_followed(Platform.REDDIT, ["77"]) == frozenset()
    assert await posts.not_followed(Platform.X, []) == frozenset()


async def test_an_assessment_is_saved_once_and_comes_back_whole(database: Database) -> None:
    (post_id,) = await saved(database, a_mention())
    judged = an_assessment(
        intents=(Intent.OUTAGE, Intent.OPT_OUT), reasons=(Reason(cue="outage", words="væk igen", points=20),)
    )
    posts = Posts(database)
    assert await posts.save_assessments([(post_id, judged)], at=NOW) == [post_id]
    assert await posts.save_assessments([(post_id, an_assessment(urgency=1))], at=NOW) == []
    (card,) = (await Conversations(database).inbox(InboxFilters(statuses=tuple(Status)))).cards
    assert card.assessment == judged


async def test_two_workers_that_assess_one_post_move_it_once(database: Database) -> None:
    ids = await saved(database, *BATCH)
    posts = Posts(database)
    judged = [(post_id, an_assessment()) for post_id in ids]
    moved = await asyncio.gather(*(posts.save_assessments(judged, at=NOW) for _ in range(3)))
    assert sorted(post_id for some in moved for post_id in some) == sorted(ids)


async def test_the_sweep_finds_what_has_stood_too_long(database: Database) -> None:
    (post_id,) = await saved(database, a_mention())
    posts = Posts(database)
    assert await posts.waiting(Stage.SAVED, before=NOW) == []
    assert await posts.waiting(Stage.SAVED, before=NOW + timedelta(seconds=1)) == [post_id]
    assert await posts.waiting(Stage.ASSESSED, before=NOW + timedelta(seconds=1)) == []


async def test_a_post_our_own_code_fails_on_is_stuck_in_the_end_and_shown_as_such(database: Database) -> None:
    (post_id,) = await saved(database, a_mention())
    posts = Posts(database)
    for _ in range(MOST_ATTEMPTS - 1):
        await posts.fail(post_id, "boom", at=NOW)
    assert await posts.count_by_stage() == {"saved": 1}
    await posts.fail(post_id, "boom", at=NOW)
    assert await posts.count_by_stage() == {"stuck": 1}
    assert await posts.save_assessments([(post_id, an_assessment())], at=NOW) == []


async def test_stuck_posts_are_tried_again_from_where_they_stood_with_all_their_attempts(database: Database) -> None:
    unread, undecided = await saved(database, a_mention("1"), a_mention("2"))
    posts = Posts(database)
    await posts.save_assessments([(undecided, an_assessment())], at=NOW)
    for post_id in (unread, undecided) * MOST_ATTEMPTS:
        await posts.fail(post_id, "boom", at=NOW)
    assert await posts.count_by_stage() == {"stuck": 2}
    assert await posts.retry_stuck(at=NOW) == 2
    assert await posts.count_by_stage() == {"saved": 1, "assessed": 1}
    assert [heard.id for heard in await posts.load([unread, undecided], stage=Stage.ASSESSED)] == [undecided]
    await posts.fail(unread, "boom", at=NOW)
    assert await posts.count_by_stage() == {"saved": 1, "assessed": 1}
    assert await posts.retry_stuck(at=NOW) == 0


async def test_a_success_wipes_out_earlier_failures(database: Database) -> None:
    (post_id,) = await saved(database, a_mention())
    posts = Posts(database)
    await posts.fail(post_id, "boom", at=NOW)
    await posts.save_assessments([(post_id, an_assessment())], at=NOW)
    async with database.read() as connection:
        query = select(t.posts.c.attempts, t.posts.c.problem).where(t.posts.c.id == post_id)
        assert tuple((await connection.execute(query)).one()) == (0, None)


async def test_purge_forgets_texts_handles_and_alerts_and_keeps_the_counts(database: Database) -> None:
    secret = "Åse Ødegård"
    old = a_post(
        "1", text=f"jeg er {secret}", posted_at=NOW - timedelta(days=400), author=an_author("1", handle=secret)
    )
    judged = an_assessment(reasons=(Reason(cue="name", words=secret, points=1),))
    (old_id,) = await saved(database, a_mention(post=old), at=old.posted_at)
    await Posts(database).save_assessments([(old_id, judged)], at=old.posted_at)
    async with database.begin() as connection:
        await connection.execute(
            insert(t.alerts).values(
                kind="escalation", title="t", body=secret, state="delivered", created_at=old.posted_at
            )
        )
        await connection.execute(
            insert(t.unreadable).values(account="x-main", source="s", raw=secret, heard_at=old.posted_at)
        )
    await decided(database, a_mention("2"), plan=a_plan(notice=True))
    posts = Posts(database)
    assert await posts.purge(before=NOW - timedelta(days=365)) == 1
    assert await posts.purge(before=NOW - timedelta(days=365)) == 0
    assert secret not in await _everything(database)
    cards = (await Conversations(database).inbox(InboxFilters(statuses=tuple(Status)))).cards
    assert {card.heard.mention.post.native_id: card.heard.mention.post.text for card in cards} == {
        "1": "",
        "2": a_post("2").text,
    }
    # Asked again by its platform, it is still known.
    assert (await posts.save_batch([a_mention(post=old)], some_progress(), at=NOW)).known == 1


async def test_a_purge_of_many_posts_lets_others_write_in_between(database: Database) -> None:
    """It is done under a lease, which has to be renewed meanwhile."""
    old = NOW - timedelta(days=400)
    many = [a_mention(post=a_post(str(n), author=an_author(str(n % 50)), posted_at=old)) for n in range(2_100)]
    await saved(database, *many, at=old)
    left: list[int] = []

    async def count(connection: AsyncConnection) -> None:
        query = select(func.count()).select_from(t.posts).where(t.posts.c.url != "")
        left.append((await connection.execute(query)).scalar_one())

    with checking(count):
        assert await Posts(database).purge(before=NOW - timedelta(days=365)) == 2_100
    assert left[0] == 2_100
    assert max(before - after for before, after in pairwise(left)) <= 1_000
    async with database.read() as connection:
        assert set((await connection.execute(select(t.authors.c.handle))).scalars()) == {""}


async def test_an_author_who_still_writes_keeps_their_handle(database: Database) -> None:
    await saved(database, a_mention(post=a_post("1", posted_at=NOW - timedelta(days=400))))
    await assessed(database, a_mention("2"))
    assert await Posts(database).purge(before=NOW - timedelta(days=365)) == 1
    (heard,) = await Posts(database).load([2], stage=Stage.ASSESSED)
    assert heard.mention.post.author.handle == "author77"


async def _everything(database: Database) -> str:
    async with database.read() as connection:
        rows = [list(await connection.execute(select(table))) for table in t.metadata.sorted_tables]
    return repr(rows)


async def test_a_post_from_before_we_remember_is_never_answered_as_if_it_were_new(database: Database) -> None:
    old, new = a_post("1", posted_at=NOW - timedelta(days=2)), a_post("2", posted_at=NOW)
    ids = await saved(database, a_mention(post=old), a_mention(post=new))
    heard = await Posts(database).load(ids, stage=Stage.SAVED)
    assert [item.is_backfill for item in heard] == [True, False]
