"""Alembic's entry: run the migrations on the connection that `store.migrate` hands over."""

from alembic import context

from store.migrate import is_described
from store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=False,
    include_name=is_described,
)
with context.begin_transaction():
    context.run_migrations()
