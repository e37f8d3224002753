"""Where on a picture an answer came from: pieces of it are covered, and what that costs the answer is noted.

Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014), section 4.2.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.inference.runtime import Logits, Runtime
from src.model.preprocessing.preprocess import SIDE

Pixels = NDArray[np.float32]  # [28, 28] in 0..1

PATCH: Final = 7  # pixels a side of what is covered: a piece of a stroke, and some paper around it
STEP: Final = 3
CORNERS: Final = [(y, x) for y in range(0, SIDE - PATCH + 1, STEP) for x in range(0, SIDE - PATCH + 1, STEP)]


def heat(runtime: Runtime, pixels: Pixels, digit: int) -> Pixels:
    """Return how much the answer `digit` rests on each pixel, [28, 28]: 1 where most, 0 where not or where it suffers.

    One pass through the network, over as many pictures as there are `CORNERS` with ink to cover, and the whole. A
    pixel's heat is the mean, over the patches that cover it, of what covering takes from the digit's odds, in log: a
    probability near 1 would hardly move.
    """
    patches = [(slice(y, y + PATCH), slice(x, x + PATCH)) for y, x in CORNERS]
    inked = [patch for patch in patches if pixels[patch].any()]  # covering blank paper changes nothing
    odds = _log_odds(runtime.logits(np.stack([pixels, *(_covered(pixels, patch) for patch in inked)])[:, None]), digit)
    lost, times = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for patch in patches:
        times[patch] += 1
    for patch, loss in zip(inked, odds[0] - odds[1:], strict=True):
        lost[patch] += loss
    warm = np.maximum(lost / times, 0)
    return np.asarray(warm / max(warm.max(), 1e-9), np.float32)


def _covered(pixels: Pixels, patch: tuple[slice, slice]) -> Pixels:
    copy = pixels.copy()
    copy[patch] = 0
    return copy


def _log_odds(logits: Logits, digit: int) -> NDArray[np.float64]:
    """Return log(p / (1 - p)) of `digit`, [N]."""
    wide = logits.astype(np.float64)
    return np.asarray(wide[:, digit] - np.logaddexp.reduce(np.delete(wide, digit, axis=1), axis=1))
