"""What the responder stands on, real but small: SQLite in a file, a clock turned by hand, and a bell that is away."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.config import AccountConfig
from core.post import Platform
from responder.outbox import Outbox
from store.accounts import Accounts
from store.bell import Bell
from store.database import Database, open_database
from store.owners import OwnerLock
from store.presence import Presence
from store.replies import Replies
from tests.builders import NOW, a_mention, decided
from tests.responder.wire import ACCOUNT, Wire


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    account = AccountConfig(name="x-main", platform=Platform.X, handle="Fjordnet", credentials={})
    await Accounts(opened).enrol([account], at=NOW - timedelta(days=1))
    yield opened
    await opened.close()


@pytest.fixture
async def bell(tmp_path: Path) -> AsyncIterator[Bell]:
    """Nobody answers it: rows alone must do (I8)."""
    opened = Bell.open(f"unix://{tmp_path}/nobody.sock", consumer="test")
    yield opened
    await opened.close()


@pytest.fixture
async def wire(database: Database) -> AsyncIterator[Wire]:
    """Every fault a test writes down must have been met when it ends."""
    wire = Wire(replies=Replies(database))
    yield wire
    assert wire.sends == []
    assert wire.looks == []


@pytest.fixture
async def outbox(
    database: Database, clock: ManualClock, bell: Bell, wire: Wire, tmp_path: Path
) -> AsyncIterator[Outbox]:
    async with Presence(OwnerLock(tmp_path), database) as owner:
        yield Outbox(
            owner=owner,
            senders={ACCOUNT: wire},
            replies=Replies(database),
            accounts=Accounts(database),
            bell=bell,
            clock=clock,
        )


@pytest.fixture
async def due(database: Database) -> int:
    """One acknowledgement that is due."""
    await decided(database, a_mention())
    return 1
