"""Checks MNIST before a training, and measures how far corrected pictures differ from it."""

from collections.abc import Iterator

import numpy as np

from src.model.data.mnist import Digits, Mnist
from src.model.monitoring.drift import compute_psi
from src.model.monitoring.histograms import count_values
from src.model.monitoring.picture_stats import STATISTICS, measure_picture
from src.model.params import Data

SIZES = {"train": 55_000, "validation": 5_000, "test": 10_000}


def find_problems(mnist: Mnist, limits: Data) -> list[str]:
    """Return the reasons why nothing must be trained on `mnist`, a sentence each; none if all is well."""
    parts = {name: getattr(mnist, name) for name in SIZES}
    problems = [problem for name, part in parts.items() for problem in _check_part(name, part, limits)]
    pixels = {name: [image.tobytes() for image in part.images.numpy()] for name, part in parts.items()}
    problems += [f"{name} holds a picture twice." for name, images in pixels.items() if len(set(images)) < len(images)]
    if not set(pixels["test"]).isdisjoint(pixels["train"] + pixels["validation"]):
        problems.append("Pictures of the test set are in the training or validation set.")
    if not set(pixels["train"]).isdisjoint(pixels["validation"]):
        problems.append("Pictures of the validation set are in the training set.")
    return problems


def _check_part(name: str, digits: Digits, limits: Data) -> Iterator[str]:
    images, labels = digits.images.numpy(), digits.labels.numpy()
    if images.dtype != np.uint8 or images.shape != (SIZES[name], 28, 28) or labels.shape != (SIZES[name],):
        yield f"{name} is {images.dtype} {images.shape}, not {SIZES[name]:,} pictures of 28x28 bytes."
        return
    if labels.min() < 0 or labels.max() > 9:
        yield f"{name} has labels that are no digits."
        return
    pixels = images.reshape(len(images), -1)
    if pixels.max(1).min() < 128 or pixels.min(1).max() > 127:
        yield f"{name} holds pictures without ink or without background."
    shares = measure_class_shares(digits)
    if min(shares) < limits.least_share or max(shares) > limits.most_share:
        yield f"{name} has too few or too many of a digit: {', '.join(f'{share:.1%}' for share in shares)}."


def measure_class_shares(digits: Digits) -> list[float]:
    """Return the share of each digit, ten values of 0..1."""
    counts = np.bincount(digits.labels.numpy(), minlength=10)
    return [float(share) for share in counts / max(len(digits), 1)]


def measure_distances(corrected: Digits, mnist: Digits) -> dict[str, float]:
    """Return the population stability index between corrected pictures and MNIST's, by statistic."""
    actual, expected = _count(corrected), _count(mnist)
    return {name: round(compute_psi(expected[name], actual[name]), 4) for name in actual}


def _count(digits: Digits) -> dict[str, list[float]]:
    """Return the histograms of the picture statistics and of the labels."""
    stats = [measure_picture(pixels) for pixels in digits.pixels().numpy()[:, 0]]
    counts = {
        name: count_values([picture[name] for picture in stats], STATISTICS[name].buckets)
        for name in ("ink", "stroke_width", "width", "height")
    }
    return counts | {"digits": np.bincount(digits.labels.numpy(), minlength=10).astype(float).tolist()}
