"""The running house: every room asked for, in one TaskGroup.

Owns starting, stopping and readiness. Refuses to know what a room does.
"""

import asyncio
import logging
import os
import shutil
import signal
import socket
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import listeners
from app import in_force, notify
from app.lead import Work, lead
from app.wiring import (
    Stores,
    build_guidance,
    build_outbox,
    build_reader,
    build_ruling,
    build_teller,
    build_trials,
    build_watchman,
    open_stores,
)
from core import failpoint
from core.config import AccountConfig, Config
from core.errors import ConfigError, Problem, StoreError
from core.watch import Watch
from dashboard.health import build_health, serve_health
from dashboard.server import build_app, serve
from listeners.base import Listener
from listeners.loop import Ear, run_listener
from listeners.recheck import Following, report_overdue, run_rechecks
from responder import worker as deciding
from sentiment import worker as assessing
from store.bell import Ring
from store.conversations import Conversations
from store.leases import Lease
from store.people import People
from store.promises import Promises
from store.reasons import Reasons
from store.words import leave_no_remains

log = logging.getLogger(__name__)

_LEAST_FREE_BYTES = 200_000_000
_PURGE_EVERY_SECONDS = 3600.0
# Writing search's words anew takes seconds at a million posts; what is gone has to be gone within a day (I7).
_TIDY_EVERY = timedelta(hours=6)
_WATCHES_LOOK_SECONDS = 2.0
_REMIND_EVERY_SECONDS = 5.0
# Longer than a desk with open tabs needs to end; systemd and Docker Compose wait longer than twice that.
_END_SECONDS = 10.0

Said = Callable[[str], None]


async def run(
    config: Config,
    *,
    rooms: tuple[str, ...],
    said: Said = log.info,
    up: Said = log.info,
    health_port: int | None = None,
) -> None:
    """Run `rooms` until SIGINT or SIGTERM. `said` hears the steps of starting and ending, for a person to follow.

    `up` hears the address once the dashboard answers. Without the dashboard, `health_port` is where the process tells
    how it is; None: nowhere.

    Raises: ConfigError, StoreError while starting.
    """
    failpoint.arm(os.environ)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(report_unheard)
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    if "dashboard" in rooms or health_port is not None:
        _check_port(config.dashboard.host, config.dashboard.port if health_port is None else health_port)
    said("opening the store")
    async with open_stores(config) as stores:
        await stores.accounts.enrol(config.accounts, at=stores.clock.now())
        await in_force.warn(config, stores.database)
        if "dashboard" in rooms and config.oidc is None and not await People(stores.database).count_staff():
            log.warning("nobody can sign in yet: genlyd user add NAME --role admin")
        works = await _works(config, stores, rooms, said, up)
        if health_port is not None:
            works.append(partial(_tell_health, config, stores, health_port))
        works.append(notify.keep_telling)
        notify.tell(notify.READY)
        await _until(stop, works, said)
    log.info("stopped")


def report_unheard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong where nobody waits for it.

    Not the broken connection of an opening that was given up: asyncpg leaves its future behind, and whoever gave up
    has said so.
    """
    left = context.get("future")
    is_bare = isinstance(left, asyncio.Future) and not isinstance(left, asyncio.Task)
    if is_bare and isinstance(context.get("exception"), ConnectionError):
        log.debug("a connection broke that nobody waits for", extra={"error": str(context["exception"])})
    else:
        loop.default_exception_handler(context)


async def _until(stop: asyncio.Event, works: list[Work], said: Said) -> None:
    """Run until stopped; one that fails for a reason of our own brings the house down, loudly."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_as_task(work)) for work in works]
        group.create_task(_cancel_after(stop, tasks, said))


async def _as_task(work: Work) -> None:
    await work()


async def _cancel_after(stop: asyncio.Event, tasks: list[asyncio.Task[None]], said: Said) -> None:
    await stop.wait()
    said("stopping")
    notify.tell(notify.STOPPING)
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        # A library may swallow a cancellation: on Python 3.11 wait_for does, where both come at once (gh-86296).
        _, left = await asyncio.wait(left, timeout=_END_SECONDS)
        if left:
            log.warning("work goes on although it was told to end: told again", extra={"count": len(left)})


async def _works(config: Config, stores: Stores, rooms: tuple[str, ...], said: Said, up: Said) -> list[Work]:
    """Return what to run; nothing of it is started before all of it could be made."""
    await stores.thrift.open()
    works: list[Work] = [partial(lead, "housekeeping", partial(_housekeeping, config, stores), stores.leases)]
    works.append(stores.thrift.run)
    works.append(partial(lead, "reminders", partial(_remind, stores), stores.leases))
    if "sentiment" in rooms:
        said("loading the model")
        reader = await asyncio.to_thread(build_reader, config)
        guidance = build_guidance(reader, stores)
        assess = partial(assessing.run_worker, guidance, stores.posts, Reasons(stores.database))
        works.append(partial(assess, stores.bell, stores.clock))
    if "responder" in rooms:
        ruling = build_ruling(config, stores)
        watchman = build_watchman(config, stores)
        decide = partial(deciding.run_worker, ruling, stores.posts, stores.decisions, stores.bell, stores.clock)
        works.append(partial(decide, look_first=watchman.look_first))
        works.append(watchman.run)
        works.append(build_outbox(config, stores).run)
        works.append(build_teller(config, stores).run)
    if "listeners" in rooms:
        here = tuple(account.name for account in config.accounts)
        await stores.sources.leave_accounts(but=here, at=stores.clock.now())
        works += [
            partial(lead, f"hear {account.name}", partial(_hear, account, config, stores), stores.leases)
            for account in config.accounts
        ]
    if "dashboard" in rooms:
        app = build_app(
            database=stores.database,
            bell=stores.bell,
            clock=stores.clock,
            config=config,
            readiness=partial(readiness, config, stores),
            books=build_trials(config, stores.database, stores.clock),
        )
        works.append(partial(serve, app, config.dashboard.host, config.dashboard.port, on_listening=up))
    return works


async def _hear(account: AccountConfig, config: Config, stores: Stores, lease: Lease) -> None:
    """Everything that asks one account's platform. Made anew each time this process begins to lead it."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_as_task(_recheck(account, config, stores)))
        group.create_task(_listen(account, stores, lease))


async def _listen(account: AccountConfig, stores: Stores, lease: Lease) -> None:
    """Hear one account by the watches in force; new ones begin where the old ones' cursors stand.

    Stopped between, the sources lose nothing: the cursor moves with the posts, and what a stream had brought and nobody
    saved is fetched again.
    """
    watches, is_inherited = await _watches_of(account, stores), lease.is_inherited
    while True:
        async with asyncio.TaskGroup() as group:
            ears = await _ears(account, watches, stores, is_inherited=is_inherited)
            tasks = [group.create_task(_as_task(work)) for work in ears]
            watches = await _other_watches(account, watches, stores)
            for task in tasks:
                task.cancel()
        is_inherited = False
        log.info("an account is heard by new watches", extra={"account": account.name, "watches": len(watches)})


async def _other_watches(account: AccountConfig, known: tuple[Watch, ...], stores: Stores) -> tuple[Watch, ...]:
    """Return the account's watches once they differ from those known."""
    while True:
        await stores.clock.sleep(_WATCHES_LOOK_SECONDS)
        watches = await _watches_of(account, stores)
        if watches != known:
            return watches


async def _watches_of(account: AccountConfig, stores: Stores) -> tuple[Watch, ...]:
    while True:
        try:
            return tuple(watch for watch in await stores.watches.fresh() if watch.account == account.name)
        except StoreError as err:
            log.error("the database failed: nobody knows which watches are in force", extra={"error": str(err)})
            await stores.clock.sleep(_WATCHES_LOOK_SECONDS)


async def _ears(
    account: AccountConfig, watches: tuple[Watch, ...], stores: Stores, *, is_inherited: bool
) -> list[Work]:
    ear = Ear(
        posts=stores.posts,
        sources=stores.sources,
        accounts=stores.accounts,
        bell=stores.bell,
        clock=stores.clock,
        thrift=stores.thrift,
        is_inherited=is_inherited,
    )
    if not watches:
        log.warning("an account has no watch and hears nothing", extra={"account": account.name})
    sources = listeners.build(account, watches, stores.thrift.purses[account.name]) if watches else []
    await _leave_the_rest(account, sources, stores)
    return [partial(run_listener, source, watches, ear) for source in sources]


async def _leave_the_rest(account: AccountConfig, sources: Sequence[Listener], stores: Stores) -> None:
    """What the account is not heard through any more would have its gap grow for ever."""
    names = tuple(source.source for source in sources)
    try:
        await stores.sources.leave(account.name, but=names, at=stores.clock.now())
    except StoreError as err:
        fields = {"account": account.name, "error": str(err)}
        log.error("the database failed: gaps of sources that are gone go on growing", extra=fields)


def _recheck(account: AccountConfig, config: Config, stores: Stores) -> Work:
    """One loop an account, also of one without a watch: it may hold posts from when it had one."""
    following = Following(
        rechecks=stores.rechecks,
        accounts=stores.accounts,
        bell=stores.bell,
        clock=stores.clock,
        configured=_beside(account, config.accounts),
    )
    checker = listeners.build_checker(account, stores.thrift.purses[account.name])
    return partial(run_rechecks, checker, following, a_day=account.rechecks_a_day)


def _beside(account: AccountConfig, accounts: Sequence[AccountConfig]) -> tuple[str, ...]:
    """Return the names of the accounts on this one's platform, itself among them, in the order of the config."""
    return tuple(one.name for one in accounts if one.platform == account.platform)


async def readiness(config: Config, stores: Stores) -> dict[str, str]:
    """Return what keeps us from working, by part; empty when all is well."""
    problems: dict[str, str] = {}
    try:
        await stores.database.check()
    except StoreError as err:
        problems["database"] = str(err)
    if not await stores.bell.check():
        problems["redis"] = "Redis does not answer: everything goes on, more slowly"
    for follower in (stores.rules, stores.watches):
        if follower.problem:
            problems[follower.kind] = follower.problem
    free = await asyncio.to_thread(_free_bytes, Path(config.store.data))
    if free < _LEAST_FREE_BYTES:
        problems["disk"] = f"only {free // 1_000_000} MB are free: make room before posts cannot be saved"
    return problems


async def _tell_health(config: Config, stores: Stores, port: int) -> None:
    await serve_health(build_health(partial(readiness, config, stores)), config.dashboard.host, port)


def _check_port(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as err:
        why = os.strerror(err.errno) if err.errno else str(err)
        what = f"{host}:{port} cannot be used ({why}); choose another with `genlyd run --port N` or here"
        raise ConfigError([Problem(line=None, where="dashboard.port", what=what)]) from err


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder if folder.exists() else Path()).free


async def _remind(stores: Stores, _lease: Lease) -> None:
    """What was put off until now opens again, and a promise whose time is over becomes an alert."""
    conversations, promises = Conversations(stores.database), Promises(stores.database)
    while True:
        try:
            now = stores.clock.now()
            missed = await promises.tell_missed(at=now)
            if missed:
                await stores.bell.ring(Ring.TELL, [0])
            if await conversations.wake(at=now) or missed:
                await stores.bell.announce()
        except StoreError as err:
            log.error("the database failed: nobody is reminded", extra={"error": str(err)})
        await stores.clock.sleep(_REMIND_EVERY_SECONDS)


async def _housekeeping(config: Config, stores: Stores, _lease: Lease) -> None:
    """Once an hour: forget what is older than the retention time, and leave nothing of it in SQLite's journal."""
    accounts = tuple(account.name for account in config.accounts)
    # What was forgotten before we came, nobody here knows.
    tidied_at, is_forgetful = stores.clock.now() - _TIDY_EVERY, True
    while True:
        try:
            now = stores.clock.now()
            old = now - timedelta(days=config.store.retention_days)
            forgotten = await stores.posts.purge(before=old, at=now)
            if forgotten:
                log.info("old posts were forgotten", extra={"count": forgotten})
            is_forgetful = is_forgetful or bool(forgotten)
            if now - tidied_at >= _TIDY_EVERY:
                await leave_no_remains(stores.database, since=None if is_forgetful else tidied_at)
                tidied_at, is_forgetful = now, False
            await stores.database.empty_journal()
            await report_overdue(stores.rechecks, accounts, at=now)
        except StoreError as err:
            log.error("the database failed: nothing was forgotten", extra={"error": str(err)})
        await stores.clock.sleep(_PURGE_EVERY_SECONDS)
