"""The few calls we make to Reddit, through asyncpraw's sign-in and rate limiter, as raw JSON.

Owns asyncpraw: its sessions, its pitfalls, and the meaning of Reddit's refusals. Refuses to wait long, to
retry a write, to parse posts (`listeners.reddit` does), and to let asyncpraw's objects out.

`Reddit.request` is used and not `Reddit.post`: the latter sleeps on a RATELIMIT answer and sends again.
"""

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import aiohttp
import asyncpraw
from asyncpraw.exceptions import RedditAPIException
from asyncprawcore.exceptions import (
    InvalidToken,
    OAuthException,
    Redirect,
    RequestException,
    ResponseException,
)

from core.budget import Purse, Use
from core.config import AccountConfig
from core.errors import NeedsOperator, OutcomeUnknown, PlatformError, RateLimited, Rejected, TryLater
from core.reply import Receipt
from platforms.http import (
    Answer,
    Door,
    network_error,
    refused_credentials,
    reveal,
    status_error,
)
from platforms.published import OwnReplies, Published
from platforms.reddit_session import REDDIT_URL, core_of, open_reddit

CREDENTIALS = ("client_id", "client_secret", "username", "password", "user_agent")
_LONGEST_PAUSE_SECONDS = 10.0
_LONGEST_SOURCE = 200
# A listing holds about 1,000 things; with fewer it ended by itself. Source: asyncpraw's documentation, read 2026-11.
_LISTING_REACHES = 800
_THE_SUBREDDITS_OWN_NO = frozenset({"private", "banned", "quarantined", "gold_only"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of things, newest first. `after` asks for the next, older page; None where it ends."""

    things: tuple[dict[str, Any], ...]
    after: str | None


def source_of(subreddits: tuple[str, ...]) -> str:
    """Return the name of the comments of subreddits as a source. Long ones are cut, for rows have room for so much."""
    name = f"r/{'+'.join(subreddits)}"
    if len(name) <= _LONGEST_SOURCE:
        return name
    cut = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _LONGEST_SOURCE - len(cut) - 2]}… {cut}"


class RedditClient:
    """One account's way to Reddit. Connections open at the first call."""

    def __init__(
        self,
        account: AccountConfig,
        *,
        timeout_seconds: float = 15.0,
        purse: Purse | None = None,
        use: Use = Use.POLL,
    ) -> None:
        self.account = account
        self.purse = purse or Purse(account=account.name)
        self._use = use
        self.door = Door(
            account=account.name,
            platform="Reddit",
            cure=f"Check {', '.join(CREDENTIALS[:-2])} and {CREDENTIALS[-2]} in the config.",
        )
        self._timeout_seconds = timeout_seconds
        self._reddit: asyncpraw.Reddit | None = None
        self._signing_in = asyncio.Lock()
        self._me: dict[str, Any] | None = None

    async def me(self) -> dict[str, Any]:
        """Return our own account object. Raises: PlatformError; NeedsOperator where it is another account."""
        if self._me is None:
            me = await self._get("sign-in", "api/v1/me")
            wanted = self.account.handle.removeprefix("u/")
            if str(me.get("name", "")).casefold() != wanted.casefold():
                raise NeedsOperator(
                    self.account.name,
                    f"account '{self.account.name}': the credentials belong to u/{me.get('name')}, not to u/{wanted}",
                    cure=f"Set handle to {me.get('name')}, or use the credentials of u/{wanted}, in the config.",
                )
            self._me = me
        return self._me

    async def comments(self, subreddits: tuple[str, ...], after: str | None = None) -> Listing:
        """Return the newest comments of the subreddits. Raises: PlatformError."""
        return await self._listing(source_of(subreddits), f"r/{'+'.join(subreddits)}/comments/", after)

    async def search(self, query: str, after: str | None = None) -> Listing:
        """Return the newest submissions that match, across Reddit. Raises: PlatformError."""
        # Of all times: within a week, what came longer ago while we were away would be missing without a sign.
        return await self._listing("search", "r/all/search/", after, q=query, sort="new", type="link", t="all")

    async def inbox(self, after: str | None = None) -> Listing:
        """Return the newest comments that name us or answer us, and private messages. Raises: PlatformError.

        Not `message/mentions`: an answer to us that also names us is only in the inbox.
        """
        return await self._listing("mentions", "message/inbox", after)

    async def own_replies(self, thing_id: str, since: datetime) -> OwnReplies:
        """Return our comments under `thing_id`, out of all our own since `since`. Raises: PlatformError.

        Our own listing is read rather than the thread: a long thread hides replies behind "more".
        """
        name = (await self.me())["name"]
        own: list[Published] = []
        after: str | None = None
        while True:
            page = await self._listing("replies", f"user/{name}/comments/", after, sort="new")
            own += [self._published(thing) for thing in page.things]
            after = page.after
            is_past = bool(own) and own[-1].published_at < since
            if is_past or not after:
                break
        replies = tuple(comment for comment in own if comment.parent_id == thing_id)
        is_complete = is_past or len(own) < _LISTING_REACHES
        return OwnReplies(replies=replies, is_complete=is_complete, shows_nothing=not own)

    async def info(self, fullnames: tuple[str, ...], source: str = "looked up again") -> tuple[dict[str, Any], ...]:
        """Return the things of these fullnames, 100 at a time at most; what is deleted stands there and says so.

        Raises: PlatformError.
        """
        return (await self._listing(source, "api/info/", None, id=",".join(fullnames))).things

    async def reply(self, text: str, thing_id: str) -> Receipt:
        """Publish `text` under `thing_id`, in one POST. Raises: PlatformError, as the Sender port says."""
        answer = await self._request("replies", "POST", "api/comment/", data={"text": text, "thing_id": thing_id})
        content = answer.get("json")
        if not isinstance(content, dict):
            raise self._nonsense(is_write=True)
        if content.get("errors"):
            raise self._api_error(content["errors"])
        things = (content.get("data") or {}).get("things") or [{}]
        comment = things[0].get("data") or {}
        name = comment.get("name") or (f"t1_{comment['id']}" if comment.get("id") else None)
        if name is None:
            raise OutcomeUnknown(
                self.account.name, f"account '{self.account.name}': Reddit took a reply but gave no id"
            )
        return Receipt(remote_id=name, url=f"{REDDIT_URL}{comment.get('permalink', '')}")

    async def close(self) -> None:
        """Let go of the connections."""
        if self._reddit is not None:
            await self._reddit.close()
            self._reddit = None

    async def _listing(self, source: str, path: str, after: str | None, **params: str | int) -> Listing:
        asked = {"limit": 100, **params, **({"after": after} if after else {})}
        data = (await self._get(source, path, asked)).get("data")
        if not isinstance(data, dict) or not isinstance(data.get("children"), list):
            raise self._nonsense(is_write=False)
        return Listing(things=tuple(data["children"]), after=data.get("after"))

    async def _get(self, source: str, path: str, params: dict[str, str | int] | None = None) -> dict[str, Any]:
        return await self._request(source, "GET", path, params=params)

    async def _request(self, source: str, method: str, path: str, **content: Any) -> dict[str, Any]:
        """Ask once. A 401 means an expired token and that nothing happened: sign in anew and ask once more."""
        self.purse.check(self._use)
        reddit = self._open()
        try:
            await self._sign_in(reddit)
            self.purse.spend(source)
            return await self._ask_once(reddit, method, path, **content)
        except _StaleToken:
            await self._sign_in(reddit)
        try:
            self.purse.spend(source)
            return await self._ask_once(reddit, method, path, **content)
        except _StaleToken as err:
            raise refused_credentials(self.door, 401) from err

    async def _ask_once(self, reddit: asyncpraw.Reddit, method: str, path: str, **content: Any) -> dict[str, Any]:
        self._check_allowance(reddit)
        is_write = method != "GET"
        try:
            answer = await reddit.request(method=method, path=path, **content)
        except InvalidToken as err:
            raise _StaleToken from err
        except RedditAPIException as err:
            raise self._api_error([[item.error_type, item.message, item.field] for item in err.items]) from err
        except RequestException as err:
            if _is_bare_401(err.original_exception):
                raise _StaleToken from err
            raise self._broken(err.original_exception, is_write=is_write) from err
        except ResponseException as err:
            raise await self._refused(err, is_write=is_write) from err
        except (KeyError, TypeError, ValueError) as err:
            # asyncpraw reads the bodies of 400s trustingly: one without "reason" ends here.
            raise self._nonsense(is_write=is_write) from err
        if not isinstance(answer, dict):
            raise self._nonsense(is_write=is_write)
        return answer

    async def _sign_in(self, reddit: asyncpraw.Reddit) -> None:
        """Fetch a token ahead of the question, so that a failed sign-in is never taken for a failed write."""
        authorizer: Any = core_of(reddit).authorizer
        async with self._signing_in:
            if authorizer.is_valid():
                return
            self.purse.spend("sign-in")
            try:
                await authorizer.refresh()
            except OAuthException as err:
                raise refused_credentials(self.door, err.error) from err
            except RequestException as err:
                raise self._broken(err.original_exception, is_write=False) from err
            except ResponseException as err:
                if err.response.status in (400, 401, 403):
                    raise refused_credentials(self.door, err.response.status) from err
                raise await self._refused(err, is_write=False) from err
            except (KeyError, TypeError, ValueError) as err:
                raise self._nonsense(is_write=False) from err

    def _check_allowance(self, reddit: asyncpraw.Reddit) -> None:
        """asyncprawcore sleeps until the window resets, ten minutes at worst: say so instead of sleeping."""
        limiter = core_of(reddit).rate_limiter
        wait = ((limiter.next_request_timestamp_ns or 0) - time.monotonic_ns()) / 1e9
        if wait > _LONGEST_PAUSE_SECONDS:
            message = f"account '{self.account.name}': Reddit's allowance is used up for {wait:.0f} seconds"
            raise RateLimited(self.account.name, message, wait_seconds=wait)

    def _open(self) -> asyncpraw.Reddit:
        if self._reddit is None:
            credentials = reveal(self.account.credentials, CREDENTIALS, self.door)
            self._reddit = open_reddit(
                credentials, base_url=self.account.base_url, timeout_seconds=self._timeout_seconds
            )
        return self._reddit

    def _broken(self, error: Exception, *, is_write: bool) -> PlatformError:
        """What asyncprawcore wraps: network errors, and its own stumbling over unexpected headers and bodies."""
        if isinstance(error, aiohttp.ContentTypeError) and error.status >= 400:
            return status_error(Answer(status=error.status, headers=error.headers or {}), self.door, is_write=is_write)
        if isinstance(error, aiohttp.ContentTypeError | KeyError | ValueError) and not isinstance(
            error, aiohttp.InvalidURL
        ):
            return self._nonsense(is_write=is_write)
        return network_error(error, self.door, is_write=is_write)

    async def _refused(self, error: ResponseException, *, is_write: bool) -> PlatformError:
        status = error.response.status
        if isinstance(error, Redirect):
            # Reddit redirects to its search page where a subreddit does not exist.
            cure = "Check the subreddits of the account's watches in the config."
            message = f"account '{self.account.name}': Reddit has no such page ({error.path})"
            return NeedsOperator(self.account.name, message, cure=cure)
        if status < 400:
            return self._nonsense(is_write=is_write)
        answer = Answer(status=status, headers=error.response.headers, detail=await _detail(error.response))
        if status == 403 and is_write and answer.detail not in _THE_SUBREDDITS_OWN_NO:
            return refused_credentials(self.door, 403)
        return status_error(answer, self.door, is_write=is_write)

    def _published(self, thing: dict[str, Any]) -> Published:
        try:
            comment = thing["data"]
            return Published(
                remote_id=str(comment["name"]),
                url=f"{REDDIT_URL}{comment.get('permalink', '')}",
                text=str(comment["body"]),
                parent_id=comment.get("parent_id"),
                published_at=datetime.fromtimestamp(float(comment["created_utc"]), UTC),
            )
        except (KeyError, TypeError, ValueError) as err:
            raise self._nonsense(is_write=False) from err

    def _nonsense(self, *, is_write: bool) -> PlatformError:
        message = f"account '{self.account.name}': Reddit answered something that cannot be read"
        return OutcomeUnknown(self.account.name, message) if is_write else TryLater(self.account.name, message)

    def _api_error(self, errors: list[Any]) -> PlatformError:
        """Reddit says no inside a 200: nothing was published."""
        kind, said = _first_error(errors)
        message = f"account '{self.account.name}': Reddit says {kind}: {said}"
        if kind == "RATELIMIT":
            return RateLimited(self.account.name, message, wait_seconds=_seconds_in(said))
        if kind == "USER_REQUIRED":
            cure = "Sign in to Reddit as the account and see what it is not allowed to do."
            return NeedsOperator(self.account.name, message, cure=cure)
        return Rejected(self.account.name, message, reason=said or kind)


class _StaleToken(Exception):
    """Reddit no longer accepts the token. asyncprawcore has forgotten it; sign in anew."""


def _is_bare_401(error: Exception) -> bool:
    """A 401 without the www-authenticate header makes asyncprawcore stumble over its own table."""
    return isinstance(error, KeyError) and error.args == (401,)


def _first_error(errors: list[Any]) -> tuple[str, str]:
    first = errors[0]
    parts = [str(part or "") for part in first] if isinstance(first, list | tuple) else [str(first)]
    return parts[0], parts[1] if len(parts) > 1 else ""


def _seconds_in(words: str) -> float:
    """Return the wait named in "Take a break for 5 minutes before trying again", else a minute."""
    units: Mapping[str, float] = {"millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0}
    parts = words.split()
    for number, unit in pairwise(parts):
        scale = units.get(unit.rstrip("s.,"))
        if number.isdigit() and scale is not None:
            return int(number) * scale + 1.0
    return 60.0


async def _detail(response: aiohttp.ClientResponse) -> str:
    try:
        body = await response.json(content_type=None)
    except (ValueError, aiohttp.ClientError):
        return ""
    return str(body.get("reason") or body.get("message") or "") if isinstance(body, dict) else ""
