"""Where a conversation stands in the inbox, and the words that search looks for"""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

_FILTERS = ['status', 'rank', 'id', 'account', 'platform', 'language', 'sentiment', 'intents', 'has_draft']
_CHUNK = 1000
# As core/assessment.py and core/rank.py had them then.
_INTENTS = (
    'complaint question praise outage billing delivery cancellation safety legal scam spam opt-out self-harm grief person'
).split()


def upgrade() -> None:
    # Defaults are constants, for else the table would be made anew, and others refer to it.
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.drop_index('ix_conversations_inbox')
        batch_op.add_column(sa.Column('rank', sa.BigInteger(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('platform', sa.String(length=20), server_default='', nullable=False))
        batch_op.add_column(sa.Column('language', sa.String(length=20)))
        batch_op.add_column(sa.Column('sentiment', sa.String(length=20)))
        batch_op.add_column(sa.Column('intents', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('has_draft', sa.Boolean(), server_default='0', nullable=False))
    _place_all(op.get_bind())
    op.create_index('ix_conversations_inbox', 'conversations', _FILTERS)
    op.create_index('ix_conversations_account', 'conversations', ['account', 'status', 'rank', 'id'])
    has_draft = sa.text('has_draft')
    op.create_index(
        'ix_conversations_drafts',
        'conversations',
        ['status', 'rank', 'id'],
        sqlite_where=has_draft,
        postgresql_where=has_draft,
    )
    for statement in _WORDS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in _NO_WORDS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
    op.drop_index('ix_conversations_drafts', table_name='conversations')
    op.drop_index('ix_conversations_account', table_name='conversations')
    op.drop_index('ix_conversations_inbox', table_name='conversations')
    # Not by making the table anew: others refer to it.
    for name in ('rank', 'platform', 'language', 'sentiment', 'intents', 'has_draft'):
        op.execute(f'ALTER TABLE conversations DROP COLUMN {name}')
    op.create_index('ix_conversations_inbox', 'conversations', ['status', 'urgency', 'last_post_at'])


def _place_all(connection: sa.Connection) -> None:
    """Give every conversation its place, a thousand at a time."""
    after = 0
    while True:
        found = connection.execute(_STANDING, {'after': after}).all()
        if not found:
            return
        after = found[-1].id
        placed = [
            {
                'one': row.id,
                'rank': _rank(row),
                'platform': row.platform,
                'language': row.language,
                'sentiment': row.sentiment,
                'intents': sum(1 << at for at, intent in enumerate(_INTENTS) if intent in (row.intents or ())),
                'has_draft': bool(row.has_draft),
            }
            for row in found
        ]
        connection.execute(_PLACE, placed)


_STANDING = sa.text(
    """
    SELECT c.id, c.status, c.waiting_since, c.due_at, c.urgency, c.last_post_at, w.followers, w.platform,
           a.language, a.sentiment, a.intents,
           EXISTS (SELECT 1 FROM replies r WHERE r.conversation_id = c.id AND r.state = 'draft') AS has_draft
    FROM conversations c
    JOIN authors w ON w.id = c.author_id
    LEFT JOIN assessments a ON a.post_id = (
        SELECT p.id FROM posts p
        WHERE p.conversation_id = c.id AND EXISTS (SELECT 1 FROM assessments b WHERE b.post_id = p.id)
        ORDER BY p.posted_at DESC, p.id DESC LIMIT 1
    )
    WHERE c.id > :after ORDER BY c.id LIMIT 1000
    """
).columns(
    waiting_since=sa.DateTime(timezone=True),
    due_at=sa.DateTime(timezone=True),
    last_post_at=sa.DateTime(timezone=True),
    intents=sa.JSON(),
)
_PLACE = sa.text(
    'UPDATE conversations SET rank = :rank, platform = :platform, language = :language, sentiment = :sentiment, '
    'intents = :intents, has_draft = :has_draft WHERE id = :one'
)


def _rank(row: Any) -> int:
    if row.waiting_since is None or row.status == 'resolved':
        return 20_000_000_000 - _seconds(row.last_post_at)
    since = _aware(row.waiting_since)
    if row.due_at is not None:
        since = min(since, _aware(row.due_at) - timedelta(days=2))
    followers = max(1, min(row.followers or 0, 1_000_000))
    minutes = 6 * min(row.urgency, 40) + 108 * max(0, row.urgency - 40) + 30 * max(0.0, math.log10(followers / 100))
    return _seconds(since - timedelta(minutes=minutes))


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _seconds(at: datetime) -> int:
    return math.floor(_aware(at).timestamp())


# A post has a document for as long as it has a text: its words, and its author's handle and name.
_SQLITE_TABLE = """
    CREATE VIRTUAL TABLE post_words USING fts5(
        text, handle, name,
        content='', columnsize=0, prefix='2 3', tokenize='unicode61 remove_diacritics 0'
    )
"""
_SQLITE_FILL = """
    INSERT INTO post_words (rowid, text, handle, name)
    SELECT p.id, p.text, a.handle, a.name FROM posts p JOIN authors a ON a.id = p.author_id WHERE p.text <> ''
"""
# A document is taken out by naming what it holds.
_SQLITE_TAKE_OUT = """
    INSERT INTO post_words (post_words, rowid, text, handle, name)
    SELECT 'delete', OLD.id, OLD.text, handle, name FROM authors WHERE id = OLD.author_id AND OLD.text <> ''
"""
_SQLITE_PUT_IN = """
    INSERT INTO post_words (rowid, text, handle, name)
    SELECT NEW.id, NEW.text, handle, name FROM authors WHERE id = NEW.author_id AND NEW.text <> ''
"""
_SQLITE_TRIGGERS = (
    f'CREATE TRIGGER post_words_in AFTER INSERT ON posts BEGIN {_SQLITE_PUT_IN}; END',
    f'CREATE TRIGGER post_words_out AFTER DELETE ON posts BEGIN {_SQLITE_TAKE_OUT}; END',
    'CREATE TRIGGER post_words_new AFTER UPDATE OF text ON posts WHEN OLD.text <> NEW.text '
    f'BEGIN {_SQLITE_TAKE_OUT}; {_SQLITE_PUT_IN}; END',
    """
    CREATE TRIGGER post_words_renamed AFTER UPDATE OF handle, name ON authors
    WHEN OLD.handle <> NEW.handle OR OLD.name <> NEW.name BEGIN
        INSERT INTO post_words (post_words, rowid, text, handle, name)
        SELECT 'delete', id, text, OLD.handle, OLD.name FROM posts WHERE author_id = OLD.id AND text <> '';
        INSERT INTO post_words (rowid, text, handle, name)
        SELECT id, text, NEW.handle, NEW.name FROM posts WHERE author_id = NEW.id AND text <> '';
    END
    """,
)

_POSTGRES_TABLE = """
    CREATE TABLE post_words (
        post_id BIGINT NOT NULL CONSTRAINT pk_post_words PRIMARY KEY,
        words TSVECTOR NOT NULL,
        CONSTRAINT fk_post_words_post_id FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE
    )
"""
# Words as core/sought.py splits them: what is neither letter nor figure parts them. Our letters are folded by name,
# for a database in the C locale folds only those of ASCII.
_POSTGRES_WORDS = r"""
    CREATE FUNCTION post_words_of(VARIADIC texts TEXT[]) RETURNS TSVECTOR LANGUAGE SQL IMMUTABLE PARALLEL SAFE AS $$
        SELECT to_tsvector('pg_catalog.simple', translate(
            lower(normalize(left(array_to_string(texts, ' '), 100000), NFC)),
            'ÆØÅÄÖÉÜ!"#$%&()*+,-./:;<=>?@[]^_`{|}~''\«»“”„‘’–—…·•¿¡§°€£' || U&'\00A0\200B\FEFF',
            'æøåäöéü' || repeat(' ', 100)
        ))
    $$
"""
_POSTGRES_CHANGED = """
    CREATE FUNCTION post_words_changed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.text = '' THEN
            DELETE FROM post_words WHERE post_id = NEW.id;
        ELSE
            INSERT INTO post_words (post_id, words)
            SELECT NEW.id, post_words_of(NEW.text, handle, name) FROM authors WHERE id = NEW.author_id
            ON CONFLICT (post_id) DO UPDATE SET words = excluded.words;
        END IF;
        RETURN NULL;
    END
    $$
"""
# What somebody else is changing meanwhile they change for good: waiting for each other could go round in a ring.
_POSTGRES_RENAMED = """
    CREATE FUNCTION post_words_renamed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE post_words w SET words = post_words_of(p.text, NEW.handle, NEW.name)
        FROM posts p
        WHERE p.id = w.post_id AND p.author_id = NEW.id AND p.text <> '' AND w.post_id IN (
            SELECT v.post_id FROM post_words v JOIN posts q ON q.id = v.post_id
            WHERE q.author_id = NEW.id FOR UPDATE OF v SKIP LOCKED
        );
        RETURN NULL;
    END
    $$
"""
_WORDS = {
    'sqlite': (_SQLITE_TABLE, _SQLITE_FILL, *_SQLITE_TRIGGERS),
    'postgresql': (
        _POSTGRES_TABLE,
        _POSTGRES_WORDS,
        "INSERT INTO post_words SELECT p.id, post_words_of(p.text, a.handle, a.name) "
        "FROM posts p JOIN authors a ON a.id = p.author_id WHERE p.text <> ''",
        'CREATE INDEX ix_post_words_words ON post_words USING GIN (words)',
        _POSTGRES_CHANGED,
        _POSTGRES_RENAMED,
        'CREATE TRIGGER post_words_in AFTER INSERT ON posts FOR EACH ROW '
        "WHEN (NEW.text <> '') EXECUTE FUNCTION post_words_changed()",
        'CREATE TRIGGER post_words_new AFTER UPDATE OF text ON posts FOR EACH ROW '
        'WHEN (OLD.text <> NEW.text) EXECUTE FUNCTION post_words_changed()',
        'CREATE TRIGGER post_words_renamed AFTER UPDATE OF handle, name ON authors FOR EACH ROW '
        'WHEN (OLD.handle <> NEW.handle OR OLD.name <> NEW.name) EXECUTE FUNCTION post_words_renamed()',
    ),
}
_NO_WORDS = {
    'sqlite': (
        *(f'DROP TRIGGER post_words_{name}' for name in ('in', 'out', 'new', 'renamed')),
        'DROP TABLE post_words',
    ),
    'postgresql': (
        'DROP TRIGGER post_words_renamed ON authors',
        *(f'DROP TRIGGER post_words_{name} ON posts' for name in ('in', 'new')),
        *(f'DROP FUNCTION post_words_{name}' for name in ('changed', 'renamed', 'of')),
        'DROP TABLE post_words',
    ),
}
