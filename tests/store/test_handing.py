"""Who works on what: next, skips, skills, and the moves of assigning and putting off."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.assessment import Intent, Language
from core.conversation import Conversation, Move, Status
from core.decision import Action
from core.errors import Conflict, IllegalMove
from core.rights import Role
from store import tables as t
from store.conversations import Conversations
from store.database import Database
from store.decisions import Decisions
from store.exports import export
from store.handing import Full, Handing, Skills, Skip, fits
from store.people import People
from store.posts import Posts
from tests.builders import NOW, a_mention, a_plan, a_post, an_assessment, an_author, decided, saved

SOON = NOW + timedelta(minutes=30)


async def _people(database: Database, *names: str) -> dict[str, int]:
    people = People(database)
    for name in names:
        await people.add_staff(name, "hash", Role.AGENT, at=NOW, by="test")
    return {one.name: one.id for one in await Handing(database).colleagues()}


async def _conversation(database: Database, native_id: str, **changes: Any) -> int:
    """An open conversation of an author of its own."""
    post = a_post(native_id, author=an_author(native_id))
    (post_id,) = await saved(database, a_mention(native_id, post=post))
    await Posts(database).save_assessments([(post_id, an_assessment(**changes))], at=NOW)
    await Decisions(database, repeat_alert_after=timedelta(hours=1)).decide(post_id, a_plan(Action.SHOW), at=NOW)
    async with database.read() as connection:
        query = select(t.posts.c.conversation_id).where(t.posts.c.id == post_id)
        return int((await connection.execute(query)).scalar_one())


async def _get(database: Database, conversation_id: int) -> Conversation:
    thread = await Conversations(database).thread(conversation_id)
    assert thread is not None
    return thread.conversation


async def test_next_hands_out_the_most_important_first_and_makes_it_theirs(database: Database) -> None:
    staff, handing = await _people(database, "kari"), Handing(database)
    calm = await _conversation(database, "1", urgency=10)
    urgent = await _conversation(database, "2", urgency=90)
    assert await handing.next(staff["kari"], by="kari", most_open=8, at=NOW) == urgent
    assert (await _get(database, urgent)).assigned_to == "kari"
    assert not (await _get(database, urgent)).is_taken, "the bot is not silenced by it"
    assert await handing.next(staff["kari"], by="kari", most_open=8, at=NOW) == calm
    assert await handing.next(staff["kari"], by="kari", most_open=8, at=NOW) is None


async def test_two_who_press_next_at_once_get_different_ones(database: Database) -> None:
    staff, handing = await _people(database, "kari", "ola", "eva"), Handing(database)
    made = {await _conversation(database, str(number)) for number in range(3)}
    given = await asyncio.gather(*(handing.next(one, by=name, most_open=8, at=NOW) for name, one in staff.items()))
    assert set(given) == made


async def test_two_tabs_of_one_person_do_not_get_past_their_limit(database: Database) -> None:
    staff, handing = await _people(database, "kari"), Handing(database)
    for number in range(3):
        await _conversation(database, str(number))
    tries = [handing.next(staff["kari"], by="kari", most_open=1, at=NOW) for _ in range(2)]
    given = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in given) == ["Full", "int"]
    with pytest.raises(Full, match="1 is the most"):
        await handing.next(staff["kari"], by="kari", most_open=1, at=NOW)


async def test_next_gives_what_fits_languages_and_skills(database: Database) -> None:
    staff, handing = await _people(database, "kari"), Handing(database)
    skills = Skills(languages=frozenset({Language.NB}), intents=frozenset({Intent.BILLING}))
    await handing.set_skills(staff["kari"], skills, by="mette", at=NOW)
    assert await handing.skills_of(staff["kari"]) == skills
    await _conversation(database, "1", language=Language.DA, urgency=95)
    await _conversation(database, "2", language=Language.NB, intents=(Intent.OUTAGE,), urgency=60)
    nynorsk = await _conversation(database, "3", language=Language.NN, intents=(Intent.BILLING,), urgency=20)
    danger = await _conversation(database, "4", language=Language.NB, intents=(Intent.OUTAGE,), urgency=80)
    given = [await handing.next(staff["kari"], by="kari", most_open=8, at=NOW) for _ in range(3)]
    assert given == [danger, nynorsk, None]
    audit = [row["detail"] async for row in export(database, "audit") if row["action"] == "set skills"]
    assert audit[0]["after"] == {"languages": ["nb"], "intents": ["billing"]}


def test_what_fits_is_said_in_one_way() -> None:
    skills = Skills(languages=frozenset({Language.SV}), intents=frozenset({Intent.BILLING}))
    assert fits(Skills(), Language.DA, [Intent.OUTAGE], 10)
    assert fits(skills, Language.SV, [Intent.BILLING, Intent.COMPLAINT], 10)
    assert fits(skills, Language.UNSURE, [], 10)
    assert fits(skills, Language.SV, [Intent.OUTAGE], 70)
    assert not fits(skills, Language.SV, [Intent.OUTAGE], 69)
    assert not fits(skills, Language.DA, [Intent.BILLING], 99)


async def test_a_skip_needs_a_reason_is_counted_and_does_not_come_back_at_once(database: Database) -> None:
    staff, handing = await _people(database, "kari", "ola"), Handing(database)
    only = await _conversation(database, "1")
    await handing.next(staff["kari"], by="kari", most_open=8, at=NOW)
    with pytest.raises(Conflict, match="not yours"):
        await handing.skip(only, Skip.KNOWN, by="ola", at=NOW)
    await handing.skip(only, Skip.KNOWN, by="kari", at=NOW)
    assert await handing.skips_since(NOW) == {"kari": 1}
    assert await handing.next(staff["kari"], by="kari", most_open=8, at=SOON) is None
    assert await handing.next(staff["ola"], by="ola", most_open=8, at=SOON) == only


async def test_assigning_moves_the_work_and_never_takes_it_from_who_has_it(database: Database) -> None:
    conversations, only = Conversations(database), await _conversation(database, "1")
    here = await _get(database, only)
    await conversations.assign(only, "ola", by="kari", version=here.version, at=NOW)
    with pytest.raises(Conflict):
        await conversations.assign(only, "eva", by="kari", version=here.version, at=NOW)
    here = await conversations.move(
        only, Move.TAKE_OVER, by="ola", version=(await _get(database, only)).version, at=NOW
    )
    version = (await _get(database, only)).version
    with pytest.raises(IllegalMove, match="ola has this"):
        await conversations.assign(only, "eva", by="kari", version=version, at=NOW)
    await conversations.assign(only, "eva", by="ola", version=version, at=NOW)
    after = await _get(database, only)
    assert (after.taken_by, after.assigned_to) == ("eva", "eva"), "the bot stays silent for whoever has it now"


async def test_what_is_put_off_comes_back_by_itself(database: Database) -> None:
    conversations, only = Conversations(database), await _conversation(database, "1")
    await conversations.snooze(only, SOON, by="kari", version=(await _get(database, only)).version, at=NOW)
    assert await conversations.wake(at=NOW) == 0
    assert (await _get(database, only)).status is Status.SNOOZED
    assert await conversations.wake(at=SOON) == 1
    after = await _get(database, only)
    assert (after.status, after.snoozed_until) == (Status.OPEN, None)


async def test_what_waits_for_its_author_opens_when_they_write_and_not_before(database: Database) -> None:
    conversations = Conversations(database)
    await decided(database, a_mention("1"), plan=a_plan(Action.SHOW))
    await conversations.snooze(1, None, by="kari", version=(await _get(database, 1)).version, at=NOW)
    assert await conversations.wake(at=NOW + timedelta(days=30)) == 0
    await decided(database, a_mention("2", post=a_post("2", root_id="1")), plan=a_plan(Action.SHOW))
    assert (await _get(database, 1)).status is Status.OPEN


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(minutes=1)])
async def test_nothing_is_put_off_into_the_past(database: Database, until: Any) -> None:
    only = await _conversation(database, "1")
    version = (await _get(database, only)).version
    with pytest.raises(IllegalMove, match="over already"):
        await Conversations(database).snooze(only, until, by="kari", version=version, at=NOW)


async def test_what_is_resolved_is_nobodys_work_when_it_comes_to_life(database: Database) -> None:
    staff = await _people(database, "kari")
    only = await _conversation(database, "1")
    await Handing(database).next(staff["kari"], by="kari", most_open=8, at=NOW)
    version = (await _get(database, only)).version
    await Conversations(database).move(only, Move.RESOLVE, by="kari", version=version, at=NOW)
    assert (await _get(database, only)).assigned_to is None


async def test_the_earlier_conversations_of_an_author_are_counted_and_the_last_named(database: Database) -> None:
    for number in range(5):
        await decided(database, a_mention(str(number)), plan=a_plan(Action.SHOW))
    async with database.begin() as connection:
        await connection.execute(update(t.conversations).values(status=Status.RESOLVED))
    thread = await Conversations(database).thread(3)
    assert thread is not None
    earlier = await Conversations(database).earlier(thread.author_id, but_not=3)
    assert (earlier.count, [one.id for one in earlier.last]) == (4, [5, 4, 2])


async def test_the_work_of_whoever_leaves_goes_on_and_the_bot_stays_silent_where_they_took_over(
    database: Database,
) -> None:
    staff, handing, conversations = (
        await _people(database, "kari", "ola", "ida"),
        Handing(database),
        Conversations(database),
    )
    taken, done, given = [await _conversation(database, str(number)) for number in range(3)]
    for one in (taken, done):
        version = (await _get(database, one)).version
        await conversations.move(one, Move.TAKE_OVER, by="kari", version=version, at=NOW)
    await conversations.move(done, Move.RESOLVE, by="kari", version=(await _get(database, done)).version, at=NOW)
    assert await handing.next(staff["kari"], by="kari", most_open=8, at=NOW) == given
    before = (await _get(database, given)).version
    assert await People(database).set_active(staff["kari"], False, by="ida", at=SOON)
    for one in (taken, done):
        now = await _get(database, one)
        assert (now.taken_by, now.assigned_to) == ("ida", "ida")
    assert (await _get(database, done)).status is Status.RESOLVED
    assert (await _get(database, given)).version == before + 1
    assert {one for _at, one in await conversations.changed_after(NOW, 10**9)} >= {taken, done, given}
    assert await handing.next(staff["ola"], by="ola", most_open=8, at=SOON) == given
    async with database.read() as connection:
        query = select(t.audit.c.detail).where(t.audit.c.action == "deactivate")
        assert (await connection.execute(query)).scalar_one() == {
            "before": True,
            "after": False,
            "freed": 1,
            "handed on": {"ida": 2},
        }


async def test_a_reader_is_no_colleague_to_give_work_to_and_keeps_none(database: Database) -> None:
    staff, handing = await _people(database, "kari", "ola"), Handing(database)
    given, taken = await _conversation(database, "1"), await _conversation(database, "2")
    version = (await _get(database, taken)).version
    await Conversations(database).move(taken, Move.TAKE_OVER, by="kari", version=version, at=NOW)
    assert await handing.next(staff["kari"], by="kari", most_open=8, at=NOW) == given
    # By the provider, which is no colleague: then whoever may do most has what was taken.
    assert await People(database).set_role(staff["kari"], Role.READER, by="provider", at=NOW)
    assert [one.name for one in await handing.colleagues()] == ["ola"]
    assert (await _get(database, given)).assigned_to is None
    assert (await _get(database, taken)).taken_by == "ola"


async def test_with_nobody_left_who_works_the_bot_still_stays_silent(database: Database) -> None:
    staff = await _people(database, "kari")
    taken = await _conversation(database, "1")
    version = (await _get(database, taken)).version
    await Conversations(database).move(taken, Move.TAKE_OVER, by="kari", version=version, at=NOW)
    assert await People(database).set_active(staff["kari"], False, by="console", at=NOW)
    assert (await _get(database, taken)).is_taken
