"""Owns reading what a request to the emulated X asks for. Refuses to own the answer.

Every function raises BadRequest for a parameter the platform would refuse.
"""

import base64
import json
from datetime import datetime
from typing import Any

from aiohttp import web

from emulators.x_shapes import Wanted


class BadRequest(Exception):
    """A parameter is wrong; the text says which, and becomes the 400 answer."""


def wanted(request: web.Request) -> Wanted:
    def listed(name: str) -> frozenset[str]:
        return frozenset(filter(None, request.query.get(name, "").split(",")))

    return Wanted(
        tweet_fields=listed("tweet.fields"), user_fields=listed("user.fields"), expansions=listed("expansions")
    )


def number(request: web.Request, name: str, default: int) -> int:
    try:
        return int(request.query.get(name, default))
    except ValueError as err:
        raise BadRequest(f"{name}: a number, not {request.query[name]!r}") from err


def moment(request: web.Request, name: str) -> datetime | None:
    if name not in request.query:
        return None
    try:
        moment = datetime.fromisoformat(request.query[name])
    except ValueError as err:
        raise BadRequest(f"{name}: an ISO 8601 time, not {request.query[name]!r}") from err
    if moment.tzinfo is None:
        raise BadRequest(f"{name}: a time needs a zone")
    return moment


async def json_object(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as err:
        raise BadRequest("body: not JSON") from err
    if not isinstance(body, dict):
        raise BadRequest("body: a JSON object is expected")
    return body


def encode_token(post_id: str) -> str:
    return base64.b32hexencode(post_id.encode()).decode().lower().rstrip("=")


def decode_token(token: str) -> int:
    try:
        return int(base64.b32hexdecode(token.upper() + "=" * (-len(token) % 8)))
    except ValueError as err:
        raise BadRequest(f"next_token: {token!r} is not one of ours") from err
