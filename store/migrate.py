"""Bringing the schema to the newest version, at start.

Owns the call into Alembic. Refuses to define the schema: `tables` and `migrations/` do.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

FOLDER = Path(__file__).parent / "migrations"
# Two processes that start together on PostgreSQL must not migrate together. Any constant number does.
_LOCK = 7_369_215
_PATIENCE_MS = 120_000


async def upgrade(engine: AsyncEngine) -> None:
    """Upgrade to head. Locks nothing where the schema is new enough: a house may be busy there."""
    async with engine.connect() as connection:
        if await connection.run_sync(_is_at_head):
            return
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)


def _is_at_head(connection: Connection) -> bool:
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == head


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    else:
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
        # Whoever migrates first may take longer than anybody waits to write one row.
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE_MS}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")
    command.upgrade(alembic_config(connection), "head")


def is_described(name: str | None, _kind: str, _parents: object) -> bool:
    """Whether `tables` describes what has this name: search's own tables stand only in migrations (`search`)."""
    return name is None or not name.startswith("post_words")


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for our folder, bound to `connection`."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
