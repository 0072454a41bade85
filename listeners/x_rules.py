"""Watches in X's query language.

Owns turning watches into stream rules and search queries that fit X's lengths. Refuses to be the last
word on what matches: `core.watch.match` is, so a rule may find too much, never too little.

Source: https://docs.x.com/x-api/posts/filtered-stream/integrate/build-a-rule, read 2026-11.
"""

import re
from collections.abc import Iterator

from core.watch import Watch

STREAM_RULE_LENGTH = 1024
SEARCH_QUERY_LENGTH = 512
_NO_REPOSTS = " -is:retweet"


def make_rules(handle: str, watches: tuple[Watch, ...], *, longest: int) -> tuple[str, ...]:
    """Return rules of at most `longest` characters that together find everything the watches want."""
    rules: dict[str, None] = {}
    for watch in watches:
        rules.update(dict.fromkeys(_split(list(_terms(handle, watch)), _ending(watch, longest), longest)))
    return tuple(rules)


def _terms(handle: str, watch: Watch) -> Iterator[str]:
    if watch.mentions:
        yield f"@{handle.lstrip('@')}"
    tags = (re.sub(r"\W", "", tag) for tag in watch.hashtags)
    yield from (f"#{tag}" for tag in tags if tag)
    phrases = (_phrase(keyword) for keyword in watch.keywords)
    yield from (phrase for phrase in phrases if phrase != '""')


def _ending(watch: Watch, longest: int) -> str:
    """Exclusions, as far as half a rule holds them: what does not fit is excluded by match()."""
    ending = _NO_REPOSTS
    for word in watch.exclude:
        longer = f" -{_phrase(word)}{ending}"
        if len(longer) > longest // 2:
            break
        ending = longer
    return ending


def _split(terms: list[str], ending: str, longest: int) -> Iterator[str]:
    """A space binds tighter than OR, hence the parentheses."""
    held: list[str] = []
    for term in terms:
        if held and len(_joined([*held, term], ending)) > longest:
            yield _joined(held, ending)
            held = []
        held.append(term)
    if held:
        yield _joined(held, ending)


def _joined(terms: list[str], ending: str) -> str:
    return f"({' OR '.join(terms)}){ending}"


def _phrase(words: str) -> str:
    words = " ".join(words.replace('"', " ").split())
    return f'"{words}"'
