"""What is evaluated: the labelled sets of a data folder, our own posts, and what of them is left out.

Owns reading, checking and sampling. Refuses to load a model: a wrong folder is told before anyone waits for one.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.errors import ConfigError, Problem
from sentiment.heads import EMOTION, SENTIMENT
from sentiment.training.labels import Example
from sentiment.training.written import read_posts

# Where the labelled posts lie beside a checkout.
DATA = Path("../shared/data")
OWN = Path(__file__).parents[2] / "tests" / "data"
URGENCY = ("urgency_a", "urgency_b")
MOODS = "plain_and_ironic"
CHATTER = "chatter"
PARAPHRASES = "paraphrases"
_SEED = 7
_MOST_PROBLEMS = 10

T = TypeVar("T")


class Task(StrEnum):
    """What a public set asks; each is known by its labels."""

    MOOD = "mood"
    EMOTION = "emotion"
    ANGER = "anger"
    OFFENSIVE = "offensive"
    COMPLAINT = "complaint"


# In the order of the figures: of a yes or no, the no stands first.
CLASSES = {
    Task.MOOD: SENTIMENT,
    Task.ANGER: ("not_anger", "anger"),
    Task.OFFENSIVE: ("not_offensive", "offensive"),
    Task.COMPLAINT: ("not_complaint", "complaint"),
    Task.EMOTION: EMOTION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSet:
    """One labelled file. `truth` are places in CLASSES[task]; `languages` are the labels of the rows."""

    name: str
    task: Task
    texts: Sequence[str]
    languages: Sequence[str]
    truth: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that will be read, loaded and checked. `left_out` are sentences for the reader of the tables."""

    data: Path | None
    public: Sequence[PublicSet]
    urgency: dict[str, list[Example]]
    moods: list[Example]
    chatter: list[Example]
    paraphrases: dict[str, list[str]]
    most: int | None
    left_out: list[str] = field(default_factory=list)


def plan(data: Path | None, *, own: Path = OWN, names: Collection[str] = (), most: int | None = None) -> Plan:
    """Load what `names` choose (everything where they choose nothing), at most `most` rows of each set.

    Without `data` the benchmark is the one in DATA, if it is there.

    Raises: ConfigError where `data` holds no benchmark, a name is unknown, or a row cannot be read.
    """
    left_out: list[str] = []
    folder = data or DATA
    files = _bench_files(folder, is_named=data is not None)
    if not files and not names:
        left_out.append(
            f"The public benchmark, the word lists and the unsure band: there is no {DATA}; "
            "name the folder of labelled posts with --data."
        )
    own_files = {name: own / f"{name}.tsv" for name in (*URGENCY, MOODS, CHATTER, PARAPHRASES)}
    _check(names, known=[*files, *own_files])
    public = [_public(file, most, left_out) for name, file in files.items() if not names or name in names]
    there = _present(own_files, names, left_out)
    posts = {name: sampled(_own(file), most) for name, file in there.items() if name != PARAPHRASES}
    return Plan(
        data=folder if files else None,
        public=[one for one in public if one is not None],
        urgency={name: posts[name] for name in URGENCY if name in posts},
        moods=posts.get(MOODS, []),
        chatter=posts.get(CHATTER, []),
        paraphrases=_paraphrases(there[PARAPHRASES], most) if PARAPHRASES in there else {},
        most=most,
        left_out=left_out,
    )


def sampled(rows: Sequence[T], most: int | None) -> list[T]:
    """Return at most `most` rows, the same ones each time, in their order."""
    if most is None or len(rows) <= most:
        return list(rows)
    chosen = np.random.default_rng(_SEED).permutation(len(rows))[:most]
    return [rows[i] for i in sorted(chosen.tolist())]


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a labelled file, each with its text, label and language.

    Raises: ConfigError with the lines that cannot be read.
    """
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for number, line in enumerate(_text(file).split("\n"), start=1):
        if line.strip():
            row = _row(line)
            if isinstance(row, str):
                problems.append(Problem(line=number, where="row", what=row))
            else:
                rows.append(row)
    if problems:
        raise ConfigError(problems[:_MOST_PROBLEMS], file=str(file))
    return rows


def _bench_files(data: Path, *, is_named: bool) -> dict[str, Path]:
    files = {file.stem: file for file in sorted((data / "bench").glob("*.jsonl"))}
    if is_named and not files:
        what = f"there is no bench/*.jsonl in {data}; name the folder that holds bench/, such as --data {DATA}"
        raise ConfigError([Problem(line=None, where="--data", what=what)])
    return files


def _check(names: Collection[str], *, known: Collection[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        what = f"there is no set {', '.join(unknown)}; known here: {', '.join(sorted(known))}"
        raise ConfigError([Problem(line=None, where="--sets", what=what)])


def _public(file: Path, most: int | None, left_out: list[str]) -> PublicSet | None:
    rows = read_rows(file)
    found = {row["label"] for row in rows}
    task = next((task for task, classes in CLASSES.items() if found <= set(classes)), None)
    if task is None or not rows:
        left_out.append(f"{file.name}: no task has the labels {', '.join(sorted(found)) or '(no rows)'}.")
        return None
    kept = sampled(rows, most)
    return PublicSet(
        name=file.stem,
        task=task,
        texts=[row["text"] for row in kept],
        languages=[row["lang"] for row in kept],
        truth=[CLASSES[task].index(row["label"]) for row in kept],
    )


def _row(line: str) -> dict[str, Any] | str:
    """Return the row, or what is wrong with it."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as err:
        return f"not JSON: {err}"
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("text", "lang")):
        return 'must be an object with "text", "lang" and "label"'
    # The one set with numbers for labels (anger intensity) is no benchmark, but it is read like one.
    if not isinstance(row.get("label"), str | int):
        return '"label" must be a text'
    return row | {"label": str(row["label"])}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        what = f"cannot be read as UTF-8 text: {err}"
        raise ConfigError([Problem(line=None, where="file", what=what)], file=str(file)) from err


def _present(files: dict[str, Path], names: Collection[str], left_out: list[str]) -> dict[str, Path]:
    wanted = {name: file for name, file in files.items() if not names or name in names}
    missing = [name for name, file in wanted.items() if not file.exists()]
    if missing:
        left_out.append(f"Our own sets {', '.join(missing)}: they lie in tests/data/ of a checkout, and are not here.")
    return {name: file for name, file in wanted.items() if name not in missing}


def _own(file: Path) -> list[Example]:
    try:
        return read_posts(file)
    except ValueError as err:
        raise ConfigError([Problem(line=None, where="post", what=str(err))], file=str(file)) from err


def _paraphrases(file: Path, most: int | None) -> dict[str, list[str]]:
    """Return, for each language of the header, its texts; one row says one thing in all of them."""
    head, *lines = [line.split("\t") for line in _text(file).splitlines() if line]
    wrong = [number for number, line in enumerate(lines, start=2) if len(line) != len(head) or not all(line)]
    if wrong:
        what = f"must have {len(head)} texts parted by tabs"
        raise ConfigError([Problem(line=number, where="row", what=what) for number in wrong], file=str(file))
    kept = sampled(lines, most)
    return {lang: [line[at] for line in kept] for at, lang in enumerate(head)}
