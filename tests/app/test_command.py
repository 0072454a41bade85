"""The console command's statuses: 0 well, 1 something failed, 2 the config or the call is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import Exportable
from store.database import open_database
from store.exports import QUERIES
from tests.builders import a_mention, decided

ROOT = Path(__file__).parents[2]


def genlyd(*arguments: str | Path, given: bytes = b"", folder: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
    command = [sys.executable, "-m", "app", *map(str, arguments)]
    return subprocess.run(
        command, input=given, cwd=folder, env=environment, capture_output=True, timeout=60, check=False
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(f'brand = "Fjordnet"\n[store]\ndata = "{tmp_path}/data"\n', encoding="utf-8")
    return file


def test_a_good_file_is_checked_well(file: Path, tmp_path: Path) -> None:
    done = genlyd("check", "--config", file, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"0 accounts, 0 watches, 8 rules: well" in done.stdout


def test_a_faulty_file_is_status_2_with_every_problem_and_its_line(file: Path, tmp_path: Path) -> None:
    file.write_text("brnad = 1\n[store]\nretention_days = 0\n", encoding="utf-8")
    done = genlyd("check", file, folder=tmp_path)
    assert done.returncode == 2
    first, second = done.stderr.decode().splitlines()
    assert first.startswith(f"{file}: line 1: brnad: unknown key")
    assert second.startswith(f"{file}: line 3: store.retention_days: must be from 1")


@pytest.mark.parametrize(
    "arguments",
    [("check", "nowhere.toml"), ("export", "secrets"), ("nonsense",), ("score", "--config", "nowhere.toml")],
)
def test_a_call_that_cannot_be_meant_is_status_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = genlyd(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr
    assert b"Traceback" not in done.stderr


def test_score_answers_every_line_and_a_bad_one_makes_status_1(tmp_path: Path) -> None:
    good = json.dumps({"text": "Tusind tak for hjælpen!"}).encode()
    done = genlyd("score", given=good + b"\n\n" + b'{"text": "\xff\xfe tak"}\n', folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 2
    assert answers[0]["sentiment"] == "positive"
    done = genlyd("score", given=b"nonsense\n" + good, folder=tmp_path)
    assert done.returncode == 1
    assert [("error" in json.loads(line)) for line in done.stdout.splitlines()] == [True, False]


async def test_export_writes_a_json_line_for_each_row(file: Path, tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/data/genlyd.db")
    await decided(database, a_mention("1"), a_mention("2"))
    await database.close()
    done = genlyd("export", "posts", "--format", "jsonl", "--config", file, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [json.loads(line)["native_id"] for line in done.stdout.splitlines()] == ["1", "2"]
    assert "væk" in done.stdout.decode(), "letters stay letters"


def test_all_that_can_be_exported_can_be_asked_for_and_is_named_in_the_docs() -> None:
    assert {one.value for one in Exportable} == QUERIES.keys()
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("| `genlyd export posts`")]
    assert [one for one in QUERIES if f"`{one}`" not in line.replace("`genlyd export posts`", "`posts`")] == []


def test_a_database_that_cannot_be_opened_is_status_1_with_a_sentence(file: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    done = genlyd("export", "posts", "--config", file, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(b"genlyd: the database failed")
    assert b"Traceback" not in done.stderr


def test_a_database_url_that_cannot_work_is_status_2_and_hides_its_password(file: Path, tmp_path: Path) -> None:
    file.write_text('[store]\ndatabase = "postgresql://kari:hemmelig@host:port/genlyd"\n', encoding="utf-8")
    done = genlyd("export", "posts", "--config", file, folder=tmp_path)
    assert done.returncode == 2
    assert b"use sqlite:///FILE" in done.stderr
    assert b"hemmelig" not in done.stderr
