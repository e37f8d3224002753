"""Ink on grey, even paper: it depends on the level alone, so 256 levels are looked at and not all pixels.

What `src/model/pen.py` finds in a list of pixels is found here by counting them: to the same answer, many times sooner.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.pen import INK_SHARE, STRONG, TYPICAL

LEVELS: Final = np.arange(256, dtype=np.float32)

Counts = NDArray[np.int64]  # of each level, or of each of fewer values


def find_pen(counts: Counts, paper: float) -> tuple[float, float]:
    """Return whether the ink is lighter (1) or darker (-1) than `paper`, and how far from it: 0 where there is none."""
    difference = LEVELS - np.float32(paper)
    distance = np.abs(difference)
    strong = distance >= max(STRONG * _farthest(distance, counts), 1.0)
    inked, times = difference[strong], counts[strong]
    middle = _quantile(inked, times, 0.5) if times.any() else 0.0
    if middle == 0:
        return 1.0, 0.0
    sign = math.copysign(1.0, middle)
    reach = _quantile(inked, times, TYPICAL) if sign > 0 else -_quantile(inked[::-1], times[::-1], TYPICAL)
    return sign, reach


def grain(counts: Counts, paper: float, ink: NDArray[np.float32], limit: float) -> float:
    """Return the deviation of the paper, levels whose `ink` is below `limit`, around its tone, by their median."""
    found = np.where(ink < limit, counts, 0)
    total = int(found.sum())
    if paper.is_integer() and 2 * int(found[int(paper)]) > total + 1:  # most of it has its tone
        return 0.0
    order = np.abs(ink).argsort()
    return 1.4826 * _quantile(np.abs(ink)[order], found[order], 0.5) if total else 0.0


def _farthest(distance: NDArray[np.float32], counts: Counts) -> float:
    """Return the distance, in whole levels, that `INK_SHARE` of the pixels reach."""
    reached = np.bincount(distance.astype(np.intp), counts, minlength=256)[::-1].cumsum()
    rank = max(3, int(INK_SHARE * reached[-1]))
    return float(255 - reached.searchsorted(min(rank, reached[-1])))


def _quantile(values: NDArray[np.float32], counts: Counts, share: float) -> float:
    """Return what `np.quantile` does of sorted values, each as often as it is counted."""
    end = counts.cumsum()
    place = share * float(end[-1] - 1)
    below, above = values[end.searchsorted((math.floor(place), math.ceil(place)), "right")].tolist()
    return float(below + (above - below) * (place % 1))
