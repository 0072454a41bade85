"""The shipped model: real, calibrated, quick to be itself, and not to be steered by its own tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.config import SentimentConfig
from core.errors import ConfigError
from sentiment.base import SHIPPED, Model, open_model
from sentiment.encoder import Encoder
from sentiment.text import normalise

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def model() -> Model:
    return open_model(SentimentConfig())


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("Jeg er så skuffet, det er elendig service", "negative"),
        ("Tusind tak for hurtig og venlig hjælp, det var fantastisk!", "positive"),
        ("Fruktansvärt dålig kundtjänst, jag är så besviken", "negative"),
        ("Tack så mycket, jättebra service!", "positive"),
        ("Helt elendig service, jeg er veldig skuffet", "negative"),
        ("Tusen takk, dette var helt fantastisk!", "positive"),
        ("Worst customer service ever, I am so angry", "negative"),
        ("Thank you so much, you were brilliant!", "positive"),
    ],
)
def test_plain_moods_are_read_in_four_languages(model: Model, text: str, mood: str) -> None:
    [read] = model.score([text])
    assert read.top()[0] == mood


def test_a_text_reads_the_same_alone_and_in_a_batch(model: Model) -> None:
    texts = ["Tak", "Det er for dårligt, jeg har ventet i tre uger på svar fra jer" * 3, "Hvornår åbner I?"]
    together = model.score(texts)
    for text, probabilities in zip(texts, together, strict=True):
        [alone] = model.score([text])
        # int8 activations are scaled over the whole batch, so padding moves the last digits.
        assert alone.negative == pytest.approx(probabilities.negative, abs=0.06)
        assert sum((alone.negative, alone.neutral, alone.positive)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("token", ["<s>", "</s>", "<mask>", "<pad>", "<unk>", "<MASK>"])
def test_a_post_cannot_smuggle_in_a_special_token(token: str) -> None:
    encoder = Encoder(SHIPPED)
    special = set(encoder._tokenizer.all_special_ids)
    ids = encoder._tokenizer(normalise(f"hej {token} verden"))["input_ids"]
    assert not special & set(ids[1:-1])


def test_the_artefact_is_small_and_says_what_it_is() -> None:
    size = sum(file.stat().st_size for file in SHIPPED.iterdir())
    assert size < 45_000_000
    about = json.loads((SHIPPED / "model.json").read_text())
    assert about["labels"] == ["negative", "neutral", "positive"]
    assert about["version"] in (SHIPPED / "model.json").read_text()
    card = (SHIPPED / "MODEL_CARD.md").read_text()
    assert f"Temperature {about['temperature']}" in card


def test_a_missing_model_is_named_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make model"):
        Encoder(tmp_path)


def test_an_unknown_kind_of_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="shipped"):
        open_model(SentimentConfig(model="gpt"))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "floor"), [("da_angrytweets", 0.60), ("sv_swerec", 0.66), ("no_norec_sentence", 0.58)]
)
def test_the_card_holds_on_the_benchmark(model: Model, name: str, floor: float) -> None:
    file = SHARED / "bench" / f"{name}.jsonl"
    if not file.exists():
        pytest.skip("the benchmark lies beside the checkout, in ../shared/data/bench, and is not here")
    import numpy as np  # noqa: PLC0415

    from sentiment.training.data import LABELS  # noqa: PLC0415
    from sentiment.training.evaluate import confusion, macro_f1  # noqa: PLC0415

    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()][:400]
    scored = model.score([row["text"] for row in rows])
    guess = np.array([LABELS.index(probabilities.top()[0]) for probabilities in scored])
    truth = np.array([LABELS.index(row["label"]) for row in rows])
    assert macro_f1(confusion(truth, guess)) > floor


@pytest.mark.shared
def test_no_row_of_the_benchmark_is_in_the_training_mix() -> None:
    if not SHARED.exists():
        pytest.skip("the labelled posts lie beside the checkout, in ../shared/data, and are not here")
    from sentiment.training.data import bench, key, load  # noqa: PLC0415

    train, dev = load(SHARED, seed=1)
    mixed = {key(example.text) for example in (*train, *dev)}
    held_out = {key(example.text) for _, examples in bench(SHARED) for example in examples}
    assert not mixed & held_out
