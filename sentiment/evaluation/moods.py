"""The moods of our own posts: bare facts, irony, emoji, and how far "surely negative" can be trusted.

Pure. Owns the kinds and the figures. Refuses to read a post.
"""

import math
from collections.abc import Mapping, Sequence

from core.assessment import Sentiment
from sentiment.evaluation.tables import NOTHING, Section, count, ratio, share
from sentiment.evaluation.urgency import EVERYONE, Read, by_language
from sentiment.text import normalise

KINDS = ("bare facts", "irony", "emoji", "cancellation", "controls: neutral", "controls: positive", EVERYONE)
_SURE = 0.8
# What normalise writes for people and links: letters that nobody wrote.
_MASKS = ("@user", "[email]", "http")


def kind(read: Read) -> str:
    """Return which trap a post sets; the plain ones, neutral and positive, are there to catch false alarms."""
    if read.mood != "negative":
        return f"controls: {read.mood}"
    if read.post.labels["irony"]:
        return "irony"
    if read.post.labels["intent cancellation"]:
        return "cancellation"
    return "bare facts" if _has_letters(read.post.text) else "emoji"


def plain_and_ironic(reads: Sequence[Read]) -> Section:
    """Return the table of traps: one row for each kind, one column for each language."""
    languages = dict(by_language(reads))
    figures = {name: {language: _moods(_of(name, mine)) for language, mine in languages.items()} for name in KINDS}
    return Section(
        name="plain_and_ironic",
        title="Plain and ironic, our own posts",
        note=(
            "Share of posts whose likeliest mood is the right one, by what makes them hard. Unsure: share that the "
            "product leaves unsaid."
        ),
        head=("kind", "n", *languages, "unsure"),
        rows=[_row(name, figures[name]) for name in KINDS],
        figures=figures,
    )


def trust(sets: Mapping[str, Sequence[Read]]) -> Section:
    """Return how far a post marked surely negative is negative."""
    figures = {name: {language: marked(mine) for language, mine in by_language(reads)} for name, reads in sets.items()}
    return Section(
        name="trust",
        title="What “surely negative” is worth, our own posts",
        note=(
            f"Marked: said to be negative with a confidence of {_SURE:.2f} or more. Of 100 marked: how many are "
            "negative. Of 100 negative: how many are marked."
        ),
        head=("set", "language", "n", "negative", "marked", "of 100 marked", "of 100 negative"),
        rows=[_trust_row(name, language, one) for name, table in figures.items() for language, one in table.items()],
        figures=figures,
        left=2,
    )


def marked(reads: Sequence[Read]) -> dict[str, float]:
    """Return the counts of posts, negatives and posts marked, with precision and recall of the mark."""
    negative = [read.mood == "negative" for read in reads]
    is_marked = [read.said.sentiment is Sentiment.NEGATIVE and read.said.confidence >= _SURE for read in reads]
    both = sum(n and m for n, m in zip(negative, is_marked, strict=True))
    return {
        "n": len(reads),
        "negative": sum(negative),
        "marked": sum(is_marked),
        "precision": ratio(both, sum(is_marked)),
        "recall": ratio(both, sum(negative)),
    }


def _of(name: str, reads: Sequence[Read]) -> list[Read]:
    return [read for read in reads if name in (EVERYONE, kind(read))]


def _moods(reads: Sequence[Read]) -> dict[str, float]:
    right = sum(read.said.probabilities.top()[0].value == read.mood for read in reads)
    unsure = sum(read.said.sentiment is Sentiment.UNSURE for read in reads)
    return {"n": len(reads), "accuracy": ratio(right, len(reads)), "unsure": ratio(unsure, len(reads))}


def _row(name: str, figures: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    everyone = figures[EVERYONE]
    accuracies = (share(one["accuracy"]) for one in figures.values())
    return (name, count(int(everyone["n"])), *accuracies, share(everyone["unsure"]))


def _trust_row(name: str, language: str, one: Mapping[str, float]) -> tuple[str, ...]:
    counts = (count(int(one[key])) for key in ("n", "negative", "marked"))
    return (name, language, *counts, _of_hundred(one["precision"]), _of_hundred(one["recall"]))


def _of_hundred(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{100 * value:.0f}"


def _has_letters(text: str) -> bool:
    bare = normalise(text)
    for mask in _MASKS:
        bare = bare.replace(mask, " ")
    return any(c.isalpha() for c in bare)
