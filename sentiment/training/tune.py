"""Train the shipped model on, on labels of yours: `python -m sentiment.training.tune --labels FOLDER`.

Owns that short training, which needs no data but yours: beside each batch of your posts goes one of the posts in this
repository, whose right answer is what the model said before. So it learns what is new and keeps the rest. Calibration,
letter runs and what the embedding means stay the shipped model's.
"""

import argparse
import itertools
import json
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoTokenizer

from sentiment.base import SHIPPED
from sentiment.heads import COLUMNS, LANGUAGE_AT, SOFTMAX
from sentiment.training import quantise
from sentiment.training.labels import TARGETS, Example, label_rows
from sentiment.training.network import Exported, Network, Row, held, lighten, loss_of, mean, pad
from sentiment.training.saved import facts_of, network_of, trained_network, write_about
from sentiment.training.train import batches, encode, optimiser_of
from sentiment.training.written import own_posts

_EPOCHS = 3
# Few posts are gone over more often: with fewer steps nothing is learnt.
_LEAST_STEPS = 40
# Of the rates the shipped model was trained with.
_RATE_SHARE = 0.3


def tune(posts: Sequence[Example], out: Path, *, model: Path = SHIPPED, name: str, epochs: int, seed: int) -> None:
    """Train the artefact in `model` on, on `posts`, and write another to `out`; prints a line every ten steps."""
    random.seed(seed)
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(model)
    pad_id = int(tokenizer.pad_token_id)
    before = network_of(model / "model.onnx", pad_id=pad_id)
    network = lighten(trained_network(model)).train()
    theirs = encode(tokenizer, [post.text for post in posts])
    ours = encode(tokenizer, [post.text for post in own_posts("train")])
    wanted = torch.tensor(label_rows(posts, TARGETS))
    rng = random.Random(seed)
    plan: list[list[int]] = []
    while epochs > 0 or len(plan) < _LEAST_STEPS:
        plan += batches([len(row) for row in theirs], rng)
        epochs -= 1
    # By length, as theirs: among posts drawn at random two tokens of three were padding.
    beside = itertools.cycle(batches([len(row) for row in ours], rng))
    optimiser, schedule = optimiser_of(network, len(plan), share=_RATE_SHARE)
    print(f"{len(posts)} posts of yours, {len(plan)} steps", flush=True)
    for step, chosen in enumerate(plan, start=1):
        kept = [ours[i] for i in next(beside)]
        loss = _lost(network, before, [theirs[i] for i in chosen], wanted[chosen], pad_id)
        loss = loss + _lost(network, before, kept, None, pad_id)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 10 == 0 or step == len(plan):
            print(f"step {step}/{len(plan)} loss {loss.item():.3f}", flush=True)
    quantise.even_out(network.eval(), [*theirs, *ours], pad_id)
    write(network, before.meaning, model, out, name=name, facts={"posts": len(posts), "steps": len(plan), "seed": seed})


def _lost(network: Network, before: Exported, rows: list[Row], wanted: Tensor | None, pad_id: int) -> Tensor:
    """Return the loss against `wanted` [rows, TARGETS], or against what was said before; the meaning never moves."""
    ids, mask = pad(rows, pad_id)
    with torch.inference_mode():
        said, meant, _ = before(ids, mask)
    layers = network.layers(ids, mask)
    logits = network.heads(network.dropout(mean(layers[-1], mask)))
    embedding = nn.functional.normalize(before.meaning(held(layers, mask)), dim=-1)
    turned: Tensor = (1 - (embedding * meant.clone()).sum(-1)).mean()
    if wanted is None:
        return loss_of(logits, answers(said), smoothing=0.0) + turned
    return loss_of(logits, wanted) + turned


def answers(said: Tensor) -> Tensor:
    """Return logits [rows, COLUMNS] as labels [rows, TARGETS]; nobody judged the auxiliary ones."""
    out = torch.full((len(said), len(TARGETS)), torch.nan)
    for group in SOFTMAX:
        out[:, group] = said[:, group].softmax(-1)
    out[:, LANGUAGE_AT.stop : len(COLUMNS)] = said[:, LANGUAGE_AT.stop :].sigmoid()
    return out


def write(network: Network, meaning: nn.Linear, model: Path, out: Path, *, name: str, facts: dict[str, object]) -> None:
    """Write the artefact; all but the network itself is as it was in `model`."""
    shutil.copytree(model, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("MODEL_CARD.md"))
    quantise.write_graph(network, meaning, out / "model.onnx")
    about = json.loads((model / "model.json").read_text())
    write_about(out, about | {"name": name, "training": facts | {"before": facts_of(model)}})


def arguments_of(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the arguments; the program ends where --out would be written over --model."""
    a = parser.parse_args()
    if a.out.resolve() == a.model.resolve():
        parser.error(f"--out {a.out} is --model too, which is still needed when the new one is written: name another")
    return a


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True, help="a folder with train*.tsv, as docs/model.md says")
    parser.add_argument("--out", type=Path, default=Path("build/ours"))
    parser.add_argument("--model", type=Path, default=SHIPPED, help="the artefact to start from")
    parser.add_argument("--name", default="ours", help="what the model is called in assessments")
    parser.add_argument("--epochs", type=int, default=_EPOCHS)
    parser.add_argument("--seed", type=int, default=20261122)
    a = arguments_of(parser)
    try:
        posts = own_posts("train", a.labels)
    except ValueError as err:
        sys.exit(str(err))
    if not posts:
        sys.exit(f"{a.labels} holds no train*.tsv with a post in it: docs/model.md says how a line looks")
    tune(posts, a.out, model=a.model, name=a.name, epochs=a.epochs, seed=a.seed)
    print(
        f'{a.out} is ready: set model = "folder:{a.out}" under [sentiment]. '
        f"`genlyd evaluate --model {a.out}` shows its figures, `genlyd evaluate` those of the shipped one."
    )


if __name__ == "__main__":
    main()
