"""Looking for a text in everything the store holds: each value of each row, search's words, each key of Redis.

Owns that look. Read only. Refuses files: `app.leaks` looks through those.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import Table, select

from core.errors import StoreError
from core.needle import Needle
from store import tables as t
from store.database import Database
from store.redis_urls import close_redis, open_redis
from store.words import count_holding


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One place where a text stands, and how it is spelled there."""

    where: str
    spelled: str


@dataclass(slots=True, kw_only=True)
class Looked:
    """How much was looked through: a search of nothing finds nothing."""

    rows: int = 0
    keys: int = 0


async def in_rows(database: Database, needle: Needle, looked: Looked) -> AsyncIterator[Found]:
    """Yield each column that holds the text, with how many of its rows do. Raises: StoreError."""
    async with database.read(slowly=True) as connection:
        for table in t.metadata.sorted_tables:
            hits: dict[str, tuple[str, int]] = {}
            async for row in (await connection.stream(select(table))).mappings():
                looked.rows += 1
                for column, spelled in _hits(table, row, needle):
                    first, count = hits.get(column, (spelled, 0))
                    hits[column] = (first, count + 1)
            for column, (spelled, count) in hits.items():
                rows = "1 row" if count == 1 else f"{count} rows"
                yield Found(where=f"database: {table.name}.{column}, {rows}", spelled=spelled)
        count = await count_holding(connection, needle.text)
        if count:
            rows = "1 row" if count == 1 else f"{count} rows"
            yield Found(where=f"database: post_words, {rows}", spelled="as words")


async def in_redis(url: str, needle: Needle, looked: Looked) -> AsyncIterator[Found]:
    """Yield each key whose name or value holds the text. Raises: StoreError where Redis does not answer."""
    # Its stubs promise text where it gives bytes.
    redis: Any = open_redis(url, decode_responses=False)
    try:
        async for key in redis.scan_iter(count=1000):
            looked.keys += 1
            spelled = needle.within(key) or needle.within(await _value(redis, key))
            if spelled is not None:
                yield Found(
                    where=f"Redis: a {(await redis.type(key)).decode()}, key {_name(key, needle)}", spelled=spelled
                )
    except (RedisError, OSError) as err:
        raise StoreError(f"Redis does not answer, so its keys were not looked through: {err}") from err
    finally:
        await close_redis(redis)


def _hits(table: Table, row: Any, needle: Needle) -> list[tuple[str, str]]:
    found = ((column.name, needle.within(_raw(row[column.name]))) for column in table.columns)
    return [(name, spelled) for name, spelled in found if spelled is not None]


def _raw(value: object) -> bytes:
    """A value as bytes: texts and bytes as they are, lists and tables as JSON."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
    return str(value).encode(errors="surrogatepass")


async def _value(redis: Any, key: bytes) -> bytes:
    """Everything a key holds. Read by its kind: Redis packs what DUMP and its files give."""
    match await redis.type(key):
        case b"string":
            held = await redis.get(key)
        case b"list":
            held = await redis.lrange(key, 0, -1)
        case b"set":
            held = list(await redis.smembers(key))
        case b"zset":
            held = await redis.zrange(key, 0, -1)
        case b"hash":
            held = await redis.hgetall(key)
        case b"stream":
            held = await redis.xrange(key)
        case _:
            held = await redis.dump(key)
    return b"\n".join(_leaves(held))


def _leaves(held: Any) -> list[bytes]:
    if isinstance(held, bytes):
        return [held]
    if isinstance(held, dict):
        held = [part for pair in held.items() for part in pair]
    return [leaf for part in held or () for leaf in _leaves(part)] if isinstance(held, list | tuple) else []


def _name(key: bytes, needle: Needle) -> str:
    """A key's name, but never the text itself."""
    return "whose name holds it" if needle.within(key) else key.decode(errors="replace")
