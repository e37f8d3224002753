"""Logits → honest numbers: calibrated probabilities, and how much the picture is a digit at all.

Of one picture, in plain numbers: ten are too few for numpy's calls to be worth it.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from src.model.inference.artefact import Confidence

Numbers = NDArray[np.float64]


def probabilities(logits: Sequence[float], confidence: Confidence) -> list[float]:
    """Return ten numbers that sum to 1: softmax after temperature scaling.

    Guo et al., "On calibration of modern neural networks" (2017).
    """
    highest = max(logits)
    shares = [math.exp((logit - highest) / confidence.temperature) for logit in logits]
    total = sum(shares)
    return [share / total for share in shares]


def digit_score(logits: Sequence[float], confidence: Confidence) -> float:
    """Return a number in 0..1, high for digits: a logistic function of the free energy.

    Liu et al., "Energy-based out-of-distribution detection" (2020).
    """
    # of an argument halved, the hyperbolic tangent is the logistic function, and never overflows
    return (1 + math.tanh((confidence.score_slope * energy(logits) + confidence.score_offset) / 2)) / 2


def energy(logits: Sequence[float]) -> float:
    """Return the negative free energy log Σ exp(logit): the more the network recognises, the higher."""
    highest = max(logits)
    return highest + math.log(sum(math.exp(logit - highest) for logit in logits))


def log_softmax(logits: NDArray[np.floating]) -> Numbers:
    """Return log-probabilities [N, 10]."""
    wide = logits.astype(np.float64)
    return np.asarray(wide - np.logaddexp.reduce(wide, axis=1, keepdims=True))
