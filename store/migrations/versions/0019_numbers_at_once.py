"""Numbers at once: what was read of a post beside it, and how long first answers took beside their conversation"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

# As core/assessment.py, store/places.py and store/readings.py had them then.
_MOODS = ('negative', 'neutral', 'positive', 'unsure')
_LANGUAGES = ('da', 'sv', 'nb', 'nn', 'en', 'unsure')
_INTENTS = (
    'complaint question praise outage billing delivery cancellation safety legal scam spam opt-out self-harm grief person'
).split()


def upgrade() -> None:
    # Columns without a default, or the tables would be made anew, and others refer to them.
    op.add_column('posts', sa.Column('reading', sa.Integer(), nullable=True))
    with_room = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.add_column('conversations', sa.Column('first_post_id', with_room, nullable=True))
    op.add_column('conversations', sa.Column('began_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('conversations', sa.Column('automatic_took', sa.Float(), nullable=True))
    op.add_column('conversations', sa.Column('person_took', sa.Float(), nullable=True))
    op.drop_index('ix_posts_posted', table_name='posts')
    # Before the first answers are looked for: by this index SQLite walks all replies that were sent, for each of them.
    op.drop_index('ix_replies_settled', table_name='replies')
    connection = op.get_bind()
    for statement in (_READINGS, _FIRST_POSTS, _BEGINNINGS, *(_took(name, connection.dialect.name) for name in _FIRST)):
        connection.exec_driver_sql(statement)
    op.drop_index('ix_posts_first', table_name='posts')
    seen = ['posted_at', 'reading', 'platform', 'account', 'is_backfill', 'deleted_at', 'matched']
    op.create_index('ix_posts_posted', 'posts', seen)
    began = ['began_at', 'status', 'person_took', 'automatic_took', 'first_post_id']
    op.create_index('ix_conversations_began', 'conversations', began)
    op.create_index('ix_replies_settled', 'replies', ['state', 'settled_at', 'is_automatic', 'approved_by'])


def downgrade() -> None:
    op.drop_index('ix_replies_settled', table_name='replies')
    op.create_index('ix_replies_settled', 'replies', ['state', 'settled_at'])
    op.drop_index('ix_conversations_began', table_name='conversations')
    op.drop_index('ix_posts_posted', table_name='posts')
    for name in ('person_took', 'automatic_took', 'began_at', 'first_post_id'):
        op.execute(f'ALTER TABLE conversations DROP COLUMN {name}')
    op.execute('ALTER TABLE posts DROP COLUMN reading')
    seen = ['posted_at', 'platform', 'account', 'is_backfill', 'deleted_at', 'conversation_id', 'matched']
    op.create_index('ix_posts_posted', 'posts', seen)
    op.create_index('ix_posts_first', 'posts', ['conversation_id', 'id'])


def _number(column: str, values: tuple[str, ...]) -> str:
    return f'CASE {column} ' + ' '.join(f"WHEN '{value}' THEN {at}" for at, value in enumerate(values, 1)) + ' END'


def _topics() -> str:
    spelled = 'CAST(a.intents AS TEXT)'
    return ' + '.join(
        f"""CASE WHEN {spelled} LIKE '%"{intent}"%' THEN {1 << at} ELSE 0 END""" for at, intent in enumerate(_INTENTS)
    )


# None where there is no assessment: not read yet, or deleted.
_READINGS = f"""
    UPDATE posts SET reading = (
        SELECT {_number('a.sentiment', _MOODS)} + 16 * {_number('a.language', _LANGUAGES)} + 256 * ({_topics()})
        FROM assessments a WHERE a.post_id = posts.id
    )
    WHERE deleted_at IS NULL
"""  # noqa: S608 - names of ours
# Not by ORDER BY and LIMIT: SQLite then walks all posts for each conversation.
_FIRST_POSTS = """
    UPDATE conversations SET first_post_id = (
        SELECT MIN(p.id) FROM posts p WHERE p.conversation_id = conversations.id
    )
"""
_BEGINNINGS = """
    UPDATE conversations SET began_at = (SELECT p.posted_at FROM posts p WHERE p.id = conversations.first_post_id)
"""
_FIRST = {'automatic_took': 'r.is_automatic', 'person_took': 'NOT r.is_automatic'}
# SQLite: whole seconds as figures, and what stands behind the point.
_SECONDS = {
    'sqlite': (
        "ROUND(strftime('%s', MIN(r.settled_at)) - strftime('%s', began_at) "
        "+ CAST('0' || substr(MIN(r.settled_at), 20) AS REAL) - CAST('0' || substr(began_at, 20) AS REAL), 6)"
    ),
    'postgresql': 'CAST(EXTRACT(EPOCH FROM MIN(r.settled_at) - began_at) AS DOUBLE PRECISION)',
}


def _took(name: str, dialect: str) -> str:
    seconds = _SECONDS[dialect]
    return f"""
        UPDATE conversations SET {name} = (
            SELECT CASE WHEN {seconds} < 0 THEN 0.0 ELSE {seconds} END
            FROM replies r WHERE r.conversation_id = conversations.id AND r.state = 'sent' AND {_FIRST[name]}
        )
    """  # noqa: S608 - names of ours
