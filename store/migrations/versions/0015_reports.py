"""Numbers: due times that outlive their conversation's, and the ways to the rows of a range"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('decisions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('due_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_decisions_due', 'decisions', ['due_at'])
    seen = ['posted_at', 'platform', 'account', 'is_backfill', 'deleted_at', 'conversation_id', 'matched']
    op.create_index('ix_posts_posted', 'posts', seen)
    op.create_index('ix_posts_first', 'posts', ['conversation_id', 'id'])
    op.drop_index('ix_replies_conversation', table_name='replies')
    answered = ['conversation_id', 'state', 'is_automatic', 'settled_at']
    op.create_index('ix_replies_conversation', 'replies', answered)
    op.create_index('ix_replies_settled', 'replies', ['state', 'settled_at'])
    op.create_index('ix_replies_created', 'replies', ['created_at'])
    op.create_index('ix_audit_subject', 'audit', ['subject', 'at'])


def downgrade() -> None:
    op.drop_index('ix_audit_subject', table_name='audit')
    op.drop_index('ix_replies_created', table_name='replies')
    op.drop_index('ix_replies_settled', table_name='replies')
    op.drop_index('ix_replies_conversation', table_name='replies')
    op.create_index('ix_replies_conversation', 'replies', ['conversation_id'])
    op.drop_index('ix_posts_first', table_name='posts')
    op.drop_index('ix_posts_posted', table_name='posts')
    op.drop_index('ix_decisions_due', table_name='decisions')
    with op.batch_alter_table('decisions', schema=None) as batch_op:
        batch_op.drop_column('due_at')
