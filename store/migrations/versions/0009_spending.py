"""What accounts spend, and how often sources are asked"""

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'spending',
        sa.Column('account', sa.String(length=100), nullable=False),
        sa.Column('day', store.tables.Instant(timezone=True), nullable=False),
        sa.Column('source', sa.String(length=200), nullable=False),
        sa.Column('calls', sa.Integer(), nullable=False),
        sa.Column('posts', sa.Integer(), nullable=False),
        sa.Column('money', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('account', 'day', 'source', name=op.f('pk_spending')),
    )
    with op.batch_alter_table('sources', schema=None) as batch_op:
        batch_op.add_column(sa.Column('every_seconds', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('slow_because', sa.Text(), nullable=True))
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('budget_told_at', store.tables.Instant(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.drop_column('budget_told_at')
    with op.batch_alter_table('sources', schema=None) as batch_op:
        batch_op.drop_column('slow_because')
        batch_op.drop_column('every_seconds')
    op.drop_table('spending')
