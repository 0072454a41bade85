"""What the calibration makes of the raw outputs: fitted on rows, applied by the encoder."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sentiment.encoder import Floats, _calibration, calibrated
from sentiment.heads import COLUMNS, SENTIMENT, SENTIMENT_AT

pytest.importorskip("torch", reason="training needs PyTorch: run `make test`, or pip install torch")

from sentiment.training import calibrate
from sentiment.training.labels import Example
from sentiment.training.measures import confusion, macro_f1
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


def _mood(row: int) -> dict[str, float]:
    """Labels of any mood: a set is judged by its moods only where it knows all three."""
    return {f"sentiment {name}": float(name == SENTIMENT[row % 3]) for name in SENTIMENT}


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


@pytest.mark.parametrize(("slope", "lean"), [(0.5, -1.0), (2.0, 0.7)])
def test_a_mark_is_as_likely_as_it_says_afterwards(slope: float, lean: float) -> None:
    """Rows whose probability is known: the fit finds it again, and cuts where it promises the best macro-F1."""
    rng = np.random.default_rng(11)
    logits = np.zeros((20_000, len(COLUMNS)), dtype=np.float32)
    logits[:, IRONY] = rng.normal(0, 2, len(logits))
    truth = 1 / (1 + np.exp(-(slope * logits[:, IRONY] + lean)))
    is_so = rng.random(len(logits)) < truth
    examples = [
        Example(text=str(row), lang="da", source="a set", labels={"irony": float(one), **_mood(row)})
        for row, one in enumerate(is_so)
    ]
    table = calibrate.fit(logits, np.zeros_like(logits), examples)["da"]
    assert table["scale"][IRONY] == pytest.approx(slope, rel=0.06)
    assert table["shift"][IRONY] == pytest.approx(lean, abs=0.06)
    cut = table["threshold"][IRONY]
    tried = {at: _macro_f1(is_so, truth >= at) for at in (cut, *np.arange(0.1, 0.81, 0.05))}
    assert tried[cut] >= max(tried.values()) - 0.005
    assert min(tried.values()) < tried[cut] - 0.05


def _macro_f1(is_so: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    return macro_f1(confusion(is_so.astype(np.int64), said.astype(np.int64), 2))


def test_a_language_with_few_who_were_judged_borrows_from_all() -> None:
    logits = np.zeros((1_000, len(COLUMNS)), dtype=np.float32)
    logits[:, IRONY] = np.linspace(-3, 3, len(logits))
    examples = [
        Example(
            text=str(row),
            lang="sv" if row % 20 == 0 else "da",
            source="a set",
            labels={"irony": float((row >= 500) != (row % 10 == 3)), **_mood(row)},
        )
        for row in range(len(logits))
    ]
    tables = calibrate.fit(logits, np.zeros_like(logits), examples)
    assert tables["sv"]["scale"][IRONY] == tables["any"]["scale"][IRONY] > 0.5


def test_another_calibration_is_another_version(tmp_path: Path) -> None:
    for name in ("model.onnx", "ngrams.npz"):
        (tmp_path / name).write_bytes(name.encode())
    versions = []
    for threshold in (0.4, 0.4, 0.5):
        write_about(tmp_path, {"name": "x", "calibration": {"da": {"threshold": [threshold]}}})
        versions.append(json.loads((tmp_path / "model.json").read_text())["version"])
    assert versions[0] == versions[1] != versions[2]
