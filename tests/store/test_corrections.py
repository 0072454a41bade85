"""A correction changes what it should and nothing else, and undoing it is exact."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from core.assessment import Assessment, Intent, Language, Sentiment
from core.conversation import Move, Status
from core.correction import Change, Effect, Field, Value
from core.decision import Action
from core.errors import Conflict
from store import tables as t
from store.conversations import Conversations
from store.corrections import Corrections, Made
from store.database import Database
from store.decisions import Decisions
from store.inbox import InboxFilters
from store.likeness import NEAR, likeness
from store.posts import Posts
from tests.builders import NOW, a_mention, a_plan, a_post, an_assessment, an_author, saved

MINUTE = timedelta(minutes=1)


def meaning(degrees: float = 0.0) -> bytes:
    """A kept embedding, turned by an angle: its likeness to meaning(0) is the cosine."""
    turned = np.zeros(384)
    turned[0], turned[1] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.rint(turned * 127).astype(np.int8).tobytes()


@pytest.fixture
def corrections(database: Database) -> Corrections:
    return Corrections(database)


async def read(database: Database, *native_ids: str, at: datetime = NOW, **changes: Any) -> list[int]:
    """Save, assess and decide posts of different people that mean the same; return their ids."""
    mentions = [a_mention(post=a_post(one, author=an_author(one), posted_at=at)) for one in native_ids]
    return await read_all(database, mentions, at=at, **changes)


async def read_all(database: Database, mentions: Sequence[Any], at: datetime = NOW, **changes: Any) -> list[int]:
    ids = await saved(database, *mentions, at=at)
    judged = an_assessment(**{"embedding": meaning(), **changes})
    await Posts(database).save_assessments([(post_id, judged) for post_id in ids], at=at)
    decisions = Decisions(database, repeat_alert_after=timedelta(hours=1))
    await decisions.decide_all(ids, a_plan(Action.SHOW), at=at)
    return ids


async def assessment_of(database: Database, post_id: int) -> Assessment:
    query = select(t.posts.c.conversation_id).where(t.posts.c.id == post_id)
    async with database.read() as connection:
        thread = await Conversations(database).thread((await connection.execute(query)).scalar_one())
    assert thread is not None
    found = next(entry.assessment for entry in thread.entries if entry.heard.id == post_id)
    assert found is not None
    return found


async def moods(database: Database, ids: Sequence[int]) -> list[str]:
    return [(await assessment_of(database, one)).sentiment.value for one in ids]


async def urgency_of(database: Database, post_id: int) -> int:
    """The urgency of the post's conversation."""
    query = (
        select(t.conversations.c.urgency)
        .join(t.posts, t.posts.c.conversation_id == t.conversations.c.id)
        .where(t.posts.c.id == post_id)
    )
    async with database.read() as connection:
        return int((await connection.execute(query)).scalar_one())


async def count(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return len(list(await connection.execute(select(table))))


def to(now: Value, was: Value = Sentiment.NEGATIVE, field: Field = Field.SENTIMENT) -> Change:
    return Change(field=field, was=was, now=now)


async def make(
    corrections: Corrections, post_id: int, *changes: Change, spreads: bool = True, by: str = "Mette"
) -> Made:
    return await corrections.make(post_id, changes, by=by, spreads=spreads, at=NOW + MINUTE)


async def test_every_field_can_be_set_right_and_undone(database: Database, corrections: Corrections) -> None:
    (post_id,) = await read(database, "1")
    before = await assessment_of(database, post_id)
    made = await make(
        corrections,
        post_id,
        to(Sentiment.POSITIVE),
        to(5, 70, Field.URGENCY),
        to(Language.SV, Language.DA, Field.LANGUAGE),
        to((Intent.PRAISE,), (), Field.INTENTS),
    )
    after = await assessment_of(database, post_id)
    assert (after.sentiment, after.urgency, after.language, after.intents, after.confidence) == (
        Sentiment.POSITIVE,
        5,
        Language.SV,
        (Intent.PRAISE,),
        1.0,
    )
    assert after.corrected == ("sentiment", "urgency", "language", "intents")
    assert (len(made.ids), made.posts) == (4, 1)
    for correction_id in made.ids:
        assert await corrections.undo(correction_id, by="Lars", at=NOW + 2 * MINUTE) == 1
    assert await assessment_of(database, post_id) == before
    # Nothing is ever deleted.
    assert (await count(database, t.corrections), await count(database, t.correction_effects)) == (4, 4)


async def test_posts_that_say_nearly_the_same_follow_and_others_do_not(
    database: Database, corrections: Corrections
) -> None:
    (own, near) = await read(database, "1", "2")
    (near_too,) = await read(database, "3", embedding=meaning(10))
    (apart,) = await read(database, "4", embedding=meaning(30))
    (unread_meaning,) = await read(database, "5", embedding=None)
    (other_model,) = await read(database, "6", model_version="2")
    (too_old,) = await read(database, "7", at=NOW - timedelta(days=31))
    other_post = a_post("8", author=an_author("8"))
    (other_account,) = await read_all(database, [a_mention(post=other_post, account="x-other")])
    made = await make(corrections, own, to(Sentiment.POSITIVE))
    assert await moods(database, [own, near, near_too]) == ["positive"] * 3
    assert await moods(database, [apart, unread_meaning, other_model, too_old, other_account]) == ["negative"] * 5
    assert made.posts == 3
    (listed,) = await corrections.all()
    assert (listed.posts, listed.named[0].post_id) == (3, own)
    assert listed.correction.spreads


async def test_without_asking_nothing_spreads(database: Database, corrections: Corrections) -> None:
    own, near = await read(database, "1", "2")
    await make(corrections, own, to(Sentiment.POSITIVE), spreads=False)
    assert await moods(database, [own, near]) == ["positive", "negative"]
    assert await corrections.lessons() == []


async def test_a_post_whose_meaning_is_not_known_spreads_nothing(database: Database, corrections: Corrections) -> None:
    own, _ = await read(database, "1", "2", embedding=None)
    assert (await make(corrections, own, to(Sentiment.POSITIVE))).posts == 1
    assert await corrections.lessons() == []


async def test_what_a_person_said_of_a_post_itself_stays(database: Database, corrections: Corrections) -> None:
    own, near = await read(database, "1", "2")
    await make(corrections, near, to(Sentiment.NEUTRAL), spreads=False, by="Lars")
    made = await make(corrections, own, to(Sentiment.POSITIVE))
    assert await moods(database, [own, near]) == ["positive", "neutral"]
    assert made.posts == 1


async def test_undo_restores_each_post_unless_it_was_set_right_since(
    database: Database, corrections: Corrections
) -> None:
    own, second, third = await read(database, "1", "2", "3")
    (already,) = await read(database, "4", sentiment=Sentiment.NEUTRAL)
    first = await make(corrections, own, to(Sentiment.POSITIVE))
    later = await make(corrections, third, to(Sentiment.NEUTRAL, Sentiment.POSITIVE), spreads=False, by="Lars")
    assert await moods(database, [own, second, third, already]) == ["positive", "positive", "neutral", "positive"]
    assert await corrections.undo(first.ids[0], by="Nora", at=NOW + 2 * MINUTE) == 3
    assert await moods(database, [own, second, third, already]) == ["negative", "negative", "neutral", "neutral"]
    # What the later one goes back to is the model's word, not the undone one's.
    await corrections.undo(later.ids[0], by="Nora", at=NOW + 3 * MINUTE)
    assert await moods(database, [third]) == ["negative"]
    assert (await assessment_of(database, third)).corrected == ()
    assert (await assessment_of(database, third)).confidence == pytest.approx(0.9)


async def test_undoing_the_later_one_first_gives_the_earlier_one_its_word_back(
    database: Database, corrections: Corrections
) -> None:
    own, near = await read(database, "1", "2")
    first = await make(corrections, own, to(Sentiment.POSITIVE))
    later = await make(corrections, own, to(Sentiment.NEUTRAL, Sentiment.POSITIVE), by="Lars")
    assert await moods(database, [own, near]) == ["neutral", "neutral"]
    await corrections.undo(later.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    assert await moods(database, [own, near]) == ["positive", "positive"]
    assert (await assessment_of(database, near)).corrected == ("sentiment",)
    await corrections.undo(first.ids[0], by="Lars", at=NOW + 3 * MINUTE)
    assert await moods(database, [own, near]) == ["negative", "negative"]


async def test_two_corrections_that_agree_hold_each_other_up(database: Database, corrections: Corrections) -> None:
    first_post, second_post, near = await read(database, "1", "2", "3")
    first = await make(corrections, first_post, to(Sentiment.POSITIVE))
    # The second post already says so; a person who sets another field of it changes no mood.
    second = await make(corrections, second_post, to(Sentiment.NEUTRAL, Sentiment.POSITIVE))
    third = await make(corrections, second_post, to(Sentiment.POSITIVE, Sentiment.NEUTRAL))
    await corrections.undo(first.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    await corrections.undo(second.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    assert await moods(database, [near]) == ["positive"]
    await corrections.undo(third.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    assert await moods(database, [first_post, second_post, near]) == ["negative"] * 3


async def test_a_correction_is_undone_once_and_says_by_whom(database: Database, corrections: Corrections) -> None:
    (own,) = await read(database, "1")
    made = await make(corrections, own, to(Sentiment.POSITIVE))
    await corrections.undo(made.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    with pytest.raises(Conflict, match="Lars has already undone it"):
        await corrections.undo(made.ids[0], by="Mette", at=NOW + 3 * MINUTE)
    with pytest.raises(Conflict, match="no such correction"):
        await corrections.undo(999, by="Mette", at=NOW)
    (listed,) = await corrections.all()
    assert (listed.correction.undone_by, listed.correction.undone_at) == ("Lars", NOW + 2 * MINUTE)


async def test_two_people_correcting_at_once_are_one_correction_and_one_conflict(
    database: Database, corrections: Corrections
) -> None:
    (own,) = await read(database, "1")
    outcomes = await asyncio.gather(
        make(corrections, own, to(Sentiment.POSITIVE), by="Mette"),
        make(corrections, own, to(Sentiment.NEUTRAL), by="Lars"),
        return_exceptions=True,
    )
    lost = [one for one in outcomes if isinstance(one, Conflict)]
    assert len(lost) == 1
    assert "set the mood of this post meanwhile" in str(lost[0])
    assert await count(database, t.corrections) == 1


async def test_two_people_who_want_the_same_at_once_both_have_it(database: Database, corrections: Corrections) -> None:
    (own,) = await read(database, "1")
    made = await asyncio.gather(*(make(corrections, own, to(Sentiment.POSITIVE), by=by) for by in ("Mette", "Lars")))
    assert sorted(len(one.ids) for one in made) == [0, 1]
    assert await moods(database, [own]) == ["positive"]


async def test_many_corrections_of_alike_posts_made_and_undone_at_once_end_where_they_began(
    database: Database, corrections: Corrections
) -> None:
    ids = await read(database, *"123456")
    made = await asyncio.gather(
        *(make(corrections, one, to(5 + one, 70, Field.URGENCY)) for one in ids), return_exceptions=True
    )
    done = [one for one in made if isinstance(one, Made)]
    assert done
    assert all(isinstance(one, Made | Conflict) for one in made)
    await asyncio.gather(
        *(corrections.undo(one, by="Lars", at=NOW + 2 * MINUTE) for some in done for one in some.ids),
        *(Posts(database).purge(before=NOW - timedelta(days=400)) for _ in range(3)),
    )
    assert {(await assessment_of(database, one)).urgency for one in ids} == {70}
    assert {await urgency_of(database, one) for one in ids} == {70}


async def test_what_is_not_read_yet_cannot_be_set_right(database: Database, corrections: Corrections) -> None:
    (unread,) = await saved(database, a_mention("1"))
    with pytest.raises(Conflict, match="not been read yet"):
        await make(corrections, unread, to(Sentiment.POSITIVE))


async def test_a_failure_in_the_middle_changes_nothing(database: Database, corrections: Corrections) -> None:
    own, near = await read(database, "1", "2")
    with pytest.raises(Exception, match="naive"):
        await corrections.make(own, [to(Sentiment.POSITIVE)], by="Mette", spreads=False, at=NOW.replace(tzinfo=None))
    with pytest.raises(Conflict):
        await make(corrections, own, to(Sentiment.POSITIVE), to(5, 33, Field.URGENCY))
    assert await moods(database, [own, near]) == ["negative", "negative"]
    assert (await count(database, t.corrections), await count(database, t.correction_effects)) == (0, 0)


async def test_the_conversation_is_as_urgent_as_its_posts_that_count(
    database: Database, corrections: Corrections
) -> None:
    (first,) = await read_all(database, [a_mention(post=a_post("1", root_id="r"))], urgency=40)
    (second,) = await read_all(database, [a_mention(post=a_post("2", root_id="r"))], urgency=90, embedding=meaning(90))
    made = await make(corrections, second, to(5, 90, Field.URGENCY))
    assert await urgency_of(database, second) == 40
    raised = await make(corrections, first, to(60, 40, Field.URGENCY))
    assert await urgency_of(database, second) == 60
    await corrections.undo(made.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    await corrections.undo(raised.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    assert await urgency_of(database, second) == 90


async def test_what_was_resolved_does_not_come_back_as_urgency(database: Database, corrections: Corrections) -> None:
    conversations = Conversations(database)
    await read_all(database, [a_mention(post=a_post("1", root_id="r"))], urgency=80)
    (card,) = (await conversations.inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    version = card.conversation.version
    await conversations.move(card.conversation.id, Move.RESOLVE, by="Mette", version=version, at=NOW + MINUTE)
    later = NOW + 2 * MINUTE
    (second,) = await read_all(database, [a_mention(post=a_post("2", root_id="r"))], at=later, urgency=50)
    assert await urgency_of(database, second) == 50
    await make(corrections, second, to(5, 50, Field.URGENCY), spreads=False)
    assert await urgency_of(database, second) == 5


async def test_a_colleague_who_is_about_to_resolve_may_go_on_and_live_pages_are_told(
    database: Database, corrections: Corrections
) -> None:
    conversations = Conversations(database)
    (own,) = await read(database, "1")
    (card,) = (await conversations.inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    await make(corrections, own, to(Sentiment.POSITIVE))
    assert [one for _, one in await conversations.changed_after(NOW, 10_000)] == [card.conversation.id]
    version = card.conversation.version
    await conversations.move(card.conversation.id, Move.RESOLVE, by="Lars", version=version, at=NOW + 2 * MINUTE)


async def test_a_forgotten_post_teaches_no_more_and_is_not_touched(
    database: Database, corrections: Corrections
) -> None:
    old, young = await read(database, "1", at=NOW - timedelta(days=20)), await read(database, "2")
    await make(corrections, old[0], to(Sentiment.POSITIVE))
    assert len(await corrections.lessons()) == 1
    await Posts(database).purge(before=NOW - timedelta(days=10))
    assert await corrections.lessons() == []
    async with database.read() as connection:
        assert list((await connection.execute(select(t.corrections.c.embedding))).scalars()) == [None]
    await make(corrections, young[0], to(Sentiment.NEUTRAL, Sentiment.POSITIVE))
    assert await moods(database, [*old, *young]) == ["positive", "neutral"]
    (_, forgotten) = await corrections.all()
    assert forgotten.text == ""
    await corrections.undo(forgotten.correction.id, by="Lars", at=NOW + 2 * MINUTE)
    assert await moods(database, [*old, *young]) == ["negative", "neutral"]


async def test_a_deleted_post_neither_teaches_nor_follows(database: Database, corrections: Corrections) -> None:
    own, near = await read(database, "1", "2")
    async with database.begin() as connection:
        await connection.execute(t.posts.update().where(t.posts.c.id == near).values(deleted_at=NOW))
    await make(corrections, own, to(Sentiment.POSITIVE))
    assert await moods(database, [own, near]) == ["positive", "negative"]
    async with database.begin() as connection:
        await connection.execute(t.posts.update().where(t.posts.c.id == own).values(deleted_at=NOW))
    assert await corrections.lessons() == []
    (listed,) = await corrections.all()
    assert listed.text == ""


async def test_a_new_post_is_saved_as_corrected_with_what_the_model_said(
    database: Database, corrections: Corrections
) -> None:
    (own,) = await read(database, "1")
    made = await make(corrections, own, to(Sentiment.POSITIVE))
    (new,) = await saved(database, a_mention("2"))
    effect = Effect(correction_id=made.ids[0], field=Field.SENTIMENT, now=Sentiment.POSITIVE, likeness=0.99)
    await Posts(database).save_assessments([(new, an_assessment())], at=NOW, effects={new: [effect]})
    assert await moods(database, [new]) == ["positive"]
    assert (await corrections.all())[0].posts == 2
    await corrections.undo(made.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    assert await assessment_of(database, new) == an_assessment()


async def test_a_correction_undone_while_a_post_was_read_does_not_reach_it(
    database: Database, corrections: Corrections
) -> None:
    (own,) = await read(database, "1")
    made = await make(corrections, own, to(Sentiment.POSITIVE))
    (new,) = await saved(database, a_mention("2"))
    effect = Effect(correction_id=made.ids[0], field=Field.SENTIMENT, now=Sentiment.POSITIVE, likeness=0.99)
    await corrections.undo(made.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    await Posts(database).save_assessments([(new, an_assessment())], at=NOW, effects={new: [effect]})
    assert await assessment_of(database, new) == an_assessment()


async def test_undoing_while_posts_are_saved_leaves_none_behind(database: Database, corrections: Corrections) -> None:
    (own,) = await read(database, "1")
    made = await make(corrections, own, to(Sentiment.POSITIVE))
    new = await saved(database, *(a_mention(post=a_post(str(n), author=an_author(str(n)))) for n in range(100, 120)))
    effect = Effect(correction_id=made.ids[0], field=Field.SENTIMENT, now=Sentiment.POSITIVE, likeness=0.99)
    posts = Posts(database)
    await asyncio.gather(
        *(posts.save_assessments([(one, an_assessment())], at=NOW, effects={one: [effect]}) for one in new),
        corrections.undo(made.ids[0], by="Lars", at=NOW + 2 * MINUTE),
    )
    assert set(await moods(database, [own, *new])) == {"negative"}


async def test_what_holds_on_a_conversation_is_the_latest_of_each_field(
    database: Database, corrections: Corrections
) -> None:
    own, near = await read(database, "1", "2")
    await make(corrections, own, to(Sentiment.POSITIVE), to(5, 70, Field.URGENCY))
    await make(corrections, own, to(Sentiment.NEUTRAL, Sentiment.POSITIVE), by="Lars")
    listed = await corrections.all()
    standing = (await corrections.standing(listed[0].conversation_id))[own]
    assert [(one.correction.field, one.correction.person, one.posts) for one in standing] == [
        (Field.SENTIMENT, "Lars", 2),
        (Field.URGENCY, "Mette", 2),
    ]
    touched = next(one for one in listed[0].named if one.post_id == near)
    (mood, _) = (await corrections.standing(touched.conversation_id))[near]
    assert mood.correction.post_id == own


async def test_the_list_is_newest_first_and_comes_in_pages(database: Database, corrections: Corrections) -> None:
    ids = await read(database, "1", "2", "3")
    for post_id in ids:
        await make(corrections, post_id, to(Sentiment.POSITIVE), spreads=False)
    assert [one.correction.post_id for one in await corrections.all(limit=2)] == [ids[2], ids[1]]
    assert [one.correction.post_id for one in await corrections.all(limit=2, offset=2)] == [ids[0]]


async def test_a_lesson_of_an_older_model_is_renewed_once_its_post_is_read_anew(
    database: Database, corrections: Corrections
) -> None:
    (own,) = await read(database, "1")
    made = await make(corrections, own, to(Sentiment.POSITIVE))
    assert await corrections.outdated("1") == []
    assert await corrections.outdated("2") == [(made.ids[0], a_post("1").text, None)]
    await corrections.renew(made.ids[0], meaning(45), "2")
    (lesson,) = await corrections.lessons()
    assert (lesson.model_version, lesson.embedding, lesson.account) == ("2", meaning(45), "x-main")
    assert await corrections.outdated("2") == []


async def test_what_people_do_is_in_the_audit_without_any_text(database: Database, corrections: Corrections) -> None:
    (own,) = await read(database, "1")
    made = await make(corrections, own, to(Sentiment.POSITIVE))
    await corrections.undo(made.ids[0], by="Lars", at=NOW + 2 * MINUTE)
    async with database.read() as connection:
        lines = list(await connection.execute(select(t.audit).order_by(t.audit.c.id)))
    assert [(line.by, line.action, line.subject) for line in lines][-2:] == [
        ("Mette", "correct", f"post {own}"),
        ("Lars", "undo correction", f"correction {made.ids[0]}"),
    ]
    assert lines[-2].detail == {"field": "sentiment", "before": "negative", "after": "positive"}


async def test_more_posts_than_one_statement_carries_follow_too(database: Database, corrections: Corrections) -> None:
    ids = await read(database, *(str(n) for n in range(1, 620)))
    made = await make(corrections, ids[0], to(5, 70, Field.URGENCY))
    assert made.posts == 619
    assert (await assessment_of(database, ids[-1])).urgency == 5
    assert await corrections.undo(made.ids[0], by="Lars", at=NOW + 2 * MINUTE) == 619
    assert await urgency_of(database, ids[300]) == 70


def test_likeness_is_the_cosine_whatever_the_rounding() -> None:
    alike = likeness(meaning(), [meaning(), meaning(10), meaning(30), meaning(180)])
    assert alike == pytest.approx([1.0, 0.985, 0.866, -1.0], abs=0.005)
    assert alike[1] > NEAR > alike[2]
    assert likeness(meaning(), []).shape == (0,)
