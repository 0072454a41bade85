"""The formulas of the model card, against examples worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sentiment.training import measures
from sentiment.training.measures import Floats, Ints


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


# Truth down, guess across: of 6 noes 4 are right, of 4 yeses 3.
TABLE: Floats = np.array([[4.0, 2.0], [1.0, 3.0]])


def test_confusion_counts_truth_by_guess() -> None:
    table = measures.confusion(ints(0, 0, 1, 2, 2), ints(0, 1, 1, 2, 0), 3)
    assert table.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


def test_accuracy_and_recalls() -> None:
    assert measures.accuracy(TABLE) == pytest.approx(7 / 10)
    assert measures.recalls(TABLE) == pytest.approx([4 / 6, 3 / 4])
    assert measures.macro_recall(TABLE) == pytest.approx((4 / 6 + 3 / 4) / 2)


def test_macro_f1_is_the_mean_of_each_class() -> None:
    # no: precision 4/5, recall 4/6; yes: precision 3/5, recall 3/4.
    no = 2 * (4 / 5) * (4 / 6) / (4 / 5 + 4 / 6)
    yes = 2 * (3 / 5) * (3 / 4) / (3 / 5 + 3 / 4)
    assert measures.macro_f1(TABLE) == pytest.approx((no + yes) / 2)


def test_matthews_is_the_known_formula_for_two_classes() -> None:
    assert measures.matthews(TABLE) == pytest.approx((3 * 4 - 2 * 1) / math.sqrt(5 * 4 * 6 * 5))
    assert measures.matthews(np.eye(3) * 5) == pytest.approx(1)


def test_matthews_of_one_answer_for_everything_is_nothing() -> None:
    assert measures.matthews(np.array([[5.0, 0.0], [3.0, 0.0]])) == 0


def test_calibration_error_weighs_each_bin_by_its_rows() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.55])
    is_right = np.array([True, True, False, True])
    # Three rows say .95 and two are right, one says .55 and is right.
    assert measures.calibration_error(confidence, is_right) == pytest.approx(
        3 / 4 * abs(0.95 - 2 / 3) + 1 / 4 * abs(0.55 - 1)
    )


def test_few_rows_show_an_error_by_chance_that_many_do_not() -> None:
    """Of one row said with .9, the error is .1 or .9; of many, that of their share."""
    assert measures.chance_error(np.full(1, 0.9), rounds=4_000) == pytest.approx(0.9 * 0.1 + 0.1 * 0.9, abs=0.02)
    few, many = (measures.chance_error(np.linspace(0.4, 1.0, n)) for n in (150, 15_000))
    assert few > 0.05
    assert many < 0.01
    assert measures.chance_error(np.ones(150)) == 0


def test_full_confidence_falls_in_the_last_bin() -> None:
    assert measures.calibration_error(np.ones(3), np.array([True, True, True])) == 0


def test_an_interval_holds_its_figure_and_repeats() -> None:
    truth = np.repeat(ints(0, 1), 100)
    guess = np.where(np.arange(200) % 5 == 0, 1 - truth, truth)
    low, high = measures.interval(truth, guess, 2, measures.accuracy)
    assert low < 0.8 < high
    # The normal approximation: 1.96 * sqrt(.8 * .2 / 200) on each side.
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.8 * 0.2 / 200), abs=0.02)
    assert (low, high) == measures.interval(truth, guess, 2, measures.accuracy)


def test_a_perfect_guess_has_no_doubt() -> None:
    truth = np.repeat(ints(0, 1, 2), 20)
    assert measures.interval(truth, truth, 3, measures.macro_f1) == pytest.approx((1, 1), abs=1e-9)


def test_pairwise_counts_pairs_of_different_level_and_halves_ties() -> None:
    # Pairs (3, 0): 9 > 1 and 9 > 5 right; (3, 1): a tie; (1, 0): both right.
    assert measures.pairwise(ints(0, 0, 1, 3), np.array([1.0, 5.0, 9.0, 9.0])) == pytest.approx(4.5 / 5)


def test_pairwise_of_one_level_says_nothing() -> None:
    assert math.isnan(measures.pairwise(ints(1, 1), np.array([1.0, 2.0])))


def test_recall_at_top_looks_at_the_highest_scores_only() -> None:
    levels = ints(3, 0, 3, 0, 1, 2, 0, 0)
    scores = np.array([90.0, 80, 10, 5, 4, 3, 2, 1])
    assert measures.recall_at_top(levels, scores, level=3, share=0.25) == pytest.approx(1 / 2)
    assert measures.recall_at_top(levels, scores, level=3, share=0.5) == pytest.approx(1)
