"""Where a conversation stands in the inbox"""

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


def downgrade() -> None:
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
