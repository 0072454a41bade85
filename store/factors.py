"""Second factors: the secret a telephone counts with, and the codes for when it is lost.

Owns those columns of `staff`, and the `recovery_codes` rows. Refuses to know how codes are reckoned.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables as t
from store.database import Database
from store.people import Staff, changed, end_sessions, record

_S = t.staff.c
_C = t.recovery_codes.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """Somebody's second factor. `since` is None while no code has shown that it works."""

    secret: str
    since: datetime | None
    codes_left: int


class Factors:
    """Second factors of the staff."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def get(self, staff_id: int) -> Factor | None:
        """Return somebody's second factor, also one that is still to be confirmed."""
        left = select(func.count()).where(_C.staff_id == staff_id).scalar_subquery()
        query = select(_S.totp_secret, _S.totp_since, left.label("left")).where(_S.id == staff_id)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).first()
            if row is None or row.totp_secret is None:
                return None
            return Factor(secret=row.totp_secret, since=row.totp_since, codes_left=row.left)

    async def propose(self, staff_id: int, secret: str) -> bool:
        """Keep a secret until a code confirms it, in place of an older one that waits. False where one is confirmed."""
        free = and_(_S.id == staff_id, _S.totp_since.is_(None))
        async with self._db.begin() as connection:
            return bool((await connection.execute(update(t.staff).where(free).values(totp_secret=secret))).rowcount)

    async def drop(self, staff_id: int) -> None:
        """Forget a secret that no code has confirmed."""
        waiting = and_(_S.id == staff_id, _S.totp_since.is_(None))
        async with self._db.begin() as connection:
            await connection.execute(update(t.staff).where(waiting).values(totp_secret=None))

    async def confirm(
        self, staff: Staff, secret: str, step: int, code_hashes: Iterable[str], *, at: datetime, keep: str
    ) -> bool:
        """A first code was right: it is asked for from now on, and sessions but `keep` end.

        False where it was so, or where another secret waits by now.
        """
        waiting = and_(_S.id == staff.id, _S.totp_secret == secret, _S.totp_since.is_(None))
        async with self._db.begin() as connection:
            confirmed = update(t.staff).where(waiting).values(totp_since=at, totp_step=step)
            if not (await connection.execute(confirmed)).rowcount:
                return False
            await _put_codes(connection, staff.id, code_hashes)
            await end_sessions(connection, staff.id, keep=keep)
            detail = changed(False, True)
            await record(connection, by=staff.name, action="second factor", subject=staff.name, at=at, detail=detail)
            return True

    async def let_in(self, staff_id: int, step: int) -> bool:
        """Use up the code of a step. False where it, or a later one, was used before."""
        newer = and_(_S.id == staff_id, or_(_S.totp_step.is_(None), _S.totp_step < step))
        async with self._db.begin() as connection:
            return bool((await connection.execute(update(t.staff).where(newer).values(totp_step=step))).rowcount)

    async def use_recovery(self, staff: Staff, code_hash: str, *, at: datetime) -> bool:
        """Use up a recovery code. False where there is no such code."""
        async with self._db.begin() as connection:
            used = delete(t.recovery_codes).where(_C.staff_id == staff.id, _C.code_hash == code_hash)
            if not (await connection.execute(used)).rowcount:
                return False
            query = select(func.count()).where(_C.staff_id == staff.id)
            left = (await connection.execute(query)).scalar_one()
            detail = changed(left + 1, left)
            await record(connection, by=staff.name, action="recovery code", subject=staff.name, at=at, detail=detail)
            return True

    async def renew_codes(self, staff: Staff, code_hashes: Iterable[str], *, at: datetime) -> None:
        """Replace the recovery codes; the old ones work no longer."""
        async with self._db.begin() as connection:
            await _put_codes(connection, staff.id, code_hashes)
            await record(connection, by=staff.name, action="new recovery codes", subject=staff.name, at=at)

    async def remove(self, staff: Staff, *, by: str, at: datetime, keep: str = "") -> bool:
        """Ask for a second factor no more, and end sessions but `keep`. False where there was none."""
        had = and_(_S.id == staff.id, _S.totp_secret.is_not(None))
        nothing = {"totp_secret": None, "totp_since": None, "totp_step": None}
        async with self._db.begin() as connection:
            if not (await connection.execute(update(t.staff).where(had).values(nothing))).rowcount:
                return False
            await connection.execute(delete(t.recovery_codes).where(_C.staff_id == staff.id))
            await end_sessions(connection, staff.id, keep=keep)
            detail = changed(staff.second_factor_since is not None, False)
            await record(connection, by=by, action="second factor", subject=staff.name, at=at, detail=detail)
            return True


async def _put_codes(connection: AsyncConnection, staff_id: int, code_hashes: Iterable[str]) -> None:
    await connection.execute(delete(t.recovery_codes).where(_C.staff_id == staff_id))
    values = [{"staff_id": staff_id, "code_hash": one} for one in code_hashes]
    await connection.execute(insert(t.recovery_codes), values)
