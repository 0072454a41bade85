"""Second factors, invitations, sign-in through a provider, tries that outlive a restart"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.add_column(sa.Column('email', sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column('oidc_subject', sa.String(length=600), nullable=True))
        batch_op.add_column(sa.Column('totp_secret', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('totp_since', _INSTANT, nullable=True))
        batch_op.add_column(sa.Column('totp_step', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('seen_at', _INSTANT, nullable=True))
        batch_op.create_unique_constraint(batch_op.f('uq_staff_email'), ['email'])
        batch_op.create_unique_constraint(batch_op.f('uq_staff_oidc_subject'), ['oidc_subject'])
    # A session now tells where it came from and when it falls asleep. The old ones cannot: people sign in once more.
    op.drop_table('sessions')
    op.create_table(
        'sessions',
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('staff_id', _staff_id(), nullable=False),
        sa.Column('csrf', sa.String(length=64), nullable=False),
        sa.Column('stage', sa.String(length=20), nullable=False),
        sa.Column('address', sa.String(length=64), nullable=False),
        sa.Column('browser', sa.String(length=300), nullable=False),
        sa.Column('created_at', _INSTANT, nullable=False),
        sa.Column('seen_at', _INSTANT, nullable=False),
        sa.Column('idle_until', _INSTANT, nullable=False),
        sa.Column('expires_at', _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_sessions_staff_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_sessions')),
    )
    op.create_index(op.f('ix_sessions_staff_id'), 'sessions', ['staff_id'])
    op.create_table(
        'invitations',
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('staff_id', _staff_id(), nullable=False),
        sa.Column('made_by', sa.String(length=100), nullable=False),
        sa.Column('created_at', _INSTANT, nullable=False),
        sa.Column('expires_at', _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_invitations_staff_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_invitations')),
        sa.UniqueConstraint('staff_id', name=op.f('uq_invitations_staff_id')),
    )
    op.create_table(
        'recovery_codes',
        sa.Column('staff_id', _staff_id(), nullable=False),
        sa.Column('code_hash', sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ['staff_id'], ['staff.id'], name=op.f('fk_recovery_codes_staff_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('staff_id', 'code_hash', name=op.f('pk_recovery_codes')),
    )
    op.create_table(
        'known_browsers',
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('staff_id', _staff_id(), nullable=False),
        sa.Column('expires_at', _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ['staff_id'], ['staff.id'], name=op.f('fk_known_browsers_staff_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('token_hash', 'staff_id', name=op.f('pk_known_browsers')),
    )
    op.create_table(
        'tries',
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('tried', sa.Integer(), nullable=False),
        sa.Column('last_at', _INSTANT, nullable=False),
        sa.Column('until', _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_tries')),
    )
    op.create_index('ix_tries_last_at', 'tries', ['last_at'])


def downgrade() -> None:
    for table in ('tries', 'known_browsers', 'recovery_codes', 'invitations', 'sessions'):
        op.drop_table(table)
    op.create_table(
        'sessions',
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('staff_id', _staff_id(), nullable=False),
        sa.Column('csrf', sa.String(length=64), nullable=False),
        sa.Column('created_at', _INSTANT, nullable=False),
        sa.Column('expires_at', _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_sessions_staff_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_sessions')),
    )
    # Who has no password cannot sign in without what this version knew nothing of.
    op.execute("DELETE FROM staff WHERE password_hash = ''")
    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_staff_oidc_subject'), type_='unique')
        batch_op.drop_constraint(batch_op.f('uq_staff_email'), type_='unique')
        for column in ('seen_at', 'totp_step', 'totp_since', 'totp_secret', 'oidc_subject', 'email'):
            batch_op.drop_column(column)


def _staff_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
