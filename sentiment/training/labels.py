"""A labelled post: its text, its language and what is known of it.

Owns the names of what can be judged. Refuses files.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.assessment import Language
from sentiment.heads import COLUMNS, LANGUAGES

GOEMOTIONS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip
# Learnt beside the rest, for what it teaches the encoder; never exported.
AUXILIARY = tuple(f"goemotions {name}" for name in GOEMOTIONS)
TARGETS = (*COLUMNS, *AUXILIARY)

Labels = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One labelled post; `labels` maps columns of TARGETS to 0..1, and is silent where nobody judged."""

    text: str
    lang: str
    source: str
    labels: Labels = field(default_factory=dict)


def one_hot(group: str, names: tuple[str, ...], chosen: str) -> Labels:
    """Return labels of a softmax group, such as {"sentiment negative": 1.0, ...}."""
    return {f"{group} {name}": float(name == chosen) for name in names}


def label_rows(examples: Sequence[Example], names: Sequence[str]) -> list[list[float]]:
    """Return the labels called `names`, a row for each example; NaN where nobody judged."""
    return [[example.labels.get(name, math.nan) for name in names] for example in examples]


def language_of(code: str) -> Labels:
    """Return the language labels of a row. "no" does not say which Norwegian: nearly always Bokmål."""
    if code == "no":
        return {f"language {one.value}": {Language.NB: 0.93, Language.NN: 0.07}.get(one, 0.0) for one in LANGUAGES}
    return one_hot("language", tuple(one.value for one in LANGUAGES), code)
