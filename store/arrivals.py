"""Whoever comes through the provider: known by its name for them, invited by e-mail, or let in by role.

Owns that choice and its rows. Refuses to believe anything itself: `platforms.oidc` has checked what stands here.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import GenlydError
from core.rights import Role
from store import rows
from store import tables as t
from store.database import Database, alone
from store.people import LastAdmin, Staff, add, change_role, changed, named, one, record, staff_of

_S = t.staff.c
_BY = "provider"


class NotInvited(GenlydError):
    """Nobody expects this person. An administrator invites them by e-mail, or gives them a role at the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A person as the provider names them. `email` only where the provider has checked it; `role` where it decides."""

    subject: str
    name: str
    email: str | None = None
    role: Role | None = None


class Arrivals:
    """Sign-ins through the provider."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def receive(self, arrival: Arrival, *, at: datetime) -> Staff:
        """Return whom an arrival is, bound to the provider's name for them from now on. Raises: NotInvited."""
        async with self._db.begin() as connection:
            await alone(connection, t.staff)
            staff_id = await _known(connection, arrival)
            if staff_id is None:
                staff_id = await _invited(connection, arrival, at=at)
            if staff_id is None:
                staff_id = await _by_role(connection, arrival, at=at)
            staff = await one(connection, staff_id)
            if staff is None or not staff.is_active:
                raise NotInvited("this person may not sign in any more")
            if arrival.role is not None:
                await _follow(connection, staff, arrival.role, at=at)
            return await one(connection, staff_id) or staff


async def _known(connection: AsyncConnection, arrival: Arrival) -> int | None:
    query = select(_S.id).where(_S.oidc_subject == arrival.subject)
    return (await connection.execute(query)).scalar_one_or_none()


async def _invited(connection: AsyncConnection, arrival: Arrival, *, at: datetime) -> int | None:
    if not arrival.email:
        return None
    row = (await connection.execute(select(t.staff).where(_S.email == arrival.email.casefold()))).first()
    staff = staff_of(row) if row else None
    if staff is not None and not (staff.is_active or staff.is_invited):
        # Whoever may come in no more gets no second account by their role at the provider.
        raise NotInvited("this person may not sign in any more")
    if staff is None or staff.has_provider:
        return None
    values = {"oidc_subject": arrival.subject, "is_active": True}
    await connection.execute(update(t.staff).where(_S.id == staff.id).values(values))
    await connection.execute(delete(t.invitations).where(t.invitations.c.staff_id == staff.id))
    await record(connection, by=staff.name, action="bind provider", subject=staff.name, at=at)
    return staff.id


async def _by_role(connection: AsyncConnection, arrival: Arrival, *, at: datetime) -> int:
    if arrival.role is None:
        raise NotInvited("nobody here has invited this person")
    said = rows.storable(arrival.name).strip()[:90]
    name, number = said or "?", 2
    while await named(connection, name) is not None:
        name, number = f"{said} {number}", number + 1
    values = {"password_hash": "", "role": arrival.role, "is_active": True, "oidc_subject": arrival.subject}
    staff_id = await add(connection, name, at=at, **values)
    await record(connection, by=_BY, action="add staff", subject=name, at=at, detail=changed(None, arrival.role))
    return staff_id


async def _follow(connection: AsyncConnection, staff: Staff, role: Role, *, at: datetime) -> None:
    """The provider decides on roles; but it does not take the house's last key."""
    try:
        await change_role(connection, staff.id, role, at=at, by=_BY)
    except LastAdmin:
        detail = changed(staff.role, staff.role)
        await record(connection, by=_BY, action="kept the last admin", subject=staff.name, at=at, detail=detail)
