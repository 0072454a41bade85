"""Owns who may call the emulated X: credentials, OAuth 1.0a signatures, rate windows, and how refusals look.

By default any non-empty credential is good unless it says of itself that it is wrong, bad, invalid, revoked or expired.
Refuses to own what an allowed call does.
"""

import base64
import hashlib
import hmac
import math
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from aiohttp import web

from emulators import faults
from emulators.faults import Fault, FaultPlan, Handler
from emulators.limits import Limits, Window
from emulators.x_shapes import PROBLEMS, problem

REAL_HOST = "https://api.twitter.com"
TELLTALE = re.compile(r"wrong|bad|invalid|revoked|expired", re.IGNORECASE)
WINDOW_SECONDS = 15 * 60
# per user or per app, whichever our client would meet first; docs.x.com rate limits, read 2026-11
LIMITS = {
    "me": 75, "user": 300, "mentions": 300, "search": 300, "tweets": 3500, "tweet": 450,
    "user_tweets": 900, "create": 100, "delete": 50, "rules": 450, "rules_change": 100, "stream": 50,
}  # fmt: skip
ENDPOINTS = tuple(LIMITS)
WINDOW = web.RequestKey("window", Window)
NEEDS_USER = ("me", "create", "delete")
NEEDS_APP = ("rules", "rules_change", "stream")


def is_good(credential: str) -> bool:
    return bool(credential) and not TELLTALE.search(credential)


def refuse(status: int, title: str, detail: str, kind: str = "about:blank", **extra: Any) -> web.Response:
    body = problem(status, title, detail, kind, **extra)
    return web.json_response(body, status=status, content_type="application/problem+json")


class XVoice:
    """How X says that something went wrong."""

    def error(self, status: int) -> web.Response:
        title = web.Response(status=status).reason
        return refuse(status, title or "Error", title or "Error")

    def rate_limited(self, seconds: float | None) -> web.Response:
        response = refuse(429, "Too Many Requests", "Too Many Requests")
        if seconds is not None:
            reset = math.ceil(time.time() + seconds)
            tell(response, Window(limit=300, used=301, resets_at=reset))
        return response

    def api_error(self, fault: Fault) -> web.Response:
        return self.error(fault.status)

    def empty(self) -> web.Response:
        """A list that leaves out what there is."""
        return web.json_response({"meta": {"result_count": 0}})


def tell(response: web.StreamResponse, window: Window) -> None:
    response.headers["x-rate-limit-limit"] = str(window.limit)
    response.headers["x-rate-limit-remaining"] = str(window.remaining)
    response.headers["x-rate-limit-reset"] = str(window.resets_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Known secrets make signatures checked; without them any signature passes."""

    consumer: str | None = None
    access: str | None = None


class Gate:
    """Stands before every /2/ handler: fault, credential, window, handler."""

    def __init__(self, *, plan: FaultPlan, limits: Limits, secrets: Secrets) -> None:
        self._plan, self._limits, self._secrets = plan, limits, secrets

    def guard(self, endpoint: str, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            return await self._meter(request, endpoint, handler)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await faults.answer(request, guarded, endpoint=endpoint, plan=self._plan, voice=XVoice())

        return answer

    async def _meter(self, request: web.Request, endpoint: str, handler: Handler) -> web.StreamResponse:
        refusal = self._check(request, endpoint)
        if refusal is not None:
            return refusal
        window = self._limits.spend(endpoint)
        # the stream sends its headers itself, before it starts
        request[WINDOW] = window
        if window.is_exceeded:
            response: web.StreamResponse = refuse(429, "Too Many Requests", "Too Many Requests")
        else:
            response = await handler(request)
        if not response.prepared:
            tell(response, window)
        return response

    def _check(self, request: web.Request, endpoint: str) -> web.Response | None:
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and is_good(rest.strip()):
            # an OAuth 2.0 user token is a Bearer too; here its text tells: it contains "user"
            can_act = endpoint not in NEEDS_USER or "user" in rest.lower()
            return None if can_act else _unsupported("Application-Only")
        if scheme == "OAuth" and self._is_signed(request, rest):
            return _unsupported("OAuth 1.0a User Context") if endpoint in NEEDS_APP else None
        return refuse(401, "Unauthorized", "Unauthorized")

    def _is_signed(self, request: web.Request, header: str) -> bool:
        oauth = {k: unquote(v) for k, v in re.findall(r'(\w+)="([^"]*)"', header)}
        wanted = ("oauth_consumer_key", "oauth_token", "oauth_signature")
        if not all(is_good(oauth.get(name, "")) for name in wanted[:2]) or not oauth.get(wanted[2]):
            return False
        if self._secrets.consumer is None or self._secrets.access is None:
            return True
        expected = _signature(request, oauth, self._secrets.consumer, self._secrets.access)
        return hmac.compare_digest(expected, oauth["oauth_signature"])


def _unsupported(used: str) -> web.Response:
    detail = f"Authenticating with {used} is forbidden for this endpoint."
    return refuse(403, "Unsupported Authentication", detail, f"{PROBLEMS}/unsupported-authentication")


def _signature(request: web.Request, oauth: dict[str, str], consumer: str, access: str) -> str:
    """RFC 5849, 3.4. The client signed for the real host, wherever its request was led."""
    pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
    pairs += [(k, v) for k, v in oauth.items() if k != "oauth_signature"]
    joined = "&".join(f"{k}={v}" for k, v in sorted((_escape(k), _escape(v)) for k, v in pairs))
    base = "&".join((request.method, _escape(REAL_HOST + request.rel_url.raw_path), _escape(joined)))
    key = f"{_escape(consumer)}&{_escape(access)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _escape(text: str) -> str:
    return quote(text, safe="~")
