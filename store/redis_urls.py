"""Redis by its URL: one server, or the one that Sentinels name.

Owns the URLs we take, and the making and closing of connections. Refuses Redis Cluster: our streams are a handful of
keys, which a cluster spreads no further than one server would.
"""

import socket
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

from core.errors import ConfigError, Problem

SPELLED = "redis://HOST:6379/0, rediss://HOST:6379/0, unix:///PATH or redis+sentinel://HOST:26379,HOST:26379/NAME/0"
_PLAIN = ("redis", "rediss", "unix")
_SENTINEL = ("redis+sentinel", "rediss+sentinel")
_SENTINEL_PORT = 26379
_SENTINEL_KEYS = {"sentinel_username": "username", "sentinel_password": "password"}
_TIMEOUTS: dict[str, Any] = {"socket_connect_timeout": 2, "socket_timeout": 5}


def problem_with(url: str) -> str | None:
    """Return why a URL cannot be used, with the cure and without its password (I9); None for one that can."""
    try:
        parsed = urlsplit(url)
        scheme = parsed.scheme
        if scheme in _SENTINEL:
            _sentinel_parts(url)
        elif scheme in _PLAIN:
            _ = parsed.port
    except ValueError as err:
        return f"is not a Redis URL ({err}); use {SPELLED}"
    if "cluster" in scheme or "cluster" in parse_qs(parsed.query):
        return f"Redis Cluster cannot be used; name one server, or Sentinels that watch it: {SPELLED}"
    if scheme not in (*_PLAIN, *_SENTINEL):
        return f'must be "embedded", {SPELLED}, not {f"{scheme}://..." if scheme else "what stands there"}'
    return None


def open_redis(url: str, *, decode_responses: bool = True, **options: Any) -> "Redis":
    """Return a client, which connects at its first call. Close it with `close_redis`. Raises: ConfigError."""
    problem = problem_with(url)
    if problem is not None:
        raise ConfigError([Problem(line=None, where="store.redis", what=problem)])
    options = {**_TIMEOUTS, **options, "decode_responses": decode_responses}
    if urlsplit(url).scheme not in _SENTINEL:
        if not url.startswith("unix:"):
            options |= {"socket_keepalive": True, "socket_keepalive_options": _keepalive()}
        try:
            return Redis.from_url(url, **options)
        except ValueError as err:
            what = f"is not a Redis URL ({err}); use {SPELLED}"
            raise ConfigError([Problem(line=None, where="store.redis", what=what)]) from err
    hosts, name, of_server, of_sentinel = _sentinel_parts(url)
    options |= {"socket_keepalive": True, "socket_keepalive_options": _keepalive()}
    asked = {**_TIMEOUTS, **of_sentinel}
    watchers = Sentinel(hosts, sentinel_kwargs=asked, **options, **of_server)  # type: ignore[no-untyped-call]
    found: Redis = watchers.master_for(name)
    return found


async def close_redis(redis: "Redis") -> None:
    """Let go of its connections, and of those to the Sentinels."""
    pool = redis.connection_pool
    if isinstance(pool, SentinelConnectionPool):
        for watcher in pool.sentinel_manager.sentinels:
            await watcher.aclose()
    await redis.aclose()


def shown(url: str) -> str:
    """Return a URL as it may be shown: without names and passwords (I9)."""
    parsed = urlsplit(url)
    return f"{parsed.scheme}://{parsed.netloc.rpartition('@')[2]}{parsed.path}"


def _sentinel_parts(url: str) -> tuple[list[tuple[str, int]], str, dict[str, Any], dict[str, Any]]:
    """Return the Sentinels, the name they watch, and how to speak to the server and to them. Raises: ValueError."""
    parsed = urlsplit(url)
    who, _, where = parsed.netloc.rpartition("@")
    hosts = [_host(one) for one in where.split(",")]
    name, _, number = parsed.path.strip("/").partition("/")
    if not name:
        raise ValueError("the name that the Sentinels watch is missing")
    if number and not number.isdigit():
        raise ValueError("the database's number is none")
    asked = parse_qs(parsed.query)
    unknown = sorted(set(asked) - set(_SENTINEL_KEYS))
    if unknown:
        raise ValueError(f"it knows {' and '.join(_SENTINEL_KEYS)}, not {', '.join(unknown)}")
    user, _, password = who.partition(":")
    of_server: dict[str, Any] = {"db": int(number or 0)}
    of_server |= {"username": unquote(user)} if user else {}
    of_server |= {"password": unquote(password)} if password else {}
    of_sentinel: dict[str, Any] = {_SENTINEL_KEYS[key]: values[0] for key, values in asked.items()}
    if parsed.scheme.startswith("rediss"):
        of_server["ssl"] = of_sentinel["ssl"] = True
    return hosts, name, of_server, of_sentinel


def _host(spelled: str) -> tuple[str, int]:
    parsed = urlsplit(f"//{spelled}")
    if not parsed.hostname:
        raise ValueError("a Sentinel's host is missing")
    return parsed.hostname, parsed.port or _SENTINEL_PORT


def _keepalive() -> dict[int, int]:
    """When the other side counts as gone: after 25 seconds of silence, where the system lets us say so."""
    wanted = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}
