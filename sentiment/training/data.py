"""The training mix: which rows, from where, under which label, and why.

Owns loading, relabelling and balancing of the labelled posts. Refuses to read `bench/` for anything
but keeping its rows out.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment.text import normalise

LABELS = ("negative", "neutral", "positive")

_NEGATIVE_EMOTIONS = frozenset({"anger", "disgust", "sadness", "fear"})
_POSITIVE_EMOTIONS = frozenset({"joy", "trust"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One labelled post; `label` indexes LABELS."""

    text: str
    label: int
    lang: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of the mix. `cap` bounds its training rows, so no domain drowns the others."""

    file: str
    label: Callable[[dict[str, Any]], str | None]
    cap: int | None = None


def _own_label(row: dict[str, Any]) -> str | None:
    return str(row["label"])


def _complaint(row: dict[str, Any]) -> str | None:
    """A complaint is negative even when it is told as a bare fact; the rest says nothing of mood."""
    return "negative" if row["label"] == "complaint" else None


def _emotion(row: dict[str, Any]) -> str | None:
    """Film lines whose emotions all point one way; the ambiguous ones are left out."""
    emotions = set(row["emotions"])
    if emotions <= _NEGATIVE_EMOTIONS:
        return "negative"
    if emotions <= _POSITIVE_EMOTIONS:
        return "positive"
    return None


MIX = (
    Source(file="da_angrytweets", label=_own_label),
    Source(file="da_sam_social", label=_own_label),
    Source(file="da_twittersent", label=_own_label),
    Source(file="da_europarl2", label=_own_label),
    Source(file="da_lcc", label=_own_label),
    Source(file="sv_swerec", label=_own_label),
    Source(file="sv_reviews", label=_own_label, cap=4_000),
    Source(file="sv_social_emoji", label=_own_label),
    Source(file="no_norec_sentence", label=_own_label),
    Source(file="no_xed_emotion", label=_emotion),
    Source(file="en_tweeteval_sentiment", label=_own_label, cap=15_000),
    Source(file="en_airline", label=_own_label, cap=4_500),
    Source(file="en_sanders_brands", label=_own_label),
    Source(file="en_complaints", label=_complaint),
)


def key(text: str) -> str:
    """What two copies of one post share: their letters and digits."""
    return "".join(c for c in text.casefold() if c.isalnum())


def load(data: Path, *, seed: int) -> tuple[list[Example], list[Example]]:
    """Return (train, dev). Dev rows are the official ones, else a tenth by hash of the text."""
    held_out = {key(normalise(row["text"])) for file in sorted((data / "bench").glob("*.jsonl")) for row in _rows(file)}
    train: list[Example] = []
    dev: list[Example] = []
    for source in MIX:
        rows = [
            row for row in _rows(data / "train" / f"{source.file}.jsonl") if key(normalise(row["text"])) not in held_out
        ]
        official = any(row["split"] == "dev" for row in rows)
        mine: list[Example] = []
        for row in rows:
            label = source.label(row)
            if label is None:
                continue
            example = Example(
                text=normalise(row["text"]), label=LABELS.index(label), lang=row["lang"], source=source.file
            )
            is_dev = row["split"] == "dev" if official else _tenth(row["text"])
            (dev if is_dev else mine).append(example)
        train += _flatten(mine, source.cap, seed)
    return train, dev


def bench(data: Path) -> Iterator[tuple[str, list[Example]]]:
    """Yield (name, rows) for each benchmark set with the three sentiment labels."""
    for file in sorted((data / "bench").glob("*.jsonl")):
        rows = list(_rows(file))
        if all(row["label"] in LABELS for row in rows):
            yield (
                file.stem,
                [
                    Example(
                        text=normalise(row["text"]),
                        label=LABELS.index(row["label"]),
                        lang=row["lang"],
                        source=file.stem,
                    )
                    for row in rows
                ],
            )


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _tenth(text: str) -> bool:
    return hashlib.sha256(key(text).encode()).digest()[0] < 26


def _flatten(rows: list[Example], cap: int | None, seed: int) -> list[Example]:
    """Cut `rows` to `cap`, taking from the commonest label first."""
    if cap is None or len(rows) <= cap:
        return rows
    shuffled = rows[:]
    random.Random(seed).shuffle(shuffled)
    sizes = Counter(row.label for row in rows)
    while sizes.total() > cap:
        sizes[sizes.most_common(1)[0][0]] -= 1
    kept: list[Example] = []
    for row in shuffled:
        if sizes[row.label] > 0:
            sizes[row.label] -= 1
            kept.append(row)
    return kept
