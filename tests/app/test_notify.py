"""systemd is told what it asks to be told, and nobody else is told anything."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.notify import READY, keep_telling, tell


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        hears.bind(str(tmp_path / "notify"))
        hears.settimeout(10)
        yield hears, str(tmp_path / "notify")


def test_systemd_hears_that_we_are_ready(systemd: tuple[socket.socket, str]) -> None:
    hears, address = systemd
    tell(READY, {"NOTIFY_SOCKET": address})
    assert hears.recv(100) == b"READY=1"


def test_where_nobody_listens_nothing_is_said() -> None:
    tell(READY, {})
    tell(READY, {"NOTIFY_SOCKET": "vsock:1:2"})


async def test_the_watchdog_hears_that_we_live_again_and_again(systemd: tuple[socket.socket, str]) -> None:
    hears, address = systemd
    asked = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())}
    telling = asyncio.create_task(keep_telling(asked))
    assert [await asyncio.to_thread(hears.recv, 100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    telling.cancel()
    await asyncio.wait({telling})


async def test_without_a_watchdog_or_with_one_for_another_process_nothing_is_told() -> None:
    await keep_telling({})
    await keep_telling({"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"})
