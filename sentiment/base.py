"""What a model is to the rest of this room: texts in, calibrated probabilities out.

Owns the Model port, what it says of one post, and the choice of a model by its name in the config.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.assessment import Intent, Language, Probabilities
from core.config import SentimentConfig
from core.errors import ConfigError, Problem

SHIPPED = Path(__file__).parent / "model"

Vector = NDArray[np.float32]

# Names the language of the text at a place, given how likely each looks to the model, if it has a view.
Namer = Callable[[int, Mapping[Language, float] | None], Language]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """What our own model says beside the mood; each 0..1, calibrated on our development posts.

    `levels` are the probabilities that the urgency is at least 1, 2 and 3 (docs/model.md), never rising.
    """

    anger: float
    offensive: float
    irony: float
    levels: tuple[float, float, float]
    intents: Mapping[Intent, float]
    # The intents above their own threshold, in the order of `Intent`.
    found: tuple[Intent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a model says of one text. Models that know the mood only leave the rest None.

    `language` is the one it was read as. `embedding`: float32 [384], of length one. `words`: float32 [words, 2], how
    much each word, as parted by white space in the normalised text, speaks for urgency and for the likeliest mood; a
    hint where to look, no proof.
    """

    language: Language
    probabilities: Probabilities
    heads: Heads | None = None
    embedding: Vector | None = None
    words: NDArray[np.float32] | None = None


class Model(Protocol):
    """Any three-class sentiment model. `read` blocks; the worker gives it a thread of its own."""

    name: str
    version: str

    def read(self, texts: Sequence[str], languages: Sequence[Language] | Namer) -> list[Reading]:
        """Return readings, one for each text, in order. `languages` choose the calibration."""
        ...


def namer(languages: Sequence[Language] | Namer) -> Namer:
    """Return one that names the languages given, or the one given."""
    if callable(languages):
        return languages
    return lambda place, _witness: languages[place]


def open_model(config: SentimentConfig) -> Model:
    """Load the model that the config names. Slow (0.3 s to minutes); blocks.

    Raises: ConfigError where it cannot be loaded, with the cure.
    """
    if config.model == "shipped":
        from sentiment.encoder import Encoder  # noqa: PLC0415  (onnxruntime is loaded only where it is used)

        return Encoder(SHIPPED, threads=config.threads)
    if config.model.startswith("folder:"):
        from sentiment.encoder import Encoder  # noqa: PLC0415  (as above)

        return Encoder(Path(config.model.removeprefix("folder:")), threads=config.threads)
    if config.model.startswith("hub:"):
        from sentiment.hub import HubModel  # noqa: PLC0415  (torch is an optional extra)

        return HubModel(config.model.removeprefix("hub:"), threads=config.threads)
    what = f'{config.model!r} is not a model; use "shipped", "folder:build/open" or "hub:owner/name"'
    raise ConfigError([Problem(line=None, where="sentiment.model", what=what)])
