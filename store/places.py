"""Where a conversation stands in the inbox: its rank, and what the inbox's filters ask.

Owns those columns of `conversations`, all of them made from other rows: whoever changes a conversation, its posts'
assessments or its drafts calls place() before committing. Refuses to decide the order: `core.rank` does.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Intent
from core.conversation import Status
from core.rank import rank
from core.reply import ReplyState
from store import rows
from store import tables as t

# An intent's bit in `conversations.intents`. Stored: never give a number to another intent.
INTENT_BITS = {
    Intent.COMPLAINT: 1 << 0,
    Intent.QUESTION: 1 << 1,
    Intent.PRAISE: 1 << 2,
    Intent.OUTAGE: 1 << 3,
    Intent.BILLING: 1 << 4,
    Intent.DELIVERY: 1 << 5,
    Intent.CANCELLATION: 1 << 6,
    Intent.SAFETY: 1 << 7,
    Intent.LEGAL: 1 << 8,
    Intent.SCAM: 1 << 9,
    Intent.SPAM: 1 << 10,
    Intent.OPT_OUT: 1 << 11,
    Intent.SELF_HARM: 1 << 12,
    Intent.GRIEF: 1 << 13,
    Intent.PERSON: 1 << 14,
}
_CHUNK = 500


async def place(connection: AsyncConnection, conversation_ids: Collection[int]) -> None:
    """Make the conversations' places anew, where they changed. The caller holds the conversations' rows.

    Mood, language and intents are those of the newest post that was read; one that is gone has none.
    """
    ids = list(conversation_ids)
    for at in range(0, len(ids), _CHUNK):
        found = (await connection.execute(_STANDING, {"ids": ids[at : at + _CHUNK]})).all()
        moved = [{"one": row.id, **now} for row in found if (now := placed(row)) != _before(row)]
        if moved:
            await connection.execute(_PLACE, moved)


def placed(row: rows.AnyRow) -> dict[str, Any]:
    """Return the columns that a conversation should have."""
    return {
        "rank": rank(
            status=Status(row.status),
            waiting_since=row.waiting_since,
            due_at=row.due_at,
            urgency=row.urgency,
            followers=row.followers,
            last_post_at=row.last_post_at,
        ),
        "language": row.now_language,
        "sentiment": row.now_sentiment,
        "intents": bits(row.now_intents or ()),
        "has_draft": bool(row.now_has_draft),
    }


def bits(intents: Sequence[str]) -> int:
    """Return intents as they are stored in `conversations.intents`."""
    return sum({INTENT_BITS[Intent(intent)] for intent in intents})


def _before(row: rows.AnyRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _PLACED}


_PLACED = ("rank", "language", "sentiment", "intents", "has_draft")
_C, _P, _A = t.conversations.c, t.posts.c, t.assessments.c
_NEWEST_READ = (
    select(_P.id)
    .where(_P.conversation_id == _C.id, exists().where(_A.post_id == _P.id))
    .order_by(_P.posted_at.desc(), _P.id.desc())
    .limit(1)
    .correlate(t.conversations)
    .scalar_subquery()
)
_HAS_DRAFT = exists().where(t.replies.c.conversation_id == _C.id, t.replies.c.state == ReplyState.DRAFT)
_STANDING = (
    select(
        *(_C[name] for name in ("id", "status", "waiting_since", "due_at", "urgency", "last_post_at")),
        *(_C[name] for name in _PLACED),
        t.authors.c.followers,
        _A.language.label("now_language"),
        _A.sentiment.label("now_sentiment"),
        _A.intents.label("now_intents"),
        _HAS_DRAFT.label("now_has_draft"),
    )
    .join(t.authors, t.authors.c.id == _C.author_id)
    .join(t.assessments, _A.post_id == _NEWEST_READ, isouter=True)
    .where(_C.id.in_(bindparam("ids", expanding=True)))
    .order_by(_C.id)
)
_PLACE = update(t.conversations).where(_C.id == bindparam("one")).values({name: bindparam(name) for name in _PLACED})
