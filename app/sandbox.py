"""The sandbox: emulated platforms on this machine, an account on each, and people who write.

Owns the child processes and the config they need. Refuses to import the emulators: they are separate
programs, as the real platforms are.
"""

import asyncio
import logging
import secrets
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from core.config import AccountConfig, BreakerConfig, Config, Secret
from core.errors import ConfigError, Problem
from core.post import Platform
from core.watch import Watch

log = logging.getLogger(__name__)

_HANDLE = "brand"
# Soon enough to see it happen.
_RECHECK_SECONDS = 10
_SUBREDDIT = "sandbox"
_PORTS = {Platform.X: 8101, Platform.REDDIT: 8102}
_START_SECONDS = 20.0
FIRST_STAFF = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A running sandbox: the config to run with, and where its pages are."""

    config: Config
    urls: dict[Platform, str]
    processes: tuple[asyncio.subprocess.Process, ...]


@asynccontextmanager
async def open_sandbox(config: Config, *, per_minute: float = 0.0) -> AsyncIterator[Sandbox]:
    """Start the emulators and yield a config that listens to them. Its store is made anew each time.

    `per_minute` is how much the public will write: usual there, and no storm.
    """
    folder = Path(config.store.data) / "sandbox"
    processes: list[asyncio.subprocess.Process] = []
    try:
        urls: dict[Platform, str] = {}
        for platform, port in _PORTS.items():
            process, urls[platform] = await _emulate(platform, port)
            processes.append(process)
        # The emulated platforms start empty, so what we remember of earlier ones would be of posts that never were.
        _make_anew(folder)
        calm = replace(config, breaker=calm_breaker(config.breaker, per_minute=per_minute))
        yield Sandbox(config=_with_accounts(calm, folder, urls), urls=urls, processes=tuple(processes))
    finally:
        await asyncio.gather(*(end(process) for process in processes))


async def replay(sandbox: Sandbox, *, per_minute: float) -> asyncio.subprocess.Process:
    """Let the public write, `per_minute` posts at a time of their own."""
    return await _spawn(
        "replay",
        "--x",
        sandbox.urls[Platform.X],
        "--reddit",
        sandbox.urls[Platform.REDDIT],
        "--subreddit",
        _SUBREDDIT,
        "--per-minute",
        str(per_minute),
    )


def calm_breaker(breaker: BreakerConfig, *, per_minute: float) -> BreakerConfig:
    """Return a breaker that what the public writes cannot trip, though more of it is angry than of a real one."""
    within_five_minutes = ceil(per_minute * 5)
    return replace(
        breaker,
        usual_per_hour=max(breaker.usual_per_hour, per_minute * 60),
        least_posts=max(breaker.least_posts, within_five_minutes),
    )


def first_password() -> str:
    """Return a password to print once."""
    return secrets.token_urlsafe(12)


def _make_anew(folder: Path) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        what = f"{folder} cannot be made ({err.strerror}); set [store] data to a folder that can be written"
        raise ConfigError([Problem(line=None, where="store.data", what=what)]) from err


def _with_accounts(config: Config, folder: Path, urls: dict[Platform, str]) -> Config:
    x = AccountConfig(
        name="x-sandbox",
        platform=Platform.X,
        handle=_HANDLE,
        base_url=urls[Platform.X],
        poll_seconds=2,
        recheck_seconds=_RECHECK_SECONDS,
        signature="/Genlyd",
        credentials={
            key: Secret(f"sandbox-{key}")
            for key in ("consumer_key", "consumer_secret", "access_token", "access_token_secret", "bearer_token")
        },
    )
    reddit = AccountConfig(
        name="reddit-sandbox",
        platform=Platform.REDDIT,
        handle=_HANDLE,
        base_url=urls[Platform.REDDIT],
        poll_seconds=1,
        recheck_seconds=_RECHECK_SECONDS,
        signature="/Genlyd",
        credentials={
            "client_id": Secret("sandbox-client"),
            "client_secret": Secret("sandbox-secret"),
            "username": Secret(_HANDLE),
            "password": Secret("sandbox-password"),
            "user_agent": Secret("python:genlyd-sandbox:0.1 (by /u/brand)"),
        },
    )
    watches = (
        Watch(account=x.name, hashtags=("brand", "brandfail"), keywords=("brand app",)),
        Watch(account=reddit.name, keywords=("brand",), subreddits=(_SUBREDDIT,)),
    )
    # Never the operator's own database: the sandbox's is made anew at each start.
    store = replace(config.store, data=str(folder), database=f"sqlite:///{folder}/genlyd.db", redis="embedded")
    # The emulated X shows on its page what a supervisor is told.
    shown = Secret(urls[Platform.X].replace("http://", "json://") + "/sandbox/alerts")
    alerts = config.alerts.with_urls((shown,))
    return replace(config, accounts=(x, reddit), watches=watches, store=store, alerts=alerts)


async def _emulate(platform: Platform, port: int) -> tuple[asyncio.subprocess.Process, str]:
    """Start one emulator on its usual port, or on a free one where that is taken."""
    for chosen in (port, 0):
        # The real platforms' rate windows would slow a person who is trying things out.
        process = await _spawn(platform, "--port", str(chosen), "--handle", _HANDLE, "--limits", "off")
        assert process.stdout is not None  # noqa: S101  (asked for below)
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = (await process.stdout.readline()).decode()
        except TimeoutError:
            line = ""
        if " on http" in line:
            return process, line.strip().rsplit(" ", maxsplit=1)[-1]
        await end(process)
    what = f"the emulated {platform} did not start; try `python -m emulators {platform} --port 0` to see why"
    raise ConfigError([Problem(line=None, where="sandbox", what=what)])


async def _spawn(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "emulators",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # Ctrl-C goes to the whole group; ours end when we say so, after the house has let go of them.
        start_new_session=True,
    )


async def end(process: asyncio.subprocess.Process) -> None:
    """End a child of ours: asked first, killed where it does not listen."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
