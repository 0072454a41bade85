"""Every question of the inbox is answered through an index, on both engines: no table is read whole.

Time is measured by `benchmarks.desk`; a plan is the same on any machine.
"""

import re
from datetime import UTC, datetime

from benchmarks.desk.data import fill
from benchmarks.desk.plans import QUESTIONS, plans_of
from store.database import Database

UNTIL = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
# SQLite's words for a table read from end to end, or sorted; subqueries and search's own table aside.
_WHOLE = re.compile(r"SCAN (?!anon_|looked|post_words VIRTUAL TABLE INDEX \d+:.*M)|USE TEMP B-TREE")


async def test_no_question_of_the_inbox_reads_a_table_whole(database: Database) -> None:
    await fill(database, posts=10_000, seed=3, until=UNTIL)
    for name, filters in QUESTIONS.items():
        for asked in await plans_of(database, filters, is_small=True):
            plan = "\n".join(asked.plan)
            assert "Seq Scan" not in plan, (name, asked.statement, plan)
            assert _WHOLE.search(plan) is None, (name, asked.statement, plan)
            if asked.statement.startswith("SELECT") and "UNION ALL" in asked.statement:
                assert "ix_conversations_" in plan, (name, plan)
