"""Which weights put the development posts in the best order: `python -m sentiment.training.weigh`.

Owns the search behind the numbers of sentiment.judge, to be done again with a new model. It prints; a person decides.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from core.assessment import Language
from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
from sentiment.judge import CUES, LEVELS, NO_MOOD, weigh
from sentiment.training.labels import Example
from sentiment.training.measures import Floats, Ints, pairwise, recall_at_top
from sentiment.training.written import own_posts
from sentiment.urgency import UrgencyReader

_STEP = 4
_FIRST, _SECOND = range(12, 41, _STEP), range(24, 53, _STEP)
_CUES = (0.1, 0.2, 0.25, 0.3, 0.4)
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the heads and the cues say of one post of a known level."""

    level: int
    heads: tuple[float, float, float]
    cue_points: float


def heard(model: Path, posts: list[Example]) -> Iterator[Heard]:
    """Yield what is said of each post, read as the language of its label."""
    cues = UrgencyReader()
    languages = [Language(post.lang) for post in posts]
    readings = Encoder(model).read([post.text for post in posts], languages)
    for post, language, reading in zip(posts, languages, readings, strict=True):
        said = cues.judge(post.text, language=language, probabilities=NO_MOOD)
        if reading.heads is not None:
            yield Heard(
                level=round(sum(post.labels[f"level {n}"] for n in (1, 2, 3))),
                heads=reading.heads.levels,
                cue_points=sum(reason.points for reason in said.reasons),
            )


def figures(said: list[Heard], levels: tuple[float, float, float], cues: float) -> tuple[float, float]:
    """Return (pairs in the right order, gravest in the top quarter) with these weights."""
    truth: Ints = np.array([one.level for one in said])
    urgency: Floats = np.array([weigh(one.heads, one.cue_points, levels=levels, cues=cues) for one in said])
    return pairwise(truth, urgency), recall_at_top(truth, urgency, level=3, share=0.25)


def main() -> None:
    """Print the weights that do best, and what those in service do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    said = list(heard(parser.parse_args().model, own_posts("dev")))
    tried = [
        (*figures(said, (first, second, 100 - first - second), cues), first, second, 100 - first - second, cues)
        for first, second, cues in product(_FIRST, _SECOND, _CUES)
        if first + second < 100
    ]
    print(f"{len(said)} development posts\norder  gravest  levels        cues")
    for order, gravest, first, second, third, cues in sorted(tried, key=lambda one: -one[0] - one[1])[:_SHOWN]:
        print(f"{order:.4f} {gravest:.4f}  {first:2} {second:2} {third:2}      {cues}")
    order, gravest = figures(said, LEVELS, CUES)
    print(f"{order:.4f} {gravest:.4f}  {' '.join(f'{points:2.0f}' for points in LEVELS)}      {CUES}  in service")


if __name__ == "__main__":
    main()
