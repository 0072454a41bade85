"""docs/attacks.md tells of every fail point, in its own words, and of a test that strikes there."""

import re
from pathlib import Path

from core.failpoint import POINTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")


def test_every_point_in_the_code_is_listed_with_a_test_that_strikes_it() -> None:
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \| `(test_\w+)` \|$", PAGE, re.MULTILINE)
    assert [(point, meaning) for point, meaning, _ in rows] == list(POINTS.items())
