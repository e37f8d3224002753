"""Logits → honest numbers: calibrated probabilities, and how much the picture is a digit at all."""

import numpy as np
from numpy.typing import NDArray

from src.model.artefact import Confidence
from src.model.runtime import Logits

Numbers = NDArray[np.float64]


def probabilities(logits: Logits, confidence: Confidence) -> Numbers:
    """Return [N, 10], each row summing to 1: softmax after temperature scaling.

    Guo et al., "On calibration of modern neural networks" (2017).
    """
    return np.exp(log_softmax(logits / confidence.temperature))


def digit_score(logits: Logits, confidence: Confidence) -> Numbers:
    """Return [N] in 0..1, high for digits: a logistic function of the free energy.

    Liu et al., "Energy-based out-of-distribution detection" (2020).
    """
    return 1 / (1 + np.exp(-(confidence.score_slope * energy(logits) + confidence.score_offset)))


def energy(logits: Logits) -> Numbers:
    """Return the negative free energy log Σ exp(logit), [N]: the more the network recognises, the higher."""
    return np.asarray(np.logaddexp.reduce(logits.astype(np.float64), axis=1))


def log_softmax(logits: NDArray[np.floating]) -> Numbers:
    """Return log-probabilities [N, 10]."""
    wide = logits.astype(np.float64)
    return np.asarray(wide - np.logaddexp.reduce(wide, axis=1, keepdims=True))
