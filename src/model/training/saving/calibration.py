"""Fits what turns logits into trustworthy probabilities: a temperature, and the logistic function of the digit score.

Both are fitted on validation digits: the temperature on digits distorted as in training, the digit score on digits as
they are and on pictures that are not digits (`src/model/data/synthetic.py`). A score of a half means even odds where
half of the pictures are digits.
"""

from typing import Final

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from torch import Generator, Tensor, nn

from src.model.data.augmentation import Distortion, augment
from src.model.data.mnist import Digits
from src.model.data.synthetic import NON_DIGIT_KINDS, make_synthetic
from src.model.inference.artefact import Confidence
from src.model.inference.confidence import log_softmax

NON_DIGITS: Final = 500  # pictures of each kind that are not digits
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0  # the optimum is 0 if the network classifies every digit correctly


def calibrate(network: nn.Module, validation: Digits, distortion: Distortion, seed: int) -> Confidence:
    """Fit the confidence of `network` on validation digits and non-digits."""
    pixels = augment(validation.pixels(), distortion, Generator().manual_seed(seed))
    size = min(len(validation), NON_DIGITS)
    non_digits = [make_synthetic(kind, validation, size, seed).pixels() for kind in NON_DIGIT_KINDS]
    temperature = fit_temperature(compute_logits(network, pixels), validation.labels)
    return fit_confidence(network, temperature, validation.pixels(), torch.cat(non_digits))


def fit_confidence(network: nn.Module, temperature: float, digits: Tensor, non_digits: Tensor) -> Confidence:
    """Return the confidence with the digit score fitted on digits [N, 1, 28, 28] and on non-digits [M, 1, 28, 28]."""
    slope, offset = fit_score(*(compute_logits(network, pixels).logsumexp(1) for pixels in (digits, non_digits)))
    return Confidence(temperature=temperature, score_slope=slope, score_offset=offset)


def compute_logits(network: nn.Module, pixels: Tensor) -> Tensor:
    """Return the network's logits [N, 10] for pixels [N, 1, 28, 28]."""
    network.eval()
    with torch.no_grad():
        return torch.cat([network(part) for part in torch.split(pixels, 1000)])


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature that minimises the cross-entropy of logits [N, 10] with labels [N].

    Guo et al., "On calibration of modern neural networks" (2017).
    """
    values, rows = logits.double().numpy(), np.arange(len(labels))

    def cross_entropy(log_temperature: float) -> float:
        return -float(log_softmax(values / np.exp(log_temperature))[rows, labels.numpy()].mean())

    bounds = np.log([MIN_TEMPERATURE, MAX_TEMPERATURE])
    return float(np.exp(minimize_scalar(cross_entropy, bounds=bounds, options={"xatol": 1e-6}).x))


def fit_score(digits: Tensor, non_digits: Tensor) -> tuple[float, float]:
    """Return slope and offset of the logistic function that separates energies of digits [N] from others [M].

    Both groups get the same weight, whatever their sizes.
    """
    energies = torch.cat([digits, non_digits]).double().numpy()
    is_digit = np.repeat([1, 0], [len(digits), len(non_digits)])
    mean, deviation = energies.mean(), energies.std()
    standardised = (energies - mean)[:, None] / deviation  # the solver converges best on unit scale
    model = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-8, max_iter=1000).fit(standardised, is_digit)
    slope = float(model.coef_[0, 0] / deviation)
    return slope, float(model.intercept_[0] - slope * mean)
