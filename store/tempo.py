"""The tempo of an account: what came of late, what each hour of the past brought, and what we ourselves did.

Owns the `hours` rows and the looks that the crisis breaker takes. Refuses to judge what it finds. Posts count by when
they were posted: a poll or a backfill brings many at once, and that is no storm.
"""

from datetime import datetime, timedelta

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Sentiment
from core.incident import Arrival, Conduct, Hour
from core.reply import ReplyState
from store import rows
from store import tables as t
from store.database import Database

# Beyond this many recent posts it is a storm or a house that needs no more of them to be judged.
MOST_ARRIVALS = 1000
_HOUR = timedelta(hours=1)
# An hour is counted once what the platforms show late is in.
_SETTLED = timedelta(minutes=10)
# Hours counted in one transaction: a house that was away for weeks must not hold up its writers.
_AT_ONCE = 48
_P, _R = t.posts.c, t.replies.c


class Tempo:
    """How fast things come, now and usually."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def arrivals(self, account: str, *, since: datetime) -> list[Arrival]:
        """Return the newest posts of an account since an instant, the newest first."""
        async with self._db.read() as connection:
            found = (await connection.execute(recent(account, since))).mappings()
            return [Arrival(**{**row, "mood": Sentiment(row["mood"]) if row["mood"] else None}) for row in found]

    async def hours(self, account: str, *, since: datetime) -> list[Hour]:
        """Return the full hours of the past, oldest first."""
        h = t.hours.c
        query = select(h.at, h.heard, h.negative).where(h.account == account, h.at >= since).order_by(h.at)
        async with self._db.read() as connection:
            return [Hour(**row) for row in (await connection.execute(query)).mappings()]

    async def count_hours(self, account: str, *, since: datetime, now: datetime) -> int:
        """Count the full hours that are not counted yet, none from before we knew the account; return how many."""
        last = select(func.max(t.hours.c.at)).where(t.hours.c.account == account)
        enrolled = select(t.accounts.c.enrolled_at).where(t.accounts.c.name == account)
        async with self._db.begin() as connection:
            counted = (await connection.execute(last)).scalar_one()
            known = (await connection.execute(enrolled)).scalar_one_or_none()
            at = max(since, known or since) if counted is None else max(since, counted + timedelta(seconds=1))
            at = _next_hour(at)
            done = 0
            while at + _HOUR + _SETTLED <= now and done < _AT_ONCE:
                await _count_hour(connection, account, at)
                at, done = at + _HOUR, done + 1
        return done

    async def conduct(self, account: str, *, since: datetime, now: datetime) -> Conduct:
        """Return what we did since an instant, an hour ago or the last reset, by ourselves."""
        async with self._db.read() as connection:
            done = (await connection.execute(sent_since(account, since))).one()
            opted = (await connection.execute(opted_out_since(account, since))).scalar_one()
            arrivals = done.sent
            if done.sent:
                a_day = select(func.count()).where(_P.account == account, _P.posted_at > now - 25 * _HOUR)
                arrivals = (await connection.execute(a_day)).scalar_one()
        return Conduct(sent=done.sent or 0, refused=done.refused or 0, opt_outs=opted, arrivals=arrivals or 0)


def recent(account: str, since: datetime) -> Select[tuple[object, ...]]:
    """The look at recent posts: a range of ix_posts_account."""
    return (
        select(_P.id.label("post_id"), _P.posted_at.label("at"), _P.author_id, _P.text, _P.matched)
        .add_columns(t.assessments.c.sentiment.label("mood"))
        .join(t.assessments, t.assessments.c.post_id == _P.id, isouter=True)
        .where(_P.account == account, _P.posted_at > since, _P.is_backfill.is_(False))
        .order_by(_P.posted_at.desc())
        .limit(MOST_ARRIVALS)
    )


def sent_since(account: str, since: datetime) -> Select[tuple[object, ...]]:
    """The look at our own automatic replies: a range of ix_replies_sending."""
    refused = case((_R.state == ReplyState.FAILED, 1), else_=0)
    sent = case((_R.state.in_((ReplyState.SENDING, ReplyState.SENT, ReplyState.UNKNOWN)), 1), else_=0)
    return select(func.sum(sent).label("sent"), func.sum(refused).label("refused")).where(
        _R.account == account, _R.sending_at > since, _R.is_automatic
    )


def opted_out_since(account: str, since: datetime) -> Select[int]:
    """The look at people who asked us to stop: a range of ix_opt_outs_since."""
    c = t.conversations.c
    # One at a time for the few who asked of late: joined, PostgreSQL may begin with all conversations of the account.
    ours = select(c.id).where(c.author_id == t.opt_outs.c.author_id, c.account == account).limit(1).scalar_subquery()
    return select(func.count(t.opt_outs.c.author_id.distinct())).where(t.opt_outs.c.since > since, ours.is_not(None))


def _next_hour(at: datetime) -> datetime:
    """The first full hour that begins at `at` or after it."""
    full = at.replace(minute=0, second=0, microsecond=0)
    return full if full == at else full + _HOUR


async def _count_hour(connection: AsyncConnection, account: str, at: datetime) -> None:
    negative = func.sum(case((t.assessments.c.sentiment == Sentiment.NEGATIVE, 1), else_=0))
    query = (
        select(func.count(), negative)
        .select_from(t.posts)
        .join(t.assessments, t.assessments.c.post_id == _P.id, isouter=True)
        .where(_P.account == account, _P.posted_at >= at, _P.posted_at < at + _HOUR)
    )
    heard, angry = (await connection.execute(query)).one()
    statement = rows.insert(t.hours, connection.dialect).values(
        account=account, at=at, heard=heard, negative=angry or 0
    )
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["account", "at"]))
