"""Calibrated probabilities and the digit score, computed from the logits of one picture.

In plain Python, which is faster than NumPy for ten numbers.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from src.model.inference.artefact import Confidence


def compute_probabilities(logits: Sequence[float], calibration: Confidence) -> list[float]:
    """Return ten probabilities: the softmax of the logits divided by the temperature.

    Guo et al., "On calibration of modern neural networks" (2017).
    """
    highest = max(logits)
    weights = [math.exp((logit - highest) / calibration.temperature) for logit in logits]
    total = sum(weights)
    return [weight / total for weight in weights]


def compute_digit_score(logits: Sequence[float], calibration: Confidence) -> float:
    """Return a score in 0..1 that is high for digits: a logistic function of the energy.

    The energy, log Σ exp(logit), is higher the more the network recognises. Liu et al., "Energy-based
    out-of-distribution detection" (2020).
    """
    highest = max(logits)
    energy = highest + math.log(sum(math.exp(logit - highest) for logit in logits))
    argument = calibration.score_slope * energy + calibration.score_offset
    return (1 + math.tanh(argument / 2)) / 2  # equals 1 / (1 + exp(-argument)), and never overflows


def log_softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the log-probabilities [N, 10] of logits [N, 10]."""
    values = logits.astype(np.float64)
    return np.asarray(values - np.logaddexp.reduce(values, axis=1, keepdims=True))
