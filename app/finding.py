"""What one check of `genlyd doctor` found.

Owns the shape. Refuses to check anything.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: what, whether it is well, and the cure where it is not."""

    what: str
    is_well: bool
    detail: str
    cure: str = ""
