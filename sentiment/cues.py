"""The cues: phrases in five languages, read from cues.toml and compiled for matching.

Owns the file's shape, its checks, the folding of text that makes spelling not matter, and finding. Refuses to own
what a find is worth in the end: sentiment.urgency adds it up.
"""

import itertools
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.assessment import Intent, Language
from core.correction import TaughtCue
from core.errors import ConfigError, Problem

FILE = Path(__file__).with_name("cues.toml")
LANGUAGES = (Language.DA, Language.SV, Language.NB, Language.NN, Language.EN)

# Danish and Norwegian are mistaken for each other and share most phrases; everybody swears in English.
_SCANDINAVIAN = (Language.DA, Language.NB, Language.NN, Language.EN)
_READ_AS = {
    Language.DA: _SCANDINAVIAN,
    Language.NB: _SCANDINAVIAN,
    Language.NN: _SCANDINAVIAN,
    Language.SV: (Language.SV, Language.EN),
    Language.EN: (Language.EN,),
    Language.UNSURE: LANGUAGES,
}
_KEYS = {"points", "each", "most", "negatable", "whole", "intents", *(language.value for language in LANGUAGES)}
_VOWELS = {"æ": "ä", "ä": "ä", "å": "a", "ø": "ö", "ö": "ö", "đ": "d", "ł": "l"}
_RESPELLED = {"a": "ä", "o": "ö", "ä": "ä", "ö": "ö"}
_PLAIN_VOWEL = {"ä": "a", "ö": "o"}
_NOISE = re.compile(
    r"(?:https?://|www\.)\S+|\[(?:email|phone)\]|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+\.[\w.-]+"
    r"|(?<![\w@])@\w[\w.-]*(?:@[\w.-]+)?|(?<!\w)/?u/[\w-]{3,20}|^[ \t]*>.*$",
    re.MULTILINE,
)
_NUMBERS = (
    "en|et|ein|eit|ett|one|to|två|two|tre|three|fire|fyra|four|fem|five|seks|sex|six|syv|sju|seven|otte|åtta|åtte|"
    "eight|ni|nio|nine|ti|tio|ten|flere|fleire|flera|several|mange|många|many|a|an"
)
_GAP = r"[ ,]+"
# What * stands for in a taught phrase: with no bound, one long word of a hostile post takes minutes to give up.
_BOUNDED = r"\w{0,40}"
_NEGATIONS = (
    "ikke|ikkje|inte|ej|ingen|inga|intet|inget|uden|uten|utan|aldrig|aldri|not|no|never|without|isn't|aren't|wasn't|"
    "don't|doesn't|didn't"
)
_COURTESIES = "please|tak|tack|takk|venligst|vänligen|vennligst|snälla|snilt|bot|hej|hei|hi|nu|nå|no|now"
_TOKEN = re.compile(r"[^\s*~#()\[\]\\]+\*?|\*[^\s*~#()\[\]\\]+\*?|~|#|\$")


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as the cues read it, with the place in the original that each of its characters stands for."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the folded stretch `start:end` stands in the original."""
        return self.starts[start], self.ends[end - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One thing that moves the urgency, and how it is said. `patterns` go by what a text may be read as."""

    name: str
    points: int
    each: int
    most: int
    negatable: bool
    whole: bool
    intents: tuple[Intent, ...]
    patterns: dict[Language, re.Pattern[str]]
    # Taught words count whatever else a post says; people meant them.
    is_taught: bool = False

    def find(self, folded: Folded, language: Language) -> list[tuple[int, int]]:
        """Return where in the original the cue is carried, in order, without overlaps."""
        pattern = self.patterns[language]
        if self.whole:
            found = pattern.fullmatch(folded.text.strip(" .,"))
            inside = [i for i, char in enumerate(folded.text) if char not in " .,"]
            return [folded.span(inside[0], inside[-1] + 1)] if found and inside else []
        return [
            folded.span(*found.span())
            for found in pattern.finditer(folded.text)
            if not (self.negatable and _is_negated(folded.text[max(0, found.start() - 24) : found.start()]))
        ]


def fold(text: str) -> Folded:
    """Return `text` with case, accents, æøå and their respellings (ae, oe) and handles levelled out."""
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for at, raw in enumerate(_NOISE.sub(lambda found: " " * len(found[0]), text)):
        for char in _plain(raw):
            last = chars[-1] if chars else " "
            if char == "e" and last in _RESPELLED:
                chars[-1], ends[-1] = _RESPELLED[last], at + 1
            elif char != " " or last != " ":
                chars.append(char)
                starts.append(at)
                ends.append(at + 1)
    return Folded("".join(chars), tuple(starts), tuple(ends))


@lru_cache(maxsize=2048)
def _plain(char: str) -> str:
    """Return what one character folds to: a letter, a digit, a stop, a space round an emoji, or nothing."""
    low = char.casefold()
    if low in _VOWELS:
        return _VOWELS[low]
    if low.isalnum():
        return "".join(part for part in unicodedata.normalize("NFKD", low) if part.isalnum())
    category = unicodedata.category(char)
    if char in "'’`´" or category in {"Mn", "Cf", "Sk"}:
        return ""
    if char in ".!?;:\n…":
        return "."
    if char == ",":
        return ","
    return f" {char} " if category == "So" or char == "$" else " "


def _is_negated(before: str) -> bool:
    return _negation().search(before) is not None


@lru_cache(maxsize=1)
def _negation() -> re.Pattern[str]:
    """One word may stand between: "ikke så vred", "not really angry"."""
    return re.compile(rf"(?<!\w)(?:{_either(_NEGATIONS)})(?: \w+)? $")


def load(path: Path = FILE) -> tuple[Cue, ...]:
    """Return the cues, in the file's order.

    Raises: ConfigError with every problem of the file.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise ConfigError([Problem(line=None, where="cues", what=str(err))], file=str(path)) from err
    problems = [Problem(line=None, where=name, what=what) for name, table in tables.items() for what in _faults(table)]
    if problems:
        raise ConfigError(problems, file=str(path))
    return tuple(_cue(name, table) for name, table in tables.items())


def taught(cue: TaughtCue) -> Cue:
    """Return a cue that people of the staff taught: of its own name, in whatever language the post is."""
    pattern = _pattern([cue.phrase], whole=False, any_ending=_BOUNDED)
    return Cue(
        name=cue.phrase,
        points=cue.points,
        each=0,
        most=1,
        negatable=True,
        whole=False,
        intents=(),
        patterns=dict.fromkeys(Language, pattern),
        is_taught=True,
    )


def _faults(table: object) -> list[str]:
    if not isinstance(table, dict):
        return ["must be a table"]
    faults = [f"unknown key {key!r}; known are {', '.join(sorted(_KEYS))}" for key in table if key not in _KEYS]
    faults += [
        f"{key} must be a whole number" for key in ("points", "each", "most") if type(table.get(key, 0)) is not int
    ]
    if "points" not in table:
        faults.append("points is missing")
    faults += [
        f"{key} must be true or false" for key in ("negatable", "whole") if not isinstance(table.get(key, False), bool)
    ]
    intents = table.get("intents", [])
    known = {intent.value for intent in Intent}
    if not isinstance(intents, list) or not all(intent in known for intent in intents):
        faults.append(f"intents must be a list of {', '.join(sorted(known))}")
    for language in LANGUAGES:
        faults += _phrase_faults(language.value, table.get(language.value))
    return faults


def _phrase_faults(code: str, phrases: object) -> list[str]:
    if not isinstance(phrases, list) or not phrases:
        return [f"{code} must be a list of phrases; every cue speaks all five languages"]
    return [
        f"{code}: cannot read the phrase {phrase!r}"
        for phrase in phrases
        if not isinstance(phrase, str)
        or not phrase.strip()
        or not all(_TOKEN.fullmatch(token) for token in phrase.split())
        or {phrase.split()[0], phrase.split()[-1]} & {"~"}
    ]


def _cue(name: str, table: dict[str, object]) -> Cue:
    phrases = {language: table[language.value] for language in LANGUAGES}
    whole = table.get("whole") is True
    return Cue(
        name=name.replace("_", " "),
        points=_number(table, "points", 0),
        each=_number(table, "each", 0),
        most=_number(table, "most", 1),
        negatable=table.get("negatable", True) is True,
        whole=whole,
        intents=tuple(Intent(intent) for intent in _strings(table.get("intents", []))),
        patterns={
            language: _pattern([phrase for one in read_as for phrase in _strings(phrases[one])], whole=whole)
            for language, read_as in _READ_AS.items()
        },
    )


def _number(table: dict[str, object], key: str, default: int) -> int:
    value = table.get(key, default)
    return value if isinstance(value, int) else default


def _strings(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _pattern(phrases: list[str], *, whole: bool, any_ending: str = r"\w*") -> re.Pattern[str]:
    """Return one pattern for all phrases, the longest tried first so that a find carries all its words."""
    bodies = sorted({_body(phrase, any_ending) for phrase in phrases}, key=len, reverse=True)
    either = "|".join(bodies)
    if whole:
        courtesies = rf"(?:{_either(_COURTESIES)})"
        return re.compile(rf"(?:{courtesies}[ ,.]+)?(?:{either})(?:[ ,.]+{courtesies}(?!\w))*+[ .,]*")
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)")


def _body(phrase: str, any_ending: str) -> str:
    """Return the regular expression of one phrase, folded as the texts are."""
    body = ""
    for part in phrase.split():
        if part == "~":
            body += r"[ ,]+(?:\w+[ ,]+){0,3}?"
            continue
        if body and not body.endswith("{0,3}?"):
            body += _GAP
        body += rf"(?:\d+\.?|{_either(_NUMBERS)})" if part == "#" else rf"(?:{_either(part, any_ending)})"
    return body


def _either(token: str, any_ending: str = r"\w*") -> str:
    return "|".join(
        _spelled(fold(word).text.strip()).join(
            (any_ending if word.startswith("*") else "", any_ending if word.endswith("*") else "")
        )
        for word in token.split("|")
    )


def _spelled(word: str) -> str:
    """Return `word` however it is stretched. Three of a letter stand for one or two; two stand only for two.

    "a" may be doubled, for å is folded to it and written "aa".
    """
    if word.isdigit():
        return rf"{word}\.?"
    body = ""
    for char, run in itertools.groupby(word):
        letter = re.escape(char)
        if char in "äö":
            body += f"[{_PLAIN_VOWEL[char]}{letter}]{{0,9}}{letter}"
        elif len(list(run)) > 1:
            body += f"{letter}{{2,}}"
        else:
            body += f"{letter}+" if char == "a" else f"{letter}(?:{letter}{{2,}})?"
    return body
