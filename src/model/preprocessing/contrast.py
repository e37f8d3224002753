"""The pen: which way from the paper's colour its ink lies, how far, and how much the paper itself varies.

Colours come as a list of the pixels' differences from the paper, float32 [N, C] in levels of 255. Greys on even paper
are counted instead: `src/model/preprocessing/levels.py`.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

FARTHEST: Final = 443  # levels: the whole way from black to white in three channels is 441.7
GRAIN_PARTS: Final = 16  # of a level: how finely grain is measured
STRONG: Final = 0.7  # of the farthest: what is so far from the paper is ink
TYPICAL: Final = 0.9  # of the ink lies nearer to the paper, and the rest is as dark as can be
INK_SHARE: Final = 0.0005  # of the pixels: the smallest digit worth prediction has as many


def find_pen(difference: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Return the ink's direction in colour space, a unit vector [C], and how far along it the ink lies."""
    distance = np.sqrt(along(np.ones(difference.shape[1], np.float32), difference * difference))
    inked = difference[distance >= max(STRONG * _farthest(distance), 1.0)]
    if not len(inked):
        return np.zeros(difference.shape[1], np.float32), 0.0
    centre = np.median(inked, axis=0)
    pen = np.asarray(centre / max(float(np.linalg.norm(centre)), 1e-6), np.float32)
    return pen, float(np.quantile(inked @ pen, TYPICAL))


def along(direction: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the product [N] of [N, C] and [C]."""
    return np.asarray(cv2.transform(values[:, None], direction[None]), np.float32).ravel()


def _farthest(distance: NDArray[np.float32]) -> float:
    """Return the distance that `INK_SHARE` of the pixels reach, in whole levels: counted, as sorting is slow."""
    found = _histogram(distance, FARTHEST)[::-1].cumsum()
    rank = max(3, int(INK_SHARE * found[-1]))
    return float(FARTHEST - 1 - np.searchsorted(found, min(rank, found[-1])))


def grain(ink: NDArray[np.float32], limit: float) -> float:
    """Return the deviation of the paper's values, those below `limit`, around its tone, by their median."""
    beyond = np.where(ink < limit, np.abs(ink), FARTHEST)  # what is no paper falls out of the count
    paper = _histogram(beyond * GRAIN_PARTS, FARTHEST * GRAIN_PARTS).cumsum()
    return 1.4826 * float(np.searchsorted(paper, paper[-1] / 2)) / GRAIN_PARTS


def _histogram(values: NDArray[np.float32], end: int) -> NDArray[np.float32]:
    """Count the values in 0..end by whole numbers, [end]."""
    return np.asarray(cv2.calcHist([values.astype(np.uint16)], [0], None, [end], [0, end]), np.float32).ravel()
