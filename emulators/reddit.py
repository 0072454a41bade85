"""Owns the emulated Reddit: both hosts' paths, what each answers, and the rules for commenting.

Refuses to own tokens and the rate window (reddit_access), JSON shapes (reddit_shapes) and the world itself.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from emulators import query, sandbox
from emulators.faults import FaultPlan
from emulators.limits import Limits
from emulators.query import Facts
from emulators.reddit_access import ACCOUNT, CALLS_A_WINDOW, ENDPOINTS, WINDOW_SECONDS, Gate, api_errors, refuse
from emulators.reddit_shapes import Spelling, account, bare, listing, message, subreddit_about, thing, with_link
from emulators.world import NewPost, Post, Unknown, World, now

LISTING_DEPTH, MAX_PAGE, DEFAULT_PAGE = 1000, 100, 25
MAX_COMMENT = 10_000
# how far back a search goes by its `t`; reddit.com/dev/api, read 2026-11
SPANS = {
    "hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31),
    "year": timedelta(days=366), "all": timedelta(days=36_500),
}  # fmt: skip

Show = Callable[[Post], dict[str, Any]]


def make_app(world: World, *, limits_are_enforced: bool = True) -> web.Application:
    plan = FaultPlan(endpoints=ENDPOINTS, extra=("api_error",))
    limits = Limits({"all": CALLS_A_WINDOW}, window_seconds=WINDOW_SECONDS, are_enforced=limits_are_enforced)
    gate = Gate(world, plan=plan, limits=limits)
    app = web.Application(client_max_size=4 * 1024 * 1024)
    for method, path, endpoint, handler in RedditApi(world).routes(gate):
        for spelled in (path, f"{path}/"):
            app.router.add_route(method, spelled, gate.guard(endpoint, handler))
    sandbox.add_to(app, world, plan)
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a listing is asked for."""

    limit: int
    before: str | None
    after: str | None


class RedditApi:
    def __init__(self, world: World) -> None:
        self._world = world
        self._read: set[tuple[str, str]] = set()

    def routes(self, gate: Gate) -> list[tuple[str, str, str, Callable[..., Any]]]:
        return [
            ("POST", "/api/v1/access_token", "token", gate.token),
            ("GET", "/api/v1/me", "me", self.me),
            ("GET", "/api/info", "info", self.info),
            ("POST", "/api/comment", "comment", self.comment),
            ("POST", "/api/del", "del", self.delete),
            ("POST", "/api/read_message", "read_message", self.read_message),
            ("GET", "/message/mentions", "mentions", self.mentions),
            ("GET", "/message/inbox", "inbox", self.inbox),
            ("GET", "/message/unread", "unread", self.unread),
            ("GET", "/r/{subreddit}/comments", "comments", self.comments),
            ("GET", "/r/{subreddit}/new", "new", self.new),
            ("GET", "/r/{subreddit}/search", "search", self.search),
            ("GET", "/r/{subreddit}/about", "subreddit_about", self.about_subreddit),
            ("GET", "/comments/{link}", "thread", self.thread),
            ("GET", "/comments/{link}/{slug}/{comment}", "thread", self.thread),
            ("GET", "/r/{subreddit}/comments/{link}", "thread", self.thread),
            ("GET", "/r/{subreddit}/comments/{link}/{slug}/{comment}", "thread", self.thread),
            ("GET", "/user/{name}/comments", "user_comments", self.user_comments),
            ("GET", "/user/{name}/about", "user_about", self.about_user),
        ]

    # accounts and subreddits

    async def me(self, request: web.Request) -> web.Response:
        if not request[ACCOUNT]:
            return refuse(403, "Forbidden")
        shown = account(self._world.author(request[ACCOUNT]))
        unread = len(self._unread(request[ACCOUNT]))
        return web.json_response(shown | {"inbox_count": unread, "has_mail": unread > 0, "is_suspended": False})

    async def about_user(self, request: web.Request) -> web.Response:
        author = self._world.known_author(request.match_info["name"])
        if author is None:
            return refuse(404, "Not Found")
        return web.json_response({"kind": "t2", "data": account(author)})

    async def about_subreddit(self, request: web.Request) -> web.Response:
        return web.json_response(subreddit_about(request.match_info["subreddit"]))

    # listings

    async def comments(self, request: web.Request) -> web.Response:
        return self._listed(request, self._in_subreddits(request, "comment"))

    async def new(self, request: web.Request) -> web.Response:
        return self._listed(request, self._in_subreddits(request, "submission"))

    async def user_comments(self, request: web.Request) -> web.Response:
        author = self._world.known_author(request.match_info["name"])
        if author is None:
            return refuse(404, "Not Found")
        theirs = (p for p in self._world.newest() if p.kind == "comment" and p.author == author.handle)
        return self._listed(request, theirs)

    async def search(self, request: web.Request) -> web.Response:
        text = re.sub(r"\bauthor:", "from:", request.query.get("q", "")).replace(" AND ", " ")
        try:
            asks = query.parse(text, folds_accents=True)
        except query.BadQuery:
            return web.json_response(listing([]))
        oldest = now() - SPANS.get(request.query.get("t", "all"), SPANS["all"])
        found = (
            post for post in self._in_subreddits(request, "submission")
            if post.created_at >= oldest and asks(_facts(post))
        )  # fmt: skip
        return self._listed(request, found)

    def _in_subreddits(self, request: web.Request, kind: str) -> Iterable[Post]:
        names = set(request.match_info["subreddit"].lower().split("+"))
        is_anywhere = "all" in names
        return (
            post for post in self._world.newest()
            if post.kind == kind and (is_anywhere or (post.subreddit or "").lower() in names)
        )  # fmt: skip

    def _listed(self, request: web.Request, posts: Iterable[Post], show: Show | None = None) -> web.Response:
        reachable = _first(posts, LISTING_DEPTH)
        part = _cut(reachable, _page(request))
        spelling = _spelling(request)
        children = [show(p) if show else with_link(self._world, p, spelling) for p in part]
        has_older = bool(part) and part[-1] is not reachable[-1]
        has_newer = bool(part) and part[0] is not reachable[0]
        return web.json_response(
            listing(children, after=part[-1].id if has_older else None, before=part[0].id if has_newer else None)
        )

    async def info(self, request: web.Request) -> web.Response:
        names = request.query.get("id", "").split(",")[:MAX_PAGE]
        found = [p for name in names if name and (p := self._any(name)) is not None]
        return web.json_response(listing([thing(self._world, p, _spelling(request)) for p in found]))

    def _any(self, fullname: str) -> Post | None:
        """A post, deleted or not."""
        try:
            return self._world.get(fullname)
        except Unknown:
            return None

    # threads

    async def thread(self, request: web.Request) -> web.Response:
        root = self._any(f"t3_{request.match_info['link']}")
        if root is None:
            return refuse(404, "Not Found")
        spelling = _spelling(request)
        top = listing([thing(self._world, root, spelling)])
        name = request.match_info.get("comment")
        if name is None:
            return web.json_response([top, listing(self._replies(root, spelling))])
        comment = self._any(f"t1_{name}")
        if comment is None or comment.root != root.id:
            return web.json_response([top, listing([])])
        return web.json_response([top, listing([self._with_context(comment, request)])])

    def _replies(self, post: Post, spelling: Spelling) -> list[dict[str, Any]]:
        """The whole tree below; a deleted comment without replies is not shown."""
        children = (c for c in self._world.children(post.id) if not c.is_deleted or self._world.children(c.id))
        return [self._tree(child, spelling) for child in children]

    def _tree(self, post: Post, spelling: Spelling) -> dict[str, Any]:
        replies = self._replies(post, spelling)
        return thing(self._world, post, spelling, replies=listing(replies) if replies else "")

    def _with_context(self, comment: Post, request: web.Request) -> dict[str, Any]:
        """The comment with all below it, inside as many of its ancestors as asked for, each with that one reply."""
        spelling = _spelling(request)
        shown = self._tree(comment, spelling)
        for _ in range(min(_integer(request, "context", 0), 8)):
            parent = self._any(comment.parent or "")
            if parent is None or parent.kind == "submission":
                break
            shown, comment = thing(self._world, parent, spelling, replies=listing([shown])), parent
        return shown

    # the inbox

    async def mentions(self, request: web.Request) -> web.Response:
        us = request[ACCOUNT]
        return self._inbox(request, [post for post in self._messages(us) if self._kind(post, us) == "username_mention"])

    async def inbox(self, request: web.Request) -> web.Response:
        return self._inbox(request, self._messages(request[ACCOUNT]))

    async def unread(self, request: web.Request) -> web.Response:
        return self._inbox(request, self._unread(request[ACCOUNT]))

    async def read_message(self, request: web.Request) -> web.Response:
        form = await request.post()
        self._read |= {(request[ACCOUNT], name) for name in str(form.get("id", "")).split(",") if name}
        return web.json_response({})

    def _inbox(self, request: web.Request, posts: list[Post]) -> web.Response:
        us = request[ACCOUNT]
        if not us:
            return refuse(403, "Forbidden")
        spelling = _spelling(request)

        def show(post: Post) -> dict[str, Any]:
            kind = self._kind(post, us) or "username_mention"
            return message(self._world, post, spelling, kind=kind, is_new=(us, post.id) not in self._read)

        return self._listed(request, posts, show)

    def _messages(self, us: str) -> list[Post]:
        return [post for post in self._world.newest() if self._kind(post, us)]

    def _unread(self, us: str) -> list[Post]:
        return [post for post in self._messages(us) if (us, post.id) not in self._read]

    def _kind(self, post: Post, us: str) -> str | None:
        """What this post is in an account's inbox, if anything. A reply to it that also names it is only a reply."""
        if post.kind != "comment" or post.author.lower() == us.lower():
            return None
        parent = self._any(post.parent or "")
        if parent is not None and parent.author.lower() == us.lower():
            return "post_reply" if parent.kind == "submission" else "comment_reply"
        named = re.search(rf"(?<![\w/])/?u/{re.escape(us)}(?![\w-])", post.text, re.IGNORECASE)
        return "username_mention" if named else None

    # writing

    async def comment(self, request: web.Request) -> web.Response:
        form = await request.post()
        text = str(form.get("text", ""))
        if not request[ACCOUNT]:
            return api_errors(("USER_REQUIRED", "Please log in to do that.", ""))
        parent = self._any(str(form.get("thing_id", "")))
        if parent is None:
            return refuse(404, "Not Found")
        errors = self._comment_errors(text, parent)
        if errors:
            return api_errors(*errors)
        post = self._world.write(NewPost(author=request[ACCOUNT], text=text, in_reply_to=parent.id, kind="comment"))
        things = [thing(self._world, post, _spelling(request))]
        return web.json_response({"json": {"errors": [], "data": {"things": things}}})

    def _comment_errors(self, text: str, parent: Post) -> list[tuple[str, str, str]]:
        if not text.strip():
            return [("NO_TEXT", "we need something here", "text")]
        if len(text) > MAX_COMMENT:
            return [("TOO_LONG", f"this is too long (max: {MAX_COMMENT})", "text")]
        if parent.is_deleted and parent.kind == "comment":
            return [("DELETED_COMMENT", "that comment has been deleted", "parent")]
        if parent.is_deleted:
            return [("DELETED_LINK", "the link you are commenting on has been deleted", "parent")]
        if self._world.get(parent.root).is_locked:
            return [("THREAD_LOCKED", "Comments are locked.", "parent")]
        return []

    async def delete(self, request: web.Request) -> web.Response:
        form = await request.post()
        post = self._world.find(str(form.get("id", "")))
        if post is not None and post.author != request[ACCOUNT]:
            return refuse(403, "Forbidden")
        if post is not None:
            self._world.delete(post.id)
        return web.json_response({})


def _page(request: web.Request) -> Page:
    limit = max(1, min(_integer(request, "limit", DEFAULT_PAGE), MAX_PAGE))
    return Page(limit=limit, before=request.query.get("before"), after=request.query.get("after"))


def _cut(posts: list[Post], page: Page) -> list[Post]:
    """The asked part, newest first. `before` gives the items nearest the anchor; a lost anchor gives nothing."""
    anchor = page.before or page.after
    if not anchor:
        return posts[: page.limit]
    at = next((i for i, post in enumerate(posts) if anchor in (post.id, bare(post.id))), None)
    if at is None:
        return []
    return posts[max(0, at - page.limit) : at] if page.before else posts[at + 1 : at + 1 + page.limit]


def _first(posts: Iterable[Post], count: int) -> list[Post]:
    return [post for post, _ in zip(posts, range(count), strict=False)]


def _spelling(request: web.Request) -> Spelling:
    return Spelling(is_raw=request.query.get("raw_json") == "1")


def _integer(request: web.Request, name: str, default: int) -> int:
    try:
        return int(request.query.get(name, default))
    except ValueError:
        return default


def _facts(post: Post) -> Facts:
    return Facts(text=f"{post.title or ''} {post.text}".lower(), author=post.author.lower())
