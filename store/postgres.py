"""Connections to PostgreSQL that end when the other side is gone, though nobody said so.

Owns the sockets' options on our side and the server's patience with us. A network that swallows everything would else
hold up a query for ever, and a process that is frozen in the middle of a transaction would keep its locks from the
others. Refuses to know what is asked.
"""

import asyncio
import logging
import socket
from typing import Any

from asyncpg import Connection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

log = logging.getLogger(__name__)

# Somebody who has not answered for this long is gone.
_GONE_SECONDS = 25
_IDLE, _EVERY, _TIMES = 10, 5, 3
# A transaction of ours asks its next question at once; one that does not is frozen, and others wait for its locks.
_FROZEN_SECONDS = 15
# A question goes out in two halves, and between them the server calls a transaction neither idle nor slow: it would
# wait for ever. Somebody else has to end it, sooner than a lease of its process runs out. Only one that has written or
# locked something matters: those that read hold up nobody, however long a download of theirs takes. A COPY, which we
# never send, waits for its rows in the same way. Nor does whoever froze take what it was answered: then the server
# waits to write.
STUCK_SECONDS = 5
_END_STUCK = text("""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity AS stuck
WHERE datname = current_database() AND usename = current_user AND pid != pg_backend_pid()
  AND state = 'active' AND wait_event IN ('ClientRead', 'ClientWrite') AND query NOT ILIKE 'copy%'
  AND state_change < clock_timestamp() - make_interval(secs => :seconds)
  AND (backend_xid IS NOT NULL OR EXISTS (
    SELECT FROM pg_locks WHERE pg_locks.pid = stuck.pid AND granted AND locktype = 'relation'
    AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  ))
""")
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
SLOW_READ = "SET LOCAL idle_in_transaction_session_timeout = 0"


class WatchedConnection(Connection):
    """A connection whose socket notices that the other side is gone."""

    def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
        _watch(transport.get_extra_info("socket"))
        super().__init__(protocol, transport, *rest)


def connect_args() -> dict[str, Any]:
    """Return what asyncpg's connect() is to be given."""
    return {
        "connection_class": WatchedConnection,
        "timeout": 10,
        "server_settings": {
            "idle_in_transaction_session_timeout": f"{_FROZEN_SECONDS}s",
            "tcp_keepalives_idle": str(_IDLE),
            "tcp_keepalives_interval": str(_EVERY),
            "tcp_keepalives_count": str(_TIMES),
            "tcp_user_timeout": f"{_GONE_SECONDS}s",
        },
    }


def _watch(line: Any) -> None:
    if line is None or line.family == socket.AF_UNIX:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wanted = {
        # macOS has its own name for the first, and nothing like the last.
        "TCP_KEEPIDLE": _IDLE,
        "TCP_KEEPALIVE": _IDLE,
        "TCP_KEEPINTVL": _EVERY,
        "TCP_KEEPCNT": _TIMES,
        "TCP_USER_TIMEOUT": _GONE_SECONDS * 1000,
    }
    for name, value in wanted.items():
        option = getattr(socket, name, None)
        if option is not None:
            line.setsockopt(socket.IPPROTO_TCP, option, value)


async def end_stuck(connection: AsyncConnection) -> int:
    """End transactions that keep others out and whose process was frozen, or cut off, in the middle of a question.

    Returns how many. Raises: DBAPIError.
    """
    ended = len((await connection.execute(_END_STUCK, {"seconds": STUCK_SECONDS})).all())
    if ended:
        log.warning("transactions of a process that stands still are ended", extra={"count": ended})
    return ended
