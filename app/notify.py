"""Telling systemd that we are ready, that we live, and that we stop: the unit's Type=notify and WatchdogSec.

Owns these words. Does nothing where nobody asked for them.
"""

import asyncio
import os
import socket
from collections.abc import Mapping

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


def tell(word: str, environment: Mapping[str, str] = os.environ) -> None:
    """Say it, if systemd listens. Source: sd_notify(3), read 2026-11."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
        # A leading @ is an abstract socket, which begins with a null byte.
        speaker.connect("\0" + address[1:] if address.startswith("@") else address)
        speaker.sendall(word.encode())


async def keep_telling(environment: Mapping[str, str] = os.environ) -> None:
    """Say that we live, twice in the time systemd waits. A loop that hangs says nothing, and is restarted."""
    asked = environment.get("WATCHDOG_USEC", "")
    if not asked.isdigit() or environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    while True:
        tell(ALIVE, environment)
        await asyncio.sleep(int(asked) / 2_000_000)
