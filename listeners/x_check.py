"""Looking X's posts up again, 100 at a time.

Owns what X's answer means for posts we hold. Refuses to know when to ask (`recheck` does) and what follows.

X tells nobody below Enterprise of deletions; a post that is looked up and gone comes back as an error of its own. An
edit makes a new post, within 30 minutes of the first. Sources: https://docs.x.com/x-api/posts/lookup and
https://docs.x.com/x-api/fundamentals/edit-posts, read 2026-11.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from core.post import Platform, Post
from core.recheck import Answer, Pace
from listeners.x_posts import parse_page
from platforms.x import XClient

# Fifteen minutes see an edit within the half hour it can be made in; half of the 24 hours leave room for trouble.
FIRST_SECONDS, LAST = 900.0, timedelta(hours=12)
MOST_IDS = 100
# Gone, or no longer for us to see: its author deleted it, was suspended or closed the account to others.
_GONE = ("resource-not-found", "not-authorized-for-resource")


class XChecker:
    """How the posts that one account heard stand on X now."""

    platform = Platform.X
    most = MOST_IDS

    def __init__(self, client: XClient) -> None:
        self.account = client.account.name
        self.pace = Pace(first=timedelta(seconds=client.account.recheck_seconds or FIRST_SECONDS), last=LAST)
        self._client = client

    async def look_up(self, native_ids: Sequence[str]) -> dict[str, Answer]:
        """Return what X says of each post; of an edited one, how its newest version reads. Raises: PlatformError."""
        page = await self._client.posts(native_ids)
        answers = read_page(page, native_ids, account=self.account)
        newest = newest_versions(page)
        if newest:
            texts = await self._client.posts(tuple(newest.values()))
            posts = {post.native_id: post for post in parse_page(texts, account=self.account).posts}
            answers |= _edited(newest, posts)
        return answers

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()


def read_page(page: Mapping[str, Any], native_ids: Iterable[str], *, account: str = "") -> dict[str, Answer]:
    """Return what one answer says of the posts asked for. Pure. What it does not name, it does not judge."""
    asked = frozenset(native_ids)
    stand = {
        post.native_id: Answer(native_id=post.native_id, post=post)
        for post in parse_page(dict(page), account=account).posts
    }
    errors = [error for error in page.get("errors") or [] if isinstance(error, dict)]
    missing = {
        str(error.get("resource_id") or error.get("value"))
        for error in errors
        if error.get("resource_type") == "tweet" and str(error.get("type", "")).rsplit("/", 1)[-1] in _GONE
    }
    gone = {name: Answer(native_id=name, is_gone=True) for name in missing & asked - stand.keys()}
    return {name: answer for name, answer in stand.items() if name in asked} | gone


def newest_versions(page: Mapping[str, Any]) -> dict[str, str]:
    """Return, for each post of an answer that has a newer version, the newest one's id. Pure."""
    newest: dict[str, str] = {}
    for raw in page.get("data") or []:
        history = [str(version) for version in raw.get("edit_history_tweet_ids") or []] if isinstance(raw, dict) else []
        if history and history[-1] != str(raw.get("id")):
            newest[str(raw.get("id"))] = history[-1]
    return newest


def _edited(newest: Mapping[str, str], posts: Mapping[str, Post]) -> dict[str, Answer]:
    """A newest version that X did not show leaves its post unjudged until the next look."""
    return {
        first: Answer(native_id=first, post=replace(posts[last], native_id=first), is_edited=True)
        if last in posts
        else Answer(native_id=first)
        for first, last in newest.items()
    }
