"""Which line of a TOML file a value stands on, so that a problem can name its place.

Owns the search for lines. Refuses to parse TOML: the standard library does that and has the last word.
"""

import re

# A text may hold any line: what is looked for has to begin and end with what no space is, and stand near the start.
_TABLE = re.compile(r"\[(\[)?\s*([^\]\s](?:[^\]]*[^\]\s])?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*(?:\.[^=]*)?=")
_LOOKED_AT = 200
# What the standard library takes for a long dotted key grows with the square of its parts. Nothing here has four.
MOST_DOTS = 20
_PART = r"(?:[\w-]++|\"(?:[^\"\\\n]|\\.){0,100}+\"|'[^'\n]{0,100}+')"
_DOTTED = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MOST_DOTS + 1}}}")

Path = tuple[str | int, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Return the line (from 1) of each table and key, by path: ("accounts", 0, "name")."""
    found: dict[Path, int] = {}
    counts: dict[str, int] = {}
    here: Path = ()
    # Not splitlines(): TOML knows no other line ends, such as U+2028 within a text.
    for number, line in enumerate(text.split("\n"), start=1):
        start = line.strip()[:_LOOKED_AT]
        table = _TABLE.match(start)
        if table:
            name = table[2].strip()
            here = _table(name, is_array=bool(table[1]), counts=counts)
            found.setdefault(here, number)
            found.setdefault((name.split(".")[0],), number)
            continue
        key = _KEY.match(start)
        if key:
            found.setdefault((*here, key[1].strip("\"'")), number)
    return found


def line_of_long_key(text: str) -> int | None:
    """Return the line of a name with more than MOST_DOTS dots, such as a.b.c; None where there is none."""
    found = _DOTTED.search(text)
    return None if found is None else text.count("\n", 0, found.start()) + 1


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
