"""Leading: work that one process at a time does, under a lease that is renewed while the work goes on.

Owns the waiting for a lease, its renewal and its end. Refuses to know what the work is. A process that was frozen, or
cut off from the database, stops its work before its lease runs out; what it tries to save after that, the lease's fence
refuses. Work that cannot be stopped, for it hangs on a silent network, ends with its process: a stream that stays open
keeps the next process from hearing.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

from prometheus_client import Gauge

from core.errors import LeaseLost, StoreError
from store.leases import Lease, Leases

log = logging.getLogger(__name__)

_leads = Gauge("genlyd_leads", "1 while this process does the work, 0 while another may", ["work"])

_LOOK_SECONDS = 2.0
_GIVE_UP_SECONDS = 2.0
# How long work may take to stop once it is told to.
LET_GO_SECONDS = 15.0
# What a service manager takes for a failure that another start may mend (sysexits.h: EX_TEMPFAIL).
CANNOT_LET_GO = 75
# Of the lease: how often it is renewed, and how long before its end the work stops.
_RENEW_PART, _STOP_PART = 0.25, 0.1

Work = Callable[[], Awaitable[None]]
LedWork = Callable[[Lease], Awaitable[None]]


async def lead(name: str, work: LedWork, leases: Leases, *, let_go_seconds: float = LET_GO_SECONDS) -> None:
    """Do `work` whenever this process holds the lease, which it is given, for ever. Each time it is begun anew.

    Once the lease is lost the work has `let_go_seconds` to stop; then the process ends, with status CANNOT_LET_GO.
    """
    while True:
        _leads.labels(name).set(0)
        taken_at = asyncio.get_running_loop().time()
        lease = await _take(name, leases)
        if lease is None:
            await asyncio.sleep(min(_LOOK_SECONDS, leases.seconds / 4))
            continue
        _leads.labels(name).set(1)
        log.info("this process leads", extra={"work": name, "fence": lease.fence})
        try:
            await _work_under(lease, work, leases, taken_at, let_go_seconds)
        except* LeaseLost as lost:
            log.warning("this process leads no more", extra={"work": name, "error": _first(lost)})
        finally:
            _leads.labels(name).set(0)
            # Told to stop, we end our work in order; any other end may have left something unsaid.
            task = asyncio.current_task()
            await _give_up(lease, leases, is_left=task is not None and task.cancelling() > 0)


async def _take(name: str, leases: Leases) -> Lease | None:
    try:
        return await leases.take(name)
    except StoreError as err:
        log.error("the database failed: nobody can be told who leads", extra={"work": name, "error": str(err)})
        return None


async def _work_under(lease: Lease, work: LedWork, leases: Leases, taken_at: float, let_go_seconds: float) -> None:
    last_resort: asyncio.TimerHandle | None = None

    async def keep() -> None:
        nonlocal last_resort
        try:
            await _keep(lease, leases, taken_at)
        except LeaseLost:
            last_resort = asyncio.get_running_loop().call_later(let_go_seconds, _end_process, lease.name)
            raise

    try:
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(keep())
            with leases.fenced(lease):
                await work(lease)
            keeper.cancel()
    finally:
        if last_resort is not None:
            last_resort.cancel()


def _end_process(name: str) -> None:
    """As a kill would: everything of ours stands that."""
    log.critical("work does not stop though another process leads it: this process ends", extra={"work": name})
    logging.shutdown()
    os._exit(CANNOT_LET_GO)


async def _keep(lease: Lease, leases: Leases, renewed_at: float) -> None:
    """Renew until somebody newer holds it, or until it may have run out: then stop the work, before others begin."""
    loop = asyncio.get_running_loop()
    while True:
        ends_at = renewed_at + leases.seconds * (1 - _STOP_PART)
        await asyncio.sleep(min(leases.seconds * _RENEW_PART, max(0.0, ends_at - loop.time())))
        asked_at = loop.time()
        try:
            async with asyncio.timeout_at(ends_at):
                is_held = await leases.renew(lease)
        except (StoreError, TimeoutError) as err:
            if loop.time() >= ends_at:
                raise LeaseLost(f"the lease on {lease.name!r} could not be renewed in time: {err}") from err
            continue
        if not is_held:
            raise LeaseLost(f"another process took over {lease.name!r}")
        renewed_at = asked_at


async def _give_up(lease: Lease, leases: Leases, *, is_left: bool) -> None:
    """Best done, not needed: a lease that nobody renews runs out."""
    try:
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            await leases.give_up(lease, is_left=is_left)
    except (StoreError, TimeoutError) as err:
        log.warning("a lease runs out by itself", extra={"work": lease.name, "error": str(err)})


def _first(lost: BaseExceptionGroup[LeaseLost]) -> str:
    """What the first of them says: each task of the work may have lost the lease by itself."""
    first = lost.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else str(first)
