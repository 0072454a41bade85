"""Invitations, second factors, one's own account, the page of people and the audit."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pyotp
import pytest

from core.clock import ManualClock
from core.config import DashboardConfig
from core.rights import Role
from dashboard.audit import _wanted
from dashboard.cookies import HALF_COOKIE, SESSION_COOKIE
from dashboard.desk import DESK
from dashboard.factors import CODES, hash_code, new_codes, setup_of, step_of
from dashboard.health import READINESS
from dashboard.present_people import browser_words
from dashboard.server import build_app
from store.people import People, Staff
from tests.dashboard.conftest import CONFIG, PASSWORD, Browser, House, browsing, serving

_SECRET = re.compile(r'class="secret"[^>]*><code>([A-Z2-7 ]+)</code>')
_CODE = re.compile(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>")
_LINK = re.compile(r"/join/([A-Za-z0-9_-]{43})")


@pytest.fixture
async def ida(house: House, password_hash: str) -> AsyncIterator[Browser]:
    """The administrator, signed in."""
    now = house.clock.now()
    await People(house.database).add_staff("Ida", password_hash, Role.ADMIN, at=now, by="test")
    async with browsing(house.url) as browser:
        await browser.sign_in("Ida")
        await browser.get("/people")
        yield browser


async def named(house: House, name: str) -> Staff:
    found = await People(house.database).anybody_named(name)
    assert found is not None
    return found


def code_of(browser: Browser, house: House) -> str:
    """What the telephone shows now, for the secret on the page."""
    found = _SECRET.search(browser.page)
    assert found is not None, browser.page[:2000]
    return code_for(found[1].replace(" ", ""), house)


def code_for(secret: str, house: House) -> str:
    return pyotp.TOTP(secret).at(house.clock.now())


async def set_up(browser: Browser, house: House) -> tuple[str, list[str]]:
    """Set up a second factor on one's own account; return the secret and the recovery codes."""
    await browser.get("/me")
    await browser.post("/me/second-factor", old=PASSWORD)
    found = _SECRET.search(browser.page)
    assert found is not None
    code, proof = code_of(browser, house), browser.hidden("proof")
    await browser.post("/me/second-factor/confirm", code=code, proof=proof)
    return found[1].replace(" ", ""), _CODE.findall(browser.page)


async def test_an_invitation_lets_one_person_in_once_who_chooses_the_password(
    house: House, ida: Browser, visitor: Browser
) -> None:
    await ida.post("/people", name="Nils  Åkesson", role="agent")
    found = _LINK.search(ida.page)
    assert found is not None
    token = found[1]
    async with house.database.read() as connection:
        stored = repr((await connection.exec_driver_sql("SELECT * FROM invitations")).all())
    assert token not in stored
    assert (await visitor.sign_in("Nils Åkesson", "")).status == 401
    # A look uses nothing up: chat programs and mail scanners open links.
    for _ in range(2):
        assert (await visitor.get(f"/join/{token}")).status == 200
    for said in ("Welcome, Nils Åkesson", "Agent", "Ida invited you"):
        assert said in visitor.page
    assert (await visitor.post(f"/join/{token}", password="kort", again="kort")).status == 422
    assert "at least 10" in visitor.page
    assert (await visitor.post(f"/join/{token}", password="langt nok her", again="noget andet")).status == 422
    response = await visitor.post(f"/join/{token}", password="langt nok her", again="langt nok her")
    assert response.url.path == "/inbox"
    assert (await visitor.get(f"/join/{token}")).status == 410
    assert (await named(house, "nils åkesson")).role is Role.AGENT


async def test_a_link_is_too_old_after_three_days_and_a_name_is_given_once(
    house: House, ida: Browser, visitor: Browser, clock: ManualClock
) -> None:
    await ida.post("/people", name="Nils", role="agent")
    found = _LINK.search(ida.page)
    assert found is not None
    await ida.get("/people")
    response = await ida.post("/people", name="NILS", role="supervisor")
    assert response.status == 409
    # What was typed is still there.
    assert 'value="NILS"' in ida.page
    assert '<option value="supervisor" selected>' in ida.page
    clock.step(72 * 3600)
    assert (await visitor.get(f"/join/{found[1]}")).status == 410
    assert (await visitor.get("/join/nonsense")).status == 410


async def test_the_page_of_people_changes_roles_ends_sessions_and_lets_people_go(
    house: House, ida: Browser, lars: Browser
) -> None:
    staff = await named(house, "Lars")
    await ida.post(f"/people/{staff.id}/role", role="reader")
    assert "The role is set" in ida.page
    assert (await lars.get("/inbox")).url.path == "/sign-in"
    await lars.sign_in("Lars")
    await ida.post(f"/people/{staff.id}/sessions")
    assert (await lars.get("/inbox")).url.path == "/sign-in"
    await ida.post(f"/people/{staff.id}/state", to="inactive")
    assert "Deactivated" in ida.page
    assert (await lars.sign_in("Lars")).status == 401
    await ida.post(f"/people/{staff.id}/state", to="active")
    assert (await lars.sign_in("Lars")).url.path == "/inbox"
    me = await named(house, "Ida")
    for path, fields in (("role", {"role": "reader"}), ("state", {"to": "inactive"}), ("sessions", {})):
        assert (await ida.post(f"/people/{me.id}/{path}", csrf="", **fields)).status == 403
        await ida.get("/people")
        assert (await ida.post(f"/people/{me.id}/{path}", **fields)).status == 409
        await ida.get("/people")


async def test_a_second_factor_is_set_up_asked_for_and_no_code_counts_twice(
    house: House, lars: Browser, visitor: Browser, clock: ManualClock
) -> None:
    secret, codes = await set_up(lars, house)
    assert len(set(codes)) == CODES
    assert (await lars.get("/me")).url.path == "/me"
    assert "10 recovery codes are left" in lars.page
    response = await visitor.sign_in("Lars")
    assert response.url.path == "/sign-in/code"
    # The code that confirmed it has been used.
    assert (await visitor.post("/sign-in/code", code=code_for(secret, house))).status == 401
    clock.step(30)
    code = code_for(secret, house)
    await visitor.post("/sign-in/code", code=f"{code[:3]} {code[3:]}", next="/sources")
    assert (await visitor.get("/sources")).url.path == "/sources"
    async with browsing(house.url) as thief:
        await thief.sign_in("Lars")
        assert (await thief.post("/sign-in/code", code=code)).status == 401
        assert (await thief.post("/sign-in/code", code=codes[0].upper())).url.path == "/inbox"
    async with browsing(house.url) as thief:
        await thief.sign_in("Lars")
        assert (await thief.post("/sign-in/code", code=codes[0])).status == 401


async def test_between_the_password_and_the_code_nothing_opens(
    house: House, lars: Browser, visitor: Browser, clock: ManualClock
) -> None:
    secret, _ = await set_up(lars, house)
    await visitor.sign_in("Lars")
    half = {one.key: one.value for one in visitor.http.cookie_jar}
    assert HALF_COOKIE in half
    assert SESSION_COOKIE not in half
    for cookies in ({}, {SESSION_COOKIE: half[HALF_COOKIE]}):
        assert (await visitor.get("/inbox", cookies=cookies)).url.path == "/sign-in"
        assert (await visitor.get("/live", cookies=cookies)).status == 401
        async with visitor.http.post(f"{house.url}/house", data={"to": "paused"}, allow_redirects=False) as response:
            assert response.headers["Location"] == "/sign-in"
    # It is not a way to set up a factor of one's own either, and it does not last.
    assert (await visitor.get("/sign-in/second-factor")).url.path == "/sign-in"
    clock.step(601)
    assert (await visitor.get("/sign-in/code")).url.path == "/sign-in"
    assert code_for(secret, house)


async def test_wrong_codes_are_slowed_wherever_they_come_from(house: House, lars: Browser, clock: ManualClock) -> None:
    secret, _ = await set_up(lars, house)
    statuses = []
    for _ in range(6):
        async with browsing(house.url) as thief:
            await thief.sign_in("Lars")
            statuses.append((await thief.post("/sign-in/code", code="000000")).status)
    assert statuses == [401] * 5 + [429]
    clock.step(30)
    # Where Lars has signed in before, the thief's tries do not count.
    await lars.post("/sign-out", csrf=await _token(lars))
    await lars.sign_in("Lars")
    assert (await lars.post("/sign-in/code", code=code_for(secret, house))).url.path == "/inbox"


async def _token(browser: Browser) -> str:
    await browser.get("/me")
    return browser.csrf


@asynccontextmanager
async def strict(house: House) -> AsyncIterator[str]:
    """The same house, where approvers do not come in without a second factor."""
    settings = DashboardConfig(secure_cookies=False, second_factor=frozenset({Role.APPROVER}))
    app = build_app(
        database=house.database,
        bell=house.bell,
        clock=house.clock,
        config=replace(CONFIG, dashboard=settings),
        readiness=house.app[READINESS],
    )
    async with serving(app) as url:
        yield url


async def test_where_the_house_asks_for_one_nobody_of_that_role_comes_in_without(house: House) -> None:
    async with strict(house) as url, browsing(url) as lars, browsing(url) as mette:
        assert (await mette.sign_in("Mette")).url.path == "/inbox"
        assert (await lars.sign_in("Lars", path="/sources")).url.path == "/sign-in/second-factor"
        assert (await lars.get("/inbox")).url.path == "/sign-in"
        await lars.get("/sign-in/second-factor?next=%2Fsources")
        assert "data:image/svg+xml" in lars.page
        assert (await lars.post("/sign-in/second-factor", code="000000")).status == 422
        await lars.post("/sign-in/second-factor", code=code_of(lars, house), next="/sources")
        assert len(_CODE.findall(lars.page)) == CODES
        assert 'href="/sources"' in lars.page
        assert (await lars.get("/sources")).url.path == "/sources"
        # Taking it off again leads to setting up the next.
        await lars.get("/me")
        assert (await lars.post("/me/second-factor/remove", old=PASSWORD)).url.path == "/sign-in"
        assert (await lars.sign_in("Lars")).url.path == "/sign-in/second-factor"


async def test_what_guards_an_account_is_changed_only_by_whoever_knows_its_password(
    house: House, lars: Browser, clock: ManualClock
) -> None:
    await lars.get("/me")
    for path in ("/me/second-factor", "/me/second-factor/codes", "/me/second-factor/remove", "/me/password"):
        response = await lars.post(path, old="not the password", password="et helt nyt et", again="x")
        assert response.status == 422
        assert "password is wrong" in lars.page
    assert (await lars.post("/me/password", old="not the password")).status == 422
    assert (await lars.post("/me/password", old=PASSWORD)).status == 422
    assert "Too many tries" in lars.page
    assert (await named(house, "Lars")).second_factor_since is None


async def test_a_setup_that_its_owner_left_is_of_no_use_to_a_stolen_session(
    house: House, lars: Browser, clock: ManualClock
) -> None:
    async with browsing(house.url) as thief:
        await thief.sign_in("Lars")
        await thief.get("/me")
        await lars.get("/me")
        await lars.post("/me/second-factor", old=PASSWORD)
        secret, proof = code_of(lars, house), lars.hidden("proof")
        # A wrong code: said, without the secret; the right one still switches it on.
        assert (await lars.post("/me/second-factor/confirm", code="000000", proof=proof)).status == 422
        assert _SECRET.search(lars.page) is None
        assert lars.hidden("proof") == proof
        # Another session gets neither the secret nor a second factor, even with the right code, and drops the setup.
        for stolen in ("", proof):
            assert (await thief.post("/me/second-factor/confirm", code=secret, proof=stolen)).status == 409
            assert _SECRET.search(thief.page) is None
        assert (await lars.post("/me/second-factor/confirm", code=secret, proof=proof)).status == 409
    # And in its own session it is worth nothing after half an hour.
    await lars.post("/me/second-factor", old=PASSWORD)
    proof, secret = lars.hidden("proof"), str(_SECRET.search(lars.page)[1]).replace(" ", "")  # type: ignore[index]
    await clock.advance(31 * 60)
    assert (await lars.post("/me/second-factor/confirm", code=code_for(secret, house), proof=proof)).status == 409
    assert (await named(house, "Lars")).second_factor_since is None


async def test_first_codes_are_tried_as_seldom_as_those_of_a_sign_in(house: House, lars: Browser) -> None:
    await lars.get("/me")
    await lars.post("/me/second-factor", old=PASSWORD)
    proof = lars.hidden("proof")
    tried = [(await lars.post("/me/second-factor/confirm", code="000000", proof=proof)).status for _ in range(6)]
    assert tried == [422] * 5 + [429]
    assert _SECRET.search(lars.page) is None


async def test_a_new_password_ends_every_other_session_and_renews_this_one(house: House, lars: Browser) -> None:
    async with browsing(house.url) as other:
        await other.sign_in("Lars")
        await lars.get("/me")
        assert lars.page.count(">this one<") == 1
        assert lars.page.count('name="session"') == 2
        before = {one.key: one.value for one in lars.http.cookie_jar}[SESSION_COOKIE]
        old_token = lars.csrf
        new = "et helt nyt kodeord"
        await lars.post("/me/password", old=PASSWORD, password=new, again=new)
        assert "The password is changed." in lars.page
        assert {one.key: one.value for one in lars.http.cookie_jar}[SESSION_COOKIE] != before
        assert (await lars.post("/language", csrf=old_token, language="da")).status == 403
        assert (await other.get("/inbox")).url.path == "/sign-in"
        assert (await other.sign_in("Lars")).status == 401
        assert (await other.sign_in("Lars", new)).url.path == "/inbox"
        await lars.get("/me")
        await lars.post("/me/sessions", session="others")
        assert (await other.get("/inbox")).url.path == "/sign-in"


async def test_one_session_is_ended_by_itself(house: House, lars: Browser) -> None:
    async with browsing(house.url) as other:
        other.http.headers["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"
        await other.sign_in("Lars")
        await lars.get("/me")
        assert "Firefox on Windows" in lars.page
        label = re.findall(r'name="session" value="([0-9a-f]{20})"', lars.page)
        await lars.post("/me/sessions", session=label[0])
        assert "The session has ended." in lars.page
        assert (await other.get("/inbox")).url.path == "/sign-in"


async def test_an_administrator_helps_whoever_lost_their_telephone(house: House, ida: Browser, lars: Browser) -> None:
    await set_up(lars, house)
    staff = await named(house, "Lars")
    assert staff.second_factor_since is not None
    await ida.post(f"/people/{staff.id}/second-factor")
    assert "The second factor is removed" in ida.page
    assert (await lars.get("/inbox")).url.path == "/sign-in"
    assert (await lars.sign_in("Lars")).url.path == "/inbox"


async def test_the_audit_is_found_by_person_action_and_day_and_downloaded(
    house: House, ida: Browser, visitor: Browser
) -> None:
    await visitor.sign_in("Lars", "not the password")
    await visitor.sign_in("my password by mistake", "x")
    staff = await named(house, "Lars")
    await ida.post(f"/people/{staff.id}/role", role="reader")
    await ida.get("/audit?by=Ida&action=set+role")
    for said in ("Set a role", "Approver", "Read only", "Lars"):
        assert said in ida.page
    assert "Failed sign-ins</th>" not in ida.page
    await ida.get("/audit")
    assert "unknown names" in ida.page
    assert "my password" not in ida.page
    await ida.get("/audit?day=1999-01-01")
    assert "No line fits." in ida.page
    await ida.get("/audit?day=nonsense&before=x")
    assert "Set a role" in ida.page
    await People(house.database).add_staff("=cmd()", "hash", Role.READER, at=house.clock.now(), by="=cmd()")
    response = await ida.get("/audit.csv")
    assert "attachment" in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(ida.page)))
    assert (rows[0]["by"], rows[0]["subject"]) == ("'=cmd()", "'=cmd()")
    [role] = [row for row in rows if row["action"] == "set role"]
    assert json.loads(role["detail"]) == {"before": "approver", "after": "reader"}


async def test_older_lines_are_a_page_away(house: House, ida: Browser) -> None:
    people = People(house.database)
    for number in range(120):
        await people.set_language((await named(house, "Lars")).id, "da" if number % 2 else "sv", at=house.clock.now())
    await ida.get("/audit?action=set+language")
    first = ida.page.count("<tr>")
    older = re.search(r'href="(/audit\?[^"]*before=\d+)"', ida.page)
    assert older is not None
    await ida.get(older[1].replace("&amp;", "&"))
    assert first + ida.page.count("<tr>") == 120 + 2


def test_a_code_counts_a_step_early_or_late_and_no_other(clock: ManualClock) -> None:
    secret, now = pyotp.random_base32(), clock.now()
    totp = pyotp.TOTP(secret)
    for seconds, fits in ((-61, False), (-30, True), (0, True), (30, True), (61, False)):
        assert (step_of(secret, totp.at(now + timedelta(seconds=seconds)), now) is not None) is fits
    for wrong in ("", "12345", "1234567", "abcdef", "１２３４５６", "-12345"):
        assert step_of(secret, wrong, now) is None


def test_recovery_codes_are_read_as_a_person_types_them() -> None:
    code = new_codes()[0]
    assert hash_code(code) == hash_code(code.upper().replace("-", " "))
    assert hash_code("123456") is None


def test_the_picture_holds_the_secret_and_no_script() -> None:
    setup = setup_of("JBSWY3DPEHPK3PXP" * 2, "Åse <b>", "Hav & Co")
    assert setup.secret == "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"
    assert pyotp.parse_uri(setup.address).secret == "JBSWY3DPEHPK3PXP" * 2
    assert setup.image.startswith("data:image/svg+xml")
    assert "script" not in setup.image


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8", "A browser that does not say which"),
    ],
)
def test_browsers_are_told_as_people_know_them(said: str, words: str) -> None:
    assert browser_words(said) == words


async def test_the_desk_has_no_provider_unless_the_config_names_one(house: House, visitor: Browser) -> None:
    assert house.app[DESK].provider is None
    assert (await visitor.get("/sign-in/provider")).status == 404
    assert (await visitor.get("/sign-in/provider/back?code=x&state=y")).status == 404


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "nonsense"])
def test_a_day_of_the_audit_that_no_clock_can_tell_asks_nothing(day: str) -> None:
    wanted = _wanted({"by": "", "action": "", "day": day}, ZoneInfo("Europe/Copenhagen"))
    assert (wanted.since, wanted.until) == (None, None)
