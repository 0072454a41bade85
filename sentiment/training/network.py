"""The network: one encoder, one mean, one linear layer for all heads and one for the embedding.

Owns the shape and the losses. Refuses data, schedules and files.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn
from transformers import BertModel

from sentiment.heads import COLUMNS, EMBEDDING, LANGUAGE_AT, SOFTMAX
from sentiment.training.labels import TARGETS

# The layers (0 the embeddings, 12 the last) whose means the embedding is made of.
LAYERS = (8, 12)

_SMOOTHING = 0.05
# How much one row of each kind moves the encoder, beside one row of sentiment.
_WEIGHT = {"offensive": 1.5, "level": 1.0, "intent": 0.3, "intent complaint": 1.0, "goemotions": 0.1}
_LANGUAGE_WEIGHT = 0.2
_SHARPNESS = 20.0


Row = list[int]


class Network(nn.Module):
    """The encoder, mean-pooled; `forward` gives (logits [batch, targets], embedding [batch, 384]).

    This embedding only keeps the encoder near what its base meant; the one in service is fitted afterwards.
    """

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        size = encoder.config.hidden_size
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.Linear(size, len(TARGETS))
        self.meaning = nn.Linear(size, EMBEDDING, bias=False)
        nn.init.eye_(self.meaning.weight)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return (logits, embedding of length one)."""
        pooled = mean(self.layers(input_ids, attention_mask)[-1], attention_mask)
        embedding = nn.functional.normalize(self.meaning(pooled), dim=-1)
        return self.heads(self.dropout(pooled)), embedding

    def layers(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Return what each layer makes of each token, the embeddings first: each [batch, tokens, size]."""
        said = self.encoder(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
        hidden: tuple[Tensor, ...] = said.hidden_states
        return hidden

    def above(self, hidden: Tensor, attention_mask: Tensor, start: int) -> Tensor:
        """Return what the last layer makes of what layer `start` made: [batch, tokens, size]."""
        unseen = (1 - attention_mask[:, None, None, :].to(hidden.dtype)) * torch.finfo(hidden.dtype).min
        for layer in self.encoder.encoder.layer[start:]:
            hidden = layer(hidden, unseen)
        return hidden


class _SlicedDropout(nn.Module):
    """Dropout by a slice of one long mask: to draw a new one each time took a fifth of a step on a CPU."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` of any shape with a share of it at nought and the rest raised, in training."""
        if not self.training:
            return x
        mask = _mask(self.share, x.dtype, x.device)
        start = int(torch.randint(len(mask) - x.numel(), ()))
        return x * mask[start : start + x.numel()].view(x.shape)


@cache
def _mask(share: float, kind: torch.dtype, device: torch.device) -> Tensor:
    return torch.empty(1 << 23, dtype=kind, device=device).bernoulli_(1 - share).div_(1 - share)


def lighten(network: Network) -> Network:
    """Return `network` with cheaper dropout: sliced masks, and none on attention, whose masks cost most."""
    for path, module in [*network.named_modules()]:
        if isinstance(module, nn.Dropout):
            around, _, name = path.rpartition(".")
            if around.endswith("attention.self"):
                module.p = 0.0
            else:
                setattr(network.get_submodule(around), name, _SlicedDropout(module.p).train(module.training))
    return network


def halved(device: str = "cpu") -> torch.autocast:
    """Return the arithmetic to train in: bf16, but where a processor only imitates it, which took ten times as long."""
    is_quick = device != "cpu" or torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return torch.autocast(device, dtype=torch.bfloat16, enabled=is_quick)


class Exported(nn.Module):
    """What the artefact computes: the heads in service, the embedding, and what each token adds to the heads.

    The auxiliary heads stay behind. `meaning` is fitted after training (sentiment.training.meaning).
    """

    def __init__(self, network: Network, meaning: nn.Linear) -> None:
        super().__init__()
        self.network = network
        self.meaning = meaning
        self.heads = nn.Linear(network.heads.in_features, len(COLUMNS))
        self.heads.load_state_dict({name: value[: len(COLUMNS)] for name, value in network.heads.state_dict().items()})

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (logits [batch, COLUMNS], embedding, tokens [batch, tokens, COLUMNS]); logits are the tokens' mean."""
        layers = self.network.layers(input_ids, attention_mask)
        tokens = self.heads(layers[-1])
        embedding = nn.functional.normalize(self.meaning(held(layers, attention_mask)), dim=-1)
        return mean(tokens, attention_mask), embedding, tokens


def held(layers: Sequence[Tensor], attention_mask: Tensor) -> Tensor:
    """Return the means of LAYERS beside each other: [batch, size * LAYERS]."""
    return torch.cat([mean(layers[at], attention_mask) for at in LAYERS], dim=-1)


def mean(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the mean over real tokens: [batch, size]."""
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)


def pad(rows: list[Row], pad_id: int) -> tuple[Tensor, Tensor]:
    """Return (ids, mask): int64 [batch, longest]."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([row + [pad_id] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def loss_of(logits: Tensor, targets: Tensor, *, smoothing: float = _SMOOTHING) -> Tensor:
    """Return the loss per row of the batch. targets: float [batch, targets], NaN where nobody judged.

    Labels want `smoothing`; a probability that a model said has its doubt already.
    """
    total = logits.new_zeros(())
    for group in SOFTMAX:
        judged = ~targets[:, group.start].isnan()
        if judged.any():
            loss = nn.functional.cross_entropy(
                logits[judged, group], targets[judged, group], label_smoothing=smoothing, reduction="sum"
            )
            total = total + (loss * _LANGUAGE_WEIGHT if group is LANGUAGE_AT else loss)
    rest = logits[:, LANGUAGE_AT.stop :]
    wanted = targets[:, LANGUAGE_AT.stop :]
    judged = ~wanted.isnan()
    each = nn.functional.binary_cross_entropy_with_logits(rest, wanted.nan_to_num(), reduction="none")
    total = total + (each * judged * _weights().to(each.device)).sum()
    return total / len(logits)


def _weights() -> Tensor:
    return torch.tensor([_WEIGHT.get(name, _WEIGHT.get(name.split()[0], 1.0)) for name in TARGETS[LANGUAGE_AT.stop :]])


def meaning_loss(embedding: Tensor, taught: Tensor) -> Tensor:
    """Return how far the batch's similarities are from the frozen base's, and each vector from its own.

    Both: float [batch, 384], of length one.
    """
    themselves = torch.eye(len(taught), dtype=torch.bool, device=taught.device)
    want = (taught @ taught.T * _SHARPNESS).masked_fill(themselves, -1e4)
    have = (embedding @ embedding.T * _SHARPNESS).masked_fill(themselves, -1e4)
    relations = nn.functional.kl_div(have.log_softmax(-1), want.softmax(-1), reduction="batchmean")
    return relations + (1 - (embedding * taught).sum(-1)).mean()
