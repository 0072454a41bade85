"""What the log must not say: words of a request that nobody could read (I9)."""

import asyncio
import logging

import pytest
from aiohttp import web

from app.logs import without_its_text


@pytest.mark.parametrize("request_line", ["GET /inbox?q={words}{long} HTTP/1.1", "NONSENSE {words}"])
async def test_a_request_that_cannot_be_read_is_noted_without_its_words(
    request_line: str, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("aiohttp.server")
    log.addFilter(without_its_text)
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        # The first request of a connection may be any noise, and aiohttp says nothing of it.
        writer.write(b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n")
        await reader.readuntil(b"404: Not Found")
        line = request_line.format(words="my_secret_words", long="x" * 9_000)
        writer.write(f"{line}\r\nHost: desk\r\n\r\n".encode())
        assert b"400 Bad Request" in await reader.read()
        writer.close()
    finally:
        await runner.cleanup()
        log.removeFilter(without_its_text)
    assert [record.getMessage() for record in caplog.records if record.name == "aiohttp.server"] == [
        "a request could not be read"
    ]
    assert "my_secret_words" not in caplog.text
