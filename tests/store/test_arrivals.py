"""Whom the provider sends: that nobody comes in again whom an administrator has put out."""

import pytest
from sqlalchemy import update

from core.rights import Role
from store import tables as t
from store.arrivals import Arrival, Arrivals, NotInvited
from store.database import Database
from store.people import People
from tests.builders import NOW


async def _bo(database: Database, **columns: str) -> int:
    people = People(database)
    await people.add_staff("Bo", "hash", Role.AGENT, at=NOW, by="test")
    bo = await people.staff_named("Bo")
    assert bo is not None
    async with database.begin() as connection:
        await connection.execute(update(t.staff).where(t.staff.c.id == bo.id).values(email="bo@hav.dk", **columns))
    return bo.id


@pytest.mark.parametrize("columns", [{}, {"oidc_subject": "iss old"}, {"oidc_subject": "iss 1"}])
async def test_whoever_was_put_out_gets_no_new_account_by_a_role_at_the_provider(
    database: Database, columns: dict[str, str]
) -> None:
    people = People(database)
    bo = await _bo(database, **columns)
    assert await people.set_active(bo, False, at=NOW, by="Ida")
    with pytest.raises(NotInvited):
        await Arrivals(database).receive(
            Arrival(subject="iss 1", name="Bo", email="BO@hav.dk", role=Role.AGENT), at=NOW
        )
    assert [one.is_active for one in await people.all()] == [False]


async def test_whoever_is_here_is_bound_to_the_provider_and_keeps_one_account(database: Database) -> None:
    bo = await _bo(database)
    arrival = Arrival(subject="iss 1", name="Bo", email="bo@hav.dk", role=Role.AGENT)
    assert (await Arrivals(database).receive(arrival, at=NOW)).id == bo
    assert (await Arrivals(database).receive(arrival, at=NOW)).id == bo
    assert len(await People(database).all()) == 1
