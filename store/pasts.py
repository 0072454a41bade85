"""What was decided in the last days, with the facts of each moment as far as they are on record: rules are tried on it.

Owns these reads, in slices that let others go on meanwhile. Refuses to decide anything, and to write.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from core.assessment import Assessment, Intent, Language, Probabilities, Sentiment
from core.correction import Field, corrected, read_value, restored
from core.decision import Action, Heard
from core.incident import Incident
from core.reply import ANSWERED, VOID, ReplyKind, ReplyState
from core.trial import History, Outcome, Past, Saying
from store import rows
from store import tables as t
from store.database import Database
from store.incidents import read_incident
from store.people import ASKED_THEMSELVES, Scope, opted_out_by

# How many posts are read at once: few enough that a page asked for meanwhile does not wait.
_SLICE = 100
_DAY = timedelta(days=1)
_D, _R = t.decisions.c, t.replies.c
_COUNTS = (ReplyState.DRAFT, ReplyState.APPROVED, ReplyState.SENDING, ReplyState.SENT, ReplyState.UNKNOWN)
_SAID = (ReplyState.APPROVED, ReplyState.SENDING, ReplyState.UNKNOWN, ReplyState.SENT)
# Reasons and embedding weigh most of a row, and no rule looks at them.
_ASSESSED = tuple(
    column
    for column in t.assessments.c
    if column.name not in ("post_id", "language", "reasons", "embedding", "assessed_at", "is_explained")
)


class Pasts:
    """What was decided lately."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def read(self, *, since: datetime, most: int) -> History:
        """Return the newest `most` posts decided since then, oldest first."""
        ids, all_posts, forgotten = await self._ids(since, most)
        found: list[Past] = []
        incidents = await self._incidents(since)
        async for slice_rows in self._slices(ids):
            begins = found[0].decided_at if found else slice_rows[0].decided_at
            changes = await self._corrections([row.id for row in slice_rows])
            earlier = await self._earlier([row.conversation_id for row in slice_rows], before=begins)
            found += [_past(row, changes.get(row.id, ()), earlier, incidents) for row in slice_rows]
            await asyncio.sleep(0)
        sayings = await self._sayings(found[0].decided_at) if found else ()
        return History(pasts=tuple(found), sayings=sayings, all_posts=all_posts, forgotten=forgotten)

    async def heard(self, accounts: Sequence[str], *, since: datetime, most: int) -> tuple[list[Heard], int]:
        """Return the newest `most` posts since then that still have a text, newest first; and how many there are.

        Where there are more than `most`, those without a text are counted too: telling them apart would take long.
        """
        newest: list[tuple[datetime, int]] = []
        all_posts = 0
        for account in accounts:
            counted, some = await self._heard_ids(account, since, most)
            all_posts += counted
            newest += some
        ids = [post_id for _, post_id in sorted(newest, reverse=True)[:most]]
        found: list[Heard] = []
        for start in range(0, len(ids), _SLICE):
            part = ids[start : start + _SLICE]
            query = select(*rows.HEARD_COLUMNS).join(t.authors, t.authors.c.id == t.posts.c.author_id)
            query = query.where(t.posts.c.id.in_(part))
            async with self._db.read() as connection:
                by_id = {row.id: rows.heard(row) for row in await connection.execute(query)}
            found += [by_id[post_id] for post_id in part if post_id in by_id]
            await asyncio.sleep(0)
        return found, all_posts if len(ids) == most else len(found)

    async def _heard_ids(self, account: str, since: datetime, most: int) -> tuple[int, list[tuple[datetime, int]]]:
        """One account at a time, so that an index gives the newest and the number without a look at any other row."""
        p = t.posts.c
        wanted = and_(p.account == account, p.posted_at >= since)
        newest = select(p.posted_at, p.id).where(wanted, p.text != "").order_by(p.posted_at.desc()).limit(most)
        async with self._db.read() as connection:
            counted = (await connection.execute(select(func.count()).where(wanted))).scalar_one()
            return counted, [(row.posted_at, row.id) for row in await connection.execute(newest)]

    async def _ids(self, since: datetime, most: int) -> tuple[list[int], int, int]:
        """The posts to read, oldest decision first; how many were decided; how many beside them have no text any more.

        Where there are more than `most`, those without a text are counted among the newest alone.
        """
        newest = (
            select(_D.post_id, _D.decided_at)
            .join(t.posts, t.posts.c.id == _D.post_id)
            .where(_D.decided_at >= since, t.posts.c.text != "", _is_read())
            .order_by(_D.decided_at.desc(), _D.post_id.desc())
            .limit(most)
        )
        async with self._db.read() as connection:
            found = list(await connection.execute(newest))
            all_posts = (await connection.execute(_count_since(since))).scalar_one()
            if len(found) < most:
                return [row.post_id for row in reversed(found)], all_posts, all_posts - len(found)
            oldest = found[-1].decided_at
            younger = (await connection.execute(select(func.count()).where(_D.decided_at > oldest))).scalar_one()
        forgotten = younger - sum(row.decided_at > oldest for row in found)
        return [row.post_id for row in reversed(found)], all_posts, forgotten

    async def _slices(self, ids: Sequence[int]) -> AsyncIterator[list[rows.AnyRow]]:
        for start in range(0, len(ids), _SLICE):
            part = ids[start : start + _SLICE]
            async with self._db.read() as connection:
                found = {row.id: row for row in await connection.execute(_posts(part))}
            # One that was forgotten since it was counted is left out.
            present = [found[post_id] for post_id in part if post_id in found]
            if present:
                yield present

    async def _corrections(self, ids: Sequence[int]) -> dict[int, list[rows.AnyRow]]:
        e, c = t.correction_effects.c, t.corrections.c
        query = (
            select(e.post_id, e.was, c.field, c.now, c.made_at)
            .join(t.corrections, c.id == e.correction_id)
            .where(e.post_id.in_(ids), c.undone_at.is_(None))
            .order_by(c.id)
        )
        made: dict[int, list[rows.AnyRow]] = {}
        async with self._db.read() as connection:
            for row in await connection.execute(query):
                made.setdefault(row.post_id, []).append(row)
        return made

    async def _earlier(self, conversation_ids: Sequence[int], *, before: datetime) -> dict[int, datetime]:
        query = (
            select(_R.conversation_id, func.max(_R.created_at).label("at"))
            .where(
                _R.conversation_id.in_(conversation_ids),
                _R.kind == ReplyKind.ACKNOWLEDGEMENT,
                _R.state.in_(_COUNTS),
                _R.created_at < before,
            )
            .group_by(_R.conversation_id)
        )
        async with self._db.read() as connection:
            return {row.conversation_id: row.at for row in await connection.execute(query)}

    async def _incidents(self, since: datetime) -> dict[str, list[Incident]]:
        i = t.incidents.c
        query = select(t.incidents).where(or_(i.closed_at.is_(None), i.closed_at >= since)).order_by(i.id)
        found: dict[str, list[Incident]] = {}
        async with self._db.read() as connection:
            for row in await connection.execute(query):
                found.setdefault(row.account, []).append(read_incident(row))
        return found

    async def _sayings(self, begins: datetime) -> tuple[Saying, ...]:
        a = t.authors.c
        query = (
            select(_R.account, a.platform, a.native_id, _R.conversation_id, _R.template, _R.created_at)
            .join(t.posts, t.posts.c.id == _R.post_id)
            .join(t.authors, a.id == t.posts.c.author_id)
            .where(
                _R.is_automatic,
                _R.kind == ReplyKind.ACKNOWLEDGEMENT,
                _R.state.in_(_SAID),
                _R.created_at < begins,
                _R.created_at > begins - _DAY,
            )
            .order_by(_R.created_at)
        )
        async with self._db.read() as connection:
            return tuple(
                Saying(
                    account=row.account,
                    author=f"{row.platform} {row.native_id}",
                    conversation_id=row.conversation_id,
                    template=row.template or "",
                    at=row.created_at,
                )
                for row in await connection.execute(query)
            )


def _count_since(since: datetime) -> Select[Any]:
    return select(func.count()).where(_D.decided_at >= since)


def _is_read() -> ColumnElement[bool]:
    return exists().where(t.assessments.c.post_id == t.posts.c.id)


def _posts(ids: Sequence[int]) -> Select[Any]:
    o, a = t.opt_outs.c, t.alerts.c
    theirs = and_(o.author_id == t.posts.c.author_id, o.scope == Scope.AUTOMATIC)
    dealt = and_(a.conversation_id == t.posts.c.conversation_id, a.handled_at >= _D.decided_at)
    return (
        select(
            *rows.HEARD_COLUMNS,
            *_ASSESSED,
            t.assessments.c.language.label("read_language"),
            _D.action,
            _D.rule,
            _D.because,
            _D.escalate,
            _D.decided_at,
            _D.held,
            opted_out_by(t.posts.c.author_id, o.scope == Scope.AUTOMATIC, o.since <= _D.decided_at).label(
                "opted_out_by"
            ),
            exists().where(theirs, o.since > _D.decided_at).label("opted_out_since"),
            exists().where(_R.post_id == t.posts.c.id, _rejected()).label("was_rejected"),
            exists().where(dealt, a.handled_by != "genlyd").label("was_dealt_with"),
        )
        .join(t.authors, t.authors.c.id == t.posts.c.author_id)
        .join(t.assessments, t.assessments.c.post_id == t.posts.c.id)
        .join(t.decisions, _D.post_id == t.posts.c.id)
        .where(t.posts.c.id.in_(ids))
    )


def _rejected() -> ColumnElement[bool]:
    """A person dropped what the bot had drafted; nobody deleted the post, or answered it, first."""
    by_itself = func.coalesce(_R.problem, "").in_((VOID, ANSWERED))
    return and_(_R.kind == ReplyKind.ACKNOWLEDGEMENT, _R.state == ReplyState.DROPPED, ~by_itself)


def _past(
    row: rows.AnyRow,
    changes: Sequence[rows.AnyRow],
    earlier: Mapping[int, datetime],
    incidents: Mapping[str, Sequence[Incident]],
) -> Past:
    now = _assessment(row)
    then = _as_it_was(now, changes, row.decided_at)
    return Past(
        heard=replace(rows.heard(row), deleted_at=None),
        assessment=then,
        set_right=now if now != then else None,
        decided_at=row.decided_at,
        was=Outcome(action=Action(row.action), rule=row.rule, because=row.because, escalate=row.escalate),
        held=None if row.held is None else frozenset(row.held),
        earlier_at=earlier.get(row.conversation_id),
        is_opted_out=row.opted_out_by is not None,
        opted_out_by=None if row.opted_out_by == ASKED_THEMSELVES else row.opted_out_by,
        opted_out_since=bool(row.opted_out_since),
        was_rejected=bool(row.was_rejected),
        was_dealt_with=bool(row.was_dealt_with),
        incident=_incident_at(row.decided_at, incidents.get(row.account, ())),
    )


def _as_it_was(now: Assessment, changes: Sequence[rows.AnyRow], decided_at: datetime) -> Assessment:
    """Take back what people set right after the decision: of each field the first such correction says what was."""
    then, known = now, {change.field for change in changes if change.made_at <= decided_at}
    for change in reversed([one for one in changes if one.made_at > decided_at]):
        field = Field(change.field)
        was = read_value(field, change.was)
        then = corrected(then, field, was) if field in known else restored(then, field, was)
    return then


def _incident_at(at: datetime, incidents: Sequence[Incident]) -> Incident | None:
    open_then = (one for one in incidents if one.opened_at <= at and (one.closed_at is None or at < one.closed_at))
    return next(open_then, None)


def _assessment(row: rows.AnyRow) -> Assessment:
    """As `rows.assessment`, without what no rule looks at."""
    return Assessment(
        language=Language(row.read_language),
        sentiment=Sentiment(row.sentiment),
        confidence=row.confidence,
        probabilities=Probabilities(negative=row.negative, neutral=row.neutral, positive=row.positive),
        urgency=row.urgency,
        intents=tuple(Intent(value) for value in row.intents),
        reasons=(),
        model=row.model,
        model_version=row.model_version,
        anger=row.anger,
        offensive=row.offensive,
        irony=row.irony,
        corrected=tuple(row.corrected),
    )
