"""Who is sending: a name for each process, and a lock that its death sets free.

Owns the lock files in the data folder. The kernel lets go of a lock when its process dies, and keeps it
while the process is merely frozen, so on one machine "dead" and "slow" can be told apart. Across
machines nobody can tell, and the lease alone decides.
"""

import fcntl
import os
import secrets
import socket
from enum import StrEnum
from pathlib import Path
from types import TracebackType


class OwnerState(StrEnum):
    """ALIVE (perhaps frozen), DEAD, or ELSEWHERE: not on this machine, so unknown."""

    ALIVE = "alive"
    DEAD = "dead"
    ELSEWHERE = "elsewhere"


class OwnerLock:
    """This process's name and lock; and a look at other processes' ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "owners"
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(8)}"
        self._descriptor: int | None = None

    def __enter__(self) -> "OwnerLock":
        self._folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._file(self.name), os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _err: BaseException | None, _tb: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            self._file(self.name).unlink(missing_ok=True)
            os.close(self._descriptor)

    def state(self, owner: str) -> OwnerState:
        """Return what became of another process."""
        try:
            descriptor = os.open(self._file(owner), os.O_RDWR)
        except OSError:
            return OwnerState.ELSEWHERE
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return OwnerState.ALIVE
        else:
            return OwnerState.DEAD
        finally:
            os.close(descriptor)

    def forget(self, owner: str) -> None:
        """Remove the lock file of a dead process whose work has been taken over."""
        self._file(owner).unlink(missing_ok=True)

    def _file(self, owner: str) -> Path:
        return self._folder / owner.replace("/", "-").replace(":", "_")
