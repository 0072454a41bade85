"""How a figure and a table are written: Markdown, as the model card has it.

Owns the spelling of numbers. Refuses to compute one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOTHING = "–"

# What `--json` writes of a section: numbers, texts, and tables of them by name.
Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table with its heading. `figures` are the same numbers unrounded; `left` columns are texts, set left."""

    name: str
    title: str
    note: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    figures: Figures
    left: int = 1


def markdown(section: Section) -> str:
    """Return the section as Markdown: heading, note, table."""
    rule = ["---"] * section.left + ["--:"] * (len(section.head) - section.left)
    lines = (section.head, tuple(rule), *section.rows)
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"### {section.title}\n\n{section.note}\n\n{table}\n"


def share(value: float) -> str:
    """Return .662 for 0.662, as statisticians write what lies between -1 and 1; a dash where there is no figure."""
    if math.isnan(value):
        return NOTHING
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def between(value: float, interval: tuple[float, float]) -> str:
    """Return a figure with its interval: .662 (.631 to .690)."""
    low, high = interval
    return f"{share(value)} ({share(low)} to {share(high)})"


def count(value: int) -> str:
    """Return 12,284 for 12284."""
    return f"{value:,}"


def ratio(part: float, whole: float) -> float:
    """Return part / whole, and NaN of nothing."""
    return part / whole if whole else math.nan


def plain(value: Any) -> Any:  # JSON's own type is no narrower
    """Return figures as JSON can hold them: NaN, which it has no word for, becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return value
