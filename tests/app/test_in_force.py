"""What is in force, and how the file differs: told by `genlyd check` and by the doctor."""

from pathlib import Path

import pytest

from app import books, in_force
from app.doctor import examine
from app.finding import Finding
from core.config import AccountConfig, Config, Rule, StoreConfig
from core.post import Platform
from core.rulebook import FILE, Kind, print_of
from store.database import open_database
from store.rulebooks import Rulebooks
from tests.builders import NOW

CALM = '[[rules]]\nname = "calm"\nreply = "draft"\n'


def a_config(folder: Path) -> Config:
    store = StoreConfig(data=str(folder), database=f"sqlite:///{folder}/genlyd.db")
    return Config(rules=(Rule(name="loud", reply="automatic"),), store=store)


async def put(config: Config, text: str | None, *, file_print: str, follows: int = FILE) -> int:
    database = await open_database(config.store.database)
    try:
        return await Rulebooks(database).put_live(
            Kind.RULES, text, follows=follows, file_print=file_print, note="", changed=(), by="Mette", at=NOW
        )
    finally:
        await database.close()


async def rules_in_force(config: Config) -> Finding | None:
    findings = {finding.what: finding async for finding in examine(config)}
    return findings.get("rules in force")


async def test_where_nothing_was_put_live_neither_says_a_word_and_check_makes_no_database(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    assert await in_force.notes(config) == []
    assert not (tmp_path / "genlyd.db").exists()
    assert await rules_in_force(config) is None


async def test_check_says_who_put_what_live_and_how_the_file_differs(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    first = await put(config, CALM, file_print="")
    [note] = await in_force.notes(config)
    assert note.startswith(
        "the rules in force are not this file's: version 1 is, put live by Mette 2026-11-22 12:00 UTC"
    )
    assert '  -name = "loud"' in note.splitlines()
    assert '  +name = "calm"' in note.splitlines()
    await put(config, None, file_print="", follows=first)
    assert await in_force.notes(config) == []


async def test_the_doctor_says_what_is_in_force_and_that_the_file_was_edited_since(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    first = await put(config, CALM, file_print=print_of(books.spell(Kind.RULES, config)))
    finding = await rules_in_force(config)
    assert finding is not None
    assert finding.is_well
    assert "version 1 is, put live by Mette" in finding.detail
    await put(config, CALM, file_print="what it said before", follows=first)
    edited = await rules_in_force(config)
    assert edited is not None
    assert (edited.is_well, "was edited after they went live" in edited.detail) == (False, True)
    assert "/rules" in edited.cure


async def test_the_log_says_at_start_that_the_file_was_edited_since(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = a_config(tmp_path)
    first = await put(config, CALM, file_print=print_of(books.spell(Kind.RULES, config)))
    database = await open_database(config.store.database)
    try:
        await in_force.warn(config, database)
        assert "was edited" not in caplog.text
        await put(config, CALM, file_print="what it said before", follows=first)
        await in_force.warn(config, database)
    finally:
        await database.close()
    assert "the file was edited after a version of the page went live" in caplog.text


async def test_a_version_that_cannot_be_read_is_the_doctors_to_tell(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    await put(config, CALM + 'accounts = ["gone"]\n', file_print="")
    # Without any account the sandbox brings its own names, so nobody can say that one is unknown.
    assert (await rules_in_force(config)) is not None
    account = AccountConfig(name="hav", platform=Platform.X, handle="hav", credentials={})
    named = Config(accounts=(account,), rules=config.rules, store=config.store)
    database = await open_database(config.store.database)
    try:
        [finding] = [one async for one in in_force.examine(named, database)]
    finally:
        await database.close()
    assert (finding.is_well, "cannot be read here" in finding.detail) == (False, True)
    assert "nothing is answered by itself" in finding.detail
