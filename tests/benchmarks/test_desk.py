"""The rows that the desk's benchmark measures are such as the house itself would have made, and the same each time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.desk.data import Maker, fill
from store import tables as t
from store.database import open_database
from store.places import place
from store.words import count_holding

UNTIL = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def _rows(seed: int) -> list[dict[str, Any]]:
    return [
        row for block in Maker(posts=300, seed=seed, until=UNTIL).blocks() for rows in block.values() for row in rows
    ]


def test_the_same_seed_makes_the_same_rows() -> None:
    assert _rows(5) == _rows(5)
    assert _rows(5) != _rows(6)


async def test_the_made_rows_stand_where_the_house_would_put_them(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/desk.db")
    await fill(database, posts=1_000, seed=5, until=UNTIL)
    c = t.conversations.c
    query = select(t.conversations).order_by(c.id)
    async with database.begin() as connection:
        before = (await connection.execute(query)).all()
        await place(connection, [row.id for row in before])
        assert (await connection.execute(query)).all() == before
        posts = (await connection.execute(select(func.count()).select_from(t.posts))).scalar_one()
        assert posts == 1_000
        # Words that one post in twenty holds, and words that hardly any does.
        assert await count_holding(connection, "jeg") > 50
    await database.close()
