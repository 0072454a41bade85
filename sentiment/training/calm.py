"""Teach an artefact that small talk asks for nothing: `python -m sentiment.training.calm --model build/untuned`.

Owns the last part of the shipped model's training. Its upper layers learn from `train_chatter6.tsv`; beside each batch
go our other posts, the gravest of them, and the public training sets, whose right answer is what the model said before.
What is written is nearer the trained than the untrained. The moods are calibrated anew; other calibration and the
letter runs stay as they were.
"""

import argparse
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoTokenizer

from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
from sentiment.heads import SENTIMENT_AT
from sentiment.training import calibrate, quantise
from sentiment.training.data import bench_keys, load, public_sample
from sentiment.training.labels import TARGETS, Example, label_rows
from sentiment.training.network import LAYERS, Exported, Network, Row, halved, held, loss_of, mean, pad
from sentiment.training.saved import network_of, trained_network, write_about
from sentiment.training.train import BATCH, batches, encode, optimiser_of
from sentiment.training.tune import answers, arguments_of, write
from sentiment.training.written import OWN_POSTS, key, own_posts

_EPOCHS = 4
# Of the rates the shipped model was trained with.
_RATE_SHARE = 0.8
# How much of what was learnt is taken: the rest of the way cost more of the old than it brought of the new.
_TAKEN = 0.7
# So many layers stay as they are, which is also where the embedding looks first: it is faster, and forgets less.
_STAYING = LAYERS[0]
# Of each public set: enough that none is forgotten, few enough that the whole takes minutes.
_OF_EACH = 150
# So many posts where someone may be harmed: calm must not be learnt at their cost.
_GRAVE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A batch: half [batch, tokens, size] from the layers that stay, its mask, the right labels and the meaning."""

    below: Tensor
    mask: Tensor
    wanted: Tensor
    meant: Tensor


def calm(posts: Sequence[Example], out: Path, *, model: Path, data: Path, seed: int) -> None:
    """Train the artefact in `model` on, on `posts`, and write another to `out`; prints a line every ten steps."""
    random.seed(seed)
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(model)
    pad_id = int(tokenizer.pad_token_id)
    before = network_of(model / "model.onnx", pad_id=pad_id)
    network = trained_network(model).train()
    rng = random.Random(seed)
    asked = {key(post.text) for post in posts} | bench_keys(data)
    keep = [post for post in own_posts("train") if key(post.text) not in asked]
    gravest = [post for post in keep if post.labels["level 3"]]
    grave = [post for post in posts if post.labels["level 2"]] + rng.sample(gravest, min(len(gravest), _GRAVE))
    public = public_sample(data, _OF_EACH, seed)
    rows = encode(tokenizer, [post.text for post in posts])
    theirs = seen(before, rows, label_rows(posts, TARGETS), pad_id, rng)
    plan = [batch for _ in range(_EPOCHS) for batch in rng.sample(theirs, len(theirs))]
    beside: list[Iterator[Seen]] = []
    for part in (keep, grave, public):
        # One batch a step is all that will be asked for.
        chosen = rng.sample(part, min(len(part), BATCH * len(plan)))
        kept = encode(tokenizer, [post.text for post in chosen])
        beside.append(itertools.cycle(seen(before, kept, label_rows(chosen, TARGETS), pad_id, rng)))
        rows += kept
    print(f"{len(posts)} posts, {len(plan)} steps", flush=True)
    learn(network, before, plan, beside)
    with torch.no_grad():
        for at, mine in trained_network(model).named_parameters():
            network.get_parameter(at).lerp_(mine, 1 - _TAKEN)
    quantise.even_out(network.eval(), rows, pad_id)
    facts: dict[str, object] = {"posts": len(posts), "public": len(public), "steps": len(plan), "seed": seed}
    write(network, before.meaning, model, out, name="genlyd-nordic", facts=facts)
    recalibrate_moods(out, load(data, seed=seed)[1])


def recalibrate_moods(artefact: Path, dev: Sequence[Example]) -> None:
    """Fit the calibration of the moods anew on development rows, in the artefact itself."""
    encoder, texts = Encoder(artefact), [example.text for example in dev]
    fitted = calibrate.fit(encoder.logits(texts), encoder.wide(texts), dev)
    about = json.loads((artefact / "model.json").read_text())
    for code, table in about["calibration"].items():
        for name, numbers in fitted[code].items():
            if name.startswith("moods "):
                table[name] = numbers
            else:
                table[name][SENTIMENT_AT] = numbers[SENTIMENT_AT]
    write_about(artefact, about)


def seen(before: Exported, rows: list[Row], labels: list[list[float]], pad_id: int, rng: random.Random) -> list[Seen]:
    """Return `rows` in batches as the layers that stay see them, with what is to be said of each.

    What nobody judged is to be said as before.
    """
    out: list[Seen] = []
    for chosen in batches([len(row) for row in rows], rng):
        ids, mask = pad([rows[i] for i in chosen], pad_id)
        with torch.no_grad(), halved():
            layers = before.network.layers(ids, mask)
            said = before.heads(mean(layers[-1], mask)).float()
            meant = before.meaning(held(layers, mask)).float()
        judged = torch.tensor([labels[i] for i in chosen])
        wanted = torch.where(judged.isnan(), answers(said), judged)
        out.append(Seen(below=layers[_STAYING].half(), mask=mask, wanted=wanted, meant=meant))
    return out


def learn(network: Network, before: Exported, plan: Sequence[Seen], beside: Sequence[Iterator[Seen]]) -> None:
    """Train the upper layers and the heads on each batch of `plan`, with one of each of `beside`."""
    optimiser, schedule = optimiser_of(network, len(plan), share=_RATE_SHARE)
    for step, batch in enumerate(plan, start=1):
        optimiser.zero_grad()
        total = 0.0
        for one in (batch, *map(next, beside)):
            loss = _lost(network, before.meaning, one)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 10 == 0 or step == len(plan):
            print(f"step {step}/{len(plan)} loss {total:.3f}", flush=True)


def _lost(network: Network, meaning: nn.Linear, one: Seen) -> Tensor:
    """Return the loss of a batch: against what is to be said, and as far as its meaning has moved."""
    with halved():
        below = one.below.float()
        top = mean(network.above(below, one.mask, _STAYING), one.mask)
        logits = network.heads(network.dropout(top))
        embedding = meaning(torch.cat([mean(below, one.mask), top], dim=-1))
    turned: Tensor = (1 - nn.functional.cosine_similarity(embedding.float(), one.meant)).mean()
    return loss_of(logits.float(), one.wanted) + turned


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, default=OWN_POSTS / "train_chatter6.tsv")
    parser.add_argument("--model", type=Path, required=True, help="the artefact to start from")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--seed", type=int, default=20261122)
    a = arguments_of(parser)
    calm(own_posts("train", a.labels), a.out, model=a.model, data=a.data, seed=a.seed)


if __name__ == "__main__":
    main()
