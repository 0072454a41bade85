"""What an attacker would try: every route with every role, forged forms, foreign ids, fixed sessions, many tries.

The routes are walked as the application has them, so that a new one is tried without anybody adding it here.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pyotp
import pytest
from aiohttp import web
from sqlalchemy import func, select
from yarl import URL

from core.clock import ManualClock
from core.config import DashboardConfig
from core.conversation import Move
from core.rights import Right, Role, may
from dashboard.auth import BY_LINK, PUBLIC, RIGHTS
from dashboard.cookies import HALF_COOKIE, KNOWN_COOKIE, SESSION_COOKIE
from dashboard.desk import DESK
from dashboard.factors import new_secret
from dashboard.health import PATHS as HEALTH_PATHS
from dashboard.limits import by_stranger
from dashboard.server import DOORS, PAGES, build_app
from store import tables as t
from store.bell import Bell
from store.database import open_database
from store.people import People
from store.saved_filters import SavedFilters
from store.sessions import Sessions
from store.tries import Tries
from tests.dashboard.conftest import CONFIG, PASSWORD, Browser, House, browsing, serving

# No row has it.
_NOBODYS = "999999999"
_NAMES = {Role.READER: "Rita", Role.AGENT: "Anna", Role.APPROVER: "Lars", Role.SUPERVISOR: "Mette", Role.ADMIN: "Ida"}


@pytest.fixture
async def staffed(house: House, password_hash: str) -> House:
    """The house, with somebody of each role."""
    for role in (Role.READER, Role.AGENT, Role.ADMIN):
        now = house.clock.now()
        await People(house.database).add_staff(_NAMES[role], password_hash, role, at=now, by="test")
    return house


@asynccontextmanager
async def signed_in(house: House, name: str) -> AsyncIterator[Browser]:
    """Somebody at the desk, who has looked at a page and so holds the token of its forms."""
    async with browsing(house.url) as browser:
        await browser.sign_in(name)
        await browser.get("/inbox")
        yield browser


def routes(app: web.Application) -> Iterator[tuple[str, str, str]]:
    """Method, path as declared, and a path to ask for whose ids are nobody's."""
    for resource in app.router.resources():
        if resource.canonical.startswith("/static"):
            continue
        names = {"name": "nobody", "token": "nobodys-token", "kind": "posts", "key": "volume"}
        asked = {name: names.get(name, _NOBODYS) for name in re.findall(r"{(\w+)}", resource.canonical)}
        for route in resource:
            if route.method != "HEAD":
                yield route.method, resource.canonical, str(resource.url_for(**asked))


async def ask(browser: Browser, method: str, path: str, **options: object) -> int:
    """Return the status, without following or reading: a live page never ends."""
    async with browser.http.request(
        method,
        f"{browser.url}{path}",
        allow_redirects=False,
        **options,  # type: ignore[arg-type]
    ) as response:
        return response.status


async def lines_of(house: House) -> int:
    """How many lines the audit has."""
    async with house.database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(t.audit))).scalar_one()


def test_every_route_says_which_right_it_asks_for_or_is_a_known_way_in(house: House) -> None:
    doors = {(method, path) for method, path, _ in DOORS}
    declared = {(page.method, page.path) for page in PAGES}
    assert len(declared) == len(PAGES)
    for method, path, _ in routes(house.app):
        is_open = path in HEALTH_PATHS or path in PUBLIC or path.startswith(BY_LINK)
        assert ((method, path) in house.app[RIGHTS]) is not is_open, (method, path)
    # Whatever asks no session is listed, and the list holds nothing else.
    assert {urlsplit(path).path for _, path in doors if not path.startswith(BY_LINK)} == PUBLIC - set(HEALTH_PATHS)


async def test_nobody_gets_past_the_door_on_any_route(house: House, visitor: Browser) -> None:
    before = await lines_of(house)
    for method, path, asked in routes(house.app):
        if path in PUBLIC or path.startswith(BY_LINK):
            continue
        async with visitor.http.request(method, f"{house.url}{asked}", allow_redirects=False) as response:
            where = response.headers.get("Location", "")
            assert response.status == 401 or (response.status == 303 and where.startswith("/sign-in")), (method, path)
            assert "csrf" not in await response.text()
    assert await lines_of(house) == before


@pytest.mark.parametrize("role", Role)
async def test_each_role_reaches_what_is_its_own_and_nothing_else(staffed: House, role: Role) -> None:
    rights = staffed.app[RIGHTS]
    async with signed_in(staffed, _NAMES[role]) as browser:
        token = browser.csrf
        for method, path, asked in routes(staffed.app):
            right = rights.get((method, path))
            if right is None or path == "/sign-out":
                continue
            is_theirs, before = may(role, right), await lines_of(staffed)
            status = await ask(browser, method, asked, data={"csrf": token} if method == "POST" else None)
            said = f"{role} {method} {path}: {status}"
            # Ids that are nobody's, and forms with nothing in them: a calm no, and nothing is written.
            assert (status != 403) if is_theirs else (status == 403), said
            assert status < 500, said
            assert method == "POST" or not is_theirs or status in (200, 302, 303, 400, 404), said
            assert await lines_of(staffed) == before, said


async def test_no_form_is_believed_without_its_token_or_from_another_site(staffed: House) -> None:
    forged: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"csrf": ""}, {}),
        ({"csrf": "x" * 43}, {}),
        ({"csrf": "æ\udcff".encode("utf-8", "surrogateescape").decode("latin-1")}, {}),
        ({"csrf": "right"}, {"Origin": "https://evil.example"}),
        ({"csrf": "right"}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": "right"}, {"Sec-Fetch-Site": "same-site"}),
    ]
    async with signed_in(staffed, "Ida") as ida, signed_in(staffed, "Mette") as mette:
        # One that is somebody else's is no better than one that is nobody's.
        forged.append(({"csrf": mette.csrf}, {}))
        right, before = ida.csrf, await lines_of(staffed)
        for method, path, asked in routes(staffed.app):
            if method != "POST" or (path in PUBLIC or path.startswith(BY_LINK)):
                continue
            for fields, headers in forged:
                data = {key: right if value == "right" else value for key, value in fields.items()}
                assert await ask(ida, "POST", asked, data=data, headers=headers) == 403, (path, fields, headers)
        assert await lines_of(staffed) == before
        assert (await ida.get("/inbox")).url.path == "/inbox"


async def test_the_doors_forms_too_come_from_our_own_page(staffed: House, visitor: Browser) -> None:
    for method, path, asked in routes(staffed.app):
        if method == "POST" and (path in PUBLIC or path.startswith(BY_LINK)):
            for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
                assert await ask(visitor, "POST", asked, headers=headers) == 403, path


async def test_a_session_of_somebody_else_is_not_there_to_be_ended(staffed: House) -> None:
    async with signed_in(staffed, "Ida") as ida, signed_in(staffed, "Mette") as mette:
        sessions, people = Sessions(staffed.database), People(staffed.database)
        owner = await people.staff_named("Ida")
        assert owner is not None
        [hers] = await sessions.of(owner.id, at=staffed.clock.now())
        for name in (hers.label, hers.token_hash):
            await mette.get("/me")
            await mette.post("/me/sessions", session=name)
            assert "Nothing to change" in mette.page
        assert (await ida.get("/me")).url.path == "/me"


async def test_an_administrator_makes_no_link_to_a_password_of_their_own(staffed: House) -> None:
    ida = await staffed.people.staff_named("Ida")
    assert ida is not None
    async with signed_in(staffed, "Ida") as thief:
        # Whoever stole a session would choose a password by it, and lock the owner out.
        assert (await thief.post(f"/people/{ida.id}/link")).status == 409
        assert "/join/" not in thief.page


async def test_what_is_a_colleagues_stays_theirs(staffed: House) -> None:
    conversation = await staffed.seed.say()
    reply = await staffed.seed.reply_of(conversation)
    nora = await staffed.people.staff_named("Nora")
    assert nora is not None
    async with signed_in(staffed, "Nora") as hers, signed_in(staffed, "Lars") as lars:
        await hers.post("/filters", name="Mine", query="?mood=negative")
        [saved] = await SavedFilters(staffed.database).of(nora.id)
        await hers.get(f"/conversations/{conversation}")
        await hers.post(f"/conversations/{conversation}/move", move="take over", version=hers.hidden("version"))
        token = hers.hidden("token")
        before = await _rows(staffed)
        path, version = f"/conversations/{conversation}", hers.hidden("version", "/move")
        writing = {"text": "Ikke mine ord", "seen": f"{reply.post_id}.0", "post": reply.post_id, "anyway": "yes"}
        tries: list[tuple[str, dict[str, Any]]] = [
            *((f"{path}/move", {"move": move, "version": version}) for move in Move),
            (f"{path}/snooze", {"until": "tomorrow", "version": version}),
            (f"{path}/assign", {"to": "Lars", "version": version}),
            (f"{path}/skip", {"because": "skill"}),
            (f"{path}/answer", writing),
            (f"{path}/suggest", writing),
            (f"/replies/{reply.id}/approve", {**writing, "version": reply.version}),
            (f"/replies/{reply.id}/revise", {**writing, "version": reply.version}),
            (f"/replies/{reply.id}/reject", {"version": reply.version, "because": "no answer"}),
            *((f"/replies/{reply.id}/{what}", {"version": reply.version}) for what in ("drop", "redraft")),
            *(("/inbox/bulk", {"move": move, "pick": f"{conversation}:{version}"}) for move in (*Move, "snooze")),
            ("/inbox/undo", {"token": token}),
            (f"/filters/{saved.id}/delete", {}),
            (f"/staff/{nora.id}/skills", {"languages": "da"}),
        ]
        for where, fields in tries:
            await lars.get("/inbox")
            # Refused for whose it is, not because the form was none.
            assert (await lars.post(where, **fields)).status in (200, 403, 409), where
            assert await _rows(staffed) == before, where


async def _rows(house: House) -> dict[str, list[object]]:
    """What people at the desk can change, row by row."""
    names = ("conversations", "replies", "staff_skills", "saved_filters", "skips", "audit")
    async with house.database.read() as connection:
        return {name: [*(await connection.execute(select(t.metadata.tables[name])))] for name in names}


async def test_who_may_only_read_holds_nobody_up_by_typing(staffed: House) -> None:
    conversation = await staffed.seed.say()
    async with signed_in(staffed, "Rita") as rita:
        assert (await rita.post(f"/conversations/{conversation}/looking", does="typing")).status == 204
    here = await staffed.app[DESK].lookers.at(conversation, at=staffed.clock.now())
    assert [(one.name, one.is_typing) for one in here] == [("Rita", False)]


async def test_the_doors_forms_carry_a_token_of_their_own(staffed: House, visitor: Browser) -> None:
    async with signed_in(staffed, "Ida") as ida:
        await ida.post("/people", name="Nils", role="agent")
        [link] = re.findall(r"/join/[A-Za-z0-9_-]{20,}", ida.page)
    await visitor.get(link)
    for forged in ("", "x" * 43):
        fields = {"password": "en lang ny sætning", "again": "en lang ny sætning"}
        assert (await visitor.post(link, csrf=forged, **fields)).status == 403
    assert (await visitor.get(link)).status == 200, "used up by nobody"
    lars = await staffed.people.staff_named("Lars")
    assert lars is not None
    factors, secret = staffed.app[DESK].factors, new_secret()
    await factors.propose(lars.id, secret)
    assert await factors.confirm(lars, secret, 1, ["x" * 64], at=staffed.clock.now(), keep="")
    assert (await visitor.sign_in("Lars")).url.path == "/sign-in/code"
    code = pyotp.TOTP(secret).at(staffed.clock.now())
    for forged in ("", "x" * 43):
        assert (await visitor.post("/sign-in/code", csrf=forged, code=code)).status == 403
    assert (await visitor.get("/inbox")).url.path == "/sign-in"


async def test_a_seal_that_is_no_text_of_ours_is_a_calm_no(mette: Browser) -> None:
    await mette.get("/rules")
    for forged in ("", "x", "æøå", "١٢"):
        assert (await mette.post("/rules/live", text="rules = []", follows="0", tried=forged)).status == 409
        await mette.get("/rules")


async def test_a_token_planted_before_the_sign_in_opens_nothing_after_it(house: House, visitor: Browser) -> None:
    planted = {SESSION_COOKIE: "planted", HALF_COOKIE: "planted", KNOWN_COOKIE: "planted"}
    visitor.http.cookie_jar.update_cookies(planted, URL(house.url))
    await visitor.sign_in("Lars")
    now = visitor.http.cookie_jar.filter_cookies(URL(house.url))
    assert now[SESSION_COOKIE].value != "planted"
    assert now[KNOWN_COOKIE].value != "planted"
    async with browsing(house.url) as attacker:
        attacker.http.cookie_jar.update_cookies({SESSION_COOKIE: "planted"}, URL(house.url))
        assert (await attacker.get("/inbox")).url.path == "/sign-in"
    # Signing in again on top of a session ends that one: its cookie is worth nothing any more.
    old = now[SESSION_COOKIE].value
    await visitor.sign_in("Nora")
    async with browsing(house.url) as attacker:
        attacker.http.cookie_jar.update_cookies({SESSION_COOKIE: old}, URL(house.url))
        assert (await attacker.get("/inbox")).url.path == "/sign-in"


@pytest.mark.parametrize(
    "where",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/%0a/evil.example\n",
        "javascript:alert(1)",
        "evil.example",
        "@evil.example",
        "///evil.example",
    ],
)
async def test_no_address_in_a_form_or_a_link_leads_elsewhere(house: House, visitor: Browser, where: str) -> None:
    async def stays(path: str, **fields: str) -> None:
        data = {"csrf": visitor.csrf, **fields}
        async with visitor.http.post(f"{house.url}{path}", data=data, allow_redirects=False) as response:
            goes = response.headers.get("Location", "/")
        assert URL(house.url).join(URL(goes, encoded=True)).host == "127.0.0.1", (path, goes)
        assert not goes.startswith(("//", "/\\")), goes

    await visitor.get("/sign-in", params={"next": where})
    assert visitor.hidden("next") in ("/", where) if where.startswith("/%") else visitor.hidden("next") == "/"
    await stays("/sign-in", name="Mette", password=PASSWORD, next=where)
    await visitor.get("/inbox")
    await stays("/language", language="en", back=where)
    await visitor.get("/inbox")
    await stays("/house", to="paused", back=where)


async def test_what_one_process_counted_the_other_knows_and_a_restart_forgives_nothing(
    house: House, bell: Bell, clock: ManualClock, tmp_path: Path
) -> None:
    async def readiness() -> dict[str, str]:
        return {}

    async def wrong(url: str) -> int:
        async with browsing(url) as stranger:
            return (await stranger.sign_in("Lars", "not the password")).status

    for _ in range(3):
        assert await wrong(house.url) == 401
    second = await open_database(f"sqlite:///{tmp_path / 'genlyd.db'}")
    app = build_app(database=second, bell=bell, clock=clock, config=CONFIG, readiness=readiness)
    async with serving(app) as url:
        assert [await wrong(url) for _ in range(3)] == [401, 401, 429]
        assert await wrong(house.url) == 429
    await second.close()


async def test_strangers_cannot_keep_a_colleague_out(house: House, clock: ManualClock) -> None:
    proxied = replace(CONFIG, dashboard=DashboardConfig(secure_cookies=False, proxies=("127.0.0.1",)))
    desk = house.app
    app = build_app(database=house.database, bell=_bell_of(desk), clock=clock, config=proxied, readiness=_ready)
    async with serving(app) as url, browsing(url) as lars:
        await lars.sign_in("Lars")
        await lars.get("/inbox")
        await lars.post("/sign-out")
        statuses = []
        for number in range(60):
            async with browsing(url) as stranger:
                stranger.http.headers["X-Forwarded-For"] = f"1.2.3.4, 203.0.113.{number}"
                statuses.append((await stranger.sign_in("Lars", "not the password")).status)
        # From many addresses the name itself is slowed: twenty tries, then one at a time.
        assert statuses.count(401) == 20
        assert set(statuses[20:]) == {429}
        # Lars, where he has signed in before, is let in at once.
        assert (await lars.sign_in("Lars")).url.path == "/inbox"
        # On a new browser he waits, a minute at most, however many knock.
        async with browsing(url) as elsewhere:
            response = await elsewhere.sign_in("Lars")
            assert response.status == 429
            assert int(response.headers["Retry-After"]) <= 60
            await clock.advance(61)
            assert (await elsewhere.sign_in("Lars")).url.path == "/inbox"


async def test_one_address_is_slowed_whatever_names_it_tries(house: House) -> None:
    tries, now = Tries(house.database), house.clock.now()

    async def tried(address: str, number: int) -> bool:
        return await tries.take(by_stranger(f"name {number}", address), at=now) == timedelta(0)

    assert [await tried("203.0.113.7", number) for number in range(34)] == [True] * 30 + [False] * 4
    # Of the sixth version a household has 2^64, and is one place all the same.
    assert [await tried(f"2001:db8::{number:x}", number) for number in range(34)] == [True] * 30 + [False] * 4
    assert await tried("2001:db8:0:1::1", 99)


async def test_a_proxy_nobody_named_is_not_believed(house: House, lars: Browser) -> None:
    async with browsing(house.url) as stranger:
        statuses = []
        for number in range(6):
            stranger.http.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            statuses.append((await stranger.sign_in("Nora", "not the password")).status)
    assert statuses == [401] * 5 + [429]


@pytest.mark.parametrize("how", ["role", "deactivated", "password", "ended"])
async def test_what_ends_a_session_ends_its_live_page_too(house: House, lars: Browser, how: str) -> None:
    people, sessions, now = People(house.database), Sessions(house.database), house.clock.now()
    staff = await people.staff_named("Lars")
    assert staff is not None
    assert isinstance(house.clock, ManualClock)
    async with lars.http.get(f"{house.url}/live") as response:
        assert response.status == 200
        await response.content.readuntil(b"\n\n")
        match how:
            case "role":
                assert await people.set_role(staff.id, Role.READER, by="Ida", at=now)
            case "deactivated":
                assert await people.set_active(staff.id, False, by="Ida", at=now)
            case "password":
                assert await people.set_password("Lars", "hash", by="Ida", at=now)
            case _:
                assert await sessions.close_all(staff, by="Ida", at=now) == 1
        house.clock.step(10)
        await house.seed.say()
        await house.bell.announce()
        async with asyncio.timeout(30):
            while await response.content.read(1000):
                house.clock.step(10)
                await house.bell.announce()
    assert (await lars.get("/inbox")).url.path == "/sign-in"


@pytest.mark.parametrize("asks", ["looking", "/conversations/1", "/held", "/lookers", "/inbox/cards", "/inbox/fresh"])
async def test_an_open_tab_that_fetches_by_itself_does_not_keep_a_session_awake(
    house: House, lars: Browser, clock: ManualClock, asks: str
) -> None:
    await house.seed.say()
    await lars.get("/conversations/1")
    token, statuses = lars.csrf, []
    for _ in range(3):
        await clock.advance(50 * 60)
        if asks == "looking":
            statuses.append(
                await ask(lars, "POST", "/conversations/1/looking", data={"csrf": token, "does": "looking"})
            )
        else:
            statuses.append(await ask(lars, "GET", asks, headers={"X-Genlyd-By": "itself"}))
    assert statuses[0] in (200, 204)
    assert statuses[-1] in (303, 401)


async def test_somebody_who_types_or_opens_a_conversation_stays_signed_in(
    house: House, lars: Browser, clock: ManualClock
) -> None:
    await house.seed.say()
    await lars.get("/conversations/1")
    token = lars.csrf
    for _ in range(3):
        await clock.advance(100 * 60)
        assert await ask(lars, "POST", "/conversations/1/looking", data={"csrf": token, "does": "typing"}) == 204
        await clock.advance(100 * 60)
        assert await ask(lars, "GET", "/conversations/1") == 200


async def test_to_say_that_nobody_asked_gives_no_right(house: House, visitor: Browser, staffed: House) -> None:
    assert await ask(visitor, "GET", "/inbox", headers={"X-Genlyd-By": "itself"}) == 303
    async with signed_in(staffed, "Rita") as rita:
        assert await ask(rita, "GET", "/people", headers={"X-Genlyd-By": "itself"}) == 403
        data = {"csrf": "forged"}
        assert await ask(rita, "POST", "/filters", headers={"X-Genlyd-By": "itself"}, data=data) == 403


async def test_every_answer_carries_the_headers_whatever_it_is(staffed: House) -> None:
    async with signed_in(staffed, "Ida") as ida:
        asked = [("GET", path) for method, _, path in routes(staffed.app) if method == "GET"]
        asked += [("GET", "/nowhere"), ("PUT", "/inbox"), ("POST", "/house"), ("GET", "/static/nothing.css")]
        asked += [("GET", "/static/app.css"), ("HEAD", "/inbox"), ("GET", "/conversations/æ"), ("GET", "/static/")]
        asked += [("POST", path) for path in ("/sign-in", "/inbox", "/static/app.css", "/alert/nobodys", "/people")]
        asked += [("OPTIONS", "/inbox"), ("TRACE", "/inbox"), ("GET", "/static/%2e%2e/server.py")]
        for method, path in asked:
            async with ida.http.request(method, f"{staffed.url}{path}", allow_redirects=False) as response:
                headers = response.headers
            assert "default-src 'none'" in headers["Content-Security-Policy"], path
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "camera=()" in headers["Permissions-Policy"]
            assert headers["Cache-Control"] == "no-store", path
            assert "Server" not in headers, path
            # Only over https: on plain http a browser must not be told to come back by https.
            assert "Strict-Transport-Security" not in headers


async def test_over_https_cookies_are_bound_to_the_host_and_browsers_told_to_stay(
    house: House, clock: ManualClock
) -> None:
    config = replace(CONFIG, dashboard=DashboardConfig(public_url="https://desk.hav.dk", secure_cookies=True))
    app = build_app(database=house.database, bell=_bell_of(house.app), clock=clock, config=config, readiness=_ready)
    async with serving(app) as url, aiohttp.ClientSession() as http, http.get(f"{url}/sign-in") as response:
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
        [cookie] = response.cookies.values()
        assert cookie.key.startswith("__Host-")
        assert cookie["secure"]
        assert cookie["path"] == "/"
        assert not cookie["domain"]


async def test_a_right_that_nobody_named_is_nobodys(house: House, mette: Browser) -> None:
    rights = house.app[RIGHTS]
    taken = rights.pop(("GET", "/sources"))
    assert taken is Right.READ
    assert (await mette.get("/sources")).status == 403
    assert "Nobody may do this." in mette.page
    rights["GET", "/sources"] = taken


async def test_a_known_browser_is_forgotten_after_half_a_year(house: House, lars: Browser) -> None:
    staff = await People(house.database).staff_named("Lars")
    assert staff is not None
    sessions = Sessions(house.database)
    async with house.database.read() as connection:
        [browser] = (await connection.execute(select(t.known_browsers.c.token_hash))).scalars()
    now = house.clock.now()
    assert await sessions.knows_browser(staff.id, browser, at=now + timedelta(days=179))
    assert not await sessions.knows_browser(staff.id, browser, at=now + timedelta(days=181))


async def _ready() -> dict[str, str]:
    return {}


def _bell_of(app: web.Application) -> Bell:
    return app[DESK].bell
