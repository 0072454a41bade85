"""The network: one encoder, one mean, one linear layer for all heads and one for the embedding.

Owns the shape and the losses. Refuses data, schedules and files.
"""

import torch
from torch import Tensor, nn
from transformers import BertModel

from sentiment.heads import COLUMNS, EMBEDDING, LANGUAGE_AT, SOFTMAX
from sentiment.training.data import TARGETS

_SMOOTHING = 0.05
# How much one row of each kind moves the encoder, beside one row of sentiment.
_WEIGHT = {"offensive": 1.5, "level": 1.0, "intent": 0.3, "intent complaint": 1.0, "goemotions": 0.1}
_LANGUAGE_WEIGHT = 0.2
_SHARPNESS = 20.0


class Network(nn.Module):
    """The encoder, mean-pooled; `forward` gives (logits [batch, targets], embedding [batch, 384])."""

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
        pooled = mean(self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state, attention_mask)
        embedding = nn.functional.normalize(self.meaning(pooled), dim=-1)
        return self.heads(self.dropout(pooled)), embedding


class Exported(nn.Module):
    """What the artefact computes: the heads in service and the embedding, not the auxiliary ones."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return (logits [batch, COLUMNS], embedding)."""
        logits, embedding = self.network(input_ids, attention_mask)
        return logits[:, : len(COLUMNS)], embedding


def mean(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the mean over real tokens: [batch, size]."""
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the loss per row of the batch. targets: float [batch, targets], NaN where nobody judged."""
    total = logits.new_zeros(())
    for group in SOFTMAX:
        judged = ~targets[:, group.start].isnan()
        if judged.any():
            loss = nn.functional.cross_entropy(
                logits[judged, group], targets[judged, group], label_smoothing=_SMOOTHING, reduction="sum"
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
