"""Owns how X writes a post, an author and a problem as JSON, and how long X thinks a text is.

Refuses to own which posts are asked for. Field rules: docs.x.com data dictionary, read 2026-11.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulators import languages
from emulators.query import Facts
from emulators.world import Author, Post, World, number_for

MENTION = re.compile(r"(?<![\w@])@([A-Za-z0-9_]{1,15})")
HASHTAG = re.compile(r"(?<![\w#&])#(\w*[^\W\d]\w*)")
URL = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
LEADING_MENTIONS = re.compile(r"^(?:@[A-Za-z0-9_]{1,15}\s+)+")
EMOJI = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[#*0-9]\ufe0f?\u20e3|"
    "[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]?"
    "(?:\u200d[\u2600-\u27bf\U0001f300-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]?)*)"
)
URL_LENGTH, MAX_LENGTH = 23, 280
SINGLE = ((0x0000, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
PROBLEMS = "https://api.twitter.com/2/problems"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request asked to be shown beyond the default fields."""

    tweet_fields: frozenset[str]
    user_fields: frozenset[str]
    expansions: frozenset[str]


def timestamp(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def weighted_length(text: str, *, is_reply: bool) -> int:
    """In twitter-text v3 units: 1 or 2 a code point, 2 an emoji sequence, 23 a URL; a reply's leading @mentions are
    free."""
    text = unicodedata.normalize("NFC", text)
    if is_reply:
        text = LEADING_MENTIONS.sub("", text)
    text, urls = URL.subn("", text)
    text, emoji = EMOJI.subn("", text)
    return urls * URL_LENGTH + emoji * 2 + sum(1 if _is_single(ord(c)) else 2 for c in text)


def _is_single(point: int) -> bool:
    return any(first <= point <= last for first, last in SINGLE)


def full_text(world: World, post: Post) -> str:
    """The text as the API gives it: a person's reply starts with the @mention that X fills in for them."""
    if post.retweets and (original := world.find(post.retweets)):
        return f"RT @{original.author}: {full_text(world, original)}"[:140]
    parent = world.find(post.parent)
    if parent is None or world.is_ours(post) or parent.author.lower() == post.author.lower():
        return post.text
    is_named = parent.author.lower() in mentions(post.text)
    return post.text if is_named else f"@{parent.author} {post.text}"


def mentions(text: str) -> frozenset[str]:
    return frozenset(m.lower() for m in MENTION.findall(text))


def summons_us(world: World, post: Post) -> bool:
    """Whether this post's author asked for us: they @mention us or quote a post of ours."""
    quoted = world.find(post.quotes)
    return world.handle.lower() in mentions(full_text(world, post)) or bool(quoted and world.is_ours(quoted))


def facts(world: World, post: Post) -> Facts:
    text = full_text(world, post)
    parent, original, quoted = world.find(post.parent), world.find(post.retweets), world.find(post.quotes)
    return Facts(
        # matching looks at the quoted text too
        text=(f"{text} {quoted.text}" if quoted else text).lower(),
        author=post.author.lower(),
        hashtags=frozenset(t.lower() for t in HASHTAG.findall(text)),
        mentions=mentions(text),
        replies_to=parent.author.lower() if parent else None,
        in_reply_to=post.parent,
        conversation=post.root,
        retweets_of=original.author.lower() if original else None,
        is_quote=quoted is not None,
        has_links=bool(URL.search(text)),
        lang=post.lang or languages.guess(text),
    )


def post_json(world: World, post: Post, wanted: Wanted) -> dict[str, Any]:
    text = full_text(world, post)
    shown: dict[str, Any] = {
        "edit_history_tweet_ids": list(post.versions or (post.id,)), "id": post.id, "text": text,
    }  # fmt: skip
    parent = world.find(post.parent)
    references = _references(post)
    optional = {
        "created_at": timestamp(post.created_at),
        "author_id": world.author(post.author).id,
        "conversation_id": post.root,
        "in_reply_to_user_id": world.author(parent.author).id if parent else None,
        "referenced_tweets": references or None,
        "entities": _entities(world, text) or None,
        "lang": post.lang or languages.guess(text),
        "public_metrics": _post_metrics(world, post),
        "reply_settings": "everyone",
        "possibly_sensitive": False,
    }
    # an expansion shows the field it expands, asked for or not
    asked = wanted.tweet_fields | {e.split(".")[0] for e in wanted.expansions}
    asked |= {"referenced_tweets"} if any(e.startswith("referenced_tweets") for e in wanted.expansions) else set()
    return shown | {k: v for k, v in optional.items() if k in asked and v is not None}


def _references(post: Post) -> list[dict[str, str]]:
    pairs = (("retweeted", post.retweets), ("quoted", post.quotes), ("replied_to", post.parent))
    return [{"type": kind, "id": cited} for kind, cited in pairs if cited]


def _entities(world: World, text: str) -> dict[str, Any]:
    found = {
        "mentions": [_mention(world, m) for m in MENTION.finditer(text)],
        "hashtags": [{"start": m.start(), "end": m.end(), "tag": m[1]} for m in HASHTAG.finditer(text)],
        "urls": [_url(m) for m in URL.finditer(text)],
    }
    return {kind: entries for kind, entries in found.items() if entries}


def _mention(world: World, match: re.Match[str]) -> dict[str, Any]:
    author = world.known_author(match[1])
    mention = {"start": match.start(), "end": match.end(), "username": author.handle if author else match[1]}
    return mention | ({"id": author.id} if author else {})


def _url(match: re.Match[str]) -> dict[str, Any]:
    display = match[0].split("://", 1)[1]
    place = {"start": match.start(), "end": match.end()}
    return place | {"url": match[0], "expanded_url": match[0], "display_url": display}


def _post_metrics(world: World, post: Post) -> dict[str, int]:
    replies = sum(not child.is_deleted for child in world.children(post.id))
    likes = number_for("likes", post.id, below=5)
    return {
        "retweet_count": 0, "reply_count": replies, "like_count": likes, "quote_count": 0,
        "bookmark_count": 0, "impression_count": likes * 31,
    }  # fmt: skip


def author_json(author: Author, wanted: Wanted) -> dict[str, Any]:
    optional = {
        "created_at": timestamp(author.created_at),
        "description": "Automated account." if author.is_bot else "",
        "protected": False,
        "verified": False,
        "public_metrics": {
            "followers_count": author.followers, "following_count": 120, "tweet_count": 800, "listed_count": 2,
        },
    }  # fmt: skip
    name = author.handle.replace("_", " ").title()
    shown = {"id": author.id, "name": name, "username": author.handle}
    return shown | {k: v for k, v in optional.items() if k in wanted.user_fields}


def includes(world: World, posts: Iterable[Post], wanted: Wanted) -> dict[str, Any]:
    cited: dict[str, Post] = {}
    authors: dict[str, Author] = {}
    for post in posts:
        found = [p for r in _references(post) if (p := world.find(r["id"]))]
        if any(e.startswith("referenced_tweets.id") for e in wanted.expansions):
            cited |= {p.id: p for p in found}
        authors |= {a.id: a for a in _named(world, post, found, wanted)}
    included = {
        "users": [author_json(a, wanted) for a in authors.values()],
        "tweets": [post_json(world, p, wanted) for p in cited.values()],
    }
    return {kind: entries for kind, entries in included.items() if entries}


def _named(world: World, post: Post, cited: Sequence[Post], wanted: Wanted) -> list[Author]:
    named: list[Author] = []
    parent = world.find(post.parent)
    if "author_id" in wanted.expansions:
        named.append(world.author(post.author))
    if "in_reply_to_user_id" in wanted.expansions and parent:
        named.append(world.author(parent.author))
    if "entities.mentions.username" in wanted.expansions:
        known = (world.known_author(m) for m in MENTION.findall(full_text(world, post)))
        named += [a for a in known if a]
    if "referenced_tweets.id.author_id" in wanted.expansions:
        named += [world.author(p.author) for p in cited]
    return named


def problem(status: int, title: str, detail: str, kind: str = "about:blank", **extra: Any) -> dict[str, Any]:
    return {"title": title, "type": kind, "status": status, "detail": detail} | extra


def not_found(kind: str, parameter: str, value: str) -> dict[str, Any]:
    """The partial error that stands in a 200 answer for one thing that is not there."""
    return {
        "value": value, "detail": f"Could not find {kind} with {parameter}: [{value}].", "title": "Not Found Error",
        "resource_type": kind, "parameter": parameter, "resource_id": value, "type": f"{PROBLEMS}/resource-not-found",
    }  # fmt: skip
