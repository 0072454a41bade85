"""The shipped int8 artefact says what its PyTorch twin says, but for the rounding of what flows through it."""

import random
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

from sentiment.base import SHIPPED
from sentiment.encoder import Encoder
from sentiment.training.data import bench
from sentiment.training.written import own_posts

pytest.importorskip("torch", reason="the twin is a PyTorch model: run `make test`, or pip install torch")

from sentiment.training.saved import network_of
from sentiment.training.twin import Likeness, Twin, likeness

SHARED = Path(__file__).parents[3] / "shared" / "data"
_EACH_SET = 15
_OWN = 165
_IN_COMPANY = 0.04

# How far the artefact may be from the same network whose activations are not rounded: twice what
# `python -m sentiment.training.twin` measured over every benchmark row that fits one window (2026-11-24). It prints
# this line; run it with a new model.
BOUND = Likeness(
    texts=27758, logit_mean=0.0579, logit_most=2.15, embedding_mean=0.00144, embedding_most=0.0511, same_mood=0.987
)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(SHIPPED)


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin(SHIPPED)


@pytest.fixture(scope="module")
def found(encoder: Encoder, twin: Twin) -> Likeness:
    return likeness(encoder, twin, sample())


@cache
def sample() -> list[str]:
    """Return posts to compare by: of every benchmark set where it is, else our own."""
    rng = random.Random(1)
    if SHARED.exists():
        sets = [[row.text for row in rows] for _, rows in bench(SHARED)]
        return [text for texts in sets for text in rng.sample(texts, min(_EACH_SET, len(texts)))]
    return [row.text for row in rng.sample(own_posts("dev") + own_posts("train"), _OWN)]


def test_the_logits_are_those_of_the_pytorch_model(found: Likeness) -> None:
    assert found.logit_mean < BOUND.logit_mean
    assert found.logit_most < BOUND.logit_most


def test_the_embeddings_point_where_those_of_the_pytorch_model_do(found: Likeness) -> None:
    assert found.embedding_mean < BOUND.embedding_mean
    assert found.embedding_most < BOUND.embedding_most


def test_nearly_every_text_has_the_same_likeliest_mood(found: Likeness) -> None:
    assert found.same_mood > BOUND.same_mood


def test_a_text_is_read_alone_as_in_company(encoder: Encoder) -> None:
    """Before each token was rounded by its own loudness the mean was 0.067."""
    texts = sample()[::2]
    alone = np.concatenate([encoder.logits([text]) for text in texts])
    assert np.abs(encoder.logits(texts) - alone).mean() < _IN_COMPANY


def test_another_model_would_be_told_apart(encoder: Encoder) -> None:
    """The control: with one of twelve layers silenced, the bound no longer holds."""
    other = Twin(SHIPPED)
    weight = other.network.network.encoder.get_parameter("encoder.layer.5.output.dense.weight")
    weight.data.zero_()
    assert likeness(encoder, other, sample()[::3]).logit_mean > BOUND.logit_mean


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    model = onnx.load(str(SHIPPED / "model.onnx"))
    del model.graph.initializer[0]
    onnx.save(model, str(tmp_path / "model.onnx"))
    with pytest.raises(ValueError, match="not an artefact"):
        network_of(tmp_path / "model.onnx", pad_id=1)
