"""Who is signed in from which browser, and which browsers are known.

Owns the `sessions` and `known_browsers` rows. Refuses to make tokens or cookies: `dashboard.doors` does.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, delete, insert, select, update

from store import rows
from store import tables as t
from store.database import Database
from store.people import Staff, end_sessions, record, staff_of

_S = t.sessions.c
_LONGEST_BROWSER = 300


class Stage(StrEnum):
    """Whether a session is open, or what is still asked before it opens: a code, or to set up a second factor."""

    OPEN = "open"
    CODE = "code"
    SETUP = "setup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in, or half-way."""

    staff: Staff
    csrf: str
    expires_at: datetime
    token_hash: str = ""
    stage: Stage = Stage.OPEN
    seen_at: datetime | None = None
    created_at: datetime | None = None
    address: str = ""
    browser: str = ""

    @property
    def label(self) -> str:
        """What a form may call it: tells nobody the hash, and opens nothing."""
        return hashlib.sha256(f"label {self.token_hash}".encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A session to be made. `instead_of` are the hashes of those that this browser had, which end."""

    token_hash: str
    csrf: str
    stage: Stage
    how: str
    expires_at: datetime
    idle_until: datetime
    address: str = ""
    browser: str = ""
    instead_of: tuple[str, ...] = ()


class Sessions:
    """Signed-in browsers."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def open(self, staff: Staff, opening: Opening, *, at: datetime) -> bool:
        """Remember a sign-in and forget what has expired. False where they may not come in any more."""
        made = insert(t.sessions).values(
            token_hash=opening.token_hash,
            staff_id=staff.id,
            csrf=opening.csrf,
            stage=opening.stage,
            address=rows.storable(opening.address)[:64],
            browser=rows.storable(opening.browser)[:_LONGEST_BROWSER],
            created_at=at,
            seen_at=at,
            idle_until=opening.idle_until,
            expires_at=opening.expires_at,
        )
        gone = (_S.expires_at <= at) | (_S.idle_until <= at) | _S.token_hash.in_(opening.instead_of)
        seen_at = at if opening.stage is Stage.OPEN else t.staff.c.seen_at
        # Staff before sessions, here and everywhere: two who change both never wait for each other.
        here = update(t.staff).where(t.staff.c.id == staff.id, t.staff.c.is_active).values(seen_at=seen_at)
        async with self._db.begin() as connection:
            if not (await connection.execute(here)).rowcount:
                return False
            await connection.execute(delete(t.sessions).where(gone))
            await connection.execute(made)
            if opening.stage is Stage.OPEN:
                detail = {"how": opening.how}
                await record(connection, by=staff.name, action="sign in", subject=staff.name, at=at, detail=detail)
            return True

    async def get(self, token_hash: str, *, at: datetime, stages: tuple[Stage, ...] = (Stage.OPEN,)) -> Session | None:
        """Return the live session of a cookie, or None. Only open ones, unless asked for others."""
        live = and_(_S.expires_at > at, _S.idle_until > at, t.staff.c.is_active, _S.stage.in_(stages))
        async with self._db.read() as connection:
            row = (await connection.execute(_sessions().where(_S.token_hash == token_hash, live))).first()
            return _session(row) if row else None

    async def of(self, staff_id: int, *, at: datetime) -> list[Session]:
        """Return a person's open sessions, the newest first."""
        live = and_(_S.expires_at > at, _S.idle_until > at, _S.stage == Stage.OPEN)
        query = _sessions().where(_S.staff_id == staff_id, live).order_by(_S.created_at.desc())
        async with self._db.read() as connection:
            return [_session(row) for row in await connection.execute(query)]

    async def touch(self, session: Session, *, at: datetime, idle_until: datetime) -> None:
        """A person did something: the session stays awake."""
        async with self._db.begin() as connection:
            await connection.execute(update(t.staff).where(t.staff.c.id == session.staff.id).values(seen_at=at))
            ours = update(t.sessions).where(_S.token_hash == session.token_hash)
            await connection.execute(ours.values(seen_at=at, idle_until=idle_until))

    async def close(self, session: Session, *, by: str, at: datetime) -> bool:
        """End one session. False where it had ended."""
        async with self._db.begin() as connection:
            ended = await connection.execute(delete(t.sessions).where(_S.token_hash == session.token_hash))
            if ended.rowcount and session.stage is Stage.OPEN:
                action = "sign out" if by == session.staff.name else "end sessions"
                await record(
                    connection, by=by, action=action, subject=session.staff.name, at=at, detail={"sessions": 1}
                )
            return bool(ended.rowcount)

    async def close_all(self, staff: Staff, *, by: str, at: datetime, keep: str = "") -> int:
        """End a person's sessions but the one whose hash is `keep`; return how many ended."""
        async with self._db.begin() as connection:
            ended = await end_sessions(connection, staff.id, keep=keep)
            if ended:
                detail = {"sessions": ended}
                await record(connection, by=by, action="end sessions", subject=staff.name, at=at, detail=detail)
            return ended

    async def renew(self, session: Session, *, token_hash: str, csrf: str) -> None:
        """Give a session a new cookie and new form tokens: what was known of the old one is worth nothing."""
        async with self._db.begin() as connection:
            ours = update(t.sessions).where(_S.token_hash == session.token_hash)
            await connection.execute(ours.values(token_hash=token_hash, csrf=csrf))

    async def know_browser(self, staff_id: int, token_hash: str, *, at: datetime, lasts: timedelta) -> None:
        """Remember a browser that somebody signed in from."""
        values = {"expires_at": at + lasts}
        async with self._db.begin() as connection:
            known = rows.insert(t.known_browsers, connection.dialect).values(
                token_hash=token_hash, staff_id=staff_id, **values
            )
            known = known.on_conflict_do_update(index_elements=["token_hash", "staff_id"], set_=values)
            await connection.execute(known)
            await connection.execute(delete(t.known_browsers).where(t.known_browsers.c.expires_at <= at))

    async def knows_browser(self, staff_id: int, token_hash: str, *, at: datetime) -> bool:
        """Whether somebody has signed in from a browser before."""
        k = t.known_browsers.c
        query = select(k.staff_id).where(k.staff_id == staff_id, k.token_hash == token_hash, k.expires_at > at)
        async with self._db.read() as connection:
            return (await connection.execute(query)).first() is not None


def _sessions() -> Select[Any]:
    columns = [column for column in t.staff.c if column.name not in ("seen_at", "created_at")]
    staff = (t.staff.c.seen_at.label("staff_seen_at"), t.staff.c.created_at.label("staff_created_at"))
    return select(*columns, *staff, *[c for c in _S if c.name != "staff_id"]).join(
        t.sessions, _S.staff_id == t.staff.c.id
    )


def _session(row: rows.AnyRow) -> Session:
    return Session(
        staff=staff_of(row),
        csrf=row.csrf,
        expires_at=row.expires_at,
        token_hash=row.token_hash,
        stage=Stage(row.stage),
        seen_at=row.seen_at,
        created_at=row.created_at,
        address=row.address,
        browser=row.browser,
    )
