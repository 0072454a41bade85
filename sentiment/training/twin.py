"""The artefact's twin in PyTorch: the same numbers, computed without rounding what lies between.

`python -m sentiment.training.twin --data ../shared/data` prints how far the artefact is from it over every benchmark
row. Owns the measure of likeness. The weights are the rounded ones on both sides, so what differs is only the rounding
of what flows through them.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
from sentiment.heads import SENTIMENT_AT
from sentiment.text import normalise
from sentiment.training.data import bench
from sentiment.training.network import pad
from sentiment.training.saved import network_of
from sentiment.training.train import MAX_TOKENS, encode

_BATCH = 16

Floats = NDArray[np.float32]


class Twin:
    """The artefact of one folder as a PyTorch network, with its own tokenizer."""

    def __init__(self, folder: Path = SHIPPED) -> None:
        self._tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
        self.network = network_of(folder / "model.onnx", pad_id=int(self._tokenizer.pad_token_id))

    def fitting(self, texts: Sequence[str]) -> list[str]:
        """Return those of `texts` that nothing was cut from."""
        rows = encode(self._tokenizer, [normalise(text) for text in texts])
        return [text for text, row in zip(texts, rows, strict=True) if len(row) < MAX_TOKENS]

    def read(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Return (logits [texts, COLUMNS], embeddings [texts, 384]), rows in input order."""
        rows = encode(self._tokenizer, [normalise(text) for text in texts])
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        logits: list[Tensor] = []
        embeddings: list[Tensor] = []
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                chosen = [rows[i] for i in order[start : start + _BATCH]]
                said, meant, _ = self.network(*pad(chosen, int(self._tokenizer.pad_token_id)))
                logits.append(said)
                embeddings.append(meant)
        back = np.argsort(order)
        return torch.cat(logits).numpy()[back], torch.cat(embeddings).numpy()[back]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How near the artefact is to its twin. Logits are compared as they are, uncalibrated."""

    texts: int
    logit_mean: float
    logit_most: float
    # One less the cosine of the two embeddings of a text.
    embedding_mean: float
    embedding_most: float
    same_mood: float


def likeness(encoder: Encoder, twin: Twin, texts: Sequence[str]) -> Likeness:
    """Return how alike the two read `texts`, those that fit one window; the encoder batches them as in service."""
    texts = twin.fitting(texts)
    logits, embeddings = twin.read(texts)
    shipped = encoder.logits(texts)
    apart = np.abs(shipped - logits)
    turned = 1 - (encoder.embed(texts) * embeddings).sum(axis=1)
    same = shipped[:, SENTIMENT_AT].argmax(axis=1) == logits[:, SENTIMENT_AT].argmax(axis=1)
    return Likeness(
        texts=len(texts),
        logit_mean=float(apart.mean()),
        logit_most=float(apart.max()),
        embedding_mean=float(turned.mean()),
        embedding_most=float(turned.max()),
        same_mood=float(same.mean()),
    )


def _sets(data: Path) -> Iterator[tuple[str, list[str]]]:
    for name, examples in bench(data):
        yield name, [example.text for example in examples]


def main() -> None:
    """Print one table row for each set, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--limit", type=int, help="at most so many rows of each set")
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    encoder, twin = Encoder(a.model, threads=a.threads), Twin(a.model)
    print(f"{encoder.name} {encoder.version}")
    print("| set | n | logit: mean | most | 1 - cosine: mean | most | same mood |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    found: list[Likeness] = []
    for name, texts in _sets(a.data):
        found.append(likeness(encoder, twin, texts[: a.limit]))
        print(_row(name, found[-1]), flush=True)
    everything = _together(found)
    print(_row("all", everything))
    print(f"\nFor tests/sentiment/test_equivalence.py, twice what was measured:\nBOUND = {bound_of(everything)}")


def bound_of(one: Likeness) -> Likeness:
    """Return how far apart the two may be: twice as far as was measured."""
    return Likeness(
        texts=one.texts,
        logit_mean=round(2 * one.logit_mean, 4),
        logit_most=round(2 * one.logit_most, 2),
        embedding_mean=round(2 * one.embedding_mean, 5),
        embedding_most=round(2 * one.embedding_most, 4),
        same_mood=round(1 - 2 * (1 - one.same_mood), 3),
    )


def _together(found: Sequence[Likeness]) -> Likeness:
    sizes = np.array([one.texts for one in found])

    def mean(values: Sequence[float]) -> float:
        return float((np.array(values) * sizes).sum() / sizes.sum())

    return Likeness(
        texts=int(sizes.sum()),
        logit_mean=mean([one.logit_mean for one in found]),
        logit_most=max(one.logit_most for one in found),
        embedding_mean=mean([one.embedding_mean for one in found]),
        embedding_most=max(one.embedding_most for one in found),
        same_mood=mean([one.same_mood for one in found]),
    )


def _row(name: str, one: Likeness) -> str:
    return (
        f"| {name} | {one.texts} | {one.logit_mean:.4f} | {one.logit_most:.3f} "
        f"| {one.embedding_mean:.5f} | {one.embedding_most:.4f} | {one.same_mood:.4f} |"
    )


if __name__ == "__main__":
    main()
