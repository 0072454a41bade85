"""Reasons found later: owed to the most urgent first, and only to the text that was read."""

from datetime import timedelta

from core.assessment import Reason
from core.decision import Heard
from store.conversations import Conversations
from store.database import Database
from store.posts import Posts, Stage
from store.reasons import Reasons
from tests.builders import NOW, a_mention, a_post, assessed, some_progress

GAS = Reason(cue="safety", words="gas", points=40, spans=((4, 7),))


async def _owed(database: Database) -> list[Heard]:
    return await Reasons(database).missing(limit=10)


async def test_what_was_read_in_a_rush_is_owed_its_reasons_the_most_urgent_first(database: Database) -> None:
    (calm,) = await assessed(database, a_mention("1"), urgency=20, is_explained=False)
    (dire,) = await assessed(database, a_mention("2"), urgency=95, is_explained=False)
    await assessed(database, a_mention("3"), urgency=99)
    owed = await _owed(database)
    assert [heard.id for heard in owed] == [dire, calm]
    assert await Reasons(database).save([(owed[0], [GAS])]) == 1
    assert [heard.id for heard in await _owed(database)] == [calm]
    thread = await Conversations(database).thread(owed[0].conversation_id)
    assert thread is not None
    [entry] = thread.entries
    assert entry.assessment is not None
    assert (entry.assessment.reasons, entry.assessment.is_explained) == ((GAS,), True)


async def test_reasons_of_a_text_that_was_edited_meanwhile_are_not_stored(database: Database) -> None:
    (post_id,) = await assessed(database, a_mention("1"), is_explained=False)
    owed = await _owed(database)
    edited = a_mention("1b", post=a_post("1b", text="@fjordnet alt virker igen", earlier_ids=("1",)))
    await Posts(database).save_batch([edited], some_progress("c2"), at=NOW + timedelta(minutes=1))
    assert await Reasons(database).save([(owed[0], [GAS])]) == 0
    assert await Posts(database).load([post_id], stage=Stage.SAVED)
    assert await _owed(database) == []


async def test_reasons_of_a_text_that_was_forgotten_meanwhile_are_not_stored(database: Database) -> None:
    await assessed(database, a_mention("1"), is_explained=False)
    owed = await _owed(database)
    await Posts(database).purge(before=NOW + timedelta(days=1), at=NOW)
    assert await Reasons(database).save([(owed[0], [GAS])]) == 0
