"""Rules and watches put live on a page"""

import sqlalchemy as sa
from alembic import op
import store.tables

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'rulebooks',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(length=20), nullable=False),
        sa.Column('text', sa.Text(), nullable=True),
        sa.Column('note', sa.Text(), nullable=False),
        sa.Column('made_by', sa.String(length=200), nullable=False),
        sa.Column('made_at', store.tables.Instant(timezone=True), nullable=False),
        sa.Column('file_print', sa.String(length=64), nullable=False),
        sa.Column('takes_up', sa.Integer(), nullable=True),
        sa.Column('follows', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_rulebooks')),
        sa.UniqueConstraint('kind', 'follows', name=op.f('uq_rulebooks_kind_follows')),
    )
    with op.batch_alter_table('decisions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('rulebook', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('held', sa.JSON(), nullable=True))
    op.create_index('ix_decisions_decided_at', 'decisions', ['decided_at'])


def downgrade() -> None:
    op.drop_index('ix_decisions_decided_at', table_name='decisions')
    with op.batch_alter_table('decisions', schema=None) as batch_op:
        batch_op.drop_column('held')
        batch_op.drop_column('rulebook')
    op.drop_table('rulebooks')
