"""Leading: work that one process at a time does, under a lease that is renewed while the work goes on.

Owns the waiting for a lease, its renewal and its end. Refuses to know what the work is. A process that was frozen, or
cut off from the database, stops its work before its lease runs out; what it tries to save after that, the lease's fence
refuses.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from prometheus_client import Gauge

from core.errors import LeaseLost, StoreError
from store.leases import Lease, Leases

log = logging.getLogger(__name__)

_leads = Gauge("genlyd_leads", "1 while this process does the work, 0 while another may", ["work"])

_LOOK_SECONDS = 2.0
_GIVE_UP_SECONDS = 2.0
# Of the lease: how often it is renewed, and how long before its end the work stops.
_RENEW_PART, _STOP_PART = 0.25, 0.1

Work = Callable[[], Awaitable[None]]


async def lead(name: str, work: Work, leases: Leases) -> None:
    """Do `work` whenever this process holds the lease, for ever. Each time it is begun anew."""
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
            await _work_under(lease, work, leases, taken_at)
        except* LeaseLost as lost:
            log.warning("this process leads no more", extra={"work": name, "error": _first(lost)})
        finally:
            _leads.labels(name).set(0)
            await _give_up(lease, leases)


async def _take(name: str, leases: Leases) -> Lease | None:
    try:
        return await leases.take(name)
    except StoreError as err:
        log.error("the database failed: nobody can be told who leads", extra={"work": name, "error": str(err)})
        return None


async def _work_under(lease: Lease, work: Work, leases: Leases, taken_at: float) -> None:
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(_keep(lease, leases, taken_at))
        with leases.fenced(lease):
            await work()
        keeper.cancel()


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


async def _give_up(lease: Lease, leases: Leases) -> None:
    """Best done, not needed: a lease that nobody renews runs out."""
    try:
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            await leases.give_up(lease)
    except (StoreError, TimeoutError) as err:
        log.warning("a lease runs out by itself", extra={"work": lease.name, "error": str(err)})


def _first(lost: BaseExceptionGroup[LeaseLost]) -> str:
    """What the first of them says: each task of the work may have lost the lease by itself."""
    first = lost.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else str(first)
