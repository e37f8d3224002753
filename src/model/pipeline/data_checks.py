"""What must be true of digits before a network learns from them, and what is only worth telling."""

from collections.abc import Iterator

import numpy as np

from src.model.data.mnist import Digits, Mnist
from src.model.monitoring.drift import compute_psi
from src.model.monitoring.histograms import count_values
from src.model.monitoring.picture_stats import STATISTICS, measure_picture
from src.model.params import Data

PARTS = {"train": 55_000, "validation": 5_000, "test": 10_000}


def keys(digits: Digits) -> list[bytes]:
    """Return each picture's pixels as something to compare."""
    return [row.tobytes() for row in digits.images.numpy()]


def faults(mnist: Mnist, data: Data) -> list[str]:
    """Return a sentence for each thing that is wrong with MNIST as it was read; none if it may be learned from."""
    parts = {name: getattr(mnist, name) for name in PARTS}
    found = [sentence for name, part in parts.items() for sentence in _faults_of(name, part, data)]
    pixels = {name: keys(part) for name, part in parts.items()}
    found += [f"{name} holds a picture twice." for name, each in pixels.items() if len(set(each)) < len(each)]
    if not set(pixels["test"]).isdisjoint(pixels["train"] + pixels["validation"]):
        found.append("Pictures of the test set are among those that are learned from.")
    if not set(pixels["train"]).isdisjoint(pixels["validation"]):
        found.append("Pictures of the validation set are among those that are learned from.")
    return found


def _faults_of(name: str, digits: Digits, data: Data) -> Iterator[str]:
    images, labels = digits.images.numpy(), digits.labels.numpy()
    if images.dtype != np.uint8 or images.shape != (PARTS[name], 28, 28) or labels.shape != (PARTS[name],):
        yield f"{name} is {images.dtype} {images.shape}, and not {PARTS[name]:,} pictures of 28x28 bytes."
        return
    if labels.min() < 0 or labels.max() > 9:
        yield f"{name} has labels that are no digits."
        return
    brightest = images.reshape(len(images), -1).max(1)
    if brightest.min() < 128 or images.reshape(len(images), -1).min(1).max() > 127:
        yield f"{name} holds pictures without ink, or without paper."
    shares = class_shares(digits)
    if min(shares) < data.least_share or max(shares) > data.most_share:
        yield f"{name} has too few or too many of a digit: {', '.join(f'{share:.1%}' for share in shares)}."


def class_shares(digits: Digits) -> list[float]:
    """Return the share of each digit."""
    counts = np.bincount(digits.labels.numpy(), minlength=10)
    return [float(share) for share in counts / max(len(digits), 1)]


def distances(corrected: Digits, training: Digits) -> dict[str, float]:
    """Return how far corrected pictures are from those of the training set, by the population stability index."""
    ours, theirs = _counts(corrected), _counts(training)
    return {name: round(compute_psi(theirs[name], ours[name]), 4) for name in ours}


def _counts(digits: Digits) -> dict[str, list[float]]:
    rows = [measure_picture(pixels) for pixels in digits.pixels().numpy()[:, 0]]
    counts = {
        name: count_values([row[name] for row in rows], STATISTICS[name].buckets)
        for name in ("ink", "stroke_width", "width", "height")
    }
    return counts | {"digits": np.bincount(digits.labels.numpy(), minlength=10).astype(float).tolist()}
