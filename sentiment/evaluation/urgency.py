"""Urgency and intents of our own posts, as the whole product says them.

Pure. Owns the figures for "is the urgent on top" and "is the wish understood". Refuses to read a post.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from core.assessment import Assessment, Intent
from sentiment.evaluation.tables import NOTHING, Section, count, ratio, share
from sentiment.heads import INTENTS
from sentiment.training import measures
from sentiment.training.labels import Example
from sentiment.training.measures import Ints

EVERYONE = "all"
_GRAVEST = 3
_TOP = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One of our own posts, and what the product said of it."""

    post: Example
    said: Assessment

    @property
    def level(self) -> int:
        """Return the urgency that its author gave it, 0..3."""
        return int(sum(self.post.labels[f"level {n}"] for n in (1, 2, 3)))

    @property
    def mood(self) -> str:
        """Return the mood that its author gave it."""
        return next(name for name in ("negative", "neutral", "positive") if self.post.labels[f"sentiment {name}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How well urgency follows level; `mean_by_level` holds the mean urgency of level 0, 1, 2 and 3."""

    n: int
    pairwise: float
    recall_at_top: float
    mean_by_level: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Of one intent: how many posts have it, how much of what was said is so, how much of what is so was said."""

    n: int
    precision: float
    recall: float
    f1: float


def by_language(reads: Sequence[Read]) -> Iterator[tuple[str, list[Read]]]:
    """Yield the posts of each language, in the order they first come, and all of them."""
    for language in dict.fromkeys(read.post.lang for read in reads):
        yield language, [read for read in reads if read.post.lang == language]
    yield EVERYONE, list(reads)


def urgency(sets: Mapping[str, Sequence[Read]]) -> Section:
    """Return the table of urgency: one row for each set and language."""
    rankings = {(name, language): ranked(mine) for name, reads in sets.items() for language, mine in by_language(reads)}
    return Section(
        name="urgency",
        title="Urgency, our own posts",
        note=(
            "Our posts, of the levels 0 to 3 of docs/model.md, through the whole product. "
            "Order: share of pairs of different level that the urgency puts right (ties count half). Gravest: share of "
            "the level-3 posts that stand in the top quarter."
        ),
        head=("set", "language", "n", "order", "gravest", *(f"mean at {level}" for level in range(_GRAVEST + 1))),
        rows=[_urgency_row(name, language, one) for (name, language), one in rankings.items()],
        figures={
            name: {language: asdict(one) for (of, language), one in rankings.items() if of == name} for name in sets
        },
        left=2,
    )


def intents(reads: Sequence[Read]) -> Section:
    """Return the table of intents: one row each, with their means, one column for each language."""
    figures = {language: agreements(mine) for language, mine in by_language(reads)}
    names = [intent.value for intent in INTENTS]
    return Section(
        name="intents",
        title="Intents, our own posts",
        note=(
            "Precision / recall / F1 (posts that have it). A dash: nothing to count. Macro: the mean over the intents "
            "that some post has; one that is never found counts as precision 0."
        ),
        head=("intent", *figures),
        rows=[
            (name, *(_agreement_cell(table[name]) for table in figures.values())) for name in (*names, "micro", "macro")
        ],
        figures={language: {name: asdict(one) for name, one in table.items()} for language, table in figures.items()},
    )


def agreements(reads: Sequence[Read]) -> dict[str, Agreement]:
    """Return the agreement on each intent by its name, and "micro" and "macro" over them."""
    counts = {intent: _counts(reads, intent) for intent in INTENTS}
    table = {intent.value: agreement(*counts[intent]) for intent in INTENTS}
    summed = [sum(column) for column in zip(*counts.values(), strict=True)]
    had = [one for one in table.values() if one.n]
    return table | {
        "micro": agreement(*summed),
        "macro": Agreement(
            n=summed[0],
            # What was never said has no precision; in the mean it counts as none.
            precision=_mean([0.0 if math.isnan(one.precision) else one.precision for one in had]),
            recall=_mean([one.recall for one in had]),
            f1=_mean([one.f1 for one in had]),
        ),
    }


def agreement(have: int, said: int, both: int) -> Agreement:
    """Return the figures of `have` posts with an intent, `said` with it found, `both` at once."""
    return Agreement(n=have, precision=ratio(both, said), recall=ratio(both, have), f1=ratio(2 * both, have + said))


def ranked(reads: Sequence[Read]) -> Ranking:
    """Return how the urgency of the posts follows their levels."""
    levels: Ints = np.array([read.level for read in reads], dtype=np.int64)
    said = np.array([float(read.said.urgency) for read in reads])
    has_gravest = bool((levels >= _GRAVEST).any())
    return Ranking(
        n=len(reads),
        pairwise=measures.pairwise(levels, said),
        recall_at_top=measures.recall_at_top(levels, said, level=_GRAVEST, share=_TOP) if has_gravest else math.nan,
        mean_by_level=tuple(_mean(said[levels == level].tolist()) for level in range(_GRAVEST + 1)),
    )


def _urgency_row(name: str, language: str, one: Ranking) -> tuple[str, ...]:
    means = (NOTHING if math.isnan(mean) else f"{mean:.0f}" for mean in one.mean_by_level)
    return (name, language, count(one.n), share(one.pairwise), share(one.recall_at_top), *means)


def _counts(reads: Sequence[Read], intent: Intent) -> tuple[int, int, int]:
    has = [read.post.labels[f"intent {intent.value}"] > 0 for read in reads]
    says = [intent in read.said.intents for read in reads]
    return sum(has), sum(says), sum(h and s for h, s in zip(has, says, strict=True))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _agreement_cell(one: Agreement) -> str:
    if not one.n and math.isnan(one.precision):
        return NOTHING
    return f"{share(one.precision)} / {share(one.recall)} / {share(one.f1)} ({count(one.n)})"
