"""Time turned by hand, and the one backoff."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.clock import Backoff, ManualClock, SystemClock
from tests.builders import NOW


async def test_sleepers_wake_in_the_order_they_are_due_each_at_its_own_instant() -> None:
    clock = ManualClock(NOW)
    woken: list[tuple[float, datetime]] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.now()))

    async with asyncio.TaskGroup() as tasks:
        for seconds in (3.0, 1.0, 2.0):
            tasks.create_task(sleep(seconds))
        await asyncio.sleep(0)
        await clock.advance(2.5)
        assert woken == [(seconds, NOW + timedelta(seconds=seconds)) for seconds in (1.0, 2.0)]
        assert clock.now() == NOW + timedelta(seconds=2.5)
        await clock.advance(1)
    assert woken[-1] == (3.0, NOW + timedelta(seconds=3))


async def test_who_sleeps_again_while_time_moves_wakes_again_within_it() -> None:
    clock = ManualClock(NOW)
    ticks: list[datetime] = []

    async def tick() -> None:
        while len(ticks) < 3:
            await clock.sleep(1)
            ticks.append(clock.now())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tick())
        await asyncio.sleep(0)
        await clock.advance(10)
    assert ticks == [NOW + timedelta(seconds=number) for number in (1, 2, 3)]


async def test_the_system_clock_is_aware_and_moves() -> None:
    clock = SystemClock()
    before = clock.now()
    assert before.tzinfo is UTC
    await clock.sleep(0.01)
    assert clock.now() > before


@given(seed=st.integers(), tries=st.integers(1, 60))
def test_every_wait_is_at_least_half_of_its_doubling_and_never_over_the_most(seed: int, tries: int) -> None:
    backoff = Backoff(first_seconds=0.5, most_seconds=60, rng=random.Random(seed))
    for number in range(tries):
        full = min(60.0, 0.5 * 2.0**number)
        assert full / 2 <= backoff.next_seconds() <= full


@given(least=st.floats(0, 10_000))
def test_a_platforms_own_number_is_never_undercut(least: float) -> None:
    assert Backoff().next_seconds(at_least=least) >= least


def test_a_reset_starts_over() -> None:
    backoff = Backoff(first_seconds=1, most_seconds=64)
    for _ in range(10):
        backoff.next_seconds()
    assert backoff.next_seconds() >= 32
    backoff.reset()
    assert backoff.next_seconds() <= 1
