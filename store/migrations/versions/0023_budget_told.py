"""Alerts alone say when people were told that a budget is spent: the account's column decided nothing any more"""

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column('accounts', 'budget_told_at')


def downgrade() -> None:
    op.add_column('accounts', sa.Column('budget_told_at', store.tables.Instant(timezone=True), nullable=True))
