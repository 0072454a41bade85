"""Everything made once, from the config.

Owns the only place that knows every room. Refuses to run anything: `run` does.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from app.following import Follower, Ruling, follow_rules, follow_watches
from app.trials import Trials
from core.budget import Purse
from core.clock import Clock, SystemClock
from core.config import Config, Rule, SafetyConfig
from core.ladder import ladder_of
from core.watch import Watch
from listeners.thrift import Thrift
from responder import draft, senders
from responder.alerts import Teller, targets
from responder.outbox import Outbox
from responder.watchman import Watchman, load_statements
from responder.worker import Desk
from sentiment.base import open_model
from sentiment.guidance import Guidance
from sentiment.language import LanguageReader
from sentiment.reader import Reader
from sentiment.urgency import UrgencyReader
from store.accounts import Accounts
from store.bell import Bell
from store.corrections import Corrections
from store.database import Database, open_database
from store.decisions import Decisions
from store.embedded import EmbeddedValkey
from store.incidents import Incidents
from store.leases import Leases
from store.owners import OwnerLock
from store.pasts import Pasts
from store.posts import Posts
from store.presence import Presence
from store.rechecks import Rechecks
from store.replies import Replies
from store.rulebooks import Rulebooks
from store.sources import Sources
from store.spending import Spending
from store.taught import TaughtWords
from store.tellings import Tellings
from store.tempo import Tempo


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The doors to what we remember, opened once a process."""

    database: Database
    bell: Bell
    posts: Posts
    sources: Sources
    rechecks: Rechecks
    decisions: Decisions
    replies: Replies
    accounts: Accounts
    clock: Clock
    owner: Presence
    leases: Leases
    thrift: Thrift
    rules: Follower[Rule]
    watches: Follower[Watch]


@asynccontextmanager
async def open_stores(config: Config, clock: Clock | None = None) -> AsyncIterator[Stores]:
    """Open the database and the bell, with the embedded Valkey where asked; close all on leaving.

    Raises: ConfigError, StoreError.
    """
    clock = clock or SystemClock()
    owner = OwnerLock(Path(config.store.data))
    embedded = EmbeddedValkey(Path(config.store.data)) if config.store.redis == "embedded" else None
    database = await open_database(config.store.database)
    try:
        if embedded is not None:
            await embedded.start()
        bell = Bell.open(embedded.url if embedded else config.store.redis, consumer=owner.name)
        try:
            await bell.refuse_cluster()
            async with Presence(owner, database) as presence:
                stores = _stores(config, database, bell, clock, presence, Leases(database, owner, clock))
                # Before anybody tidies their lock files away: a restart must not wait for its own dead predecessor.
                await stores.leases.free_the_dead()
                yield stores
        finally:
            await bell.close()
            if embedded is not None:
                await embedded.stop()
    finally:
        await database.close()


def _stores(config: Config, database: Database, bell: Bell, clock: Clock, owner: Presence, leases: Leases) -> Stores:
    return Stores(
        database=database,
        bell=bell,
        posts=Posts(database),
        sources=Sources(database),
        rechecks=Rechecks(database),
        decisions=Decisions(database, repeat_alert_after=timedelta(minutes=config.alerts.repeat_after_minutes)),
        replies=Replies(database),
        accounts=Accounts(database),
        clock=clock,
        owner=owner,
        leases=leases,
        rules=follow_rules(config, Rulebooks(database)),
        watches=follow_watches(config, Rulebooks(database)),
        thrift=Thrift(spending=Spending(database), bell=bell, clock=clock, purses=build_purses(config, clock)),
    )


def build_purses(config: Config, clock: Clock) -> dict[str, Purse]:
    """Return what each account may spend and has spent, for all rooms of this process."""
    return {
        account.name: Purse(account=account.name, budget=account.budget, clock=clock) for account in config.accounts
    }


def build_reader(config: Config) -> Reader:
    """Load the model and everything beside it. Slow; blocks. Raises: ConfigError."""
    reader = Reader(
        open_model(config.sentiment),
        LanguageReader(),
        UrgencyReader(),
        unsure_below=config.sentiment.unsure_below,
    )
    # The first score pays for lazy set-up; the first customer should not.
    reader.read(["Hej, tak for hjælpen"], [None], [None])
    return reader


def build_guidance(reader: Reader, stores: Stores) -> Guidance[Reader]:
    """Return the reader together with what people of the staff taught and corrected."""
    return Guidance(reader, Corrections(stores.database), TaughtWords(stores.database), stores.clock)


def build_desk(config: Config) -> Desk:
    """Return what deciding needs. Raises: ConfigError for a faulty template."""
    templates = draft.load(
        brand=config.brand,
        house_language=config.language,
        signatures={account.name: account.signature for account in config.accounts},
    )
    return Desk(
        rules=config.rules,
        templates=templates,
        dashboard_url=config.dashboard.url,
        limits=limits_of(config),
        hours=config.hours,
    )


def build_ruling(config: Config, stores: Stores) -> Ruling:
    """Return a desk whose rules are those in force. Raises: ConfigError for a faulty template."""
    return Ruling(build_desk(config), stores.rules)


def build_trials(config: Config, database: Database, clock: Clock) -> Trials:
    """Return what the pages of rules and watches ask. Raises: ConfigError for a faulty template."""
    store = Rulebooks(database)
    rules, watches = follow_rules(config, store), follow_watches(config, store)
    return Trials(config, build_desk(config), Pasts(database), clock, rules=rules, watches=watches)


def limits_of(config: Config) -> SafetyConfig:
    """Return the budgets, with the breaker's own where it is on."""
    return replace(config.safety, account_at_once=config.breaker.replies_at_once if config.breaker.is_on else None)


def build_outbox(config: Config, stores: Stores) -> Outbox:
    """Return the outbox with a sender for each account."""
    return Outbox(
        owner=stores.owner,
        senders={
            account.name: senders.build(account, stores.thrift.purses[account.name]) for account in config.accounts
        },
        replies=stores.replies,
        accounts=stores.accounts,
        bell=stores.bell,
        clock=stores.clock,
        limits=limits_of(config),
    )


def build_watchman(config: Config, stores: Stores) -> Watchman:
    """Return the crisis breaker's eyes. Raises: ConfigError for a holding statement that is missing."""
    return Watchman(
        accounts=[account.name for account in config.accounts],
        config=config.breaker,
        statements=load_statements(config.breaker),
        dashboard_url=config.dashboard.url,
        tempo=Tempo(stores.database),
        incidents=Incidents(stores.database),
        bell=stores.bell,
        clock=stores.clock,
    )


def build_teller(config: Config, stores: Stores) -> Teller:
    """Return whoever tells people. Raises: ConfigError for a URL that Apprise cannot read."""
    return Teller(
        targets=targets(config.alerts),
        ladder=ladder_of(config),
        link_hours=config.alerts.link_hours,
        dashboard_url=config.dashboard.url,
        tellings=Tellings(stores.database),
        bell=stores.bell,
        clock=stores.clock,
    )
