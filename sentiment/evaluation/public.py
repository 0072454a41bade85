"""The public benchmark: what the model answers on labelled sets, how often it is right, and how well it knows.

Owns the reading of heads as answers and the tables made of them. Refuses to read a file of data.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.assessment import Intent, Language
from sentiment.base import Heads, Reading
from sentiment.encoder import Encoder, softmax
from sentiment.evaluation.sets import CLASSES, PublicSet, Task
from sentiment.evaluation.tables import NOTHING, Section, between, count, ratio, share
from sentiment.heads import EMOTION_AT
from sentiment.language import LanguageReader
from sentiment.training import measures
from sentiment.training.measures import Floats, Ints

# Which column answers a yes or no, and where its probability stands.
_ASKED: dict[Task, tuple[str, Callable[[Heads], float]]] = {
    Task.ANGER: ("anger", lambda heads: heads.anger),
    Task.OFFENSIVE: ("offensive", lambda heads: heads.offensive),
    Task.COMPLAINT: ("intent complaint", lambda heads: heads.intents[Intent.COMPLAINT]),
}
# From which confidence an answer counts, in the curve of the unsure band.
_FROM = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)
# Between which confidences a mark is counted, in the table of what a mark is worth; 1.01 takes in 1.
_BANDS = ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01))
_AT_ONCE = 512

Threshold = Callable[[str, Language], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was said of one set. `guess` are places in CLASSES; `confidence` is the probability of what was said."""

    set: PublicSet
    guess: Ints
    confidence: Floats

    @property
    def truth(self) -> Ints:
        """Return the labels, as places in CLASSES."""
        return np.array(self.set.truth, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How good the answers to one set are; each pair is a 95 % interval."""

    n: int
    accuracy: float
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    macro_recall: float
    macro_recall_interval: tuple[float, float]
    mcc: float
    mcc_interval: tuple[float, float]
    ece: float
    ece_by_chance: float
    recalls: dict[str, float]


def answer(one: PublicSet, encoder: Encoder, reader: LanguageReader) -> Answers:
    """Return what the model says of a set, calibrated by the language that the product itself would find."""
    guesses: list[Ints] = []
    confidences: list[Floats] = []
    for start in range(0, len(one.texts), _AT_ONCE):
        texts = one.texts[start : start + _AT_ONCE]
        if one.task is Task.EMOTION:
            guess, confidence = _likeliest(softmax(encoder.logits(texts)[:, EMOTION_AT].astype(np.float64)))
        elif one.task is Task.MOOD:
            guess, confidence = _likeliest(_moods(_read(texts, encoder, reader)))
        else:
            guess, confidence = _yes_or_no(one.task, _read(texts, encoder, reader), encoder.threshold)
        guesses.append(guess)
        confidences.append(confidence)
    return Answers(set=one, guess=np.concatenate(guesses), confidence=np.concatenate(confidences))


def score(truth: Ints, guess: Ints, confidence: Floats, classes: Sequence[str]) -> Scores:
    """Return every figure of one set."""
    table = measures.confusion(truth, guess, len(classes))
    interval = partial(measures.interval, truth, guess, len(classes))
    present = table.sum(1) > 0
    recalls = [
        r if is_there else float("nan") for r, is_there in zip(measures.recalls(table), present.tolist(), strict=True)
    ]
    return Scores(
        n=len(truth),
        accuracy=measures.accuracy(table),
        macro_f1=measures.macro_f1(table),
        macro_f1_interval=interval(measures.macro_f1),
        macro_recall=measures.macro_recall(table),
        macro_recall_interval=interval(measures.macro_recall),
        mcc=measures.matthews(table),
        mcc_interval=interval(measures.matthews),
        ece=measures.calibration_error(confidence, guess == truth),
        ece_by_chance=measures.chance_error(confidence),
        recalls=dict(zip(classes, recalls, strict=True)),
    )


def benchmark(answered: Sequence[Answers]) -> Section:
    """Return the table of the public sets."""
    scores = {one.set.name: score(one.truth, one.guess, one.confidence, CLASSES[one.set.task]) for one in answered}
    return Section(
        name="benchmark",
        title="Public benchmark",
        note=(
            "The official or stated test splits. In brackets the 95 % interval (1,000 bootstrap draws of the rows). "
            "ECE: expected calibration error in 15 bins, of the probability of what was said; after the stroke what "
            "answers exactly as right as they say would show on so few rows by chance. Each text is read as the "
            "language that the product finds in it. Yes or no is said from the threshold of that language; emotions "
            "are not calibrated."
        ),
        head=("set", "asks", "n", "accuracy", "macro-F1", "macro-recall", "MCC", "ECE", "recall of each class"),
        rows=[_row(one.set, scores[one.set.name]) for one in answered],
        figures={one.set.name: {"task": one.set.task.value, **asdict(scores[one.set.name])} for one in answered},
        left=2,
    )


def coverage(answered: Sequence[Answers]) -> Section | None:
    """Return how much is answered, and how well, where answers below a confidence are left unsure."""
    moods = [one for one in answered if one.set.task is Task.MOOD]
    rows: list[tuple[str, ...]] = []
    figures: dict[str, object] = {}
    for language in sorted({language for one in moods for language in one.set.languages}):
        confidence, is_right = _pooled(moods, language)
        curve = covered(confidence, is_right)
        error, by_chance = measures.calibration_error(confidence, is_right), measures.chance_error(confidence)
        figures[language] = {"n": len(confidence), "ece": error, "ece_by_chance": by_chance, "curve": curve}
        cells = [f"{share(point['answered'])} / {share(point['precision'])}" for point in curve]
        rows.append((language, count(len(confidence)), f"{share(error)} / {share(by_chance)}", *cells))
    if not rows:
        return None
    return Section(
        name="coverage",
        title="The unsure band",
        note=(
            "Share of posts answered / share of those that are right, where a mood is said only from the confidence "
            "above the column. All sentiment sets of a language together; ECE as above."
        ),
        head=("language", "n", "ECE", *(f"from {start:.1f}".replace("0.", ".") for start in _FROM)),
        rows=rows,
        figures=figures,
    )


def covered(confidence: Floats, is_right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return, for each confidence of the curve, the share answered and the precision of the answered."""
    points = []
    for start in _FROM:
        answered = confidence >= start
        points.append(
            {
                "from": start,
                "answered": ratio(float(answered.sum()), len(confidence)),
                "precision": ratio(float(is_right[answered].sum()), float(answered.sum())),
            }
        )
    return points


def worth(answered: Sequence[Answers]) -> Section | None:
    """Return of 100 posts that were marked with a mood, with a confidence, how many have it."""
    moods = [one for one in answered if one.set.task is Task.MOOD]
    figures: dict[str, dict[str, list[dict[str, float]]]] = {}
    rows: list[tuple[str, ...]] = []
    for language in sorted({language for one in moods for language in one.set.languages}):
        confidence, is_right = _pooled(moods, language)
        said = np.concatenate([one.guess[_spoken(one, language)] for one in moods])
        for at, mood in enumerate(CLASSES[Task.MOOD]):
            mine = said == at
            bands = banded(confidence[mine], is_right[mine])
            figures.setdefault(language, {})[mood] = bands
            cells = [f"{share(band['right'])} ({count(int(band['n']))})" for band in bands]
            rows.append((language, mood, count(int(mine.sum())), *cells))
    if not rows:
        return None
    return Section(
        name="worth",
        title="What a mark is worth",
        note=(
            "Of the posts marked with a mood, the share that has it by the set's own labels, by the confidence of the "
            "mark; in brackets how many were marked so. All sentiment sets of a language together."
        ),
        head=("language", "marked", "n", *(f"{low:.1f} to {min(high, 1):.1f}" for low, high in _BANDS)),
        rows=rows,
        figures=figures,
        left=2,
    )


def banded(confidence: Floats, is_right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return, for each of _BANDS, how many were marked with such a confidence, and the share that is right."""
    out = []
    for low, high in _BANDS:
        inside = (confidence >= low) & (confidence < high)
        out.append({"from": low, "n": int(inside.sum()), "right": ratio(float(is_right[inside].sum()), inside.sum())})
    return out


def _row(one: PublicSet, scores: Scores) -> tuple[str, ...]:
    recalls = ", ".join(f"{name.replace('_', ' ')} {share(value)}" for name, value in scores.recalls.items())
    return (
        one.name,
        one.task.value,
        count(scores.n),
        share(scores.accuracy),
        between(scores.macro_f1, scores.macro_f1_interval),
        between(scores.macro_recall, scores.macro_recall_interval),
        between(scores.mcc, scores.mcc_interval),
        f"{share(scores.ece)} / {share(scores.ece_by_chance)}",
        recalls or NOTHING,
    )


def _pooled(moods: Sequence[Answers], language: str) -> tuple[Floats, NDArray[np.bool_]]:
    confidence = np.concatenate([one.confidence[_spoken(one, language)] for one in moods])
    is_right = np.concatenate([(one.guess == one.truth)[_spoken(one, language)] for one in moods])
    return confidence, is_right


def _spoken(answers: Answers, language: str) -> NDArray[np.bool_]:
    return np.array([one == language for one in answers.set.languages])


def _moods(readings: Sequence[Reading]) -> Floats:
    return np.array(
        [[one.probabilities.negative, one.probabilities.neutral, one.probabilities.positive] for one in readings]
    )


def _likeliest(rows: Floats) -> tuple[Ints, Floats]:
    return rows.argmax(axis=1).astype(np.int64), rows.max(axis=1)


def _read(texts: Sequence[str], encoder: Encoder, reader: LanguageReader) -> list[Reading]:
    return encoder.read(texts, lambda place, witness: reader.read(texts[place], None, witness))


def _yes_or_no(task: Task, readings: Sequence[Reading], threshold: Threshold) -> tuple[Ints, Floats]:
    column, probability = _ASKED[task]
    p = np.array([probability(one.heads) if one.heads else float("nan") for one in readings])
    yes = p >= np.array([threshold(column, one.language) for one in readings])
    return yes.astype(np.int64), np.where(yes, p, 1 - p)
