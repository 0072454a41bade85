"""Networks from files: what `train` left, or an artefact, whose rounded weights are taken as they are.

Owns the reading, and what an artefact says of itself. Training goes on from an artefact where the float weights are
not at hand, as on your own labels.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from transformers import AutoTokenizer, BertConfig, BertModel

from sentiment.heads import COLUMNS, EMBEDDING
from sentiment.training.network import LAYERS, Exported, Network

# What the file does not say of itself: those of ../shared/base.
_HEADS_OF_ATTENTION = 12
_EPSILON = 1e-12
_ENCODER = "network.encoder."
_LAYER = "/encoder/layer."

Floats = NDArray[np.float32]


def trained_network(*folders: Path) -> Network:
    """Return the network of a folder that `train` wrote or that holds an artefact, or the mean of several.

    It is ready to judge. The auxiliary heads of an artefact know nothing: it leaves them out.
    Raises: ValueError where an artefact is not one that sentiment.training.quantise wrote.
    """
    network, *others = [_artefact(one) if _is_artefact(one) else _trained(one) for one in folders]
    with torch.no_grad():
        for name, mine in network.named_parameters():
            mine.copy_(torch.stack([mine, *(other.get_parameter(name) for other in others)]).mean(0))
    return network.eval()


def facts_of(folder: Path) -> dict[str, Any]:
    """Return how the network of `folder` was trained."""
    if _is_artefact(folder):
        about = json.loads((folder / "model.json").read_text())
        facts: dict[str, Any] = about["training"] | {"artefact": about["version"]}
    else:
        facts = json.loads((folder / "training.json").read_text())
    return facts


def write_about(folder: Path, about: dict[str, Any]) -> None:
    """Write model.json beside the artefact's other files, and in it the version: the day, and what they come to."""
    whole = hashlib.sha256((folder / "model.onnx").read_bytes())
    whole.update((folder / "ngrams.npz").read_bytes())
    whole.update(json.dumps(about["calibration"], sort_keys=True).encode())
    about["version"] = f"{datetime.now(UTC):%Y.%m.%d}-{whole.hexdigest()[:8]}"
    (folder / "model.json").write_text(json.dumps(about) + "\n")


def _is_artefact(folder: Path) -> bool:
    return (folder / "model.onnx").exists()


def _trained(folder: Path) -> Network:
    # Eager attention traces into plain matrix products, which quantise; the fused kernels do not.
    network = Network(BertModel.from_pretrained(folder, attn_implementation="eager", add_pooling_layer=False))
    parts = torch.load(folder / "heads.pt", weights_only=True)
    network.heads.load_state_dict(parts["heads"])
    network.meaning.load_state_dict(parts["meaning"])
    return network


def _artefact(folder: Path) -> Network:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    exported = network_of(folder / "model.onnx", pad_id=int(tokenizer.pad_token_id))
    network = exported.network
    with torch.no_grad():
        network.heads.weight.zero_()
        network.heads.bias.zero_()
        network.heads.weight[: len(COLUMNS)] = exported.heads.weight
        network.heads.bias[: len(COLUMNS)] = exported.heads.bias
    return network


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
            inverse = _inverse(made_by[made_by[node.input[0]].input[0]], held, made_by)
            state[f"encoder.layer.{module}.weight"] = _tensor((weight * inverse[:, None]).T)
    return state


def _is_alias(node: onnx.NodeProto, held: dict[str, NDArray[np.generic]]) -> bool:
    return node.op_type == "Identity" and node.input[0] in held


def _inverse(node: onnx.NodeProto, held: dict[str, NDArray[np.generic]], made_by: dict[str, onnx.NodeProto]) -> Floats:
    """Return what the inputs of an Evened layer are multiplied by: float32 [inputs]."""
    if node.op_type == "Div":
        # By each token's loudest value; artefacts of before 2026-11-24 do without.
        node = made_by[node.input[0]]
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
    config = BertConfig(
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
    config._attn_implementation = "eager"  # noqa: SLF001 - there is no other way in but from_pretrained
    return config


def _tensor(values: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float32, order="C"))
