"""Staff, authors who opted out, and the writing of the audit.

Owns the `staff` and `opt_outs` rows, and that somebody who may run the house can always come in. Refuses to hash or
check passwords: `dashboard.passwords` does. Sessions, links and second factors have files of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Conflict
from core.rights import RIGHTS, Right, Role, may
from store import rows
from store import tables as t
from store.database import Database, alone
from store.leaving import let_go


class Scope(StrEnum):
    """What an author opted out of: automatic replies, or being listened to at all."""

    AUTOMATIC = "automatic"
    LISTENING = "listening"


# Who notes it where an author asks for it themselves, and whose word it was where older rows name nobody.
ASKED_THEMSELVES = "genlyd"
_SOMEBODY_HERE = "a member of staff"


class LastAdmin(Conflict):
    """Nobody who may run the house could come in any more. Make somebody else an administrator first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """One member of staff. `password_hash` is empty for whoever has no password."""

    id: int
    name: str
    role: Role
    password_hash: str
    is_active: bool
    # Of the desk, as they chose it; None until they do: then what their browser asks for.
    language: str | None = None
    email: str | None = None
    has_provider: bool = False
    second_factor_since: datetime | None = None
    seen_at: datetime | None = None
    created_at: datetime | None = None

    @property
    def is_invited(self) -> bool:
        """Whether they have a link, and have not come yet."""
        return not self.is_active and not self.password_hash and not self.has_provider


class People:
    """Staff, and what authors asked of us."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add_staff(self, name: str, password_hash: str, role: Role, *, at: datetime, by: str) -> None:
        """Add a member of staff. Raises: Conflict where the name is taken."""
        async with self._db.begin() as connection:
            values = {"password_hash": password_hash, "role": role, "is_active": True}
            await add(connection, name, at=at, **values)
            await record(connection, by=by, action="add staff", subject=name, at=at, detail=changed(None, role))

    async def all(self) -> list[Staff]:
        """Return everybody: those who can sign in first, by name."""
        async with self._db.read() as connection:
            found = [staff_of(row) for row in await connection.execute(select(t.staff))]
            return sorted(found, key=lambda one: (not one.is_active, not one.is_invited, one.name.casefold()))

    async def get(self, staff_id: int) -> Staff | None:
        """Return a member of staff, active or not."""
        async with self._db.read() as connection:
            return await one(connection, staff_id)

    async def staff_named(self, name: str) -> Staff | None:
        """Return an active member of staff, whatever the case of their name, or None."""
        found = await self.anybody_named(name)
        return found if found is not None and found.is_active else None

    async def anybody_named(self, name: str) -> Staff | None:
        """Return a member of staff, active or not, whatever the case of their name."""
        async with self._db.read() as connection:
            return await named(connection, name)

    async def count_staff(self) -> int:
        """Return how many people can sign in."""
        query = select(func.count()).select_from(t.staff).where(t.staff.c.is_active)
        async with self._db.read() as connection:
            return (await connection.execute(query)).scalar_one()

    async def set_password(self, name: str, password_hash: str, *, at: datetime, by: str, keep: str = "") -> bool:
        """Replace a password and end that person's sessions but `keep`; False where nobody has the name."""
        async with self._db.begin() as connection:
            found = await named(connection, name)
            if found is None:
                return False
            await change_password(connection, found, password_hash, at=at, by=by, keep=keep)
            return True

    async def set_role(self, staff_id: int, role: Role, *, at: datetime, by: str) -> bool:
        """Give a role and end that person's sessions; False where it is so already. Raises: Conflict, LastAdmin."""
        async with self._db.begin() as connection:
            return await change_role(connection, staff_id, role, at=at, by=by)

    async def set_active(self, staff_id: int, is_active: bool, *, at: datetime, by: str) -> bool:
        """Let somebody in again, or no more; False where it is so already. Raises: Conflict, LastAdmin."""
        async with self._db.begin() as connection:
            await alone(connection, t.staff)
            before = await _there(connection, staff_id)
            if before.is_active == is_active or (is_active and before.is_invited):
                return False
            if not is_active:
                await keep_an_admin(connection, before)
            values = update(t.staff).where(t.staff.c.id == staff_id).values(is_active=is_active)
            await connection.execute(values)
            await end_sessions(connection, staff_id)
            if not is_active:
                await connection.execute(delete(t.invitations).where(t.invitations.c.staff_id == staff_id))
            action, detail = "reactivate" if is_active else "deactivate", changed(before.is_active, is_active)
            if not is_active:
                detail |= await _let_go(connection, before, by=by, at=at)
            await record(connection, by=by, action=action, subject=before.name, at=at, detail=detail)
            return True

    async def set_language(self, staff_id: int, language: str, *, at: datetime) -> None:
        """Remember in which language somebody reads the desk."""
        async with self._db.begin() as connection:
            before = await _there(connection, staff_id)
            await connection.execute(update(t.staff).where(t.staff.c.id == staff_id).values(language=language))
            detail = changed(before.language, language)
            await record(connection, by=before.name, action="set language", subject=before.name, at=at, detail=detail)

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
        author_id=author_id, scope=scope, since=at, because=because, by=by
    )
    await connection.execute(statement.on_conflict_do_nothing())
    detail = {"before": None, "after": scope}
    await record(connection, by=by, action="opt out", subject=f"author {author_id}", at=at, detail=detail)


def opted_out_by(author_id: ColumnElement[int], *which: ColumnElement[bool]) -> ScalarSelect[str | None]:
    """SQL: whose word silenced us for an author: theirs (genlyd noted it), else whoever decided it here; else null.

    Opt-outs from before 0022 do not say who. Their reasons tell whether somebody here decided.
    """
    o = t.opt_outs.c
    by = func.coalesce(o.by, case((o.because.startswith(_SOMEBODY_HERE), _SOMEBODY_HERE), else_=ASKED_THEMSELVES))
    said = select(by).where(o.author_id == author_id, *which)
    return said.order_by(by != ASKED_THEMSELVES, o.since).limit(1).scalar_subquery()


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


async def add(connection: AsyncConnection, name: str, *, at: datetime, **values: Any) -> int:
    """Add a row of staff within the caller's transaction; return its id. Raises: Conflict where the name is taken."""
    # Nobody else adds meanwhile, so that two cannot take one name in two spellings.
    await alone(connection, t.staff)
    if await named(connection, name) is not None:
        raise Conflict(f"there is already someone named {name!r}")
    email = values.get("email")
    taken = select(t.staff.c.name).where(t.staff.c.email == email)
    if email and (who := (await connection.execute(taken)).scalar_one_or_none()) is not None:
        raise Conflict(f"{who} has that e-mail address already")
    made = insert(t.staff).values(name=name, created_at=at, **values).returning(t.staff.c.id)
    staff_id: int = (await connection.execute(made)).scalar_one()
    return staff_id


async def change_password(
    connection: AsyncConnection, staff: Staff, password_hash: str, *, at: datetime, by: str, keep: str = ""
) -> None:
    """Replace a password within the caller's transaction; every session but `keep` ends, and no link works longer."""
    await connection.execute(update(t.staff).where(t.staff.c.id == staff.id).values(password_hash=password_hash))
    await end_sessions(connection, staff.id, keep=keep)
    await connection.execute(delete(t.known_browsers).where(t.known_browsers.c.staff_id == staff.id))
    await connection.execute(delete(t.invitations).where(t.invitations.c.staff_id == staff.id))
    await record(connection, by=by, action="set password", subject=staff.name, at=at)


async def change_role(connection: AsyncConnection, staff_id: int, role: Role, *, at: datetime, by: str) -> bool:
    """Give a role within the caller's transaction, and end that person's sessions. Raises: Conflict, LastAdmin."""
    await alone(connection, t.staff)
    before = await _there(connection, staff_id)
    if before.role is role:
        return False
    await keep_an_admin(connection, before)
    await connection.execute(update(t.staff).where(t.staff.c.id == staff_id).values(role=role))
    await end_sessions(connection, staff_id)
    detail = changed(before.role, role)
    if not may(role, Right.WORK):
        detail |= await _let_go(connection, before, by=by, at=at)
    await record(connection, by=by, action="set role", subject=before.name, at=at, detail=detail)
    return True


async def _let_go(connection: AsyncConnection, leaving: Staff, *, by: str, at: datetime) -> dict[str, object]:
    """Whoever ends somebody's work has what they took; where that is no colleague, whoever may do most here."""
    found = [staff_of(row) for row in await connection.execute(select(t.staff).where(t.staff.c.is_active))]
    able = [one for one in found if one.id != leaving.id and may(one.role, Right.WORK)]
    able.sort(key=lambda one: (one.name != by, -len(RIGHTS[one.role]), one.id))
    return await let_go(connection, leaving.name, heir=able[0].name if able else None, at=at)


async def keep_an_admin(connection: AsyncConnection, leaving: Staff) -> None:
    """Raise LastAdmin where nobody but `leaving` may run the house. The caller holds `staff` alone."""
    s = t.staff.c
    others = and_(s.role == Role.ADMIN, s.is_active, s.id != leaving.id)
    can_come = or_(s.password_hash != "", s.oidc_subject.is_not(None))
    query = select(func.count()).select_from(t.staff).where(others, can_come)
    if leaving.role is Role.ADMIN and leaving.is_active and not (await connection.execute(query)).scalar_one():
        raise LastAdmin(f"{leaving.name} is the only administrator; make somebody else one first")


async def end_sessions(connection: AsyncConnection, staff_id: int, *, keep: str = "") -> int:
    """End a person's sessions but the one whose hash is `keep`; return how many ended."""
    theirs = and_(t.sessions.c.staff_id == staff_id, t.sessions.c.token_hash != keep)
    return (await connection.execute(delete(t.sessions).where(theirs))).rowcount


def changed(before: object, after: object) -> dict[str, object]:
    """Return what a line of the audit says of a change."""
    return {"before": before, "after": after}


async def one(connection: AsyncConnection, staff_id: int) -> Staff | None:
    """Return a member of staff within the caller's transaction."""
    row = (await connection.execute(select(t.staff).where(t.staff.c.id == staff_id))).first()
    return staff_of(row) if row else None


async def _there(connection: AsyncConnection, staff_id: int) -> Staff:
    found = await one(connection, staff_id)
    if found is None:
        raise Conflict("this person is not here any more")
    return found


async def named(connection: AsyncConnection, name: str) -> Staff | None:
    """Compared here, for SQLite's own lower() leaves Å, Æ and Ø as they are."""
    for row in await connection.execute(select(t.staff)):
        if row.name.casefold() == name.casefold():
            return staff_of(row)
    return None


def staff_of(row: rows.AnyRow) -> Staff:
    """Read a row of `staff`."""
    return Staff(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        password_hash=row.password_hash,
        is_active=row.is_active,
        language=row.language,
        email=row.email,
        has_provider=row.oidc_subject is not None,
        second_factor_since=row.totp_since,
        seen_at=row.staff_seen_at if hasattr(row, "staff_seen_at") else row.seen_at,
        created_at=row.staff_created_at if hasattr(row, "staff_created_at") else row.created_at,
    )
