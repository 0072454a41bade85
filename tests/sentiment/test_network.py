"""What training hides of a post and of a layer: a share of it, drawn anew, and nothing where the network judges."""

import torch
from torch import nn

from sentiment.base import SHIPPED
from sentiment.training.network import lighten
from sentiment.training.saved import trained_network
from sentiment.training.train import thinned


def test_a_share_of_the_tokens_is_hidden_and_never_the_first_nor_the_padding() -> None:
    torch.manual_seed(1)
    mask = torch.ones(400, 50, dtype=torch.long)
    mask[:, 40:] = 0
    seen = thinned(mask)
    assert seen[:, 0].all()
    assert not seen[:, 40:].any()
    assert 0.06 < 1 - seen[:, 1:40].float().mean() < 0.10
    assert (thinned(mask) != seen).any()


def test_a_lightened_network_drops_in_training_and_keeps_the_size_of_what_it_says() -> None:
    torch.manual_seed(1)
    network = lighten(trained_network(SHIPPED))
    dropout = network.dropout.train()
    x = torch.ones(200, 384)
    first, second = dropout(x), dropout(x)
    assert (first != second).any()
    assert 0.09 < (first == 0).float().mean() < 0.11
    assert abs(first.mean() - 1) < 0.02
    assert torch.equal(dropout.eval()(x), x)


def test_lightening_leaves_no_dropout_that_draws_and_changes_no_judgement() -> None:
    plain = trained_network(SHIPPED)
    ids, mask = torch.tensor([[0, 100, 200, 2]]), torch.ones(1, 4, dtype=torch.long)
    with torch.inference_mode():
        before, _ = plain(ids, mask)
        after, _ = lighten(plain)(ids, mask)
    assert torch.equal(before, after)
    assert {module.p for module in plain.modules() if isinstance(module, nn.Dropout)} == {0.0}
