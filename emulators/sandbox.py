"""Owns /sandbox, the same on every emulator: write, edit or delete posts as anyone, plan faults, see it as a page.

Refuses to own what a platform's clients see. The page says that nothing here leaves this machine.
"""

import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, select_autoescape

from emulators.faults import BadPlan, FaultPlan
from emulators.sandbox_samples import SAMPLES
from emulators.world import Impossible, NewPost, Post, Unknown, World

MOST_ALERTS = 100
PAGE = Path(__file__).parent / "page"
NAMES = {"x": "X", "reddit": "Reddit"}
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'"
# what each key of a post to write must be, and its name in NewPost
KEYS: Mapping[str, tuple[type, str]] = {
    "author": (str, "author"), "text": (str, "text"), "in_reply_to": (str, "in_reply_to"), "at": (str, "at"),
    "followers": (int, "followers"), "bot": (bool, "is_bot"), "quotes": (str, "quotes"), "lang": (str, "lang"),
    "retweets": (str, "retweets"), "subreddit": (str, "subreddit"), "kind": (str, "kind"), "title": (str, "title"),
    "locked": (bool, "is_locked"),
}  # fmt: skip

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadInput(Exception):
    """The asker should change the body as the text says."""


def add_to(app: web.Application, world: World, plan: FaultPlan) -> None:
    api = _Sandbox(world, plan)
    routes: list[tuple[str, str, Handler]] = [
        ("GET", "/", api.home), ("GET", "/sandbox", api.page), ("GET", "/sandbox/", api.page),
        ("GET", "/sandbox/posts", api.posts), ("POST", "/sandbox/posts", api.write),
        ("DELETE", "/sandbox/posts/{id}", api.delete), ("PATCH", "/sandbox/posts/{id}", api.edit),
        ("GET", "/sandbox/faults", api.faults), ("POST", "/sandbox/faults", api.plan_faults),
        ("DELETE", "/sandbox/faults", api.clear_faults),
        ("GET", "/sandbox/alerts", api.alerts), ("POST", "/sandbox/alerts", api.take_alert),
    ]  # fmt: skip
    for method, path, handler in routes:
        app.router.add_route(method, path, _explaining(handler))
    app.router.add_static("/sandbox/static", PAGE)


class _Sandbox:
    def __init__(self, world: World, plan: FaultPlan) -> None:
        self._world, self._plan = world, plan
        self._alerts: deque[dict[str, str]] = deque(maxlen=MOST_ALERTS)

    async def home(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/sandbox")

    async def page(self, _request: web.Request) -> web.Response:
        environment = Environment(loader=FileSystemLoader(PAGE), autoescape=select_autoescape())
        samples = [s | {"text": self._named(s["text"])} for s in SAMPLES]
        page = environment.get_template("sandbox.html").render(
            platform=self._world.platform, name=NAMES[self._world.platform], handle=self._world.handle, samples=samples
        )
        return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    def _named(self, text: str) -> str:
        at = "u/" if self._world.platform == "reddit" else "@"
        return text.replace("@brand", at + self._world.handle).replace("#brand", f"#{self._world.handle}")

    async def posts(self, request: web.Request) -> web.Response:
        tag = f'"{self._world.version}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        listed = [self._shown(post) for post in self._world.posts()]
        return web.json_response(listed, headers={"ETag": tag, "Cache-Control": "no-cache"})

    def _shown(self, post: Post) -> dict[str, Any]:
        author = self._world.author(post.author)
        shown: dict[str, Any] = {
            "id": post.id, "author": post.author, "parent": post.parent, "text": post.text,
            "time": post.created_at.astimezone(UTC).isoformat(timespec="microseconds"), "deleted": post.is_deleted,
            "ours": author.is_ours, "bot": author.is_bot, "followers": author.followers, "kind": post.kind,
            "root": post.root, "quotes": post.quotes, "retweets": post.retweets,
            "edited": bool(post.edited_at or post.versions),
        }  # fmt: skip
        if self._world.platform == "reddit":
            shown |= {"subreddit": post.subreddit, "title": post.title}
        return shown | ({"text": "[deleted]", "title": None} if post.is_deleted else {})

    async def write(self, request: web.Request) -> web.Response:
        new = _new_post(await _json(request), self._world.platform)
        return web.json_response({"id": self._world.write(new).id}, status=201)

    async def delete(self, request: web.Request) -> web.Response:
        gone = self._world.delete(request.match_info["id"])
        return web.json_response({"id": gone.id, "deleted": True})

    async def edit(self, request: web.Request) -> web.Response:
        """Give a post a new text, as its author would. On X the answer's id is a new one."""
        body = await _json(request)
        text = body.get("text") if isinstance(body, dict) else None
        if not isinstance(text, str) or not text.strip() or set(body) != {"text"}:
            raise BadInput('a JSON object with the new text is expected, like {"text": "..."}')
        edited = self._world.edit(request.match_info["id"], text)
        return web.json_response({"id": edited.id, "edited": True})

    async def faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._plan.as_json())

    async def plan_faults(self, request: web.Request) -> web.Response:
        self._plan.add(await _json(request))
        return web.json_response(self._plan.as_json(), status=201)

    async def alerts(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self._alerts))

    async def take_alert(self, request: web.Request) -> web.Response:
        """A webhook, so that a person sees what a supervisor would be told."""
        told = await _json(request)
        if not isinstance(told, dict):
            raise BadInput('a JSON object is expected, like {"title": "...", "message": "..."}')
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._alerts.appendleft(
            {"at": at, "title": str(told.get("title", "")), "message": str(told.get("message", ""))}
        )
        return web.json_response({"taken": True}, status=201)

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self._plan.clear()
        return web.json_response([])


def _explaining(handler: Handler) -> Handler:
    async def explaining(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Unknown as err:
            # an unknown id in the path is a 404, in a body the body is wrong
            return web.json_response({"error": str(err)}, status=400 if request.method == "POST" else 404)
        except (Impossible, BadPlan, BadInput) as err:
            return web.json_response({"error": str(err)}, status=400)

    return explaining


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as err:
        raise BadInput("the body is not JSON") from err


def _new_post(body: object, platform: str) -> NewPost:
    if not isinstance(body, dict):
        raise BadInput('a JSON object is expected, like {"author": "kari", "text": "..."}')
    unknown = set(body) - set(KEYS)
    if unknown:
        raise BadInput(f"unknown keys {sorted(unknown)}; known: {', '.join(KEYS)}")
    given: dict[str, Any] = {key: value for key, value in body.items() if value is not None}
    for key, value in given.items():
        if not _is_a(KEYS[key][0], value):
            raise BadInput(f"{key}: {KEYS[key][0].__name__} is expected, not {value!r}")
    for key in ("author", "text"):
        if not str(given.get(key, "")).strip():
            raise BadInput(f"{key} is missing")
    kinds = ("comment", "submission") if platform == "reddit" else ("post",)
    given.setdefault("kind", kinds[0])
    if given["kind"] not in kinds:
        raise BadInput(f"kind {given['kind']!r}: known here: {', '.join(kinds)}")
    named: dict[str, Any] = {KEYS[key][1]: _moment(value) if key == "at" else value for key, value in given.items()}
    return NewPost(**named)


def _is_a(kind: type, value: Any) -> bool:
    # in Python True is an int, in JSON it is none
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(value, kind)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as err:
        raise BadInput(f"at: an ISO 8601 time is expected, not {text!r}") from err
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
