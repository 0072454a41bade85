"""What the raw outputs are worth: fitted on development rows, language by language, on the int8 file itself.

Owns scale, shift and threshold of every column, and what the other columns say of the moods. Refuses to see a
benchmark row: `data.load` keeps them out.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sentiment.encoder import MOST_SAID, Floats
from sentiment.heads import COLUMNS, SENTIMENT, SENTIMENT_AT
from sentiment.training.labels import Example, label_rows

GROUPS = {"da": ("da",), "sv": ("sv",), "no": ("no", "nb", "nn"), "en": ("en",), "any": ()}
# Fewer judged rows than this say too little: the calibration of all languages together is used.
_ENOUGH = 200
_ENOUGH_YES = 25
# How far a mood that is rare in a language is favoured over the likeliest: 0 gives the best accuracy, 1 the best mean
# recall. Half-way gave the best macro-F1 on the development rows.
_FAIRNESS = 0.5
# What the moods may be told: by all but themselves and the languages.
_TELLING = np.array([not name.startswith(("sentiment", "language")) for name in COLUMNS])
# How dear it is to be told much (ridge): the least that cost no language anything on development rows held out.
_DEAR = 200.0
# Where it made the moods of a set more likely that it was not fitted on, each set left out in turn. In English it made
# them less likely (TweetEval by .012 a row, standard error .002), and in Norwegian there is too little to tell.
_TOLD = frozenset({"da", "sv"})

Table = dict[str, list[float]]


def fit(logits: Floats, wide: Floats, examples: Sequence[Example]) -> dict[str, Table]:
    """Return {language group: {"scale", "wide", "shift", "threshold", "moods negative", ...}}, each of COLUMNS numbers.

    logits, wide: float32 [examples, COLUMNS].
    """
    targets = np.array(label_rows(examples, COLUMNS))
    full = _with_all_moods(examples)
    whole = np.array([example.source in full for example in examples])
    everyone = np.ones(len(examples), dtype=bool)
    tables: dict[str, Table] = {}
    for group, languages in GROUPS.items():
        mine = np.array([example.lang in languages for example in examples]) if languages else everyone
        tables[group] = _table(logits, wide, targets, mine, whole, is_told=group in _TOLD)
    return tables


def _with_all_moods(examples: Sequence[Example]) -> set[str]:
    """Return the sets that know all three moods: the others would teach that nothing is neutral."""
    seen: dict[str, set[str]] = {}
    for example in examples:
        seen.setdefault(example.source, set()).update(
            name for name, value in example.labels.items() if name.startswith("sentiment") and value
        )
    return {source for source, moods in seen.items() if len(moods) == len(SENTIMENT)}


def _table(
    logits: Floats,
    wide: Floats,
    targets: Floats,
    mine: NDArray[np.bool_],
    whole: NDArray[np.bool_],
    *,
    is_told: bool,
) -> Table:
    scale, beside, shift, threshold = (np.full(len(COLUMNS), value) for value in (1.0, 0.0, 0.0, 0.5))
    moods = whole & ~np.isnan(targets[:, 0])
    judged = mine & moods if (mine & moods).sum() >= _ENOUGH else moods
    scale[SENTIMENT_AT], beside[SENTIMENT_AT], shift[SENTIMENT_AT], told = _fit_moods(
        logits[judged], wide[judged][:, SENTIMENT_AT], targets[judged][:, SENTIMENT_AT], is_told=is_told
    )
    for column in range(SENTIMENT_AT.stop, len(COLUMNS)):
        if COLUMNS[column].startswith(("emotion", "language")):
            continue
        judged = mine & ~np.isnan(targets[:, column])
        if judged.sum() < _ENOUGH or targets[judged, column].sum() < _ENOUGH_YES:
            judged = ~np.isnan(targets[:, column])
        if not judged.any():
            continue
        z, other, wanted = logits[judged, column], wide[judged, column], targets[judged, column]
        scale[column], beside[column], shift[column] = _fit_mark(z, other, wanted)
        p = 1 / (1 + np.exp(-(z * scale[column] + other * beside[column] + shift[column])))
        threshold[column] = _best_threshold(p)
    return {
        "scale": [round(float(x), 4) for x in scale],
        "wide": [round(float(x), 4) for x in beside],
        "shift": [round(float(x), 4) for x in shift],
        "threshold": [round(float(x), 3) for x in threshold],
        **{f"moods {name}": [round(float(x), 4) for x in row] for name, row in zip(SENTIMENT, told, strict=True)},
    }


def _fit_moods(logits: Floats, wide: Floats, wanted: Floats, *, is_told: bool) -> tuple[float, float, Floats, Floats]:
    """Return (scale, weight of the letter runs, shift [3], what each column tells [3, COLUMNS]).

    Of least cross-entropy, then leant towards rare moods. `logits` [rows, COLUMNS]; `wide`, `wanted` [rows, 3].
    """
    said = np.clip(logits[:, _TELLING], -MOST_SAID, MOST_SAID).astype(np.float64)
    middle, spread = said.mean(axis=0), said.std(axis=0) + 1e-6
    marks = torch.tensor((said - middle) / spread)
    x, other, y = (torch.tensor(part, dtype=torch.float64) for part in (logits[:, SENTIMENT_AT], wide, wanted))
    log_scale, log_beside, shift = _parameters(3)
    told = torch.zeros((marks.shape[1], 3), dtype=torch.float64, requires_grad=True)

    def score() -> torch.Tensor:
        return x * log_scale.exp() + other * log_beside.exp() + shift + marks @ told

    def loss() -> torch.Tensor:
        return torch.nn.functional.cross_entropy(score(), y) + _DEAR * told.square().sum() / len(y)

    _minimise([log_scale, log_beside, shift, *([told] if is_told else [])], loss)
    with torch.no_grad():
        usual = score().softmax(-1).mean(0)
        weights = told.detach().numpy() / spread[:, None]
        lean = (shift - _FAIRNESS * usual.log()).numpy() - middle @ weights
    everywhere: Floats = np.zeros((len(SENTIMENT), len(COLUMNS)), dtype=np.float32)
    everywhere[:, _TELLING] = weights.T
    return float(log_scale.exp().item()), float(log_beside.exp().item()), lean - lean.mean(), everywhere


def _fit_mark(logits: Floats, wide: Floats, wanted: Floats) -> tuple[float, float, float]:
    """Return (scale, weight of the letter runs, shift) of least cross-entropy (Platt, with a second witness)."""
    x, other, y = (torch.tensor(part, dtype=torch.float64) for part in (logits, wide, wanted))
    log_scale, log_beside, shift = _parameters(1)
    _minimise(
        [log_scale, log_beside, shift],
        lambda: torch.nn.functional.binary_cross_entropy_with_logits(
            x * log_scale.exp() + other * log_beside.exp() + shift, y
        ),
    )
    silent = not wide.any()
    return float(log_scale.exp().item()), 0.0 if silent else float(log_beside.exp().item()), float(shift.item())


def _parameters(shifts: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    log_scale = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    log_beside = torch.full((1,), -1.0, dtype=torch.float64, requires_grad=True)
    return log_scale, log_beside, torch.zeros(shifts, dtype=torch.float64, requires_grad=True)


def _minimise(parameters: list[torch.Tensor], loss_of: object) -> None:
    optimiser = torch.optim.LBFGS(parameters, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss: torch.Tensor = loss_of()  # type: ignore[operator]
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]


def _best_threshold(p: Floats) -> float:
    """Return the probability from which calling it a yes promises the best macro-F1, if `p` is what it says.

    The labels already gave `p`; to count them again for the threshold follows the chance of a few rows.
    """
    tried = np.linspace(0.1, 0.8, 71)
    return float(tried[np.argmax([_promised(p, p >= at) for at in tried])])


def _promised(p: Floats, yes: NDArray[np.bool_]) -> float:
    """Return the macro-F1 that is expected of calling `yes`, where each row is a yes with probability `p`."""
    right_yes, right_no = p[yes].sum(), (1 - p[~yes]).sum()
    wrong = len(p) - right_yes - right_no
    return float(right_yes / (2 * right_yes + wrong) + right_no / (2 * right_no + wrong))
