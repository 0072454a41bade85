"""Assessments whose reasons are still to be found"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('assessments', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_explained', sa.Boolean(), server_default=sa.true(), nullable=False))
    unexplained = sa.column('is_explained') == sa.false()
    op.create_index(
        'ix_assessments_unexplained',
        'assessments',
        ['urgency'],
        sqlite_where=unexplained,
        postgresql_where=unexplained,
    )


def downgrade() -> None:
    op.drop_index('ix_assessments_unexplained', table_name='assessments')
    with op.batch_alter_table('assessments', schema=None) as batch_op:
        batch_op.drop_column('is_explained')
