"""The second opinion: runs of letters and pairs of words, hashed and weighed one by one.

A linear model beside the network, as in "wide and deep": it knows single words and spellings that the network has
smoothed away, and errs elsewhere, so the two together err less. Owns the hashing and the table's file; training fills
it (sentiment.training.wide). Refuses to judge: calibration says how much it counts in each language.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentiment.heads import COLUMNS

# The columns of sentiment.heads it speaks to; where nobody gained by it, it is silent.
SPOKEN = ("sentiment negative", "sentiment neutral", "sentiment positive", "anger", "offensive")
_AT = [COLUMNS.index(name) for name in SPOKEN]
BITS = 18
_SHORTEST, _LONGEST = 2, 5
_MULTIPLY = np.uint64(0x9E3779B97F4A7C15)
_MIX = 0xBF58476D1CE4E5B9
_SHIFT = np.uint64(64 - BITS)
_FOLD = np.uint64(29)

Buckets = NDArray[np.int64]
Floats = NDArray[np.float32]


def buckets(text: str) -> Buckets:
    """Return the buckets of a normalised text, each once, ascending: runs of 2 to 5 letters, and pairs of words."""
    low = f" {text.lower()} "
    letters = np.frombuffer(low.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    found: list[Buckets] = []
    run = letters.copy()
    for length in range(_SHORTEST, min(_LONGEST, len(letters)) + 1):
        run = run[: len(letters) - length + 1] * _MULTIPLY + letters[length - 1 :]
        found.append(_bucket(run, np.uint64(_MIX + 2 * length)))
    words = np.array([_word(word) for word in low.split()], dtype=np.uint64)
    if len(words) > 1:
        found.append(_bucket(words[:-1] * _MULTIPLY + words[1:], np.uint64(_MIX)))
    return np.unique(np.concatenate(found))


def _bucket(mixed: NDArray[np.uint64], multiplier: np.uint64) -> Buckets:
    return (((mixed ^ (mixed >> _FOLD)) * multiplier) >> _SHIFT).astype(np.int64)


def _word(word: str) -> int:
    """FNV-1a over UTF-8, the same on every machine."""
    value = 0xCBF29CE484222325
    for byte in word.encode("utf-8", "replace"):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


class Ngrams:
    """The table of one file: int8 weights [2**BITS, SPOKEN], and what one step of each column is worth."""

    def __init__(self, weights: NDArray[np.int8], steps: Floats, lean: Floats) -> None:
        self._weights = weights
        self._steps = steps
        self._lean = lean

    @classmethod
    def load(cls, file: Path) -> "Ngrams":
        """Read a table that `save` wrote."""
        with np.load(file) as parts:
            return cls(parts["weights"], parts["steps"], parts["lean"])

    def save(self, file: Path) -> None:
        """Write the table, compressed."""
        np.savez_compressed(file, weights=self._weights, steps=self._steps, lean=self._lean)

    def logits(self, texts: Sequence[str]) -> Floats:
        """Return what the table says of normalised texts: float32 [texts, COLUMNS], zero where it is silent."""
        out = np.zeros((len(texts), len(COLUMNS)), dtype=np.float32)
        for at, text in enumerate(texts):
            mine = buckets(text)
            summed = self._weights[mine].sum(axis=0, dtype=np.int64)
            out[at, _AT] = summed * self._steps / np.sqrt(len(mine)) + self._lean
        return out
