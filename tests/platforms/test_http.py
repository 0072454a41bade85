"""What failures of the network and refusing statuses mean."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import Mock

import aiohttp
import pytest

from core.errors import NeedsOperator, OutcomeUnknown, PlatformError, RateLimited, Rejected, TryLater
from platforms.http import Answer, Door, limit_seconds, make_session, network_error, status_error

DOOR = Door(account="x-main", platform="X", cure="Check consumer_key in the config.")
REFUSED = aiohttp.ClientConnectorError(Mock(ssl=None), OSError("refused"))
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("is_write", [False, True])
@pytest.mark.parametrize("error", [REFUSED, aiohttp.ConnectionTimeoutError()], ids=["refused", "connect timeout"])
def test_what_failed_before_the_request_left_is_tried_later(error: Exception, is_write: bool) -> None:
    assert type(network_error(error, DOOR, is_write=is_write)) is TryLater


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), ConnectionResetError(), aiohttp.ServerDisconnectedError(), aiohttp.SocketTimeoutError()],
    ids=lambda error: type(error).__name__,
)
def test_what_failed_after_is_unknown_for_a_write_and_tried_later_for_a_question(error: Exception) -> None:
    assert isinstance(network_error(error, DOOR, is_write=True), OutcomeUnknown)
    assert type(network_error(error, DOOR, is_write=False)) is TryLater


def test_a_base_url_that_is_no_address_needs_the_operator() -> None:
    error = network_error(aiohttp.InvalidURL("http:///"), DOOR, is_write=True)
    assert isinstance(error, NeedsOperator)
    assert "base_url" in error.cure


@pytest.mark.parametrize(
    ("status", "for_question", "for_write"),
    [
        (400, NeedsOperator, Rejected),
        (401, NeedsOperator, NeedsOperator),
        (402, NeedsOperator, NeedsOperator),
        (404, NeedsOperator, Rejected),
        (408, TryLater, OutcomeUnknown),
        (429, RateLimited, RateLimited),
        (500, TryLater, OutcomeUnknown),
        (503, TryLater, OutcomeUnknown),
    ],
)
def test_a_status_means_what_to_do_next(
    status: int, for_question: type[PlatformError], for_write: type[PlatformError]
) -> None:
    answer = Answer(status=status, headers={}, detail="because")
    assert type(status_error(answer, DOOR, is_write=False)) is for_question
    assert type(status_error(answer, DOOR, is_write=True)) is for_write


def test_refused_credentials_name_the_account_the_platform_and_the_cure() -> None:
    error = status_error(Answer(status=401, headers={}), DOOR, is_write=False)
    assert isinstance(error, NeedsOperator)
    assert str(error) == "account 'x-main': X refused the credentials (401)"
    assert error.cure == "Check consumer_key in the config. Then unpause the account."


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60.0),
        ({"retry-after": "7"}, 7.0),
        ({"x-ratelimit-reset": "120"}, 120.0),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) + 30)}, 30.0),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) - 30)}, 1.0),
        ({"x-rate-limit-reset": "99999999999"}, 24 * 3600.0),
    ],
    ids=str,
)
def test_a_limit_says_how_long_in_whichever_way(headers: dict[str, str], seconds: float) -> None:
    assert limit_seconds(headers, NOW) == seconds


async def test_a_session_leads_requests_to_the_base_url_and_keeps_their_host() -> None:
    seen: list[tuple[str, str | None]] = []

    async def record(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        try:
            return await handler(request)
        finally:
            seen.append((str(request.url), request.headers.get("Host")))

    timeout = aiohttp.ClientTimeout(total=2)
    async with make_session(base_url="http://127.0.0.1:1", timeout=timeout, middlewares=(record,)) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("https://api.twitter.com/2/users/me?a=b")
    assert seen == [("http://127.0.0.1:1/2/users/me?a=b", "api.twitter.com")]
