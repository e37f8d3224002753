"""Calibrated probabilities and the digit score, computed from the logits of one picture.

In plain Python, which is faster than NumPy for ten numbers.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.inference.artefact import Confidence

FIRST_CANDIDATE: Final = 2.0  # prior log-odds of the first candidate against any other


def compute_probabilities(logits: Sequence[float], calibration: Confidence) -> list[float]:
    """Return ten probabilities: the softmax of the logits divided by the temperature.

    Guo et al., "On calibration of modern neural networks" (2017).
    """
    highest = max(logits)
    weights = [math.exp((logit - highest) / calibration.temperature) for logit in logits]
    total = sum(weights)
    return [weight / total for weight in weights]


def compute_digit_score(logits: Sequence[float], calibration: Confidence) -> float:
    """Return a score in 0..1 that is high for digits: a logistic function of the energy."""
    return (1 + math.tanh(compute_evidence(logits, calibration) / 2)) / 2  # the logistic function; never overflows


def compute_evidence(logits: Sequence[float], calibration: Confidence) -> float:
    """Return the log-odds that the picture shows a digit: a linear function of the energy.

    The energy, log Σ exp(logit), is higher the more the network recognises. Liu et al., "Energy-based
    out-of-distribution detection" (2020).
    """
    highest = max(logits)
    energy = highest + math.log(sum(math.exp(logit - highest) for logit in logits))
    return calibration.score_slope * energy + calibration.score_offset


def choose_candidate(logits: Sequence[Sequence[float]], calibration: Confidence) -> int:
    """Return which candidate of a picture most likely shows a digit, given the logits of each, the likeliest first."""
    if len(logits) == 1:
        return 0
    evidence = [compute_evidence(row, calibration) for row in logits]
    evidence[0] += FIRST_CANDIDATE
    return evidence.index(max(evidence))


def log_softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the log-probabilities [N, 10] of logits [N, 10]."""
    values = logits.astype(np.float64)
    return np.asarray(values - np.logaddexp.reduce(values, axis=1, keepdims=True))
