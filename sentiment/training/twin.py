"""The artefact's twin in PyTorch: the same numbers, computed without rounding what lies between.

`python -m sentiment.training.twin --data ../shared/data` prints how far the artefact is from it over every benchmark
row. Owns reading an int8 ONNX file of ours back into the network, and the measure of likeness. The weights are the
rounded ones on both sides, so what differs is only the rounding of what flows through them.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerBase

from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
from sentiment.heads import EMBEDDING, SENTIMENT_AT
from sentiment.text import normalise
from sentiment.training.data import bench
from sentiment.training.network import LAYERS, Exported, Network, pad
from sentiment.training.train import encode

# What the file does not say of itself: those of ../shared/base.
_HEADS_OF_ATTENTION = 12
_EPSILON = 1e-12
_ENCODER = "network.encoder."
_LAYER = "/encoder/layer."
_BATCH = 16

Floats = NDArray[np.float32]


class Twin:
    """The artefact of one folder as a PyTorch network, with its own tokenizer."""

    def __init__(self, folder: Path = SHIPPED) -> None:
        self._tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
        self.network = network_of(folder / "model.onnx", pad_id=int(self._tokenizer.pad_token_id))

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
    """Return how alike the two read `texts`; the encoder batches them as in service."""
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


def network_of(file: Path, *, pad_id: int) -> Exported:
    """Return the network that the int8 ONNX file `file` computes, its weights as floats.

    Raises: ValueError where the file is not one that sentiment.training.quantise wrote.
    """
    graph = onnx.load(str(file)).graph
    held = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    # Of equal numbers the exporter keeps one copy and points at it.
    held |= {node.output[0]: held[node.input[0]] for node in graph.node if _is_alias(node, held)}
    try:
        state = _encoder_state(graph, held)
        encoder = BertModel(_config(state, pad_id), add_pooling_layer=False)
        encoder.load_state_dict(state)
        network = Exported(Network(encoder), nn.Linear(encoder.config.hidden_size * len(LAYERS), EMBEDDING))
        network.heads.load_state_dict(_linear(graph, held, "heads"))
        network.meaning.load_state_dict(_linear(graph, held, "meaning"))
    except (KeyError, RuntimeError) as err:
        raise ValueError(f"{file} is not an artefact of this version of Genlyd: {err}") from err
    return network.eval()


def _encoder_state(graph: onnx.GraphProto, held: dict[str, NDArray[np.generic]]) -> dict[str, Tensor]:
    """Return the encoder's weights by their names in BertModel, the evening out folded back in."""
    state = {
        name.removeprefix(_ENCODER).replace(".linear.", "."): _tensor(value)
        for name, value in held.items()
        if name.startswith(_ENCODER) and name.endswith((".bias", "LayerNorm.weight"))
    }
    for name in held:
        if name.startswith(_ENCODER) and name.endswith(".weight_quantized"):
            whole = name.removesuffix("_quantized")
            state[whole.removeprefix(_ENCODER)] = _tensor(_plain(whole, held))
    made_by = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        if node.op_type == "MatMulInteger" and _LAYER in node.name:
            # Named after its module: /encoder/encoder/layer.0/attention/self/query/linear/MatMul_quant
            module = node.name.split(_LAYER)[1].rsplit("/linear/", 1)[0].replace("/", ".")
            weight = _plain(node.input[1].removesuffix("_quantized"), held)
            inverse = _inverse(made_by[made_by[node.input[0]].input[0]], held)
            state[f"encoder.layer.{module}.weight"] = _tensor((weight * inverse[:, None]).T)
    return state


def _is_alias(node: onnx.NodeProto, held: dict[str, NDArray[np.generic]]) -> bool:
    return node.op_type == "Identity" and node.input[0] in held


def _inverse(node: onnx.NodeProto, held: dict[str, NDArray[np.generic]]) -> Floats:
    """Return what the inputs of an Evened layer are multiplied by: float32 [inputs]."""
    [name] = [one for one in node.input if one in held]
    if node.op_type != "Mul":
        raise KeyError(name)
    return held[name].astype(np.float32)


def _plain(name: str, held: dict[str, NDArray[np.generic]]) -> Floats:
    """Return a quantised weight as floats; scales stand for the last axis, or for all."""
    whole = held[f"{name}_quantized"].astype(np.float32) - held[f"{name}_zero_point"].astype(np.float32)
    out: Floats = whole * held[f"{name}_scale"].astype(np.float32)
    return out


def _linear(graph: onnx.GraphProto, held: dict[str, NDArray[np.generic]], module: str) -> dict[str, Tensor]:
    """Return the weight and the bias of a layer outside the encoder, quantised or not."""
    for node in graph.node:
        if f"/{module}/" in node.name and node.op_type in {"Gemm", "MatMul", "MatMulInteger"}:
            name = node.input[1]
            weight = _plain(name.removesuffix("_quantized"), held) if node.op_type == "MatMulInteger" else held[name]
            upright = weight if node.op_type == "Gemm" else weight.T
            return {"weight": _tensor(upright), "bias": _tensor(held[f"{module}.bias"])}
    raise KeyError(module)


def _config(state: dict[str, Tensor], pad_id: int) -> BertConfig:
    words, size = state["embeddings.word_embeddings.weight"].shape
    return BertConfig(
        vocab_size=words,
        hidden_size=size,
        num_hidden_layers=sum(name.endswith("intermediate.dense.weight") for name in state),
        num_attention_heads=_HEADS_OF_ATTENTION,
        intermediate_size=len(state["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(state["embeddings.position_embeddings.weight"]),
        type_vocab_size=len(state["embeddings.token_type_embeddings.weight"]),
        layer_norm_eps=_EPSILON,
        pad_token_id=pad_id,
    )


def _tensor(values: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float32, order="C"))


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
