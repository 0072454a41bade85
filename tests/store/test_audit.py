"""The audit is whole: whatever a person changes is written down with what it was and what it is."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What has no value that may be written, or none but that it happened.
_BARE = {"accept invitation", "bind provider", "make link", "new recovery codes", "set password"}


def _calls() -> list[tuple[str, ast.Call]]:
    return [
        (file.name, node)
        for file in sorted((ROOT / "store").glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "record"
    ]


def test_every_line_of_the_audit_says_what_changed() -> None:
    calls = _calls()
    assert len(calls) > 25
    for name, call in calls:
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        action = given["action"]
        is_bare = isinstance(action, ast.Constant) and action.value in _BARE
        assert "detail" in given or is_bare, f"{name}, line {call.lineno}: before and after are missing"
