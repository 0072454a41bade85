"""One answer for everybody who asks the same between two changes."""

import asyncio
from datetime import timedelta

import pytest

from core.clock import ManualClock
from dashboard.live import Hub
from dashboard.shared import Shared
from store.bell import Bell
from store.conversations import Conversations
from store.database import Database
from tests.builders import a_mention, saved


class _Look:
    """A question that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        return self.asked


@pytest.fixture
def hub(database: Database, bell: Bell, clock: ManualClock) -> Hub:
    return Hub(Conversations(database), bell, clock)


async def test_who_asks_at_once_is_answered_by_one_look(hub: Hub, clock: ManualClock) -> None:
    shared, look = Shared(hub, clock), _Look()
    assert await asyncio.gather(*(shared.ask("open", look) for _ in range(20))) == [1] * 20
    assert await shared.ask("resolved", look) == 2


async def test_a_change_is_seen_by_whoever_asks_after_it(database: Database, hub: Hub, clock: ManualClock) -> None:
    shared, look = Shared(hub, clock), _Look()
    assert await shared.ask("open", look) == 1
    await saved(database, a_mention(), at=clock.now() + timedelta(milliseconds=1))
    await hub.look()
    assert await shared.ask("open", look) == 2


async def test_who_waited_while_another_looked_does_not_look_again(
    database: Database, hub: Hub, clock: ManualClock
) -> None:
    """However often something changes meanwhile: else they would look one after the other."""
    shared, look = Shared(hub, clock), _Look()

    async def slowly() -> int:
        await saved(database, a_mention(str(look.asked)), at=clock.now() + timedelta(milliseconds=1 + look.asked))
        await hub.look()
        return await look()

    assert await asyncio.gather(*(shared.ask("open", slowly) for _ in range(20))) == [1] * 20
    assert await shared.ask("open", slowly) == 2


async def test_an_answer_is_old_after_a_second(hub: Hub, clock: ManualClock) -> None:
    shared, look = Shared(hub, clock), _Look()
    assert await shared.ask("open", look) == 1
    await clock.advance(0.9)
    assert await shared.ask("open", look) == 1
    await clock.advance(0.2)
    assert await shared.ask("open", look) == 2


async def test_a_look_that_fails_is_taken_again_by_the_next(hub: Hub, clock: ManualClock) -> None:
    shared, look = Shared(hub, clock), _Look()

    async def fail() -> int:
        raise ValueError("the database is away")

    with pytest.raises(ValueError, match="away"):
        await shared.ask("open", fail)
    assert await shared.ask("open", look) == 1


async def test_many_questions_are_not_kept_for_ever(hub: Hub, clock: ManualClock) -> None:
    shared, look = Shared(hub, clock), _Look()
    for number in range(1_200):
        await shared.ask(number, look)
    assert len(shared._answers) <= 500
