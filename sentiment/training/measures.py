"""The figures: agreement, calibration, and how sure we may be of each.

Pure numpy. Owns the formulas of the model card; refuses to read anything.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def confusion(truth: Ints, guess: Ints, classes: int) -> Floats:
    """Return counts: float [true label, guessed label]."""
    table = np.zeros((classes, classes))
    np.add.at(table, (truth, guess), 1)
    return table


def accuracy(table: Floats) -> float:
    """Return the share that is right."""
    return float(np.trace(table) / max(table.sum(), 1))


def macro_f1(table: Floats) -> float:
    """Return the mean F1 over classes."""
    hits = np.diag(table)
    return float(np.mean(2 * hits / np.maximum(table.sum(0) + table.sum(1), 1)))


def recalls(table: Floats) -> list[float]:
    """Return the recall of each class."""
    return [float(x) for x in np.diag(table) / np.maximum(table.sum(1), 1)]


def macro_recall(table: Floats) -> float:
    """Return the mean recall over classes."""
    return float(np.mean(recalls(table)))


def matthews(table: Floats) -> float:
    """Return Matthews' correlation for several classes."""
    n, hits = table.sum(), np.trace(table)
    true, guessed = table.sum(1), table.sum(0)
    bottom = np.sqrt((n**2 - (guessed**2).sum()) * (n**2 - (true**2).sum()))
    return float((hits * n - (true * guessed).sum()) / bottom) if bottom else 0.0


def calibration_error(confidence: Floats, is_right: NDArray[np.bool_], bins: int = 15) -> float:
    """Return the expected calibration error over equal-width bins."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = which == b
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - is_right[inside].mean())
    return float(error)


def chance_error(confidence: Floats, *, rounds: int = 200, seed: int = 7) -> float:
    """Return the calibration error that is expected by chance alone of answers exactly as right as they say.

    Few rows leave few in a bin, and their share of right answers strays: below this nothing can be told.
    """
    rng = np.random.default_rng(seed)
    draws = rng.random((rounds, len(confidence))) < confidence
    return float(np.mean([calibration_error(confidence, draw) for draw in draws]))


def interval(
    truth: Ints, guess: Ints, classes: int, of: Callable[[Floats], float], *, rounds: int = 1_000, seed: int = 7
) -> tuple[float, float]:
    """Return the 95 % interval of `of` by bootstrap over rows."""
    rng = np.random.default_rng(seed)
    # A row's place in the table is all that matters: drawing rows is drawing cells.
    cells = np.bincount(truth * classes + guess, minlength=classes * classes)
    draws = rng.multinomial(len(truth), cells / cells.sum(), size=rounds)
    values = [of(draw.reshape(classes, classes).astype(float)) for draw in draws]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def pairwise(levels: Ints, scores: Floats) -> float:
    """Return the share of pairs of different level that `scores` put in the right order; ties count half."""
    right = total = 0.0
    for high in np.unique(levels):
        above = scores[levels == high]
        below = scores[levels < high]
        if len(above) and len(below):
            gap = above[:, None] - below[None, :]
            right += float((gap > 0).sum() + (gap == 0).sum() / 2)
            total += gap.size
    return right / total if total else float("nan")


def recall_at_top(levels: Ints, scores: Floats, *, level: int, share: float) -> float:
    """Return how many posts of `level` stand among the `share` of highest scores."""
    chosen = np.argsort(-scores, kind="stable")[: max(1, round(len(scores) * share))]
    return float((levels[chosen] >= level).sum() / max((levels >= level).sum(), 1))
