"""Any Hugging Face sequence classifier by name or folder, on torch.

Owns the reading of the model's own label names into ours. Refuses to download silently at start: the
hub library's own cache and offline switches apply.
"""

from collections.abc import Sequence

import numpy as np

from core.assessment import Language, Probabilities
from core.errors import ConfigError, Problem
from sentiment.base import Namer, Reading, namer
from sentiment.text import normalise

_BATCH = 8

# What classifiers call the three classes, lower case. Star ratings of five fold into three.
_NAMES = {
    "negative": "negative",
    "neg": "negative",
    "negativ": "negative",
    "label_0": "negative",
    "1 star": "negative",
    "2 stars": "negative",
    "very negative": "negative",
    "neutral": "neutral",
    "neu": "neutral",
    "nøytral": "neutral",
    "label_1": "neutral",
    "3 stars": "neutral",
    "mixed": "neutral",
    "positive": "positive",
    "pos": "positive",
    "positiv": "positive",
    "label_2": "positive",
    "4 stars": "positive",
    "5 stars": "positive",
    "very positive": "positive",
}


class HubModel:
    """A classifier through transformers and torch (the optional extra `hub`)."""

    def __init__(self, name: str, *, threads: int = 1) -> None:
        try:
            import torch  # noqa: PLC0415
        except ImportError as err:
            raise _problem('needs torch: run `.venv/bin/pip install "torch>=2.13,<3"`') from err
        from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415

        torch.set_num_threads(threads)
        self._torch = torch
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(name)
            self._model = AutoModelForSequenceClassification.from_pretrained(name).eval()
        except (OSError, ValueError) as err:
            raise _problem(f"{name!r} could not be loaded: {str(err).splitlines()[0]}") from err
        config = self._model.config
        self.name = name
        self.version = str(getattr(config, "_commit_hash", None) or "local")
        self._columns = _columns({int(index): str(label) for index, label in config.id2label.items()}, name)
        self._max_tokens = min(512, int(getattr(config, "max_position_embeddings", 512)) - 2)

    def read(self, texts: Sequence[str], languages: Sequence[Language] | Namer) -> list[Reading]:
        """Return the model's own softmax, folded into our three classes, in order; it knows nothing else."""
        name = namer(languages)
        out: list[Probabilities] = []
        for start in range(0, len(texts), _BATCH):
            out += self._run([normalise(text) for text in texts[start : start + _BATCH]])
        return [Reading(language=name(place, None), probabilities=one) for place, one in enumerate(out)]

    def _run(self, texts: list[str]) -> list[Probabilities]:
        encoded = self._tokenizer(
            texts, truncation=True, max_length=self._max_tokens, padding=True, return_tensors="pt"
        )
        with self._torch.inference_mode():
            rows = self._torch.softmax(self._model(**encoded).logits, dim=-1).numpy()
        folded = {name: np.asarray(rows[:, columns]).sum(axis=1) for name, columns in self._columns.items()}
        return [
            Probabilities(negative=float(n), neutral=float(u), positive=float(p))
            for n, u, p in zip(folded["negative"], folded["neutral"], folded["positive"], strict=True)
        ]


def _columns(labels: dict[int, str], name: str) -> dict[str, list[int]]:
    """Return which of the model's classes make up each of ours."""
    columns: dict[str, list[int]] = {"negative": [], "neutral": [], "positive": []}
    two_classes = len(labels) == 2
    for index, label in labels.items():
        known = _NAMES.get(label.casefold())
        if two_classes and label.casefold() == "label_1":
            known = "positive"
        if known is None:
            raise _problem(f"{name!r} has a class {label!r}, which is none of {', '.join(sorted(set(_NAMES)))}")
        columns[known].append(index)
    if not columns["negative"] or not columns["positive"]:
        raise _problem(f"{name!r} has no negative or no positive class: {', '.join(labels.values())}")
    return columns


def _problem(what: str) -> ConfigError:
    return ConfigError([Problem(line=None, where="sentiment.model", what=what)])
