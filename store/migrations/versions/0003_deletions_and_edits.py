"""Deletions and edits"""

import sqlalchemy as sa
from alembic import op
import store.tables

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('posts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('edited_at', store.tables.Instant(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('checked_at', store.tables.Instant(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('check_at', store.tables.Instant(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('silent_since', store.tables.Instant(timezone=True), nullable=True))
        batch_op.create_index('ix_posts_check', ['account', 'check_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('posts', schema=None) as batch_op:
        batch_op.drop_index('ix_posts_check')
        batch_op.drop_column('silent_since')
        batch_op.drop_column('check_at')
        batch_op.drop_column('checked_at')
        batch_op.drop_column('edited_at')
