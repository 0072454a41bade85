"""Owns the emulated X: the /2/ paths, what each answers, and the rules for posting.

Refuses to own credentials and windows (x_access), JSON shapes (x_shapes), the stream (x_stream) and the world itself.
Paths and rules: docs.x.com, read 2026-11.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web

from emulators import query, sandbox, x_request, x_shapes
from emulators.faults import FaultPlan
from emulators.limits import Limits
from emulators.world import Author, NewPost, Post, World, given_at, now
from emulators.x_access import ENDPOINTS, LIMITS, WINDOW_SECONDS, Gate, Secrets, refuse
from emulators.x_request import BadRequest
from emulators.x_shapes import PROBLEMS, Wanted
from emulators.x_stream import Rules, Stream

MAX_QUERY_LENGTH = 512
SEARCH_DAYS = 7
DUPLICATE_HOURS = 24

Test = Callable[[Post], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class XSettings:
    heartbeat_seconds: float = 20.0
    limits_are_enforced: bool = True
    secrets: Secrets = field(default_factory=Secrets)


def make_app(world: World, settings: XSettings | None = None, *, seed: int | None = None) -> web.Application:
    settings = settings or XSettings()
    plan = FaultPlan(endpoints=ENDPOINTS, streams=True)
    limits = Limits(LIMITS, window_seconds=WINDOW_SECONDS, are_enforced=settings.limits_are_enforced)
    gate = Gate(plan=plan, limits=limits, secrets=settings.secrets)
    rules = Rules(seed)
    stream = Stream(world, plan, rules, heartbeat_seconds=settings.heartbeat_seconds)
    app = web.Application()
    for method, path, endpoint, handler in XApi(world, rules, stream).routes():
        app.router.add_route(method, path, gate.guard(endpoint, handler))
    sandbox.add_to(app, world, plan)
    return app


class XApi:
    def __init__(self, world: World, rules: Rules, stream: Stream) -> None:
        self._world, self._rules, self._stream = world, rules, stream

    def routes(self) -> list[tuple[str, str, str, Callable[..., Any]]]:
        routes = [
            ("GET", "/2/users/me", "me", self.me),
            ("GET", "/2/users/by/username/{name}", "user", self.user),
            ("GET", "/2/users/{id}", "user", self.user_by_id),
            ("GET", "/2/users/{id}/mentions", "mentions", self.mentions),
            ("GET", "/2/users/{id}/tweets", "user_tweets", self.user_tweets),
            ("GET", "/2/tweets/search/recent", "search", self.search),
            ("GET", "/2/tweets/search/stream/rules", "rules", self.list_rules),
            ("POST", "/2/tweets/search/stream/rules", "rules_change", self.change_rules),
            ("GET", "/2/tweets/search/stream", "stream", self.stream),
            ("GET", "/2/tweets", "tweets", self.tweets),
            ("GET", "/2/tweets/{id}", "tweet", self.tweet),
            ("POST", "/2/tweets", "create", self.create),
            ("DELETE", "/2/tweets/{id}", "delete", self.delete),
        ]
        return [(method, path, endpoint, _refusing(handler)) for method, path, endpoint, handler in routes]

    # authors

    async def me(self, request: web.Request) -> web.Response:
        return self._author(self._world.author(self._world.handle), x_request.wanted(request))

    async def user(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        author = self._world.known_author(name)
        if author is None:
            return web.json_response({"errors": [x_shapes.not_found("user", "username", name)]})
        return self._author(author, x_request.wanted(request))

    async def user_by_id(self, request: web.Request) -> web.Response:
        author = self._world.author_by_id(request.match_info["id"])
        if author is None:
            return web.json_response({"errors": [x_shapes.not_found("user", "id", request.match_info["id"])]})
        return self._author(author, x_request.wanted(request))

    def _author(self, author: Author, wanted: Wanted) -> web.Response:
        return web.json_response({"data": x_shapes.author_json(author, wanted)})

    # reading

    async def mentions(self, request: web.Request) -> web.Response:
        author = self._asked_author(request)
        handle = author.handle.lower()

        def named(post: Post) -> bool:
            return not post.retweets and handle in x_shapes.mentions(x_shapes.full_text(self._world, post))

        return self._page(request, named, sizes=(5, 100), default_size=10, token="pagination_token")

    async def user_tweets(self, request: web.Request) -> web.Response:
        handle = self._asked_author(request).handle
        return self._page(
            request, lambda post: post.author == handle, sizes=(5, 100), default_size=10, token="pagination_token"
        )

    async def search(self, request: web.Request) -> web.Response:
        text = request.query.get("query", "")
        if not text or len(text) > MAX_QUERY_LENGTH:
            raise BadRequest(f"query: between 1 and {MAX_QUERY_LENGTH} characters, not {len(text)}")
        asks = query.parse(text, folds_accents=True)
        oldest = now() - timedelta(days=SEARCH_DAYS)
        start = x_request.moment(request, "start_time")
        if start and start < oldest - timedelta(minutes=1):
            raise BadRequest(f"start_time: not more than {SEARCH_DAYS} days ago")
        since = x_request.number(request, "since_id", 0)
        if since and given_at(since) < oldest - timedelta(minutes=1):
            raise BadRequest(f"since_id: from more than {SEARCH_DAYS} days ago")

        def found(post: Post) -> bool:
            # since 2026-05-04 recent search returns no retweets
            return not post.retweets and post.created_at >= oldest and asks(x_shapes.facts(self._world, post))

        return self._page(request, found, sizes=(10, 100), default_size=10, token="next_token")

    async def tweets(self, request: web.Request) -> web.Response:
        ids = [i for i in request.query.get("ids", "").split(",") if i]
        if not 1 <= len(ids) <= 100:
            raise BadRequest("ids: between 1 and 100")
        found = {i: self._world.find(i) for i in ids}
        answer = self._shown([p for p in found.values() if p], x_request.wanted(request))
        errors = [x_shapes.not_found("tweet", "ids", i) for i, post in found.items() if post is None]
        return web.json_response(answer | ({"errors": errors} if errors else {}))

    async def tweet(self, request: web.Request) -> web.Response:
        post = self._world.find(request.match_info["id"])
        if post is None:
            return web.json_response({"errors": [x_shapes.not_found("tweet", "id", request.match_info["id"])]})
        answer = self._shown([post], x_request.wanted(request))
        return web.json_response(answer | {"data": answer["data"][0]})

    def _asked_author(self, request: web.Request) -> Author:
        author = self._world.author_by_id(request.match_info["id"])
        if author is None:
            raise BadRequest(f"id: no user [{request.match_info['id']}]")
        return author

    def _page(
        self, request: web.Request, test: Test, *, sizes: tuple[int, int], default_size: int, token: str
    ) -> web.Response:
        size = x_request.number(request, "max_results", default_size)
        if not sizes[0] <= size <= sizes[1]:
            raise BadRequest(f"max_results: between {sizes[0]} and {sizes[1]}, not {size}")
        found: list[Post] = []
        for post in self._window(request, token):
            if test(post):
                found.append(post)
            if len(found) > size:
                break
        page = found[:size]
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
        if len(found) > size:
            meta["next_token"] = x_request.encode_token(page[-1].id)
        return web.json_response(self._shown(page, x_request.wanted(request)) | {"meta": meta})

    def _window(self, request: web.Request, token: str) -> Iterator[Post]:
        """Newest first, between since_id and until_id or the page token, and the times asked for."""
        since, until = x_request.number(request, "since_id", 0), x_request.number(request, "until_id", 1 << 63)
        if token in request.query or "next_token" in request.query:
            until = x_request.decode_token(request.query.get(token) or request.query["next_token"])
        start, end = x_request.moment(request, "start_time"), x_request.moment(request, "end_time")
        for post in self._world.newest():
            if int(post.id) <= since:
                return
            too_old, too_new = start and post.created_at < start, end and post.created_at >= end
            if int(post.id) < until and not too_old and not too_new:
                yield post

    def _shown(self, posts: list[Post], wanted: Wanted) -> dict[str, Any]:
        if not posts:
            return {}
        shown: dict[str, Any] = {"data": [x_shapes.post_json(self._world, p, wanted) for p in posts]}
        included = x_shapes.includes(self._world, posts, wanted)
        return shown | ({"includes": included} if included else {})

    # writing

    async def create(self, request: web.Request) -> web.Response:
        body = await x_request.json_object(request)
        text, reply = body.get("text"), body.get("reply") or {}
        parent_id, quoted_id = reply.get("in_reply_to_tweet_id"), body.get("quote_tweet_id")
        if not isinstance(text, str) or not text.strip():
            raise BadRequest("text: a post needs text")
        refusal = self._refusal(text, parent_id, quoted_id)
        if refusal:
            return refuse(403, "Forbidden", refusal)
        new = NewPost(author=self._world.handle, text=text, in_reply_to=parent_id, quotes=quoted_id)
        post = self._world.write(new)
        data = {"edit_history_tweet_ids": [post.id], "id": post.id, "text": post.text}
        return web.json_response({"data": data}, status=201)

    def _refusal(self, text: str, parent_id: str | None, quoted_id: str | None) -> str | None:
        parent = self._world.find(parent_id)
        if parent_id and parent is None:
            return "You attempted to reply to a Tweet that is deleted or not visible to you."
        if quoted_id and self._world.find(quoted_id) is None:
            return "You attempted to quote a Tweet that is deleted or not visible to you."
        if parent and not self._world.is_ours(parent) and not x_shapes.summons_us(self._world, parent):
            # the exact words of the real refusal are not in any source read; clients go by the status
            return "Reply not allowed: the author of this post has not mentioned you or quoted a post of yours."
        if x_shapes.weighted_length(text, is_reply=parent is not None) > x_shapes.MAX_LENGTH:
            return "Your Tweet text is too long. For more information on how text length is determined see the docs."
        return "You are not allowed to create a Tweet with duplicate content." if self._repeats(text, parent) else None

    def _repeats(self, text: str, parent: Post | None) -> bool:
        """The same text, to the same author (on the real one each carries the author's @name), within a day."""
        oldest = now() - timedelta(hours=DUPLICATE_HOURS)
        said = (p for p in self._world.newest() if p.text == text and self._world.is_ours(p) and p.created_at > oldest)
        parents = (self._world.find(post.parent) for post in said)
        return any((p and p.author) == (parent and parent.author) for p in parents)

    async def delete(self, request: web.Request) -> web.Response:
        post = self._world.find(request.match_info["id"])
        if post is None:
            error = x_shapes.not_found("tweet", "id", request.match_info["id"])
            return refuse(404, "Not Found Error", error["detail"], f"{PROBLEMS}/resource-not-found")
        if not self._world.is_ours(post):
            return refuse(403, "Forbidden", "You are not permitted to delete this Tweet.")
        self._world.delete(post.id)
        return web.json_response({"data": {"deleted": True}})

    # the stream

    async def list_rules(self, request: web.Request) -> web.Response:
        asked = [i for i in request.query.get("ids", "").split(",") if i]
        rules = [r.as_json() for r in self._rules.kept.values() if not asked or r.id in asked]
        meta = {"sent": x_shapes.timestamp(now()), "result_count": len(rules)}
        return web.json_response(({"data": rules} if rules else {}) | {"meta": meta})

    async def change_rules(self, request: web.Request) -> web.Response:
        body = await x_request.json_object(request)
        dry_run = request.query.get("dry_run") == "true"
        if isinstance(body.get("add"), list):
            answer = self._rules.add(body["add"], dry_run=dry_run)
            is_refused = any(error["title"] != "DuplicateRule" for error in answer.get("errors", []))
            return web.json_response(answer, status=400 if is_refused and "data" not in answer else 201)
        if isinstance(body.get("delete"), dict):
            return web.json_response(self._rules.delete(body["delete"].get("ids", []), dry_run=dry_run))
        raise BadRequest('body: {"add": [...]} or {"delete": {"ids": [...]}}')

    async def stream(self, request: web.Request) -> web.StreamResponse:
        return await self._stream.serve(request, x_request.wanted(request))


def _refusing(handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
    async def refusing(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except (BadRequest, query.BadQuery) as err:
            detail = "One or more parameters to your request was invalid."
            errors = [{"parameters": {k: [v] for k, v in request.query.items()}, "message": str(err)}]
            return refuse(400, "Invalid Request", detail, f"{PROBLEMS}/invalid-request", errors=errors)

    return refusing
