"""How a database answers each of the inbox's questions: the statements as they are sent, and the plans it makes.

Owns the catching of statements and the asking for plans. Refuses to judge them: a test does.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from core.assessment import Intent, Language, Sentiment
from core.conversation import Status
from core.post import Platform
from store.database import Database
from store.inbox import InboxFilters, Page, find_page

_LONGEST = 300
_EVERY = tuple(Status)
QUESTIONS: dict[str, InboxFilters] = {
    "first page": InboxFilters(),
    "every status": InboxFilters(statuses=_EVERY),
    "one account": InboxFilters(statuses=(Status.RESOLVED,), account="hav-jobs"),
    "one platform": InboxFilters(statuses=(Status.RESOLVED,), platform=Platform.REDDIT),
    "mood and intent": InboxFilters(sentiment=Sentiment.NEGATIVE, intent=Intent.BILLING),
    "hardly anything": InboxFilters(statuses=_EVERY, language=Language.NN, intent=Intent.SELF_HARM),
    "one's own work": InboxFilters(statuses=_EVERY, of="Lars"),
    "nobody's work": InboxFilters(statuses=(Status.RESOLVED,), is_nobodys=True),
    "drafts": InboxFilters(statuses=_EVERY, has_draft=True),
    "search, rare word": InboxFilters(statuses=_EVERY, text="skruelågen"),
    "search, common word": InboxFilters(statuses=_EVERY, text="ikke"),
    "search, phrase": InboxFilters(text='"tredje gang"'),
    "search, prefix": InboxFilters(text="faktur*"),
    "search and filter": InboxFilters(language=Language.DA, text="ikke"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One statement, and its plan line by line."""

    statement: str
    plan: tuple[str, ...]


async def plans_of(database: Database, filters: InboxFilters, *, is_small: bool = False) -> tuple[Asked, ...]:
    """Ask for the first page and those after and before it; return every statement that took, with its plan.

    `is_small`: PostgreSQL rightly reads a small table whole; then it is told to do so only where no index would serve.
    """
    async with database.read(slowly=is_small) as connection:
        if is_small and not database.is_sqlite:
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        caught: list[tuple[str, Any]] = []

        def catch(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
            caught.append((statement, parameters))

        engine = connection.sync_connection
        assert engine is not None
        event.listen(engine, "before_cursor_execute", catch)
        first = await find_page(connection, filters, after=None, before=None, limit=50)
        await _rest(connection, filters, first)
        event.remove(engine, "before_cursor_execute", catch)
        unique = dict(reversed(caught))
        return tuple([Asked(statement=one, plan=await _plan(connection, one, unique[one])) for one in unique])


async def _rest(connection: AsyncConnection, filters: InboxFilters, first: Page) -> None:
    for after, before in ((first.after, None), (None, first.after)):
        if first.after is not None:
            await find_page(connection, filters, after=after, before=before, limit=50)


async def _plan(connection: AsyncConnection, statement: str, parameters: Any) -> tuple[str, ...]:
    if connection.dialect.name == "sqlite":
        found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return tuple(str(row.detail) for row in found)
    found = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF) {statement}", parameters)
    return tuple(str(row[0]) for row in found)


async def written_plans(database: Database) -> str:
    """Return every question's statements and plans, long lines cut."""
    lines: list[str] = []
    for name, filters in QUESTIONS.items():
        lines.append(f"# {name}")
        for asked in await plans_of(database, filters):
            told = [" ".join(asked.statement.split()), *(f"    {line}" for line in asked.plan)]
            lines += ["", *(line if len(line) < _LONGEST else f"{line[:_LONGEST]} ..." for line in told)]
        lines.append("")
    return "\n".join(lines)
