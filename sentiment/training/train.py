"""Fine-tune the encoder on the mix: `python -m sentiment.training.train --data D --base B --out O`.

Owns the optimisation. Leaves a folder that `sentiment.training.export` turns into the artefact.
"""

import argparse
import copy
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel, PreTrainedTokenizerBase

from sentiment.training.data import load
from sentiment.training.labels import TARGETS, label_rows
from sentiment.training.network import Network, Row, halved, lighten, loss_of, mean, meaning_loss, pad
from sentiment.training.saved import facts_of, trained_network
from sentiment.training.spelling import respelt

MAX_TOKENS = 192
BATCH = 32
# Training from the base wastes least on the optimiser with larger ones.
_LARGE_BATCH = 64
# Long posts come in smaller batches: no more tokens than this times their number, padding counted.
_TOKENS = 64
_RATE, _LAYER_DECAY, _HEAD_RATE = 8e-5, 0.92, 1e-3
_LAST_SHARE = 0.8
_AVERAGE_EVERY, _AVERAGE_KEEP = 10, 0.98
# The frozen base teaches the embedding on every so many batches: more adds time, not likeness.
_MEANING_EVERY = 10
# The share of a post's tokens that is hidden, drawn anew each time, so that rows are not learnt by heart.
_HIDDEN = 0.08
_SAVE_EVERY = 500


def batches(lengths: list[int], rng: random.Random, size: int = BATCH) -> list[list[int]]:
    """Return batches of at most `size` indices: shuffled, then sorted by length within windows to save padding."""
    order = list(range(len(lengths)))
    rng.shuffle(order)
    window = size * 50
    out: list[list[int]] = []
    for start in range(0, len(order), window):
        batch: list[int] = []
        for i in sorted(order[start : start + window], key=lambda i: lengths[i]):
            if batch and (len(batch) == size or (len(batch) + 1) * lengths[i] > size * _TOKENS):
                out.append(batch)
                batch = []
            batch.append(i)
        out.append(batch)
    rng.shuffle(out)
    return out


def parameter_groups(model: Network, share: float = 1.0) -> list[dict[str, object]]:
    """Return optimiser groups: deeper layers learn faster, the heads fastest; all at `share` of the usual rates."""
    layers = list(model.encoder.encoder.layer)
    heads = [*model.heads.parameters(), *model.meaning.parameters()]
    groups: list[dict[str, object]] = [
        {"params": heads, "lr": share * _HEAD_RATE},
        {"params": list(model.encoder.embeddings.parameters()), "lr": share * _RATE * _LAYER_DECAY ** len(layers)},
    ]
    for depth, layer in enumerate(layers):
        groups.append(
            {"params": list(layer.parameters()), "lr": share * _RATE * _LAYER_DECAY ** (len(layers) - 1 - depth)}
        )
    return groups


def encode(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[Row]:
    """Return token ids, cut to MAX_TOKENS."""
    ids: list[Row] = tokenizer(texts, truncation=True, max_length=MAX_TOKENS)["input_ids"]
    return ids


def train(
    data: Path, base: Path, out: Path, *, epochs: float, seed: int, open_only: bool, after: Sequence[Path] | None = None
) -> None:
    """Fine-tune and save the running average of the weights to `out`; prints a line every hundred steps.

    `after` is what earlier parts left, or artefacts: the mean of their weights goes on at lower rates, on the mix of
    the last part.
    """
    random.seed(seed)
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(base)
    # On a CPU the plain attention is a little faster than the fused one at these lengths.
    encoder = BertModel.from_pretrained(base, dtype=torch.float32, add_pooling_layer=False, attn_implementation="eager")
    teacher = _frozen(encoder, device)
    model = lighten(Network(encoder) if after is None else trained_network(*after)).to(device)
    average = copy.deepcopy(model).requires_grad_(requires_grad=False)
    examples, dev = load(data, seed=seed, open_only=open_only, last=after is not None)
    hand = random.Random(seed)
    ids = encode(tokenizer, [respelt(example.text, hand) for example in examples])
    targets = torch.tensor(label_rows(examples, TARGETS))
    plan = _plan([len(row) for row in ids], epochs, random.Random(seed))
    print(f"{len(examples)} examples, {len(dev)} dev, {len(plan)} steps on {device}", flush=True)

    optimiser, schedule = optimiser_of(model, len(plan), share=1.0 if after is None else _LAST_SHARE)
    facts: dict[str, object] = {"seed": seed, "epochs": epochs, "open": open_only, "examples": len(examples)}
    if after is not None:
        facts["before"] = [facts_of(one) for one in after]
    model.train()
    started = time.monotonic()
    running, seen = 0.0, 0
    for step, chosen in enumerate(plan, start=1):
        x, mask = (part.to(device) for part in pad([ids[i] for i in chosen], tokenizer.pad_token_id))
        with halved(device):
            logits, embedding = model(x, thinned(mask))
        loss = loss_of(logits.float(), targets[chosen].to(device))
        if step % _MEANING_EVERY == 0:
            loss = loss + meaning_loss(embedding.float(), _taught(teacher, x, mask, device))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % _AVERAGE_EVERY == 0 or step == 1:
            _fold_in(average, model, keep=min(_AVERAGE_KEEP, step / (step + 10 * _AVERAGE_EVERY)))
        running, seen = running + loss.item(), seen + len(chosen)
        if step % 100 == 0:
            spent = time.monotonic() - started
            left = spent / step * (len(plan) - step) / 60
            print(
                f"step {step}/{len(plan)} loss {running / 100:.4f} {seen / spent:.0f} examples/s, {left:.0f} min left",
                flush=True,
            )
            running = 0.0
        if step % _SAVE_EVERY == 0 or step == len(plan):
            done = facts | {"steps": step, "seconds": round(time.monotonic() - started)}
            _save(average, tokenizer, out, done)


def _frozen(encoder: BertModel, device: str) -> BertModel:
    """Return a copy that never changes."""
    teacher = copy.deepcopy(encoder)
    teacher.to(device)  # type: ignore[arg-type]
    teacher.requires_grad_(requires_grad=False)
    teacher.train(mode=False)
    return teacher


def optimiser_of(
    model: Network, steps: int, *, share: float
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    """Return an optimiser and its schedule: up for a twentieth of the steps, then down to nothing."""
    optimiser = torch.optim.AdamW(parameter_groups(model, share), weight_decay=0.01, fused=True)
    warmup = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warmup, (steps - step) / (steps - warmup))
    )
    return optimiser, schedule


def _plan(lengths: list[int], epochs: float, rng: random.Random) -> list[list[int]]:
    plan: list[list[int]] = []
    whole, part = int(epochs), epochs % 1
    for _ in range(whole):
        plan += batches(lengths, rng, _LARGE_BATCH)
    last = batches(lengths, rng, _LARGE_BATCH)
    return plan + last[: round(len(last) * part)]


def thinned(mask: Tensor) -> Tensor:
    """Return `mask` with some tokens hidden, never the first."""
    seen = torch.rand(mask.shape, device=mask.device) >= _HIDDEN
    seen[:, 0] = True
    return mask * seen


def _taught(teacher: BertModel, ids: Tensor, mask: Tensor, device: str) -> Tensor:
    with torch.inference_mode(), halved(device):
        hidden = teacher(input_ids=ids, attention_mask=mask).last_hidden_state
    return nn.functional.normalize(mean(hidden.float(), mask), dim=-1).clone()


def _fold_in(average: Network, model: Network, *, keep: float) -> None:
    with torch.no_grad():
        for mine, theirs in zip(average.parameters(), model.parameters(), strict=True):
            mine.lerp_(theirs, 1 - keep)


def _save(model: Network, tokenizer: PreTrainedTokenizerBase, out: Path, facts: dict[str, object]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.encoder.save_pretrained(out)
    tokenizer.save_pretrained(out)
    torch.save({"heads": model.heads.state_dict(), "meaning": model.meaning.state_dict()}, out / "heads.pt")
    (out / "training.json").write_text(json.dumps(facts, indent=2))


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--base", type=Path, default=Path("../shared/base"))
    parser.add_argument("--out", type=Path, default=Path("build/model"))
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument(
        "--after", type=Path, nargs="+", help="folders of earlier parts, or artefacts: do the last part"
    )
    parser.add_argument("--open", action="store_true", help="only openly licensed sets and our own posts")
    a = parser.parse_args()
    for part in (a.after or []) if a.open else []:
        if not facts_of(part).get("open", False):
            parser.error(f"{part} was not trained with --open, so what goes on from it is not open either")
    train(a.data, a.base, a.out, epochs=a.epochs, seed=a.seed, open_only=a.open, after=a.after)


if __name__ == "__main__":
    main()
