"""Alerts in groups, tellings and links"""

import sqlalchemy as sa
from alembic import op
import store.tables

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_INSTANT = store.tables.Instant(timezone=True)


def upgrade() -> None:
    op.create_table('alert_groups',
    sa.Column('id', _ID, nullable=False),
    sa.Column('account', sa.String(length=100), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('opened_at', _INSTANT, nullable=False),
    sa.Column('joined_at', _INSTANT, nullable=False),
    sa.Column('first_at', _INSTANT, nullable=False),
    sa.Column('started_at', _INSTANT, nullable=True),
    sa.Column('told_at', _INSTANT, nullable=True),
    sa.Column('next_at', _INSTANT, nullable=True),
    sa.Column('step', sa.Integer(), nullable=False),
    sa.Column('pace_seconds', sa.Float(), nullable=False),
    sa.Column('repeats', sa.Integer(), nullable=False),
    sa.Column('sealed_at', _INSTANT, nullable=True),
    sa.Column('acknowledged_by', sa.String(length=200), nullable=True),
    sa.Column('acknowledged_at', _INSTANT, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert_groups'))
    )
    op.create_index('uq_alert_groups_open', 'alert_groups', ['account', 'kind'], unique=True,
                    sqlite_where=sa.text('sealed_at IS NULL'), postgresql_where=sa.text('sealed_at IS NULL'))
    op.create_index('ix_alert_groups_next', 'alert_groups', ['next_at'])
    op.create_index('ix_alert_groups_last', 'alert_groups', ['account', 'kind', 'id'])
    op.create_table('tellings',
    sa.Column('id', _ID, nullable=False),
    sa.Column('group_id', _ID, nullable=False),
    sa.Column('step', sa.Integer(), nullable=False),
    sa.Column('why', sa.String(length=20), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('not_before', _INSTANT, nullable=False),
    sa.Column('created_at', _INSTANT, nullable=False),
    sa.Column('sent_at', _INSTANT, nullable=True),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['group_id'], ['alert_groups.id'], name=op.f('fk_tellings_group_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tellings'))
    )
    op.create_index('ix_tellings_due', 'tellings', ['state', 'not_before'])
    op.create_index('ix_tellings_group', 'tellings', ['group_id', 'state'])
    op.create_table('alert_links',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('group_id', _ID, nullable=False),
    sa.Column('step', sa.String(length=200), nullable=False),
    sa.Column('expires_at', _INSTANT, nullable=False),
    sa.ForeignKeyConstraint(['group_id'], ['alert_groups.id'], name=op.f('fk_alert_links_group_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_alert_links'))
    )
    op.create_index('ix_alert_links_expires_at', 'alert_links', ['expires_at'])
    with op.batch_alter_table('alerts', schema=None) as batch_op:
        batch_op.drop_index('ix_alerts_due')
        batch_op.drop_column('attempts')
        batch_op.drop_column('not_before')
        batch_op.drop_column('problem')
        batch_op.add_column(sa.Column('incident_id', _ID, nullable=True))
        batch_op.add_column(sa.Column('account', sa.String(length=100), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('urgency', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('due_at', _INSTANT, nullable=True))
        batch_op.add_column(sa.Column('group_id', _ID, nullable=True))
        batch_op.add_column(sa.Column('telling_id', _ID, nullable=True))
        batch_op.add_column(sa.Column('handled_by', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('handled_at', _INSTANT, nullable=True))
        batch_op.create_foreign_key(op.f('fk_alerts_incident_id'), 'incidents', ['incident_id'], ['id'], ondelete='CASCADE')
        batch_op.create_foreign_key(op.f('fk_alerts_group_id'), 'alert_groups', ['group_id'], ['id'])
        batch_op.create_foreign_key(op.f('fk_alerts_telling_id'), 'tellings', ['telling_id'], ['id'])
        batch_op.create_index('ix_alerts_due', ['state', 'group_id'])
        batch_op.create_index('ix_alerts_group', ['group_id', 'telling_id'])
    # The ladder knows how often people were told of an incident. Not by making the table anew, as Alembic would on
    # SQLite: dropping the old one would take the posts listed under it along.
    op.execute('ALTER TABLE incidents DROP COLUMN step')
    # What nobody was told of yet is told by its account's group.
    op.execute("UPDATE alerts SET account = (SELECT account FROM conversations WHERE conversations.id = conversation_id)"
               " WHERE conversation_id IS NOT NULL")


def downgrade() -> None:
    with op.batch_alter_table('incidents', schema=None) as batch_op:
        batch_op.add_column(sa.Column('step', sa.Integer(), nullable=False, server_default='1'))
    with op.batch_alter_table('alerts', schema=None) as batch_op:
        batch_op.drop_index('ix_alerts_group')
        batch_op.drop_index('ix_alerts_due')
        for name in ('telling_id', 'group_id', 'incident_id'):
            batch_op.drop_constraint(op.f(f'fk_alerts_{name}'), type_='foreignkey')
        for name in ('handled_at', 'handled_by', 'telling_id', 'group_id', 'due_at', 'urgency', 'account', 'incident_id'):
            batch_op.drop_column(name)
        batch_op.add_column(sa.Column('attempts', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('not_before', _INSTANT, nullable=False, server_default='2000-01-01 00:00:00'))
        batch_op.add_column(sa.Column('problem', sa.Text(), nullable=True))
        batch_op.create_index('ix_alerts_due', ['state', 'not_before'], unique=False)
    op.drop_table('alert_links')
    op.drop_table('tellings')
    op.drop_table('alert_groups')
