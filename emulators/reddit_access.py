"""Owns who may call the emulated Reddit: tokens, the one rate window, and how refusals look.

Any non-empty credential is good unless it says of itself that it is wrong, bad, invalid, revoked or expired. Refuses to
own what an allowed call does. Shapes: Reddit's OAuth2 wiki and recorded answers.
"""

import base64
import binascii
import math
import re
import secrets

from aiohttp import web

from emulators import faults
from emulators.faults import Fault, FaultPlan, Handler
from emulators.limits import Limits, Window
from emulators.reddit_shapes import listing
from emulators.world import Impossible, World

WINDOW_SECONDS, CALLS_A_WINDOW = 600, 1000
# the account a call speaks for; empty for an app without one
ACCOUNT = web.RequestKey("account", str)
TELLTALE = re.compile(r"wrong|bad|invalid|revoked|expired", re.IGNORECASE)
ENDPOINTS = (
    "token", "me", "comments", "new", "search", "mentions", "inbox", "unread", "read_message", "comment", "info",
    "thread", "user_comments", "user_about", "subreddit_about", "del",
)  # fmt: skip


def is_good(credential: str) -> bool:
    return bool(credential) and not TELLTALE.search(credential)


def refuse(status: int, message: str | None = None) -> web.Response:
    reason = message or web.Response(status=status).reason or "Error"
    return web.json_response({"message": reason, "error": status}, status=status)


def api_errors(*errors: tuple[str, str, str]) -> web.Response:
    """Reddit's way of refusing what was well asked: HTTP 200 with errors in it."""
    return web.json_response({"json": {"errors": [list(error) for error in errors]}})


class RedditVoice:
    """How Reddit says that something went wrong."""

    def error(self, status: int) -> web.Response:
        return refuse(status)

    def rate_limited(self, seconds: float | None) -> web.Response:
        response = refuse(429, "Too Many Requests")
        if seconds is not None:
            left = str(math.ceil(seconds))
            response.headers.update({"x-ratelimit-used": str(CALLS_A_WINDOW), "x-ratelimit-remaining": "0.0"})
            response.headers.update({"x-ratelimit-reset": left, "retry-after": left})
        return response

    def empty(self) -> web.Response:
        """A listing that leaves out what there is."""
        return web.json_response(listing([]))

    def api_error(self, fault: Fault) -> web.Response:
        if fault.code != "RATELIMIT":
            return api_errors((fault.code, "that did not work", ""))
        seconds = math.ceil(5 if fault.seconds is None else fault.seconds)
        wait = f"{seconds // 60} minutes" if seconds >= 60 else f"{seconds} seconds"
        words = f"Looks like you've been doing that a lot. Take a break for {wait} before trying again."
        return api_errors(("RATELIMIT", words, "ratelimit"))


class Gate:
    """Stands before every handler: fault, token, window, handler. Knows which account a token speaks for."""

    def __init__(self, world: World, *, plan: FaultPlan, limits: Limits) -> None:
        self._world, self._plan, self._limits = world, plan, limits
        self._accounts: dict[str, str] = {}

    def guard(self, endpoint: str, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            return await self._meter(request, handler)

        inner = handler if endpoint == "token" else guarded

        async def answer(request: web.Request) -> web.StreamResponse:
            return await faults.answer(request, inner, endpoint=endpoint, plan=self._plan, voice=RedditVoice())

        return answer

    async def _meter(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not is_good(token):
            return refuse(401, "Unauthorized")
        # a token from before a restart is still good, and speaks for the brand
        request[ACCOUNT] = self._accounts.get(token, self._world.handle)
        window = self._limits.spend("all")
        response = refuse(429, "Too Many Requests") if window.is_exceeded else await handler(request)
        _tell(response, window)
        return response

    async def token(self, request: web.Request) -> web.Response:
        if not all(is_good(part) for part in _client(request)):
            return refuse(401, "Unauthorized")
        form = {key: str(value) for key, value in (await request.post()).items()}
        try:
            account = self._account_for(form)
        except _BadGrant as err:
            return web.json_response({"error": str(err)}, status=err.status)
        token = f"{secrets.token_urlsafe(24)}-{len(self._accounts)}"
        while not is_good(token):
            token = f"{secrets.token_urlsafe(24)}-{len(self._accounts)}"
        self._accounts[token] = account
        answer = {"access_token": token, "token_type": "bearer", "expires_in": 86400, "scope": "*"}
        kept = form.get("refresh_token")
        return web.json_response(answer | ({"refresh_token": kept} if kept else {}))

    def _account_for(self, form: dict[str, str]) -> str:
        """The account the token will speak for; empty for an app without one."""
        match form.get("grant_type"):
            case "password":
                if not is_good(form.get("username", "")) or not is_good(form.get("password", "")):
                    raise _BadGrant("invalid_grant", status=200)
                try:
                    return self._world.adopt(form["username"]).handle
                except Impossible as err:
                    raise _BadGrant("invalid_grant", status=200) from err
            case "refresh_token":
                if not is_good(form.get("refresh_token", "")):
                    raise _BadGrant("invalid_grant", status=400)
                return self._world.handle
            case "client_credentials":
                return ""
            case _:
                raise _BadGrant("unsupported_grant_type", status=200)


class _BadGrant(Exception):
    """The grant is not accepted; the text is the OAuth error word."""

    def __init__(self, word: str, *, status: int) -> None:
        super().__init__(word)
        self.status = status


def _client(request: web.Request) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        decoded = base64.b64decode(encoded).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = decoded.partition(":")
    return name, secret


def _tell(response: web.StreamResponse, window: Window) -> None:
    response.headers["x-ratelimit-used"] = str(window.used)
    response.headers["x-ratelimit-remaining"] = f"{window.remaining}.0"
    response.headers["x-ratelimit-reset"] = str(max(1, window.seconds_left))
