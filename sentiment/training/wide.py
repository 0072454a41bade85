"""Filling the table of letter runs: `sentiment.ngrams`, fitted by gradient descent in a minute.

Owns the fit and its rounding to int8. Trained apart from the network, on every training row.
"""

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sentiment.ngrams import BITS, SPOKEN, Buckets, Ngrams, buckets
from sentiment.training.labels import Example, label_rows

_RATE, _EPOCHS, _BATCH = 0.03, 4, 512
_SENTIMENT = 3


def fit(examples: Sequence[Example], *, seed: int) -> Ngrams:
    """Return the table that says most of `examples`' own labels."""
    torch.manual_seed(seed)
    rows = {example.text: buckets(example.text) for example in examples}
    judged = [example for example in examples if any(name in example.labels for name in SPOKEN)]
    targets = torch.tensor(label_rows(judged, SPOKEN))
    found = [rows[example.text] for example in judged]
    rarity = _rarity(list(rows.values()))
    weights = nn.Parameter(torch.zeros(2**BITS, len(SPOKEN)))
    lean = nn.Parameter(torch.zeros(len(SPOKEN)))
    optimiser = torch.optim.Adam([weights, lean], lr=_RATE, fused=True)
    order = list(range(len(judged)))
    rng = random.Random(seed)
    steps = _EPOCHS * -(-len(order) // _BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    for _ in range(_EPOCHS):
        rng.shuffle(order)
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            loss = _loss(_logits([found[i] for i in chosen], weights, lean, rarity), targets[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    learnt = (weights * rarity[:, None]).detach()
    worth = learnt.abs().amax(0).clamp(min=1e-6) / 127
    rounded = (learnt / worth).round().to(torch.int8).numpy()
    return Ngrams(rounded, worth.numpy(), lean.detach().numpy())


def _rarity(rows: Sequence[Buckets]) -> Tensor:
    """Return how much each bucket tells, by how few texts have it: float32 [2**BITS], about 1 on average."""
    seen = np.zeros(2**BITS)
    for row in rows:
        seen[row] += 1
    rare = np.log((len(rows) + 1) / (seen + 1)) + 1
    return torch.tensor(rare / rare.mean(), dtype=torch.float32)


def _logits(rows: Sequence[Buckets], weights: Tensor, lean: Tensor, rarity: Tensor) -> Tensor:
    flat = torch.tensor(np.concatenate(rows))
    starts = torch.tensor(np.cumsum([0, *(len(row) for row in rows[:-1])]))
    share = torch.tensor(np.concatenate([np.full(len(row), len(row) ** -0.5, dtype=np.float32) for row in rows]))
    return (
        nn.functional.embedding_bag(flat, weights, starts, mode="sum", per_sample_weights=rarity[flat] * share) + lean
    )


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    moods = ~targets[:, 0].isnan()
    total = nn.functional.cross_entropy(logits[moods, :_SENTIMENT], targets[moods, :_SENTIMENT], reduction="sum")
    rest = targets[:, _SENTIMENT:]
    each = nn.functional.binary_cross_entropy_with_logits(logits[:, _SENTIMENT:], rest.nan_to_num(), reduction="none")
    return (total + (each * ~rest.isnan()).sum()) / len(logits)
