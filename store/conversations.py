"""Conversations: pages of the inbox, one conversation whole, and moves with a version check.

Owns the `conversations` rows; `inbox` asks for pages, `places` keeps the order. Refuses to decide what may move:
`core.conversation` does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Assessment
from core.conversation import Conversation, Move, Status, apply, assign, snooze
from core.decision import Heard
from core.errors import Conflict
from core.reply import VOID, Reply, ReplyState
from store import rows
from store import tables as t
from store.alerts import settle_alerts
from store.database import Database
from store.inbox import Card, InboxFilters, Page, count_by_status, find_cards, find_page
from store.people import record
from store.places import place


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One post of a conversation with everything that hangs on it."""

    heard: Heard
    assessment: Assessment | None
    action: str | None
    rule: str | None
    because: str | None
    replies: tuple[Reply, ...]
    stage: str
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One conversation whole, oldest post first."""

    conversation: Conversation
    entries: tuple[Entry, ...]
    author_id: int
    is_opted_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierOne:
    """Another conversation with the same author."""

    id: int
    status: Status
    last_post_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What we had with an author before, the latest first."""

    count: int = 0
    last: tuple[EarlierOne, ...] = ()


class Conversations:
    """The conversations we track."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def inbox(
        self, filters: InboxFilters, *, after: str | None = None, before: str | None = None, limit: int = 50
    ) -> Page:
        """Return a page of cards: the first, or the one after or before a cursor of another page."""
        async with self._db.read() as connection:
            return await find_page(connection, filters, after=after, before=before, limit=limit)

    async def cards(self, ids: Sequence[int]) -> tuple[Card, ...]:
        """Return the cards of conversations as they stand now, in the order given."""
        async with self._db.read() as connection:
            return await find_cards(connection, ids)

    async def count(self, *, account: str | None = None) -> dict[str, int]:
        """Return how many conversations stand at each status, of one account or of all.

        Counted up to MOST_COUNTED; one more stands for any number beyond.
        """
        async with self._db.read() as connection:
            return await count_by_status(connection, account=account)

    async def changed_after(
        self, at: datetime, conversation_id: int, *, limit: int = 200
    ) -> list[tuple[datetime, int]]:
        """Return (changed_at, id) of conversations changed after a point, oldest first: live pages ask."""
        c = t.conversations.c
        query = (
            select(c.changed_at, c.id)
            .where(or_(c.changed_at > at, and_(c.changed_at == at, c.id > conversation_id)))
            .order_by(c.changed_at, c.id)
            .limit(limit)
        )
        async with self._db.read() as connection:
            return [(row.changed_at, row.id) for row in await connection.execute(query)]

    async def thread(self, conversation_id: int) -> Thread | None:
        """Return one conversation whole, None where there is none."""
        async with self._db.read() as connection:
            found = select(t.conversations).where(t.conversations.c.id == conversation_id)
            row = (await connection.execute(found)).first()
            if row is None:
                return None
            opted = select(t.opt_outs.c.scope).where(t.opt_outs.c.author_id == row.author_id)
            return Thread(
                conversation=rows.conversation(row),
                entries=await _entries(connection, conversation_id),
                author_id=row.author_id,
                is_opted_out=(await connection.execute(opted)).first() is not None,
            )

    async def move(
        self,
        conversation_id: int,
        move: Move,
        *,
        by: str,
        version: int,
        at: datetime,
        batch: str = "",
        steers: bool = False,
    ) -> Conversation:
        """Make `move` and write it to the audit; `batch` is the name by which it can be undone.

        Who `steers` may hand back what a colleague has.

        Raises: Conflict where the conversation changed since `version` was read; IllegalMove.
        """

        def moved(before: Conversation) -> Conversation:
            return apply(before, move, by=by, steers=steers)

        async with self._db.begin() as connection:
            return await change(connection, conversation_id, move, moved, by=by, version=version, at=at, batch=batch)

    async def assign(self, conversation_id: int, to: str | None, *, by: str, version: int, at: datetime) -> None:
        """Make it the work of a colleague, or nobody's. Raises: Conflict; IllegalMove."""
        async with self._db.begin() as connection:
            before = await _locked(connection, conversation_id, version)
            await put(connection, assign(before, to, by=by), version=version + 1, at=at)
            detail = {"before": before.assigned_to, "after": to}
            await _record(connection, conversation_id, "assign", by=by, at=at, detail=detail)

    async def snooze(
        self, conversation_id: int, until: datetime | None, *, by: str, version: int, at: datetime, batch: str = ""
    ) -> Conversation:
        """Put it off until an instant, or until its author writes; `batch` undoes it. Raises: Conflict; IllegalMove."""

        def put_off(before: Conversation) -> Conversation:
            return snooze(before, until, by=by, now=at)

        async with self._db.begin() as connection:
            return await change(
                connection, conversation_id, "snooze", put_off, by=by, version=version, at=at, batch=batch
            )

    async def wake(self, *, at: datetime, limit: int = 200) -> int:
        """Open what was put off until now. Returns how many."""
        c = t.conversations.c
        due = select(c.id).where(c.status == Status.SNOOZED, c.snoozed_until <= at).order_by(c.id).limit(limit)
        async with self._db.begin() as connection:
            ids = list((await connection.execute(due.with_for_update(skip_locked=True))).scalars())
            if not ids:
                return 0
            values = {"status": Status.OPEN, "snoozed_until": None, "version": c.version + 1, "changed_at": at}
            await connection.execute(update(t.conversations).where(c.id.in_(ids)).values(**values))
            await place(connection, ids)
            for one in ids:
                await _record(connection, one, "wake", by="genlyd", at=at, detail={})
            return len(ids)

    async def earlier(self, author_id: int, *, but_not: int, limit: int = 3) -> Earlier:
        """Return how many other conversations we had with an author on this platform, and the last of them."""
        c = t.conversations.c
        theirs = and_(c.author_id == author_id, c.id != but_not)
        last = select(c.id, c.status, c.last_post_at).where(theirs).order_by(c.last_post_at.desc(), c.id.desc())
        async with self._db.read() as connection:
            count = (await connection.execute(select(func.count(c.id)).where(theirs))).scalar_one()
            found = [
                EarlierOne(id=row.id, status=Status(row.status), last_post_at=row.last_post_at)
                for row in await connection.execute(last.limit(limit))
            ]
            return Earlier(count=count, last=tuple(found))


async def change(
    connection: AsyncConnection,
    conversation_id: int,
    action: str,
    make: Callable[[Conversation], Conversation],
    *,
    by: str,
    version: int,
    at: datetime,
    batch: str = "",
) -> Conversation:
    """Make a change within the caller's transaction and write it to the audit, with what an undo needs.

    `batch` names the changes that a person made at once. Raises: Conflict; what `make` raises.
    """
    before = await _locked(connection, conversation_id, version)
    after = make(before)
    await put(connection, after, version=version + 1, at=at)
    detail = {
        "before": {**_standing(before), **_times(before)},
        "after": {**_standing(after), "version": version + 1},
    } | ({"batch": batch} if batch else {})
    await _record(connection, conversation_id, action, by=by, at=at, detail=detail)
    if action in (Move.TAKE_OVER, Move.RESOLVE):
        await settle_alerts(connection, conversation_id=conversation_id, by=by, at=at)
    return after


async def _locked(connection: AsyncConnection, conversation_id: int, version: int) -> Conversation:
    query = select(t.conversations).where(t.conversations.c.id == conversation_id).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None or row.version != version:
        raise Conflict("the conversation changed since you opened it")
    return rows.conversation(row)


async def _record(
    connection: AsyncConnection,
    conversation_id: int,
    action: str,
    *,
    by: str,
    at: datetime,
    detail: Mapping[str, object],
) -> None:
    await record(connection, by=by, action=action, subject=f"conversation {conversation_id}", at=at, detail=detail)


async def put(connection: AsyncConnection, conversation: Conversation, *, version: int, at: datetime) -> None:
    """Write what moves change, and find its place anew."""
    await connection.execute(
        update(t.conversations)
        .where(t.conversations.c.id == conversation.id)
        .values(
            status=conversation.status,
            taken_by=conversation.taken_by,
            assigned_to=conversation.assigned_to,
            snoozed_until=conversation.snoozed_until,
            due_at=conversation.due_at,
            waiting_since=conversation.waiting_since,
            version=version,
            changed_at=at,
        )
    )
    await place(connection, [conversation.id])


def _standing(conversation: Conversation) -> dict[str, str | None]:
    return {
        "status": conversation.status,
        "taken_by": conversation.taken_by,
        "assigned_to": conversation.assigned_to,
    }


def _times(conversation: Conversation) -> dict[str, str | None]:
    found = {
        "due_at": conversation.due_at,
        "waiting_since": conversation.waiting_since,
        "snoozed_until": conversation.snoozed_until,
    }
    return {name: None if at is None else at.isoformat() for name, at in found.items()}


async def touch(connection: AsyncConnection, conversation_id: int, *, at: datetime) -> None:
    """Mark a conversation changed, so that live pages fetch it again, and find its place anew."""
    await connection.execute(
        update(t.conversations)
        .where(t.conversations.c.id == conversation_id)
        .values(version=t.conversations.c.version + 1, changed_at=at)
    )
    await place(connection, [conversation_id])


def _posts_of(conversation_id: int) -> Select[tuple[object, ...]]:
    return (
        select(*rows.HEARD_COLUMNS)
        .join(t.authors, t.authors.c.id == t.posts.c.author_id)
        .where(t.posts.c.conversation_id == conversation_id)
    )


async def _entries(connection: AsyncConnection, conversation_id: int) -> tuple[Entry, ...]:
    posts = list(await connection.execute(_posts_of(conversation_id).order_by(t.posts.c.posted_at, t.posts.c.id)))
    ids = [row.id for row in posts]
    assessed = await connection.execute(select(t.assessments).where(t.assessments.c.post_id.in_(ids)))
    assessments = {row.post_id: rows.assessment(row) for row in assessed}
    decided = {
        row.post_id: row for row in await connection.execute(select(t.decisions).where(t.decisions.c.post_id.in_(ids)))
    }
    replies = [
        rows.reply(row)
        for row in await connection.execute(
            select(t.replies).where(t.replies.c.post_id.in_(ids)).order_by(t.replies.c.id)
        )
    ]
    return tuple(
        Entry(
            heard=rows.heard(row),
            assessment=assessments.get(row.id),
            action=decided[row.id].action if row.id in decided else None,
            rule=decided[row.id].rule if row.id in decided else None,
            because=decided[row.id].because if row.id in decided else None,
            replies=tuple(reply for reply in replies if reply.post_id == row.id),
            stage=row.stage,
            problem=row.problem,
        )
        for row in posts
    )


def person_has_acted(conversation_id: ColumnElement[int]) -> ColumnElement[bool]:
    """SQL: whether a person has approved, written or rejected a reply in a conversation (I5)."""
    by_person = t.replies.alias("by_person")
    return exists().where(
        by_person.c.conversation_id == conversation_id,
        or_(
            and_(by_person.c.is_automatic.is_(False), by_person.c.approved_by.is_not(None)),
            by_person.c.touched_by.is_not(None),
            and_(by_person.c.state == ReplyState.DROPPED, by_person.c.problem.is_distinct_from(VOID)),
        ),
    )
