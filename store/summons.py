"""Posts that one source brought as said about us, and another brings as said to us.

On Reddit only the inbox tells whom a comment answers, and a subreddit's own listing is asked more often. Owns what of
a post that we have such news changes, in the caller's transaction. Refuses to decide anew: the responder does, for the
post waits for that again.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, bindparam, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.watch import Mention
from store import rows
from store import tables as t

_P = t.posts.c


async def conversations_of_missed(connection: AsyncConnection, mentions: Sequence[Mention]) -> list[int]:
    """Return the conversations that `hear_as_summons` would change."""
    return [row.conversation_id for row, _ in await _missed(connection, mentions)]


async def hear_as_summons(connection: AsyncConnection, mentions: Sequence[Mention], *, at: datetime) -> list[int]:
    """Note of posts that we have, and of which nobody knew that they are said to us, that they are.

    Returns the ids of those that were decided before: what was understood stays, and they wait to be decided anew.
    Their replies stay too, for a post is answered once. The caller holds the conversations' rows.
    """
    missed = await _missed(connection, mentions)
    if not missed:
        return []
    again = sorted(row.id for row, _ in missed if row.stage == "decided")
    await connection.execute(delete(t.decisions).where(t.decisions.c.post_id.in_(again)))
    await connection.execute(_HEAR, [_news(row, mention, at) for row, mention in missed])
    return again


async def _missed(connection: AsyncConnection, mentions: Sequence[Mention]) -> list[tuple[rows.AnyRow, Mention]]:
    """Return what we have as said to somebody else, oldest first; nothing of which the text is gone."""
    said = {
        (mention.post.platform, name, mention.account): mention
        for mention in mentions
        if mention.is_summons
        for name in (*mention.post.earlier_ids, mention.post.native_id)
    }
    if not said:
        return []
    found = await connection.execute(_MISSED, {"ids": [name for _, name, _ in said]})
    beside = ((row, said.get((row.platform, row.native_id, row.account))) for row in found)
    return [(row, mention) for row, mention in beside if mention is not None]


_MISSED = (
    select(_P.id, _P.platform, _P.native_id, _P.account, _P.conversation_id, _P.stage)
    .where(
        _P.native_id.in_(bindparam("ids", expanding=True)),
        _P.is_summons.is_(False),
        _P.deleted_at.is_(None),
        _P.url != "",
    )
    .order_by(_P.id)
)


def _news(row: rows.AnyRow, mention: Mention, at: datetime) -> dict[str, object]:
    return {
        "one": row.id,
        "said_via": mention.via,
        "said_matched": mention.matched,
        "said_to": mention.post.parent_author_id,
        "said_of": mention.post.quoted_author_id,
        "now": at,
    }


# A post that was not decided yet stands where it stands: it is decided once, as what it is.
_HEAR = (
    update(t.posts)
    .where(_P.id == bindparam("one"))
    .values(
        is_summons=True,
        via=bindparam("said_via"),
        matched=bindparam("said_matched"),
        parent_author_id=func.coalesce(bindparam("said_to", type_=String), _P.parent_author_id),
        quoted_author_id=func.coalesce(bindparam("said_of", type_=String), _P.quoted_author_id),
        stage=case((_P.stage == "decided", "assessed"), else_=_P.stage),
        stage_at=case((_P.stage == "decided", bindparam("now", type_=t.Instant)), else_=_P.stage_at),
    )
)
