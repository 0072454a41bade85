"""The shipped transformer on ONNX Runtime, tokenised by the tokenizers library alone.

Owns one session and its calibration. Refuses threads and queues: the worker owns those.
"""

import bisect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from core.assessment import Intent, Language, Probabilities
from core.errors import ConfigError, Problem
from sentiment.base import SHIPPED, Heads, Namer, Reading, Vector, namer
from sentiment.heads import (
    COLUMNS,
    EMBEDDING,
    INTENTS,
    INTENTS_AT,
    LANGUAGE_AT,
    LANGUAGES,
    LEVELS_AT,
    MARKS_AT,
    SENTIMENT,
    SENTIMENT_AT,
    SOFTMAX,
)
from sentiment.ngrams import Ngrams
from sentiment.session import open_session
from sentiment.text import normalise, words_of

# More texts at once only adds padding on a CPU (measured: 8 is enough).
_BATCH = 8
_BATCH_TOKENS = 1_024
# A long post is read in windows that share so many tokens, and no further than the last of so many.
_OVERLAP, _MOST_WINDOWS = 32, 8
# Masked out wherever it stands; the vocabulary's own number for it.
_PAD = 1
# A logit further from nought than this says no more of the mood than this one.
MOST_SAID = 8.0

Floats = NDArray[np.float32]
_Float = TypeVar("_Float", np.float32, np.float64)

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
    """Column by column: what the network's logit and the letter runs' are multiplied by, what is added, and from
    which probability it is a yes. `moods`, float32 [3, COLUMNS], is what each other column's logit says of the moods.
    """

    scale: Floats
    wide: Floats
    shift: Floats
    threshold: Floats
    moods: Floats


class _Said(NamedTuple):
    """What came out for one text, uncalibrated."""

    logits: Floats
    wide: Floats
    embedding: Vector
    words: Floats


class Encoder:
    """An int8 ONNX model in a folder with model.onnx, model.json and a tokenizer.

    Raises: ConfigError where the folder holds no such model, or one with other columns than COLUMNS.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        about = _about(folder)
        self.name = str(about["name"])
        self.version = str(about["version"])
        self._calibrations = {
            code: _calibration(about["calibration"].get(code, {})) for code in _CALIBRATED_AS.values()
        }
        try:
            self._ngrams = Ngrams.load(folder / "ngrams.npz")
            # Through transformers the same ids cost 230 MB and a second more.
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._session = open_session(folder / "model.onnx", threads=threads)
        except Exception as err:  # the tokenizers library raises nothing narrower
            raise _problem(f"the model in {folder} is not whole ({err}): {_cure(folder)}") from err
        self._tokenizer.enable_truncation(int(about["max_tokens"]), stride=_OVERLAP)
        self._tokenizer.no_padding()

    def read(self, texts: Sequence[str], languages: Sequence[Language] | Namer) -> list[Reading]:
        """Return readings, one for each text, in order."""
        name = namer(languages)
        clean = [normalise(text) for text in texts]
        logits, embeddings, words = self._run_all(clean)
        return [
            self._reading(name(place, _witness(one.logits)), one)
            for place, one in enumerate(map(_Said, logits, self._ngrams.logits(clean), embeddings, words))
        ]

    def threshold(self, column: str, language: Language) -> float:
        """Return the probability from which `column` is a yes in `language`."""
        return float(self._calibrations[_CALIBRATED_AS[language]].threshold[COLUMNS.index(column)])

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return what the texts mean: float32 [texts, 384], each of length one."""
        return self._run_all([normalise(text) for text in texts])[1]

    def logits(self, texts: Sequence[str]) -> Floats:
        """Return what the network says, uncalibrated: float32 [texts, COLUMNS]."""
        return self._run_all([normalise(text) for text in texts])[0]

    def wide(self, texts: Sequence[str]) -> Floats:
        """Return what the runs of letters say, uncalibrated: float32 [texts, COLUMNS]."""
        return self._ngrams.logits([normalise(text) for text in texts])

    def _reading(self, language: Language, said: _Said) -> Reading:
        calibration = self._calibrations[_CALIBRATED_AS[language]]
        row = calibrated(said.logits, said.wide, calibration)
        negative, neutral, positive = (float(p) for p in row[SENTIMENT_AT])
        anger, offensive, irony = (float(p) for p in row[MARKS_AT])
        first, second, third = (float(p) for p in row[LEVELS_AT])
        intents: dict[Intent, float] = {one: float(p) for one, p in zip(INTENTS, row[INTENTS_AT], strict=True)}
        limits = dict(zip(INTENTS, calibration.threshold[INTENTS_AT], strict=True))
        return Reading(
            language=language,
            probabilities=Probabilities(negative=negative, neutral=neutral, positive=positive),
            heads=Heads(
                anger=anger,
                offensive=offensive,
                irony=irony,
                levels=(first, second, third),
                intents=intents,
                found=tuple(one for one in INTENTS if intents[one] >= limits[one]),
            ),
            embedding=said.embedding,
            words=_spoken_for(said.words, mood=int(row[SENTIMENT_AT].argmax())),
        )

    def _run_all(self, clean: Sequence[str]) -> tuple[Floats, Floats, list[Floats]]:
        """Return the logits, embeddings and words of normalised texts, in order."""
        encoded = [[one, *one.overflowing][:_MOST_WINDOWS] for one in self._tokenizer.encode_batch(list(clean))]
        windows = [(i, window) for i, post in enumerate(encoded) for window in post]
        rows: list[list[int]] = [window.ids for _, window in windows]
        logits = np.zeros((len(rows), len(COLUMNS)), dtype=np.float32)
        embeddings = np.zeros((len(rows), EMBEDDING), dtype=np.float32)
        words = [np.zeros((len(words_of(text)), len(COLUMNS)), dtype=np.float32) for text in clean]
        for chosen in _batches([len(row) for row in rows]):
            logits[chosen], embeddings[chosen], tokens = self._run([rows[at] for at in chosen])
            for place, at in enumerate(chosen):
                i, window = windows[at]
                _add_words(words[i], tokens[place], clean[i], window.offsets)
        return *_joined(logits, embeddings, [len(post) for post in encoded]), words

    def _run(self, rows: list[list[int]]) -> tuple[Floats, Floats, Floats]:
        longest = max(len(row) for row in rows)
        ids = np.full((len(rows), longest), _PAD, dtype=np.int64)
        mask = np.zeros((len(rows), longest), dtype=np.int64)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        feed = {"input_ids": ids, "attention_mask": mask}
        logits, embedding, tokens = self._session.run(["logits", "embedding", "tokens"], feed)
        return logits, embedding, tokens


def _joined(logits: Floats, embeddings: Floats, windows: Sequence[int]) -> tuple[Floats, Floats]:
    """Return the logits and embeddings of posts from those of their windows, so many each.

    Mood, emotion, language and meaning are those of the whole, the mean. All else is a mark that one window is enough
    for: who is in danger at the end of a long post is in danger.
    """
    if len(windows) == len(logits):
        return logits, embeddings
    starts = np.cumsum([0, *windows[:-1]])
    said: Floats = np.maximum.reduceat(logits, starts)
    for group in SOFTMAX:
        said[:, group] = np.add.reduceat(logits[:, group], starts) / np.array(windows)[:, None]
    meant = np.add.reduceat(embeddings, starts)
    return said, meant / np.linalg.norm(meant, axis=1, keepdims=True)


def _add_words(words: Floats, tokens: Floats, text: str, offsets: Sequence[tuple[int, int]]) -> None:
    """Add to `words`, float32 [words, COLUMNS], what each says in one window: its tokens by their share of the mean.

    `offsets` are where each token stands in `text`; tokens of no width stand for no word. Words that no window holds
    say nothing.
    """
    starts = [start for start, _ in words_of(text)]
    for at, (start, end) in enumerate(offsets):
        if end > start:
            # A token may begin with the space before its word.
            word = bisect.bisect_right(starts, end - 1) - 1
            words[max(0, word)] += tokens[at] / len(offsets)


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Return batches of like lengths: at most _BATCH texts and _BATCH_TOKENS tokens, padding counted."""
    out: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if out and len(out[-1]) < _BATCH and (len(out[-1]) + 1) * lengths[i] <= _BATCH_TOKENS:
            out[-1].append(i)
        else:
            out.append([i])
    return out


def calibrated(logits: Floats, wide: Floats, calibration: Calibration) -> Floats:
    """Return probabilities: float32 [..., COLUMNS]; by softmax within SOFTMAX, elsewhere each by itself."""
    scaled = logits * calibration.scale + wide * calibration.wide + calibration.shift
    scaled[..., SENTIMENT_AT] += np.clip(logits, -MOST_SAID, MOST_SAID) @ calibration.moods.T
    out: Floats = (1 / (1 + np.exp(-np.clip(scaled, -30, 30)))).astype(np.float32)
    for group in SOFTMAX:
        out[..., group] = softmax(scaled[..., group])
    out[..., LEVELS_AT] = np.minimum.accumulate(out[..., LEVELS_AT], axis=-1)
    return out


def softmax(logits: NDArray[_Float]) -> NDArray[_Float]:
    """Return shares that sum to 1 over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: NDArray[_Float] = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _witness(logits: Floats) -> dict[Language, float]:
    return {language: float(p) for language, p in zip(LANGUAGES, softmax(logits[LANGUAGE_AT]), strict=True)}


def _spoken_for(words: Floats, *, mood: int) -> Floats:
    """Return [words, 2]: towards urgency, and towards `mood` against the other two."""
    moods = words[:, SENTIMENT_AT]
    others = (moods.sum(axis=1) - moods[:, mood]) / 2
    return np.stack([words[:, LEVELS_AT].sum(axis=1), moods[:, mood] - others], axis=1)


def _calibration(table: dict[str, list[float]]) -> Calibration:
    def column(name: str, default: float) -> Floats:
        return np.array(table.get(name, [default] * len(COLUMNS)), dtype=np.float32)

    return Calibration(
        scale=column("scale", 1.0),
        wide=column("wide", 0.0),
        shift=column("shift", 0.0),
        threshold=column("threshold", 0.5),
        moods=np.stack([column(f"moods {name}", 0.0) for name in SENTIMENT]),
    )


def _about(folder: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except OSError as err:
        raise _problem(f"there is no model in {folder}: {_cure(folder)}") from err
    except ValueError as err:
        raise _problem(f"the model in {folder} is not whole (model.json: {err}): {_cure(folder)}") from err
    if tuple(about.get("columns", ())) != COLUMNS:
        raise _problem(f"the model in {folder} is from another version of Genlyd: {_cure(folder)}")
    return about


def _cure(folder: Path) -> str:
    if folder == SHIPPED:
        return "clone the repository again, or run `make model`"
    return "write it again with this version (docs/model.md), or set [sentiment] model to another"


def _problem(what: str) -> ConfigError:
    return ConfigError([Problem(line=None, where="sentiment.model", what=what)])
