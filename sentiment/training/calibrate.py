"""What the raw outputs are worth: fitted on development rows, language by language, on the int8 file itself.

Owns scale, shift and threshold of every column. Refuses to see a benchmark row: `data.load` keeps them out.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sentiment.encoder import Calibration, Floats, calibrated
from sentiment.heads import COLUMNS, SENTIMENT, SENTIMENT_AT
from sentiment.training.data import Example
from sentiment.training.measures import confusion, macro_f1

GROUPS = {"da": ("da",), "sv": ("sv",), "no": ("no", "nb", "nn"), "en": ("en",), "any": ()}
# Fewer judged rows than this say too little: the calibration of all languages together is used.
_ENOUGH = 200
_ENOUGH_YES = 25

Table = dict[str, list[float]]


def fit(logits: Floats, examples: Sequence[Example]) -> dict[str, Table]:
    """Return {language group: {"scale", "shift", "threshold"}}, each of COLUMNS numbers.

    logits: float32 [examples, COLUMNS].
    """
    targets = np.array([[example.labels.get(name, np.nan) for name in COLUMNS] for example in examples])
    everyone = np.ones(len(examples), dtype=bool)
    tables: dict[str, Table] = {}
    for group, languages in GROUPS.items():
        mine = np.array([example.lang in languages for example in examples]) if languages else everyone
        tables[group] = _table(logits, targets, mine)
    return tables


def _table(logits: Floats, targets: Floats, mine: NDArray[np.bool_]) -> Table:
    scale, shift, threshold = (np.full(len(COLUMNS), value) for value in (1.0, 0.0, 0.5))
    judged = mine & ~np.isnan(targets[:, 0])
    scale[SENTIMENT_AT], shift[SENTIMENT_AT] = _fit_moods(
        logits[judged][:, SENTIMENT_AT], targets[judged][:, SENTIMENT_AT]
    )
    for column in range(SENTIMENT_AT.stop, len(COLUMNS)):
        if COLUMNS[column].startswith(("emotion", "language")):
            continue
        judged = mine & ~np.isnan(targets[:, column])
        if judged.sum() < _ENOUGH or targets[judged, column].sum() < _ENOUGH_YES:
            judged = ~np.isnan(targets[:, column])
        scale[column], shift[column] = _fit_mark(logits[judged, column], targets[judged, column])
        p = 1 / (1 + np.exp(-(logits[judged, column] * scale[column] + shift[column])))
        threshold[column] = _best_threshold(p, targets[judged, column])
    return {
        "scale": [round(float(x), 4) for x in scale],
        "shift": [round(float(x), 4) for x in shift],
        "threshold": [round(float(x), 3) for x in threshold],
    }


def _fit_moods(logits: Floats, wanted: Floats) -> tuple[float, Floats]:
    """Return (scale, shift [3]) of least cross-entropy: a temperature, and each mood's own lean."""
    x, y = torch.tensor(logits, dtype=torch.float64), torch.tensor(wanted, dtype=torch.float64)
    log_scale = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    _minimise([log_scale, shift], lambda: torch.nn.functional.cross_entropy(x * log_scale.exp() + shift, y))
    lean = shift.detach().numpy()
    return float(log_scale.exp().item()), lean - lean.mean()


def _fit_mark(logits: Floats, wanted: Floats) -> tuple[float, float]:
    """Return (scale, shift) of least cross-entropy (Platt)."""
    x, y = torch.tensor(logits, dtype=torch.float64), torch.tensor(wanted, dtype=torch.float64)
    log_scale = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    _minimise(
        [log_scale, shift],
        lambda: torch.nn.functional.binary_cross_entropy_with_logits(x * log_scale.exp() + shift, y),
    )
    return float(log_scale.exp().item()), float(shift.item())


def _minimise(parameters: list[torch.Tensor], loss_of: object) -> None:
    optimiser = torch.optim.LBFGS(parameters, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss: torch.Tensor = loss_of()  # type: ignore[operator]
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]


def _best_threshold(p: Floats, wanted: Floats) -> float:
    """Return the probability from which calling it a yes gives the best macro-F1."""
    truth = (wanted > 0.5).astype(int)
    tried = np.linspace(0.1, 0.8, 71)
    scores = [macro_f1(confusion(truth, (p >= at).astype(int), 2)) for at in tried]
    best = max(scores)
    # The middle of the near-best: a narrow peak is luck.
    return float(np.median([at for at, score in zip(tried, scores, strict=True) if score >= best - 0.003]))


def moods_right(
    logits: Floats, examples: Sequence[Example], tables: dict[str, Table]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return (confidence, is right) of every row with a mood, each calibrated by its own language."""
    confidence, right = [], []
    for row, example in zip(logits, examples, strict=True):
        if f"sentiment {SENTIMENT[0]}" in example.labels:
            group = next(name for name, languages in GROUPS.items() if example.lang in languages)
            table = tables[group]
            p = calibrated(
                row, Calibration(*(np.array(table[k], dtype=np.float32) for k in ("scale", "shift", "threshold")))
            )
            confidence.append(float(p[SENTIMENT_AT].max()))
            right.append(example.labels[COLUMNS[int(p[SENTIMENT_AT].argmax())]] == 1.0)
    return np.array(confidence), np.array(right)
