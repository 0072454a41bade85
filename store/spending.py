"""What each account spent, by UTC day and source.

Owns the `spending` rows, the pace that a source is shown with, and that people are told once of a spent budget.
Refuses to judge what is too much: `core.budget` does.

Counts are added up in memory and saved every few seconds: a process that is killed forgets those since the last time.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import and_, exists, select, update

from core.budget import Pace, Spent
from core.decision import Notice
from store import rows
from store import tables as t
from store.alerts import queue_alert
from store.database import Database

_A = t.alerts.c
_S = t.spending.c


class Spending:
    """The calls, posts and money of every account."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(
        self, account: str, counted: Sequence[Spent], *, at: datetime, paces: Mapping[str, Pace] | None = None
    ) -> list[Spent]:
        """Add what one process counted; return what all have counted this month."""
        async with self._db.begin() as connection:
            # One order for all writers: two processes that add to the same rows must not wait for each other for ever.
            for one in sorted(counted, key=lambda one: (one.day, one.source)):
                statement = rows.insert(t.spending, connection.dialect).values(
                    account=account, day=one.day, source=one.source, calls=one.calls, posts=one.posts, money=one.money
                )
                more = {"calls": _S.calls + one.calls, "posts": _S.posts + one.posts, "money": _S.money + one.money}
                await connection.execute(
                    statement.on_conflict_do_update(index_elements=["account", "day", "source"], set_=more)
                )
            for source, pace in sorted((paces or {}).items()):
                await connection.execute(
                    update(t.sources)
                    .where(t.sources.c.account == account, t.sources.c.source == source)
                    .values(every_seconds=pace.seconds, slow_because=pace.because or None)
                )
        return (await self.this_month(at=at)).get(account, [])

    async def this_month(self, *, at: datetime) -> dict[str, list[Spent]]:
        """Return what every account spent in the UTC month of `at`, by day and source."""
        begin = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        query = select(t.spending).where(_S.day >= begin).order_by(_S.account, _S.day, _S.source)
        found: dict[str, list[Spent]] = {}
        async with self._db.read() as connection:
            for row in (await connection.execute(query)).mappings():
                values = dict(row)
                found.setdefault(str(values.pop("account")), []).append(Spent(**values))
        return found

    async def tell_once(self, notice: Notice, *, since: datetime, at: datetime) -> bool:
        """Queue an alert that a budget is spent, unless people were told so since then. Whether they are told now.

        The alerts say what was told: the title names the budget. Alerts lose their bodies with time, and no more.
        """
        account = t.accounts.c.name == notice.account
        alike = and_(_A.account == notice.account, _A.kind == notice.kind, _A.title == notice.title)
        told = select(exists().where(alike, _A.created_at >= since))
        async with self._db.begin() as connection:
            # Held, so that of two processes the second sees the alert of the first.
            await connection.execute(select(t.accounts.c.name).where(account).with_for_update())
            if (await connection.execute(told)).scalar_one():
                return False
            await queue_alert(connection, notice, at=at)
            return True
