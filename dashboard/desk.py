"""What every page needs, made once: the stores, the bell, the clock, the live hub.

Owns the keys under which the application and a request carry things. Refuses to do anything with them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from core.clock import Clock
from core.config import Config
from core.failpoint import reach
from core.reply import Reply
from dashboard.books import Books
from dashboard.live import Hub
from dashboard.shared import Shared
from platforms.oidc import Provider
from store.accounts import Accounts
from store.alerts import Alerts
from store.arrivals import Arrivals
from store.audit import Audit
from store.bell import Bell, Ring
from store.bulk import Bulk
from store.conversations import Conversations
from store.corrections import Corrections
from store.database import Database
from store.factors import Factors
from store.handing import Handing
from store.incidents import Incidents
from store.invitations import Invitations
from store.lookers import Lookers
from store.notes import Notes
from store.people import People
from store.posts import Posts
from store.promises import Promises
from store.replies import Replies
from store.rulebooks import Rulebooks
from store.saved_filters import SavedFilters
from store.sessions import Session, Sessions
from store.sources import Sources
from store.spending import Spending
from store.taught import TaughtWords
from store.tempo import Tempo
from store.tries import Tries

Readiness = Callable[[], Awaitable[dict[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything a handler may use."""

    database: Database
    bell: Bell
    clock: Clock
    config: Config
    hub: Hub
    books: Books | None = None
    accounts: Accounts = field(init=False)
    alerts: Alerts = field(init=False)
    bulk: Bulk = field(init=False)
    conversations: Conversations = field(init=False)
    corrections: Corrections = field(init=False)
    handing: Handing = field(init=False)
    notes: Notes = field(init=False)
    promises: Promises = field(init=False)
    arrivals: Arrivals = field(init=False)
    audit: Audit = field(init=False)
    factors: Factors = field(init=False)
    incidents: Incidents = field(init=False)
    invitations: Invitations = field(init=False)
    people: People = field(init=False)
    posts: Posts = field(init=False)
    replies: Replies = field(init=False)
    rulebooks: Rulebooks = field(init=False)
    saved_filters: SavedFilters = field(init=False)
    sessions: Sessions = field(init=False)
    sources: Sources = field(init=False)
    spending: Spending = field(init=False)
    taught: TaughtWords = field(init=False)
    tempo: Tempo = field(init=False)
    lookers: Lookers = field(init=False)
    tries: Tries = field(init=False)
    provider: Provider | None = field(init=False)
    shared: Shared = field(init=False)

    def __post_init__(self) -> None:
        for name, store in (
            ("accounts", Accounts),
            ("alerts", Alerts),
            ("bulk", Bulk),
            ("conversations", Conversations),
            ("corrections", Corrections),
            ("handing", Handing),
            ("notes", Notes),
            ("promises", Promises),
            ("arrivals", Arrivals),
            ("audit", Audit),
            ("factors", Factors),
            ("incidents", Incidents),
            ("invitations", Invitations),
            ("people", People),
            ("posts", Posts),
            ("replies", Replies),
            ("rulebooks", Rulebooks),
            ("saved_filters", SavedFilters),
            ("sessions", Sessions),
            ("sources", Sources),
            ("spending", Spending),
            ("taught", TaughtWords),
            ("tempo", Tempo),
            ("tries", Tries),
        ):
            object.__setattr__(self, name, store(self.database))
        object.__setattr__(self, "lookers", Lookers(self.bell))
        oidc = self.config.oidc
        object.__setattr__(self, "provider", Provider(oidc, self.clock) if oidc is not None else None)
        object.__setattr__(self, "shared", Shared(self.hub, self.clock))

    @property
    def hold(self) -> timedelta:
        """How long what a person approves can be taken back."""
        return timedelta(seconds=self.config.desk.hold_seconds)

    def said_unless_held(self, done: str) -> str:
        """Return the key of what to say once a reply is approved; "" where it is held, for then a toast says so."""
        return "" if self.hold else done

    async def send(self, reply: Reply | int) -> None:
        """Wake a sender for an approved reply, and the live pages."""
        reach("A2")
        await self.bell.ring(Ring.SEND, [reply if isinstance(reply, int) else reply.id])
        await self.bell.announce()


DESK = web.AppKey("desk", Desk)
SESSION = web.RequestKey("session", Session)


def desk_of(request: web.Request) -> Desk:
    """Return the desk of the application that serves `request`."""
    return request.config_dict[DESK]


def session_of(request: web.Request) -> Session:
    """Return the signed-in session; pages that need none must not ask."""
    return request[SESSION]


def reader_of(request: web.Request) -> str:
    """Return the name of whoever acts."""
    return session_of(request).staff.name
