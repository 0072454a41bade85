"""Which sending processes live, on this machine and on others; and whether we still count as one.

On PostgreSQL every process that sends holds an advisory lock in a session of its own. The server lets go of
it when the process ends, and keeps it while the process is merely frozen. Owns that session. Refuses to
decide what follows: the outbox does.

What a free lock means, and what not: docs/decisions/0016-who-is-still-sending.md.
"""

import asyncio
import logging
import time
from contextlib import suppress
from types import TracebackType

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import StoreError
from store.database import Database
from store.owners import OwnerLock, OwnerState

log = logging.getLogger(__name__)

# One look at our own lock counts for this long.
_FRESH_SECONDS = 1.0
_MOST_SECONDS = 5.0

_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_PROBE = text("SELECT pg_try_advisory_xact_lock_shared(:key)")
_STARTED = text("SELECT extract(epoch FROM pg_postmaster_start_time())::bigint")
_HELD = text(
    "SELECT pid, pid = pg_backend_pid() AS is_ours FROM pg_locks "
    "WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND ((classid::bigint << 32) | objid::bigint) = :key"
)
# Whatever keeps us from knowing.
_LOST = (StoreError, DBAPIError, TimeoutError, OSError)
_END = text("SELECT pg_terminate_backend(:pid)")


class Presence:
    """This process among those that send. Enter it before the first reply is claimed."""

    def __init__(self, lock: OwnerLock, database: Database) -> None:
        self._lock = lock
        self._db = database
        self._key = _key_of(lock.name)
        self._session: AsyncConnection | None = None
        self._server: int | None = None
        self._seen: float | None = None
        self._is_well = True
        self._one_at_a_time = asyncio.Lock()

    @property
    def name(self) -> str:
        """What we write on the rows we claim: the process, and the run of the server that holds its lock."""
        return self._lock.name if self._server is None else f"{self._lock.name}@{self._server}"

    async def __aenter__(self) -> "Presence":
        self._lock.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._let_go()
        self._lock.__exit__(kind, err, tb)

    def is_us(self, owner: str) -> bool:
        """Whether a row's owner is this process, also under the name it had before the server was restarted."""
        return _process(owner) == self._lock.name

    async def holds(self) -> bool:
        """Whether we hold our lock now, so that others leave our replies alone. False: begin to send nothing."""
        if self._db.is_sqlite:
            return True
        async with self._one_at_a_time:
            if self._seen is not None and time.monotonic() - self._seen < _FRESH_SECONDS:
                return True
            why = ""
            try:
                async with asyncio.timeout(_MOST_SECONDS):
                    held = await self._is_held()
            except _LOST as err:
                held, why = False, str(err) or type(err).__name__
                await self._let_go()
            self._seen = time.monotonic() if held else None
            self._say(
                held, why or "the database gives it to nobody: is there a pooler between us that shares sessions?"
            )
            return held

    async def state(self, owner: str) -> OwnerState:
        """Return what became of another process. Raises: StoreError."""
        here = self._lock.state(_process(owner))
        if here is not OwnerState.ELSEWHERE or self._db.is_sqlite:
            return here
        _, _, server = owner.partition("@")
        async with self._db.read() as connection:
            is_free = (await connection.execute(_PROBE, {"key": _key_of(_process(owner))})).scalar_one()
            started = (await connection.execute(_STARTED)).scalar_one()
        if not is_free:
            return OwnerState.ALIVE
        # A server that was restarted since let go of every lock, whoever lived.
        return OwnerState.GONE if server == str(started) else OwnerState.ELSEWHERE

    def forget(self, owner: str) -> None:
        """A dead process's rows were taken over: its lock file may go."""
        self._lock.forget(_process(owner))

    def tidy(self, keep: list[str]) -> None:
        """Remove the lock files of dead processes but those of `keep`."""
        self._lock.tidy([_process(owner) for owner in keep])

    async def _is_held(self) -> bool:
        if self._session is None:
            self._session = await self._db.session(seconds=_MOST_SECONDS)
        holders = (await self._session.execute(_HELD, {"key": self._key})).all()
        if any(holder.is_ours for holder in holders):
            return True
        for holder in holders:
            # Our own earlier session, cut off from us; the server has not noticed that it is gone.
            await self._session.execute(_END, {"pid": holder.pid})
        self._server = (await self._session.execute(_STARTED)).scalar_one()
        return bool((await self._session.execute(_TAKE, {"key": self._key})).scalar_one())

    def _say(self, held: bool, why: str) -> None:
        if not held and self._is_well:
            log.error("our lock in the database is lost: nothing is sent meanwhile", extra={"error": why})
        elif held and not self._is_well:
            log.warning("our lock in the database is back: sending goes on")
        self._is_well = held

    async def _let_go(self) -> None:
        session, self._session, self._seen = self._session, None, None
        if session is not None:
            with suppress(*_LOST):
                async with asyncio.timeout(_MOST_SECONDS):
                    await session.close()


def _process(owner: str) -> str:
    return owner.partition("@")[0]


def _key_of(process: str) -> int:
    """The 64 random bits at the end of a process's name, as PostgreSQL's signed number."""
    digits = process.rsplit(":", 1)[-1]
    try:
        return int.from_bytes(bytes.fromhex(digits.rjust(16, "0"))[:8], signed=True)
    except ValueError:
        return 0
