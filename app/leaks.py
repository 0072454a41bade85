"""`genlyd leaks`: whether a text stands anywhere in what we keep. The proof that a deletion went all the way.

Owns which files are looked through, and the order. Read only. Refuses to print the text itself (I9).
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from core.config import Config
from core.errors import StoreError
from core.needle import Needle
from store.database import file_of, open_database
from store.embedded import EmbeddedValkey
from store.leaks import Found, Looked, in_redis, in_rows

_CHUNK = 1 << 20
# What SQLite keeps beside its file.
_BESIDE = ("", "-wal", "-shm", "-journal")


@dataclass(slots=True, kw_only=True)
class Search:
    """What was looked through, and what could not be."""

    looked: Looked = field(default_factory=Looked)
    files: int = 0
    read_bytes: int = 0
    problems: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """Say how much was looked through."""
        size = f"{self.read_bytes / 1e6:.1f} MB"
        return f"looked through {self.files} files ({size}), {self.looked.rows} rows and {self.looked.keys} Redis keys"


async def leaks(config: Config, needle: Needle, also: Sequence[Path], search: Search) -> AsyncIterator[Found]:
    """Yield every place where the text stands: files as they lie there, then rows, then Redis.

    Files come first: opening the database is what would tidy its journal. Raises: StoreError, ConfigError.
    """
    for file in _files(config, also):
        found = await asyncio.to_thread(_in_file, file, needle, search)
        if found is not None:
            yield found
    database = await open_database(config.store.database)
    try:
        async for found in in_rows(database, needle, search.looked):
            yield found
    finally:
        await database.close()
    async for found in _in_redis(config, needle, search):
        yield found


async def _in_redis(config: Config, needle: Needle, search: Search) -> AsyncIterator[Found]:
    embedded = EmbeddedValkey(Path(config.store.data)) if config.store.redis == "embedded" else None
    started = embedded is not None and await embedded.start()
    try:
        async for found in in_redis(embedded.url if embedded else config.store.redis, needle, search.looked):
            yield found
    except StoreError as err:
        search.problems.append(str(err))
    finally:
        if embedded is not None and started:
            await embedded.stop()


def _files(config: Config, also: Sequence[Path]) -> list[Path]:
    """Every file in the data folder, SQLite's own wherever they are, and what the caller named."""
    database = file_of(config.store.database)
    beside = [Path(f"{database}{end}") for end in _BESIDE] if database is not None else []
    found: dict[Path, None] = {}
    for root in (Path(config.store.data), *beside, *also):
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file():
                found[path.resolve()] = None
    return list(found)


def _in_file(file: Path, needle: Needle, search: Search) -> Found | None:
    try:
        with _open(file) as stream:
            search.files += 1
            return _in_stream(file, stream, needle, search)
    except (OSError, EOFError) as err:
        search.problems.append(f"{file} could not be read: {err}")
        return None


def _open(file: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(file)) if file.suffix == ".gz" else file.open("rb")


def _in_stream(file: Path, stream: BinaryIO, needle: Needle, search: Search) -> Found | None:
    for at, raw in _overlapping(stream, needle.longest):
        search.read_bytes += len(raw)
        spelled = needle.within(raw)
        if spelled is not None:
            return Found(where=f"{file}, from byte {at} on", spelled=spelled)
    return None


def _overlapping(stream: BinaryIO, overlap: int) -> Iterator[tuple[int, bytes]]:
    """Yield a file piece by piece, each with the end of the one before: the text may lie across the cut."""
    at, tail = 0, b""
    while piece := stream.read(_CHUNK):
        raw = tail + piece
        yield at, raw
        tail = raw[-overlap:]
        at += len(raw) - len(tail)
