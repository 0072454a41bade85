"""Owns who exists on an emulated platform, what they wrote, who answered whom, and when.

Refuses to own how any platform spells this on the wire: x.py and reddit.py do. Everything is in memory; nothing
survives the process.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

SNOWFLAKE_EPOCH_MS = 1288834974657
HANDLES = {"x": re.compile(r"[A-Za-z0-9_]{1,15}"), "reddit": re.compile(r"[A-Za-z0-9_-]{3,20}")}
HANDLE_WORDS = {"x": "1-15 letters (a-z), digits or _", "reddit": "3-20 letters (a-z), digits, _ or -"}
THREAD_HOST = "daily_thread_host"
# on X; docs.x.com, edit posts, read 2026-11
EDIT_MINUTES, MOST_EDITS = 30, 5

Listener = Callable[["Post"], None]


class Impossible(Exception):
    """The asked change cannot be made in this world; the text says why and is fit to show to the asker."""


class Unknown(Impossible):
    """No such post; the asker should check the id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    id: str
    handle: str
    followers: int
    is_ours: bool
    is_bot: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    id: str
    author: str
    text: str
    created_at: datetime
    parent: str | None = None
    root: str
    quotes: str | None = None
    retweets: str | None = None
    kind: str = "post"
    subreddit: str | None = None
    title: str | None = None
    lang: str | None = None
    is_locked: bool = False
    is_deleted: bool = False
    # when its author last changed the text, on a platform where it keeps its id
    edited_at: datetime | None = None
    # every version's id, oldest first, on a platform where an edit makes a new post
    versions: tuple[str, ...] = ()

    @property
    def is_superseded(self) -> bool:
        return bool(self.versions) and self.versions[-1] != self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPost:
    author: str
    text: str
    in_reply_to: str | None = None
    followers: int | None = None
    is_bot: bool | None = None
    quotes: str | None = None
    retweets: str | None = None
    at: datetime | None = None
    lang: str | None = None
    kind: str = "post"
    subreddit: str | None = None
    title: str | None = None
    is_locked: bool = False


def now() -> datetime:
    return datetime.now(UTC)


def number_for(*parts: object, below: int) -> int:
    """The same number for the same parts, in every process."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def given_at(snowflake: int) -> datetime:
    """When X gave out this id."""
    return datetime.fromtimestamp(((snowflake >> 22) + SNOWFLAKE_EPOCH_MS) / 1000, UTC)


def base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"


class Ids:
    """Rising ids. With a seed they repeat from run to run; without one they follow the clock, so that a restarted
    emulator never gives an old id to a new post (a client's saved cursor would then skip it)."""

    def __init__(self, platform: str, seed: int | None) -> None:
        self._platform, self._seed = platform, seed
        self._count, self._last = 0, 0

    def next(self) -> int:
        self._count += 1
        self._last = max(self._last + 1, self._from_clock() if self._seed is None else self._from_seed())
        return self._last

    def _from_clock(self) -> int:
        if self._platform == "x":
            return (int(time.time() * 1000) - SNOWFLAKE_EPOCH_MS) << 22
        return int(time.time() * 100)

    def _from_seed(self) -> int:
        first = number_for("first", self._platform, self._seed, below=10**9)
        if self._platform == "x":
            step = 1 << 22
            return (470_000_000_000 + first + self._count) * step + number_for(self._seed, self._count, below=step)
        return 60_000_000_000 + first + self._count


class World:
    def __init__(self, platform: str, *, seed: int | None = None, handle: str = "brand") -> None:
        self.platform, self.handle = platform, handle
        self.version = 0
        self._seed = seed or 0
        self._ids = Ids(platform, seed)
        self._authors: dict[str, Author] = {}
        self._posts: dict[str, Post] = {}
        self._order: list[str] = []
        self._children: dict[str, list[str]] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self._standing: dict[tuple[str, str], str] = {}
        self._listeners: list[Listener] = []
        self.adopt(handle)

    # authors

    def adopt(self, handle: str) -> Author:
        """Make this handle one of our own accounts."""
        author = replace(self.author(handle), is_ours=True)
        self._authors[author.handle.lower()] = author
        return author

    def author(self, handle: str) -> Author:
        """Returns the author, created at first sight.

        Raises: Impossible for a handle the platform would not allow.
        """
        bare = handle.removeprefix("@").removeprefix("/").removeprefix("u/")
        known = self._authors.get(bare.lower())
        if known is None:
            known = self._authors[bare.lower()] = self._new_author(bare)
        return known

    def known_author(self, handle: str) -> Author | None:
        return self._authors.get(handle.lower())

    def author_by_id(self, author_id: str) -> Author | None:
        return next((a for a in self._authors.values() if a.id == author_id), None)

    def _new_author(self, handle: str) -> Author:
        if not HANDLES[self.platform].fullmatch(handle):
            raise Impossible(f"author {handle!r}: a handle here is {HANDLE_WORDS[self.platform]}")
        draw = number_for(self.platform, self._seed, handle.lower(), below=10**9)
        author_id = str(1_000_000_000 + draw) if self.platform == "x" else base36(10**9 + draw)
        made = datetime.fromtimestamp(1_400_000_000 + draw % 300_000_000, UTC)
        return Author(
            id=author_id, handle=handle, followers=3 + draw % 700, is_ours=False, is_bot=False, created_at=made
        )

    def _change_author(self, new: NewPost) -> Author:
        author = self.author(new.author)
        if new.followers is not None:
            author = replace(author, followers=new.followers)
        if new.is_bot is not None:
            author = replace(author, is_bot=new.is_bot)
        self._authors[author.handle.lower()] = author
        return author

    # posts

    def write(self, new: NewPost) -> Post:
        """Publish and tell every listener.

        Raises: Impossible when what it answers or quotes is not there, or the handle is not allowed.
        """
        for cited in (new.in_reply_to, new.quotes, new.retweets):
            if cited is not None and self.get(cited).is_deleted:
                raise Impossible(f"post {cited!r} is deleted")
        author = self._change_author(new)
        post = self._comment_or_submission(new, author) if self.platform == "reddit" else self._tweet(new, author)
        return self._publish(post)

    def delete(self, post_id: str) -> Post:
        post = self.get(post_id)
        if post.is_deleted:
            raise Unknown(f"post {post_id!r} is already deleted")
        # on X, deleting any version deletes them all
        for version in post.versions or (post.id,):
            self._posts[version] = replace(self._posts[version], is_deleted=True)
        self.version += 1
        return self._posts[post.id]

    def edit(self, post_id: str, text: str) -> Post:
        """Change a post's text as its author does: in place on Reddit; on X as a new post that replaces it.

        Raises: Unknown for what is deleted; Impossible where the platform allows no edit.
        """
        post = self.get(post_id)
        if post.is_deleted:
            raise Unknown(f"post {post_id!r} is deleted")
        if self.platform == "reddit":
            self._posts[post.id] = edited = replace(post, text=text, edited_at=now())
            self.version += 1
            return edited
        return self._new_version(self._posts[post.versions[-1]] if post.versions else post, text)

    def _new_version(self, post: Post, text: str) -> Post:
        versions = post.versions or (post.id,)
        parent = self.find(post.parent)
        if now() - self._posts[versions[0]].created_at > timedelta(minutes=EDIT_MINUTES):
            raise Impossible(f"post {post.id!r} is older than {EDIT_MINUTES} minutes")
        if len(versions) > MOST_EDITS:
            raise Impossible(f"post {post.id!r} was edited {MOST_EDITS} times")
        if parent is not None and parent.author != post.author:
            raise Impossible(f"post {post.id!r} answers somebody else")
        versions = (*versions, str(self._ids.next()))
        for version in versions[:-1]:
            self._posts[version] = replace(self._posts[version], versions=versions)
        return self._publish(replace(post, id=versions[-1], text=text, created_at=now(), versions=versions))

    def get(self, post_id: str) -> Post:
        """Raises: Unknown. On Reddit both `t1_x` and `x` are understood; deleted posts are returned too."""
        for key in (post_id, f"t1_{post_id}", f"t3_{post_id}"):
            if key in self._posts:
                return self._posts[key]
        raise Unknown(f"no post {post_id!r} here")

    def find(self, post_id: str | None) -> Post | None:
        """Like get, but None for what is unknown or deleted."""
        try:
            post = self.get(post_id or "")
        except Unknown:
            return None
        return None if post.is_deleted else post

    def posts(self) -> Iterator[Post]:
        """Every post, deleted ones too, oldest first; of an edited one its newest version."""
        return (p for i in list(self._order) if not (p := self._posts[i]).is_superseded)

    def newest(self) -> Iterator[Post]:
        """What is still there, newest first."""
        there = (self._posts[i] for i in reversed(self._order))
        return (post for post in there if not post.is_deleted and not post.is_superseded)

    def children(self, post_id: str) -> list[Post]:
        return [p for i in self._children.get(post_id, []) if not (p := self._posts[i]).is_superseded]

    def count_below(self, post_id: str) -> int:
        """How many answers there are, and answers to those. A listing asks it for each of its rows."""
        version, count = self._counts.get(post_id, (-1, 0))
        if version != self.version:
            waiting, count = [post_id], 0
            while waiting:
                children = self.children(waiting.pop())
                count += len(children)
                waiting += [child.id for child in children]
            self._counts[post_id] = self.version, count
        return count

    def is_ours(self, post: Post) -> bool:
        return self.author(post.author).is_ours

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Returns the call that ends the subscription."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _publish(self, post: Post) -> Post:
        self._posts[post.id] = post
        self._order.append(post.id)
        if post.parent:
            self._children.setdefault(post.parent, []).append(post.id)
        self.version += 1
        for listener in list(self._listeners):
            listener(post)
        return post

    def _tweet(self, new: NewPost, author: Author) -> Post:
        post_id = str(self._ids.next())
        parent = self.get(new.in_reply_to) if new.in_reply_to else None
        return Post(
            id=post_id, author=author.handle, text=new.text, created_at=new.at or now(), lang=new.lang,
            parent=parent.id if parent else None, root=parent.root if parent else post_id,
            quotes=new.quotes, retweets=new.retweets,
        )  # fmt: skip

    def _comment_or_submission(self, new: NewPost, author: Author) -> Post:
        if new.kind == "submission":
            return self._submission(new, author, new.subreddit or "sandbox")
        parent = self.get(new.in_reply_to or self.standing_submission(new.subreddit or "sandbox").id)
        return Post(
            id=f"t1_{base36(self._ids.next())}", author=author.handle, text=new.text, created_at=new.at or now(),
            kind="comment", parent=parent.id, root=parent.root, subreddit=parent.subreddit,
        )  # fmt: skip

    def _submission(self, new: NewPost, author: Author, subreddit: str) -> Post:
        post_id = f"t3_{base36(self._ids.next())}"
        first_line, _, rest = new.text.partition("\n")
        return Post(
            id=post_id, author=author.handle, text=new.text if new.title else rest.strip(), created_at=new.at or now(),
            kind="submission", root=post_id, subreddit=subreddit, title=(new.title or first_line)[:300],
            is_locked=new.is_locked,
        )  # fmt: skip

    def standing_submission(self, subreddit: str) -> Post:
        """The subreddit's daily thread: where a comment goes that answers nothing in particular."""
        key = (subreddit.lower(), now().date().isoformat())
        standing = self.find(self._standing.get(key))
        if standing is None:
            new = NewPost(author=THREAD_HOST, text="Open all day.", title=f"Daily thread, {key[1]}", kind="submission")
            standing = self._publish(self._submission(new, self.author(THREAD_HOST), subreddit))
            self._standing[key] = standing.id
        return standing
