"""A short seed of chaos on every run; `make chaos` plays the long ones. CONTRIBUTING.md tells how to read one."""

from __future__ import annotations

import pytest

from benchmarks.chaos.check import broken_promises
from benchmarks.chaos.journey import play
from benchmarks.chaos.plan import Plan, make_plan


async def _keeps_every_promise(plan: Plan) -> None:
    broken = broken_promises(await play(plan, rate=50))
    assert not broken, "\n".join([*broken, str(plan)])


async def test_one_process_keeps_every_promise_while_everything_around_it_breaks() -> None:
    await _keeps_every_promise(make_plan(1, posts=300, processes=1))


@pytest.mark.postgres
async def test_three_processes_keep_every_promise_while_they_and_their_stores_are_struck() -> None:
    await _keeps_every_promise(make_plan(2, posts=250, processes=3))
