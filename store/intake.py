"""A batch of mentions becomes rows: authors, conversations and posts, a statement a table.

Owns their insertion within the caller's transaction, and what of a batch is new. Refuses to move a cursor.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import Executable, and_, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.conversation import Status
from core.post import Author
from core.watch import Mention
from store import rows
from store import tables as t
from store.places import place
from store.sources import Progress
from store.summons import conversations_of_missed, hear_as_summons

# Reddit tells times in whole seconds.
_COARSE = timedelta(seconds=2)

Authors = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a batch changed: the ids of new posts, and of those that are to be decided anew."""

    new: list[int]
    again: list[int]


async def take_in(
    connection: AsyncConnection, mentions: Sequence[Mention], progress: Progress, *, at: datetime
) -> Taken:
    """Insert what is new of a batch; what we have and this batch knows to be said to us is noted as such."""
    batch = merged(mentions)
    unknown = await _unknown(connection, batch)
    authors = await _save_authors(connection, unknown)
    if connection.dialect.name != "sqlite":
        missed = await conversations_of_missed(connection, _without(batch, unknown))
        await _lock_conversations(connection, unknown, authors.values(), missed)
        # Asked again under the authors' locks: another listener may have brought the same posts meanwhile.
        unknown = await _unknown(connection, unknown)
    again = await hear_as_summons(connection, _without(batch, unknown), at=at)
    enrolled = await _enrolled(connection, progress.account)
    new = await _insert(connection, unknown, authors, progress, enrolled=enrolled, at=at)
    return Taken(new=new, again=again)


def merged(mentions: Iterable[Mention]) -> list[Mention]:
    """Return mentions, oldest first, without those that are an edit of another: that one has the newest text.

    A stream that was not read for a moment brings a post and its edit at once. It is kept as one that we have is.
    """
    found: dict[tuple[str, str], Mention] = {}
    for mention in mentions:
        post = mention.post
        first = next((name for name in _names(mention) if name in found), None)
        if first is None:
            found[post.platform, post.native_id] = mention
        elif post.earlier_ids:
            known = found[first]
            edited = replace(known.post, text=post.text, language_hint=post.language_hint)
            found[first] = replace(known, post=edited)
    return list(found.values())


async def known_version(connection: AsyncConnection, mention: Mention) -> int | None:
    """Return the post that we have as an earlier version of a mention's."""
    p = t.posts.c
    query = select(p.id).where(p.platform == mention.post.platform, p.native_id.in_(mention.post.earlier_ids))
    return (await connection.execute(query.order_by(p.id).limit(1))).scalar_one_or_none()


async def _unknown(connection: AsyncConnection, mentions: Sequence[Mention]) -> list[Mention]:
    """Return those whose posts we do not have in any version."""
    if not mentions:
        return []
    names = {"ids": list({name for mention in mentions for _, name in _names(mention)})}
    known = {(row.platform, row.native_id) for row in await connection.execute(_KNOWN, names)}
    return [mention for mention in mentions if known.isdisjoint(_names(mention))]


_KNOWN = select(t.posts.c.platform, t.posts.c.native_id).where(
    t.posts.c.native_id.in_(bindparam("ids", expanding=True))
)


def _without(mentions: Sequence[Mention], some: Sequence[Mention]) -> list[Mention]:
    left_out = {mention.post.native_id for mention in some}
    return [mention for mention in mentions if mention.post.native_id not in left_out]


def _names(mention: Mention) -> tuple[tuple[str, str], ...]:
    """Return the platform and id of each version of a post, the first version's first."""
    return tuple((mention.post.platform, name) for name in (*mention.post.earlier_ids, mention.post.native_id))


async def _save_authors(connection: AsyncConnection, mentions: Sequence[Mention]) -> Authors:
    """Save the authors of new posts and keep their rows locked: in one order, so that two batches never deadlock."""
    authors = {(mention.post.platform, mention.post.author.native_id): mention.post.author for mention in mentions}
    if not authors:
        return {}
    given = [_author_row(platform, author) for (platform, _), author in sorted(authors.items(), key=itemgetter(0))]
    saved = await connection.execute(_upsert_authors(connection.dialect.name), given)
    return {(row.platform, row.native_id): row.id for row in saved}


async def _lock_conversations(
    connection: AsyncConnection, mentions: Sequence[Mention], author_ids: Collection[int], others: Collection[int]
) -> None:
    """Lock what they may join, and `others`, in the order of ids, as deciding does."""
    c = t.conversations.c
    roots = {mention.post.root_id for mention in mentions}
    theirs = and_(c.author_id.in_(author_ids), c.root_id.in_(roots))
    both = select(c.id).where(or_(theirs, c.id.in_(others)))
    await connection.execute(both.order_by(c.id).with_for_update())


async def _insert(
    connection: AsyncConnection,
    mentions: Sequence[Mention],
    authors: Authors,
    progress: Progress,
    *,
    enrolled: datetime | None,
    at: datetime,
) -> list[int]:
    """Insert posts with their conversations; return the ids of those that no other listener brought first."""
    if not mentions:
        return []
    conversations = await _open_conversations(connection, mentions, authors, at)
    given = []
    for mention in mentions:
        post = mention.post
        author_id = authors[post.platform, post.author.native_id]
        is_old = enrolled is not None and post.posted_at < enrolled - _COARSE
        given.append(
            {
                "platform": post.platform,
                "native_id": post.native_id,
                "account": mention.account,
                "author_id": author_id,
                "conversation_id": conversations[mention.account, post.root_id, author_id],
                "text": rows.storable(post.text),
                "url": post.url,
                "root_id": post.root_id,
                "parent_id": post.parent_id,
                "parent_author_id": post.parent_author_id,
                "quoted_author_id": post.quoted_author_id,
                "place": rows.storable(post.place),
                "language_hint": post.language_hint,
                "via": mention.via,
                "matched": mention.matched,
                "is_summons": mention.is_summons,
                "is_backfill": progress.is_backfill or is_old,
                "posted_at": post.posted_at,
                "heard_at": at,
                "stage": "saved",
                "stage_at": at,
                "attempts": 0,
            }
        )
    saved = (await connection.execute(_insert_posts(connection.dialect.name), given)).all()
    await _begin_conversations(connection, saved)
    return sorted(row.id for row in saved)


async def _begin_conversations(connection: AsyncConnection, saved: Sequence[rows.AnyRow]) -> None:
    """Note of each conversation that has just got its first post which that is. It stays the first that we heard of."""
    first = {row.conversation_id: row for row in sorted(saved, key=attrgetter("id"), reverse=True)}
    begun = [{"one": one, "first": row.id, "began": row.posted_at} for one, row in sorted(first.items())]
    if begun:
        await connection.execute(_BEGIN, begun)


_BEGIN = (
    update(t.conversations)
    .where(t.conversations.c.id == bindparam("one"), t.conversations.c.first_post_id.is_(None))
    .values(first_post_id=bindparam("first"), began_at=bindparam("began", type_=t.Instant))
)


async def _open_conversations(
    connection: AsyncConnection, mentions: Sequence[Mention], authors: Authors, at: datetime
) -> dict[tuple[str, str, int], int]:
    """Find or open the conversations; a resolved one opens again, for somebody waits anew."""
    opened: dict[tuple[str, str, int], dict[str, Any]] = {}
    for mention in mentions:
        post = mention.post
        author_id = authors[post.platform, post.author.native_id]
        row = opened.setdefault(
            (mention.account, post.root_id, author_id),
            {
                "account": mention.account,
                "root_id": post.root_id,
                "author_id": author_id,
                "platform": post.platform,
                "status": Status.PENDING,
                "version": 1,
                "urgency": 0,
                "waiting_since": post.posted_at,
                "opened_at": at,
                "last_post_at": post.posted_at,
                "changed_at": at,
            },
        )
        row["last_post_at"] = max(row["last_post_at"], post.posted_at)
    statement = _upsert_conversations(connection.dialect.name)
    found = await connection.execute(statement, list(opened.values()))
    ids = {(row.account, row.root_id, row.author_id): row.id for row in found}
    await place(connection, ids.values())
    return ids


def _author_row(platform: str, author: Author) -> dict[str, object]:
    return {
        "platform": platform,
        "native_id": author.native_id,
        "handle": author.handle,
        "name": rows.storable(author.name),
        "followers": author.followers,
        "is_bot": author.is_bot,
    }


@cache
def _upsert_authors(dialect: str) -> Executable:
    statement = rows.insert(t.authors, dialect)
    said = statement.excluded
    upsert: Executable = statement.on_conflict_do_update(
        index_elements=["platform", "native_id"],
        set_={
            "handle": said.handle,
            "name": said.name,
            "followers": func.coalesce(said.followers, t.authors.c.followers),
            "is_bot": said.is_bot,
        },
    ).returning(t.authors.c.platform, t.authors.c.native_id, t.authors.c.id)
    return upsert


@cache
def _insert_posts(dialect: str) -> Executable:
    statement = rows.insert(t.posts, dialect).on_conflict_do_nothing(index_elements=["platform", "native_id"])
    made: Executable = statement.returning(t.posts.c.id, t.posts.c.conversation_id, t.posts.c.posted_at)
    return made


@cache
def _upsert_conversations(dialect: str) -> Executable:
    c = t.conversations.c
    statement = rows.insert(t.conversations, dialect)
    said = statement.excluded
    upsert: Executable = statement.on_conflict_do_update(
        index_elements=["account", "root_id", "author_id"],
        set_={
            "version": c.version + 1,
            "waiting_since": func.coalesce(c.waiting_since, said.waiting_since),
            # A backfill brings older posts after newer ones.
            "last_post_at": case((c.last_post_at > said.last_post_at, c.last_post_at), else_=said.last_post_at),
            "changed_at": said.changed_at,
        },
    ).returning(c.account, c.root_id, c.author_id, c.id)
    return upsert


async def _enrolled(connection: AsyncConnection, account: str) -> datetime | None:
    """Return since when we remember for an account: what was answered before that, nobody here knows."""
    return (await connection.execute(_ENROLLED, {"account": account})).scalar_one_or_none()


_ENROLLED = select(t.accounts.c.enrolled_at).where(t.accounts.c.name == bindparam("account"))
