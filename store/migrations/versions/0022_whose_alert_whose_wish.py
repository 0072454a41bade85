"""Alerts name the promise they are about, and opt-outs who noted them"""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    id_type = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.add_column('alerts', sa.Column('promise_id', id_type, nullable=True))
    op.add_column('opt_outs', sa.Column('by', sa.String(length=100), nullable=True))


def downgrade() -> None:
    op.drop_column('opt_outs', 'by')
    op.drop_column('alerts', 'promise_id')
