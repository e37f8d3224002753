"""Ink on grey, even paper: it depends on the level alone, so 256 levels are looked at and not all pixels.

What `contrast.py` finds in a list of pixels is found here by counting them: the same answer, many times faster.
A level's distance from paper of a whole level is whole; from paper half way between two, it is counted downwards.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.contrast import INK_SHARE, STRONG, TYPICAL

HIGHEST: Final = 255
DISTANCES: Final = range(HIGHEST + 1)
LEVELS: Final = np.arange(HIGHEST + 1, dtype=np.float32)


class Counts:
    """How many pixels of a picture lie at which level: plain numbers, since 256 are too few for numpy's calls."""

    def __init__(self, grey: NDArray[np.uint8]) -> None:
        found = cv2.calcHist([grey], [0], None, [HIGHEST + 1], [0, HIGHEST + 1])
        # how many lie under each level, and how many there are
        self.below: list[int] = [0, *found.ravel().cumsum().astype(np.int64).tolist()]

    def within(self, low: int, high: int) -> int:
        """Count the pixels of the levels from `low` to `high`."""
        return self.below[min(high, HIGHEST) + 1] - self.below[max(low, 0)] if low <= high else 0

    def near(self, paper: float, steps: int, low: int = 0, high: int = HIGHEST) -> int:
        """Count the pixels from `low` to `high` that lie up to `steps` whole levels from `paper`."""
        return self.within(max(math.floor(paper) - steps, low), min(math.ceil(paper) + steps, high))


def find_pen(counts: Counts, paper: float) -> tuple[float, float]:
    """Return whether the ink is lighter (1) or darker (-1) than `paper`, and how far from it: 0 where there is none."""
    strong = max(round(STRONG * _farthest(counts, paper), 3), 1.0)
    darker, lighter = math.floor(paper - strong), math.ceil(paper + strong)  # the nearest levels that are ink
    dark = counts.within(0, darker)
    inked = dark + counts.within(lighter, HIGHEST)

    def difference(rank: int) -> float:
        """Return how far from the paper the pixel of that rank lies, the darkest first."""
        skipped = 0 if rank < dark else counts.below[lighter] - dark
        return bisect_right(counts.below, rank + skipped) - 1 - paper

    middle = _quantile(difference, inked, 0.5) if inked else 0.0
    if middle == 0:
        return 1.0, 0.0
    sign = math.copysign(1.0, middle)
    return sign, sign * _quantile(difference, inked, TYPICAL if sign > 0 else 1 - TYPICAL)


def grain(counts: Counts, paper: float, sign: float, limit: float) -> float:
    """Return the deviation of the paper around its tone, by the median distance of what is no ink.

    That is what lies less than `limit` from the paper on the ink's side, or on the other.
    """
    edge = paper + sign * limit
    lowest, highest = (0, math.ceil(edge) - 1) if sign > 0 else (math.floor(edge) + 1, HIGHEST)
    total = counts.within(lowest, highest)

    def up_to(steps: int) -> int:
        return counts.near(paper, steps, lowest, highest)

    def distance(rank: int) -> float:
        return bisect_right(DISTANCES, rank, key=up_to) + paper % 1

    if 2 * up_to(0) > total + 1:  # most of it has its tone: nothing to search
        return 1.4826 * (paper % 1)
    return 1.4826 * _quantile(distance, total, 0.5) if total else 0.0


def _farthest(counts: Counts, paper: float) -> int:
    """Return the distance, in whole levels, that `INK_SHARE` of the pixels reach."""
    everything = counts.below[-1]
    rank = min(max(3, int(INK_SHARE * everything)), everything)

    def reached(nearer: int) -> int:
        return everything - counts.near(paper, HIGHEST - nearer - 1)

    return HIGHEST - bisect_left(DISTANCES, rank, key=reached)


def _quantile(value: Callable[[int], float], count: int, share: float) -> float:
    """Return what `np.quantile` does of `count` sorted values, given the value of each rank."""
    place = share * (count - 1)
    below, above = value(math.floor(place)), value(math.ceil(place))
    return below + (above - below) * (place % 1)
