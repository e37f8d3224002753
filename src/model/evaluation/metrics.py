"""Classification metrics. Probabilities are [N, 10], predictions and labels are [N] with values 0..9."""

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
class DigitMetrics:
    """Precision, recall and F1 of each digit: [10] each, 0..1."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]


def count_confusions(predictions: Labels, labels: Labels) -> NDArray[np.int64]:
    """Return the confusion matrix [10, 10]: rows are labels, columns are predictions."""
    return np.asarray(confusion_matrix(labels, predictions, labels=DIGITS), np.int64)


def score_digits(predictions: Labels, labels: Labels) -> DigitMetrics:
    """Return the metrics of each digit; 0 where a digit is neither a label nor a prediction."""
    scores = precision_recall_fscore_support(labels, predictions, labels=DIGITS, zero_division=0)
    return DigitMetrics(*(np.asarray(score, np.float64) for score in scores[:3]))


def bin_by_confidence(probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """Return the reliability diagram: mean confidence, accuracy and count of each non-empty bin, [bins, 3].

    Fifteen bins of equal width: Guo et al., "On calibration of modern neural networks" (2017).
    """
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    members = [bins == number for number in np.unique(bins)]
    return np.array([(confidence[bin_].mean(), correct[bin_].mean(), bin_.sum()) for bin_ in members])


def calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Return the expected calibration error, 0..1: the mean gap between confidence and accuracy over the bins."""
    confidence, accuracy, count = bin_by_confidence(probabilities, labels).T
    return float((np.abs(confidence - accuracy) * count).sum() / count.sum())
