"""Which rules and watches are in force, and how the configuration file differs: for `genlyd check` and `doctor`.

Owns these looks and their words. Refuses to choose, and to change anything.
"""

import asyncio
import logging
from collections.abc import AsyncIterator

from app import books
from app.finding import Finding
from app.following import Follower, follow_rules, follow_watches
from core.config import Config, Rule
from core.errors import StoreError
from core.rulebook import Kind, Rulebook, changed_lines, print_of
from core.watch import Watch
from store.database import Database, look_into
from store.rulebooks import Rulebooks

log = logging.getLogger(__name__)

# So many lines of a difference are shown.
_MOST_LINES = 20
_PATIENCE_SECONDS = 5.0


async def notes(config: Config) -> list[str]:
    """Return what a person who reads the file should know: that it is not what is in force, and how it differs."""
    database = look_into(config.store.database)
    if database is None:
        return []
    found: list[str] = []
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            for kind in Kind:
                found += await _notes_of(kind, config, Rulebooks(database))
    except (StoreError, TimeoutError):
        # Not set up yet, of an older version, or away: `doctor` says which.
        return ["the database does not tell whether rules or watches were put live on a page; see `genlyd doctor`"]
    finally:
        await database.close()
    return found


async def examine(config: Config, database: Database) -> AsyncIterator[Finding]:
    """Yield a finding for each kind of which a version was ever put live."""
    store = Rulebooks(database)
    for follower in (follow_rules(config, store), follow_watches(config, store)):
        newest = await _newest(follower.kind, store)
        if newest is not None:
            yield await _finding(follower, newest, config)


async def warn(config: Config, database: Database) -> None:
    """Say in the log where the file was edited after a page's version went live: a person has to choose."""
    store = Rulebooks(database)
    for kind in Kind:
        newest = await _newest(kind, store)
        if newest is not None and newest.text is not None and newest.file_print != print_of(books.spell(kind, config)):
            fields = {"kind": kind, "version": newest.id, "page": f"/{kind}"}
            log.warning("the file was edited after a version of the page went live, which stays in force", extra=fields)


async def watches_in_force(config: Config, database: Database) -> tuple[Watch, ...]:
    """Return the watches that listeners follow."""
    return await follow_watches(config, Rulebooks(database)).fresh()


async def _notes_of(kind: Kind, config: Config, store: Rulebooks) -> list[str]:
    newest = await _newest(kind, store)
    if newest is None or newest.text is None:
        return []
    changed = changed_lines(books.spell(kind, config), newest.text)
    said = f"the {kind} in force are not this file's: {_who(newest)}; page /{kind}"
    if not changed:
        return [f"{said}. They say the same"]
    lines = [f"  {line}" for line in changed[:_MOST_LINES]]
    if len(changed) > _MOST_LINES:
        lines.append(f"  ... and {len(changed) - _MOST_LINES} lines more")
    return ["\n".join([f"{said}. From the file to what is in force:", *lines])]


async def _finding(follower: Follower[Rule] | Follower[Watch], newest: Rulebook, config: Config) -> Finding:
    kind = follower.kind
    what = f"{kind} in force"
    if newest.text is None:
        return Finding(what=what, is_well=True, detail=f"the file's, since {newest.made_by} went back to it")
    in_force = await follower.fresh()
    if follower.problem:
        return Finding(what=what, is_well=False, detail=follower.problem, cure=f"mend it on the page /{kind}")
    file_text = books.spell(kind, config)
    differs = len([one for one in changed_lines(file_text, newest.text) if one[:1] in "+-"])
    detail = f"{_who(newest)}, {len(in_force)} of them; the file differs in {differs} lines"
    was_edited = newest.file_print != print_of(file_text)
    if was_edited:
        detail += ", and was edited after they went live"
    cure = f"choose on the page /{kind}: use the file, or keep what is in force"
    return Finding(what=what, is_well=not was_edited, detail=detail, cure=cure)


async def _newest(kind: Kind, store: Rulebooks) -> Rulebook | None:
    history = await store.history(kind, limit=1)
    return history[0] if history else None


def _who(book: Rulebook) -> str:
    return f"version {book.id} is, put live by {book.made_by} {book.made_at:%Y-%m-%d %H:%M} UTC"
