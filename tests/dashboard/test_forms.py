"""What comes in at the door: characters that a database refuses do not get as far as one."""

import pytest
from sqlalchemy import select

from core.rights import Role
from dashboard.forms import line_of, text_of
from store import tables as t
from tests.dashboard.conftest import PASSWORD, House, browsing
from tests.dashboard.conftest import Browser as Desk


@pytest.mark.parametrize(
    ("typed", "read"),
    [("Bo\x00  Ås ", "Bo Ås"), ("\x00", ""), ("Bo\ud83d", "Bo\ufffd"), (None, ""), ("👍\n\tja", "👍 ja")],
)
def test_a_line_holds_only_what_both_databases_take(typed: object, read: str) -> None:
    assert line_of(typed) == read


def test_a_text_holds_only_what_both_databases_take() -> None:
    assert text_of({"text": " a\x00b\r\n\ud83d "}, "text") == "ab\n\ufffd"


async def test_an_invited_name_and_a_note_lose_what_cannot_be_stored(house: House, password_hash: str) -> None:
    await house.people.add_staff("Ida", password_hash, Role.ADMIN, at=house.clock.now(), by="test")
    async with browsing(house.url) as ida:
        await ida.sign_in("Ida", PASSWORD)
        await ida.get("/people")
        token = ida.csrf
        await ida.post("/people", csrf=token, name="Nils\x00 Ås", role="agent", email="nils\x00@hav.dk")
        assert ida.page.count("no e-mail address") == 1
        assert (await ida.post("/people", csrf=token, name="Nils\x00 Ås", role="agent")).status == 200
        assert (await ida.post("/house", csrf=token, to="paused", reason="a\x00b")).status == 200
    assert "Nils Ås" in [one.name for one in await house.people.all()]
    async with house.database.read() as connection:
        written = [str(detail) for (detail,) in await connection.execute(select(t.audit.c.detail))]
    assert not [said for said in written if "\\x00" in said]


@pytest.mark.parametrize("path", ["/inbox?q=a%00b", "/audit?who=%00", "/reports?account=%00", "/inbox?batch=%00"])
async def test_an_address_with_such_a_character_is_refused_calmly(lars: Desk, path: str) -> None:
    assert (await lars.get(path)).status == 400
    assert "could not read that" in lars.page
