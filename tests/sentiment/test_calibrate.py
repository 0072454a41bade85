"""What the calibration makes of the raw outputs: fitted on rows, applied by the encoder."""

import json
from pathlib import Path

import numpy as np
import pytest

from sentiment.encoder import Floats, _calibration, calibrated
from sentiment.heads import COLUMNS, SENTIMENT, SENTIMENT_AT

pytest.importorskip("torch", reason="training needs PyTorch: run `make test`, or pip install torch")

from sentiment.training import calibrate
from sentiment.training.labels import Example
from sentiment.training.saved import write_about

IRONY = COLUMNS.index("irony")
ROWS = 1_200


def _rows(lang: str) -> tuple[list[Example], Floats]:
    """Posts whose words sound glad and whose irony alone tells that half of them are not."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 0.3, (ROWS, len(COLUMNS))).astype(np.float32)
    examples = []
    for row in range(ROWS):
        mood = SENTIMENT[row % 3]
        logits[row, SENTIMENT.index("neutral" if mood == "neutral" else "positive")] += 3
        logits[row, IRONY] += 3 if mood == "negative" else -3
        labels = {f"sentiment {name}": float(name == mood) for name in SENTIMENT}
        examples.append(Example(text=str(row), lang=lang, source="a set", labels=labels))
    return examples, logits


def _right(table: calibrate.Table, examples: list[Example], logits: Floats) -> float:
    said = calibrated(logits, np.zeros_like(logits), _calibration(table))[:, SENTIMENT_AT].argmax(axis=1)
    return float(np.mean([examples[row].labels[f"sentiment {SENTIMENT[mood]}"] for row, mood in enumerate(said)]))


@pytest.mark.parametrize(("lang", "is_told"), [("da", True), ("sv", True), ("en", False), ("nb", False)])
def test_what_other_columns_say_of_the_mood_is_heard_where_it_was_found_to_hold(lang: str, *, is_told: bool) -> None:
    examples, logits = _rows(lang)
    tables = calibrate.fit(logits, np.zeros_like(logits), examples)
    table = tables["no" if lang == "nb" else lang]
    assert {len(numbers) for numbers in table.values()} == {len(COLUMNS)}
    assert any(table["moods negative"]) is is_told
    assert (_right(table, examples, logits) > 0.95) is is_told
    for name in SENTIMENT:
        assert not any(table[f"moods {name}"][SENTIMENT_AT]), "no mood speaks of itself twice"


def test_one_mark_that_is_sure_beyond_measure_does_not_drown_the_words() -> None:
    examples, logits = _rows("da")
    table = calibrate.fit(logits, np.zeros_like(logits), examples)["da"]
    loud, louder = logits[:1].copy(), logits[:1].copy()
    loud[0, IRONY], louder[0, IRONY] = 8.0, 1e6
    moods = [calibrated(one, np.zeros_like(one), _calibration(table))[0, SENTIMENT_AT] for one in (loud, louder)]
    assert np.allclose(moods[0], moods[1])


def test_a_calibration_from_before_hears_no_other_column() -> None:
    examples, logits = _rows("da")
    table = calibrate.fit(logits, np.zeros_like(logits), examples)["da"]
    old = {name: numbers for name, numbers in table.items() if not name.startswith("moods ")}
    assert _right(old, examples, logits) < 0.7
    assert _calibration(old).moods.shape == (len(SENTIMENT), len(COLUMNS))


def test_another_calibration_is_another_version(tmp_path: Path) -> None:
    for name in ("model.onnx", "ngrams.npz"):
        (tmp_path / name).write_bytes(name.encode())
    versions = []
    for threshold in (0.4, 0.4, 0.5):
        write_about(tmp_path, {"name": "x", "calibration": {"da": {"threshold": [threshold]}}})
        versions.append(json.loads((tmp_path / "model.json").read_text())["version"])
    assert versions[0] == versions[1] != versions[2]
