"""Many conversations moved at once, and that undone; filters that people gave a name."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.conversation import Conversation, Move, Status
from core.decision import URGENT
from core.errors import Conflict
from core.rights import Role
from store import tables as t
from store.alerts import queue_alert
from store.bulk import Bulk
from store.conversations import Conversations
from store.database import Database
from store.inbox import InboxFilters
from store.people import People
from store.rows import AnyRow
from store.saved_filters import MOST, SavedFilters
from tests.builders import NOW, a_mention, a_notice, a_post, an_author, decided

LATER = NOW + timedelta(minutes=1)
EVERY = InboxFilters(statuses=tuple(Status))


async def _some(database: Database, number: int) -> list[Conversation]:
    for key in range(number):
        await decided(database, a_mention(post=a_post(str(key), author=an_author(str(key)))))
    return [card.conversation for card in (await Conversations(database).inbox(EVERY)).cards]


def _seen(conversations: list[Conversation]) -> dict[int, int]:
    return {one.id: one.version for one in conversations}


async def test_many_are_moved_at_once_and_an_undo_puts_back_everything_but_the_version(database: Database) -> None:
    before = await _some(database, 3)
    batch = await Bulk(database).move(_seen(before), Move.RESOLVE, by="kari", at=LATER)
    assert (sorted(batch.done), batch.left) == (sorted(one.id for one in before), 0)
    found = (await Conversations(database).inbox(InboxFilters(statuses=(Status.RESOLVED,)))).cards
    assert len(found) == 3
    undone = await Bulk(database).undo(batch.token, by="kari", at=LATER)
    assert undone is not None
    assert (len(undone.done), undone.left) == (3, 0)
    after = [card.conversation for card in (await Conversations(database).inbox(EVERY)).cards]
    assert [(one.id, one.status, one.due_at, one.waiting_since, one.taken_by) for one in after] == [
        (one.id, one.status, one.due_at, one.waiting_since, one.taken_by) for one in before
    ]
    assert {one.version for one in after} == {one.version + 2 for one in before}


async def test_what_changed_meanwhile_is_left_alone_by_the_move_and_by_the_undo(database: Database) -> None:
    first, second, third = await _some(database, 3)
    await Conversations(database).move(first.id, Move.TAKE_OVER, by="lars", version=first.version, at=LATER)
    batch = await Bulk(database).move(_seen([first, second, third]), Move.RESOLVE, by="kari", at=LATER)
    assert (set(batch.done), batch.left) == ({second.id, third.id}, 1)
    await Conversations(database).move(second.id, Move.REOPEN, by="lars", version=second.version + 1, at=LATER)
    undone = await Bulk(database).undo(batch.token, by="kari", at=LATER)
    assert undone is not None
    assert (undone.done, undone.left) == ((third.id,), 1)


async def test_what_a_colleague_has_is_left_alone_by_moves_of_many(database: Database) -> None:
    first, second = await _some(database, 2)
    taken = await Conversations(database).move(first.id, Move.TAKE_OVER, by="lars", version=first.version, at=LATER)
    seen = {first.id: first.version + 1, second.id: second.version}
    snoozed = await Bulk(database).snooze(seen, None, by="kari", at=LATER)
    assert (taken.taken_by, snoozed.done, snoozed.left) == ("lars", (second.id,), 1)
    resolved = await Bulk(database).move({first.id: first.version + 1}, Move.RESOLVE, by="kari", at=LATER)
    assert (resolved.done, resolved.left) == ((), 1)


async def test_an_undo_is_its_makers_own_and_ends_with_its_time(database: Database) -> None:
    batch = await Bulk(database).move(_seen(await _some(database, 1)), Move.RESOLVE, by="kari", at=LATER)
    bulk = Bulk(database)
    assert await bulk.undo(batch.token, by="lars", at=LATER) is None
    assert await bulk.undo("", by="kari", at=LATER) is None
    assert await bulk.batch(batch.token, by="kari", at=LATER + timedelta(minutes=2)) is None
    assert await bulk.undo(batch.token, by="kari", at=LATER + timedelta(minutes=2)) is None
    shown = await bulk.batch(batch.token, by="kari", at=LATER)
    assert shown is not None
    assert (shown.action, shown.done) == (Move.RESOLVE, batch.done)


async def test_an_undo_wakes_the_alerts_that_the_move_settled(database: Database) -> None:
    (conversation,) = await _some(database, 1)
    async with database.begin() as connection:
        await queue_alert(connection, a_notice(kind=URGENT), conversation_id=conversation.id, at=NOW)
    batch = await Bulk(database).move(_seen([conversation]), Move.RESOLVE, by="kari", at=LATER)
    assert {row.state for row in await _alerts(database)} == {"settled"}
    await Bulk(database).undo(batch.token, by="kari", at=LATER)
    assert {(row.state, row.handled_by) for row in await _alerts(database)} == {("pending", None)}


async def _alerts(database: Database) -> list[AnyRow]:
    async with database.read() as connection:
        return list(await connection.execute(select(t.alerts)))


async def test_a_saved_filter_is_its_owners_and_a_name_stands_once(database: Database) -> None:
    people, filters = People(database), SavedFilters(database)
    for name in ("Lars", "Nora"):
        await people.add_staff(name, "x", Role.AGENT, at=NOW, by="test")
    lars, nora = [staff.id for name in ("Lars", "Nora") if (staff := await people.staff_named(name))]
    await filters.save(lars, "Vrede", "?mood=negative", at=NOW)
    await filters.save(lars, "Vrede", "?mood=negative&q=faktura", at=LATER)
    await filters.save(nora, "Vrede", "?whose=me", at=NOW)
    (mine,) = await filters.of(lars)
    assert (mine.name, mine.query) == ("Vrede", "?mood=negative&q=faktura")
    assert not await filters.delete(mine.id, staff_id=nora)
    assert await filters.delete(mine.id, staff_id=lars)
    assert await filters.of(lars) == ()


async def test_a_person_has_so_many_saved_filters_and_no_more(database: Database) -> None:
    await People(database).add_staff("Lars", "x", Role.AGENT, at=NOW, by="test")
    lars = await People(database).staff_named("Lars")
    assert lars is not None
    filters = SavedFilters(database)
    for number in range(MOST):
        await filters.save(lars.id, f"{number}", "", at=NOW)
    with pytest.raises(Conflict, match="at most"):
        await filters.save(lars.id, "one more", "", at=NOW)
