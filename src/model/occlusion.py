"""Where on a picture an answer came from: pieces of it are covered, and what that costs the answer is noted.

Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014), section 4.2.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.preprocess import SIDE
from src.model.runtime import Logits, Runtime

Pixels = NDArray[np.float32]  # [28, 28] in 0..1

PATCH: Final = 6  # pixels a side of what is covered: two strokes wide
STEP: Final = 2
CORNERS: Final = [(y, x) for y in range(0, SIDE - PATCH + 1, STEP) for x in range(0, SIDE - PATCH + 1, STEP)]


def heat(runtime: Runtime, pixels: Pixels, digit: int) -> Pixels:
    """Return how much the answer `digit` rests on each pixel, [28, 28]: 1 where most, 0 where not or where it suffers.

    One pass through the network, over as many pictures as there are `CORNERS`. A pixel's heat is the mean, over the
    patches that cover it, of what covering takes from the digit's odds, in log: a probability near 1 would hardly move.
    """
    odds = _log_odds(runtime.logits(np.concatenate([pixels[None, None], _covered(pixels)])), digit)
    lost, times = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for (y, x), loss in zip(CORNERS, odds[0] - odds[1:], strict=True):
        lost[y : y + PATCH, x : x + PATCH] += loss
        times[y : y + PATCH, x : x + PATCH] += 1
    warm = np.maximum(lost / times, 0)
    return np.asarray(warm / max(warm.max(), 1e-9), np.float32)


def _covered(pixels: Pixels) -> NDArray[np.float32]:
    """Return a copy of the picture for each patch, blank there: [len(CORNERS), 1, 28, 28]."""
    copies = np.repeat(pixels[None, None], len(CORNERS), axis=0)
    for copy, (y, x) in zip(copies, CORNERS, strict=True):
        copy[0, y : y + PATCH, x : x + PATCH] = 0
    return copies


def _log_odds(logits: Logits, digit: int) -> NDArray[np.float64]:
    """Return log(p / (1 - p)) of `digit`, [N]."""
    wide = logits.astype(np.float64)
    return np.asarray(wide[:, digit] - np.logaddexp.reduce(np.delete(wide, digit, axis=1), axis=1))
