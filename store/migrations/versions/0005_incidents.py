"""Incidents, what belongs to them, and the tempo of the past"""

import sqlalchemy as sa
from alembic import op
import store.tables

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('incidents',
    sa.Column('id', _ID, nullable=False),
    sa.Column('account', sa.String(length=100), nullable=False),
    sa.Column('opened_at', store.tables.Instant(timezone=True), nullable=False),
    sa.Column('reasons', sa.JSON(), nullable=False),
    sa.Column('measures', sa.JSON(), nullable=False),
    sa.Column('statements', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('step', sa.Integer(), nullable=False),
    sa.Column('taken_by', sa.String(length=100), nullable=True),
    sa.Column('taken_at', store.tables.Instant(timezone=True), nullable=True),
    sa.Column('approved_by', sa.String(length=100), nullable=True),
    sa.Column('approved_at', store.tables.Instant(timezone=True), nullable=True),
    sa.Column('closed_by', sa.String(length=100), nullable=True),
    sa.Column('closed_at', store.tables.Instant(timezone=True), nullable=True),
    sa.Column('heard_per_minute', sa.Float(), nullable=False),
    sa.Column('negative_per_minute', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_incidents'))
    )
    op.create_index('uq_incidents_open', 'incidents', ['account'], unique=True,
                    sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
    op.create_index('ix_incidents_account', 'incidents', ['account', 'closed_at'])
    op.create_table('incident_posts',
    sa.Column('post_id', _ID, nullable=False),
    sa.Column('incident_id', _ID, nullable=False),
    sa.ForeignKeyConstraint(['post_id'], ['posts.id'], name=op.f('fk_incident_posts_post_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['incident_id'], ['incidents.id'], name=op.f('fk_incident_posts_incident_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('post_id', name=op.f('pk_incident_posts'))
    )
    op.create_index('ix_incident_posts_incident', 'incident_posts', ['incident_id', 'post_id'])
    op.create_table('hours',
    sa.Column('account', sa.String(length=100), nullable=False),
    sa.Column('at', store.tables.Instant(timezone=True), nullable=False),
    sa.Column('heard', sa.Integer(), nullable=False),
    sa.Column('negative', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('account', 'at', name=op.f('pk_hours'))
    )
    op.create_index('ix_replies_sending', 'replies', ['account', 'sending_at'])
    op.create_index('ix_opt_outs_since', 'opt_outs', ['since'])


def downgrade() -> None:
    op.drop_index('ix_opt_outs_since', table_name='opt_outs')
    op.drop_index('ix_replies_sending', table_name='replies')
    op.drop_table('hours')
    op.drop_table('incident_posts')
    op.drop_table('incidents')
