"""Fitting what makes an answer honest: a temperature, and a score for "this is a digit at all".

Both are fitted on validation digits, distorted as in training so that they look like people's own; the score also sees
synthetic scribbles, which are drawn here and belong to no data set that the score is judged on.
"""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from src.model.artefact import Confidence
from src.model.augment import Distortion, augment
from src.model.dataset import Digits
from src.model.errors import BlankPicture
from src.model.preprocess import frame

CANVAS = 112  # pixels a side, on which scribbles are drawn


def calibrate(network: nn.Module, validation: Digits, distortion: Distortion, seed: int) -> Confidence:
    """Return the temperature and the digit score's coefficients for `network`."""
    generator = Generator().manual_seed(seed)
    with torch.inference_mode():
        digits = network(augment(validation.pixels(), distortion, generator))
        others = network(torch.from_numpy(scribbles(len(validation), seed))[:, None])
    temperature = fit_temperature(digits.clone(), validation.labels)
    slope, offset = fit_score(digits.logsumexp(1).clone(), others.logsumexp(1).clone())
    return Confidence(temperature=temperature, score_slope=slope, score_offset=offset)


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


def scribbles(count: int, seed: int) -> NDArray[np.float32]:
    """Draw what no one would call a digit, framed like one: float32 [count, 28, 28] in 0..1."""
    generator = np.random.default_rng(seed)
    drawn: list[NDArray[np.float32]] = []
    while len(drawn) < count:
        try:
            drawn.append(frame(_scribble(generator)).pixels)
        except BlankPicture:
            continue
    return np.stack(drawn)


def _scribble(generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw one to five wandering strokes, or a filled shape, on [CANVAS, CANVAS]."""
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    if generator.random() < 0.2:
        corners = generator.integers(10, CANVAS - 10, (generator.integers(3, 8), 2)).astype(np.int32)
        cv2.fillPoly(canvas, [corners], 255)
    else:
        width = int(generator.integers(3, 12))
        for _ in range(generator.integers(1, 6)):
            cv2.polylines(canvas, [_wandering(generator)], False, 255, width, cv2.LINE_AA)
    return np.asarray(canvas / 255, np.float32)


def _wandering(generator: np.random.Generator) -> NDArray[np.int32]:
    """Return the points [P, 1, 2] of a stroke whose direction drifts."""
    turns = np.cumsum(generator.normal(0, generator.uniform(0.1, 1.2), generator.integers(8, 40)))
    steps = generator.uniform(3, 9) * np.stack([np.cos(turns), np.sin(turns)], 1)
    points = generator.uniform(20, CANVAS - 20, 2) + np.cumsum(steps, axis=0)
    return np.clip(points, 5, CANVAS - 5).astype(np.int32)[:, None]
