"""What X's refusals mean.

Owns the reading of X's error bodies, in their three shapes. Refuses to ask anything.

Source: https://docs.x.com/x-api/fundamentals/response-codes-and-errors, read 2026-11.
"""

from collections.abc import Mapping
from typing import Any

import aiohttp

from core.errors import CursorTooOld, NeedsOperator, OutcomeUnknown, PlatformError, Rejected, TryLater
from platforms.http import Answer, Door, status_error

_CAP = "problems/rule-cap"
_OPERATORS_403 = ("client-forbidden", "unsupported-authentication", "suspended", "oauth1 app permissions", "locked")


class RulesFull(NeedsOperator):
    """The stream has as many rules as X takes."""


def refused(door: Door, status: int, headers: Mapping[str, str], body: Any, *, is_write: bool) -> PlatformError:
    """Return what a refusing answer means. `body` is the parsed JSON, or anything else where it was none."""
    answer = Answer(status=status, headers=headers, detail=_detail(body))
    kind = _kind(body)
    message = f"account '{door.account}': X answered {status}: {answer.detail or kind}"
    if not is_write and (full := _full(door, [body])):
        return full
    if status == 403:
        return _forbidden(door, answer, kind, message, is_write=is_write)
    if status == 429 and "usage-capped" in kind:
        return NeedsOperator(door.account, message, cure="Raise the usage cap in X's developer console.")
    if status == 400 and not is_write and _is_too_old(body):
        return CursorTooOld(door.account, message)
    if status == 400 and not is_write:
        named = refused_rule(door, body.get("errors") if isinstance(body, dict) else None)
        return named or NeedsOperator(door.account, message, cure="Shorten or simplify the account's watches.")
    if status in (404, 409) and not is_write:
        return TryLater(door.account, message)
    if status == 429 and _is_taken(body) and headers.get("x-rate-limit-remaining", "0") != "0":
        # Somebody else has the one connection and may let go at any time: the window's end says nothing about that.
        return TryLater(door.account, message)
    return status_error(answer, door, is_write=is_write)


def not_json(door: Door, error: aiohttp.ContentTypeError, *, is_write: bool) -> PlatformError:
    """Return what a page of HTML means."""
    if error.status < 400:
        return nonsense(door, is_write=is_write)
    return refused(door, error.status, error.headers or {}, {}, is_write=is_write)


def nonsense(door: Door, *, is_write: bool) -> PlatformError:
    """Return what an unreadable answer means."""
    message = f"account '{door.account}': X answered something that cannot be read"
    return OutcomeUnknown(door.account, message) if is_write else TryLater(door.account, message)


def refused_rule(door: Door, errors: Any) -> NeedsOperator | None:
    """Return what a refused stream rule means, if there is one. A duplicate is as good as added."""
    if full := _full(door, errors):
        return full
    named = [error for error in errors or [] if isinstance(error, dict) and "value" in error]
    first = next((error for error in named if error.get("title") != "DuplicateRule"), None)
    if first is None:
        return None
    why = "; ".join(map(str, first.get("details") or [])) or first.get("detail") or first.get("title")
    return NeedsOperator(
        door.account,
        f"account '{door.account}': X does not accept the rule {first['value']!r}: {why}",
        cure="Change the watch it was made from (keywords, hashtags, exclude) in the config.",
    )


def _full(door: Door, errors: Any) -> RulesFull | None:
    """Source: the problem "rule-cap" in https://api.x.com/2/openapi.json, read 2026-11; never seen here."""
    if not any(isinstance(one, dict) and _CAP in str(one.get("type", "")) for one in errors or []):
        return None
    return RulesFull(
        door.account,
        f"account '{door.account}': X takes no more rules on the stream of this app",
        cure="Check the account's watches and its app at X.",
    )


def _forbidden(door: Door, answer: Answer, kind: str, message: str, *, is_write: bool) -> PlatformError:
    said = f"{kind} {answer.detail}".casefold()
    if not is_write or any(word in said for word in _OPERATORS_403):
        cure = "Check in X's developer console that the app is active and may read and write."
        return NeedsOperator(door.account, message, cure=f"{cure} Then unpause the account.")
    if "duplicate content" in said:
        # Our own text may be the one that stands there already: look before anything else.
        return OutcomeUnknown(door.account, message)
    return Rejected(door.account, message, reason=answer.detail or "X answered 403")


def _is_too_old(body: Any) -> bool:
    """Whether X refuses how far back we ask: it names the parameter, whatever its words."""
    named = body.get("errors") if isinstance(body, dict) else None
    for error in named if isinstance(named, list) else []:
        said = f"{error.get('message', '')} {error.get('detail', '')}" if isinstance(error, dict) else ""
        parameters = error.get("parameters") if isinstance(error, dict) else None
        asked = {"since_id", "start_time"} & set(parameters if isinstance(parameters, dict) else ())
        if any(name in said for name in asked):
            return True
    return False


def _is_taken(body: Any) -> bool:
    return isinstance(body, dict) and body.get("connection_issue") == "TooManyConnections"


def _kind(body: Any) -> str:
    return f"{body.get('type', '')} {body.get('title', '')}".strip() if isinstance(body, dict) else ""


def _detail(body: Any) -> str:
    """Return the platform's own words, whichever of its three error shapes holds them."""
    if not isinstance(body, dict):
        return ""
    errors = [error for error in body.get("errors") or [] if isinstance(error, dict)]
    words = [str(error.get("message") or error.get("detail") or "") for error in errors]
    return str(body.get("detail") or "; ".join(filter(None, words)) or body.get("title") or "")
