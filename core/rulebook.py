"""Rulebooks: the rules or watches of the house as a text, one version after the other.

Owns the words that store, rooms and roof share about them, and how two versions differ. Refuses to read TOML: the roof
does.
"""

import difflib
import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# The version of whatever the configuration file says.
FILE = 0


class Kind(StrEnum):
    """What a rulebook holds."""

    RULES = "rules"
    WATCHES = "watches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """One version, live from `made_at` until the next one of its kind was made.

    `text` is TOML; None says that the configuration file is in force again. `file_print` is the print of what the file
    said when this was put live. `takes_up` is the version whose text this one takes up again.
    """

    id: int
    kind: Kind
    text: str | None
    note: str
    made_by: str
    made_at: datetime
    file_print: str
    takes_up: int | None = None


def print_of(text: str) -> str:
    """Return a short print of a text: equal where the texts are."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changed_lines(before: str, after: str) -> tuple[str, ...]:
    """Return how two texts differ, as a unified diff without its head: "-" gone, "+" new, "@@" a place, " " around."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return tuple(line for line in lines if not line.startswith(("---", "+++")))
