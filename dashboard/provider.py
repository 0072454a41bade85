"""Signing in through a provider: the way out, and the way back.

Owns both, and what binds them to one browser. Refuses to check what the provider says: `platforms.oidc` does.
"""

import base64
import hashlib
import hmac
import logging
from datetime import timedelta

from aiohttp import web

from core.errors import NeedsOperator, Rejected, TryLater
from dashboard.cookies import ERRAND_COOKIE, as_bytes, cookie, drop_cookie, new_token, set_cookie
from dashboard.desk import Desk, desk_of
from dashboard.i18n import _
from dashboard.marks import local_path
from dashboard.opening import open_session
from dashboard.pages import refuse
from dashboard.signin import door
from platforms.oidc import Errand, Identity, Provider
from store.arrivals import Arrival, NotInvited
from store.people import Staff
from store.sessions import Stage

log = logging.getLogger(__name__)

_ERRAND_LASTS = timedelta(minutes=15)


async def way_out(request: web.Request) -> web.StreamResponse:
    """GET /sign-in/provider: send the browser to the provider."""
    desk, provider = desk_of(request), _provider(request)
    key, path = new_token(), local_path(request.query.get("next"))
    try:
        address = await provider.way_out(_errand(desk, key))
    except (TryLater, NeedsOperator) as err:
        return await _sorry(request, err)
    response = web.Response(status=303, headers={"Location": address})
    set_cookie(request, response, ERRAND_COOKIE, f"{key}.{_packed(path)}", _ERRAND_LASTS)
    return response


async def way_back(request: web.Request) -> web.StreamResponse:
    """GET /sign-in/provider/back: the provider says who it is. Only the browser that went out is believed, once."""
    desk, provider = desk_of(request), _provider(request)
    key, _dot, packed = cookie(request, ERRAND_COOKIE).partition(".")
    errand = _errand(desk, key)
    if not key or not hmac.compare_digest(as_bytes(request.query.get("state", "")), as_bytes(errand.state)):
        return await door(
            request, problem=_("This sign-in was not begun here, or too long ago. Try again."), status=403
        )
    try:
        staff = await _receive(desk, await provider.identify(errand, request.query))
    except (TryLater, NeedsOperator) as err:
        return await _sorry(request, err)
    except Rejected as err:
        log.warning("a sign-in through the provider was refused", extra={"reason": err.reason})
        return await door(request, problem=_("The provider did not let you in. Try again."), status=403)
    except NotInvited:
        log.warning("somebody whom nobody invited came through the provider")
        problem = _("The provider knows you, but nobody has invited you here. Ask an administrator.")
        return await door(request, problem=problem, status=403)
    response = await open_session(request, staff, Stage.OPEN, how="provider")
    drop_cookie(request, response, ERRAND_COOKIE)
    response.headers["Location"] = local_path(_unpacked(packed))
    return response


async def _receive(desk: Desk, who: Identity) -> Staff:
    oidc = desk.config.oidc
    role = oidc.role_of(who.words) if oidc is not None else None
    if oidc is not None and oidc.roles and role is None:
        raise NotInvited("the provider gives this person none of our roles")
    arrival = Arrival(subject=who.subject, name=who.name, email=who.email, role=role)
    return await desk.arrivals.receive(arrival, at=desk.clock.now())


async def _sorry(request: web.Request, err: TryLater | NeedsOperator) -> web.Response:
    if isinstance(err, NeedsOperator):
        log.error("nobody can sign in through the provider", extra={"error": str(err), "cure": err.cure})
        problem = _("Signing in through the provider does not work. Whoever runs Genlyd: “genlyd doctor” says why.")
    else:
        log.warning("the sign-in provider did not answer", extra={"error": str(err)})
        problem = _("The provider does not answer. Try again in a moment.")
    return await door(request, problem=problem, status=503)


def _provider(request: web.Request) -> Provider:
    provider = desk_of(request).provider
    if provider is None:
        raise refuse(404, _("Nothing here"), _("Nobody signs in through a provider here."))
    return provider


def _errand(desk: Desk, key: str) -> Errand:
    """All three are made from one secret that only this browser has, so nothing needs to be stored."""
    state, nonce, verifier = (_made(key, purpose) for purpose in ("state", "nonce", "verifier"))
    return Errand(
        state=state, nonce=nonce, verifier=verifier, back=f"{desk.config.dashboard.url}/sign-in/provider/back"
    )


def _made(key: str, purpose: str) -> str:
    made = hmac.new(as_bytes(key), purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _packed(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode().rstrip("=")[:1_000]


def _unpacked(packed: str) -> str:
    try:
        return base64.urlsafe_b64decode(f"{packed}===").decode()
    except ValueError:
        return ""
