"""The shipped transformer on ONNX Runtime, tokenised by transformers.

Owns one session and its calibration. Refuses threads and queues: the worker owns those.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from core.assessment import Probabilities
from core.errors import ConfigError, Problem
from sentiment.text import normalise

# More texts at once only adds padding on a CPU (measured: 8 is enough).
_BATCH = 8

Logits = NDArray[np.float32]


class Encoder:
    """An int8 ONNX sequence classifier in a folder with model.onnx, model.json and a tokenizer."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        # transformers is slow to import and warns of a missing torch, which is not missed here.
        os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
        from transformers import AutoTokenizer  # noqa: PLC0415

        about = _about(folder)
        self.name = str(about["name"])
        self.version = str(about["version"])
        self._temperature = float(about["temperature"])
        self._max_tokens = int(about["max_tokens"])
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._session = ort.InferenceSession(
            str(folder / "model.onnx"), _options(threads), providers=["CPUExecutionProvider"]
        )

    def score(self, texts: Sequence[str]) -> list[Probabilities]:
        """Return calibrated probabilities, one for each text, in order."""
        scaled = self.logits(texts) / self._temperature
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        rows = powers / powers.sum(axis=1, keepdims=True)
        return [Probabilities(negative=float(n), neutral=float(u), positive=float(p)) for n, u, p in rows]

    def logits(self, texts: Sequence[str]) -> Logits:
        """Return raw logits: float32 [texts, 3] in the order negative, neutral, positive."""
        clean = [normalise(text) for text in texts]
        order = sorted(range(len(clean)), key=lambda i: len(clean[i]))
        out = np.zeros((len(clean), 3), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            out[chosen] = self._run([clean[i] for i in chosen])
        return out

    def _run(self, texts: list[str]) -> Logits:
        encoded = self._tokenizer(
            texts, truncation=True, max_length=self._max_tokens, padding=True, return_tensors="np"
        )
        feed = {name: encoded[name].astype(np.int64) for name in ("input_ids", "attention_mask")}
        logits: Logits = self._session.run(["logits"], feed)[0]
        return logits


def _about(folder: Path) -> dict[str, str | float | int]:
    try:
        about: dict[str, str | float | int] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except OSError as err:
        what = f"there is no model in {folder}: run `make model`, or clone the repository again"
        raise ConfigError([Problem(line=None, where="sentiment.model", what=what)]) from err
    return about


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A spinning pool burns the core that the event loop needs (measured: 10x slower beside a busy neighbour).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options
