"""Fail points: nothing unless asked for, and then a process that really ends, with proof."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import failpoint
from core.errors import ConfigError
from core.failpoint import AT, POINTS, PROOF, arm, reach

ROOT = Path(__file__).parents[2]
CODE = "\n".join(
    file.read_text(encoding="utf-8")
    for name in ("store", "platforms", "listeners", "sentiment", "responder", "dashboard", "app")
    for file in (ROOT / name).rglob("*.py")
)
SCRIPT = (
    "import os\n"
    "from core.failpoint import arm, reach\n"
    "arm(os.environ)\n"
    "for number in range(5):\n"
    "    print(number, flush=True)\n"
    "    reach('R5')\n"
)


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm({})


def _run(at: str, proof: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, AT: at, PROOF: str(proof), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_process_is_killed_at_its_point_and_leaves_proof(tmp_path: Path) -> None:
    ended = _run("R5:kill", tmp_path / "proof")
    assert (ended.returncode, ended.stdout) == (-9, "0\n")
    assert (tmp_path / "proof").read_text().startswith("R5 ")


def test_the_third_time_means_the_third_time(tmp_path: Path) -> None:
    assert _run("R5:kill@3", tmp_path / "proof").stdout == "0\n1\n2\n"


def test_another_point_is_passed_by_and_leaves_no_proof(tmp_path: Path) -> None:
    ended = _run("R6:kill", tmp_path / "proof")
    assert (ended.returncode, len(ended.stdout.split())) == (0, 5)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("at", ["R9:kill", "R5", "R5:explode", "R5:kill@0", "R5:kill@x", ":"])
def test_what_is_no_fail_point_is_refused_and_the_known_are_listed(at: str) -> None:
    with pytest.raises(ConfigError, match="Known: I1, I2") as caught:
        arm({AT: at, PROOF: "/nowhere"})
    assert repr(at) in str(caught.value)


def test_without_a_file_for_the_proof_it_is_refused() -> None:
    with pytest.raises(ConfigError, match=PROOF):
        arm({AT: "R5:kill"})


def test_a_house_that_is_asked_for_a_point_there_is_not_says_so_and_does_not_start(tmp_path: Path) -> None:
    environment = {**os.environ, AT: "R99:kill", PROOF: str(tmp_path / "proof"), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "app", "run", "--config", "genlyd.example.toml", "--only", "responder"],
        env={**environment, **dict.fromkeys(_SECRETS, "x"), "GENLYD_ALERT_URL": "json://127.0.0.1:9/x"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "R99:kill" in ended.stderr


_SECRETS = (
    "X_CONSUMER_KEY", "X_CONSUMER_SECRET", "X_ACCESS_TOKEN", "X_ACCESS_TOKEN_SECRET", "X_BEARER_TOKEN",
    "REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET", "REDDIT_USERNAME", "REDDIT_PASSWORD",
)  # fmt: skip


def test_off_it_does_nothing() -> None:
    arm({})
    reach("R5")
    assert not failpoint._armed


@pytest.mark.parametrize("point", POINTS)
def test_every_point_is_reached_in_the_code(point: str) -> None:
    assert f'reach("{point}")' in CODE


def test_the_code_reaches_no_point_that_is_not_in_the_table(tmp_path: Path) -> None:
    assert set(re.findall(r'reach\("([^"]*)"\)', CODE)) == set(POINTS)
    arm({AT: "R5:kill", PROOF: str(tmp_path / "proof")})
    with pytest.raises(ConfigError, match="no fail point"):
        reach("R99")
