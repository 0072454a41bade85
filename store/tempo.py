"""The tempo of an account: what came of late, what each hour of the past brought, and what we ourselves did.

Owns the `hours` rows and the looks that the crisis breaker takes. Refuses to judge what it finds. Posts count by when
they were posted: a poll or a backfill brings many at once, and that is no storm.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Intent, Sentiment
from core.incident import Arrival, Conduct, Hour
from core.reply import ReplyState
from store import rows
from store import tables as t
from store.database import Database
from store.people import ASKED_THEMSELVES

# The breaker needs no more of them to judge: windows that reach further back are left out.
MOST_ARRIVALS = 1000
# What is usually talked about is read from so many posts.
_SAMPLE = 5000
_HOUR = timedelta(hours=1)
# An hour is counted once what the platforms show late is in.
_SETTLED = timedelta(minutes=10)
# Hours counted in one transaction: a house that was away for weeks must not hold up its writers.
_AT_ONCE = 48
_P, _R = t.posts.c, t.replies.c
_INTENTS = {intent.value: intent for intent in Intent}


class Tempo:
    """How fast things come, now and usually."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def arrivals(self, account: str, *, since: datetime) -> list[Arrival]:
        """Return the newest posts of an account since an instant, the newest first."""
        async with self._db.read() as connection:
            return [_arrival(row) for row in await connection.execute(recent(account, since))]

    async def sample(self, account: str, *, since: datetime, before: datetime) -> list[Arrival]:
        """Return the newest posts from before an instant: enough to tell what an account usually hears about."""
        query = recent(account, since).where(_P.posted_at < before).limit(_SAMPLE)
        async with self._db.read() as connection:
            return [_arrival(row) for row in await connection.execute(query)]

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

    async def conduct(self, account: str, *, since: datetime, now: datetime, asking: Collection[int] = ()) -> Conduct:
        """Return what we did since an instant, an hour ago or the last reset, by ourselves.

        `asking` are authors who ask whether a robot answers: those of them whom we answered are named.
        """
        async with self._db.read() as connection:
            done = (await connection.execute(sent_since(account, since))).one()
            opted = (await connection.execute(opted_out_since(account, since))).scalar_one()
            heard = 0
            if done.sent:
                # Whether there were as many posts as replies is asked, not how many there were in a day.
                a_day = select(_P.id).where(_P.account == account, _P.posted_at > now - 25 * _HOUR).limit(done.sent)
                heard = (await connection.execute(select(func.count()).select_from(a_day.subquery()))).scalar_one()
            answered = frozenset[int]()
            if done.sent and asking:
                answered = frozenset((await connection.execute(answered_since(account, since, asking))).scalars())
        sent, refused = done.sent or 0, done.refused or 0
        return Conduct(sent=sent, refused=refused, opt_outs=opted, arrivals=heard, answered=answered)


def recent(account: str, since: datetime) -> Select[tuple[object, ...]]:
    """The look at recent posts: a range of ix_posts_account."""
    return (
        select(_P.id, _P.posted_at, _P.author_id, _P.text, _P.matched, _P.is_summons)
        .add_columns(t.assessments.c.sentiment, t.assessments.c.intents)
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


def answered_since(account: str, since: datetime, authors: Collection[int]) -> Select[int]:
    """The look at those of some authors whom we sent something by ourselves: through ix_conversations_author."""
    c = t.conversations.c
    return (
        select(c.author_id)
        .join(t.replies, _R.conversation_id == c.id)
        .where(c.author_id.in_(authors), c.account == account, _R.is_automatic, _R.sending_at > since)
        .distinct()
    )


def opted_out_since(account: str, since: datetime) -> Select[int]:
    """The look at people who asked us to stop themselves: a range of ix_opt_outs_since."""
    c, o = t.conversations.c, t.opt_outs.c
    # One at a time for the few who asked of late: joined, PostgreSQL may begin with all conversations of the account.
    ours = select(c.id).where(c.author_id == o.author_id, c.account == account).limit(1).scalar_subquery()
    asked = and_(o.since > since, o.by == ASKED_THEMSELVES)
    return select(func.count(o.author_id.distinct())).where(asked, ours.is_not(None))


def _arrival(row: rows.AnyRow) -> Arrival:
    return Arrival(
        post_id=row.id,
        at=row.posted_at,
        author_id=row.author_id,
        text=row.text,
        matched=row.matched,
        mood=Sentiment(row.sentiment) if row.sentiment else None,
        intents=tuple(_INTENTS[intent] for intent in row.intents or () if intent in _INTENTS),
        is_summons=row.is_summons,
    )


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
