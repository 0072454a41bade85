"""The shipped transformer on ONNX Runtime, tokenised by transformers.

Owns one session and its calibration. Refuses threads and queues: the worker owns those.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from core.assessment import Intent, Language, Probabilities
from core.errors import ConfigError, Problem
from sentiment.base import Heads, Reading, Vector
from sentiment.heads import COLUMNS, EMBEDDING, INTENTS, INTENTS_AT, LANGUAGE_AT, LANGUAGES, LEVELS_AT, MARKS_AT, SENTIMENT_AT, SOFTMAX
from sentiment.text import normalise

# More texts at once only adds padding on a CPU (measured: 8 is enough).
_BATCH = 8
_BATCH_TOKENS = 1_024

Floats = NDArray[np.float32]

# Which calibration reads a language: the two written Norwegians share one, as they share their training sets.
_CALIBRATED_AS = {
    Language.DA: "da",
    Language.SV: "sv",
    Language.NB: "no",
    Language.NN: "no",
    Language.EN: "en",
    Language.UNSURE: "any",
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Column by column: what a logit is multiplied by, what is added, and from which probability it is a yes."""

    scale: Floats
    shift: Floats
    threshold: Floats


class Encoder:
    """An int8 ONNX model in a folder with model.onnx, model.json and a tokenizer.

    Raises: ConfigError where the folder holds no such model, or one with other columns than COLUMNS.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        # transformers is slow to import and warns of a missing torch, which is not missed here.
        os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
        from transformers import AutoTokenizer  # noqa: PLC0415

        about = _about(folder)
        self.name = str(about["name"])
        self.version = str(about["version"])
        self._max_tokens = int(about["max_tokens"])
        self._calibrations = {code: _calibration(about["calibration"].get(code, {})) for code in _CALIBRATED_AS.values()}
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._session = ort.InferenceSession(
            str(folder / "model.onnx"), _options(threads), providers=["CPUExecutionProvider"]
        )

    def read(self, texts: Sequence[str], languages: Sequence[Language]) -> list[Reading]:
        """Return readings, one for each text, in order."""
        logits, embeddings = self.run(texts)
        return [
            _reading(row, self._calibrations[_CALIBRATED_AS[language]], embedding)
            for row, language, embedding in zip(logits, languages, embeddings, strict=True)
        ]

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return what the texts mean: float32 [texts, 384], each of length one."""
        return self.run(texts)[1]

    def run(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Return (raw logits: float32 [texts, COLUMNS], embeddings: float32 [texts, 384])."""
        rows: list[list[int]] = (
            self._tokenizer([normalise(text) for text in texts], truncation=True, max_length=self._max_tokens)[
                "input_ids"
            ]
            if texts
            else []
        )
        logits = np.zeros((len(rows), len(COLUMNS)), dtype=np.float32)
        embeddings = np.zeros((len(rows), EMBEDDING), dtype=np.float32)
        for chosen in _batches([len(row) for row in rows]):
            logits[chosen], embeddings[chosen] = self._run([rows[i] for i in chosen])
        return logits, embeddings

    def _run(self, rows: list[list[int]]) -> tuple[Floats, Floats]:
        longest = max(len(row) for row in rows)
        ids = np.full((len(rows), longest), self._tokenizer.pad_token_id, dtype=np.int64)
        mask = np.zeros((len(rows), longest), dtype=np.int64)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        logits, embedding = self._session.run(["logits", "embedding"], {"input_ids": ids, "attention_mask": mask})
        return logits, embedding


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Return batches of like lengths: at most _BATCH texts and _BATCH_TOKENS tokens, padding counted."""
    out: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if out and len(out[-1]) < _BATCH and (len(out[-1]) + 1) * lengths[i] <= _BATCH_TOKENS:
            out[-1].append(i)
        else:
            out.append([i])
    return out


def calibrated(logits: Floats, calibration: Calibration) -> Floats:
    """Return probabilities: float32 [..., COLUMNS]; by softmax within SOFTMAX, elsewhere each by itself."""
    scaled = logits * calibration.scale + calibration.shift
    out: Floats = 1 / (1 + np.exp(-np.clip(scaled, -30, 30)))
    for group in SOFTMAX:
        powers = np.exp(scaled[..., group] - scaled[..., group].max(axis=-1, keepdims=True))
        out[..., group] = powers / powers.sum(axis=-1, keepdims=True)
    out[..., LEVELS_AT] = np.minimum.accumulate(out[..., LEVELS_AT], axis=-1)
    return out


def _reading(logits: Floats, calibration: Calibration, embedding: Vector) -> Reading:
    row = calibrated(logits, calibration)
    negative, neutral, positive = (float(p) for p in row[SENTIMENT_AT])
    anger, offensive, irony = (float(p) for p in row[MARKS_AT])
    first, second, third = (float(p) for p in row[LEVELS_AT])
    intents = {intent: float(p) for intent, p in zip(INTENTS, row[INTENTS_AT], strict=True)}
    wanted = row[INTENTS_AT] >= calibration.threshold[INTENTS_AT]
    found: tuple[Intent, ...] = tuple(intent for intent, is_found in zip(INTENTS, wanted, strict=True) if is_found)
    return Reading(
        probabilities=Probabilities(negative=negative, neutral=neutral, positive=positive),
        heads=Heads(
            anger=anger,
            offensive=offensive,
            irony=irony,
            levels=(first, second, third),
            languages={one: float(p) for one, p in zip(LANGUAGES, row[LANGUAGE_AT], strict=True)},
            intents=intents,
            found=found,
        ),
        embedding=embedding,
    )


def _calibration(table: dict[str, list[float]]) -> Calibration:
    def column(name: str, default: float) -> Floats:
        return np.array(table.get(name, [default] * len(COLUMNS)), dtype=np.float32)

    return Calibration(scale=column("scale", 1.0), shift=column("shift", 0.0), threshold=column("threshold", 0.5))


def _about(folder: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except OSError as err:
        raise _problem(f"there is no model in {folder}: run `make model`, or clone the repository again") from err
    if tuple(about.get("columns", ())) != COLUMNS:
        raise _problem(f"the model in {folder} is from another version of Genlyd: run `make model`, or clone again")
    return about


def _problem(what: str) -> ConfigError:
    return ConfigError([Problem(line=None, where="sentiment.model", what=what)])


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A spinning pool burns the core that the event loop needs (measured: 10x slower beside a busy neighbour).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options
