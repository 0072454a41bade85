"""Secrets never print (I9)."""

import json
import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import AccountConfig, AlertsConfig, Config, DashboardConfig, Secret, StoreConfig
from core.errors import ConfigError, Problem
from core.post import Platform

HIDDEN = "hemmelig-9f3a"


@given(st.text(min_size=4).filter(lambda value: "*" not in value))
def test_a_secret_prints_as_stars_however_it_is_asked(value: str) -> None:
    secret = Secret(value)
    assert secret.reveal() == value
    assert {str(secret), repr(secret), f"{secret}", f"{secret!r}", "%s" % secret, ascii(secret)} == {"***"}  # noqa: UP031


def test_a_whole_config_prints_without_its_secrets() -> None:
    config = Config(
        accounts=(
            AccountConfig(name="x", platform=Platform.X, handle="brand", credentials={"bearer_token": Secret(HIDDEN)}),
        ),
        store=StoreConfig(database=f"postgresql://genlyd:{HIDDEN}@db/genlyd", redis=f"redis://:{HIDDEN}@redis/0"),
        alerts=AlertsConfig(urls=(Secret(f"mailto://a:{HIDDEN}@example.com"),)),
    )
    assert HIDDEN not in repr(config)
    assert HIDDEN not in str(config.accounts[0])


def test_a_secret_stays_hidden_in_logs_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("signing in with %s", Secret(HIDDEN), extra={"secret": Secret(HIDDEN)})
    assert "***" in caplog.text
    assert HIDDEN not in caplog.text
    assert traceback.format_exception_only(ValueError(Secret(HIDDEN))) == ["ValueError: ***\n"]


def test_a_secret_is_not_json_and_compares_by_value() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(HIDDEN))
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    ("dashboard", "url"),
    [
        (DashboardConfig(), "http://127.0.0.1:8080"),
        (DashboardConfig(public_url="https://genlyd.example/"), "https://genlyd.example"),
    ],
)
def test_the_dashboards_address_has_no_slash_at_its_end(dashboard: DashboardConfig, url: str) -> None:
    assert dashboard.url == url


def test_a_config_error_lists_every_problem_with_its_file_and_line() -> None:
    problems = [Problem(line=3, where="store.redis", what="is wrong"), Problem(line=None, where="syntax", what="bad")]
    assert str(ConfigError(problems, file="genlyd.toml")).splitlines() == [
        "genlyd.toml: line 3: store.redis: is wrong",
        "genlyd.toml: syntax: bad",
    ]


def test_an_address_of_this_machine_alone_is_told_from_one_that_others_reach() -> None:
    assert DashboardConfig().is_only_here
    assert DashboardConfig(host="0.0.0.0").is_only_here
    assert not DashboardConfig(public_url="https://genlyd.example").is_only_here
