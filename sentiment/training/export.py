"""Turn a trained folder into the artefact: ONNX, int8, calibrated.

`python -m sentiment.training.export --trained build/model --data D --out sentiment/model`. Owns the
graph and the temperature. The quantised model's own dev scores are what is calibrated, since it is
the one that will be believed.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
import warnings
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoTokenizer, BertModel

from sentiment.encoder import Encoder
from sentiment.training.data import LABELS, load
from sentiment.training.train import MAX_TOKENS, Classifier


def export(trained: Path, data: Path, out: Path, *, seed: int) -> None:
    """Write model.onnx, tokenizer files and model.json to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    _write_graph(trained, out / "model.onnx")
    _save_tokenizer(trained, out)
    facts = json.loads((trained / "training.json").read_text())
    digest = hashlib.sha256((out / "model.onnx").read_bytes()).hexdigest()
    about = {
        "name": "genlyd-nordic-sentiment",
        "version": f"{datetime.now(UTC):%Y.%m.%d}-{digest[:8]}",
        "labels": list(LABELS),
        "max_tokens": MAX_TOKENS,
        "temperature": 1.0,
        "training": facts,
    }
    _save(out, about)
    about["temperature"] = round(_calibrate(out, data, seed=seed), 3)
    _save(out, about)
    size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    print(f"{out}: {size:.1f} MB, temperature {about['temperature']}")


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature that makes softmax(logits / T) likeliest. logits: float [rows, labels]."""
    x = torch.tensor(logits, dtype=torch.float64)
    y = torch.tensor(labels)
    log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_t], max_iter=100)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(x / log_t.exp(), y)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return float(log_t.exp().item())


def _write_graph(trained: Path, to: Path) -> None:
    # Eager attention traces into plain matrix products, which quantise; the fused kernels do not.
    encoder = BertModel.from_pretrained(trained, attn_implementation="eager", add_pooling_layer=False)
    model = Classifier(encoder)
    model.head.load_state_dict(torch.load(trained / "head.pt", weights_only=True))
    model.eval()
    ids = torch.tensor([[0, 5, 6, 7, 2], [0, 8, 2, 1, 1]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = Path(folder) / "fp32.onnx"
        torch.onnx.export(
            model,
            (ids, mask),
            str(plain),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={
                "input_ids": {0: "batch", 1: "tokens"},
                "attention_mask": {0: "batch", 1: "tokens"},
                "logits": {0: "batch"},
            },
            opset_version=17,
            dynamo=False,
        )
        small = Path(folder) / "int8.onnx"
        quantize_dynamic(plain, small, per_channel=True, reduce_range=False, weight_type=QuantType.QInt8)
        shutil.copyfile(small, to)


def _save_tokenizer(trained: Path, out: Path) -> None:
    AutoTokenizer.from_pretrained(trained).save_pretrained(out)
    file = out / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()), ensure_ascii=False, separators=(",", ":")))


def _calibrate(out: Path, data: Path, *, seed: int) -> float:
    _, dev = load(data, seed=seed)
    logits = Encoder(out, threads=2).logits([example.text for example in dev])
    return fit_temperature(logits, np.array([example.label for example in dev]))


def _save(out: Path, about: dict[str, object]) -> None:
    (out / "model.json").write_text(json.dumps(about, indent=2) + "\n")


def main() -> None:
    """Read the arguments and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trained", type=Path, default=Path("build/model"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("sentiment/model"))
    parser.add_argument("--seed", type=int, default=20261122)
    a = parser.parse_args()
    export(a.trained, a.data, a.out, seed=a.seed)


if __name__ == "__main__":
    main()
