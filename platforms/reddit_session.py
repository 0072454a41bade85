"""Opening asyncpraw so that it does what we ask, once, and nothing else.

Owns every setting and override of asyncpraw. Refuses to make calls: `platforms.reddit` does.

What is turned off, and why (asyncpraw 8.0.3, asyncprawcore 4.0.0, run here 2026-11): a 5xx is sent again
even for a POST, which publishes twice; a RATELIMIT answer is slept on and sent again; the timeout setting
is ignored; the update check asks PyPI; a praw.ini in the working directory may name another host.
"""

import warnings
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpraw
from asyncprawcore import Requestor, Session
from asyncprawcore.sessions import FiniteRetryStrategy

from platforms.http import api_timeout, make_session

REDDIT_URL, OAUTH_URL = "https://www.reddit.com", "https://oauth.reddit.com"


class _NoRetry(FiniteRetryStrategy):
    """Each request exactly once. Zero retries of the original would sleep 2-4 seconds before every call."""

    def __init__(self) -> None:
        super().__init__(retries=0)

    def _sleep_seconds(self) -> float | None:
        return None


class _Requestor(Requestor):
    """asyncprawcore passes its own 16 seconds with each call; ours count instead."""

    @asynccontextmanager
    async def request(
        self,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - their signature
        **kwargs: Any,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Issue the request with our timeout, and the sign-in as the header that aiohttp wants it to be."""
        del timeout
        auth = kwargs.pop("auth", None)
        if auth is not None:
            signed = aiohttp.encode_basic_auth(auth.login, auth.password)
            kwargs["headers"] = {**kwargs.get("headers", {}), "Authorization": signed}
        async with super().request(*args, timeout=self.timeout, **kwargs) as response:
            yield response


def open_reddit(credentials: Mapping[str, str], *, base_url: str | None, timeout_seconds: float) -> asyncpraw.Reddit:
    """Return asyncpraw, signed out until its first call. Call it inside the running loop."""
    session = make_session(
        base_url=base_url, timeout=api_timeout(timeout_seconds), user_agent=credentials["user_agent"]
    )
    # asyncprawcore signs in with a class aiohttp will drop in 4.0; it is theirs to mend, and said at every sign-in.
    warnings.filterwarnings("ignore", "BasicAuth is deprecated", DeprecationWarning, r"asyncprawcore\.auth")
    with warnings.catch_warnings():
        # Both hosts are given here, so a praw.ini that names others has no effect.
        warnings.simplefilter("ignore", UserWarning)
        reddit = asyncpraw.Reddit(
            requestor_class=_Requestor,
            requestor_kwargs={"session": session, "timeout": timeout_seconds},
            reddit_url=REDDIT_URL,
            oauth_url=OAUTH_URL,
            check_for_updates=False,
            ratelimit_seconds=0,
            **credentials,
        )
    core: Any = core_of(reddit)
    core._retry_strategy_class = _NoRetry  # noqa: SLF001 - no public way
    return reddit


def core_of(reddit: asyncpraw.Reddit) -> Session:
    """Return the core that signs in and paces: asyncpraw keeps it private."""
    core: Any = reddit._core  # noqa: SLF001 - no public way
    assert isinstance(core, Session)  # noqa: S101 - narrows asyncpraw's Optional
    return core
