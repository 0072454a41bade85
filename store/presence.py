"""Which sending processes live, on this machine and on others; and whether we still count as one.

On PostgreSQL every process that sends holds an advisory lock in a session of its own, and asks for it every
second. The server lets go of it when the process ends, and keeps it while the process is merely frozen. Owns that
session, and what we saw of the others. Refuses to decide what follows: the outbox does.

What a free lock means, and what not: docs/decisions/0016-who-is-still-sending.md.
"""

import asyncio
import logging
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import StoreError
from store.database import Database
from store.owners import OwnerLock, OwnerState
from store.postgres import end_stuck

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
# Who has not asked for its lock for this long does not run; and what we saw longer ago proves nothing.
_FRESH_SECONDS = 5.0
_MOST_SECONDS = 5.0

_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_END = text("SELECT pg_terminate_backend(:pid)")
_LOCKS = text("""
SELECT (held.classid::bigint << 32) | held.objid::bigint AS key, held.pid, held.pid = pg_backend_pid() AS is_ours,
       clock_timestamp() - holder.state_change < make_interval(secs => :fresh) AS is_running
FROM pg_locks AS held JOIN pg_stat_activity AS holder USING (pid)
WHERE held.locktype = 'advisory' AND held.granted AND held.mode = 'ExclusiveLock' AND held.objsubid = 1
  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")
# Whatever keeps us from knowing.
_LOST = (StoreError, DBAPIError, TimeoutError, OSError)


@dataclass(slots=True)
class _Seen:
    """When we last saw a lock held, whether its holder ran then, and what its end told us."""

    at: float
    is_running: bool
    after: OwnerState = OwnerState.ALIVE


class Presence:
    """This process among those that send. Enter it before the first reply is claimed."""

    def __init__(self, lock: OwnerLock, database: Database) -> None:
        self.name = lock.name
        self._lock = lock
        self._db = database
        self._session: AsyncConnection | None = None
        self._held_at: float | None = None
        self._is_well = True
        self._one_at_a_time = asyncio.Lock()
        self._seen: dict[int, _Seen] = {}
        self._seen_at: float | None = None

    async def __aenter__(self) -> "Presence":
        self._lock.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._let_go()
        self._lock.__exit__(kind, err, tb)

    async def beat(self) -> None:
        """Show that we run, see who else does, and end what holds us all up. Call it every second while we may send."""
        if not self._db.is_sqlite:
            await self.holds()
            await self._end_stuck()
            with suppress(StoreError):
                await self._look_around()

    async def holds(self) -> bool:
        """Whether we hold our lock now, so that others leave our replies alone. False: begin to send nothing."""
        if self._db.is_sqlite:
            return True
        async with self._one_at_a_time:
            if self._held_at is not None and time.monotonic() - self._held_at < BEAT_SECONDS / 2:
                return True
            why = "the database gives it to nobody: a pooler that shares sessions must not stand between"
            try:
                async with asyncio.timeout(_MOST_SECONDS):
                    is_held = await self._is_held()
            except _LOST as err:
                is_held, why = False, str(err) or type(err).__name__
                await self._let_go()
            self._held_at = time.monotonic() if is_held else None
            self._tell(why, is_held=is_held)
            return is_held

    async def state(self, owner: str) -> OwnerState:
        """Return what became of another process. Raises: StoreError."""
        here = self._lock.state(owner)
        if here is not OwnerState.ELSEWHERE or self._db.is_sqlite:
            return here
        if self._seen_at is None or time.monotonic() - self._seen_at > BEAT_SECONDS:
            await self._look_around()
        seen = self._seen.get(_key_of(owner))
        return OwnerState.ELSEWHERE if seen is None else seen.after

    def dead(self) -> set[Path]:
        """Return the lock files of this machine's dead processes."""
        return self._lock.dead()

    def tidy(self, dead: Collection[Path], *, keep: Collection[str]) -> None:
        """Remove the lock files `dead` but those of `keep`, asked for after them."""
        self._lock.tidy(dead, keep=keep)

    async def _is_held(self) -> bool:
        if self._session is None:
            self._session = await self._db.session(seconds=_MOST_SECONDS)
        held = (await self._session.execute(_LOCKS, {"fresh": _FRESH_SECONDS})).all()
        holders = [holder for holder in held if holder.key == _key_of(self.name)]
        if any(holder.is_ours for holder in holders):
            return True
        for holder in holders:
            # Our own earlier session, cut off from us; the server has not noticed that it is gone.
            await self._session.execute(_END, {"pid": holder.pid})
        return bool((await self._session.execute(_TAKE, {"key": _key_of(self.name)})).scalar_one())

    async def _end_stuck(self) -> None:
        """By our own session: those of the pool may all be waiting for what has to end."""
        async with self._one_at_a_time:
            if self._session is None:
                return
            try:
                async with asyncio.timeout(_MOST_SECONDS):
                    await end_stuck(self._session)
            except _LOST:
                # holds() begins another, and tells.
                await self._let_go()

    async def _look_around(self) -> None:
        async with self._db.read() as connection:
            held = (await connection.execute(_LOCKS, {"fresh": _FRESH_SECONDS})).all()
        now = time.monotonic()
        for holder in held:
            if holder.key not in self._seen and holder.key != _key_of(self.name):
                log.info("another process that sends is seen", extra={"pid": holder.pid})
            self._seen[holder.key] = _Seen(at=now, is_running=holder.is_running)
        for key in self._seen.keys() - {holder.key for holder in held}:
            seen = self._seen[key]
            if seen.after is OwnerState.ALIVE:
                # Who ran until just now has ended, or lost its session and sends no more. Who stood still may wake.
                is_clear = seen.is_running and now - seen.at < _FRESH_SECONDS
                seen.after = OwnerState.GONE if is_clear else OwnerState.ELSEWHERE
        self._seen_at = now

    def _tell(self, why: str, *, is_held: bool) -> None:
        if self._is_well and not is_held:
            log.error("our lock in the database is lost: nothing is sent meanwhile", extra={"error": why})
        elif is_held and not self._is_well:
            log.warning("our lock in the database is back: sending goes on")
        self._is_well = is_held

    async def _let_go(self) -> None:
        session, self._session, self._held_at = self._session, None, None
        if session is not None:
            with suppress(*_LOST):
                async with asyncio.timeout(_MOST_SECONDS):
                    await session.close()


def _key_of(owner: str) -> int:
    """The 64 random bits at the end of a process's name, as PostgreSQL's signed number."""
    try:
        return int.from_bytes(bytes.fromhex(owner.rsplit(":", 1)[-1])[:8], signed=True)
    except ValueError:
        return 0
