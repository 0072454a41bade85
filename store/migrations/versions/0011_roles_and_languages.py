"""Five roles, and the language each person reads the desk in"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.add_column(sa.Column('language', sa.String(length=8), nullable=True))
    # An agent could send until now, and a supervisor was the highest there was: nobody loses what they could do.
    op.execute("UPDATE staff SET role = 'approver' WHERE role = 'agent'")
    op.execute("UPDATE staff SET role = 'admin' WHERE role = 'supervisor'")


def downgrade() -> None:
    op.execute("UPDATE staff SET role = 'supervisor' WHERE role = 'admin'")
    op.execute("UPDATE staff SET role = 'agent' WHERE role IN ('approver', 'reader')")
    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.drop_column('language')
