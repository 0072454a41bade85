"""Staff, their sessions, authors who opted out, and the audit.

Owns the `staff`, `sessions`, `opt_outs` and `audit` rows. Refuses to hash or check passwords:
`dashboard.auth` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Conflict
from core.rights import Role
from store import rows
from store import tables as t
from store.database import Database


class Scope(StrEnum):
    """What an author opted out of: automatic replies, or being listened to at all."""

    AUTOMATIC = "automatic"
    LISTENING = "listening"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """One member of staff."""

    id: int
    name: str
    role: Role
    password_hash: str
    is_active: bool
    # Of the desk, as they chose it; None until they do: then what their browser asks for.
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser."""

    staff: Staff
    csrf: str
    expires_at: datetime


class People:
    """Staff and their sessions, and what authors asked of us."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add_staff(self, name: str, password_hash: str, role: Role, *, at: datetime, by: str) -> None:
        """Add a member of staff. Raises: Conflict where the name is taken."""
        try:
            async with self._db.begin() as connection:
                if await _named(connection, name) is not None:
                    raise Conflict(f"there is already someone named {name!r}")
                await connection.execute(
                    insert(t.staff).values(
                        name=name, password_hash=password_hash, role=role, is_active=True, created_at=at
                    )
                )
                await record(connection, by=by, action="add staff", subject=name, at=at, detail={"role": role})
        except IntegrityError as err:
            raise Conflict(f"there is already someone named {name!r}") from err

    async def staff_named(self, name: str) -> Staff | None:
        """Return an active member of staff, whatever the case of their name, or None."""
        async with self._db.read() as connection:
            found = await _named(connection, name)
            return found if found is not None and found.is_active else None

    async def count_staff(self) -> int:
        """Return how many people can sign in."""
        query = select(func.count()).select_from(t.staff).where(t.staff.c.is_active)
        async with self._db.read() as connection:
            return (await connection.execute(query)).scalar_one()

    async def open_session(
        self, staff: Staff, *, token_hash: str, csrf: str, at: datetime, expires_at: datetime
    ) -> None:
        """Remember a sign-in; forget expired ones."""
        async with self._db.begin() as connection:
            await connection.execute(delete(t.sessions).where(t.sessions.c.expires_at < at))
            await connection.execute(
                insert(t.sessions).values(
                    token_hash=token_hash, staff_id=staff.id, csrf=csrf, created_at=at, expires_at=expires_at
                )
            )
            await record(connection, by=staff.name, action="sign in", subject=staff.name, at=at)

    async def session(self, token_hash: str, *, at: datetime) -> Session | None:
        """Return the live session of a cookie, or None."""
        query = (
            select(t.staff, t.sessions.c.csrf, t.sessions.c.expires_at)
            .join(t.sessions, t.sessions.c.staff_id == t.staff.c.id)
            .where(t.sessions.c.token_hash == token_hash, t.sessions.c.expires_at > at, t.staff.c.is_active)
        )
        async with self._db.read() as connection:
            row = (await connection.execute(query)).first()
            return Session(staff=_staff(row), csrf=row.csrf, expires_at=row.expires_at) if row else None

    async def close_session(self, token_hash: str) -> None:
        """Sign a browser out."""
        async with self._db.begin() as connection:
            await connection.execute(delete(t.sessions).where(t.sessions.c.token_hash == token_hash))

    async def set_password(self, name: str, password_hash: str, *, at: datetime, by: str) -> bool:
        """Replace a password and end that person's sessions; False where nobody has the name."""
        async with self._db.begin() as connection:
            found = await _named(connection, name)
            if found is None:
                return False
            of_theirs = t.staff.c.id == found.id
            await connection.execute(update(t.staff).where(of_theirs).values(password_hash=password_hash))
            await connection.execute(delete(t.sessions).where(t.sessions.c.staff_id == found.id))
            await record(connection, by=by, action="set password", subject=name, at=at)
            return True

    async def set_language(self, staff_id: int, language: str) -> None:
        """Remember in which language somebody reads the desk."""
        async with self._db.begin() as connection:
            await connection.execute(update(t.staff).where(t.staff.c.id == staff_id).values(language=language))

    async def opted_out(self, author_id: int) -> frozenset[Scope]:
        """Return what an author opted out of."""
        query = select(t.opt_outs.c.scope).where(t.opt_outs.c.author_id == author_id)
        async with self._db.read() as connection:
            return frozenset(Scope(scope) for scope in (await connection.execute(query)).scalars())

    async def opt_out(self, author_id: int, scope: Scope, *, because: str, by: str, at: datetime) -> None:
        """Record that an author opted out."""
        async with self._db.begin() as connection:
            await save_opt_out(connection, author_id, scope, because=because, by=by, at=at)


async def save_opt_out(
    connection: AsyncConnection, author_id: int, scope: Scope, *, because: str, by: str, at: datetime
) -> None:
    """Record an opt-out within the caller's transaction; the first one stays."""
    statement = rows.insert(t.opt_outs, connection.dialect).values(
        author_id=author_id, scope=scope, since=at, because=because
    )
    await connection.execute(statement.on_conflict_do_nothing())
    await record(connection, by=by, action="opt out", subject=f"author {author_id}", at=at, detail={"scope": scope})


async def record(
    connection: AsyncConnection,
    *,
    by: str,
    action: str,
    subject: str,
    at: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write a line of the audit within the caller's transaction. Never a text or a handle (I9)."""
    await connection.execute(
        insert(t.audit).values(at=at, by=by, action=action, subject=subject, detail=dict(detail or {}))
    )


async def _named(connection: AsyncConnection, name: str) -> Staff | None:
    """Compared here, for SQLite's own lower() leaves Å, Æ and Ø as they are."""
    for row in await connection.execute(select(t.staff)):
        if row.name.casefold() == name.casefold():
            return _staff(row)
    return None


def _staff(row: rows.AnyRow) -> Staff:
    return Staff(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        password_hash=row.password_hash,
        is_active=row.is_active,
        language=row.language,
    )
