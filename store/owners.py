"""Who is sending: a name for each process, and a lock that its death sets free.

Owns the lock files in the data folder. The kernel lets go of a lock when its process dies, and keeps it
while the process is merely frozen, so on one machine "dead" and "slow" can be told apart. Refuses to
know other machines: `presence` asks the database about those.
"""

import fcntl
import os
import secrets
import socket
from collections.abc import Collection
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from types import TracebackType


class OwnerState(StrEnum):
    """What became of a process that sends.

    ALIVE: perhaps frozen, and what it holds is its own. DEAD: ended, on this machine. GONE: it let go of its lock in
    the database: it ended, or lost its connection and can no longer begin to send. ELSEWHERE: nobody can tell.
    """

    ALIVE = "alive"
    DEAD = "dead"
    GONE = "gone"
    ELSEWHERE = "elsewhere"


class OwnerLock:
    """This process's name and lock; and a look at other processes' ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "owners"
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(8)}"
        self._descriptor: int | None = None

    def __enter__(self) -> "OwnerLock":
        self._folder.mkdir(parents=True, exist_ok=True)
        while self._descriptor is None:
            descriptor = os.open(self._file(self.name), os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_there(descriptor, self._file(self.name)):
                self._descriptor = descriptor
            else:
                # Somebody who tidied up took it for a dead one's before it was locked.
                os.close(descriptor)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _err: BaseException | None, _tb: TracebackType | None
    ) -> None:
        # The file stays: what this process still had in its hands must be known to be a dead one's.
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def state(self, owner: str) -> OwnerState:
        """Return what became of another process."""
        return self._look(self._file(owner))

    def _look(self, file: Path) -> OwnerState:
        try:
            descriptor = os.open(file, os.O_RDWR)
        except OSError:
            return OwnerState.ELSEWHERE
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return OwnerState.ALIVE
        else:
            return OwnerState.DEAD
        finally:
            os.close(descriptor)

    def dead(self) -> set[Path]:
        """Return the lock files of this machine's dead processes."""
        return {file for file in self._folder.glob("*") if self._look(file) is OwnerState.DEAD}

    def tidy(self, dead: Collection[Path], *, keep: Collection[str]) -> None:
        """Remove the lock files `dead` but those of `keep`: what these left behind must be known to be a dead one's.

        Who has something in its hands must be asked after `dead`: a process may take something, and die, in between.
        """
        kept = {self._file(name) for name in keep}
        for file in dead:
            if file not in kept:
                _remove(file)

    def _file(self, owner: str) -> Path:
        return self._folder / owner.replace("/", "-").replace(":", "_")


def _remove(file: Path) -> None:
    """Remove a file that nobody has locked, holding its lock: who began to lock it meanwhile makes another."""
    with suppress(OSError), file.open("rb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()


def _is_there(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False
