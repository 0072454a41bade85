"""The bell: Redis or Valkey Streams that wake workers, and pub/sub that wakes live pages.

Owns the connection to Redis. A row is the truth; a bell is only a hint that there is one, so every
failure here is logged, counted and survived: workers find their rows by sweeping. Keeps to commands
that Redis 6.2+ and Valkey share.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from prometheus_client import Counter, Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from core.errors import ConfigError, Problem
from store.redis_urls import SPELLED, close_redis, open_redis

log = logging.getLogger(__name__)

_GROUP = "workers"
_LIVE = "genlyd:live"
_MOST_ENTRIES = 100_000
# How long an entry may be held before another consumer takes it over.
_RECLAIM_AFTER_MS = 30_000
# A call that failed slowly is not made again for three times as long, or a silent network would hold up every worker.
_REST_TIMES, _MOST_REST_SECONDS = 3.0, 15.0

_rung = Counter("genlyd_bell_rung_total", "Entries rung", ["ring"])
_failed = Counter("genlyd_bell_failed_total", "Calls to Redis that failed and were survived")
_up = Gauge("genlyd_bell_up", "1 while Redis answers")


class Ring(StrEnum):
    """One stream for each kind of waiting worker."""

    ASSESS = "genlyd:assess"
    DECIDE = "genlyd:decide"
    SEND = "genlyd:send"
    TELL = "genlyd:tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One ring: the id of the row that waits, and the stream's own id, to be given back to done()."""

    entry_id: str
    row_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Redis's own clock, and whether its last snapshot was written: after one that was not, it refuses to be rung."""

    now: datetime
    can_save: bool


class Bell:
    """Rings and waits. Never raises for a Redis that is away."""

    def __init__(self, redis: "Redis", *, consumer: str) -> None:
        self._redis = redis
        self._consumer = consumer
        self._known: set[Ring] = set()
        self._is_up = True
        self._rests_until = 0.0

    @classmethod
    def open(cls, url: str, *, consumer: str) -> "Bell":
        """Return a bell on a URL that `redis_urls` takes. Raises: ConfigError."""
        # Asked on an idle connection too, so that live pages notice a server that went away without a word.
        return cls(open_redis(url, health_check_interval=15), consumer=consumer)

    @property
    def is_up(self) -> bool:
        """Whether the last call to Redis was answered."""
        return self._is_up

    async def ring(self, ring: Ring, row_ids: Iterable[int]) -> None:
        """Wake a worker for each row. A lost ring costs seconds: the sweep finds the row."""
        ids = list(row_ids)
        since = _now()
        if not ids or since < self._rests_until:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for row_id in ids:
                    pipe.xadd(ring, {"id": str(row_id)}, maxlen=_MOST_ENTRIES, approximate=True)
                await pipe.execute()
            self._note_up()
            _rung.labels(ring.name.lower()).inc(len(ids))
        except (RedisError, OSError) as err:
            self._note_down(err, since)

    async def wait(self, ring: Ring, *, count: int, seconds: float) -> list[Entry]:
        """Return up to `count` entries, waiting at most `seconds` for the first. [] is a normal answer."""
        since = _now()
        if since < self._rests_until:
            await asyncio.sleep(seconds)
            return []
        try:
            await self._ensure_group(ring)
            entries = await self._reclaim(ring, count)
            if not entries:
                answer = await self._redis.xreadgroup(
                    _GROUP, self._consumer, {ring: ">"}, count=count, block=max(1, int(seconds * 1000))
                )
                entries = _entries(answer)
            self._note_up()
        except ResponseError as err:
            # FLUSHALL took the group with it: make it again, from the beginning.
            self._known.discard(ring)
            log.warning("the bell's stream was lost and is made again", extra={"ring": ring.name, "error": str(err)})
            await asyncio.sleep(min(seconds, 0.05))
            return []
        except (RedisError, OSError) as err:
            self._note_down(err, since)
            await asyncio.sleep(seconds)
            return []
        return entries

    async def done(self, ring: Ring, entries: Iterable[Entry]) -> None:
        """Strike entries from the stream: their rows have moved on, or the sweep will ring again."""
        ids = [entry.entry_id for entry in entries]
        since = _now()
        if not ids or since < self._rests_until:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.xack(ring, _GROUP, *ids)
                pipe.xdel(ring, *ids)
                await pipe.execute()
        except (RedisError, OSError) as err:
            self._note_down(err, since)

    async def announce(self) -> None:
        """Tell live pages that some conversation changed."""
        since = _now()
        if since < self._rests_until:
            return
        try:
            await self._redis.publish(_LIVE, "1")
        except (RedisError, OSError) as err:
            self._note_down(err, since)

    async def announcements(self, *, at_least_every_seconds: float) -> AsyncIterator[None]:
        """Yield when something changed, and at least every so often, whatever becomes of Redis."""
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(_LIVE)
                    while True:
                        await pubsub.get_message(ignore_subscribe_messages=True, timeout=at_least_every_seconds)
                        _stop_if_cancelled()
                        yield
            except (RedisError, OSError) as err:
                self._note_down(err)
                yield
                await asyncio.sleep(at_least_every_seconds)

    async def remember(self, key: str, field: str, value: str, *, seconds: int) -> None:
        """Keep a value in a hash that is forgotten `seconds` after its last change."""
        since = _now()
        if since < self._rests_until:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(key, field, value)
                pipe.expire(key, seconds)
                await pipe.execute()
        except (RedisError, OSError) as err:
            self._note_down(err, since)

    async def forget(self, key: str, field: str) -> None:
        """Let go of a value of a hash."""
        since = _now()
        if since < self._rests_until:
            return
        try:
            await self._redis.hdel(key, field)
        except (RedisError, OSError) as err:
            self._note_down(err, since)

    async def remembered(self, key: str) -> dict[str, str]:
        """Return a hash whole; empty while Redis is away."""
        since = _now()
        if since < self._rests_until:
            return {}
        try:
            held = await self._redis.hgetall(key)
            return {str(field): str(value) for field, value in held.items()}
        except (RedisError, OSError) as err:
            self._note_down(err, since)
            return {}

    async def publish(self, channel: str, said: str) -> None:
        """Say something to whoever listens right now."""
        since = _now()
        if since < self._rests_until:
            return
        try:
            await self._redis.publish(channel, said)
        except (RedisError, OSError) as err:
            self._note_down(err, since)

    async def hear(self, channel: str) -> AsyncIterator[str]:
        """Yield what is said on a channel; nothing while Redis is away."""
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(channel)
                    while True:
                        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5.0)
                        _stop_if_cancelled()
                        if message is not None:
                            yield str(message["data"])
            except (RedisError, OSError) as err:
                self._note_down(err)
                await asyncio.sleep(1.0)

    async def depth(self) -> dict[str, int]:
        """Return how many entries lie in each stream; empty while Redis is away."""
        try:
            return {ring.name.lower(): await self._redis.xlen(ring) for ring in Ring}
        except (RedisError, OSError) as err:
            self._note_down(err)
            return {}

    async def check(self) -> bool:
        """Whether Redis answers now."""
        try:
            await self._redis.ping()
        except (RedisError, OSError) as err:
            self._note_down(err)
            return False
        self._note_up()
        return True

    async def facts(self) -> ServerFacts | None:
        """Return what the server says of itself; None while it is away."""
        try:
            seconds, micros = await self._redis.time()
            persistence = await self._redis.info("persistence")
        except (RedisError, OSError) as err:
            self._note_down(err)
            return None
        return ServerFacts(
            now=datetime.fromtimestamp(seconds + micros / 1e6, UTC),
            can_save=persistence.get("rdb_last_bgsave_status", "ok") == "ok",
        )

    async def refuse_cluster(self) -> None:
        """Raise ConfigError where the server is a node of a cluster; one that is away may be anything."""
        try:
            facts = await self._redis.info("cluster")
        except (RedisError, OSError) as err:
            self._note_down(err)
            return
        if facts.get("cluster_enabled"):
            what = f"this server is a node of a Redis Cluster, which cannot be used; use {SPELLED}, of one server"
            raise ConfigError([Problem(line=None, where="store.redis", what=what)])

    async def close(self) -> None:
        """Let go of the connections."""
        await close_redis(self._redis)

    async def _ensure_group(self, ring: Ring) -> None:
        if ring in self._known:
            return
        try:
            # From 0, not "$": what was rung before the first start must be heard too.
            await self._redis.xgroup_create(ring, _GROUP, id="0", mkstream=True)
        except ResponseError as err:
            if "BUSYGROUP" not in str(err):
                raise
        self._known.add(ring)

    async def _reclaim(self, ring: Ring, count: int) -> list[Entry]:
        """Take over what a dead consumer held."""
        answer = await self._redis.xautoclaim(ring, _GROUP, self._consumer, _RECLAIM_AFTER_MS, count=count)
        return _entries([[ring, answer[1]]]) if answer and len(answer) > 1 else []

    def _note_down(self, err: Exception, since: float | None = None) -> None:
        """`since` is when the call began, where a slow failure is to be followed by a rest."""
        _stop_if_cancelled()
        if since is not None:
            self._rests_until = _now() + min(_REST_TIMES * (_now() - since), _MOST_REST_SECONDS)
        _failed.inc()
        _up.set(0)
        if self._is_up:
            log.error("Redis does not answer: working from rows alone, more slowly", extra={"error": str(err)})
        self._is_up = False

    def _note_up(self) -> None:
        _stop_if_cancelled()
        _up.set(1)
        self._rests_until = 0.0
        if not self._is_up:
            log.warning("Redis answers again")
        self._is_up = True


def _now() -> float:
    return asyncio.get_running_loop().time()


def _stop_if_cancelled() -> None:
    """redis-py now and then swallows a cancellation, connecting or having just sent; then nothing would ever stop."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _entries(answer: Any) -> list[Entry]:
    found: list[Entry] = []
    for _ring, items in answer.items() if isinstance(answer, dict) else answer or []:
        for batch in items if items and isinstance(items[0], list) else [items]:
            found += [Entry(entry_id=key, row_id=int(fields["id"])) for key, fields in batch if fields]
    return found
