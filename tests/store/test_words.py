"""The index of words remembers nothing that was forgotten, in no row and in no byte."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from store import tables as t
from store.database import Database, open_database
from store.deletions import forget_gone
from store.purge import purge
from store.words import count_holding, leave_no_remains
from tests.builders import NOW, a_mention, a_post, an_author, saved

# No other word begins like it, so the index spells it out.
SECRET = "xylofonmagerens"


async def _forget(database: Database) -> None:
    author = an_author("x9", handle=f"{SECRET}handle", name=f"{SECRET}navn")
    others = [a_mention(post=a_post(str(n), text="en helt anden sag", author=an_author(str(n)))) for n in range(50)]
    await saved(database, *others)
    (post_id,) = await saved(database, a_mention(post=a_post("99", text=f"min {SECRET}tekst er her", author=author)))
    async with database.begin() as connection:
        assert await count_holding(connection, f"min {SECRET}tekst") == 1
        assert await count_holding(connection, f"{SECRET}handle") == 1
        assert await forget_gone(connection, post_id, at=NOW)


async def test_what_is_forgotten_is_in_no_word(database: Database) -> None:
    await _forget(database)
    async with database.read() as connection:
        for said in (f"min {SECRET}tekst", f"{SECRET}handle", f"{SECRET}navn"):
            assert await count_holding(connection, said) == 0
        assert await count_holding(connection, "helt anden") == 50
        assert await count_holding(connection, " ?! ") == 0


@pytest.mark.parametrize("by_purge", [True, False])
async def test_no_byte_of_a_forgotten_word_stays_in_the_file(tmp_path: Path, by_purge: bool) -> None:
    file = tmp_path / "genlyd.db"
    database = await open_database(f"sqlite:///{file}")
    await _forget(database)
    assert await database.empty_journal()
    assert SECRET[3:].encode() in file.read_bytes(), "the negative control: FTS5 only notes that it is out"
    if by_purge:
        await purge(database, before=NOW - timedelta(days=9), at=NOW)
    else:
        assert await leave_no_remains(database, since=NOW - timedelta(seconds=1))
        assert await database.empty_journal()
    assert SECRET[3:].encode() not in file.read_bytes()
    async with database.read() as connection:
        assert await count_holding(connection, "helt anden") == 50
    await database.close()


async def test_nothing_is_written_anew_where_nothing_was_forgotten(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    await _forget(database)
    assert not await leave_no_remains(database, since=NOW)
    await database.close()


async def test_a_post_written_past_the_doors_is_found_too(database: Database) -> None:
    """The triggers see to it: no writer can forget the index."""
    (post_id,) = await saved(database, a_mention())
    async with database.begin() as connection:
        await connection.execute(update(t.posts).where(t.posts.c.id == post_id).values(text="skrevet udenom"))
        assert await count_holding(connection, "skrevet udenom") == 1
        await connection.execute(update(t.authors).values(handle="ny_til_navn"))
        assert await count_holding(connection, "ny_til_navn") == 1
        await connection.execute(text("DELETE FROM posts"))
        assert await count_holding(connection, "skrevet udenom") == 0
