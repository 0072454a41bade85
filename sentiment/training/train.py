"""Fine-tune the encoder on the mix: `python -m sentiment.training.train --data D --base B --out O`.

Owns the optimisation. Leaves a folder that `sentiment.training.export` turns into the artefact.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel, PreTrainedTokenizerBase

from sentiment.training.data import LABELS, Example, load

MAX_TOKENS = 64
BATCH = 32


class Classifier(nn.Module):
    """The encoder, mean-pooled, and one linear layer of three."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(encoder.config.hidden_size, len(LABELS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return logits: float [batch, labels]."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


def batches(examples: list[Example], lengths: list[int], rng: random.Random) -> list[list[int]]:
    """Return batches of indices: shuffled, then sorted by length within windows to save padding."""
    order = list(range(len(examples)))
    rng.shuffle(order)
    window = BATCH * 50
    out: list[list[int]] = []
    for start in range(0, len(order), window):
        chunk = sorted(order[start : start + window], key=lambda i: lengths[i])
        out += [chunk[i : i + BATCH] for i in range(0, len(chunk), BATCH)]
    rng.shuffle(out)
    return out


def parameter_groups(model: Classifier, *, rate: float, decay: float, head_rate: float) -> list[dict[str, object]]:
    """Lower layers learn slower: rate * decay ** (layers above)."""
    layers = list(model.encoder.encoder.layer)
    groups: list[dict[str, object]] = [
        {"params": list(model.head.parameters()), "lr": head_rate},
        {"params": list(model.encoder.embeddings.parameters()), "lr": rate * decay ** (len(layers))},
    ]
    for depth, layer in enumerate(layers):
        groups.append({"params": list(layer.parameters()), "lr": rate * decay ** (len(layers) - 1 - depth)})
    return groups


def encode(tokenizer: PreTrainedTokenizerBase, examples: list[Example]) -> list[list[int]]:
    """Return token ids, cut to MAX_TOKENS."""
    encoded = tokenizer([e.text for e in examples], truncation=True, max_length=MAX_TOKENS)
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def pad(rows: list[list[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Return (ids, mask): int64 [batch, longest]."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([row + [pad_id] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def train(data: Path, base: Path, out: Path, *, epochs: float, seed: int) -> None:
    """Fine-tune and save to `out`; prints a line every hundred steps and the time it took."""
    random.seed(seed)
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = Classifier(BertModel.from_pretrained(base, dtype=torch.float32, add_pooling_layer=False)).to(device)
    examples, dev = load(data, seed=seed)
    ids = encode(tokenizer, examples)
    rng = random.Random(seed)
    plan: list[list[int]] = []
    per_epoch = math.ceil(len(examples) / BATCH)
    total = round(per_epoch * epochs)
    while len(plan) < total:
        plan += batches(examples, [len(row) for row in ids], rng)
    plan = plan[:total]
    print(f"{len(examples)} examples, {len(dev)} dev, {total} steps on {device}", flush=True)

    optimiser = torch.optim.AdamW(parameter_groups(model, rate=8e-5, decay=0.92, head_rate=1e-3), weight_decay=0.01)
    warmup = max(1, total // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warmup, (total - step) / (total - warmup))
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    model.train()
    started = time.monotonic()
    running = 0.0
    for step, chosen in enumerate(plan, start=1):
        x, mask = pad([ids[i] for i in chosen], tokenizer.pad_token_id)
        y = torch.tensor([examples[i].label for i in chosen], device=device)
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = model(x.to(device), mask.to(device))
        loss = loss_of(logits.float(), y)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        running += loss.item()
        if step % 100 == 0:
            rate = step * BATCH / (time.monotonic() - started)
            print(f"step {step}/{total} loss {running / 100:.4f} {rate:.0f} examples/s", flush=True)
            running = 0.0
        if step % 400 == 0 or step == total:
            _save(model, tokenizer, out, seed=seed, epochs=epochs, steps=step, seconds=time.monotonic() - started)


def _save(
    model: Classifier,
    tokenizer: PreTrainedTokenizerBase,
    out: Path,
    *,
    seed: int,
    epochs: float,
    steps: int,
    seconds: float,
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.encoder.save_pretrained(out)
    tokenizer.save_pretrained(out)
    torch.save(model.head.state_dict(), out / "head.pt")
    facts = {"seed": seed, "epochs": epochs, "steps": steps, "seconds": round(seconds), "labels": LABELS}
    (out / "training.json").write_text(json.dumps(facts, indent=2))


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--base", type=Path, default=Path("../shared/base"))
    parser.add_argument("--out", type=Path, default=Path("build/model"))
    parser.add_argument("--epochs", type=float, default=1.3)
    parser.add_argument("--seed", type=int, default=20261122)
    a = parser.parse_args()
    train(a.data, a.base, a.out, epochs=a.epochs, seed=a.seed)


if __name__ == "__main__":
    main()
