"""How good answers are, in the numbers that people ask for. Probabilities are [N, 10], labels [N]."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

Probabilities = NDArray[np.floating]
Labels = NDArray[np.int64]

DIGITS: Final = range(10)
BINS: Final = 15


@dataclass(frozen=True)
class PerDigit:
    """Of each digit, [10] each, 0..1."""

    precision: NDArray[np.float64]  # of what was read as it, the share that is it
    recall: NDArray[np.float64]  # of what is it, the share that was read as it
    f1: NDArray[np.float64]


def confusion(predictions: Labels, labels: Labels) -> NDArray[np.int64]:
    """Return how often each digit (row) was read as each (column), [10, 10]."""
    return np.asarray(confusion_matrix(labels, predictions, labels=DIGITS), np.int64)


def per_digit(predictions: Labels, labels: Labels) -> PerDigit:
    """Return precision, recall and F1 of each digit; 0 where a digit neither came nor was read."""
    scores = precision_recall_fscore_support(labels, predictions, labels=DIGITS, zero_division=0)
    return PerDigit(*(np.asarray(score, np.float64) for score in scores[:3]))


def reliability(probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """Return for each of fifteen equal bins of confidence that holds answers: mean confidence, share right, answers.

    Guo et al., "On calibration of modern neural networks" (2017): [bins, 3].
    """
    sure, right = probabilities.max(1), probabilities.argmax(1) == labels
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    members = [bins == each for each in range(BINS) if (bins == each).any()]
    return np.array([(sure[each].mean(), right[each].mean(), each.sum()) for each in members])


def calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Return the expected calibration error, 0..1: how far confidence is from being right, over fifteen bins."""
    sure, right, answers = reliability(probabilities, labels).T
    return float((np.abs(sure - right) * answers).sum() / answers.sum())
