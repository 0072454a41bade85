"""The end of a house: everything is told to stop until it has."""

import asyncio
import logging
from contextlib import suppress

import pytest

from app import run


async def test_what_swallows_its_cancellation_is_told_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_END_SECONDS", 0.05)
    begun, stop = asyncio.Event(), asyncio.Event()

    async def deaf() -> None:
        # As a library does that gets its answer in the moment in which it is cancelled.
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def hearing() -> None:
        await asyncio.Event().wait()

    said: list[str] = []
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(run._until(stop, [deaf, hearing], said.append))
        await begun.wait()
        stop.set()
    assert said == ["stopping"]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "work goes on although it was told to end: told again"
    ]
