"""A process without pages tells how it is, to whoever asks and without a sign-in."""

import asyncio

import aiohttp

from core.errors import StoreError
from dashboard.health import build_health, serve_health


async def test_a_process_without_pages_says_whether_it_lives_can_work_and_what_it_counts() -> None:
    said: dict[str, str] = {}

    async def readiness() -> dict[str, str]:
        if "raise" in said:
            raise StoreError("gone")
        return said

    listening = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve_health(build_health(readiness), "127.0.0.1", 0, on_listening=listening.set_result)
    )
    url = await listening
    async with aiohttp.ClientSession(url) as session:

        async def ask(path: str) -> tuple[int, str]:
            async with session.get(path) as response:
                return response.status, await response.text()

        assert await ask("/healthz") == (200, '{"alive": true}')
        assert await ask("/readyz") == (200, '{"ready": true, "problems": {}}')
        said["redis"] = "away"
        assert (await ask("/readyz"))[0] == 503
        said["raise"] = ""
        assert await ask("/readyz") == (503, '{"ready": false, "problems": {"database": "gone"}}')
        status, counted = await ask("/metrics")
        assert status == 200
        assert "python_info" in counted
        assert (await ask("/"))[0] == 404
    serving.cancel()
    await asyncio.wait({serving})
