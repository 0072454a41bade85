"""What a model is to the rest of this room: texts in, calibrated probabilities out.

Owns the Model port and the choice of one by its name in the config.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from core.assessment import Probabilities
from core.config import SentimentConfig
from core.errors import ConfigError, Problem

SHIPPED = Path(__file__).parent / "model"


class Model(Protocol):
    """Any three-class sentiment model. `score` blocks; the worker gives it a thread of its own."""

    name: str
    version: str

    def score(self, texts: Sequence[str]) -> list[Probabilities]:
        """Return probabilities, one for each text, in order."""
        ...


def open_model(config: SentimentConfig) -> Model:
    """Load the model that the config names. Slow (0.3 s to minutes); blocks.

    Raises: ConfigError where it cannot be loaded, with the cure.
    """
    if config.model == "shipped":
        from sentiment.encoder import Encoder  # noqa: PLC0415  (onnxruntime is loaded only where it is used)

        return Encoder(SHIPPED, threads=config.threads)
    if config.model.startswith("hub:"):
        from sentiment.hub import HubModel  # noqa: PLC0415  (torch is an optional extra)

        return HubModel(config.model.removeprefix("hub:"), threads=config.threads)
    what = f'{config.model!r} is not a model; use "shipped" or "hub:owner/name"'
    raise ConfigError([Problem(line=None, where="sentiment.model", what=what)])
