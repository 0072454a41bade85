"""Sign-in through an OpenID Connect provider: where to send people, and whom it says came back.

Owns the calls (discovery, token, keys, user info) and every check of what comes back. Refuses to know sessions, staff.
Source: OpenID Connect Core 1.0, sections 3.1.2 to 3.1.3 and 5.3; RFC 7636 (PKCE); RFC 9207 (iss), read 2026-11.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.clock import Clock
from core.config import OidcConfig
from core.errors import NeedsOperator, PlatformError, Rejected, TryLater
from platforms.http import NETWORK_ERRORS, api_timeout, make_session

# Signatures with a key pair only: a token signed with our own secret, or not at all, is nobody's word.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_SKEW_SECONDS = 60
_CALL_SECONDS = 10.0
_KEPT = timedelta(minutes=10)
# Of a discovery document or a set of keys; nobody's is larger.
_MOST_BYTES = 1_000_000
_WHO = "sign-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person as the provider names them. `email` only where it says that it has checked it."""

    subject: str
    name: str
    email: str | None
    words: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What binds a way out and a way back to one browser, once."""

    state: str
    nonce: str
    verifier: str
    back: str


class Provider:
    """One provider. Its document and keys are asked for when needed, and kept for ten minutes."""

    def __init__(self, config: OidcConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._document: tuple[datetime, Mapping[str, Any]] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    async def way_out(self, errand: Errand) -> str:
        """Return the address to send a browser to. Raises: TryLater, NeedsOperator."""
        document = await self._discover()
        asked = {
            "client_id": self._config.client_id,
            "response_type": "code",
            "scope": "openid email profile",
            "redirect_uri": errand.back,
            "state": errand.state,
            "nonce": errand.nonce,
            "code_challenge": _challenge(errand.verifier),
            "code_challenge_method": "S256",
        }
        address = str(document["authorization_endpoint"])
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"

    async def identify(self, errand: Errand, answer: Mapping[str, str]) -> Identity:
        """Return who came back with `answer`, the query of the way back.

        Raises: Rejected where it is not to be believed, or the person was refused; TryLater; NeedsOperator.
        """
        document = await self._discover()
        says_who = document.get("authorization_response_iss_parameter_supported") is True
        if (says_who or "iss" in answer) and answer.get("iss") != self._issuer(document):
            raise _refused("the answer came from another provider")
        if "code" not in answer:
            raise _refused(f"the provider said no: {answer.get('error', 'without a reason')[:100]}")
        tokens = await self._exchange(document, errand, answer["code"])
        claims = await self._believe(document, str(tokens.get("id_token", "")), errand.nonce)
        return self._identity(document, await self._complete(document, claims, tokens))

    async def examine(self) -> str:
        """Ask for its document and keys; return its issuer. Raises: TryLater, NeedsOperator."""
        document = await self._discover()
        await self._key_set(document, is_fresh=True)
        return self._issuer(document)

    def _issuer(self, document: Mapping[str, Any]) -> str:
        return str(document["issuer"])

    async def _discover(self) -> Mapping[str, Any]:
        now = self._clock.now()
        if self._document is not None and now - self._document[0] < _KEPT:
            return self._document[1]
        document = await self._call("GET", f"{self._config.issuer}/.well-known/openid-configuration")
        if str(document.get("issuer", "")).rstrip("/") != self._config.issuer:
            said = str(document.get("issuer", ""))[:200]
            raise _misconfigured(f"it calls itself {said!r}", "Write that into [oidc] issuer, if it is your provider.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            self._check_address(name, document.get(name))
        self._document = (now, document)
        return document

    def _check_address(self, name: str, value: object) -> None:
        """Each address is as well protected as the issuer's own: https, or loopback where that is loopback."""
        parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
        ours = urlsplit(self._config.issuer)
        if not (parts.scheme == "https" or (parts.scheme, parts.hostname) == (ours.scheme, ours.hostname)):
            raise _misconfigured(f"its document has no safe {name}", "Check [oidc] issuer; an issuer is https://...")

    async def _exchange(self, document: Mapping[str, Any], errand: Errand, code: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": errand.back,
            "code_verifier": errand.verifier,
        }
        secret, headers = self._config.client_secret.reveal(), {}
        if "client_secret_basic" in document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            pair = f"{quote(self._config.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._config.client_id, "client_secret": secret}
        return await self._call("POST", str(document["token_endpoint"]), form=form, headers=headers)

    async def _believe(self, document: Mapping[str, Any], token: str, nonce: str) -> Mapping[str, Any]:
        try:
            try:
                read = jwt.decode(token, await self._key_set(document), algorithms=_ALGORITHMS)
            except JoseError:
                # It may be signed with a key that is newer than ours.
                read = jwt.decode(token, await self._key_set(document, is_fresh=True), algorithms=_ALGORITHMS)
            self._check(document, read.claims, nonce)
        except (JoseError, ValueError, TypeError) as err:
            raise _refused(f"its token is not to be believed ({type(err).__name__}: {str(err)[:200]})") from err
        return read.claims

    def _check(self, document: Mapping[str, Any], claims: dict[str, Any], nonce: str) -> None:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=_SKEW_SECONDS,
            iss={"essential": True, "value": self._issuer(document)},
            aud={"essential": True, "value": self._config.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        registry.validate(claims)
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._config.client_id) != self._config.client_id:
            raise ValueError("it was made for another client")

    async def _key_set(self, document: Mapping[str, Any], *, is_fresh: bool = False) -> KeySet:
        now = self._clock.now()
        if self._keys is not None and not is_fresh and now - self._keys[0] < _KEPT:
            return self._keys[1]
        found: Any = await self._call("GET", str(document["jwks_uri"]))
        try:
            keys = KeySet.import_key_set(found)
        except (JoseError, KeyError, TypeError, ValueError) as err:
            raise _misconfigured("its keys cannot be read", "Ask who runs the provider.") from err
        self._keys = (now, keys)
        return keys

    async def _complete(
        self, document: Mapping[str, Any], claims: Mapping[str, Any], tokens: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Many providers say only `sub` in the token, and the rest where the access token is shown."""
        address, access = document.get("userinfo_endpoint"), tokens.get("access_token")
        if not address or not isinstance(access, str):
            return claims
        self._check_address("userinfo_endpoint", address)
        more = await self._call("GET", str(address), headers={"Authorization": f"Bearer {access}"})
        if more.get("sub") != claims["sub"]:
            raise _refused("it told of another person than the token")
        return {**more, **claims}

    def _identity(self, document: Mapping[str, Any], claims: Mapping[str, Any]) -> Identity:
        email = claims.get("email")
        is_checked = claims.get("email_verified") is True and isinstance(email, str)
        said = claims.get(self._config.role_claim) if self._config.role_claim else None
        words = said if isinstance(said, list) else [said]
        name = next((str(claims[key]) for key in ("name", "preferred_username", "email") if claims.get(key)), "")
        return Identity(
            subject=f"{self._issuer(document)} {claims['sub']}"[:600],
            name=" ".join(name.split())[:100],
            email=str(email).casefold()[:254] if is_checked else None,
            words=frozenset(word for word in words if isinstance(word, str)),
        )

    async def _call(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """Ask and return the JSON object it answers. Redirects are not followed: they could lead anywhere."""
        try:
            async with (
                make_session(base_url=None, timeout=api_timeout(_CALL_SECONDS)) as session,
                session.request(method, address, data=form, headers=headers, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise await _status_error(response)
                if (response.content_length or 0) > _MOST_BYTES:
                    raise _refused("its answer is too long")
                answer = await response.json(content_type=None)
        except NETWORK_ERRORS as err:
            raise TryLater(_WHO, f"the sign-in provider could not be reached ({type(err).__name__})") from err
        except ValueError as err:
            raise _misconfigured("its answer is no JSON", "Check [oidc] issuer.") from err
        if not isinstance(answer, dict):
            raise _misconfigured("its answer is no JSON object", "Check [oidc] issuer.")
        return answer


async def _status_error(response: aiohttp.ClientResponse) -> PlatformError:
    if response.status >= 500 or response.status == 429:
        return TryLater(_WHO, f"the sign-in provider answered {response.status}")
    try:
        answer = await response.json(content_type=None)
        said = str(answer.get("error", ""))[:100] if isinstance(answer, dict) else ""
    except ValueError:
        said = ""
    if said == "invalid_client" or response.status == 401:
        return _misconfigured(f"it refused our name or secret ({said})", "Check [oidc] client_id and client_secret.")
    if said:
        return _refused(f"it said {said}")
    return _misconfigured(f"it answered {response.status}", "Check [oidc] issuer.")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _refused(why: str) -> Rejected:
    return Rejected(_WHO, f"the sign-in was refused: {why}", reason=why)


def _misconfigured(what: str, cure: str) -> NeedsOperator:
    return NeedsOperator(_WHO, f"the sign-in provider cannot be used: {what}", cure=cure)
