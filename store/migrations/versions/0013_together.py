"""What people at the desk do together: drafts and their makers, holds, notes, tags, promises, skills"""

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

_REPLIES = ('drafted_text', 'drafted_by', 'is_edited', 'approved_at', 'held_until', 'touched_by', 'rejected_because')
_TABLES = ('staff_skills', 'skips', 'promises', 'tags', 'nudges', 'notes')


def upgrade() -> None:
    instant = store.tables.Instant(timezone=True)
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    with op.batch_alter_table('replies', schema=None) as batch_op:
        batch_op.add_column(sa.Column('drafted_text', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('drafted_by', sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column('is_edited', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('approved_at', instant, nullable=True))
        batch_op.add_column(sa.Column('held_until', instant, nullable=True))
        batch_op.add_column(sa.Column('touched_by', sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column('rejected_because', sa.String(length=20), nullable=True))
    # What waits now can be edited later. What people sent before is not known to have been edited or not.
    op.execute("UPDATE replies SET drafted_text = text WHERE state = 'draft' AND template IS NOT NULL AND text <> ''")
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('assigned_to', sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column('snoozed_until', instant, nullable=True))
        batch_op.create_index('ix_conversations_assigned', ['assigned_to', 'status', 'rank', 'id'])
    op.execute('UPDATE conversations SET assigned_to = taken_by')
    op.create_table(
        'notes',
        sa.Column('id', number, nullable=False),
        sa.Column('conversation_id', number, nullable=False),
        sa.Column('by', sa.String(length=100), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('at', instant, nullable=False),
        sa.ForeignKeyConstraint(
            ['conversation_id'], ['conversations.id'], name=op.f('fk_notes_conversation_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_notes')),
    )
    op.create_index('ix_notes_conversation', 'notes', ['conversation_id', 'id'])
    op.create_table(
        'nudges',
        sa.Column('note_id', number, nullable=False),
        sa.Column('person', sa.String(length=100), nullable=False),
        sa.Column('seen_at', instant, nullable=True),
        sa.ForeignKeyConstraint(['note_id'], ['notes.id'], name=op.f('fk_nudges_note_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('note_id', 'person', name=op.f('pk_nudges')),
    )
    op.create_index('ix_nudges_person', 'nudges', ['person', 'seen_at'])
    op.create_table(
        'tags',
        sa.Column('conversation_id', number, nullable=False),
        sa.Column('tag', sa.String(length=40), nullable=False),
        sa.Column('by', sa.String(length=100), nullable=False),
        sa.Column('at', instant, nullable=False),
        sa.ForeignKeyConstraint(
            ['conversation_id'], ['conversations.id'], name=op.f('fk_tags_conversation_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('conversation_id', 'tag', name=op.f('pk_tags')),
    )
    op.create_index('ix_tags_tag', 'tags', ['tag'])
    op.create_table(
        'promises',
        sa.Column('id', number, nullable=False),
        sa.Column('conversation_id', number, nullable=False),
        sa.Column('what', sa.Text(), nullable=False),
        sa.Column('due_at', instant, nullable=False),
        sa.Column('by', sa.String(length=100), nullable=False),
        sa.Column('at', instant, nullable=False),
        sa.Column('told_at', instant, nullable=True),
        sa.Column('ended_at', instant, nullable=True),
        sa.Column('ended_by', sa.String(length=100), nullable=True),
        sa.Column('is_kept', sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ['conversation_id'], ['conversations.id'], name=op.f('fk_promises_conversation_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_promises')),
    )
    op.create_index('ix_promises_conversation', 'promises', ['conversation_id', 'ended_at'])
    op.create_index('ix_promises_due', 'promises', ['ended_at', 'due_at'])
    op.create_table(
        'skips',
        sa.Column('id', number, nullable=False),
        sa.Column('conversation_id', number, nullable=False),
        sa.Column('by', sa.String(length=100), nullable=False),
        sa.Column('because', sa.String(length=20), nullable=False),
        sa.Column('at', instant, nullable=False),
        sa.ForeignKeyConstraint(
            ['conversation_id'], ['conversations.id'], name=op.f('fk_skips_conversation_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_skips')),
    )
    op.create_index('ix_skips_by', 'skips', ['by', 'at'])
    op.create_table(
        'staff_skills',
        sa.Column('staff_id', number, nullable=False),
        sa.Column('kind', sa.String(length=20), nullable=False),
        sa.Column('value', sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ['staff_id'], ['staff.id'], name=op.f('fk_staff_skills_staff_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('staff_id', 'kind', 'value', name=op.f('pk_staff_skills')),
    )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.drop_index('ix_conversations_assigned')
    # Not by making the tables anew: others refer to them.
    for name in ('snoozed_until', 'assigned_to'):
        op.execute(f'ALTER TABLE conversations DROP COLUMN {name}')
    for name in reversed(_REPLIES):
        op.execute(f'ALTER TABLE replies DROP COLUMN {name}')
