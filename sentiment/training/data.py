"""The training mix: which rows, from where, under which labels, and why.

Owns the public sets' loading and relabelling, and the balance of all that is trained on. Of `bench/` it takes nothing
but what to keep out; `bench` hands its rows to whoever measures.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from sentiment.heads import EMOTION, SENTIMENT
from sentiment.text import normalise
from sentiment.training.labels import GOEMOTIONS, Example, Labels, language_of, one_hot
from sentiment.training.written import key, mark, opinions, own_moods, own_posts

# How much the second reader counts where the set has a label of its own.
_SECOND = 0.5

_NEGATIVE_EMOTIONS = frozenset({"anger", "disgust", "sadness", "fear"})
_POSITIVE_EMOTIONS = frozenset({"joy", "trust"})

Row = dict[str, Any]


class Licence(StrEnum):
    """Whether a set may be used for anything (open), or is forbidden to trade or unclear (other)."""

    OPEN = "open"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of the mix. `cap` bounds its training rows, so no domain drowns the others; `times` repeats them."""

    file: str
    labels: Callable[[Row], Labels]
    licence: Licence = Licence.OTHER
    cap: int | None = None
    times: int = 1


def _mood(row: Row) -> Labels:
    return one_hot("sentiment", SENTIMENT, row["label"])


def _airline(row: Row) -> Labels:
    """Every negative tweet to an airline carries its reason for complaint."""
    return _mood(row) | {"intent complaint": float(row["label"] == "negative")}


def _complaint(row: Row) -> Labels:
    """A complaint is negative even when it is told as a bare fact; the rest says nothing of mood."""
    if row["label"] == "complaint":
        return {"intent complaint": 1.0} | one_hot("sentiment", SENTIMENT, "negative")
    return {"intent complaint": 0.0}


def _offensive(row: Row) -> Labels:
    return {"offensive": float(row["label"] == "offensive")}


def _film(row: Row) -> Labels:
    return {"anger": float(row["label"] == "anger")}


def _film_with_mood(row: Row) -> Labels:
    """Film lines whose emotions all point one way; the ambiguous ones keep their anger label only."""
    emotions = set(row["emotions"])
    if emotions <= _NEGATIVE_EMOTIONS:
        return _film(row) | one_hot("sentiment", SENTIMENT, "negative")
    if emotions <= _POSITIVE_EMOTIONS:
        return _film(row) | one_hot("sentiment", SENTIMENT, "positive")
    return _film(row)


def _goemotions(row: Row) -> Labels:
    felt = set(row["emotions"])
    return {"anger": float(row["label"] == "anger")} | {
        f"goemotions {name}": float(name in felt) for name in GOEMOTIONS
    }


def _emotion(row: Row) -> Labels:
    return one_hot("emotion", EMOTION, row["label"])


def _intensity(row: Row) -> Labels:
    """Clearly angry or clearly not; "low" is neither."""
    return {} if str(row["label"]) == "1" else {"anger": float(int(row["label"]) > 1)}


MIX = (
    Source(file="da_angrytweets", labels=_mood, licence=Licence.OPEN, times=2),
    Source(file="da_sam_social", labels=_mood, licence=Licence.OPEN),
    Source(file="da_twittersent", labels=_mood, licence=Licence.OPEN, times=2),
    Source(file="da_europarl2", labels=_mood, licence=Licence.OPEN),
    Source(file="da_lcc", labels=_mood, licence=Licence.OPEN),
    Source(file="da_dkhate", labels=_offensive, licence=Licence.OPEN, times=2),
    Source(file="da_xed_emotion", labels=_film, licence=Licence.OPEN),
    Source(file="sv_swerec", labels=_mood, times=2),
    Source(file="sv_reviews", labels=_mood, cap=3_000),
    Source(file="sv_social_emoji", labels=_mood),
    Source(file="sv_xed_emotion", labels=_film, licence=Licence.OPEN),
    Source(file="no_norec_sentence", labels=_mood, times=2),
    Source(file="no_xed_emotion", labels=_film_with_mood, licence=Licence.OPEN),
    Source(file="en_tweeteval_sentiment", labels=_mood, cap=18_000),
    Source(file="en_airline", labels=_airline),
    Source(file="en_sanders_brands", labels=_mood),
    Source(file="en_complaints", labels=_complaint),
    Source(file="en_goemotions", labels=_goemotions, licence=Licence.OPEN, cap=14_000),
    Source(file="en_tweeteval_emotion", labels=_emotion, times=2),
    Source(file="en_tweeteval_offensive", labels=_offensive, cap=4_000),
    Source(file="en_anger_intensity", labels=_intensity),
)
# How often our own posts count, in the first part and in the last.
_OWN_TIMES, _OWN_TIMES_LAST = 3, 2
# The last part of training goes once more over what is judged hardest and what second readers read, and over a little
# of the rest so that it is not forgotten: so many rows of each, some of them twice. Sets not named here sit it out.
_LAST = {
    "da_angrytweets": 4_400,
    "da_sam_social": 5_000,
    "da_twittersent": 130,
    "da_europarl2": 600,
    "da_lcc": 316,
    "da_dkhate": 2_600,
    "sv_swerec": 11_000,
    "sv_social_emoji": 1_200,
    "no_norec_sentence": 8_000,
    "en_tweeteval_sentiment": 40_000,
    "en_airline": 9_800,
    "en_sanders_brands": 1_800,
    "en_complaints": 1_800,
    "en_goemotions": 6_000,
    "en_tweeteval_emotion": 3_000,
    "en_tweeteval_offensive": 3_000,
}

_CALM: Labels = {"level 2": 0.0, "level 3": 0.0}


def load(
    data: Path, *, seed: int, open_only: bool = False, last: bool = False, whole: bool = False
) -> tuple[list[Example], list[Example]]:
    """Return (train, dev). Dev rows are the official ones, else a tenth by hash of the text.

    `open_only` keeps the openly licensed sets, our own posts and our own texts; `last` is the mix of the last part of
    training; `whole` heeds no cap, for what learns a row in a moment. Raises: ValueError, naming what cannot be read.
    """
    held_out = bench_keys(data)
    train: list[Example] = []
    dev: list[Example] = []
    for source in MIX:
        if open_only and source.licence is not Licence.OPEN:
            continue
        mine, aside = _split(source, data, held_out)
        mine = _read_again(mine, source.file)
        if last:
            train += _sized(mine, _LAST.get(source.file, 0), seed + 1)
        else:
            train += _flatten(mine, None if whole else source.cap, seed) * source.times
        dev += aside
    ours = own_posts("train") * (_OWN_TIMES_LAST if last else _OWN_TIMES) + own_moods()
    train += [e for e in ours if key(e.text) not in held_out]
    dev += own_posts("dev")
    return train, dev


def public_sample(data: Path, most: int, seed: int) -> list[Example]:
    """Return at most `most` training rows of each public set, without their labels but for one.

    Who is neutral or glad in public neither is furious nor needs help: such a row is not of level 2 or 3.
    """
    held_out = bench_keys(data)
    out: list[Example] = []
    for source in MIX:
        rows, _ = _split(source, data, held_out)
        out += [replace(row, labels=_CALM if _is_calm(row) else {}) for row in _flatten(rows, most, seed)]
    return out


def _is_calm(row: Example) -> bool:
    return row.labels.get("sentiment negative") == 0.0


def _sized(rows: list[Example], size: int, seed: int) -> list[Example]:
    """Return `size` of `rows`: all as often as they go into it, and of what is left the commonest label least."""
    times, rest = divmod(size, len(rows)) if rows else (0, 0)
    return rows * times + _flatten(rows, rest, seed)


def bench_keys(data: Path) -> set[str]:
    """Return the keys of every benchmark row. Raises: ValueError where there is none: nothing would be kept out."""
    keys = {key(normalise(row["text"])) for file in sorted((data / "bench").glob("*.jsonl")) for row in _rows(file)}
    if not keys:
        raise ValueError(f"{data} holds no bench/*.jsonl, so its rows cannot be kept out of training: set --data")
    return keys


def _split(source: Source, data: Path, held_out: set[str]) -> tuple[list[Example], list[Example]]:
    every = ((row, normalise(row["text"])) for row in _rows(data / "train" / f"{source.file}.jsonl"))
    rows = [(row, text) for row, text in every if key(text) not in held_out]
    official = any(row["split"] == "dev" for row, _ in rows)
    train: list[Example] = []
    dev: list[Example] = []
    for row, text in rows:
        labels = source.labels(row)
        if labels:
            labels |= language_of(row["lang"])
            example = Example(text=text, lang=row["lang"], source=source.file, labels=labels)
            is_dev = row["split"] == "dev" if official else _tenth(row["text"])
            (dev if is_dev else train).append(example)
    return train, dev


def _read_again(rows: list[Example], name: str) -> list[Example]:
    """Return `rows`, their mood between the set's and its second reader's; hers alone where the set is silent."""
    second = opinions(name)
    return [replace(row, labels=row.labels | _between(row.labels, second.get(mark(row.text), {}))) for row in rows]


def _between(labels: Labels, second: Labels) -> Labels:
    return {name: (1 - _SECOND) * labels.get(name, said) + _SECOND * said for name, said in second.items()}


def bench(data: Path) -> Iterator[tuple[str, list[Example]]]:
    """Yield (name, rows) for each benchmark set whose labels the model learns."""
    labels = {source.file: source.labels for source in MIX}
    for file in sorted((data / "bench").glob("*.jsonl")):
        if file.stem in labels:
            yield (
                file.stem,
                [
                    Example(
                        text=normalise(row["text"]), lang=row["lang"], source=file.stem, labels=labels[file.stem](row)
                    )
                    for row in _rows(file)
                ],
            )


def _rows(file: Path) -> Iterator[Row]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _tenth(text: str) -> bool:
    return int(mark(text)[:2], 16) < 26


def _flatten(rows: list[Example], cap: int | None, seed: int) -> list[Example]:
    """Cut `rows` to `cap`, taking from the commonest label first."""
    if cap is None or len(rows) <= cap:
        return rows
    shuffled = rows[:]
    random.Random(seed).shuffle(shuffled)
    sizes = Counter(_kind(row) for row in rows)
    while sizes.total() > cap:
        sizes[sizes.most_common(1)[0][0]] -= 1
    kept: list[Example] = []
    for row in shuffled:
        if sizes[_kind(row)] > 0:
            sizes[_kind(row)] -= 1
            kept.append(row)
    return kept


def _kind(row: Example) -> str:
    aside = ("goemotions", "language")
    return ",".join(name for name, value in row.labels.items() if value > 0.5 and not name.startswith(aside))
