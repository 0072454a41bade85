"""Taught words: kept, undone, never forgotten, and told once."""

import asyncio
from datetime import timedelta

import pytest

from core.correction import TaughtCue
from core.errors import BadValue, Conflict
from store.database import Database
from store.taught import MOST_TAUGHT, TaughtWords
from tests.builders import NOW

LATER = NOW + timedelta(minutes=1)


def word(phrase: str = "kaput", points: int = 30) -> TaughtCue:
    return TaughtCue(phrase=phrase, points=points)


async def test_a_taught_word_counts_until_it_is_undone_and_stays_on_record(database: Database) -> None:
    taught = TaughtWords(database)
    first = await taught.teach(word(), by="Mette", at=NOW)
    await taught.teach(word("app ~ nede", -5), by="Lars", at=NOW)
    assert await taught.active() == (word(), word("app ~ nede", -5))
    await taught.undo(first, by="Lars", at=LATER)
    assert await taught.active() == (word("app ~ nede", -5),)
    standing, undone = await taught.all()
    assert (standing.cue.phrase, standing.person, standing.undone_at) == ("app ~ nede", "Lars", None)
    assert (undone.cue, undone.person, undone.made_at, undone.undone_by, undone.undone_at) == (
        word(),
        "Mette",
        NOW,
        "Lars",
        LATER,
    )


async def test_a_word_is_taught_once_and_may_be_taught_again_once_undone(database: Database) -> None:
    taught = TaughtWords(database)
    first = await taught.teach(word("Kaput"), by="Mette", at=NOW)
    with pytest.raises(Conflict, match=r"Mette has already taught “Kaput” with \+30"):
        await taught.teach(word("kaput", 10), by="Lars", at=NOW)
    await taught.undo(first, by="Lars", at=LATER)
    await taught.teach(word("kaput", 10), by="Lars", at=LATER)
    assert await taught.active() == (word("kaput", 10),)


async def test_two_people_who_teach_one_word_at_once_are_one_word(database: Database) -> None:
    taught = TaughtWords(database)
    tries = (taught.teach(word(), by=by, at=NOW) for by in ("Mette", "Lars", "Nora"))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in outcomes) == 2
    assert await taught.active() == (word(),)


async def test_undoing_twice_says_who_was_first(database: Database) -> None:
    taught = TaughtWords(database)
    first = await taught.teach(word(), by="Mette", at=NOW)
    await taught.undo(first, by="Lars", at=LATER)
    with pytest.raises(Conflict, match="Lars has already undone it"):
        await taught.undo(first, by="Mette", at=LATER)
    with pytest.raises(Conflict, match="no such taught word"):
        await taught.undo(99, by="Mette", at=LATER)


async def test_there_is_a_most(database: Database) -> None:
    taught = TaughtWords(database)
    for n in range(MOST_TAUGHT):
        await taught.teach(word(f"ord{n}"), by="Mette", at=NOW)
    with pytest.raises(BadValue, match="which is the most"):
        await taught.teach(word("et til"), by="Mette", at=NOW)
