"""The operator's file, read and checked as a whole: every problem at once, each with its line.

Owns the file's format. Refuses to start anything.
"""

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path as FilePath
from typing import Any

from app.config_accounts import check_apart, nearest
from app.config_alerts import read_alerts, read_hours, read_quiet, read_zone
from app.config_people import read_dashboard, read_oidc
from app.config_watches import watches_of
from app.toml_lines import MOST_DOTS, Path, line_of, line_of_long_key, lines_of
from core.assessment import Language
from core.config import (
    AccountConfig,
    BreakerConfig,
    Config,
    DeskConfig,
    Rule,
    SafetyConfig,
    Secret,
    SentimentConfig,
    StoreConfig,
)
from core.errors import ConfigError, Problem
from core.post import Platform
from responder.rules import DEFAULT_RULES, read_rule
from store.redis_urls import problem_with

CREDENTIALS: Mapping[Platform, tuple[str, ...]] = {
    Platform.X: ("consumer_key", "consumer_secret", "access_token", "access_token_secret", "bearer_token"),
    Platform.REDDIT: ("client_id", "client_secret", "username", "password", "user_agent"),
}
# Credentials, and addresses that may hold one (I9).
_NEVER_SHOWN = frozenset(
    {key for keys in CREDENTIALS.values() for key in keys} | {"database", "redis", "client_secret"}
)
_ACCOUNT_KEYS = (
    "name",
    "platform",
    "handle",
    "base_url",
    "poll_seconds",
    "recheck_seconds",
    "rechecks_a_day",
    "budget_a_month",
    "calls_a_day",
    "signature",
)
# Half of the 24 hours in which a deletion must be followed.
_SLOWEST_RECHECK_SECONDS = 43_200
_TABLES = (
    "brand",
    "language",
    "accounts",
    "watches",
    "rules",
    "store",
    "dashboard",
    "desk",
    "oidc",
    "sentiment",
    "safety",
    "hours",
    "alerts",
    "breaker",
)


@dataclass(slots=True)
class Reader:
    """Walks one file, collecting problems instead of stopping at the first."""

    lines: dict[Path, int]
    environment: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)

    def fault(self, path: Path, what: str) -> None:
        """Note a problem at `path`."""
        self.problems.append(Problem(line=line_of(self.lines, path), where=_spell(path), what=what))

    def refuse_faults(self, file: str) -> None:
        """Raise ConfigError where there was a fault, in the order of lines."""
        if self.problems:
            raise ConfigError(sorted(self.problems, key=lambda problem: problem.line or 0), file=file)

    def known(self, table: Mapping[str, Any], path: Path, keys: tuple[str, ...]) -> None:
        """Note every key that means nothing here, with the likeliest one that does."""
        for key in table:
            if key not in keys:
                near = difflib.get_close_matches(key, keys, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(keys)}"
                self.fault((*path, key), f"unknown key; {hint}")

    def text(self, table: Mapping[str, Any], path: Path, key: str, *, default: str | None = None) -> str:
        """Return a text; `default` None makes it required."""
        value = table.get(key)
        if value is None:
            if default is None:
                self.fault((*path, key), "is missing")
            return default or ""
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.fault((*path, key), f"must be a text in quotes, not {_kind(value, shown=key not in _NEVER_SHOWN)}")
            return default or ""
        return value

    def secret(self, table: Mapping[str, Any], path: Path, key: str) -> Secret:
        """Return a credential, literal or from the environment ("env:NAME")."""
        return self.reveal(self.text(table, path, key), (*path, key))

    def reveal(self, value: str, path: Path) -> Secret:
        """Return what a spelled credential stands for."""
        if not value.startswith("env:"):
            return Secret(value)
        name = value.removeprefix("env:")
        if not self.environment.get(name):
            self.fault(path, f"the environment variable {name!r} is not set")
        return Secret(self.environment.get(name, ""))

    def texts(self, table: Mapping[str, Any], path: Path, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            self.fault((*path, key), 'must be a list of texts, such as ["one", "two"]')
            return ()
        return tuple(value)

    def number(
        self, table: Mapping[str, Any], path: Path, key: str, *, default: float, least: float, most: float
    ) -> float:
        """Return a number within bounds."""
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault((*path, key), f"must be a number, not {_kind(value)}")
            return default
        if not least <= value <= most:
            self.fault((*path, key), f"must be from {least:g} to {most:g}, not {_short(value)}")
            return default
        return value

    def flag(self, table: Mapping[str, Any], path: Path, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = table.get(key, default)
        if not isinstance(value, bool):
            self.fault((*path, key), f"must be true or false, not {_kind(value)}")
            return default
        return value

    def table(self, whole: Mapping[str, Any], key: str, path: Path = ()) -> Mapping[str, Any]:
        """Return a [table], empty where there is none. `path` is the table it stands in."""
        value = whole.get(key, {})
        if not isinstance(value, dict):
            self.fault((*path, key), f"must be a table: write it as [{_spell((*path, key))}]")
            return {}
        return value

    def tables(self, whole: Mapping[str, Any], key: str, path: Path = ()) -> list[Mapping[str, Any]]:
        """Return the [[tables]] of a list. `path` is the table it stands in."""
        value = whole.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.fault((*path, key), f"must be a list of tables: write each as [[{_spell((*path, key))}]]")
            return []
        return value


def load(file: FilePath, environment: Mapping[str, str] | None = None) -> Config:
    """Read a configuration file. Raises: ConfigError with every problem and its line."""
    try:
        # Editors on Windows put a byte-order mark in front, which TOML knows nothing of.
        text = file.read_text(encoding="utf-8-sig")
    except OSError as err:
        what = f"cannot be read ({err.strerror}); copy genlyd.example.toml and fill it in"
        raise ConfigError([Problem(line=None, where=str(file), what=what)]) from err
    except UnicodeDecodeError as err:
        line = err.object[: err.start].count(b"\n") + 1
        raise ConfigError([Problem(line=line, where=str(file), what="is not UTF-8; save it as UTF-8")]) from err
    return parse(text, file=str(file), environment=os.environ if environment is None else environment)


def parse(text: str, *, file: str, environment: Mapping[str, str]) -> Config:
    """Read a configuration. Raises: ConfigError with every problem and its line."""
    whole = toml_of(text, file=file)
    reader = Reader(lines=lines_of(text), environment=environment)
    config = _read(reader, whole)
    reader.refuse_faults(file)
    return config


def toml_of(text: str, *, file: str) -> Mapping[str, Any]:
    """Return what TOML says. Raises: ConfigError where it is none, with the line."""
    line = line_of_long_key(text)
    if line is not None:
        what = f"a name has more than {MOST_DOTS} dots, which no name here has"
        raise ConfigError([Problem(line=line, where="syntax", what=what)], file=file)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        line = _syntax_line(err) or len(text.rstrip().split("\n"))
        raise ConfigError([Problem(line=line, where="syntax", what=_syntax_words(err))], file=file) from err
    except (RecursionError, ValueError) as err:
        what = f"a value in it is too deep or too long to be meant ({type(err).__name__})"
        raise ConfigError([Problem(line=None, where="syntax", what=what)], file=file) from err


def _read(reader: Reader, whole: Mapping[str, Any]) -> Config:
    reader.known(whole, (), _TABLES)
    tables = reader.tables(whole, "accounts")
    names = _names(reader, tables)
    hours = read_hours(reader, reader.table(whole, "hours"))
    read = {index: _account(reader, table, ("accounts", index)) for index, table in enumerate(tables)}
    placed = {index: account for index, account in read.items() if account is not None}
    check_apart(placed, lambda index, key, what: reader.fault(("accounts", index, key), what))
    accounts = tuple(placed.values())
    return Config(
        brand=reader.text(whole, (), "brand", default="brand"),
        language=_language(reader, whole),
        accounts=accounts,
        watches=watches_of(reader, whole, accounts, names),
        rules=rules_of(reader, whole, names) or DEFAULT_RULES,
        store=_store(reader, reader.table(whole, "store")),
        dashboard=read_dashboard(reader, reader.table(whole, "dashboard")),
        desk=_desk(reader, reader.table(whole, "desk")),
        oidc=read_oidc(reader, reader.table(whole, "oidc")),
        sentiment=_sentiment(reader, reader.table(whole, "sentiment")),
        hours=hours,
        alerts=read_alerts(reader, reader.table(whole, "alerts"), hours.zone),
        safety=_safety(reader, reader.table(whole, "safety")),
        breaker=_breaker(reader, reader.table(whole, "breaker")),
    )


def _fault_at(reader: Reader, path: Path) -> Callable[[str, str], None]:
    return lambda key, what: reader.fault((*path, key) if key else path, what)


def _language(reader: Reader, whole: Mapping[str, Any]) -> Language:
    value = reader.text(whole, (), "language", default="en")
    allowed = [language.value for language in Language if language is not Language.UNSURE]
    if value not in allowed:
        reader.fault(("language",), f"must be one of {', '.join(allowed)}, not {value!r}")
        return Language.EN
    return Language(value)


def _account(reader: Reader, table: Mapping[str, Any], path: Path) -> AccountConfig | None:
    name = reader.text(table, path, "name")
    spelled = reader.text(table, path, "platform")
    if spelled not in {platform.value for platform in Platform}:
        if spelled:
            known = ", ".join(platform.value for platform in Platform)
            reader.fault((*path, "platform"), f"{spelled!r} is not a platform; known: {known}")
        return None
    platform = Platform(spelled)
    keys = CREDENTIALS[platform]
    reader.known(table, path, (*_ACCOUNT_KEYS, *keys))
    base_url = reader.text(table, path, "base_url", default="") or None
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        reader.fault((*path, "base_url"), f"must start with http:// or https://, not {base_url!r}")
    poll = reader.number(table, path, "poll_seconds", default=0, least=0, most=3600)
    recheck = reader.number(table, path, "recheck_seconds", default=0, least=0, most=_SLOWEST_RECHECK_SECONDS)
    a_day = reader.number(table, path, "rechecks_a_day", default=0, least=0, most=10_000_000)
    budget = reader.number(table, path, "budget_a_month", default=0, least=0, most=10_000_000)
    calls = reader.number(table, path, "calls_a_day", default=0, least=0, most=100_000_000)
    handle = reader.text(table, path, "handle").strip().lstrip("@").removeprefix("u/")
    if any(character.isspace() for character in handle):
        reader.fault((*path, "handle"), f"is one word, not {handle!r}")
    return AccountConfig(
        name=name,
        platform=platform,
        handle=handle,
        credentials={key: reader.secret(table, path, key) for key in keys},
        base_url=base_url.rstrip("/") if base_url else None,
        poll_seconds=poll or None,
        recheck_seconds=recheck or None,
        rechecks_a_day=int(a_day) or None,
        budget_a_month=budget or None,
        calls_a_day=int(calls) or None,
        signature=reader.text(table, path, "signature", default=""),
    )


def _names(reader: Reader, tables: list[Mapping[str, Any]]) -> list[str]:
    """Return every account's name, those of accounts with other problems too."""
    names: list[str] = []
    for index, table in enumerate(tables):
        name = table.get("name")
        if not isinstance(name, str):
            continue
        if name in names:
            reader.fault(("accounts", index, "name"), f"there are two accounts named {name!r}")
        names.append(name)
    return names


def rules_of(reader: Reader, whole: Mapping[str, Any], names: list[str]) -> tuple[Rule, ...]:
    """Read every [[rules]] table."""
    rules: list[Rule] = []
    for index, table in enumerate(reader.tables(whole, "rules")):
        rule = read_rule(table, fault=_fault_at(reader, ("rules", index)))
        if rule is None:
            continue
        # The sandbox brings accounts of its own.
        for name in sorted(rule.accounts - set(names)) if names else ():
            reader.fault(("rules", index, "accounts"), f"there is no account {name!r}; {nearest(name, names)}")
        rules.append(rule)
    return tuple(rules)


def _store(reader: Reader, table: Mapping[str, Any]) -> StoreConfig:
    path: Path = ("store",)
    reader.known(table, path, ("data", "database", "redis", "retention_days"))
    data = reader.text(table, path, "data", default="data")
    spelled = reader.text(table, path, "database", default=f"sqlite:///{data}/genlyd.db")
    database = reader.reveal(spelled, (*path, "database")).reveal()
    if (database or not spelled.startswith("env:")) and not database.startswith(
        ("sqlite://", "postgresql://", "postgres://", "postgresql+")
    ):
        what = f"must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, not {_scheme(database)}"
        reader.fault((*path, "database"), what)
    spelled = reader.text(table, path, "redis", default="embedded")
    redis = reader.reveal(spelled, (*path, "redis")).reveal()
    problem = None if redis == "embedded" else problem_with(redis)
    if problem is not None and (redis or not spelled.startswith("env:")):
        reader.fault((*path, "redis"), problem)
    days = reader.number(table, path, "retention_days", default=365, least=1, most=36_500)
    return StoreConfig(data=data, database=database, redis=redis, retention_days=int(days))


def _scheme(url: str) -> str:
    """The part of an address that holds no password (I9)."""
    scheme, found, _ = url.partition("://")
    return f"{scheme}://..." if found else "what stands there"


def _desk(reader: Reader, table: Mapping[str, Any]) -> DeskConfig:
    path: Path = ("desk",)
    reader.known(table, path, ("hold_seconds", "most_open"))
    return DeskConfig(
        hold_seconds=reader.number(table, path, "hold_seconds", default=15, least=0, most=120),
        most_open=int(reader.number(table, path, "most_open", default=8, least=1, most=1000)),
    )


def _sentiment(reader: Reader, table: Mapping[str, Any]) -> SentimentConfig:
    path: Path = ("sentiment",)
    reader.known(table, path, ("model", "unsure_below", "threads"))
    model = reader.text(table, path, "model", default="shipped")
    if model != "shipped" and not model.startswith(("hub:", "folder:")):
        reader.fault((*path, "model"), f'must be "shipped", "folder:build/open" or "hub:owner/name", not {model!r}')
    return SentimentConfig(
        model=model,
        unsure_below=reader.number(table, path, "unsure_below", default=0.5, least=0, most=1),
        threads=int(reader.number(table, path, "threads", default=1, least=1, most=64)),
    )


# The budgets, each with the most that makes sense.
_BUDGETS = {
    "account_per_hour": 1_000_000,
    "account_per_day": 1_000_000,
    "author_per_hour": 1_000,
    "author_per_day": 1_000,
    "same_text_per_hour": 1_000_000,
    "conversation_most": 1_000,
}


def _safety(reader: Reader, table: Mapping[str, Any]) -> SafetyConfig:
    path: Path = ("safety",)
    reader.known(table, path, (*_BUDGETS, "quiet_hours", "timezone"))
    default = SafetyConfig()
    budgets = {
        key: int(reader.number(table, path, key, default=getattr(default, key), least=0, most=most))
        for key, most in _BUDGETS.items()
    }
    quiet = read_quiet(reader, table, path)
    quiet_from, quiet_until = (time(*divmod(minute, 60)) for minute in quiet) if quiet else (None, None)
    zone = read_zone(reader, table, path)
    return SafetyConfig(**budgets, quiet_from=quiet_from, quiet_until=quiet_until, zone=zone)


_STATEMENTS = {language: f"statement_{language}" for language in (Language.DA, Language.SV, Language.NB, Language.EN)}
_BREAKER_KEYS = (
    "is_on",
    "least_posts",
    "campaign_times",
    "usual_per_hour",
    "replies_at_once",
    "remind_after_minutes",
    *_STATEMENTS.values(),
)


def _breaker(reader: Reader, table: Mapping[str, Any]) -> BreakerConfig:
    path: Path = ("breaker",)
    reader.known(table, path, _BREAKER_KEYS)
    texts = {language: reader.text(table, path, key, default="").strip() for language, key in _STATEMENTS.items()}
    return BreakerConfig(
        is_on=reader.flag(table, path, "is_on", default=True),
        least_posts=int(reader.number(table, path, "least_posts", default=8, least=4, most=1000)),
        campaign_times=reader.number(table, path, "campaign_times", default=20, least=1, most=100),
        usual_per_hour=reader.number(table, path, "usual_per_hour", default=60, least=1, most=1_000_000),
        replies_at_once=int(reader.number(table, path, "replies_at_once", default=15, least=0, most=1_000_000)),
        remind_after_minutes=_steps(reader, table, path, "remind_after_minutes"),
        statements={language: text for language, text in texts.items() if text},
    )


def _steps(reader: Reader, table: Mapping[str, Any], path: Path, key: str) -> tuple[int, ...]:
    value = table.get(key, [10, 30])
    is_list = isinstance(value, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in value)
    if not is_list or any(not 1 <= one <= 1440 for one in value) or sorted(set(value)) != value:
        reader.fault((*path, key), "must be a list of whole minutes from 1 to 1440 that rise, such as [10, 30]")
        return (10, 30)
    return tuple(value)


def _spell(path: Path) -> str:
    """Spell a path as a person counts: accounts[1].name is the first account's name."""
    out = ""
    for part in path:
        out += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if out else part
    return out or "the file"


def _kind(value: object, *, shown: bool = True) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    name = names.get(type(value), type(value).__name__)
    if isinstance(value, str) and not value.strip():
        return "an empty text"
    return f"{name} ({value!r})" if shown else name


def _short(value: float) -> str:
    spelled = str(value)
    return spelled if len(spelled) <= 20 else f"{spelled[:20]}…"


def _syntax_line(err: tomllib.TOMLDecodeError) -> int | None:
    words = str(err).rsplit("line ", maxsplit=1)
    digits = words[-1].split(",")[0] if len(words) == 2 else ""
    return int(digits) if digits.isdigit() else None


def _syntax_words(err: tomllib.TOMLDecodeError) -> str:
    said = str(err).split(" (at ", maxsplit=1)[0]
    hint = '; a text stands in quotes: "da"' if said == "Invalid value" else ""
    return f"this is not TOML: {said}{hint}"
