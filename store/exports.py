"""Everything we remember, row by row, for whoever has a right to it.

Owns the shapes of `genlyd export`. Read only.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, select

from store import tables as t
from store.corrections import count_touched
from store.database import Database
from store.deletions import DELETED

_AUTHOR = (t.authors.c.native_id.label("author_native_id"), t.authors.c.handle.label("author"), t.authors.c.followers)
_ASSESSED = tuple(
    t.assessments.c[name]
    for name in (
        "language",
        "sentiment",
        "confidence",
        "negative",
        "neutral",
        "positive",
        "urgency",
        "intents",
        "reasons",
        "model",
        "model_version",
        "assessed_at",
        "corrected",
    )
)

# What people set right, without what was said: platforms forbid training on that, and these rows look like labels.
_CORRECTIONS = tuple(column for column in t.corrections.c if column.name != "embedding")

# What a row without a text means, so that nobody has to guess.
_NOTE = case(
    (t.posts.c.deleted_at.is_not(None), DELETED),
    (t.posts.c.url == "", "forgotten: the time we keep texts is over"),
    (t.posts.c.edited_at.is_not(None), "edited by its author"),
    else_="",
).label("note")

QUERIES: dict[str, Select[Any]] = {
    "posts": select(*t.posts.c, _NOTE, *_AUTHOR, *_ASSESSED)
    .join(t.authors, t.authors.c.id == t.posts.c.author_id)
    .outerjoin(t.assessments, t.assessments.c.post_id == t.posts.c.id)
    .order_by(t.posts.c.id),
    "conversations": select(*t.conversations.c, *_AUTHOR)
    .join(t.authors, t.authors.c.id == t.conversations.c.author_id)
    .order_by(t.conversations.c.id),
    "replies": select(*t.replies.c, t.posts.c.posted_at, t.posts.c.heard_at)
    .join(t.posts, t.posts.c.id == t.replies.c.post_id)
    .order_by(t.replies.c.id),
    "decisions": select(*t.decisions.c, t.posts.c.platform, t.posts.c.native_id, t.posts.c.via, t.posts.c.is_summons)
    .join(t.posts, t.posts.c.id == t.decisions.c.post_id)
    .order_by(t.decisions.c.post_id),
    "notes": select(*t.notes.c).order_by(t.notes.c.id),
    "tags": select(*t.tags.c).order_by(t.tags.c.conversation_id, t.tags.c.tag),
    "promises": select(*t.promises.c).order_by(t.promises.c.id),
    "gaps": select(*t.gaps.c).order_by(t.gaps.c.id),
    "spending": select(*t.spending.c).order_by(t.spending.c.account, t.spending.c.day, t.spending.c.source),
    "unreadable": select(*t.unreadable.c).order_by(t.unreadable.c.id),
    "corrections": select(
        *_CORRECTIONS, t.posts.c.platform, t.posts.c.native_id, t.posts.c.account, count_touched().label("posts")
    )
    .join(t.posts, t.posts.c.id == t.corrections.c.post_id)
    .order_by(t.corrections.c.id),
    "taught": select(*t.taught_cues.c).order_by(t.taught_cues.c.id),
    "rulebooks": select(*t.rulebooks.c).order_by(t.rulebooks.c.id),
    "audit": select(*t.audit.c).order_by(t.audit.c.id),
}


async def export(database: Database, what: str) -> AsyncIterator[dict[str, Any]]:
    """Yield each row of `what` (a key of QUERIES) as plain values, instants as ISO 8601 in UTC."""
    async with database.read(slowly=True) as connection:
        async for row in (await connection.stream(QUERIES[what])).mappings():
            yield {key: _plain(value) for key, value in row.items()}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
