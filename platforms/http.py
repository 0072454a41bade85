"""How we speak HTTP to a platform, and what its failures mean.

Owns session making (timeouts, user agent, the redirect to another base URL) and the one translation of
network errors and statuses to the error tree. Refuses to know any platform's paths or payloads.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from yarl import URL

from core.config import Secret
from core.errors import NeedsOperator, OutcomeUnknown, PlatformError, RateLimited, Rejected, TryLater

USER_AGENT = "genlyd/0.1 (self-hosted listening and response; one operator, own account)"
DEFAULT_LIMIT_SECONDS = 60.0
_MOST_LIMIT_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One account's way out: its name, the platform's display name, the cure for refused credentials."""

    account: str
    platform: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A refusing answer, as far as its translation needs it. `detail` is the platform's own words."""

    status: int
    headers: Mapping[str, str]
    detail: str = ""


def make_session(
    *,
    base_url: str | None,
    timeout: aiohttp.ClientTimeout,
    user_agent: str = USER_AGENT,
    middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = (),
    longest_line: int = 2**16,
) -> aiohttp.ClientSession:
    """Return a session. With `base_url`, every request goes there; path, query and Host header stay.

    Call it inside the running loop. Proxies and .netrc of the environment are not read.
    """
    rebase = () if base_url is None else (_to(URL(base_url)),)
    return aiohttp.ClientSession(
        timeout=timeout,
        headers={"User-Agent": user_agent},
        middlewares=(*middlewares, *rebase),
        read_bufsize=longest_line,
        trust_env=False,
    )


def api_timeout(seconds: float) -> aiohttp.ClientTimeout:
    """Return the timeout for one question and its answer: connecting may take 5 of the `seconds`."""
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(5.0, seconds))


def stream_timeout(quiet_seconds: float) -> aiohttp.ClientTimeout:
    """Return the timeout for an endless answer that must show a byte every `quiet_seconds`."""
    return aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=quiet_seconds)


def reveal(credentials: Mapping[str, Secret], names: tuple[str, ...], door: Door) -> dict[str, str]:
    """Return these credentials. Raises: NeedsOperator naming what is missing."""
    missing = [name for name in names if name not in credentials]
    if missing:
        message = f"account '{door.account}' has no {', '.join(missing)}"
        raise NeedsOperator(door.account, message, cure=f"Add {', '.join(missing)} to the account in the config.")
    return {name: credentials[name].reveal() for name in names}


def network_error(error: BaseException, door: Door, *, is_write: bool) -> PlatformError:
    """Return what a failure of the network means: TryLater, or OutcomeUnknown for a write that may have left.

    Refused connections, DNS and TLS failures come before the request; a timeout, a reset and a broken
    answer come after it may have been carried out.
    """
    if isinstance(error, aiohttp.InvalidURL):
        return NeedsOperator(
            door.account, f"account '{door.account}': {error} is no address", cure="Check base_url in the config."
        )
    message = f"account '{door.account}': {door.platform} could not be reached ({type(error).__name__})"
    if is_write and not _is_before_the_request(error):
        return OutcomeUnknown(door.account, f"{message}; the request may have been carried out")
    return TryLater(door.account, message)


def status_error(answer: Answer, door: Door, *, is_write: bool) -> PlatformError:
    """Return what a refusing status means, where the platform's own module knows nothing better."""
    said = f"{door.platform} answered {answer.status}" + (f": {answer.detail}" if answer.detail else "")
    message = f"account '{door.account}': {said}"
    if answer.status == 401:
        return refused_credentials(door, answer.status)
    if answer.status == 402:
        return NeedsOperator(door.account, message, cure=f"Top up the account's credit at {door.platform}.")
    if answer.status == 429:
        return RateLimited(door.account, message, wait_seconds=limit_seconds(answer.headers))
    if answer.status >= 500 or answer.status in (408, 420):
        return OutcomeUnknown(door.account, message) if is_write else TryLater(door.account, message)
    if is_write:
        return Rejected(door.account, message, reason=answer.detail or said)
    cure = f"Check what the account may read at {door.platform}, and its watches in the config."
    return NeedsOperator(door.account, message, cure=cure)


def refused_credentials(door: Door, status: int | str) -> NeedsOperator:
    """Return the error for credentials the platform does not accept."""
    return NeedsOperator(
        door.account,
        f"account '{door.account}': {door.platform} refused the credentials ({status})",
        cure=f"{door.cure} Then unpause the account.",
    )


def limit_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Return how long a 429 asks us to wait: its Retry-After or reset header, else a minute.

    X's reset is a Unix instant, Reddit's a number of seconds: a number above a billion is an instant.
    """
    for name in ("retry-after", "x-rate-limit-reset", "x-ratelimit-reset"):
        try:
            number = float(headers.get(name, ""))
        except ValueError:
            continue
        if number > 1e9:
            number -= (now or datetime.now(UTC)).timestamp()
        return min(max(number, 1.0), _MOST_LIMIT_SECONDS)
    return DEFAULT_LIMIT_SECONDS


def _is_before_the_request(error: BaseException) -> bool:
    return isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


NETWORK_ERRORS: tuple[type[BaseException], ...] = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


def _to(base: URL) -> aiohttp.ClientMiddlewareType:
    async def rebase(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        url = request.url
        request.url = url.with_scheme(base.scheme).with_host(base.host or "").with_port(base.port)
        return await handler(request)

    return rebase
