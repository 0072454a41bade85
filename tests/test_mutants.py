"""The hand-made mutants still fit the code they spoil, and docs/attacks.md lists each. `make mutants` tries them."""

import re
from pathlib import Path

import pytest

from tests.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_mutant_fits_its_code_and_names_a_test_there_is(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.new != mutant.old
    for test in mutant.tests.split():
        file, _, name = test.partition("::")
        assert not name or re.search(rf"def {name}\(", (ROOT / file).read_text(encoding="utf-8"))


def test_the_document_lists_every_mutant_and_no_other() -> None:
    listed = (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w/.]+\.py)` \| ([^|]+) \|$", listed, re.MULTILINE)
    assert sorted(rows) == sorted((mutant.file, mutant.what) for mutant in MUTANTS)
