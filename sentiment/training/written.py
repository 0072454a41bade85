"""What this repository holds to train on: our own posts, our own texts, and what second readers said of public rows.

Owns the reading of these files. Refuses the public sets themselves, which are not ours: sentiment.training.data.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.assessment import Intent
from sentiment.heads import INTENTS, LANGUAGES, SENTIMENT
from sentiment.text import normalise
from sentiment.training.labels import Example, Labels, language_of, one_hot

# Our own posts, written for this project by language models; committed, unlike the data folder.
OWN_POSTS = Path(__file__).parent / "posts"
# Texts written for this project whose mood alone is known, a file for each language and subject.
MOODS = Path(__file__).parent / "moods"
# What second readers said of public rows: a file for each set, a row by the hash of its letters, for it is not ours.
OPINIONS = Path(__file__).parent / "opinions"
_CODES, _LEVELS = tuple(one.value for one in LANGUAGES), ("0", "1", "2", "3")
# Angry, insulting or threatening, ironic, in despair.
_MARKS = ("a", "o", "i", "s")
_NEITHER = re.compile(r"[\W_]+")


def key(text: str) -> str:
    """What two copies of one post share: their letters and digits, or all of a post that has none."""
    return _NEITHER.sub("", text.casefold()) or text


def mark(text: str) -> str:
    """Return what a row is known by in OPINIONS: 16 hexadecimal digits."""
    return hashlib.sha256(key(text).encode()).hexdigest()[:16]


def opinions(name: str, folder: Path = OPINIONS) -> dict[str, Labels]:
    """Return what second readers said of the set called `name`: the mood by `mark`; empty where nobody read it.

    Raises: ValueError naming the file and line that cannot be read.
    """
    file = folder / f"{name}.tsv"
    return dict(_moods_of(file)) if file.exists() else {}


def own_moods(folder: Path = MOODS) -> list[Example]:
    """Return the texts written for their mood; a file is called after its language, as in nb_films.tsv.

    Raises: ValueError naming the file and line that cannot be read.
    """
    out: list[Example] = []
    for file in sorted(folder.glob("*.tsv")):
        lang = file.stem.partition("_")[0]
        if lang not in _CODES:
            raise ValueError(f"{file.name}: its name begins with no language, but {', '.join(_CODES)}")
        spoken = language_of(lang)
        out += [
            Example(text=normalise(text), lang=lang, source="written", labels=moods | spoken)
            for text, moods in _moods_of(file)
        ]
    return out


def _moods_of(file: Path) -> Iterator[tuple[str, Labels]]:
    """Yield (what, mood) of lines "negative, neutral, positive, what", the three of a hundred readers."""
    for number, line in enumerate(_lines(file), start=1):
        *counts, what = line.split("\t", 3)
        if (
            len(counts) != 3
            or not what
            or not all(count.isdecimal() for count in counts)
            or sum(map(int, counts)) != 100
        ):
            raise ValueError(f"{file.name} line {number}: needs three counts that make 100 and a text, parted by tabs")
        yield what, {f"sentiment {name}": int(count) / 100 for name, count in zip(SENTIMENT, counts, strict=True)}


def own_posts(kind: str, folder: Path = OWN_POSTS) -> list[Example]:
    """Return the posts of the files named `kind`*.tsv, every label of which is known; `folder` may be one such file.

    Raises: ValueError naming the file and line that cannot be read.
    """
    files = [folder] if folder.is_file() else sorted(folder.glob(f"{kind}*.tsv"))
    return [replace(post, text=normalise(post.text)) for file in files for post in read_posts(file)]


def read_posts(file: Path) -> list[Example]:
    """Return the posts of one of our own files, their texts as they were written.

    Raises: ValueError naming the file and line that cannot be read.
    """
    return [
        _own(line, where=f"{file.name} line {number}")
        for number, line in enumerate(_lines(file), start=1)
        if line and not line.startswith("lang\t")
    ]


def _lines(file: Path) -> list[str]:
    """Return the lines as editors count them; a mark at the start, which spreadsheets write, is passed over."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise ValueError(f"{file.name} is not UTF-8 ({err.reason} at byte {err.start}): save it as such") from err
    return text.removesuffix("\n").split("\n") if text else []


def _own(line: str, *, where: str) -> Example:
    """Read "lang, level, mood, marks, intents, text": docs/model.md says what each means."""
    parts = line.split("\t")
    if len(parts) != 6:
        raise ValueError(f"{where}: needs six columns parted by tabs, has {len(parts)}")
    lang, level, mood, marks, intents, text = parts
    named = [] if intents == "-" else intents.split(",")
    for column, said, known in (
        ("lang", [lang], _CODES),
        ("level", [level], _LEVELS),
        ("mood", [mood], SENTIMENT),
        ("marks", [] if marks == "-" else marks, _MARKS),
        ("intents", named, tuple(Intent)),
    ):
        unknown = [one for one in said if one not in known]
        if unknown:
            raise ValueError(f"{where}: {column} knows no {unknown[0]!r}, but {', '.join(known)}")
    if not text.strip():
        raise ValueError(f"{where}: has no text")
    wanted = {Intent(name) for name in named}
    labels = {"anger": float("a" in marks), "offensive": float("o" in marks), "irony": float("i" in marks)}
    labels |= {f"intent {intent.value}": float(intent in wanted) for intent in INTENTS}
    post = post_of(text, lang=lang, level=int(level), mood=mood)
    return replace(post, labels=post.labels | labels)


def post_of(text: str, *, lang: str, level: int, mood: str) -> Example:
    """Return a post of which the level and the mood are known."""
    labels = one_hot("sentiment", SENTIMENT, mood) | language_of(lang)
    labels |= {f"level {n}": float(level >= n) for n in (1, 2, 3)}
    return Example(text=text, lang=lang, source="own", labels=labels)
