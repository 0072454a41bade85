"""Owns the search language of X: rules and recent search, as a question asked of one post's Facts.

Grammar (docs.x.com, build a rule, read 2026-11): a space is AND and binds tighter than OR; "-" negates one operator;
parentheses group and may not be negated; at least one operator must stand alone. Refuses to own what is searched.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

TOKEN = re.compile(r'\s*(-?\(|\)|-?"[^"]*"|[^\s()]+)')
STANDALONE_PREFIXES = ("from", "to", "in_reply_to_tweet_id", "retweets_of", "conversation_id", "url")
DEPENDENT_PREFIXES = ("is", "has", "lang")

Question = Callable[["Facts"], bool]


class BadQuery(Exception):
    """The platform would refuse this query; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a query can ask about one post. All lower case."""

    text: str
    author: str
    hashtags: frozenset[str] = frozenset()
    mentions: frozenset[str] = frozenset()
    replies_to: str | None = None
    in_reply_to: str | None = None
    conversation: str | None = None
    retweets_of: str | None = None
    is_quote: bool = False
    has_links: bool = False
    lang: str = "und"


def fold(text: str) -> str:
    """Lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


def parse(query: str, *, folds_accents: bool) -> Question:
    """Returns the question. Search folds accents, the filtered stream does not.

    Raises: BadQuery.
    """
    reader = _Reader(_tokens(query), folds_accents)
    question = reader.any_of()
    if reader.rest:
        raise BadQuery(f"unexpected {reader.rest[0]!r}")
    if not reader.has_standalone:
        raise BadQuery("at least one standalone operator (a keyword, #hashtag, @mention, from: or to:) is needed")
    return question


def _tokens(query: str) -> list[str]:
    if query.count('"') % 2:
        raise BadQuery("a quotation mark is missing")
    return TOKEN.findall(query.strip())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


class _Reader:
    def __init__(self, tokens: list[str], folds: bool) -> None:
        self.rest, self._folds = tokens, folds
        self.has_standalone = False

    def any_of(self) -> Question:
        choices = [self.all_of()]
        while self.rest and self.rest[0] == "OR":
            self.rest.pop(0)
            choices.append(self.all_of())
        return lambda facts: any(ask(facts) for ask in choices)

    def all_of(self) -> Question:
        parts: list[Question] = []
        while self.rest and self.rest[0] not in ("OR", ")"):
            parts.append(self._one())
        if not parts:
            raise BadQuery("an operator is missing")
        return lambda facts: all(ask(facts) for ask in parts)

    def _one(self) -> Question:
        token = self.rest.pop(0)
        if token == "-(":
            raise BadQuery("a group cannot be negated: negate each operator in it")
        if token == "(":
            return self._group()
        if token.startswith("-") and len(token) > 1:
            ask = self._operator(token[1:], stands=False)
            return lambda facts: not ask(facts)
        return self._operator(token, stands=True)

    def _group(self) -> Question:
        inner = self.any_of()
        if not self.rest or self.rest.pop(0) != ")":
            raise BadQuery("a closing parenthesis is missing")
        return inner

    def _operator(self, token: str, *, stands: bool) -> Question:
        prefix, colon, value = token.partition(":")
        is_dependent = bool(colon) and prefix in DEPENDENT_PREFIXES
        self.has_standalone |= stands and not is_dependent
        if colon and (is_dependent or prefix in STANDALONE_PREFIXES):
            return _about(prefix, value.lower().strip('"').removeprefix("@"))
        if token[0] == "#" and len(token) > 1:
            return self._hashtag(token[1:].lower())
        if token[0] == "@" and len(token) > 1:
            return lambda facts: token[1:].lower() in facts.mentions
        return self._phrase(token.strip('"').lower())

    def _hashtag(self, tag: str) -> Question:
        same = fold if self._folds else str.lower
        return lambda facts: same(tag) in {same(t) for t in facts.hashtags}

    def _phrase(self, phrase: str) -> Question:
        """Keywords match whole words, so that `sol` does not find `solo`; emoji have no words and match anywhere."""
        same = fold if self._folds else str.lower
        wanted = _words(same(phrase))
        if not wanted:
            return lambda facts: same(phrase) in same(facts.text)
        return lambda facts: _contains(_words(same(facts.text)), wanted)


def _contains(words: list[str], wanted: list[str]) -> bool:
    return any(words[i : i + len(wanted)] == wanted for i in range(len(words) - len(wanted) + 1))


def _about(prefix: str, value: str) -> Question:
    questions: dict[str, Question] = {
        "from": lambda f: f.author == value,
        "to": lambda f: f.replies_to == value,
        "in_reply_to_tweet_id": lambda f: f.in_reply_to == value,
        "conversation_id": lambda f: f.conversation == value,
        "retweets_of": lambda f: f.retweets_of == value,
        "url": lambda f: f.has_links and value in f.text,
        "lang": lambda f: f.lang == value,
    }
    flags: dict[str, Question] = {
        "is:retweet": lambda f: f.retweets_of is not None,
        "is:reply": lambda f: f.in_reply_to is not None,
        "is:quote": lambda f: f.is_quote,
        "has:links": lambda f: f.has_links,
        "has:hashtags": lambda f: bool(f.hashtags),
        "has:mentions": lambda f: bool(f.mentions),
    }
    found = questions.get(prefix) or flags.get(f"{prefix}:{value}")
    if found is None or not value:
        raise BadQuery(f"unknown operator {prefix}:{value}")
    return found
