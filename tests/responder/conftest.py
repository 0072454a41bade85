"""What the responder stands on, real but small: SQLite in a file, a clock turned by hand, and a bell that is away."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.config import AccountConfig
from core.post import Platform
from store.accounts import Accounts
from store.bell import Bell
from store.database import Database, open_database
from tests.builders import NOW


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    account = AccountConfig(name="x-main", platform=Platform.X, handle="Fjordnet", credentials={})
    await Accounts(opened).enrol([account], at=NOW)
    yield opened
    await opened.close()


@pytest.fixture
async def bell(tmp_path: Path) -> AsyncIterator[Bell]:
    """Nobody answers it: rows alone must do (I8)."""
    opened = Bell.open(f"unix://{tmp_path}/nobody.sock", consumer="test")
    yield opened
    await opened.close()
