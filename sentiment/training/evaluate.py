"""How good the artefact is, on the public benchmark: `python -m sentiment.training.evaluate --data D`.

Owns the figures of the model card. Reads `bench/`, and nothing else does.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.config import SentimentConfig
from sentiment.base import open_model
from sentiment.training.data import LABELS, bench

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def confusion(truth: Ints, guess: Ints) -> Floats:
    """Return counts: float [true label, guessed label]."""
    table = np.zeros((len(LABELS), len(LABELS)))
    np.add.at(table, (truth, guess), 1)
    return table


def macro_f1(table: Floats) -> float:
    """Return the mean F1 over classes."""
    hits = np.diag(table)
    return float(np.mean(2 * hits / np.maximum(table.sum(0) + table.sum(1), 1)))


def recalls(table: Floats) -> list[float]:
    """Return the recall of each class."""
    return [float(x) for x in np.diag(table) / np.maximum(table.sum(1), 1)]


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


def main() -> None:
    """Print one table row for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="shipped")
    a = parser.parse_args()
    model = open_model(SentimentConfig(model=a.model, threads=2))
    print("| set | n | accuracy | macro-F1 | MCC | recall neg / neu / pos | ECE |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, examples in bench(a.data):
        scored = model.score([example.text for example in examples])
        rows = np.array([[p.negative, p.neutral, p.positive] for p in scored])
        truth = np.array([example.label for example in examples])
        guess = rows.argmax(1)
        table = confusion(truth, guess)
        by_class = " / ".join(f"{recall:.2f}" for recall in recalls(table))
        error = calibration_error(rows.max(1), guess == truth)
        accuracy = float((guess == truth).mean())
        print(
            f"| {name} | {len(truth)} | {accuracy:.3f} | {macro_f1(table):.3f} | {matthews(table):.3f} "
            f"| {by_class} | {error:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
