"""Fitting what makes an answer honest: a temperature, and a score for "this is a digit at all".

Both are fitted on validation digits that went through what people's own go through; the score also sees what is no
digit, drawn here (`src/model/data/non_digits.py`).
"""

from typing import Final

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from src.model.data.augmentation import Distortion, augment
from src.model.data.mnist import Digits
from src.model.data.synthetic import make_synthetic
from src.model.inference.artefact import Confidence

OTHERS: Final = 1000  # pictures that are no digit


def calibrated(network: nn.Module, validation: Digits, distortion: Distortion, seed: int) -> Confidence:
    """Return what makes `network`'s answers honest, fitted on validation digits distorted as in training."""
    pixels = augment(validation.pixels(), distortion, Generator().manual_seed(seed))
    others = make_synthetic("others", validation, min(len(validation), OTHERS), seed)
    return fitted(network, pixels, validation.labels, others.pixels())


def fitted(network: nn.Module, pixels: Tensor, labels: Tensor, others: Tensor) -> Confidence:
    """Return the temperature and the digit score's coefficients for digits [N, 1, 28, 28] and what is none."""
    digits, rest = (_logits(network, pictures) for pictures in (pixels, others))
    slope, offset = fit_score(digits.logsumexp(1), rest.logsumexp(1))
    return Confidence(temperature=fit_temperature(digits, labels), score_slope=slope, score_offset=offset)


def _logits(network: nn.Module, pixels: Tensor) -> Tensor:
    network.eval()
    with torch.no_grad():
        return torch.cat([network(part) for part in torch.split(pixels, 1000)])


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature that minimises the cross-entropy of logits [N, 10] against labels [N]."""
    log_temperature = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = cross_entropy(logits / log_temperature.exp(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call] # torch leaves it without types
    return float(log_temperature.detach().exp())


def fit_score(digits: Tensor, others: Tensor) -> tuple[float, float]:
    """Return slope and offset of the logistic function that tells energies [N] of digits from those of others [M]."""
    energies = torch.cat([digits, others])
    targets = torch.cat([torch.ones_like(digits), torch.zeros_like(others)])
    mean, deviation = energies.mean(), energies.std()
    weights = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = binary_cross_entropy_with_logits(weights[0] * (energies - mean) / deviation + weights[1], targets)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    slope = float(weights[0].detach() / deviation)
    return slope, float(weights[1].detach()) - slope * float(mean)
