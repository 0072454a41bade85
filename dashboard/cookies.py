"""The cookies: what each is called, and how it is set.

Owns that, and that nothing but a hash of them is kept. Refuses to know what they open.
"""

import hashlib
import secrets
from datetime import timedelta

from aiohttp import web

from dashboard.desk import desk_of

SESSION_COOKIE = "genlyd_session"
# Between the password and the code.
HALF_COOKIE = "genlyd_half"
# Of the door's forms, for whoever is not signed in.
DOOR_COOKIE = "genlyd_door"
# A browser that somebody has signed in from.
KNOWN_COOKIE = "genlyd_known"
# On the way to the provider and back.
ERRAND_COOKIE = "genlyd_errand"


def new_token() -> str:
    """Return 256 random bits for an address or a cookie."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(as_bytes(token)).hexdigest()


def as_bytes(value: str) -> bytes:
    """Cookies and forms may hold bytes that are no text; they still have to be compared."""
    return value.encode("utf-8", errors="surrogateescape")


def cookie(request: web.Request, name: str) -> str:
    """Return a cookie's value, empty where there is none."""
    return request.cookies.get(_called(request, name), "")


def set_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str, lasts: timedelta) -> None:
    """Set a cookie that no script reads and no other site's form carries."""
    response.set_cookie(
        _called(request, name),
        value,
        max_age=int(lasts.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=desk_of(request).config.dashboard.secure_cookies,
        path="/",
    )


def drop_cookie(request: web.Request, response: web.StreamResponse, name: str) -> None:
    """Let the browser forget a cookie."""
    secure = desk_of(request).config.dashboard.secure_cookies
    response.del_cookie(_called(request, name), path="/", secure=secure, httponly=True, samesite="Lax")


def _called(request: web.Request, name: str) -> str:
    """Over https, the browser itself refuses such a cookie from a neighbouring host."""
    return f"__Host-{name}" if desk_of(request).config.dashboard.secure_cookies else name
