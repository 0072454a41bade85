"""Reddit's comments and submissions, read. Pure.

Owns the shapes of things (t1, t3). Refuses any I/O, and to guess: what cannot be read is Unreadable, with
its raw text; what is deleted is nothing.
"""

import html
import json
import re
from datetime import UTC, datetime
from typing import Any

from core.bots import names_a_machine
from core.errors import Unreadable
from core.post import Author, Platform, Post
from core.recheck import Answer
from core.watch import hashtags_in

_SITE = "https://www.reddit.com"
_GONE = ("[deleted]", "[removed]")
_ANSWERS_US = ("comment_reply", "post_reply")


def parse_thing(thing: Any, *, account: str = "", our_id: str | None = None) -> Post | None:
    """Return a comment or submission; None for what is deleted or neither. Raises: Unreadable."""
    kind = thing.get("kind") if isinstance(thing, dict) else None
    if kind == "t1":
        return parse_comment(thing.get("data"), account=account, our_id=our_id)
    if kind == "t3":
        return parse_submission(thing.get("data"), account=account)
    if kind in ("t2", "t4", "t5", "t6", "more"):
        return None
    raise Unreadable(account, "not a thing of Reddit", raw=json.dumps(thing, default=str))


def parse_recheck(thing: Any, *, account: str = "") -> Answer:
    """Return what a thing that was looked up says of itself. Raises: Unreadable."""
    post = parse_thing(thing, account=account)
    data = thing["data"]
    native_id = f"{thing['kind']}_{str(data['id']).split('_')[-1]}" if "id" in data else str(data.get("name", ""))
    return Answer(native_id=native_id, post=post, is_edited=bool(data.get("edited")), is_gone=post is None)


def parse_comment(raw: Any, *, account: str = "", our_id: str | None = None) -> Post | None:
    """Return one comment; None where it is deleted. Raises: Unreadable.

    Only the inbox tells whom a comment answers: there `our_id` is the parent's author.
    """
    try:
        if _is_gone(raw, raw["body"]):
            return None
        return _post(
            raw,
            kind="t1",
            text=_plain(raw["body"]),
            root_id=raw.get("link_id") or _root_in(raw.get("permalink") or raw.get("context") or ""),
            parent_id=raw.get("parent_id"),
            parent_author_id=our_id if raw.get("type") in _ANSWERS_US else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as err:
        raise _unreadable(account, raw, err) from err


def parse_submission(raw: Any, *, account: str = "") -> Post | None:
    """Return one submission, its title before its text; None where it is deleted. Raises: Unreadable."""
    try:
        text = raw.get("selftext") or ""
        if _is_gone(raw, text):
            return None
        title_and_text = "\n\n".join(part for part in (_plain(raw["title"]), _plain(text)) if part)
        return _post(raw, kind="t3", text=title_and_text, root_id=None, parent_id=None, parent_author_id=None)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as err:
        raise _unreadable(account, raw, err) from err


def _post(
    raw: dict[str, Any],
    *,
    kind: str,
    text: str,
    root_id: str | None,
    parent_id: str | None,
    parent_author_id: str | None,
) -> Post:
    native_id = f"{kind}_{raw['id'].removeprefix(f'{kind}_')}"
    return Post(
        platform=Platform.REDDIT,
        native_id=native_id,
        author=_author(raw),
        text=text,
        posted_at=datetime.fromtimestamp(float(raw["created_utc"]), UTC),
        root_id=root_id or native_id,
        url=_url(raw, native_id),
        parent_id=parent_id,
        parent_author_id=parent_author_id,
        mentions=frozenset(name.lower() for name in re.findall(r"(?<![\w/])/?u/([\w-]{3,20})", text)),
        hashtags=hashtags_in(text),
        place=str(raw.get("subreddit_name_prefixed") or ""),
    )


def _author(raw: dict[str, Any]) -> Author:
    handle = str(raw["author"])
    native_id = str(raw.get("author_fullname") or f"u/{handle}")
    # Reddit has no such flag; by custom a bot's name says it.
    return Author(native_id=native_id, handle=handle, is_bot=names_a_machine(handle))


def _is_gone(raw: dict[str, Any], text: str) -> bool:
    return raw.get("author") in (None, "", *_GONE) or text.strip() in _GONE


def _url(raw: dict[str, Any], native_id: str) -> str:
    path = str(raw.get("permalink") or raw.get("context") or "").split("?")[0]
    return f"{_SITE}{path}" if path else f"{_SITE}/api/info?id={native_id}"


def _root_in(path: str) -> str | None:
    found = re.search(r"/comments/(\w+)", path)
    return f"t3_{found[1]}" if found else None


def _plain(text: str) -> str:
    """raw_json=1 gives plain text; what is still escaped is unescaped here."""
    return html.unescape(text).strip()


def _unreadable(account: str, raw: Any, error: Exception) -> Unreadable:
    return Unreadable(account, f"a thing that cannot be read: {error!r}", raw=json.dumps(raw, default=str))
