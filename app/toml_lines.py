"""Which line of a TOML file a value stands on, so that a problem can name its place.

Owns the search for lines. Refuses to parse TOML: the standard library does that and has the last word.
"""

import re

_TABLE = re.compile(r"^\s*\[(\[)?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*(?:\.[^=]*)?=")

Path = tuple[str | int, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Return the line (from 1) of each table and key, by path: ("accounts", 0, "name")."""
    found: dict[Path, int] = {}
    counts: dict[str, int] = {}
    here: Path = ()
    # Not splitlines(): TOML knows no other line ends, such as U+2028 within a text.
    for number, line in enumerate(text.split("\n"), start=1):
        table = _TABLE.match(line)
        if table:
            name = table[2].strip()
            here = _table(name, is_array=bool(table[1]), counts=counts)
            found.setdefault(here, number)
            found.setdefault((name.split(".")[0],), number)
            continue
        key = _KEY.match(line)
        if key:
            found.setdefault((*here, key[1].strip("\"'")), number)
    return found


def line_of(found: dict[Path, int], path: Path) -> int | None:
    """Return the line of `path`, or of the nearest thing around it."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return None


def _table(name: str, *, is_array: bool, counts: dict[str, int]) -> Path:
    parts: Path = tuple(part.strip().strip("\"'") for part in name.split("."))
    if not is_array:
        return parts
    index = counts.get(name, 0)
    counts[name] = index + 1
    return (*parts, index)
