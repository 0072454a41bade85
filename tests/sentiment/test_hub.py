"""Any Hugging Face classifier by one config line, proved on a small random one made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.assessment import Language
from core.config import SentimentConfig
from core.errors import ConfigError
from sentiment.base import SHIPPED, open_model

torch = pytest.importorskip("torch", reason="needs torch, the optional extra `hub`", exc_type=ImportError)


def _random_classifier(folder: Path, labels: dict[int, str]) -> str:
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        id2label=labels,
        label2id={label: index for index, label in labels.items()},
        pad_token_id=tokenizer.pad_token_id,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return f"hub:{folder}"


@pytest.mark.parametrize(
    "labels",
    [
        {0: "negative", 1: "neutral", 2: "positive"},
        {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"},
        {0: "POSITIVE", 1: "NEGATIVE"},
        {0: "1 star", 1: "2 stars", 2: "3 stars", 3: "4 stars", 4: "5 stars"},
    ],
)
def test_a_classifier_with_common_label_names_works(tmp_path: Path, labels: dict[int, str]) -> None:
    model = open_model(SentimentConfig(model=_random_classifier(tmp_path, labels)))
    languages = [Language.DA, Language.SV, Language.EN]
    readings = model.read(["Hej, hvor er min pakke?", "Tack!", "Long " * 600], languages)
    assert [reading.language for reading in readings] == languages
    for one in (reading.probabilities for reading in readings):
        assert one.negative + one.neutral + one.positive == pytest.approx(1, abs=1e-5)
        assert one.negative > 0


def test_label_names_are_followed_not_positions(tmp_path: Path) -> None:
    there = open_model(
        SentimentConfig(model=_random_classifier(tmp_path / "a", {0: "negative", 1: "neutral", 2: "positive"}))
    )
    back = open_model(
        SentimentConfig(model=_random_classifier(tmp_path / "b", {0: "positive", 1: "neutral", 2: "negative"}))
    )
    [one], [other] = there.read(["Hej"], [Language.DA]), back.read(["Hej"], [Language.DA])
    assert one.probabilities.negative == pytest.approx(other.probabilities.positive, abs=1e-6)
    assert one.heads is None


def test_a_classifier_of_something_else_is_refused_with_its_labels(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cats"):
        open_model(SentimentConfig(model=_random_classifier(tmp_path, {0: "cats", 1: "dogs", 2: "birds"})))


def test_a_name_that_is_nowhere_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="could not be loaded"):
        open_model(SentimentConfig(model=f"hub:{tmp_path / 'nowhere'}"))
