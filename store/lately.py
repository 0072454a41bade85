"""What the bot said lately, counted for budgets, and how fast an author writes.

Owns these counts. Refuses to judge them: `responder.safety` does. Asked within the transaction that decides, so that
two posts of one conversation, decided one after the other, see each other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.decision import Lately
from core.reply import ReplyKind, ReplyState
from store import rows
from store import tables as t

_R = t.replies.c
_P = t.posts.c
_HOUR, _DAY, _MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
_AT_ONCE = timedelta(minutes=5)
# Said, or as good as said. A draft is nothing the bot said.
_SAID = and_(
    _R.is_automatic,
    _R.kind == ReplyKind.ACKNOWLEDGEMENT,
    _R.state.in_((ReplyState.APPROVED, ReplyState.SENDING, ReplyState.UNKNOWN, ReplyState.SENT)),
)


@dataclass(slots=True)
class _Account:
    """What one account said by itself within the hour, by template, within the day, and within five minutes."""

    told: dict[str, int]
    day: int
    at_once: int


class Ledger:
    """The counts of one transaction. An account's are read once and counted on: a batch may decide many of its posts.

    `leaving` is the reply that is about to leave, which does not count.
    """

    def __init__(self, connection: AsyncConnection, *, at: datetime, leaving: int | None = None) -> None:
        self._connection = connection
        self._at = at
        self._others = _R.id != leaving if leaving is not None else None
        self._accounts: dict[str, _Account] = {}

    async def around(self, post: rows.AnyRow) -> Lately:
        """Return the counts around a row of posts."""
        account = await self._account(post.account)
        query = select(
            self._in_conversation(post).with_only_columns(func.count()).scalar_subquery().label("in_conversation"),
            self._last_sent(post).label("sent_at"),
            self._to_author(post, _HOUR).label("author_hour"),
            self._to_author(post, _DAY).label("author_day"),
            _posts_before(post).label("posts"),
        )
        row = (await self._connection.execute(query)).one()
        return Lately(
            in_conversation=row.in_conversation,
            author_hour=row.author_hour,
            author_day=row.author_day,
            account_hour=sum(account.told.values()),
            account_day=account.day,
            account_at_once=account.at_once,
            told=dict(account.told),
            author_posts_minute=row.posts,
            last_sent_at=row.sent_at,
        )

    def note(self, account: str, template: str) -> None:
        """Count what has just been approved in this transaction."""
        said = self._accounts[account]
        said.told[template] = said.told.get(template, 0) + 1
        said.day += 1
        said.at_once += 1

    async def _account(self, name: str) -> _Account:
        if name not in self._accounts:
            within_hour = func.sum(case((_R.created_at > self._at - _HOUR, 1), else_=0))
            at_once = func.sum(case((_R.created_at > self._at - _AT_ONCE, 1), else_=0))
            query = (
                select(_R.template, within_hour.label("hour"), func.count().label("day"), at_once.label("at_once"))
                .where(_R.account == name, _R.created_at > self._at - _DAY, self._said())
                .group_by(_R.template)
            )
            found = list(await self._connection.execute(query))
            told = {row.template: int(row.hour) for row in found if row.hour}
            day, now = sum(row.day for row in found), sum(int(row.at_once) for row in found)
            self._accounts[name] = _Account(told=told, day=day, at_once=now)
        return self._accounts[name]

    def _said(self) -> ColumnElement[bool]:
        return _SAID if self._others is None else and_(_SAID, self._others)

    def _in_conversation(self, post: rows.AnyRow) -> Select[tuple[int]]:
        return select(_R.id).where(_R.conversation_id == post.conversation_id, self._said())

    def _last_sent(self, post: rows.AnyRow) -> ScalarSelect[datetime | None]:
        sent = self._in_conversation(post).where(_R.state == ReplyState.SENT)
        return sent.with_only_columns(func.max(_R.sending_at)).scalar_subquery()

    def _to_author(self, post: rows.AnyRow, window: timedelta) -> ScalarSelect[int]:
        """Counted over the author's posts, which an index finds; none is answered that is older than a day."""
        return (
            select(func.count())
            .select_from(t.posts)
            .join(t.replies, _R.post_id == _P.id)
            .where(
                _P.author_id == post.author_id,
                _P.posted_at > self._at - _DAY - window,
                _R.created_at > self._at - window,
                self._said(),
            )
            .scalar_subquery()
        )


def _posts_before(post: rows.AnyRow) -> ScalarSelect[int]:
    """How many other posts the author wrote in the minute before this one."""
    return (
        select(func.count())
        .where(
            _P.author_id == post.author_id,
            _P.id != post.id,
            _P.posted_at > post.posted_at - _MINUTE,
            _P.posted_at <= post.posted_at,
        )
        .select_from(t.posts)
        .scalar_subquery()
    )
