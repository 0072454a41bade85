"""Which language a post is in, and whether meaning crosses from one to another.

Pure. Owns the figures of both. Refuses to read a post.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core.assessment import Language
from sentiment.evaluation.tables import NOTHING, Section, count, ratio, share
from sentiment.evaluation.urgency import Read, by_language
from sentiment.training.measures import Floats

# Where a length ends: characters of the post as it was written.
_LENGTHS = (("any", 0, None), ("under 20", 0, 20), ("20 to 60", 20, 61), ("over 60", 61, None))
_NORWEGIAN = (Language.NB, Language.NN)


def language(reads: Sequence[Read]) -> Section:
    """Return the table of languages: one row for each language and length."""
    figures = {
        code: {name: _read_as(_as_long(mine, low, high)) for name, low, high in _LENGTHS}
        for code, mine in by_language(reads)
    }
    return Section(
        name="language",
        title="Language, our own posts",
        note=(
            "By the text alone, without a platform's hint. Right: exactly the language, the two written Norwegians "
            "told apart. Called Danish: share of the Norwegian posts."
        ),
        head=("language", "characters", "n", "right", "unsure", "wrong", "Norwegian called Danish"),
        rows=[_row(code, length, one) for code, table in figures.items() for length, one in table.items()],
        figures=figures,
        left=2,
    )


def paraphrases(embeddings: Mapping[str, Floats]) -> Section:
    """Return how often the nearest text of another language says the same; row i of each language says one thing."""
    figures = {
        asked: {found: hits(embeddings[asked], embeddings[found]) for found in embeddings if found != asked}
        for asked in embeddings
    }
    everything = [value for row in figures.values() for value in row.values()]
    mean = float(np.mean(everything)) if everything else float("nan")
    size = max((len(rows) for rows in embeddings.values()), default=0)
    return Section(
        name="paraphrases",
        title="The same said in another language, our own posts",
        note=(
            f"Asked with a post of the row's language: how often the nearest of {count(size)} posts in the column's "
            f"language says the same. Mean of all pairs {share(mean)}."
        ),
        head=("asked in", *embeddings),
        rows=[
            (asked, *(share(row[found]) if found in row else NOTHING for found in embeddings))
            for asked, row in figures.items()
        ],
        figures={"n": size, "mean": mean, "hit_at_1": figures},
    )


def hits(asked: Floats, found: Floats) -> float:
    """Return the share of rows of `asked` whose nearest row of `found` is the one in the same place."""
    nearest = (asked @ found.T).argmax(axis=1)
    return ratio(float((nearest == np.arange(len(asked))).sum()), len(asked))


def _as_long(reads: Sequence[Read], low: int, high: int | None) -> list[Read]:
    return [read for read in reads if low <= len(read.post.text) and (high is None or len(read.post.text) < high)]


def _read_as(reads: Sequence[Read]) -> dict[str, float]:
    right = sum(read.said.language.value == read.post.lang for read in reads)
    unsure = sum(read.said.language is Language.UNSURE for read in reads)
    norwegian = [read for read in reads if read.post.lang in _NORWEGIAN]
    danish = sum(read.said.language is Language.DA for read in norwegian)
    n = len(reads)
    return {
        "n": n,
        "right": ratio(right, n),
        "unsure": ratio(unsure, n),
        "wrong": ratio(n - right - unsure, n),
        "norwegian_called_danish": ratio(danish, len(norwegian)),
    }


def _row(code: str, length: str, one: Mapping[str, float]) -> tuple[str, ...]:
    shares = (share(one[key]) for key in ("right", "unsure", "wrong", "norwegian_called_danish"))
    return (code, length, count(int(one["n"])), *shares)
