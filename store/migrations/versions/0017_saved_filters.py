"""Filters of the inbox that people gave a name"""

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0017'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.create_table(
        'saved_filters',
        sa.Column('id', number, nullable=False),
        sa.Column('staff_id', number, nullable=False),
        sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('query', sa.Text(), nullable=False),
        sa.Column('made_at', store.tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['staff_id'], ['staff.id'], name=op.f('fk_saved_filters_staff_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_filters')),
        sa.UniqueConstraint('staff_id', 'name', name=op.f('uq_saved_filters_staff_id_name')),
    )


def downgrade() -> None:
    op.drop_table('saved_filters')
