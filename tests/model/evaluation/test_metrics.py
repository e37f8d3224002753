import numpy as np
import pytest

from src.model.evaluation import metrics


def surely(digits: list[int], confidence: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return probabilities that name `digits`, each with this confidence."""
    found = np.full((len(digits), 10), (1 - confidence) / 9)
    found[np.arange(len(digits)), digits] = confidence
    return found


def test_the_confusion_matrix_counts_what_each_digit_was_read_as() -> None:
    counts = metrics.confusion(np.array([1, 7, 7]), np.array([1, 1, 7]))
    assert counts.shape == (10, 10)
    assert (counts[1, 1], counts[1, 7], counts[7, 7], counts.sum()) == (1, 1, 1, 3)


def test_precision_and_recall_of_a_digit() -> None:
    found = metrics.per_digit(np.array([1, 7, 7, 7]), np.array([1, 1, 7, 7]))
    assert (found.precision[1], found.recall[1]) == (1, 0.5)
    assert (found.precision[7], found.recall[7]) == (pytest.approx(2 / 3), 1)
    assert found.f1[1] == pytest.approx(2 / 3)
    assert found.precision[0] == 0  # never there, never read


def test_honest_confidence_has_no_calibration_error() -> None:
    probabilities = surely([3, 3, 3, 3], 0.75)
    assert metrics.calibration_error(probabilities, np.array([3, 3, 3, 5])) == pytest.approx(0)
    assert metrics.calibration_error(probabilities, np.array([5, 5, 5, 5])) == pytest.approx(0.75)


def test_reliability_has_a_row_for_each_bin_that_holds_answers() -> None:
    probabilities = np.concatenate([surely([1, 1], 0.95), surely([2], 0.31), surely([4], 1)])
    found = metrics.reliability(probabilities, np.array([1, 2, 2, 4]))
    assert found.shape == (2, 3)
    assert found[0] == pytest.approx([0.31, 1, 1])
    assert found[1] == pytest.approx([(0.95 * 2 + 1) / 3, 2 / 3, 3])
