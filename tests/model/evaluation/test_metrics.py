import numpy as np
import pytest
from numpy.typing import NDArray

from src.model.evaluation import metrics


def predict(digits: list[int], confidence: float) -> NDArray[np.float64]:
    """Return probabilities [N, 10] that give each of `digits` this confidence."""
    probabilities = np.full((len(digits), 10), (1 - confidence) / 9)
    probabilities[np.arange(len(digits)), digits] = confidence
    return probabilities


def test_confusion_matrix_has_a_row_per_label_and_a_column_per_prediction() -> None:
    counts = metrics.count_confusions(np.array([1, 7, 7]), np.array([1, 1, 7]))
    assert counts.shape == (10, 10)
    assert (counts[1, 1], counts[1, 7], counts[7, 7], counts.sum()) == (1, 1, 1, 3)


def test_precision_recall_and_f1_of_each_digit() -> None:
    scores = metrics.score_digits(np.array([1, 7, 7, 7]), np.array([1, 1, 7, 7]))
    assert (scores.precision[1], scores.recall[1]) == (1, 0.5)
    assert (scores.precision[7], scores.recall[7]) == (pytest.approx(2 / 3), 1)
    assert scores.f1[1] == pytest.approx(2 / 3)
    assert scores.precision[0] == 0  # neither a label nor a prediction


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = predict([3, 3, 3, 3], 0.75)
    assert metrics.calibration_error(probabilities, np.array([3, 3, 3, 1])) == pytest.approx(0)
    assert metrics.calibration_error(probabilities, np.array([1, 5, 1, 5])) == pytest.approx(0.75)


def test_reliability_diagram_leaves_out_empty_bins() -> None:
    probabilities = np.concatenate([predict([1, 1], 0.95), predict([2], 0.31), predict([4], 1)])
    bins = metrics.bin_by_confidence(probabilities, np.array([1, 2, 2, 4]))
    assert bins.shape == (2, 3)
    assert bins[0] == pytest.approx([0.31, 1, 1])
    assert bins[1] == pytest.approx([(0.95 * 2 + 1) / 3, 2 / 3, 3])
