"""Rulebooks: the newest is in force, nobody replaces what they have not seen, and nothing is ever lost."""

import asyncio
from typing import Any

import pytest

from core.errors import Conflict
from core.rulebook import FILE, Kind
from store.database import Database
from store.exports import export
from store.rulebooks import Rulebooks
from tests.builders import NOW


async def put(books: Rulebooks, text: str | None, *, follows: int, **changes: Any) -> int:
    plain: dict[str, Any] = {"file_print": "f", "note": "", "changed": ("+a",), "by": "Mette", "at": NOW}
    return await books.put_live(changes.pop("kind", Kind.RULES), text, follows=follows, **(plain | changes))


async def test_where_nothing_was_put_live_the_file_is_in_force(database: Database) -> None:
    books = Rulebooks(database)
    assert await books.newest(Kind.RULES) == FILE
    assert await books.history(Kind.RULES) == []
    assert await books.get(1) is None


async def test_the_newest_version_of_its_kind_is_in_force_and_the_others_stay(database: Database) -> None:
    books = Rulebooks(database)
    first = await put(books, "one", follows=FILE)
    watches = await put(books, "watch", follows=FILE, kind=Kind.WATCHES)
    second = await put(books, None, follows=first, takes_up=FILE)
    assert await books.newest(Kind.RULES) == second
    assert await books.newest(Kind.WATCHES) == watches
    assert [(book.id, book.text, book.takes_up) for book in await books.history(Kind.RULES)] == [
        (second, None, FILE),
        (first, "one", None),
    ]


async def test_of_two_who_put_live_over_the_same_version_one_is_told_who_was_first(database: Database) -> None:
    books = Rulebooks(database)
    results = await asyncio.gather(
        put(books, "a", follows=FILE, by="Mette"), put(books, "b", follows=FILE, by="Lars"), return_exceptions=True
    )
    conflicts = [one for one in results if isinstance(one, Conflict)]
    assert len(conflicts) == 1
    [only] = await books.history(Kind.RULES)
    assert f"{only.made_by} put version {only.id} live since you began" == str(conflicts[0])


async def test_a_version_that_is_not_the_newest_cannot_be_followed(database: Database) -> None:
    books = Rulebooks(database)
    with pytest.raises(Conflict, match="nothing is live here"):
        await put(books, "a", follows=7)
    first = await put(books, "a", follows=FILE)
    await put(books, "b", follows=first)
    with pytest.raises(Conflict):
        await put(books, "c", follows=first)


async def test_the_audit_says_who_put_what_live_over_what_and_how_they_differ(database: Database) -> None:
    books = Rulebooks(database)
    first = await put(books, "one", follows=FILE, note="try", changed=[f"+{n}" for n in range(500)])
    [line] = [row async for row in export(database, "audit") if row["action"] == "put rules live"]
    assert (line["by"], line["subject"]) == ("Mette", f"rules {first}")
    detail = line["detail"]
    assert (detail["before"], detail["after"], detail["note"]) == (FILE, first, "try")
    assert (len(detail["changed"]), detail["changed_lines"]) == (200, 500)
