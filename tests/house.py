"""A real Genlyd as a process of its own, to be started, killed and looked into from outside.

Used by the journeys and by the benchmarks. Talks to it only as anyone could: the command line, HTTP,
signals.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parent.parent

CONFIG = """
brand = "Brand"
language = "da"

[[accounts]]
name = "x-main"
platform = "x"
handle = "brand"
base_url = "{x}"
poll_seconds = {x_poll}
recheck_seconds = {recheck}
consumer_key = "consumer_key-for-tests"
consumer_secret = "consumer_secret-for-tests"
access_token = "access_token-for-tests"
access_token_secret = "access_token_secret-for-tests"
bearer_token = "{bearer}"

[[accounts]]
name = "reddit-main"
platform = "reddit"
handle = "brand"
base_url = "{reddit}"
poll_seconds = 0.5
recheck_seconds = {recheck}
client_id = "client"
client_secret = "secret"
username = "brand"
password = "{password}"
user_agent = "test:genlyd:0.1 (by /u/brand)"

[[watches]]
account = "x-main"
hashtags = ["brandfail"]

[[watches]]
account = "reddit-main"
subreddits = ["sandbox"]

[store]
data = "{folder}"
{store}

[dashboard]
port = {port}

[alerts]
urls = {alerts}

# A test says in seconds what a brand hears in days.
[breaker]
is_on = false
"""


def free_port() -> int:
    """Return a port that nobody has right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    """One Genlyd: its folder, its config and, while it runs, its process."""

    folder: Path
    x: str
    reddit: str
    store: str = ""
    alerts: list[str] = field(default_factory=list)
    x_poll: float = 5
    recheck: float = 0
    bearer: str = "bearer_token-for-tests"
    password: str = "password"
    process: asyncio.subprocess.Process | None = None
    port: int = field(default_factory=free_port)

    @property
    def config(self) -> Path:
        """The config file."""
        return self.folder / "genlyd.toml"

    @property
    def url(self) -> str:
        """The dashboard."""
        return f"http://127.0.0.1:{self.port}"

    def write_config(self, extra: str = "") -> None:
        """Write the config anew, with `extra` tables at its end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = CONFIG.format(
            x=self.x,
            reddit=self.reddit,
            folder=self.folder / "data",
            store=self.store,
            port=self.port,
            alerts=json.dumps(self.alerts),
            x_poll=self.x_poll,
            recheck=self.recheck,
            bearer=self.bearer,
            password=self.password,
        )
        self.config.write_text(text + extra)

    async def start(self, *options: str, wait: bool = True) -> None:
        """Start it, and wait until it is ready."""
        log = (self.folder / "log.txt").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            *self._command("run", *options),
            cwd=ROOT,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        if wait:
            await self.ready()

    async def ready(self, seconds: float = 60) -> None:
        """Wait until /readyz says well."""
        async with aiohttp.ClientSession() as session, asyncio.timeout(seconds):
            while True:
                assert self.process is not None
                assert self.process.returncode is None, f"it ended by itself: {self.log()[-2000:]}"
                try:
                    async with session.get(f"{self.url}/readyz") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def hears(self, source: str) -> bool:
        """Whether a source was heard since the start: what came before a stream was opened, it never brings."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics") as response:
            said = await response.text()
        return any("fresh_timestamp" in line and f'source="{source}"' in line for line in said.splitlines())

    async def kill(self) -> None:
        """End it as a power cut would: SIGKILL, to this one process."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        """End it as an operator does: SIGTERM. Returns its status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
            try:
                async with asyncio.timeout(20):
                    await self.process.wait()
            except TimeoutError:
                # Its threads' stacks go to its log: see PYTHONFAULTHANDLER below.
                self.process.send_signal(signal.SIGABRT)
                await self.process.wait()
                raise AssertionError(f"it does not end: {self.log()[-6000:]}") from None
        return self.process.returncode or 0

    async def export(self, what: str) -> list[dict[str, Any]]:
        """Return what `genlyd export` writes."""
        process = await asyncio.create_subprocess_exec(
            *self._command("export", what, "--format", "jsonl"), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        return [json.loads(line) for line in out.splitlines()]

    async def run(self, *arguments: str, given: str = "") -> tuple[int, str]:
        """Run a command beside it. Returns its status, and everything it said."""
        command, *rest = arguments
        process = await asyncio.create_subprocess_exec(
            *self._command(command, *rest),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate(given.encode())
        assert process.returncode is not None
        return process.returncode, out.decode()

    def log(self) -> str:
        """Everything it said."""
        return (self.folder / "log.txt").read_text(errors="replace")

    def _command(self, command: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "app", command, *arguments, "--config", str(self.config)]
