"""The few calls we make to X, on tweepy, as raw JSON.

Owns tweepy: its sessions, its pitfalls, and the meaning of X's refusals. Refuses to wait, to retry, to
parse posts (`listeners.x` does) and to decide what may be said (`responder` does).

tweepy's `wait_on_rate_limit` is never used: with OAuth1 it crashes, and without a reset header it asks
again at once (tweepy 4.17.0, run here 2026-11).
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import aiohttp
from tweepy.asynchronous.client import AsyncClient
from tweepy.asynchronous.streaming import AsyncStreamingClient
from tweepy.errors import HTTPException
from tweepy.streaming import StreamRule

from core.budget import Purse, Use
from core.config import AccountConfig
from core.errors import BudgetSpent, NeedsOperator, OutcomeUnknown, Rejected, TryLater
from core.reply import Receipt
from platforms.http import (
    NETWORK_ERRORS,
    USER_AGENT,
    Door,
    api_timeout,
    make_session,
    network_error,
    reveal,
)
from platforms.published import OwnReplies, Published
from platforms.x_costs import charge, charge_streamed, charge_written
from platforms.x_errors import RulesFull, nonsense, not_json, refused, refused_rule
from platforms.x_stream import XStream

CREDENTIALS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret", "bearer_token")
RULE_TAG = "genlyd:"
FIELDS: dict[str, list[str]] = {
    "tweet_fields": [
        "author_id", "conversation_id", "created_at", "entities", "geo", "in_reply_to_user_id", "lang", "note_tweet",
        "referenced_tweets",
    ],
    "expansions": ["author_id", "referenced_tweets.id", "referenced_tweets.id.author_id", "geo.place_id"],
    "user_fields": ["id", "name", "public_metrics", "username"],
    "place_fields": ["full_name"],
}  # fmt: skip

# Pages of 100. Mentions reach 800 posts back, own posts 3,200; 50 pages of search cost 25 dollars and are
# more than a person reads. Source: https://docs.x.com/x-api, read 2026-11.
_MENTION_PAGES, _OWN_PAGES, _SEARCH_PAGES = 8, 32, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Raw pages, oldest first. `is_complete` is false where the platform or our own limit cut them short.

    `why_not` says so where it was our own budget.
    """

    pages: tuple[dict[str, Any], ...]
    is_complete: bool
    why_not: str | None = None


class XClient:
    """One account's way to X. Connections open at the first call."""

    def __init__(
        self,
        account: AccountConfig,
        *,
        timeout_seconds: float = 15.0,
        quiet_seconds: float = 25.0,
        purse: Purse | None = None,
        use: Use = Use.POLL,
    ) -> None:
        self.account = account
        self.purse = purse or Purse(account=account.name)
        self._use = use
        self.door = Door(
            account=account.name,
            platform="X",
            cure=f"Check {', '.join(CREDENTIALS[:-1])} and {CREDENTIALS[-1]} in the config.",
        )
        self._timeout_seconds = timeout_seconds
        self._quiet_seconds = quiet_seconds
        self._session: aiohttp.ClientSession | None = None
        self._me: dict[str, Any] | None = None
        _keep_authorization_out_of_logs()

    async def me(self) -> dict[str, Any]:
        """Return our own user object. Raises: PlatformError; NeedsOperator where it is another account."""
        if self._me is None:
            ask = partial(self._client().get_me, user_fields=FIELDS["user_fields"])
            answer = await self._ask(ask, source="sign-in", price="read user")
            self._me = self._checked_me(answer.get("data"))
        return self._me

    async def mentions(self, *, since_id: str | None = None, start_time: datetime | None = None) -> Pages:
        """Return the posts that mention us. X goes back 800 posts at most. Raises: PlatformError."""
        ask = partial(
            self._client().get_users_mentions, (await self.me())["id"], user_auth=True, max_results=100, **FIELDS
        )
        since = {"since_id": since_id, "start_time": start_time}
        return await self._pages(ask, "pagination_token", _MENTION_PAGES, "mentions", "read owned", **since)

    async def search(self, query: str, *, since_id: str | None = None, start_time: datetime | None = None) -> Pages:
        """Return what the last seven days hold for `query` (512 characters at most). Raises: PlatformError."""
        ask = partial(self._client().search_recent_tweets, query, max_results=100, **FIELDS)
        since = {"since_id": since_id, "start_time": start_time}
        return await self._pages(ask, "next_token", _SEARCH_PAGES, "stream", "read post", **since)

    async def posts(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return what X says of posts by their ids, 100 at most: what stands, and an error for each other one.

        Raises: PlatformError.
        """
        ask = partial(self._client().get_tweets, list(ids), **FIELDS)
        return await self._ask(ask, source="looked up again", price="read post")

    async def own_replies_since(self, target_id: str) -> OwnReplies:
        """Return our replies to post `target_id`, out of everything we published after it. Raises: PlatformError."""
        fields = ["created_at", "referenced_tweets", "note_tweet"]
        me = (await self.me())["id"]
        ask = partial(self._client().get_users_tweets, me, user_auth=True, max_results=100, tweet_fields=fields)
        found = await self._pages(ask, "pagination_token", _OWN_PAGES, "replies", "read owned", since_id=target_id)
        try:
            own = [self._published(raw) for page in found.pages for raw in page.get("data") or []]
        except (KeyError, TypeError, ValueError) as err:
            raise nonsense(self.door, is_write=False) from err
        return OwnReplies(
            replies=tuple(post for post in own if post.parent_id == target_id),
            is_complete=found.is_complete and not any(page.get("errors") for page in found.pages),
        )

    async def reply(self, text: str, target_id: str) -> Receipt:
        """Publish `text` under `target_id`, in one POST. Raises: PlatformError, as the Sender port says."""
        ask = partial(self._client().create_tweet, text=text, in_reply_to_tweet_id=target_id)
        try:
            answer = await self._ask(ask, source="replies", is_write=True)
        except (TryLater, NeedsOperator, Rejected):
            # Nothing was published, so nothing is billed: what is tried for days must not look like money spent.
            raise
        except BaseException:
            charge_written(self.purse, "replies", text)
            raise
        charge_written(self.purse, "replies", text)
        remote_id = (answer.get("data") or {}).get("id")
        if not remote_id:
            raise OutcomeUnknown(self.account.name, f"account '{self.account.name}': X took a reply but gave no id")
        return Receipt(remote_id=str(remote_id), url=self._url(str(remote_id)))

    async def sync_rules(self, wanted: Sequence[str]) -> None:
        """Make our rules on the filtered stream exactly `wanted`; rules without our tag stay.

        The new ones come first: where X refuses one, the old ones stand. Where it has no room for both, the old ones go
        first.

        Raises: PlatformError; NeedsOperator names a rule that X does not accept.
        """
        client = self._rule_client()
        present = (await self._ask(client.get_rules, source="stream")).get("data") or []
        ours = [rule for rule in present if str(rule.get("tag", "")).startswith(RULE_TAG)]
        stale = [str(rule["id"]) for rule in ours if rule["value"] not in wanted]
        missing = [value for value in wanted if value not in {rule["value"] for rule in ours}]
        try:
            await self._add_rules(client, missing)
        except RulesFull:
            if not stale:
                raise
            await self._ask(partial(client.delete_rules, stale), source="stream")
            await self._add_rules(client, missing)
            return
        if stale:
            await self._ask(partial(client.delete_rules, stale), source="stream")

    async def _add_rules(self, client: Any, values: Sequence[str]) -> None:
        if not values:
            return
        rules = [StreamRule(value, f"{RULE_TAG}{self.account.name}") for value in values]
        added = await self._ask(partial(client.add_rules, rules), source="stream")
        refusal = refused_rule(self.door, added.get("errors"))
        if refusal is not None:
            raise refusal

    async def open_stream(self) -> XStream:
        """Connect to the filtered stream, once. Raises: PlatformError where X does not open it."""
        self.purse.spend("stream")
        stream = XStream(
            self.door,
            clock=self.purse.clock,
            bearer_token=self._bearer_token(),
            base_url=self.account.base_url,
            quiet_seconds=self._quiet_seconds,
            refused=partial(refused, self.door),
        )
        await stream.open(FIELDS)
        return stream

    def count_streamed(self, posts: Sequence[tuple[str, str]]) -> None:
        """Count what the stream brought, posts and their authors: each is billed as a read."""
        charge_streamed(self.purse, "stream", posts)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = make_session(base_url=self.account.base_url, timeout=api_timeout(self._timeout_seconds))
        return self._session

    def _client(self) -> Any:
        revealed = reveal(self.account.credentials, CREDENTIALS, self.door)
        client: Any = AsyncClient(**revealed, return_type=dict)  # type: ignore[no-untyped-call]
        client.session, client.user_agent = self._open_session(), USER_AGENT
        return client

    def _rule_client(self) -> Any:
        """A client apart from the stream's own: tweepy closes a stream's session behind its back."""
        client: Any = AsyncStreamingClient(self._bearer_token(), return_type=dict)  # type: ignore[no-untyped-call]
        client.session, client.user_agent = self._open_session(), USER_AGENT
        return client

    def _bearer_token(self) -> str:
        return reveal(self.account.credentials, ("bearer_token",), self.door)["bearer_token"]

    async def _pages(
        self,
        ask: Callable[..., Awaitable[Any]],
        token_name: str,
        most: int,
        source: str,
        price: str,
        **since: str | datetime | None,
    ) -> Pages:
        pages: list[dict[str, Any]] = []
        token: str | None = None
        why_not: str | None = None
        while len(pages) < most:
            this = partial(ask, **since, **({token_name: token} if token else {}))
            try:
                page = await self._ask(this, source=source, price=price)
            except BudgetSpent as err:
                if not pages:
                    raise
                # What was paid for is kept; what lies behind it is missing.
                why_not = str(err)
                break
            pages.append(page)
            token = (page.get("meta") or {}).get("next_token")
            if not token:
                break
        is_complete = not token and len(pages) < most
        return Pages(pages=tuple(reversed(pages)), is_complete=is_complete, why_not=why_not)

    async def _ask(
        self, ask: Callable[[], Awaitable[Any]], *, source: str, price: str | None = None, is_write: bool = False
    ) -> dict[str, Any]:
        """Ask once, within the budget, and count what it cost. `price`: that of each resource, by name."""
        self.purse.check(self._use)
        self.purse.spend(source)
        answer = await self._asked(ask, is_write=is_write)
        charge(self.purse, source, answer, price=price)
        return answer

    async def _asked(self, ask: Callable[[], Awaitable[Any]], *, is_write: bool) -> dict[str, Any]:
        try:
            answer = await ask()
        except HTTPException as err:
            body = await err.response.json()
            raise refused(self.door, err.response.status, err.response.headers, body, is_write=is_write) from err
        except aiohttp.ContentTypeError as err:
            raise not_json(self.door, err, is_write=is_write) from err
        except NETWORK_ERRORS as err:
            raise network_error(err, self.door, is_write=is_write) from err
        except (ValueError, TypeError, AttributeError, KeyError) as err:
            # tweepy reads error bodies trustingly: JSON that is no object, or no JSON at all, ends here.
            raise nonsense(self.door, is_write=is_write) from err
        if not isinstance(answer, dict):
            raise nonsense(self.door, is_write=is_write)
        return answer

    def _checked_me(self, me: Any) -> dict[str, Any]:
        wanted = self.account.handle.lstrip("@")
        if not isinstance(me, dict) or not me.get("id"):
            raise nonsense(self.door, is_write=False)
        if str(me.get("username", "")).casefold() != wanted.casefold():
            raise NeedsOperator(
                self.account.name,
                f"account '{self.account.name}': the credentials belong to @{me.get('username')}, not to @{wanted}",
                cure=f"Set handle to {me.get('username')}, or use the access token of @{wanted}, in the config.",
            )
        return me

    def _url(self, remote_id: str) -> str:
        return f"https://x.com/{self.account.handle.lstrip('@')}/status/{remote_id}"

    def _published(self, raw: dict[str, Any]) -> Published:
        cited = {str(reference["type"]): str(reference["id"]) for reference in raw.get("referenced_tweets") or []}
        return Published(
            remote_id=str(raw["id"]),
            url=self._url(str(raw["id"])),
            text=str((raw.get("note_tweet") or {}).get("text") or raw["text"]),
            parent_id=cited.get("replied_to"),
            published_at=datetime.fromisoformat(raw["created_at"]),
        )


def _keep_authorization_out_of_logs() -> None:
    """tweepy's DEBUG prints the Authorization header, oauthlib's the signature: neither may ever log DEBUG."""
    for name in ("tweepy", "tweepy.asynchronous.client", "tweepy.asynchronous.streaming", "tweepy.client", "oauthlib"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("tweepy.asynchronous.client").addFilter(_is_at_least_info)


def _is_at_least_info(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.INFO
