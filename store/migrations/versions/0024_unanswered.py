"""How often a reply was sent and no answer came: only that tells that a platform will not take it"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A constant default, for else SQLite would make the table anew.
    op.add_column('replies', sa.Column('unanswered', sa.Integer(), server_default='0', nullable=False))


def downgrade() -> None:
    op.drop_column('replies', 'unanswered')
