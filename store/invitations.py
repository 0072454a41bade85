"""One-time links: for somebody new, and for whoever lost their password.

Owns the `invitations` rows. Refuses to make links or to hash passwords: it is given hashes.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Conflict
from core.rights import Role
from store import tables as t
from store.database import Database, alone
from store.people import Staff, add, change_password, changed, one, record

_I = t.invitations.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link to be made: only its hash is kept."""

    token_hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An open link, and whom it lets in."""

    staff: Staff
    made_by: str
    expires_at: datetime


class Invitations:
    """Links that let one person choose a password, once."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def invite(
        self, name: str, role: Role, link: Link | None, *, by: str, at: datetime, email: str | None = None
    ) -> int:
        """Expect somebody new, with a link or through the provider alone. Raises: Conflict where the name is taken."""
        async with self._db.begin() as connection:
            values = {"password_hash": "", "role": role, "is_active": False, "email": email}
            staff_id = await add(connection, name, at=at, **values)
            if link is not None:
                await _put(connection, staff_id, link, by=by, at=at)
            await record(connection, by=by, action="invite", subject=name, at=at, detail=changed(None, role))
            return staff_id

    async def renew(self, staff_id: int, link: Link, *, by: str, at: datetime) -> Staff:
        """Make a new link for somebody; an older one works no longer. Raises: Conflict where they may not come in."""
        async with self._db.begin() as connection:
            await alone(connection, t.staff)
            staff = await one(connection, staff_id)
            if staff is None or not (staff.is_active or staff.is_invited):
                raise Conflict("this person may not sign in; let them in again first")
            await connection.execute(delete(t.invitations).where(_I.staff_id == staff_id))
            await _put(connection, staff_id, link, by=by, at=at)
            await record(connection, by=by, action="make link", subject=staff.name, at=at)
            return staff

    async def look(self, token_hash: str, *, at: datetime) -> Invitation | None:
        """Return what a link opens, None where it opens nothing any more. Changes nothing."""
        query = select(t.invitations).where(_I.token_hash == token_hash, _I.expires_at > at)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).first()
            staff = await one(connection, row.staff_id) if row else None
            if row is None or staff is None:
                return None
            return Invitation(staff=staff, made_by=row.made_by, expires_at=row.expires_at)

    async def accept(self, token_hash: str, password_hash: str, *, at: datetime) -> Staff | None:
        """Use a link up: its person has this password from now on. None where somebody was first, or it is too old."""
        used = delete(t.invitations).where(_I.token_hash == token_hash, _I.expires_at > at).returning(_I.staff_id)
        async with self._db.begin() as connection:
            await alone(connection, t.staff)
            staff_id = (await connection.execute(used)).scalar_one_or_none()
            staff = await one(connection, staff_id) if staff_id is not None else None
            if staff is None or not (staff.is_active or staff.is_invited):
                return None
            if staff.is_invited:
                await connection.execute(update(t.staff).where(t.staff.c.id == staff.id).values(is_active=True))
                await record(connection, by=staff.name, action="accept invitation", subject=staff.name, at=at)
            await change_password(connection, staff, password_hash, at=at, by=staff.name)
            return await one(connection, staff.id)

    async def withdraw(self, staff_id: int, *, by: str, at: datetime) -> bool:
        """Expect somebody no more who has not come. False where they have."""
        async with self._db.begin() as connection:
            await alone(connection, t.staff)
            staff = await one(connection, staff_id)
            if staff is None or not staff.is_invited:
                return False
            await connection.execute(delete(t.invitations).where(_I.staff_id == staff_id))
            await connection.execute(delete(t.staff).where(t.staff.c.id == staff_id))
            detail = changed(staff.role, None)
            await record(connection, by=by, action="withdraw invitation", subject=staff.name, at=at, detail=detail)
            return True

    async def open_until(self, *, at: datetime) -> dict[int, datetime]:
        """Return until when each person's link works."""
        query = select(_I.staff_id, _I.expires_at).where(_I.expires_at > at)
        async with self._db.read() as connection:
            return {row.staff_id: row.expires_at for row in await connection.execute(query)}


async def _put(connection: AsyncConnection, staff_id: int, link: Link, *, by: str, at: datetime) -> None:
    values = {"token_hash": link.token_hash, "expires_at": link.expires_at, "made_by": by, "created_at": at}
    await connection.execute(insert(t.invitations).values(staff_id=staff_id, **values))
