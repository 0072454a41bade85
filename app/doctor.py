"""`genlyd doctor`: what is wrong, and the command or the line that mends it.

Owns the checks. Refuses to mend anything itself, and to send anything anywhere.
"""

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import listeners
from app import doctor_listening, in_force
from app.finding import Finding
from app.wiring import build_desk, build_reader
from core.clock import SystemClock
from core.config import AccountConfig, Config, OidcConfig
from core.errors import ConfigError, NeedsOperator, PlatformError, StoreError
from core.reply import ReplyState
from core.watch import Watch
from platforms.oidc import Provider
from responder.alerts import nobody_told, targets
from store.bell import Bell
from store.database import Database, open_database
from store.embedded import EmbeddedValkey
from store.people import People
from store.posts import Posts, Stage
from store.redis_urls import shown
from store.replies import Replies
from store.sources import Sources

_LEAST_FREE_BYTES = 1_000_000_000
# Leases last 60 seconds and quiet hours are told in minutes: a clock further off than this misleads both.
_MOST_SKEW_SECONDS = 5.0


async def examine(config: Config) -> AsyncIterator[Finding]:
    """Yield a finding for each part, in the order a post would meet them."""
    yield _python()
    yield _disk(config)
    async for finding in _database(config):
        yield finding
    async for finding in _redis(config):
        yield finding
    yield await asyncio.to_thread(_model, config)
    yield _rules(config)
    for account in config.accounts:
        yield await _account(account)
    if not config.accounts:
        yield Finding(what="accounts", is_well=True, detail="none: `genlyd run` starts the sandbox")
    yield _alerts(config)
    if config.oidc is not None:
        yield await _provider(config.oidc)
    yield _port(config)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    is_well = (3, 11) <= sys.version_info[:2] <= (3, 14)
    return Finding(what="Python", is_well=is_well, detail=version, cure="install Python 3.11 to 3.14")


def _disk(config: Config) -> Finding:
    folder = Path(config.store.data)
    free = shutil.disk_usage(folder if folder.exists() else Path()).free
    return Finding(
        what="disk",
        is_well=free >= _LEAST_FREE_BYTES,
        detail=f"{free / 1e9:.1f} GB free",
        cure=f"make room where {folder.resolve()} lies, or set [store] data elsewhere",
    )


async def _database(config: Config) -> AsyncIterator[Finding]:
    url = config.store.database
    shown = url if "@" not in url else url.split("@", maxsplit=1)[-1]
    try:
        database = await open_database(url)
        try:
            people = await People(database).count_staff()
            cure = "genlyd user add NAME --role admin"
            is_manned = people > 0 or not config.accounts
            yield Finding(what="database", is_well=is_manned, detail=f"{shown}: {people} can sign in", cure=cure)
            yield await _gaps(database)
            yield await _stuck(database)
            yield await _unknown(database)
            async for finding in in_force.examine(config, database):
                yield finding
            async for finding in doctor_listening.examine(config, database, now=SystemClock().now()):
                yield finding
            now = await database.clock()
            if now is not None:
                yield _clock("the database", now)
        finally:
            await database.close()
    except (StoreError, ConfigError) as err:
        yield Finding(what="database", is_well=False, detail=str(err), cure="start it, or mend [store] database")


async def _gaps(database: Database) -> Finding:
    gaps = [gap for gap in await Sources(database).gaps(covered_since=SystemClock().now()) if gap.closed_at is None]
    if not gaps:
        return Finding(what="gaps", is_well=True, detail="none open")
    first = min(gaps, key=lambda gap: gap.from_at)
    detail = f"{len(gaps)} open, the oldest from {first.from_at:%Y-%m-%d %H:%M} UTC ({first.account}, {first.source})"
    cure = (
        "one that still grows closes by itself once `genlyd run` hears the source again; one that cannot be covered "
        "is closed on the sources page: /sources, Seen"
    )
    return Finding(what="gaps", is_well=False, detail=detail, cure=cure)


async def _stuck(database: Database) -> Finding:
    stuck = (await Posts(database).count_by_stage()).get(Stage.STUCK, 0)
    cure = "genlyd retry (the log says what failed; tell us if it fails again)"
    return Finding(what="stuck posts", is_well=not stuck, detail=str(stuck), cure=cure)


async def _unknown(database: Database) -> Finding:
    unknown = (await Replies(database).count_by_state()).get(ReplyState.UNKNOWN, 0)
    detail = f"{unknown} replies of which nobody knows whether they were published"
    return Finding(
        what="unknown replies",
        is_well=not unknown,
        detail=detail if unknown else "none",
        cure="they are looked for by themselves while `genlyd run` runs; what stays is settled in the inbox",
    )


def _clock(whose: str, now: datetime) -> Finding:
    apart = abs((SystemClock().now() - now).total_seconds())
    return Finding(
        what="clock",
        is_well=apart <= _MOST_SKEW_SECONDS,
        detail=f"{apart:.1f} s from that of {whose}",
        cure="keep both machines' clocks by NTP: sudo timedatectl set-ntp true",
    )


async def _redis(config: Config) -> AsyncIterator[Finding]:
    embedded = EmbeddedValkey(Path(config.store.data)) if config.store.redis == "embedded" else None
    try:
        started = embedded is not None and await embedded.start()
        bell = Bell.open(embedded.url if embedded else config.store.redis, consumer="doctor")
    except ConfigError as err:
        yield Finding(what="Redis", is_well=False, detail=str(err), cure="set [store] redis to a server of yours")
        return
    try:
        facts = await bell.facts()
        await bell.refuse_cluster()
    except ConfigError as err:
        yield Finding(what="Redis", is_well=False, detail=str(err), cure="set [store] redis to one server")
        return
    finally:
        await bell.close()
        if embedded is not None and started:
            await embedded.stop()
    detail = "embedded Valkey" if embedded else shown(config.store.redis)
    yield Finding(what="Redis", is_well=facts is not None, detail=detail, cure="start it, or set [store] redis")
    if facts is None:
        return
    yield Finding(
        what="Redis snapshots",
        is_well=facts.can_save,
        detail="none needed: Redis holds only hints" if facts.can_save else "the last one failed, so it refuses writes",
        cure='make room on its disk, or switch them off, for we need none: redis-cli CONFIG SET save ""',
    )
    yield _clock("Redis", facts.now)


def _model(config: Config) -> Finding:
    try:
        build_reader(config)
    except ConfigError as err:
        return Finding(what="model", is_well=False, detail=str(err), cure='set [sentiment] model = "shipped"')
    return Finding(what="model", is_well=True, detail=f"{config.sentiment.model} reads")


def _rules(config: Config) -> Finding:
    try:
        build_desk(config)
    except ConfigError as err:
        return Finding(what="templates", is_well=False, detail=str(err), cure="mend the file named")
    return Finding(what="rules", is_well=True, detail=f"{len(config.rules)} rules")


async def _account(account: AccountConfig) -> Finding:
    what = f"account {account.name}"
    sources = listeners.build(account, (Watch(account=account.name),))
    try:
        async with asyncio.timeout(20):
            us = await sources[0].identify()
    except NeedsOperator as err:
        return Finding(what=what, is_well=False, detail=str(err), cure=err.cure)
    except (PlatformError, TimeoutError) as err:
        detail = str(err) or "no answer within 20 seconds"
        return Finding(what=what, is_well=False, detail=detail, cure="check the network and base_url, then try again")
    finally:
        for source in sources:
            await source.close()
    return Finding(what=what, is_well=True, detail=f"signed in as {us.handle}")


async def _provider(oidc: OidcConfig) -> Finding:
    what = "sign-in provider"
    try:
        issuer = await Provider(oidc, SystemClock()).examine()
    except NeedsOperator as err:
        return Finding(what=what, is_well=False, detail=str(err), cure=err.cure)
    except PlatformError as err:
        return Finding(what=what, is_well=False, detail=str(err), cure="check the network and [oidc] issuer")
    return Finding(what=what, is_well=True, detail=f"{issuer} answers; its secret is only tried by a sign-in")


def _alerts(config: Config) -> Finding:
    try:
        targets(config.alerts)
    except ConfigError as err:
        return Finding(what="alerts", is_well=False, detail=str(err), cure="mend the URLs in [alerts]")
    faults, steps = nobody_told(config), config.alerts.steps
    names = ", then ".join(f"{step.name} ({len(step.urls)})" for step in steps if step.urls)
    if not faults:
        return Finding(what="alerts", is_well=True, detail=f"{names}; links lead to {config.dashboard.url}")
    what, cure = faults[0]
    return Finding(what="alerts", is_well=False, detail=what, cure=cure)


def _port(config: Config) -> Finding:
    host, port = config.dashboard.host, config.dashboard.port
    with socket.socket() as probe:
        in_use = port != 0 and probe.connect_ex((host, port)) == 0
    detail = f"{host}:{port} " + ("already answers: is Genlyd running?" if in_use else "is free")
    return Finding(what="dashboard", is_well=True, detail=detail)
