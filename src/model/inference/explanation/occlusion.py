"""Heat maps: which pixels a prediction rests on, found by covering parts of the picture.

Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014), section 4.2.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.inference.runtime import Logits, Runtime
from src.model.preprocessing.preprocess import SIDE

Pixels = NDArray[np.float32]  # [28, 28] in 0..1

PATCH: Final = 7  # side of the covering square, in pixels: a piece of a stroke and some paper around it
STEP: Final = 3
PATCHES: Final = [
    (slice(y, y + PATCH), slice(x, x + PATCH))
    for y in range(0, SIDE - PATCH + 1, STEP)
    for x in range(0, SIDE - PATCH + 1, STEP)
]


def compute_heat(runtime: Runtime, pixels: Pixels, digit: int) -> Pixels:
    """Return how much the prediction `digit` rests on each pixel, [28, 28] in 0..1.

    The heat of a pixel is the mean drop of the digit's log-odds over the patches that cover it, scaled to a maximum of
    1; where covering raises the odds it is 0. Log-odds, because a probability near 1 hardly changes. Takes one pass
    through the network with the picture and one copy for each patch that covers ink.
    """
    inked = [patch for patch in PATCHES if pixels[patch].any()]
    covered = np.stack([pixels] * (1 + len(inked)))
    for copy, patch in zip(covered[1:], inked, strict=True):
        copy[patch] = 0
    log_odds = _compute_log_odds(runtime.logits(covered[:, None]), digit)
    drops, counts = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for patch in PATCHES:
        counts[patch] += 1
    for patch, drop in zip(inked, log_odds[0] - log_odds[1:], strict=True):
        drops[patch] += drop
    heat = np.maximum(drops / counts, 0)
    return np.asarray(heat / max(heat.max(), 1e-9), np.float32)


def _compute_log_odds(logits: Logits, digit: int) -> NDArray[np.float64]:
    """Return log(p / (1 - p)) of `digit`, [N]."""
    values = logits.astype(np.float64)
    return np.asarray(values[:, digit] - np.logaddexp.reduce(np.delete(values, digit, axis=1), axis=1))
