"""What counting words reaches on the same rows: the least that a model must beat.

Owns the reading of word lists and the plain sum of their valences. Refuses negation, emphasis and every other rule:
they would be a model of their own.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from core.errors import ConfigError, Problem
from sentiment.evaluation.public import Answers, score
from sentiment.evaluation.sets import CLASSES, Task, read_rows, sampled
from sentiment.evaluation.tables import Section, between, count, share
from sentiment.heads import SENTIMENT
from sentiment.text import normalise
from sentiment.training.measures import Floats, Ints, confusion, macro_f1

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
# Below the first a text is negative, above the second positive.
Cuts = tuple[float, float]
_ZERO: Cuts = (0.0, 0.0)
_CANDIDATES = 41


@dataclass(frozen=True, slots=True, kw_only=True)
class WordList:
    """Words and phrases of one language with their valences."""

    name: str
    valences: dict[tuple[str, ...], float]

    def score(self, text: str) -> float:
        """Return the sum of the valences found, a longer phrase before the words it is made of."""
        # As the model reads it: a handle such as @united is a name, not a kind word.
        words = _words(normalise(text))
        longest = max(map(len, self.valences), default=0)
        total, at = 0.0, 0
        while at < len(words):
            sizes = range(min(longest, len(words) - at), 0, -1)
            size = next((n for n in sizes if words[at : at + n] in self.valences), 0)
            total += self.valences[words[at : at + size]] if size else 0.0
            at += size or 1
        return total


def word_lists(data: Path, language: str) -> list[WordList]:
    """Return the lists named lexicons/<language>_*.tsv. Raises: ConfigError naming the line that cannot be read."""
    files = sorted((data / "lexicons").glob(f"{language}_*.tsv"))
    return [WordList(name=file.stem.removeprefix(f"{language}_"), valences=_valences(file)) for file in files]


def baselines(data: Path, answered: Sequence[Answers], most: int | None) -> Section | None:
    """Return the table of word lists beside the model, on each sentiment set of one language."""
    lists: dict[str, list[WordList]] = {}
    rows: list[tuple[str, ...]] = []
    figures: dict[str, object] = {}
    for one in answered:
        languages = set(one.set.languages)
        if one.set.task is not Task.MOOD or len(languages) != 1:
            continue
        language = languages.pop()
        if language not in lists:
            lists[language] = word_lists(data, language)
        if lists[language]:
            said = [("the model", "", one.guess), *_counted(one, lists[language], data, most)]
            figures[one.set.name] = [_figures(one, *line) for line in said]
            rows += [_row(one, *line) for line in said]
    if not rows:
        return None
    return Section(
        name="baselines",
        title="Beside word lists",
        note=(
            "The sum of the valences of the words found, and nothing else. At zero: below is negative, above positive. "
            "Best on train: the two cuts with the best macro-F1 on the train split of the same set."
        ),
        head=("set", "who", "cuts", "n", "accuracy", "macro-F1", "MCC", "recall neg / neu / pos"),
        rows=rows,
        figures=figures,
        left=3,
    )


def moods(scores: Floats, cuts: Cuts) -> Ints:
    """Return the places in SENTIMENT that the scores come to."""
    low, high = cuts
    return np.where(scores < low, 0, np.where(scores > high, 2, 1)).astype(np.int64)


def best_cuts(scores: Floats, truth: Ints) -> Cuts:
    """Return the cuts with the best macro-F1, among zero and evenly many of the scores."""
    tried = np.unique([0.0, *np.quantile(scores, np.linspace(0, 1, _CANDIDATES), method="nearest")]).tolist()
    pairs = [(low, high) for low in tried for high in tried if low <= high]
    return max(pairs, key=lambda cuts: macro_f1(confusion(truth, moods(scores, cuts), len(SENTIMENT))))


def _counted(one: Answers, lists: Sequence[WordList], data: Path, most: int | None) -> list[tuple[str, str, Ints]]:
    file = data / "train" / f"{one.set.name}.jsonl"
    known = [row for row in read_rows(file) if row.get("split") == "train"] if file.exists() else []
    train = sampled([row for row in known if row["label"] in SENTIMENT], most)
    out: list[tuple[str, str, Ints]] = []
    for words in lists:
        scores = np.array([words.score(text) for text in one.set.texts])
        out.append((words.name, "at zero", moods(scores, _ZERO)))
        if train:
            learnt = np.array([words.score(row["text"]) for row in train])
            low, high = best_cuts(learnt, np.array([SENTIMENT.index(row["label"]) for row in train], dtype=np.int64))
            out.append((words.name, f"best on train: {low:g}, {high:g}", moods(scores, (low, high))))
    return out


def _figures(one: Answers, who: str, cuts: str, guess: Ints) -> dict[str, object]:
    # A sum of valences is no probability: it has no calibration to speak of.
    figures = asdict(score(one.truth, guess, np.ones(len(guess)), CLASSES[Task.MOOD]))
    return {"who": who, "cuts": cuts, **{name: value for name, value in figures.items() if not name.startswith("ece")}}


def _row(one: Answers, who: str, cuts: str, guess: Ints) -> tuple[str, ...]:
    scores = score(one.truth, guess, np.ones(len(guess)), CLASSES[Task.MOOD])
    return (
        one.set.name,
        who,
        cuts,
        count(scores.n),
        share(scores.accuracy),
        between(scores.macro_f1, scores.macro_f1_interval),
        between(scores.mcc, scores.mcc_interval),
        " / ".join(share(value) for value in scores.recalls.values()),
    )


def _valences(file: Path) -> dict[tuple[str, ...], float]:
    valences: dict[tuple[str, ...], float] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        phrase, _, valence = line.rpartition("\t")
        try:
            value = float(valence)
        except ValueError as err:
            what = f"must be a word, a tab and its valence, not {line[:60]!r}"
            raise ConfigError([Problem(line=number, where="word", what=what)], file=str(file)) from err
        if words := _words(phrase):
            # Spelled alike but for capitals: the first one stands.
            valences.setdefault(words, value)
    return valences


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))
