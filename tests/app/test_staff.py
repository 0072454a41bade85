"""People at the console, and what the file says of how they come in."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.__main__ import cli, main
from app.config import parse
from core.errors import ConfigError
from core.rights import Role
from store.people import LastAdmin

runner = CliRunner()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "genlyd.toml"
    file.write_text(
        f'[store]\ndatabase = "sqlite:///{tmp_path / "g.db"}"\n[dashboard]\npublic_url = "https://d.hav.dk"\n'
    )
    return file


def say(file: Path, *words: str, typed: str = "") -> str:
    done = runner.invoke(cli, ["user", *words, "--config", str(file)], input=typed)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output.strip()


def test_the_first_administrator_is_made_and_the_house_run_from_the_console(file: Path) -> None:
    assert "nobody yet" in say(file, "list")
    assert say(file, "add", "Ida", "--role", "admin", typed="en god lang sætning\n") == "Ida can sign in as admin"
    link = say(file, "invite", "Nils", "--role", "agent")
    assert re.fullmatch(r"https://d\.hav\.dk/join/[A-Za-z0-9_-]{43}", link)
    assert say(file, "invite", "nils") != link
    listed = say(file, "list")
    assert "Ida: admin, active, no second factor, never seen" in listed
    assert "Nils: agent, invited" in listed
    assert say(file, "role", "Nils", "approver") == "Nils is approver"
    assert say(file, "factor", "Ida") == "Ida had none"
    assert say(file, "sign-out", "Ida").startswith("Ida is signed out everywhere")
    with pytest.raises(LastAdmin):
        say(file, "deactivate", "Ida")
    with pytest.raises(LastAdmin):
        say(file, "role", "Ida", "agent")
    say(file, "add", "Per", "--role", "admin", typed="en god lang sætning\n")
    assert say(file, "deactivate", "Ida") == "Ida cannot sign in any more"
    assert "Ida: admin, deactivated" in say(file, "list")
    assert say(file, "reactivate", "Ida") == "Ida can sign in"


def test_a_name_nobody_has_is_told_with_where_to_look(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["genlyd", "user", "role", "Nobody", "agent", "--config", str(file)])
    with pytest.raises(SystemExit):
        main()
    assert "genlyd user list" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        ('"optional"', frozenset()),
        ('"required"', frozenset(Role)),
        ('["supervisor", "admin"]', frozenset({Role.SUPERVISOR, Role.ADMIN})),
    ],
)
def test_the_house_says_who_needs_a_second_factor(said: str, roles: frozenset[Role]) -> None:
    config = parse(f"[dashboard]\nsecond_factor = {said}", file="", environment={})
    assert config.dashboard.second_factor == roles


def test_a_provider_is_read_and_its_roles_fall_to_the_highest() -> None:
    text = """
[oidc]
issuer = "https://id.hav.dk/"
client_id = "genlyd"
client_secret = "env:SECRET"
role_claim = "groups"
[oidc.roles]
agent = ["desk"]
admin = ["it", "boss"]
"""
    oidc = parse(text, file="", environment={"SECRET": "hush"}).oidc
    assert oidc is not None
    assert oidc.issuer == "https://id.hav.dk"
    assert oidc.role_of(frozenset({"desk", "it"})) is Role.ADMIN
    assert oidc.role_of(frozenset({"other"})) is None
    assert "hush" not in repr(oidc)


_WHOLE = '[oidc]\nclient_id = "x"\nclient_secret = "y"\nissuer = "https://i.dk"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[dashboard]\nsecond_factor = "always"', 'must be "optional", "required", or a list of the roles'),
        ('[dashboard]\nsecond_factor = ["boss"]', 'of "reader", "agent"'),
        ('[dashboard]\nproxies = ["proxy.hav.dk"]', "is no address or network"),
        ("[dashboard]\nidle_minutes = 1", "must be from 5 to 10080"),
        ('[oidc]\nissuer = "http://id.hav.dk"\nclient_id = "x"\nclient_secret = "y"', "must start with https://"),
        ('[oidc]\nissuer = "https://id.hav.dk"', "oidc.client_id: is missing"),
        (f'{_WHOLE}role_claim = "g"', "[oidc.roles]"),
        (
            '[oidc]\nclient_id = "x"\nclient_secret = "y"\nissuer = "https://i.dk"\n[oidc.roles]\nadmin = ["a"]',
            "role_claim",
        ),
        (
            '[oidc]\nclient_id = "x"\nclient_secret = "y"\nissuer = "https://i.dk"\n[oidc.roles]\nboss = ["a"]',
            "unknown key",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_cure(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text, file="", environment={})
    assert said in str(raised.value)
    assert all(problem.line for problem in raised.value.problems)


def test_a_secret_of_the_provider_never_prints() -> None:
    with pytest.raises(ConfigError) as raised:
        parse('[oidc]\nissuer = "https://i.dk"\nclient_id = "x"\nclient_secret = 12345678', file="", environment={})
    assert "client_secret" in str(raised.value)
    assert "12345678" not in str(raised.value)
