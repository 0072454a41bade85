"""The worker under load: everything is read first, and the reasons follow."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.assessment import Assessment
from core.clock import SystemClock
from core.config import SentimentConfig
from sentiment.base import open_model
from sentiment.guidance import Guidance
from sentiment.language import LanguageReader
from sentiment.reader import Reader
from sentiment.urgency import UrgencyReader
from sentiment.worker import _CALM, run_worker
from store.bell import Bell, Ring
from store.conversations import Conversations
from store.corrections import Corrections
from store.database import Database, open_database
from store.embedded import EmbeddedValkey
from store.posts import Posts, Stage
from store.reasons import Reasons
from store.taught import TaughtWords
from tests.builders import NOW, a_mention, a_post, saved

MANY = 2 * _CALM + 1
DIRE = "Der lugter af gas i opgangen, og ingen hos jer tager telefonen"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path / 'genlyd.db'}")
    yield opened
    await opened.close()


@pytest.fixture
async def bell() -> AsyncIterator[Bell]:
    # A socket's path may have no more than about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="g-") as folder:
        valkey = EmbeddedValkey(Path(folder))
        assert await valkey.start()
        opened = Bell.open(valkey.url, consumer="reader")
        yield opened
        await opened.close()
        await valkey.stop()


class Tired(Reader):
    """Reads, but fails where it should say why."""

    def read(self, *args: object, explain: bool = True, **kwargs: object) -> list[Assessment]:
        if explain:
            raise RuntimeError("cannot say why")
        return super().read(*args, explain=explain, **kwargs)  # type: ignore[arg-type]


def a_reader(kind: type[Reader] = Reader) -> Reader:
    return kind(open_model(SentimentConfig()), LanguageReader(), UrgencyReader(), unsure_below=0.5)


async def _assessed(database: Database, ids: list[int]) -> list[Assessment]:
    found = []
    for heard in await Posts(database).load(ids, stage=Stage.ASSESSED):
        thread = await Conversations(database).thread(heard.conversation_id)
        assert thread is not None
        found += [entry.assessment for entry in thread.entries if entry.assessment is not None]
    return found


async def _work(database: Database, bell: Bell, reader: Reader, ids: list[int]) -> list[Assessment]:
    """Run the worker until every post is read and none is owed its reasons."""
    clock, reasons = SystemClock(), Reasons(database)
    guidance = Guidance(reader, Corrections(database), TaughtWords(database), clock)
    await bell.ring(Ring.ASSESS, ids)
    working = asyncio.create_task(run_worker(guidance, Posts(database), reasons, bell, clock))
    async with asyncio.timeout(120):
        while len(await _assessed(database, ids)) < len(ids) or await reasons.missing(limit=1):
            assert not working.done()
            await asyncio.sleep(0.05)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    # Read again: what was read above may be older than the last reasons.
    return await _assessed(database, ids)


async def _posts(database: Database, count: int) -> list[int]:
    mentions = [a_mention(str(n), post=a_post(str(n), text=f"@fjordnet {DIRE} ({n})")) for n in range(count)]
    return await saved(database, *mentions, at=NOW)


async def test_a_crowd_is_read_at_once_and_explained_afterwards(database: Database, bell: Bell) -> None:
    found = await _work(database, bell, a_reader(), await _posts(database, MANY))
    assert all(one.is_explained and one.urgency >= 80 for one in found)
    assert all(any("gas" in reason.words for reason in one.reasons) for one in found)


async def test_posts_that_cannot_be_explained_hold_up_nobody(database: Database, bell: Bell) -> None:
    found = await _work(database, bell, a_reader(Tired), await _posts(database, MANY))
    assert all(one.is_explained and not one.reasons for one in found)
