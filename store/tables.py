"""The schema: what we remember, one MetaData for SQLite and PostgreSQL.

Owns tables, their keys and indexes. Refuses queries: the files beside it own those. Every instant is
UTC; every text that names a closed set holds a StrEnum's value.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime on both engines; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive instants; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive instant cannot be stored: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rowids only for INTEGER; PostgreSQL wants room to grow.
_ID = BigInteger().with_variant(Integer(), "sqlite")

# Our own identities, and whether they are quiet. `state`: active | paused | needs operator.
accounts = Table(
    "accounts",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("platform", String(20), nullable=False),
    Column("handle", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", String(100), nullable=False),
    # Posts from before this are shown and never answered automatically: who knows what was answered then.
    Column("enrolled_at", Instant, nullable=False),
)

# Where each listener stands. The cursor moves in the transaction that stores its posts (I1).
sources = Table(
    "sources",
    metadata,
    Column("account", String(100), primary_key=True),
    Column("source", String(200), primary_key=True),
    Column("cursor", Text),
    Column("fresh_at", Instant),
    Column("heard", Integer, nullable=False, default=0),
    Column("unreadable", Integer, nullable=False, default=0),
    Column("problem", Text),
    Column("problem_at", Instant),
    # How often it is asked now, and why not as often as it should be. None for a stream.
    Column("every_seconds", Float),
    Column("slow_because", Text),
)

# What we may have missed (I2). `closed_at` is set once a backfill has covered it.
gaps = Table(
    "gaps",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account", String(100), nullable=False),
    Column("source", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("until_at", Instant),
    Column("closed_at", Instant),
    # Who has seen a gap that no fetch can cover; none where a fetch covered it.
    Column("closed_by", String(200)),
    Index("ix_gaps_open", "account", "source", "closed_at"),
)

# Calls, posts and money by UTC day, each process adding its own every few seconds (L5). Money: millionths of a dollar.
spending = Table(
    "spending",
    metadata,
    Column("account", String(100), primary_key=True),
    Column("day", Instant, primary_key=True),
    Column("source", String(200), primary_key=True),
    Column("calls", Integer, nullable=False, default=0),
    Column("posts", Integer, nullable=False, default=0),
    Column("money", BigInteger, nullable=False, default=0),
)

# Raw items of a platform that we could not parse: kept, counted, never in the way.
unreadable = Table(
    "unreadable",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account", String(100), nullable=False),
    Column("source", String(200), nullable=False),
    Column("raw", Text, nullable=False),
    Column("heard_at", Instant, nullable=False),
)

authors = Table(
    "authors",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("platform", String(20), nullable=False),
    Column("native_id", String(100), nullable=False),
    Column("handle", String(100), nullable=False),
    Column("name", String(200), nullable=False, default=""),
    Column("followers", Integer),
    Column("is_bot", Boolean, nullable=False, default=False),
    UniqueConstraint("platform", "native_id"),
)

# `scope`: automatic (never an automatic reply) | listening (never a mention at all). `by`: genlyd, which notes what
# authors ask for themselves, or whoever at the desk decided it; null from before 0022.
opt_outs = Table(
    "opt_outs",
    metadata,
    Column("author_id", ForeignKey("authors.id", ondelete="CASCADE"), primary_key=True),
    Column("scope", String(20), primary_key=True),
    Column("since", Instant, nullable=False),
    Column("because", Text, nullable=False),
    Column("by", String(100)),
    Index("ix_opt_outs_since", "since"),
)

# One thread with one author, as one account hears it.
conversations = Table(
    "conversations",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account", String(100), nullable=False),
    Column("root_id", String(100), nullable=False),
    Column("author_id", ForeignKey("authors.id"), nullable=False),
    Column("status", String(20), nullable=False),
    Column("version", Integer, nullable=False, default=1),
    # The highest of its posts decided since `counts_from`, which is set when a resolved conversation comes to life.
    Column("urgency", Integer, nullable=False, default=0),
    Column("counts_from", Instant),
    # The bot is silent for `taken_by`; it is the work of `assigned_to`. Whoever takes over has both.
    Column("taken_by", String(100)),
    Column("assigned_to", String(100)),
    # None while it is snoozed: until its author writes.
    Column("snoozed_until", Instant),
    Column("escalated_at", Instant),
    Column("due_at", Instant),
    Column("acknowledged_at", Instant),
    Column("waiting_since", Instant),
    Column("opened_at", Instant, nullable=False),
    Column("last_post_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    # Its place in the inbox, made from other rows by store/places.py: the order (core/rank.py), and what filters ask
    # of its newest post that was read. `intents` are the bits of INTENT_BITS there.
    Column("rank", BigInteger, nullable=False, server_default="0"),
    Column("platform", String(20), nullable=False, server_default=""),
    Column("language", String(20)),
    Column("sentiment", String(20)),
    Column("intents", Integer, nullable=False, server_default="0"),
    Column("has_draft", Boolean, nullable=False, server_default=false()),
    # For the numbers, each written once: the first post we heard of it, when that was written, and how many seconds
    # later the first reply was published that the machine sent by itself, and the first of a person's.
    Column("first_post_id", _ID),
    Column("began_at", Instant),
    Column("automatic_took", Float),
    Column("person_took", Float),
    # How many answers a person wrote were published in it; an approved acknowledgement is none.
    Column("answers", Integer, nullable=False, server_default="0"),
    UniqueConstraint("account", "root_id", "author_id"),
    # In the order of the inbox, with every filter's column: a page looks at no row that is not on it.
    Index(
        "ix_conversations_inbox",
        *("status", "rank", "id", "account", "platform", "language", "sentiment", "intents", "has_draft"),
    ),
    Index("ix_conversations_account", "account", "status", "rank", "id"),
    # Few have one, and they are a queue of their own.
    Index(
        "ix_conversations_drafts",
        *("status", "rank", "id"),
        sqlite_where=text("has_draft"),
        postgresql_where=text("has_draft"),
    ),
    Index("ix_conversations_changed", "changed_at"),
    Index("ix_conversations_author", "author_id", "account"),
    Index("ix_conversations_assigned", "assigned_to", "status", "rank", "id"),
    # What the numbers ask of a conversation.
    Index("ix_conversations_began", "began_at", "status", "person_took", "automatic_took", "first_post_id", "answers"),
)

# Every post a platform showed us that concerns us, exactly once (I1).
# `stage`: saved > assessed > decided; stuck where our own code failed on it.
posts = Table(
    "posts",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("platform", String(20), nullable=False),
    Column("native_id", String(100), nullable=False),
    Column("account", String(100), nullable=False),
    Column("author_id", ForeignKey("authors.id"), nullable=False),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("root_id", String(100), nullable=False),
    Column("parent_id", String(100)),
    Column("parent_author_id", String(100)),
    Column("quoted_author_id", String(100)),
    Column("place", String(200), nullable=False, default=""),
    Column("language_hint", String(20)),
    Column("via", String(20), nullable=False),
    Column("matched", Text, nullable=False),
    Column("is_summons", Boolean, nullable=False),
    Column("is_backfill", Boolean, nullable=False, default=False),
    Column("posted_at", Instant, nullable=False),
    Column("heard_at", Instant, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("stage_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("problem", Text),
    Column("deleted_at", Instant),
    Column("edited_at", Instant),
    # When it was last looked up on its platform, when it is due again, and since when answers leave it out.
    Column("checked_at", Instant),
    Column("check_at", Instant),
    Column("silent_since", Instant),
    # What its assessment says, for the numbers (store/readings.py). None: not read yet.
    Column("reading", Integer),
    UniqueConstraint("platform", "native_id"),
    Index("ix_posts_stage", "stage", "stage_at"),
    Index("ix_posts_check", "account", "check_at"),
    Index("ix_posts_conversation", "conversation_id", "posted_at"),
    Index("ix_posts_account", "account", "posted_at"),
    Index("ix_posts_author", "author_id", "posted_at"),
    # What the numbers ask of a post, so that they look at no text.
    Index(
        "ix_posts_posted",
        *("posted_at", "reading", "platform", "account", "is_backfill", "deleted_at", "matched"),
    ),
)

assessments = Table(
    "assessments",
    metadata,
    Column("post_id", ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("language", String(20), nullable=False),
    Column("sentiment", String(20), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("negative", Float, nullable=False),
    Column("neutral", Float, nullable=False),
    Column("positive", Float, nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("intents", JSON, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("model", String(200), nullable=False),
    Column("model_version", String(100), nullable=False),
    Column("assessed_at", Instant, nullable=False),
    Column("anger", Float),
    Column("offensive", Float),
    Column("irony", Float),
    # What the post means, 384 signed bytes; goes when the text goes.
    Column("embedding", LargeBinary),
    Column("corrected", JSON, nullable=False, server_default="[]"),
    # False while its reasons are still to be found, which is done when nothing waits to be read.
    Column("is_explained", Boolean, nullable=False, server_default=true()),
)
Index(
    "ix_assessments_unexplained",
    assessments.c.urgency,
    sqlite_where=assessments.c.is_explained == false(),
    postgresql_where=assessments.c.is_explained == false(),
)

# What a person of the staff set right. `was` and `now` are values of one field of the assessment; `embedding` is the
# post's, kept so that posts that say nearly the same are set right too. Undone, a row stays: who, when, what.
corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("post_id", ForeignKey("posts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("person", String(200), nullable=False),
    Column("field", String(20), nullable=False),
    Column("was", JSON, nullable=False),
    Column("now", JSON, nullable=False),
    Column("spreads", Boolean, nullable=False),
    Column("embedding", LargeBinary),
    Column("model_version", String(100), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("undone_by", String(200)),
    Column("undone_at", Instant),
)

# The posts that a correction changed, its own first, with what each said before.
correction_effects = Table(
    "correction_effects",
    metadata,
    Column("correction_id", ForeignKey("corrections.id", ondelete="CASCADE"), primary_key=True),
    Column("post_id", ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("was", JSON, nullable=False),
    Column("likeness", Float, nullable=False),
)

# Words the staff taught: cues of their own beside those of cues.toml, kept here so that upgrades leave them alone.
taught_cues = Table(
    "taught_cues",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("phrase", String(200), nullable=False),
    Column("points", Integer, nullable=False),
    Column("person", String(200), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("undone_by", String(200)),
    Column("undone_at", Instant),
)

decisions = Table(
    "decisions",
    metadata,
    Column("post_id", ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("action", String(20), nullable=False),
    Column("rule", String(200), nullable=False),
    Column("because", Text, nullable=False),
    Column("escalate", Boolean, nullable=False),
    # By when somebody was to see to it. The conversation's own goes when it is resolved; the numbers need this one.
    Column("due_at", Instant),
    Column("decided_at", Instant, nullable=False),
    # The rulebook whose rules were asked, 0 for the file's; and the names of the conditions that held then, so that
    # other rules can be tried on it. None in rows of older versions.
    Column("rulebook", Integer),
    Column("held", JSON),
    Index("ix_decisions_decided_at", "decided_at"),
    Index("ix_decisions_due", "due_at"),
)

# Rules and watches that were put live on a page, one version after the other; the newest of its kind is in force.
# `text` None: the configuration file is, again. `follows`: the version before it (0: none), so that nobody replaces
# what they have not seen.
rulebooks = Table(
    "rulebooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("text", Text),
    Column("note", Text, nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("file_print", String(64), nullable=False),
    Column("takes_up", Integer),
    Column("follows", Integer, nullable=False),
    UniqueConstraint("kind", "follows"),
)

# The outbox. One row a post and kind (I3); SENDING is committed before the request leaves (I4).
# `owner`, `fence` and `lease_until` say who is sending; every later write names its fence.
replies = Table(
    "replies",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("post_id", ForeignKey("posts.id"), nullable=False),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("account", String(100), nullable=False),
    Column("platform", String(20), nullable=False),
    Column("target_id", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("language", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("is_automatic", Boolean, nullable=False),
    Column("template", String(100)),
    # What was first suggested, and by which colleague; null for the bot. An answer sent at once was no draft.
    Column("drafted_text", Text),
    Column("drafted_by", String(100)),
    # Whether other words than the draft's were approved: outlives the texts. Null where there was no draft.
    Column("is_edited", Boolean),
    Column("rejected_because", String(20)),
    Column("approved_by", String(100)),
    Column("approved_at", Instant),
    # The last person who did something about it: the bot knows that a person has acted.
    Column("touched_by", String(100)),
    Column("version", Integer, nullable=False, default=1),
    Column("attempts", Integer, nullable=False, default=0),
    Column("looks", Integer, nullable=False, default=0),
    # How often it was sent and no answer came. `attempts` counts claims, also those that ended before anything left.
    Column("unanswered", Integer, nullable=False, server_default="0"),
    Column("owner", String(100)),
    Column("fence", Integer, nullable=False, default=0),
    Column("lease_until", Instant),
    Column("not_before", Instant),
    # A person may still take it back. By PostgreSQL's own clock, so that no machine sends it earlier.
    Column("held_until", Instant),
    # An automatic reply is refused after `not_after`, or if another went to the conversation since `alone_since`.
    Column("not_after", Instant),
    Column("alone_since", Instant),
    Column("created_at", Instant, nullable=False),
    Column("sending_at", Instant),
    Column("settled_at", Instant),
    Column("remote_id", String(100)),
    Column("remote_url", Text),
    Column("problem", Text),
    UniqueConstraint("post_id", "kind"),
    Index("ix_replies_due", "state", "not_before"),
    # Whether a person answered in time is looked up for each due time.
    Index("ix_replies_conversation", "conversation_id", "state", "is_automatic", "settled_at"),
    Index("ix_replies_account", "account", "created_at"),
    Index("ix_replies_sending", "account", "sending_at"),
    Index("ix_replies_settled", "state", "settled_at", "is_automatic", "approved_by"),
    Index("ix_replies_created", "created_at"),
)

# What people at the desk write beside a conversation. Ours, but it may quote: see store/deletions.py.
notes = Table(
    "notes",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("by", String(100), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_notes_conversation", "conversation_id", "id"),
)

# The colleagues whom a note names, until each has seen it.
nudges = Table(
    "nudges",
    metadata,
    Column("note_id", ForeignKey("notes.id", ondelete="CASCADE"), primary_key=True),
    Column("person", String(100), primary_key=True),
    Column("seen_at", Instant),
    Index("ix_nudges_person", "person", "seen_at"),
)

tags = Table(
    "tags",
    metadata,
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(40), primary_key=True),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_tags_tag", "tag"),
)

# What somebody at the desk promised to do, and when it is due. `told_at`: an alert was queued that it was missed.
promises = Table(
    "promises",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("what", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("told_at", Instant),
    Column("ended_at", Instant),
    Column("ended_by", String(100)),
    Column("is_kept", Boolean),
    Index("ix_promises_conversation", "conversation_id", "ended_at"),
    Index("ix_promises_due", "ended_at", "due_at"),
)

# Conversations that "next" handed out and somebody gave back, with the reason.
skips = Table(
    "skips",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("by", String(100), nullable=False),
    Column("because", String(20), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_skips_by", "by", "at"),
)

# Storms. While one is open its account speaks in drafts only; the key lets one process trip and the others see it.
incidents = Table(
    "incidents",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account", String(100), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("measures", JSON, nullable=False),
    # Holding texts by language. They stand in drafts once `approved_by` is set.
    Column("statements", JSON, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    # Who is on it: people are told no more.
    Column("taken_by", String(100)),
    Column("taken_at", Instant),
    Column("approved_by", String(100)),
    Column("approved_at", Instant),
    Column("closed_by", String(100)),
    Column("closed_at", Instant),
    # The tempo at which a person reset it: usual for a while after, so that it does not trip again at once.
    Column("heard_per_minute", Float, nullable=False, default=0.0),
    Column("negative_per_minute", Float, nullable=False, default=0.0),
    Index(
        "uq_incidents_open",
        "account",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index("ix_incidents_account", "account", "closed_at"),
)

# The posts that belong to a storm: listed there, not escalated one by one.
incident_posts = Table(
    "incident_posts",
    metadata,
    Column("post_id", ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("incident_id", ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False),
    Index("ix_incident_posts_incident", "incident_id", "post_id"),
)

# What each full hour of the past brought, so that what is usual costs no look at old posts and outlives them.
hours = Table(
    "hours",
    metadata,
    Column("account", String(100), primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("heard", Integer, nullable=False),
    Column("negative", Integer, nullable=False),
)

# Alerts of one account and kind, told together until somebody acknowledges. The key lets one group take what comes.
# `step` is the last step of the ladder that was told, -1 for none; `next_at` when people are told next.
alert_groups = Table(
    "alert_groups",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account", String(100), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("told_at", Instant),
    Column("next_at", Instant),
    Column("step", Integer, nullable=False, default=-1),
    Column("pace_seconds", Float, nullable=False),
    Column("repeats", Integer, nullable=False, default=0),
    # Since when it takes no more alerts.
    Column("sealed_at", Instant),
    Column("acknowledged_by", String(200)),
    Column("acknowledged_at", Instant),
    Index(
        "uq_alert_groups_open",
        "account",
        "kind",
        unique=True,
        sqlite_where=text("sealed_at IS NULL"),
        postgresql_where=text("sealed_at IS NULL"),
    ),
    Index("ix_alert_groups_next", "next_at"),
    Index("ix_alert_groups_last", "account", "kind", "id"),
)

# What is sent to one step: a row, so a dead webhook delays it and never loses it. Its words are made when it leaves.
# `state`: pending | delivered | void (somebody acknowledged first).
tellings = Table(
    "tellings",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("group_id", ForeignKey("alert_groups.id", ondelete="CASCADE"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("why", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("problem", Text),
    Index("ix_tellings_due", "state", "not_before"),
    Index("ix_tellings_group", "group_id", "state"),
)

# The links in tellings. `token_hash` is SHA-256 of the link's secret, so a stolen database acknowledges nothing.
alert_links = Table(
    "alert_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("group_id", ForeignKey("alert_groups.id", ondelete="CASCADE"), nullable=False),
    Column("step", String(200), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_alert_links_expires_at", "expires_at"),
)

# What people are to be told. `state`: pending | delivered (a telling listed it) | settled (no need any more).
alerts = Table(
    "alerts",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id")),
    Column("incident_id", ForeignKey("incidents.id", ondelete="CASCADE")),
    Column("account", String(100), nullable=False, server_default=""),
    Column("kind", String(40), nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("urgency", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant),
    Column("state", String(20), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("group_id", ForeignKey("alert_groups.id")),
    Column("telling_id", ForeignKey("tellings.id")),
    Column("sent_at", Instant),
    # Who did something about it: in its conversation or incident, or for its whole group.
    Column("handled_by", String(200)),
    Column("handled_at", Instant),
    # That this promise was missed. Such an alert says nothing of what its author writes.
    Column("promise_id", _ID),
    Index("ix_alerts_due", "state", "group_id"),
    Index("ix_alerts_group", "group_id", "telling_id"),
    Index("ix_alerts_conversation", "conversation_id", "created_at"),
)

# Who works here. `password_hash` is empty for whoever has no password: invited and not yet come, or known only to the
# provider (`oidc_subject` is its address and its name for them). `totp_since` is null until a first code was right;
# `totp_step` is the last step that was let in, so no code counts twice.
staff = Table(
    "staff",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("is_active", Boolean, nullable=False, default=True),
    Column("created_at", Instant, nullable=False),
    # In which they read the desk; null until they choose one.
    Column("language", String(8)),
    Column("email", String(254), unique=True),
    Column("oidc_subject", String(600), unique=True),
    Column("totp_secret", String(64)),
    Column("totp_since", Instant),
    Column("totp_step", BigInteger),
    Column("seen_at", Instant),
)

# What somebody is given by "next". `kind`: language | intent. Nobody listed for a kind is good for all of it.
staff_skills = Table(
    "staff_skills",
    metadata,
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("value", String(40), primary_key=True),
)

# `token_hash` is SHA-256 of the cookie, so a stolen database opens no session. `stage`: open, or what is still asked
# before it opens: code | setup.
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("stage", String(20), nullable=False),
    Column("address", String(64), nullable=False),
    Column("browser", String(300), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("idle_until", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# Links that let one person choose a password, once. Only the link's SHA-256 is kept.
invitations = Table(
    "invitations",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("made_by", String(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# Filters of the inbox that a person gave a name; `query` is that of the address.
saved_filters = Table(
    "saved_filters",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(60), nullable=False),
    Column("query", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    UniqueConstraint("staff_id", "name"),
)

# What opens the door when the telephone is lost, each once. SHA-256 of 80 random bits.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True),
    Column("code_hash", String(64), primary_key=True),
)

# Browsers that somebody has signed in from: what strangers try elsewhere does not make these wait.
known_browsers = Table(
    "known_browsers",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True),
    Column("expires_at", Instant, nullable=False),
)

# Tries at a door, by what is counted: a name, an address, a browser. `key` is a hash.
tries = Table(
    "tries",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("tried", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Index("ix_tries_last_at", "last_at"),
)

# Work that one process at a time does. `fence` rises with each new holder; `until` is the database's time.
leases = Table(
    "leases",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
    # Whether its last holder gave it up with its work done, and was not killed, frozen or cut off.
    Column("is_left", Boolean, nullable=False, server_default=false()),
)

# Switches of the whole house, such as the pause.
switches = Table(
    "switches",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", String(100), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", String(100), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("ix_audit_at", "at"),
    Index("ix_audit_subject", "subject", "at"),
)
