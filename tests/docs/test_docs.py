"""The documents tell the truth: links lead somewhere, commands, keys, metrics and tests they name exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from app import config as app_config
from app import config_alerts, config_watches
from app.__main__ import cli
from core.config import Config
from core.errors import ConfigError
from responder import rules

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "genlyd.example.toml"
PAGES = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
PACKAGES = ("core", "store", "platforms", "listeners", "sentiment", "responder", "dashboard", "app", "emulators")

_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|(?<=[\s/]))(make|genlyd)((?: +[^\s|;&>]+)*)", re.MULTILINE)
_KEY = re.compile(r"^#?([a-z_]+) = ", re.MULTILINE)
_FILE = re.compile(r"^[\w.-]+(?:/[\w.<>-]+)*/?[\w-]+\.(?:py|md|toml|txt|html|js|css)$")
_METRIC = re.compile(r'(?:Counter|Gauge|Histogram)\(\s*"(genlyd_\w+)"')


class Everything(Mapping[str, str]):
    """An environment in which every variable is set."""

    def __getitem__(self, name: str) -> str:
        return f"json://{name.lower()}"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _spell(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _code(page: Path) -> list[str]:
    """What a page sets as code: fenced blocks line by line, and inline spans."""
    text = page.read_text(encoding="utf-8")
    fenced = [line for block in _FENCE.findall(text) for line in block.splitlines()]
    return fenced + _INLINE.findall(_FENCE.sub("", text))


def _commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    for code in _code(page):
        for program, rest in _COMMAND.findall(code.split("  #", maxsplit=1)[0]):
            yield program, shlex.split(rest)


def _anchors(page: Path) -> set[str]:
    """The anchors a forge makes of headings."""
    bare = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in _HEADING.findall(page.read_text(encoding="utf-8")))
    return {re.sub(r"\s", "-", heading.strip()) for heading in bare}


@pytest.mark.parametrize("page", PAGES, ids=_spell)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{_spell(page)} links to {link}, which is not there"
        assert ROOT in (target, *target.parents), f"{_spell(page)} links out of the repository: {link}"
        if anchor:
            assert anchor in _anchors(target), f"{_spell(page)} links to {link}, which has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=_spell)
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for program, words in _commands(page):
        if program == "make":
            named = {word for word in words if "=" not in word}
            assert named <= targets, f"{_spell(page)} names make {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=_spell)
def test_every_genlyd_command_and_option_named_exists(page: Path) -> None:
    for program, words in _commands(page):
        if program == "genlyd" and words:
            _check_command(words, _spell(page))


def _check_command(words: list[str], page: str) -> None:
    said = f"{page} names genlyd {' '.join(words)}"
    command: TyperGroup | TyperCommand | Any = typer.main.get_command(cli)
    rest = list(words)
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, said
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word.partition("=")[0] for word in rest if word.startswith("-")} <= known, said


@pytest.mark.parametrize("page", PAGES, ids=_spell)
def test_every_file_named_is_there(page: Path) -> None:
    for code in _INLINE.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if _FILE.match(code) and "/" in code and "<" not in code and not code.startswith(("data/", "build/", ".")):
            assert (ROOT / code).exists(), f"{_spell(page)} names {code}, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=_spell)
def test_every_test_named_is_there(page: Path) -> None:
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    for code in _INLINE.findall(page.read_text(encoding="utf-8")):
        if re.fullmatch(r"test_[a-z0-9_]+", code):
            assert f"def {code}(" in tests, f"{_spell(page)} names {code}, which is no test"


@pytest.mark.parametrize("page", PAGES, ids=_spell)
def test_lines_are_short_enough_to_read(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    long = [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")]
    assert not long, f"{_spell(page)}: {long}"


def test_the_matrix_of_gaps_is_whole() -> None:
    page = (ROOT / "docs" / "gaps.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    named = {row[0] for row in rows if len(row) == 2 and row[1].startswith("`test_")}
    cells = [
        cell for row in rows if len(row) == 6 and row[0] != "cause" for cell in row[1:] if not cell.startswith("--")
    ]
    assert len(cells) == 75
    used = {letter.strip() for cell in cells for letter in cell.split(",")}
    assert used - {"-"} == named


def test_operations_lists_every_metric_and_no_other() -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for name in PACKAGES for file in (ROOT / name).rglob("*.py"))
    listed = _INLINE.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
    assert {name for name in listed if re.fullmatch(r"genlyd_\w+", name)} == set(_METRIC.findall(code))


def test_the_example_is_a_config() -> None:
    config = app_config.load(EXAMPLE, Everything())
    assert {account.platform.value for account in config.accounts} == {"x", "reddit"}
    assert len(config.watches) == 2


def test_the_example_shows_the_defaults() -> None:
    config, default = app_config.load(EXAMPLE, Everything()), Config(rules=rules.DEFAULT_RULES)
    assert config.rules == default.rules
    assert (config.brand, config.language) == (default.brand, default.language)
    assert (config.store, config.dashboard, config.sentiment) == (default.store, default.dashboard, default.sentiment)
    assert config.safety == default.safety
    assert config.breaker == default.breaker
    assert config.hours == default.hours
    assert replace(config.alerts, urls=()) == default.alerts


def test_the_keys_that_are_off_are_right_too() -> None:
    """A reader takes the # away: the file must still be a config."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    switched = [re.sub(r"^#(?=[a-z_]+ = |\[\[)", "", line) for line in lines]
    assert switched != lines
    config = app_config.parse("\n".join(switched), file="example", environment=Everything())
    assert config.rules[-1].intents
    assert config.accounts[0].base_url
    assert [step.name for step in config.alerts.steps] == ["people", "team", "on-call"]


def test_the_example_has_every_key_there_is() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    tables = re.findall(r"^#?\[+([a-z.]+)\]", text, re.MULTILINE)
    shown = {*_KEY.findall(text), *(part for table in tables for part in table.split("."))}
    missing = _known_keys() - shown
    assert not missing, f"genlyd.example.toml does not show {sorted(missing)}"


def _known_keys() -> set[str]:
    """Every key the reader knows: the ones it lists, and for the plain tables the ones it tells of."""
    keys = {*app_config._TABLES, *app_config._ACCOUNT_KEYS, *config_watches._WATCH_KEYS, *rules._KEYS}
    keys.update(*app_config.CREDENTIALS.values())
    keys.update(config_alerts._STEP_KEYS)
    for table in ("store", "dashboard", "oidc", "sentiment", "safety", "hours", "alerts", "breaker"):
        with pytest.raises(ConfigError) as raised:
            app_config.parse(f"[{table}]\nzzzzzzzz = 1\n", file="", environment={})
        [problem] = raised.value.problems
        assert "; known here: " in problem.what
        keys.update(problem.what.partition("; known here: ")[2].split(", "))
    return keys


def test_a_key_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        app_config.parse("[store]\ndatabas = 'x'\n", file="", environment={})
