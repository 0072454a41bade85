"""Emulated platforms as real processes, and accounts that point at them.

Every fault a test plans must fire as often as planned, or the test fails when it ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import settings

from core.assessment import Language
from core.config import AccountConfig, Secret
from core.post import Platform
from core.reply import Reply, ReplyKind, ReplyState

ROOT = Path(__file__).parent.parent

# torch's threads spin while they wait for each other: beside other workers a training took three times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Files that take minutes begin first, so that no worker is left alone with one at the end.
_LONGEST = (
    "tests/sentiment/test_tune.py",
    "tests/journeys/test_chaos.py",
    "tests/journeys/test_killed_sending.py",
    "tests/journeys/test_killed.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order whole files by how long they take, where that is known; within a file nothing moves."""
    items.sort(key=lambda item: _LONGEST.index(path) if (path := item.nodeid.split("::")[0]) in _LONGEST else 99)


@dataclass(frozen=True)
class Emulated:
    """One running emulator, and its /sandbox: write as anyone, plan faults, see what fired."""

    platform: Platform
    url: str

    async def post(self, author: str, text: str, **extra: Any) -> str:
        """Write a post as anyone. Returns its native id."""
        answer = await self._call("POST", "posts", {"author": author, "text": text, **extra})
        return str(answer["id"])

    async def delete(self, post_id: str) -> None:
        await self._call("DELETE", f"posts/{post_id}")

    async def edit(self, post_id: str, text: str) -> str:
        """Give a post a new text, as its author would. Returns its id, which on X is a new one."""
        return str((await self._call("PATCH", f"posts/{post_id}", {"text": text}))["id"])

    async def posts(self) -> list[dict[str, Any]]:
        """Everything there is, oldest first."""
        return list(await self._call("GET", "posts"))

    async def replies_to(self, post_id: str) -> list[dict[str, Any]]:
        """Our own posts under a post that are still there."""
        return [p for p in await self.posts() if p["parent"] == post_id and p["ours"] and not p["deleted"]]

    async def faults(self, *plan: dict[str, Any]) -> None:
        await self._call("POST", "faults", list(plan))

    async def fired(self) -> list[dict[str, Any]]:
        """The plan, with how often each fault has fired."""
        return list(await self._call("GET", "faults"))

    async def forget_faults(self) -> None:
        await self._call("DELETE", "faults")

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.url}/sandbox/{path}", json=body) as response,
        ):
            answer = await response.json()
            assert response.status < 300, answer
            return answer


@contextmanager
def running(platform: Platform, *options: str) -> Iterator[Emulated]:
    command = [sys.executable, "-m", "emulators", platform, "--port", "0", "--handle", "brand", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline().strip()
        assert " on http" in said, f"the emulator said {said!r}"
        yield Emulated(platform=platform, url=said.rsplit(" ", 1)[1])
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


async def _checked(emulated: Emulated) -> AsyncIterator[Emulated]:
    yield emulated
    for fault in await emulated.fired():
        assert fault["fired"] == fault["times"], f"a planned fault did not fire as often as planned: {fault}"


@pytest.fixture
async def emulated_x() -> AsyncIterator[Emulated]:
    with running(Platform.X, *x_options()) as emulated:
        async for checked in _checked(emulated):
            yield checked


@pytest.fixture
async def emulated_reddit() -> AsyncIterator[Emulated]:
    with running(Platform.REDDIT, "--limits", "off") as emulated:
        async for checked in _checked(emulated):
            yield checked


X_CREDENTIALS = {
    name: Secret(f"{name}-for-tests")
    for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret", "bearer_token")
}
REDDIT_CREDENTIALS = {
    "client_id": Secret("client"),
    "client_secret": Secret("secret"),
    "username": Secret("brand"),
    "password": Secret("password"),
    "user_agent": Secret("test:genlyd:0.1 (by /u/brand)"),
}


def x_options() -> list[str]:
    """How an emulated X is started: it checks signatures, and limits nothing."""
    secrets = [f"--consumer-secret={X_CREDENTIALS['consumer_secret'].reveal()}"]
    secrets += [f"--access-secret={X_CREDENTIALS['access_token_secret'].reveal()}"]
    return ["--limits", "off", "--heartbeat", "0.5", *secrets]


def account_on(emulated: Emulated) -> AccountConfig:
    """Our account there: x-main or reddit-main."""
    return AccountConfig(
        name=f"{emulated.platform}-main",
        platform=emulated.platform,
        handle="brand",
        credentials=X_CREDENTIALS if emulated.platform is Platform.X else REDDIT_CREDENTIALS,
        base_url=emulated.url,
        poll_seconds=0.1,
    )


@pytest.fixture
def x_account(emulated_x: Emulated) -> AccountConfig:
    return account_on(emulated_x)


@pytest.fixture
def reddit_account(emulated_reddit: Emulated) -> AccountConfig:
    return account_on(emulated_reddit)


@pytest.fixture
def a_reply() -> Callable[..., Reply]:
    """A builder of replies that are being sent now."""

    def build(account: AccountConfig, target_id: str, text: str = "Thanks, we are looking into it.") -> Reply:
        return Reply(
            id=1,
            post_id=1,
            conversation_id=1,
            account=account.name,
            platform=account.platform,
            target_id=target_id,
            kind=ReplyKind.ANSWER,
            text=text,
            language=Language.EN,
            state=ReplyState.SENDING,
            is_automatic=False,
            template=None,
            approved_by="kari",
            version=1,
            attempts=1,
            fence=1,
            created_at=datetime.now(UTC),
            sending_at=datetime.now(UTC),
        )

    return build


# CI must answer the same to the same code; at a desk each run may find something new.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
