"""Staff, that somebody can always run the house, and who asked us to stop."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core.errors import Conflict
from core.rights import Role
from store import tables as t
from store.database import Database
from store.people import LastAdmin, People, Scope
from store.sessions import Opening, Session, Sessions, Stage
from tests.builders import NOW, a_mention, saved

LATER = NOW + timedelta(hours=8)


@pytest.fixture
async def people(database: Database) -> People:
    people = People(database)
    await people.add_staff("Åse", "hash", Role.SUPERVISOR, at=NOW, by="console")
    return people


async def _signed_in(people: People, token: str = "token", name: str = "Åse") -> Session | None:
    staff = await people.staff_named(name)
    assert staff is not None
    sessions = Sessions(people._db)
    assert await sessions.open(staff, opening(token), at=NOW)
    return await sessions.get(token, at=NOW)


def opening(token: str, *, stage: Stage = Stage.OPEN, idle_until: datetime = LATER) -> Opening:
    """A session that lasts eight hours."""
    return Opening(token_hash=token, csrf="csrf", stage=stage, how="password", expires_at=LATER, idle_until=idle_until)


@pytest.mark.parametrize("name", ["Åse", "åse", "ÅSE"])
async def test_a_name_is_found_in_any_case_in_danish_too(people: People, name: str) -> None:
    staff = await people.staff_named(name)
    assert staff is not None
    assert (staff.name, staff.role, staff.password_hash) == ("Åse", Role.SUPERVISOR, "hash")
    assert await people.staff_named("Åsne") is None


@pytest.mark.parametrize("name", ["Åse", "ÅSE"])
async def test_a_name_is_given_once_whatever_its_case(people: People, name: str) -> None:
    with pytest.raises(Conflict, match="already someone"):
        await people.add_staff(name, "other", Role.AGENT, at=NOW, by="console")
    assert await people.count_staff() == 1


async def test_two_who_add_one_name_at_once_give_one_person(people: People) -> None:
    outcomes = await asyncio.gather(
        *(people.add_staff("Ola", "hash", Role.AGENT, at=NOW, by="console") for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Conflict", "NoneType"]


async def test_a_new_password_ends_every_session_of_that_person(database: Database, people: People) -> None:
    sessions = Sessions(database)
    await people.add_staff("Ola", "hash", Role.AGENT, at=NOW, by="console")
    await _signed_in(people, "a")
    await _signed_in(people, "b", "Ola")
    assert await people.set_password("åse", "new", at=NOW, by="console")
    assert await sessions.get("a", at=NOW) is None
    assert await sessions.get("b", at=NOW) is not None
    staff = await people.staff_named("Åse")
    assert staff is not None
    assert staff.password_hash == "new"
    assert not await people.set_password("nobody", "new", at=NOW, by="console")


async def test_whoever_left_neither_signs_in_nor_stays_signed_in(database: Database, people: People) -> None:
    sessions = Sessions(database)
    await _signed_in(people)
    async with database.begin() as connection:
        await connection.execute(t.staff.update().values(is_active=False))
    assert await people.staff_named("Åse") is None
    assert await sessions.get("token", at=NOW) is None
    assert await people.count_staff() == 0


async def test_a_new_role_or_the_end_of_one_signs_a_person_out_and_is_written_down(
    database: Database, people: People
) -> None:
    sessions = Sessions(database)
    session = await _signed_in(people)
    assert session is not None
    staff_id = session.staff.id
    assert await people.set_role(staff_id, Role.READER, by="Ola", at=NOW)
    assert not await people.set_role(staff_id, Role.READER, by="Ola", at=NOW)
    assert await sessions.get("token", at=NOW) is None
    session = await _signed_in(people)
    assert session is not None
    assert session.staff.role is Role.READER
    assert await people.set_active(staff_id, False, by="Ola", at=NOW)
    assert await sessions.get("token", at=NOW) is None
    assert await people.staff_named("Åse") is None
    assert await people.set_active(staff_id, True, by="Ola", at=NOW)
    async with database.read() as connection:
        lines = list(await connection.execute(select(t.audit).where(t.audit.c.by == "Ola").order_by(t.audit.c.id)))
    assert [(line.action, line.detail) for line in lines] == [
        ("set role", {"before": "supervisor", "after": "reader"}),
        ("deactivate", {"before": True, "after": False}),
        ("reactivate", {"before": False, "after": True}),
    ]


async def test_the_last_administrator_stays_also_where_two_leave_at_once(people: People) -> None:
    for name in ("Ida", "Per"):
        await people.add_staff(name, "hash", Role.ADMIN, at=NOW, by="console")
    ida, per = [one.id for one in await people.all() if one.role is Role.ADMIN]
    outcomes = await asyncio.gather(
        people.set_role(ida, Role.AGENT, by="x", at=NOW),
        people.set_active(per, False, by="y", at=NOW),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastAdmin", "bool"]
    [left] = [one for one in await people.all() if one.role is Role.ADMIN and one.is_active]
    with pytest.raises(LastAdmin, match="the only administrator"):
        await people.set_role(left.id, Role.READER, by="x", at=NOW)


async def test_an_opt_out_stays_as_it_was_first_said(database: Database, people: People) -> None:
    await saved(database, a_mention())
    for because in ("stop", "stop again"):
        await people.opt_out(1, Scope.AUTOMATIC, because=because, by="kari", at=NOW)
    assert await people.opted_out(1) == {Scope.AUTOMATIC}
    await people.opt_out(1, Scope.LISTENING, because="all of it", by="kari", at=NOW)
    assert await people.opted_out(1) == {Scope.AUTOMATIC, Scope.LISTENING}
    async with database.read() as connection:
        assert set((await connection.execute(select(t.opt_outs.c.because))).scalars()) == {"stop", "all of it"}


async def test_the_audit_holds_neither_passwords_nor_tokens(database: Database, people: People) -> None:
    await _signed_in(people, "very-secret-token")
    await people.set_password("Åse", "very-secret-hash", at=NOW, by="console")
    async with database.read() as connection:
        lines = list(await connection.execute(select(t.audit)))
    assert [line.action for line in lines] == ["add staff", "sign in", "set password"]
    assert "very-secret" not in repr(lines)
