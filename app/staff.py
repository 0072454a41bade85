"""What the operator does with people at the console: the same as the page of people, also when nobody can sign in.

Owns these steps. Refuses to read a password: `app.__main__` asks for it.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from core.clock import SystemClock
from core.config import Config
from core.errors import GenlydError
from core.rights import Role
from dashboard.cookies import hashed
from store.database import Database, open_database
from store.factors import Factors
from store.invitations import Invitations, Link
from store.people import People, Staff
from store.sessions import Sessions

_BY = "console"
_LINK_LASTS = timedelta(hours=72)


async def listed(config: Config) -> list[str]:
    """Return a line for everybody."""
    async with _opened(config) as database:
        return [_line(one) for one in await People(database).all()] or ["nobody yet: genlyd user add NAME --role admin"]


async def link_for(config: Config, name: str, role: Role) -> str:
    """Return a link: for somebody new with this role, or for whoever has the name, whose role stays."""
    now, token = SystemClock().now(), secrets.token_urlsafe(32)
    link = Link(token_hash=hashed(token), expires_at=now + _LINK_LASTS)
    async with _opened(config) as database:
        known = await People(database).anybody_named(name)
        if known is None:
            await Invitations(database).invite(name, role, link, by=_BY, at=now)
        else:
            await Invitations(database).renew(known.id, link, by=_BY, at=now)
    return f"{config.dashboard.url}/join/{token}"


async def set_role(config: Config, name: str, role: Role) -> str:
    """Give a role. Raises: LastAdmin."""
    async with _opened(config) as database:
        staff = await _named(database, name)
        await People(database).set_role(staff.id, role, by=_BY, at=SystemClock().now())
    return f"{staff.name} is {role}"


async def set_active(config: Config, name: str, is_active: bool) -> str:
    """Let somebody in no more, or again. Raises: LastAdmin."""
    async with _opened(config) as database:
        staff = await _named(database, name)
        if staff.is_invited:
            raise GenlydError(f"{staff.name} has not come yet; make a link with `genlyd user invite`")
        await People(database).set_active(staff.id, is_active, by=_BY, at=SystemClock().now())
    return f"{staff.name} can sign in" if is_active else f"{staff.name} cannot sign in any more"


async def remove_factor(config: Config, name: str) -> str:
    """Ask somebody for no second factor until they set a new one up."""
    async with _opened(config) as database:
        staff = await _named(database, name)
        done = await Factors(database).remove(staff, by=_BY, at=SystemClock().now())
    return f"{staff.name} has no second factor any more" if done else f"{staff.name} had none"


async def end_sessions(config: Config, name: str) -> str:
    """Sign somebody out everywhere."""
    async with _opened(config) as database:
        staff = await _named(database, name)
        ended = await Sessions(database).close_all(staff, by=_BY, at=SystemClock().now())
    return f"{staff.name} is signed out everywhere; sessions ended: {ended}"


def _line(staff: Staff) -> str:
    state = "active" if staff.is_active else "invited" if staff.is_invited else "deactivated"
    factor = "second factor" if staff.second_factor_since is not None else "no second factor"
    seen = f"seen {staff.seen_at:%Y-%m-%d %H:%M} UTC" if staff.seen_at is not None else "never seen"
    return f"{staff.name}: {staff.role}, {state}, {factor}, {seen}"


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Database]:
    database = await open_database(config.store.database)
    try:
        yield database
    finally:
        await database.close()


async def _named(database: Database, name: str) -> Staff:
    staff = await People(database).anybody_named(name)
    if staff is None:
        raise GenlydError(f"there is nobody named {name!r}; see `genlyd user list`")
    return staff
