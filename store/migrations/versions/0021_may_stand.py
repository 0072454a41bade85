"""Dropped and perhaps published: what was dropped after it may have left says so"""

from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

# Which of them the platform had refused is not to be told any more: a person looks. A drop that no person made
# keeps its reason.
_SAY = """
    UPDATE replies SET problem = 'it may stand on the platform already: look there before you write another'
    WHERE state = 'dropped' AND sending_at IS NOT NULL AND problem IS NOT NULL
    AND problem NOT IN ('the post was deleted by its author', 'a person answered in words of their own')
"""


def upgrade() -> None:
    op.execute(_SAY)


def downgrade() -> None:
    pass
