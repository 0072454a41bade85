"""Notes, tags and promises beside a conversation, and how they are forgotten."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from core.decision import Action
from core.errors import Conflict
from core.post import Platform
from core.recheck import Answer, Pace
from core.rights import Role
from store import tables as t
from store.database import Database
from store.exports import export
from store.notes import Notes
from store.people import People
from store.posts import Posts
from store.promises import Promises
from store.rechecks import Rechecks
from tests.builders import NOW, a_mention, a_plan, a_post, decided

PACE = Pace(first=timedelta(minutes=15), last=timedelta(hours=12))
LATER = NOW + timedelta(minutes=20)


@pytest.fixture
async def notes(database: Database) -> Notes:
    for name in ("Kari", "Ola"):
        await People(database).add_staff(name, "hash", Role.AGENT, at=NOW, by="test")
    await decided(database, a_mention("1"), plan=a_plan(Action.SHOW))
    return Notes(database)


async def _delete_on_platform(database: Database, *native_ids: str) -> None:
    rechecks = Rechecks(database)
    due = await rechecks.due("x-main", Platform.X, configured=("x-main",), at=LATER, pace=PACE, limit=100)
    answers = {name: Answer(native_id=name, is_gone=True) for name in native_ids}
    for post in due:
        if post.native_id not in answers:
            answers[post.native_id] = Answer(native_id=post.native_id, post=a_post(post.native_id, root_id="1"))
    await rechecks.settle(due, answers, at=LATER, pace=PACE)


async def test_a_note_calls_a_colleague_until_they_look(notes: Notes) -> None:
    assert await notes.write(1, "@Ola kender du ham?", by="Kari", at=NOW) == ["Ola"]
    (note,) = await notes.of(1)
    assert (note.by, note.text, note.calls) == ("Kari", "@Ola kender du ham?", ("Ola",))
    (nudge,) = await notes.nudges("Ola")
    assert (nudge.conversation_id, nudge.by) == (1, "Kari")
    assert await notes.nudges("Kari") == []
    assert await notes.see(1, "Ola", at=NOW) == 1
    assert await notes.nudges("Ola") == []
    assert await notes.see(1, "Ola", at=NOW) == 0


async def test_nobody_calls_themselves_and_nobody_writes_to_nothing(notes: Notes) -> None:
    assert await notes.write(1, "@Kari husk det", by="Kari", at=NOW) == []
    with pytest.raises(Conflict):
        await notes.write(999, "hej", by="Kari", at=NOW)


async def test_tags_are_put_on_and_taken_off_and_the_usual_ones_are_known(database: Database, notes: Notes) -> None:
    await decided(database, a_mention("2"), plan=a_plan(Action.SHOW))
    for conversation, tag in ((1, "router"), (1, "fejl"), (2, "router")):
        assert await notes.tag(conversation, tag, by="Kari", at=NOW)
    assert not await notes.tag(1, "router", by="Ola", at=NOW)
    assert await notes.tags(1) == ["fejl", "router"]
    assert await notes.usual_tags() == ["router", "fejl"]
    assert await notes.untag(1, "fejl", by="Ola", at=NOW)
    assert not await notes.untag(1, "fejl", by="Ola", at=NOW)
    audit = [row async for row in export(database, "audit") if row["action"] in ("tag", "untag")]
    assert [row["action"] for row in audit] == ["tag", "tag", "tag", "untag"]
    assert all("router" not in str(row["detail"]) for row in audit)


async def test_a_promise_that_is_missed_makes_one_alert(database: Database, notes: Notes) -> None:
    promises, due = Promises(database), NOW + timedelta(hours=1)
    await promises.make(1, "Ring tilbage", due, by="Kari", at=NOW)
    with pytest.raises(Conflict, match="over already"):
        await promises.make(1, "Ring", NOW, by="Kari", at=NOW)
    assert [one.what for one in (await promises.of([1]))[1]] == ["Ring tilbage"]
    assert await promises.due("Kari", before=due) == []
    assert await promises.tell_missed(at=NOW) == 0
    assert await promises.tell_missed(at=due) == 1
    assert await promises.tell_missed(at=due + timedelta(hours=1)) == 0
    async with database.read() as connection:
        (alert,) = (await connection.execute(select(t.alerts))).all()
    assert (alert.conversation_id, alert.due_at, "Ring tilbage" in alert.body) == (1, due, False)
    (promise,) = (await promises.of([1]))[1]
    thread = promise.conversation_id
    assert not await promises.end(promise.id, of=thread + 1, is_kept=True, by="Ola", at=due), "of another conversation"
    assert await promises.end(promise.id, of=thread, is_kept=True, by="Ola", at=due)
    assert not await promises.end(promise.id, of=thread, is_kept=False, by="Kari", at=due)
    assert await promises.of([1]) == {}


async def test_a_deleted_post_takes_the_notes_that_quote_it_and_leaves_the_others(
    database: Database, notes: Notes
) -> None:
    said = "min internetforbindelse er væk igen"
    later = a_post("2", root_id="1", text="Jeg venter stadig på jer")
    await decided(database, a_mention("2", post=later), plan=a_plan(Action.SHOW))
    await notes.write(1, f"@Ola han skriver: {said}", by="Kari", at=NOW)
    await notes.write(1, "Lageret er tomt til fredag", by="Kari", at=NOW)
    await Promises(database).make(1, f"Tjek {said}", NOW + timedelta(days=1), by="Kari", at=NOW)
    await notes.tag(1, said, by="Kari", at=NOW)
    await _delete_on_platform(database, "1")
    assert [note.text for note in await notes.of(1)] == ["Lageret er tomt til fredag"]
    assert await notes.nudges("Ola") == []
    assert [one.what for one in (await Promises(database).of([1]))[1]] == [""]
    assert await notes.tags(1) == []


async def test_with_the_last_post_everything_written_beside_it_goes(database: Database, notes: Notes) -> None:
    await notes.write(1, "En flink kunde", by="Kari", at=NOW)
    await notes.tag(1, "vip", by="Kari", at=NOW)
    await _delete_on_platform(database, "1")
    assert await notes.of(1) == []
    assert await notes.tags(1) == []


async def test_what_is_old_goes_with_the_posts(database: Database, notes: Notes) -> None:
    await notes.write(1, "Gammel", by="Kari", at=NOW - timedelta(days=400))
    await notes.write(1, "Ny", by="Kari", at=NOW)
    await Posts(database).purge(before=NOW - timedelta(days=365))
    assert [note.text for note in await notes.of(1)] == ["Ny"]


async def test_however_many_notes_are_old_they_go(database: Database, notes: Notes) -> None:
    """A statement takes 32,767 values at most; what failed here kept the texts of replies and alerts too."""
    old = {"conversation_id": 1, "by": "Kari", "text": "Gammel", "at": NOW - timedelta(days=400)}
    async with database.begin() as connection:
        await connection.execute(insert(t.notes), [old] * 40_000)
    await Posts(database).purge(before=NOW - timedelta(days=365))
    assert await notes.of(1) == []
