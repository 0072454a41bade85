"""deploy/ fits the code: every command line, room, file and variable in it is one that Genlyd knows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import config as app_config
from app.__main__ import ROOMS
from tests.docs.test_docs import EXAMPLE, ROOT, _check_command

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("genlyd:")}
UNIT = DEPLOY / "systemd" / "genlyd@.service"
PINNED = re.compile(r"[a-z/]+:\d+\.\d+(\.\d+)?[\w.-]*$")


def _environment() -> dict[str, str]:
    lines = (DEPLOY / "genlyd.env.example").read_text(encoding="utf-8").splitlines()
    return {name: value or "something" for name, _, value in (one.partition("=") for one in lines if "=" in one)}


def test_each_room_is_a_service_with_a_command_line_that_exists() -> None:
    assert set(OURS) == set(ROOMS)
    for name, service in OURS.items():
        _check_command(service["command"], "deploy/compose.yaml")
        assert service["command"][service["command"].index("--only") + 1] == name


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_pinned_watched_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert PINNED.fullmatch(service["image"]), service["image"]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        assert source.startswith("./") or source in COMPOSE["volumes"], f"{source} is no volume"


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_without_rights_on_a_disk_they_cannot_write(name: str) -> None:
    service = OURS[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["depends_on"] == {name: {"condition": "service_healthy"} for name in ("postgres", "valkey")}
    port = service["command"][service["command"].index("--port") + 1]
    assert f"127.0.0.1:{port}/healthz" in " ".join(service["healthcheck"]["test"])


def test_the_image_is_pinned_hashed_and_not_roots() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", lines, re.MULTILINE)
    assert len(bases) == 2
    assert all(PINNED.fullmatch(base) for base in bases)
    assert "--require-hashes --only-binary :all: -r requirements/run.txt" in lines
    assert re.search(r"^USER 10001:10001$", lines, re.MULTILINE)
    (command,) = re.findall(r"^CMD (\[.*\])$", lines, re.MULTILINE)
    _check_command(yaml.safe_load(command), "deploy/Dockerfile")


def test_the_builder_gets_every_package_and_nothing_that_is_not_there() -> None:
    kept = re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert all((ROOT / name).exists() for name in kept)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {*packages, "pyproject.toml", "README.md", "LICENSE", "requirements/run.txt"} == set(kept)


def test_the_units_command_line_exists() -> None:
    (line,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    program, *words = line.split()
    assert program == "/srv/genlyd/.venv/bin/genlyd"
    assert words[words.index("--only") + 1] == "%i"
    _check_command([word for word in words if word not in ("%i", "$OPTIONS")], UNIT.name)
    described = UNIT.read_text(encoding="utf-8").splitlines()[0]
    assert set(re.findall(r"genlyd@(\w+)", described)) == set(ROOMS)


def test_the_house_in_one_unit_is_as_hard_as_its_rooms_in_several() -> None:
    house = (DEPLOY / "systemd" / "genlyd.service").read_text(encoding="utf-8")
    (line,) = re.findall(r"^ExecStart=\S+ (.*)$", house, re.MULTILINE)
    _check_command(line.split(), "genlyd.service")
    hard = UNIT.read_text(encoding="utf-8").partition("Restart=")[2].partition("[Install]")[0]
    assert hard in house


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in (DEPLOY / "systemd").iterdir():
        text = unit.read_text(encoding="utf-8").replace("/srv/genlyd/.venv/bin/genlyd", sys.executable)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
        command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        ours = [line for line in done.stderr.splitlines() if "genlyd" in line]
        assert (done.returncode, ours) == (0, [])


def test_the_environment_names_what_the_example_and_the_machines_ask_for() -> None:
    environment = _environment()
    named = set(re.findall(r'"env:(\w+)"', EXAMPLE.read_text(encoding="utf-8"))) - {"NAME"}
    assert {*named, "GENLYD_DATABASE", "GENLYD_REDIS"} == set(environment)
    text = EXAMPLE.read_text(encoding="utf-8")
    text = text.replace('#database = "sqlite:///data/genlyd.db"', 'database = "env:GENLYD_DATABASE"')
    text = text.replace('redis = "embedded"', 'redis = "env:GENLYD_REDIS"')
    store = app_config.parse(text, file="genlyd.toml", environment=environment).store
    assert store.database == environment["GENLYD_DATABASE"]
    assert store.redis == "redis://valkey:6379/0"
