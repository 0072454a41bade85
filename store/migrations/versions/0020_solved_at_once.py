"""Solved at once: how many answers of people a conversation took, beside it"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

_BEGAN = ['began_at', 'status', 'person_took', 'automatic_took', 'first_post_id']
_COUNT = """
    UPDATE conversations SET answers = (
        SELECT COUNT(*) FROM replies r
        WHERE r.conversation_id = conversations.id AND r.state = 'sent' AND r.kind = 'answer' AND NOT r.is_automatic
    )
    WHERE person_took IS NOT NULL
"""


def upgrade() -> None:
    op.add_column('conversations', sa.Column('answers', sa.Integer(), server_default='0', nullable=False))
    op.execute(_COUNT)
    op.drop_index('ix_conversations_began', table_name='conversations')
    op.create_index('ix_conversations_began', 'conversations', [*_BEGAN, 'answers'])


def downgrade() -> None:
    op.drop_index('ix_conversations_began', table_name='conversations')
    op.create_index('ix_conversations_began', 'conversations', _BEGAN)
    op.execute('ALTER TABLE conversations DROP COLUMN answers')
