"""What the bot said lately, counted for budgets, and how fast an author writes.

Owns these counts. Refuses to judge them: `responder.safety` does. Asked within the transaction that decides, so that
two posts of one conversation, decided one after the other, see each other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Label,
    ScalarSelect,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core.incident import Incident
from core.reply import ReplyKind, ReplyState
from store import tables as t
from store.incidents import open_incident

_R = t.replies.c
_P = t.posts.c
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_AT_ONCE = timedelta(minutes=5)
# Said, or as good as said. A draft is nothing the bot said.
_SAID = and_(
    _R.is_automatic,
    _R.kind == ReplyKind.ACKNOWLEDGEMENT,
    _R.state.in_((ReplyState.APPROVED, ReplyState.SENDING, ReplyState.UNKNOWN, ReplyState.SENT)),
)

# The reply that is about to leave does not count.
BUT_LEAVING = _R.id != bindparam("leaving", type_=Integer)
_COUNTED = and_(_SAID, BUT_LEAVING)
_HOUR_AGO, _DAY_AGO = bindparam("hour_ago", type_=t.Instant), bindparam("day_ago", type_=t.Instant)
# Statements that run for every post are made once: making one costs more than running it.
_SAID_BY = (
    select(
        _R.template,
        func.sum(case((_R.created_at > _HOUR_AGO, 1), else_=0)).label("hour"),
        func.count().label("day"),
        func.sum(case((_R.created_at > bindparam("just_before", type_=t.Instant), 1), else_=0)).label("at_once"),
    )
    .where(_R.account == bindparam("name"), _R.created_at > _DAY_AGO, _COUNTED)
    .group_by(_R.template)
)


@dataclass(slots=True)
class Account:
    """What one account said by itself within the hour, by template, the day and five minutes; and its open incident."""

    told: dict[str, int]
    day: int
    at_once: int
    incident: Incident | None


class Ledger:
    """The counts of one transaction. An account's are read once and counted on: a batch may decide many of its posts.

    `leaving` is the reply that is about to leave, which does not count.
    """

    def __init__(self, connection: AsyncConnection, *, at: datetime, leaving: int | None = None) -> None:
        self.at = at
        self._connection = connection
        self._accounts: dict[str, Account] = {}
        # No reply has the number 0.
        self.bound = {
            "leaving": leaving or 0,
            "just_before": at - _AT_ONCE,
            "hour_ago": at - _HOUR,
            "day_ago": at - _DAY,
            "two_days_ago": at - 2 * _DAY,
        }

    async def account(self, name: str) -> Account:
        """Return what an account said, as of now in this transaction."""
        if name not in self._accounts:
            found = list(await self._connection.execute(_SAID_BY, self.bound | {"name": name}))
            self._accounts[name] = Account(
                told={row.template: int(row.hour) for row in found if row.hour},
                day=sum(row.day for row in found),
                at_once=sum(int(row.at_once) for row in found),
                incident=await open_incident(self._connection, name),
            )
        return self._accounts[name]

    def note(self, account: str, template: str) -> None:
        """Count what has just been approved in this transaction."""
        said = self._accounts[account]
        said.told[template] = said.told.get(template, 0) + 1
        said.day += 1
        said.at_once += 1


def columns(dialect: str) -> tuple[Label[Any], ...]:
    """SQL: the counts around each row of posts; asked with what a ledger has `bound`."""
    here = _R.conversation_id == _P.conversation_id
    last_sent = select(func.max(_R.sending_at)).where(here, _COUNTED, _R.state == ReplyState.SENT)
    return (
        select(func.count(_R.id)).where(here, _COUNTED).scalar_subquery().label("in_conversation"),
        last_sent.scalar_subquery().label("last_sent_at"),
        _to_author(_HOUR_AGO).label("author_hour"),
        _to_author(_DAY_AGO).label("author_day"),
        _posts_before(dialect).label("author_posts_minute"),
    )


def _to_author(since: BindParameter[datetime]) -> ScalarSelect[int]:
    """Counted over the author's posts, which an index finds; none is answered that is older than a day."""
    other = t.posts.alias("of_author")
    return (
        select(func.count(_R.id))
        .select_from(other)
        .join(t.replies, _R.post_id == other.c.id)
        .where(
            other.c.author_id == _P.author_id,
            other.c.posted_at > bindparam("two_days_ago", type_=t.Instant),
            _R.created_at > since,
            _COUNTED,
        )
        .scalar_subquery()
    )


def _posts_before(dialect: str) -> ScalarSelect[int]:
    """How many other posts the author wrote in the minute before this one."""
    other = t.posts.alias("before")
    return (
        select(func.count(other.c.id))
        .where(
            other.c.author_id == _P.author_id,
            other.c.id != _P.id,
            other.c.posted_at > _a_minute_before(_P.posted_at, dialect),
            other.c.posted_at <= _P.posted_at,
        )
        .scalar_subquery()
    )


def _a_minute_before(at: ColumnElement[datetime], dialect: str) -> ColumnElement[Any]:
    """SQLite keeps instants as texts, which sort; to the millisecond is near enough."""
    if dialect == "sqlite":
        return func.strftime("%Y-%m-%d %H:%M:%f", at, "-60 seconds")
    return at - literal_column("interval '1 minute'")
