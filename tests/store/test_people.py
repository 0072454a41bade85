"""Staff and their sessions, and who asked us to stop."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.errors import Conflict
from core.rights import Role
from store import tables as t
from store.database import Database
from store.people import People, Scope, Session
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
    await people.open_session(staff, token_hash=token, csrf="csrf", at=NOW, expires_at=LATER)
    return await people.session(token, at=NOW)


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


async def test_a_session_lives_until_it_expires(people: People) -> None:
    session = await _signed_in(people)
    assert session is not None
    assert (session.staff.name, session.csrf, session.expires_at) == ("Åse", "csrf", LATER)
    assert await people.session("token", at=LATER) is None
    assert await people.session("other", at=NOW) is None


async def test_signing_out_ends_one_session_and_expired_ones_are_forgotten(database: Database, people: People) -> None:
    await _signed_in(people, "a")
    await _signed_in(people, "b")
    await people.close_session("a")
    assert await people.session("a", at=NOW) is None
    assert await people.session("b", at=NOW) is not None
    staff = await people.staff_named("Åse")
    assert staff is not None
    after = LATER + timedelta(seconds=1)
    await people.open_session(staff, token_hash="c", csrf="csrf", at=after, expires_at=after + timedelta(hours=1))
    async with database.read() as connection:
        assert list((await connection.execute(select(t.sessions.c.token_hash))).scalars()) == ["c"]


async def test_a_new_password_ends_every_session_of_that_person(people: People) -> None:
    await people.add_staff("Ola", "hash", Role.AGENT, at=NOW, by="console")
    await _signed_in(people, "a")
    await _signed_in(people, "b", "Ola")
    assert await people.set_password("åse", "new", at=NOW, by="console")
    assert await people.session("a", at=NOW) is None
    assert await people.session("b", at=NOW) is not None
    staff = await people.staff_named("Åse")
    assert staff is not None
    assert staff.password_hash == "new"
    assert not await people.set_password("nobody", "new", at=NOW, by="console")


async def test_whoever_left_neither_signs_in_nor_stays_signed_in(database: Database, people: People) -> None:
    await _signed_in(people)
    async with database.begin() as connection:
        await connection.execute(t.staff.update().values(is_active=False))
    assert await people.staff_named("Åse") is None
    assert await people.session("token", at=NOW) is None
    assert await people.count_staff() == 0


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
