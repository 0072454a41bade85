"""Rulebooks in TOML: read with the same errors as the file, and spelled from values.

Owns that a rulebook holds rules, or watches, and nothing else. Refuses to know how a rule or a watch is read: `config`
and `responder.rules` do.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from app.config import Reader, rules_of, toml_of
from app.config_watches import watches_of
from app.toml_lines import lines_of
from core.config import AccountConfig, Config, Rule
from core.errors import ConfigError, Problem
from core.rulebook import Kind
from core.watch import Watch

# Far more than a house needs; each rule is asked for each post.
MOST_RULES, MOST_WATCHES = 200, 200
# A house of 200 rules takes half of it.
MOST_TEXT = 64_000
_PLAIN_RULE, _PLAIN_WATCH = Rule(name=""), Watch(account="")


def read_rules(text: str, accounts: Collection[str]) -> tuple[Rule, ...]:
    """Return the rules of a rulebook. Raises: ConfigError with every problem and its line."""
    reader, whole = _open(text, Kind.RULES, MOST_RULES)
    rules = rules_of(reader, whole, list(accounts))
    reader.refuse_faults("")
    return rules


def read_watches(text: str, accounts: Sequence[AccountConfig]) -> tuple[Watch, ...]:
    """Return the watches of a rulebook. Raises: ConfigError with every problem and its line."""
    reader, whole = _open(text, Kind.WATCHES, MOST_WATCHES)
    watches = watches_of(reader, whole, tuple(accounts), [account.name for account in accounts])
    reader.refuse_faults("")
    return watches


def spell(kind: Kind, config: Config) -> str:
    """Return the rules or watches of a config as a rulebook; read again, it gives the same values."""
    return spell_rules(config.rules) if kind is Kind.RULES else spell_watches(config.watches)


def spell_rules(rules: Sequence[Rule]) -> str:
    """Return rules as TOML."""
    return "\n".join(_table("rules", rule, _PLAIN_RULE, first=("name", "reply")) for rule in rules)


def spell_watches(watches: Sequence[Watch]) -> str:
    """Return watches as TOML."""
    return "\n".join(_table("watches", watch, _PLAIN_WATCH, first=("account", "mentions")) for watch in watches)


def _open(text: str, kind: Kind, most: int) -> tuple[Reader, Any]:
    if len(text) > MOST_TEXT:
        what = f"the text has {len(text)} characters; {MOST_TEXT} are the most: shorten it"
        raise ConfigError([Problem(line=None, where=kind, what=what)])
    whole = toml_of(text, file="")
    reader = Reader(lines=lines_of(text), environment={})
    for key in whole:
        if key != kind:
            reader.fault((key,), f"does not belong here: only [[{kind}]] may stand in this text")
    tables = whole.get(kind, [])
    if tables == []:
        problem = Problem(line=None, where=kind, what=f"there is none: write at least one [[{kind}]]")
        raise ConfigError([*reader.problems, problem])
    if isinstance(tables, list) and len(tables) > most:
        reader.fault((kind, most), f"there are {len(tables)}; {most} are the most")
    return reader, whole


def _table(name: str, value: Rule | Watch, plain: Rule | Watch, *, first: tuple[str, ...]) -> str:
    """One table: what must be said, and what differs from saying nothing."""
    keys = (*first, *(key for key in value.__dataclass_fields__ if key not in first))
    pairs = [(key, getattr(value, key)) for key in keys]
    said = [f"{key} = {_value(one)}" for key, one in pairs if key in first or one != getattr(plain, key)]
    return "\n".join((f"[[{name}]]", *said, ""))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, frozenset):
        return _value(tuple(sorted(value)))
    if isinstance(value, tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    # JSON escapes as TOML's basic strings do, but for DEL, which TOML wants escaped too.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")
