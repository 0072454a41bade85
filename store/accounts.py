"""Our accounts and the house: active or quiet, and who said so.

Owns the `accounts` and `switches` rows. Refuses to know credentials.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.config import AccountConfig
from core.decision import OPERATOR, Notice
from core.errors import NeedsOperator
from store import rows
from store import tables as t
from store.alerts import queue_alert, settle_alerts
from store.database import Database
from store.people import record

_HOUSE = "pause"
_SET = "set account"


class AccountState(StrEnum):
    """ACTIVE; PAUSED by a person; or it NEEDS_OPERATOR, because the platform turned us away."""

    ACTIVE = "active"
    PAUSED = "paused"
    NEEDS_OPERATOR = "needs operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One account and its state."""

    name: str
    platform: str
    handle: str
    state: AccountState
    reason: str
    changed_at: datetime
    changed_by: str
    enrolled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HousePause:
    """The pause of the whole house: who, when, and why in their words."""

    by: str
    at: datetime
    reason: str


class Accounts:
    """Our identities, and the pauses."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def enrol(self, accounts: Iterable[AccountConfig], *, at: datetime) -> None:
        """Make sure every configured account has its row; one that needed an operator gets a new try."""
        async with self._db.begin() as connection:
            for account in accounts:
                statement = rows.insert(t.accounts, connection.dialect).values(
                    name=account.name,
                    platform=account.platform,
                    handle=account.handle,
                    state=AccountState.ACTIVE,
                    reason="",
                    changed_at=at,
                    changed_by="genlyd",
                    enrolled_at=at,
                )
                await connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["name"], set_={"platform": account.platform, "handle": account.handle}
                    )
                )
                await _try_again(connection, account.name, at=at)

    async def all(self) -> list[AccountRow]:
        """Return every account by name."""
        async with self._db.read() as connection:
            found = (await connection.execute(select(t.accounts).order_by(t.accounts.c.name))).mappings()
            return [AccountRow(**{**row, "state": AccountState(row["state"])}) for row in found]

    async def state(self, name: str) -> AccountState:
        """Return an account's state; ACTIVE where it has no row yet."""
        query = select(t.accounts.c.state).where(t.accounts.c.name == name)
        async with self._db.read() as connection:
            found = (await connection.execute(query)).scalar_one_or_none()
            return AccountState(found) if found else AccountState.ACTIVE

    async def set_state(self, name: str, state: AccountState, *, reason: str, by: str, at: datetime) -> bool:
        """Pause or wake an account; False where nothing changed."""
        async with self._db.begin() as connection:
            if not await _set_state(connection, name, state, reason=reason, by=by, at=at):
                return False
            if state is AccountState.ACTIVE:
                await settle_alerts(connection, operator_of=name, by=by, at=at)
            return True

    async def call_operator(self, err: NeedsOperator, *, at: datetime) -> bool:
        """Pause the account that its platform turned away and queue an alert, both or neither. False: already done.

        The caller rings TELL where it was the first.
        """
        reason, needs = f"{err} {err.cure}", AccountState.NEEDS_OPERATOR
        notice = Notice(kind=OPERATOR, title=f"{err.account} needs you", body=reason, account=err.account)
        async with self._db.begin() as connection:
            if not await _set_state(connection, err.account, needs, reason=reason, by="genlyd", at=at):
                return False
            await queue_alert(connection, notice, at=at)
            return True

    async def is_house_paused(self) -> bool:
        """Whether everything automatic is off."""
        query = select(t.switches.c.is_on).where(t.switches.c.name == _HOUSE)
        async with self._db.read() as connection:
            return bool((await connection.execute(query)).scalar_one_or_none())

    async def house_pause(self) -> HousePause | None:
        """Return who paused the house, None while it is not paused."""
        query = select(t.switches).where(t.switches.c.name == _HOUSE, t.switches.c.is_on)
        async with self._db.read() as connection:
            row = (await connection.execute(query)).first()
            return HousePause(by=row.changed_by, at=row.changed_at, reason=row.reason) if row else None

    async def pause_house(self, is_on: bool, *, by: str, at: datetime, reason: str = "") -> None:
        """Turn the pause of the whole house on or off."""
        async with self._db.begin() as connection:
            query = select(t.switches.c.is_on).where(t.switches.c.name == _HOUSE)
            before = bool((await connection.execute(query)).scalar_one_or_none())
            values = {"is_on": is_on, "reason": reason, "changed_at": at, "changed_by": by}
            statement = rows.insert(t.switches, connection.dialect).values(name=_HOUSE, **values)
            await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
            said = {False: "running", True: "paused"}
            detail = {"before": said[before], "after": said[is_on], "reason": reason}
            action = "pause" if is_on else "resume"
            await record(connection, by=by, action=action, subject="house", at=at, detail=detail)


async def _try_again(connection: AsyncConnection, name: str, *, at: datetime) -> None:
    """Wake an account that needed an operator. One that a person had paused before is paused again (I6)."""
    woken: dict[str, object] = {"state": AccountState.ACTIVE, "reason": "", "changed_by": "genlyd"}
    told = select(t.audit).where(t.audit.c.action == _SET, t.audit.c.subject == name).order_by(t.audit.c.id.desc())
    changes = list(await connection.execute(told))
    if changes and changes[0].detail.get("before") == AccountState.PAUSED:
        paused = next((change for change in changes if change.detail.get("after") == AccountState.PAUSED), changes[0])
        woken = {"state": AccountState.PAUSED, "reason": paused.detail["reason"], "changed_by": paused.by}
    asks = and_(t.accounts.c.name == name, t.accounts.c.state == AccountState.NEEDS_OPERATOR)
    if (await connection.execute(update(t.accounts).where(asks).values(changed_at=at, **woken))).rowcount:
        # Where it is turned away again, people are told again.
        await settle_alerts(connection, operator_of=name, by="genlyd", at=at)


async def _set_state(
    connection: AsyncConnection, name: str, state: AccountState, *, reason: str, by: str, at: datetime
) -> bool:
    query = select(t.accounts.c.state).where(t.accounts.c.name == name).with_for_update()
    before = (await connection.execute(query)).scalar_one_or_none()
    changed = await connection.execute(
        update(t.accounts)
        .where(t.accounts.c.name == name, t.accounts.c.state != state)
        .values(state=state, reason=reason, changed_at=at, changed_by=by)
    )
    if changed.rowcount:
        detail = {"before": before, "after": state, "reason": reason}
        await record(connection, by=by, action=_SET, subject=name, at=at, detail=detail)
    return bool(changed.rowcount)


def is_quiet(account: ColumnElement[str]) -> ColumnElement[bool]:
    """SQL: whether an account, or the house, is paused now."""
    return or_(
        exists().where(t.accounts.c.name == account, t.accounts.c.state != AccountState.ACTIVE),
        exists().where(t.switches.c.name == _HOUSE, t.switches.c.is_on),
    )
