"""X's posts, read. Pure.

Owns the shapes of API v2. Refuses any I/O, and to guess: what cannot be read is Unreadable, with its raw text.
"""

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.errors import Unreadable
from core.post import Author, Platform, Post
from core.watch import hashtags_in

_EPOCH = datetime.fromtimestamp(1288834974.657, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What could be read, oldest first, and the raw rest."""

    posts: tuple[Post, ...] = ()
    unreadable: tuple[str, ...] = ()


def parse_page(page: dict[str, Any], *, account: str = "") -> Parsed:
    """Return the posts of one answer, oldest first. One post that cannot be read does not spoil the others."""
    data = page.get("data") or []
    includes = page.get("includes") or {}
    posts: list[Post] = []
    unreadable: list[str] = []
    for raw in data if isinstance(data, list) else [data]:
        try:
            posts.append(parse_post(raw, includes, account=account))
        except Unreadable as err:
            unreadable.append(err.raw)
    return Parsed(posts=in_order(posts), unreadable=tuple(unreadable))


def parse_stream_line(line: bytes | str, *, account: str = "") -> Post | None:
    """Return the post of one stream line; None for a line that carries none. Raises: Unreadable."""
    text = line.decode(errors="replace") if isinstance(line, bytes) else line
    if not text.strip():
        return None
    try:
        content = json.loads(text)
    except ValueError as err:
        raise Unreadable(account, "a stream line that is no JSON", raw=text) from err
    if not isinstance(content, dict):
        raise Unreadable(account, "a stream line that is no object", raw=text)
    if "data" not in content:
        return None
    return parse_post(content["data"], content.get("includes") or {}, account=account)


def parse_post(raw: Any, includes: dict[str, Any], *, account: str = "") -> Post:
    """Return one post of X's API v2, as documented at https://docs.x.com/x-api/fundamentals/data-dictionary.

    A post without author is refused: nobody could tell whether it is our own. Raises: Unreadable.
    """
    try:
        return _parse(raw, includes)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise Unreadable(account, f"a post that cannot be read: {err!r}", raw=json.dumps(raw, default=str)) from err


def _parse(raw: dict[str, Any], includes: dict[str, Any]) -> Post:
    native_id, note = str(int(raw["id"])), raw.get("note_tweet") or {}
    text = html.unescape(note.get("text") or raw["text"])
    entities = note.get("entities") or raw.get("entities") or {}
    cited = {reference["type"]: str(reference["id"]) for reference in raw.get("referenced_tweets") or []}
    author = _author(str(int(raw["author_id"])), includes)
    return Post(
        platform=Platform.X,
        native_id=native_id,
        author=author,
        text=text,
        posted_at=_instant(raw.get("created_at")) or instant_of(native_id),
        root_id=str(raw.get("conversation_id") or native_id),
        url=f"https://x.com/{author.handle or 'i'}/status/{native_id}",
        parent_id=cited.get("replied_to"),
        parent_author_id=_text_or_none(raw.get("in_reply_to_user_id")) or _author_of(cited.get("replied_to"), includes),
        quoted_author_id=_author_of(cited.get("quoted") or cited.get("retweeted"), includes),
        is_repost="retweeted" in cited,
        mentions=_mentions(entities, text),
        hashtags=_hashtags(entities, text),
        place=_place(raw, includes),
        language_hint=_language(raw.get("lang")),
        earlier_ids=_earlier(raw, native_id),
    )


def _earlier(raw: dict[str, Any], native_id: str) -> tuple[str, ...]:
    """An edit makes a new post: these are the ones it replaces, oldest first."""
    history = [str(version) for version in raw.get("edit_history_tweet_ids") or []]
    return tuple(history[: history.index(native_id)]) if native_id in history else ()


def id_at(instant: datetime) -> int:
    """Return the smallest id X could give at `instant`: ids carry milliseconds since 2010-11-04."""
    return int((instant - _EPOCH).total_seconds() * 1000) << 22


def instant_of(native_id: str) -> datetime:
    """Return when X gave out `native_id`."""
    return _EPOCH + timedelta(milliseconds=int(native_id) >> 22)


def _author(native_id: str, includes: dict[str, Any]) -> Author:
    user: dict[str, Any] = next((u for u in includes.get("users") or [] if str(u.get("id")) == native_id), {})
    followers = (user.get("public_metrics") or {}).get("followers_count")
    return Author(
        native_id=native_id,
        handle=str(user.get("username") or ""),
        name=str(user.get("name") or ""),
        followers=int(followers) if followers is not None else None,
    )


def _author_of(post_id: str | None, includes: dict[str, Any]) -> str | None:
    post = next((p for p in includes.get("tweets") or [] if str(p.get("id")) == post_id), None)
    return _text_or_none(post.get("author_id")) if post else None


def _mentions(entities: dict[str, Any], text: str) -> frozenset[str]:
    listed = [str(mention["username"]) for mention in entities.get("mentions") or []]
    return frozenset(handle.lower() for handle in listed or re.findall(r"(?<![\w@])@(\w{1,15})(?!\w)", text))


def _hashtags(entities: dict[str, Any], text: str) -> frozenset[str]:
    listed = [str(hashtag["tag"]) for hashtag in entities.get("hashtags") or []]
    return frozenset(tag.casefold() for tag in listed) or hashtags_in(text)


def _place(raw: dict[str, Any], includes: dict[str, Any]) -> str:
    place_id = (raw.get("geo") or {}).get("place_id")
    return next((str(p.get("full_name", "")) for p in includes.get("places") or [] if p.get("id") == place_id), "")


def _language(lang: Any) -> str | None:
    """X says und, zxx and q-something where there is no language to tell."""
    return lang if isinstance(lang, str) and lang not in ("und", "zxx") and not lang.startswith("q") else None


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _text_or_none(value: Any) -> str | None:
    return str(value) if value else None


def in_order(posts: Iterable[Post]) -> tuple[Post, ...]:
    """Return each post once, oldest first."""
    unique = {post.native_id: post for post in posts}
    return tuple(sorted(unique.values(), key=lambda post: int(post.native_id)))
