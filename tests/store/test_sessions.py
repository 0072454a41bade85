"""Sessions, one-time links, second factors and tries: what opens a door, and how often."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.errors import Conflict
from core.rights import Role
from store import tables as t
from store.arrivals import Arrival, Arrivals, NotInvited
from store.audit import FAILED, Audit, Wanted
from store.database import Database, open_database
from store.factors import Factors
from store.invitations import Invitations, Link
from store.people import People, Staff
from store.sessions import Opening, Sessions, Stage
from store.tries import Limit, Tries
from tests.builders import NOW

LATER = NOW + timedelta(hours=8)
LINK = Link(token_hash="link", expires_at=NOW + timedelta(hours=72))
LIMIT = Limit(kind="name", of="åse", free=3, first=timedelta(seconds=10), most=timedelta(minutes=1))


@pytest.fixture
async def ase(database: Database) -> Staff:
    people = People(database)
    await people.add_staff("Åse", "hash", Role.ADMIN, at=NOW, by="console")
    found = await people.staff_named("Åse")
    assert found is not None
    return found


async def _open(database: Database, staff: Staff, token: str, stage: Stage = Stage.OPEN, **more: object) -> None:
    values = {"csrf": "csrf", "how": "password", "expires_at": LATER, "idle_until": NOW + timedelta(hours=2), **more}
    opening = Opening(token_hash=token, stage=stage, **values)  # type: ignore[arg-type]
    assert await Sessions(database).open(staff, opening, at=NOW)


async def test_a_session_lives_until_it_expires_or_falls_asleep(database: Database, ase: Staff) -> None:
    sessions = Sessions(database)
    await _open(database, ase, "token")
    session = await sessions.get("token", at=NOW)
    assert session is not None
    assert (session.staff.name, session.csrf, session.expires_at) == ("Åse", "csrf", LATER)
    assert await sessions.get("other", at=NOW) is None
    asleep = NOW + timedelta(hours=2)
    assert await sessions.get("token", at=asleep) is None
    await sessions.touch(session, at=NOW + timedelta(hours=1), idle_until=LATER + timedelta(hours=1))
    assert await sessions.get("token", at=asleep) is not None
    assert await sessions.get("token", at=LATER) is None


async def test_what_still_waits_for_a_code_is_no_session(database: Database, ase: Staff) -> None:
    sessions = Sessions(database)
    await _open(database, ase, "half", Stage.CODE)
    assert await sessions.get("half", at=NOW) is None
    assert await sessions.get("half", at=NOW, stages=(Stage.SETUP,)) is None
    assert await sessions.get("half", at=NOW, stages=(Stage.CODE,)) is not None
    assert await sessions.of(ase.id, at=NOW) == []


async def test_signing_in_ends_what_the_browser_had_and_forgets_what_expired(database: Database, ase: Staff) -> None:
    sessions = Sessions(database)
    await _open(database, ase, "a")
    await _open(database, ase, "old", idle_until=NOW)
    await _open(database, ase, "b", instead_of=("a",))
    async with database.read() as connection:
        assert list((await connection.execute(select(t.sessions.c.token_hash))).scalars()) == ["b"]
    session = await sessions.get("b", at=NOW)
    assert session is not None
    assert await sessions.close(session, by="Åse", at=NOW)
    assert not await sessions.close(session, by="Åse", at=NOW)


async def test_a_link_lets_one_person_in_once(database: Database, ase: Staff) -> None:
    invitations, people = Invitations(database), People(database)
    staff_id = await invitations.invite("Nils", Role.AGENT, LINK, by="Åse", at=NOW)
    with pytest.raises(Conflict):
        await invitations.invite("NILS", Role.AGENT, LINK, by="Åse", at=NOW)
    assert await people.staff_named("Nils") is None
    assert await invitations.look("link", at=LINK.expires_at) is None
    outcomes = await asyncio.gather(*(invitations.accept("link", f"hash {n}", at=NOW) for n in range(3)))
    [come] = [one for one in outcomes if one is not None]
    assert (come.id, come.is_active, come.role) == (staff_id, True, Role.AGENT)
    assert await invitations.look("link", at=NOW) is None
    assert await people.staff_named("nils") is not None


async def test_a_new_link_ends_the_older_and_a_deactivated_person_gets_none(database: Database, ase: Staff) -> None:
    invitations, people = Invitations(database), People(database)
    staff_id = await invitations.invite("Nils", Role.AGENT, LINK, by="Åse", at=NOW)
    await invitations.renew(staff_id, Link(token_hash="newer", expires_at=LATER), by="Åse", at=NOW)
    assert await invitations.look("link", at=NOW) is None
    assert await invitations.accept("newer", "hash", at=NOW) is not None
    await invitations.renew(staff_id, LINK, by="Åse", at=NOW)
    assert await people.set_active(staff_id, False, by="Åse", at=NOW)
    assert await invitations.accept("link", "hash", at=NOW) is None
    with pytest.raises(Conflict, match="may not sign in"):
        await invitations.renew(staff_id, LINK, by="Åse", at=NOW)
    assert not await invitations.withdraw(staff_id, by="Åse", at=NOW)


async def test_a_code_counts_once_also_where_it_comes_twice_at_once(database: Database, ase: Staff) -> None:
    factors = Factors(database)
    assert await factors.propose(ase.id, "OLDER")
    assert await factors.propose(ase.id, "SECRET")
    assert not await factors.confirm(ase, "OLDER", 7, ["z"], at=NOW, keep="")
    assert await factors.confirm(ase, "SECRET", 7, ["a", "b"], at=NOW, keep="")
    assert not await factors.confirm(ase, "SECRET", 7, ["c"], at=NOW, keep="")
    assert not await factors.propose(ase.id, "OTHER")
    assert not await factors.let_in(ase.id, 7)
    assert sorted(await asyncio.gather(*(factors.let_in(ase.id, 8) for _ in range(3)))) == [False, False, True]
    used = await asyncio.gather(*(factors.use_recovery(ase, "a", at=NOW) for _ in range(3)))
    assert sorted(used) == [False, False, True]
    factor = await factors.get(ase.id)
    assert factor is not None
    assert (factor.secret, factor.codes_left) == ("SECRET", 1)
    assert await factors.remove(ase, by="Åse", at=NOW)
    assert await factors.get(ase.id) is None


async def test_tries_of_two_processes_count_together_and_outlive_both(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tries.db'}"
    first, second = await open_database(url), await open_database(url)
    waits = await asyncio.gather(*(Tries(one).take([LIMIT], at=NOW) for one in (first, second) * 5))
    assert waits.count(timedelta(0)) == 3
    assert set(waits) == {timedelta(0), timedelta(seconds=10)}
    await first.close()
    await second.close()
    third = await open_database(url)
    assert await Tries(third).take([LIMIT], at=NOW + timedelta(seconds=4)) == timedelta(seconds=6)
    await third.close()


async def test_waits_double_up_to_the_most_and_knocking_meanwhile_does_not_lengthen_them(database: Database) -> None:
    tries, at, waits = Tries(database), NOW, []
    for _ in range(LIMIT.free):
        assert await tries.take([LIMIT], at=at) == timedelta(0)
    for _ in range(5):
        refused = {await tries.take([LIMIT], at=at) for _ in range(3)}
        [wait] = refused
        waits.append(wait.total_seconds())
        at += wait
        assert await tries.take([LIMIT], at=at) == timedelta(0)
    assert waits == [10.0, 20.0, 40.0, 60.0, 60.0]
    # An hour of quiet, and it starts anew.
    at += timedelta(hours=2)
    assert [await tries.take([LIMIT], at=at) for _ in range(3)] == [timedelta(0)] * 3


async def test_the_right_one_is_forgiven(database: Database) -> None:
    tries = Tries(database)
    for _ in range(10):
        assert await tries.take([LIMIT], at=NOW) == timedelta(0)
        await tries.give_back([LIMIT])
    for _ in range(3):
        await tries.take([LIMIT], at=NOW)
    await tries.forgive([LIMIT])
    assert await tries.take([LIMIT], at=NOW) == timedelta(0)


async def test_whoever_comes_through_the_provider_was_invited_or_has_a_role(database: Database, ase: Staff) -> None:
    arrivals, people = Arrivals(database), People(database)
    await Invitations(database).invite("Nils", Role.AGENT, None, by="Åse", at=NOW, email="nils@hav.dk")
    unknown = Arrival(subject="issuer 1", name="Nils", email=None)
    with pytest.raises(NotInvited):
        await arrivals.receive(unknown, at=NOW)
    nils = await arrivals.receive(Arrival(subject="issuer 1", name="N", email="Nils@hav.dk"), at=NOW)
    assert (nils.name, nils.role, nils.is_active) == ("Nils", Role.AGENT, True)
    # Known by the provider's own name from now on; another with the same address is another.
    assert (await arrivals.receive(unknown, at=NOW)).id == nils.id
    with pytest.raises(NotInvited):
        await arrivals.receive(Arrival(subject="issuer 2", name="N", email="nils@hav.dk"), at=NOW)
    assert await people.set_active(nils.id, False, by="Åse", at=NOW)
    with pytest.raises(NotInvited, match="any more"):
        await arrivals.receive(unknown, at=NOW)
    new = await arrivals.receive(Arrival(subject="issuer 3", name="Åse", role=Role.ADMIN), at=NOW)
    assert (new.name, new.role) == ("Åse 2", Role.ADMIN)
    changed = await arrivals.receive(Arrival(subject="issuer 3", name="Åse", role=Role.READER), at=NOW)
    assert changed.role is Role.READER


async def test_the_provider_does_not_take_the_last_key(database: Database, ase: Staff) -> None:
    arrivals, people = Arrivals(database), People(database)
    await arrivals.receive(Arrival(subject="issuer 3", name="Ida", role=Role.ADMIN), at=NOW)
    assert await people.set_role(ase.id, Role.AGENT, by="Ida", at=NOW)
    stays = await arrivals.receive(Arrival(subject="issuer 3", name="Ida", role=Role.READER), at=NOW)
    assert stays.role is Role.ADMIN


async def test_failed_sign_ins_are_one_line_an_hour_and_lines_are_found_again(database: Database, ase: Staff) -> None:
    audit = Audit(database)
    for minutes in (0, 1, 2, 61):
        await audit.count_failure("Åse", at=NOW.replace(minute=0) + timedelta(minutes=minutes))
    found = await audit.lines(Wanted(action=FAILED), limit=10)
    assert [line.detail for line in found] == [{"count": 1}, {"count": 3}]
    assert [line.action for line in await audit.lines(Wanted(by="console"), limit=10)] == ["add staff"]
    assert await audit.lines(Wanted(since=NOW + timedelta(days=1)), limit=10) == []
    assert len([line async for line in audit.every(Wanted())]) == 3
