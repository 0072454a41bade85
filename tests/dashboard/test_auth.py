"""Signing in, and what keeps strangers out."""

import asyncio

import pytest
from yarl import URL

from core.clock import ManualClock
from dashboard.cookies import SESSION_COOKIE
from dashboard.marks import local_path
from dashboard.passwords import WeakPassword, hash_password
from tests.dashboard.conftest import Browser, House


async def test_a_right_password_opens_the_inbox(visitor: Browser) -> None:
    response = await visitor.sign_in("Mette")
    assert response.url.path == "/inbox"
    assert "Mette" in visitor.page


async def test_the_session_cookie_is_closed_to_scripts_and_stored_only_as_a_hash(visitor: Browser) -> None:
    await visitor.get("/sign-in")
    data = {"csrf": visitor.csrf, "name": "Mette", "password": "en god lang sætning"}
    async with visitor.http.post(f"{visitor.url}/sign-in", data=data, allow_redirects=False) as response:
        cookie = response.cookies[SESSION_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == str(12 * 3600)
    assert len(cookie.value) >= 43


async def test_a_wrong_password_and_an_unknown_name_are_refused_alike(visitor: Browser) -> None:
    wrong = await visitor.sign_in("Mette", "not the password")
    assert wrong.status == 401
    said = "The name or the password is wrong."
    assert said in visitor.page
    unknown = await visitor.sign_in("Nobody", "not the password")
    assert unknown.status == 401
    assert said in visitor.page


async def test_five_failures_in_a_minute_close_the_door_for_a_minute(visitor: Browser, clock: ManualClock) -> None:
    for _ in range(5):
        assert (await visitor.sign_in("Lars", "not the password")).status == 401
    assert (await visitor.sign_in("Lars")).status == 429
    assert (await visitor.sign_in("Mette")).url.path == "/inbox"
    await clock.advance(61)
    assert (await visitor.sign_in("lars")).url.path == "/inbox"


async def test_a_page_without_a_session_leads_to_the_door_and_back(visitor: Browser, house: House) -> None:
    response = await visitor.get("/sources")
    assert response.url.path == "/sign-in"
    response = await visitor.post("/sign-in", name="Mette", password="en god lang sætning", next=visitor.hidden("next"))
    assert response.url.path == "/sources"


async def test_a_session_ends_after_twelve_hours(mette: Browser, clock: ManualClock) -> None:
    await clock.advance(12 * 3600 + 1)
    assert (await mette.get("/inbox")).url.path == "/sign-in"
    assert (await mette.get("/inbox/fresh")).status == 401


async def test_signing_out_ends_the_session(mette: Browser) -> None:
    await mette.get("/inbox")
    cookies = mette.http.cookie_jar.filter_cookies(URL(mette.url))
    old = cookies[SESSION_COOKIE].value
    assert (await mette.post("/sign-out")).url.path == "/sign-in"
    response = await mette.get("/inbox", cookies={SESSION_COOKIE: old})
    assert response.url.path == "/sign-in"


async def test_a_form_without_its_token_is_refused(mette: Browser, house: House) -> None:
    conversation = await house.seed.say()
    response = await mette.post(f"/conversations/{conversation}/move", csrf="", move="resolve", version=1)
    assert response.status == 403
    response = await mette.post("/house", csrf="æ" * 43, to="paused")
    assert response.status == 403


async def test_a_sign_in_without_its_door_token_is_refused(visitor: Browser) -> None:
    response = await visitor.post("/sign-in", csrf="made-up", name="Mette", password="en god lang sætning")
    assert response.status == 403
    assert (await visitor.get("/inbox")).url.path == "/sign-in"


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
)
async def test_a_form_from_another_site_is_refused_whatever_it_carries(mette: Browser, headers: dict[str, str]) -> None:
    await mette.get("/sources")
    data = {"csrf": mette.csrf, "to": "paused"}
    async with mette.http.post(f"{mette.url}/house", data=data, headers=headers) as response:
        assert response.status == 403


async def test_only_a_supervisor_may_pause(lars: Browser, mette: Browser, house: House) -> None:
    await lars.get("/sources")
    assert 'action="/house"' not in lars.page
    response = await lars.post("/house", to="paused")
    assert response.status == 403
    assert "supervisor" in lars.page
    await lars.get("/sources")
    assert (await lars.post("/accounts/hav-dk", to="paused")).status == 403
    await mette.get("/sources")
    assert (await mette.post("/house", to="paused", back="/sources")).status == 200
    assert "The house is paused" in mette.page


@pytest.mark.parametrize(
    ("path", "goes"),
    [
        ("/inbox?status=all", "/inbox?status=all"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_a_sign_in_never_leads_elsewhere(path: str | None, goes: str) -> None:
    assert local_path(path) == goes


async def test_a_sign_in_with_a_foreign_next_goes_home(visitor: Browser) -> None:
    await visitor.get("/sign-in")
    response = await visitor.post("/sign-in", name="Mette", password="en god lang sætning", next="//evil.example/inbox")
    assert str(response.url).startswith(visitor.url)


def test_a_short_password_is_refused_with_what_to_do() -> None:
    with pytest.raises(WeakPassword, match="at least 10"):
        hash_password("kort")
    assert hash_password("langt nok!").startswith("$argon2id$")


RAW_REQUESTS = {
    "a session cookie that is no text": b"GET /inbox HTTP/1.1\r\nHost: h\r\nCookie: genlyd_session=\xff\r\n\r\n",
    "a door cookie that is no text": (
        b"POST /sign-in HTTP/1.1\r\nHost: h\r\nCookie: genlyd_door=\xff\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\ncsrf=a"
    ),
    "a charset nobody has": (
        b"POST /sign-in HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded; charset=foo\r\n"
        b"Content-Length: 6\r\n\r\ncsrf=a"
    ),
    "a body that is no text": (
        b"POST /sign-in HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 6\r\n\r\ncsrf=\xff"
    ),
    "multipart without a boundary": (
        b"POST /sign-in HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\na"
    ),
    "an origin that is no address": (
        b"POST /sign-in HTTP/1.1\r\nHost: h\r\nOrigin: http://[\r\nContent-Length: 0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("raw", RAW_REQUESTS.values(), ids=RAW_REQUESTS)
async def test_what_no_browser_sends_gets_a_calm_no(visitor: Browser, raw: bytes) -> None:
    url = URL(visitor.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(raw)
    line = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()
    assert int(line.split()[1]) < 500, line
