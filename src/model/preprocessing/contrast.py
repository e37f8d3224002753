"""Where the ink's colour lies relative to the paper's, how strong the contrast is, and how noisy the paper is.

The functions measure every pixel: colours are given as their differences from the paper, float32 [N, C] in levels of
255. Grey pictures on even paper have only 256 values; `GreyHistogram` finds the same from their counts, much faster.
"""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE: Final = 443  # levels; black and white differ by 441.7 in three channels
NOISE_STEPS: Final = 16  # noise is measured in steps of 1/16 level
MAD_TO_SIGMA: Final = 1.4826  # standard deviation of normal noise, divided by its median absolute deviation
INK_DISTANCE: Final = 0.7  # pixels at least this far from the paper, relative to the farthest, are ink
INK_QUANTILE: Final = 0.9  # of the ink's distances: the contrast of full ink; the maximum would be an outlier
INK_SHARE: Final = 0.0005  # of the pixels: the smallest digit that is read covers as many

LEVELS: Final = np.arange(256.0)  # of a grey pixel

Box = tuple[slice, slice]  # rows and columns of a picture


def find_ink_axis(difference: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Return the direction of the ink in colour space, a unit vector [C], and the contrast: its distance along it.

    Without ink, both are 0.
    """
    distance = np.sqrt(project(difference * difference, np.ones(difference.shape[1], np.float32)))
    ink = difference[distance >= max(INK_DISTANCE * _find_farthest(_count(distance, MAX_DISTANCE)), 1.0)]
    if not len(ink):
        return np.zeros(difference.shape[1], np.float32), 0.0
    centre = np.median(ink, axis=0)
    axis = np.asarray(centre / max(float(np.linalg.norm(centre)), 1e-6), np.float32)
    return axis, float(np.quantile(ink @ axis, INK_QUANTILE))


def project(difference: NDArray[np.float32], axis: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the matrix product, [N], of [N, C] and [C]."""
    return np.asarray(cv2.transform(difference[:, None], axis[None]), np.float32).ravel()


def estimate_noise(ink: NDArray[np.float32], limit: float) -> float:
    """Return the standard deviation of the paper, the values of `ink` [N] below `limit`, by their median distance."""
    paper = np.where(ink < limit, np.abs(ink), MAX_DISTANCE)  # the histogram leaves out what is no paper
    cumulative = _count(paper * NOISE_STEPS, MAX_DISTANCE * NOISE_STEPS).cumsum()
    return MAD_TO_SIGMA * float(np.searchsorted(cumulative, cumulative[-1] / 2)) / NOISE_STEPS


def _count(values: NDArray[np.float32], end: int) -> NDArray[np.float32]:
    """Return the histogram, [end], of the whole parts of the values in 0..end."""
    return np.asarray(cv2.calcHist([values.astype(np.uint16)], [0], None, [end], [0, end]), np.float32).ravel()


def _find_farthest(histogram: NDArray[np.floating]) -> int:
    """Return the distance that `INK_SHARE` of the pixels reach, given how many lie at each whole distance."""
    reaching = histogram[::-1].cumsum()
    rank = max(3, int(INK_SHARE * reaching[-1]))
    return len(histogram) - 1 - int(reaching.searchsorted(min(rank, reaching[-1])))


class GreyHistogram:
    """The number of pixels at each level of a grey picture."""

    def __init__(self, grey: NDArray[np.uint8], box: Box) -> None:
        """Count the pixels of [H, W]; outside of `box`, all have the level of the first one."""
        inside = grey[box]
        counts = cv2.calcHist([inside], [0], None, [len(LEVELS)], [0, len(LEVELS)])
        self._counts = counts.ravel().astype(np.float64)
        self._counts[grey[0, 0]] += grey.size - inside.size
        self._pixels = grey.size

    def share_within(self, low: float, high: float) -> float:
        """Return the share of the pixels whose level is in `low`..`high`."""
        return float(self._counts[max(math.ceil(low), 0) : math.floor(high) + 1].sum()) / self._pixels

    def find_ink_axis(self, paper: float) -> tuple[float, float]:
        """Return whether the ink is lighter (1) or darker (-1) than `paper`, and the contrast; it is 0 without ink."""
        difference = LEVELS - paper
        distance = np.abs(difference)
        # rounded, as 0.7 * 90 gives 62.999…
        nearest = max(round(INK_DISTANCE * _find_farthest(_count_distances(distance, self._counts)), 3), 1.0)
        ink = ((distance >= nearest) * self._counts).cumsum()
        middle = _quantile(difference, ink, 0.5)
        if middle == 0:
            return 1.0, 0.0
        sign = math.copysign(1.0, middle)
        return sign, sign * _quantile(difference, ink, INK_QUANTILE if sign > 0 else 1 - INK_QUANTILE)

    def has_two_levels(self) -> bool:
        """Return whether the picture is black and white, or has two other levels."""
        return int(np.count_nonzero(self._counts)) == 2

    def estimate_noise(self, paper: float, sign: float, limit: float) -> float:
        """Return the standard deviation of the paper: of the levels whose `sign * (level - paper)` is below `limit`."""
        if paper % 1 == 0 and 2 * self._counts[int(paper)] > self._pixels:
            return 0.0  # the median distance, as on most drawings
        is_paper = sign * (LEVELS - (paper + sign * limit)) < 0
        distances = _count_distances(np.abs(LEVELS - paper), is_paper * self._counts)
        return MAD_TO_SIGMA * _quantile(LEVELS + paper % 1, distances.cumsum(), 0.5)


def _count_distances(distance: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many pixels lie at each whole distance, [256], given the distance and the count of each level."""
    return np.asarray(np.bincount(distance.astype(np.intp), counts, len(LEVELS)), np.float64)


def _quantile(values: NDArray[np.float64], cumulative: NDArray[np.float64], share: float) -> float:
    """Return what `np.quantile` gives for ascending values with these cumulative counts; 0 if there are none."""
    if not cumulative[-1]:
        return 0.0
    rank = share * (float(cumulative[-1]) - 1)
    below, above = values[cumulative.searchsorted((math.floor(rank), math.ceil(rank)), side="right")].tolist()
    return float(below + (above - below) * (rank % 1))
