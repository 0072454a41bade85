"""Turn a trained folder into the artefact: ONNX, int8, calibrated.

`python -m sentiment.training.export --trained build/part-one build/part-two`. Owns the order of the steps
and the files. The quantised model's own outputs are what is calibrated, since it is the one that will be believed.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from transformers import AutoTokenizer

from sentiment.encoder import Encoder
from sentiment.heads import COLUMNS
from sentiment.training import calibrate, meaning, quantise, wide
from sentiment.training.data import load
from sentiment.training.saved import facts_of, trained_network, write_about
from sentiment.training.train import MAX_TOKENS, encode


def export(trained: Sequence[Path], base: Path, data: Path, out: Path) -> None:
    """Write model.onnx, ngrams.npz, the tokenizer and model.json of the mean of `trained` to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    facts = facts_of(trained[-1])
    is_open = all(facts_of(one).get("open", False) for one in trained)
    train, dev = load(data, seed=facts["seed"], open_only=is_open)
    tokenizer = AutoTokenizer.from_pretrained(trained[-1])
    network = trained_network(*trained)
    rows = encode(tokenizer, [example.text for example in train])
    embedding = meaning.fit(network, base, train, rows, tokenizer.pad_token_id, seed=facts["seed"])
    quantise.even_out(network, rows, tokenizer.pad_token_id)
    quantise.write_graph(network, embedding, out / "model.onnx")
    everything, _ = load(data, seed=facts["seed"], open_only=is_open, whole=True)
    wide.fit(everything, seed=facts["seed"]).save(out / "ngrams.npz")
    _save_tokenizer(tokenizer, out)
    about: dict[str, object] = {
        "name": "genlyd-nordic-open" if is_open else "genlyd-nordic",
        "columns": COLUMNS,
        "max_tokens": MAX_TOKENS,
        "calibration": {},
        "training": facts,
    }
    write_about(out, about)
    encoder = Encoder(out, threads=2)
    texts = [example.text for example in dev]
    about["calibration"] = calibrate.fit(encoder.logits(texts), encoder.wide(texts), dev)
    write_about(out, about)
    size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    print(f"{out}: {size:.1f} MB, calibrated on {len(dev)} development rows")


def _save_tokenizer(tokenizer: object, out: Path) -> None:
    tokenizer.save_pretrained(out)  # type: ignore[attr-defined]
    file = out / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()), ensure_ascii=False, separators=(",", ":")))


def main() -> None:
    """Read the arguments and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trained", type=Path, nargs="+", required=True, help="the parts of a training: their mean")
    parser.add_argument("--base", type=Path, default=Path("../shared/base"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("sentiment/model"))
    a = parser.parse_args()
    export(a.trained, a.base, a.data, a.out)


if __name__ == "__main__":
    main()
