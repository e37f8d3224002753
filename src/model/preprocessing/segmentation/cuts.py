"""Where a piece of ink may be cut into digits that touch: along paths from top to bottom that cross little ink.

The paths of least ink pass through the minima of the projection, and run into the valleys of the upper and the lower
contour. They are found by dynamic programming, for every column at once.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.ink import Ink

ROWS: Final = 40  # height to which a piece is scaled
SIDESTEPS: Final = (0.2, 3.0)  # cost of a step of one column, in pixels of full ink: of winding and of upright paths
SPACING: Final = 3  # columns: one path is kept of those that pass through as many
MIDDLE: Final = slice(ROWS // 5, ROWS - ROWS // 5)  # rows in which a path is counted to a column
MIN_SIDE: Final = 0.02  # of the ink: less on one side of a path is no digit
MAX_COLUMNS: Final = 600  # a longer piece is scaled down further: it is no number


@dataclass(frozen=True)
class Cuts:
    """Paths from top to bottom through a piece, from left to right; they do not cross each other."""

    columns: NDArray[np.float64]  # [N, h]: the column that each path passes in each row
    ink: NDArray[np.float64]  # [N]: the ink that each path crosses, in pixels of full ink


def find_cuts(ink: Ink) -> Cuts:
    """Return the paths along which the piece `ink`, [h, w], cropped, may be cut."""
    height, width = ink.shape
    scale = min(ROWS / height, MAX_COLUMNS / width)
    columns = max(1, round(width * scale))
    small = cv2.resize(ink, (columns, ROWS), interpolation=cv2.INTER_AREA).astype(np.float64)
    if columns < 2 * SPACING:
        return Cuts(np.empty((0, height)), np.empty(0))
    paths = np.concatenate([_find_paths(small, sidestep) for sidestep in SIDESTEPS])
    return _select(paths, small, (height, width), scale)


def _find_paths(ink: NDArray[np.float64], sidestep: float) -> NDArray[np.intp]:
    """Return the columns, [N, h], of the cheapest path through each bin of columns of `ink`, [h, w]."""
    above, moves_up = _accumulate(ink, sidestep)
    below, moves_down = (array[::-1] for array in _accumulate(ink[::-1], sidestep))
    through = (above + below - ink)[MIDDLE]
    best = through.min(0)
    bins = [slice(start, start + SPACING) for start in range(SPACING // 2, ink.shape[1] - 1, SPACING)]
    starts = np.array([bin_.start + int(best[bin_].argmin()) for bin_ in bins])
    rows = MIDDLE.start + through[:, starts].argmin(0)
    paths = np.tile(starts, (len(ink), 1))
    for row in range(MIDDLE.stop - 1, 0, -1):
        paths[row - 1] = np.where(row <= rows, paths[row] + moves_up[row, paths[row]], starts)
    for row in range(MIDDLE.start, len(ink) - 1):
        following = paths[row] + moves_down[row, paths[row]]
        paths[row + 1] = np.where(row >= rows, following, paths[row + 1])
    return paths.T


def _accumulate(ink: NDArray[np.float64], sidestep: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the cost of the cheapest path from the top to each pixel, [h, w], and its last move: -1, 0 or 1 column."""
    cost, moves = np.pad(ink, ((0, 0), (1, 1)), constant_values=np.inf), np.zeros(ink.shape, np.intp)
    for row in range(1, len(ink)):
        straight, from_left, from_right = (cost[row - 1, shift : shift + ink.shape[1]] for shift in (1, 0, 2))
        aside = np.minimum(from_left, from_right) + sidestep
        moves[row] = np.where(straight <= aside, 0, np.where(from_left <= from_right, -1, 1))
        cost[row, 1:-1] += np.minimum(straight, aside)
    return cost[:, 1:-1], moves


def _select(paths: NDArray[np.intp], small: NDArray[np.float64], shape: tuple[int, int], scale: float) -> Cuts:
    """Drop paths that cut off next to nothing, and of those that cut off the same all that cross more ink."""
    rows = np.arange(len(small))
    cumulative = np.pad(small.cumsum(1), ((0, 0), (1, 0)))
    left = cumulative[rows, paths].sum(1) / max(small.sum(), 1e-9)
    crossed = small[rows, paths].sum(1)
    kept: list[int] = []
    for index in crossed.argsort(kind="stable"):
        is_new = all(abs(left[index] - left[other]) >= MIN_SIDE for other in kept)
        if MIN_SIDE <= left[index] <= 1 - MIN_SIDE and is_new:
            kept.append(int(index))
    kept.sort(key=lambda index: left[index])
    ordered = np.maximum.accumulate(paths[kept], axis=0) if kept else paths[:0]
    original = np.minimum((np.arange(shape[0]) + 0.5) * len(small) / shape[0], len(small) - 1).astype(int)
    return Cuts((ordered[:, original] + 0.5) * shape[1] / small.shape[1], crossed[kept] / scale)
