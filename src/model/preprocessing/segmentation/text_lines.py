"""Group the pieces of ink on a picture into lines of text, in reading order."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]  # [N, 4]: left, top, width, height

MIN_HEIGHT: Final = 0.45  # of the digits' height: lower pieces belong to the line of their nearest digit
MAX_HEIGHT: Final = 2.2  # of the digits' height: higher pieces would join lines
MIN_OVERLAP: Final = 0.5  # of the lower one's height: two neighbours on a line are side by side
NEAR: Final = 2.0  # times the digits' height: the slope of the lines is measured between neighbours this near


def measure_digit_height(boxes: Boxes, mass: NDArray[np.float64]) -> float:
    """Return the height that half of the ink is higher than, and half is lower: [N] masses of boxes, [N, 4]."""
    order = boxes[:, 3].argsort()
    cumulative = mass[order].cumsum()
    return float(boxes[order[cumulative.searchsorted(cumulative[-1] / 2)], 3])


def group_lines(boxes: Boxes, height: float) -> list[NDArray[np.intp]]:
    """Return the indices of the boxes on each line, top to bottom; the digits are about `height` high.

    The slope of the lines is measured between near neighbours first; along it, neighbours are found at any distance.
    """
    is_tall = (boxes[:, 3] >= MIN_HEIGHT * height) & (boxes[:, 3] <= MAX_HEIGHT * height)
    if not is_tall.any():
        is_tall[:] = True
    tall = np.flatnonzero(is_tall)
    slope = _measure_slope(boxes[tall], height)
    level = boxes.copy()
    level[:, 1] -= slope * (boxes[:, 0] + boxes[:, 2] / 2)
    line_of = np.full(len(boxes), -1)
    line_of[tall] = _connect(level[tall], _find_neighbours(level[tall], np.inf))
    for index in np.flatnonzero(~is_tall):
        line_of[index] = line_of[tall[_find_nearest(level[index], level[tall])]]
    lines = [np.flatnonzero(line_of == line) for line in range(line_of.max() + 1)]
    middles = level[:, 1] + level[:, 3] / 2
    return sorted(lines, key=lambda line: float(middles[line][is_tall[line]].mean()))


def _measure_slope(boxes: Boxes, height: float) -> float:
    """Return the median slope, dy / dx, from the middle of each box to that of its right neighbour; 0 for less than 4.

    Two or three digits of different heights say little about the slope.
    """
    neighbours = _find_neighbours(boxes, NEAR * height)
    pairs = np.flatnonzero(neighbours >= 0)
    if len(pairs) < 3:
        return 0.0
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    step = middles[neighbours[pairs]] - middles[pairs]
    return float(np.median(step[:, 1] / np.maximum(step[:, 0], 1)))


def _find_neighbours(boxes: Boxes, max_gap: float) -> NDArray[np.intp]:
    """Return for each box the nearest one to the right that is beside it; -1 if there is none."""
    left, top, width, height = boxes.T
    bottom, middle = top + height, left + width / 2
    overlap = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    gap = left - (left + width)[:, None]
    is_beside = overlap >= MIN_OVERLAP * np.minimum(height[:, None], height)
    distance = np.where(is_beside & (middle > middle[:, None]) & (gap <= max_gap), gap, np.inf)
    nearest = distance.argmin(1)
    return np.where(np.isfinite(distance[np.arange(len(boxes)), nearest]), nearest, -1)


def _connect(boxes: Boxes, neighbours: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the number of each box's line: two are on one line if a chain of neighbours joins them."""
    line_of = np.arange(len(boxes))
    for index, neighbour in enumerate(neighbours):
        if neighbour >= 0:
            line_of[line_of == line_of[index]] = line_of[neighbour]
    return np.asarray(np.unique(line_of, return_inverse=True)[1], np.intp)


def _find_nearest(box: NDArray[np.float64], boxes: Boxes) -> np.intp:
    """Return the index of the box that is nearest to `box`, [4]; distances up and down count twice."""
    start, end = box[:2], box[:2] + box[2:]
    starts, ends = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    apart = np.maximum(np.maximum(starts - end, start - ends), 0)
    return np.asarray(np.hypot(apart[:, 0], 2 * apart[:, 1])).argmin()
