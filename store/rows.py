"""Rows into the words of core, in one place.

Owns the reading of joined rows. Refuses queries.
"""

from typing import Any

from sqlalchemy import Dialect, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from core.assessment import Assessment, Intent, Language, Probabilities, Reason, Sentiment
from core.conversation import Conversation, Status
from core.decision import Heard
from core.post import Author, Platform, Post
from core.reply import RejectReason, Reply, ReplyKind, ReplyState
from core.watch import Mention, Via
from store import tables as t

# SQLAlchemy types a row by its columns in order; ours are read by name.
AnyRow = Any

HEARD_COLUMNS = (
    *t.posts.c,
    t.authors.c.native_id.label("author_native_id"),
    t.authors.c.handle,
    t.authors.c.name.label("author_name"),
    t.authors.c.followers,
    t.authors.c.is_bot,
)


def insert(table: Table, dialect: Dialect | str) -> Any:
    """Return the dialect's INSERT, which knows ON CONFLICT on both engines."""
    name = dialect if isinstance(dialect, str) else dialect.name
    made: Insert = sqlite.insert(table) if name == "sqlite" else postgresql.insert(table)
    return made


def heard(row: AnyRow) -> Heard:
    """Read a row of HEARD_COLUMNS."""
    post = Post(
        platform=Platform(row.platform),
        native_id=row.native_id,
        author=Author(
            native_id=row.author_native_id,
            handle=row.handle,
            name=row.author_name,
            followers=row.followers,
            is_bot=row.is_bot,
        ),
        text=row.text,
        posted_at=row.posted_at,
        root_id=row.root_id,
        url=row.url,
        parent_id=row.parent_id,
        parent_author_id=row.parent_author_id,
        quoted_author_id=row.quoted_author_id,
        place=row.place,
        language_hint=row.language_hint,
    )
    mention = Mention(post=post, account=row.account, via=Via(row.via), matched=row.matched, is_summons=row.is_summons)
    return Heard(
        id=row.id,
        conversation_id=row.conversation_id,
        mention=mention,
        heard_at=row.heard_at,
        is_backfill=row.is_backfill,
        deleted_at=row.deleted_at,
        edited_at=row.edited_at,
    )


def assessment(row: AnyRow) -> Assessment:
    """Read a row of `assessments`."""
    return Assessment(
        language=Language(row.language),
        sentiment=Sentiment(row.sentiment),
        confidence=row.confidence,
        probabilities=Probabilities(negative=row.negative, neutral=row.neutral, positive=row.positive),
        urgency=row.urgency,
        intents=tuple(Intent(value) for value in row.intents),
        reasons=tuple(_reason(reason) for reason in row.reasons),
        model=row.model,
        model_version=row.model_version,
        anger=row.anger,
        offensive=row.offensive,
        irony=row.irony,
        embedding=row.embedding,
        corrected=tuple(row.corrected),
        is_explained=row.is_explained,
    )


def _reason(saved: dict[str, Any]) -> Reason:
    """Rows of older versions have no spans."""
    spans = tuple((int(start), int(end)) for start, end in saved.get("spans", ()))
    return Reason(**{**saved, "spans": spans})


def conversation(row: AnyRow) -> Conversation:
    """Read a row of `conversations`."""
    return Conversation(
        id=row.id,
        account=row.account,
        status=Status(row.status),
        version=row.version,
        urgency=row.urgency,
        taken_by=row.taken_by,
        assigned_to=row.assigned_to,
        snoozed_until=row.snoozed_until,
        escalated_at=row.escalated_at,
        due_at=row.due_at,
        acknowledged_at=row.acknowledged_at,
        waiting_since=row.waiting_since,
    )


def reply(row: AnyRow) -> Reply:
    """Read a row of `replies`."""
    return Reply(
        id=row.id,
        post_id=row.post_id,
        conversation_id=row.conversation_id,
        account=row.account,
        platform=Platform(row.platform),
        target_id=row.target_id,
        kind=ReplyKind(row.kind),
        text=row.text,
        language=Language(row.language),
        state=ReplyState(row.state),
        is_automatic=row.is_automatic,
        template=row.template,
        drafted_text=row.drafted_text,
        drafted_by=row.drafted_by,
        is_edited=row.is_edited,
        rejected_because=None if row.rejected_because is None else RejectReason(row.rejected_because),
        approved_by=row.approved_by,
        version=row.version,
        attempts=row.attempts,
        unanswered=row.unanswered,
        fence=row.fence,
        created_at=row.created_at,
        approved_at=row.approved_at,
        not_before=row.not_before,
        sending_at=row.sending_at,
        settled_at=row.settled_at,
        remote_id=row.remote_id,
        remote_url=row.remote_url,
        problem=row.problem,
    )


def storable(text: str) -> str:
    """Return `text` as both engines take it: halves of characters and NULs, which they refuse, become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
