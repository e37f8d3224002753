"""Remove the lines of ruled or squared paper: several parallel lines that run from edge to edge of the picture."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.ink import Ink

MIN_INK: Final = 0.2  # fainter lines do not matter
MIN_LINES: Final = 3  # from edge to edge; a tightly cropped 8 has two strokes on either edge
SECTIONS: Final = 17  # rows or columns of the picture in which lines are counted
MIN_SECTIONS: Final = 0.8  # of them cross that many lines; and a line spans as much of the picture
MIN_SIDE: Final = 64  # pixels: in smaller pictures, lines look like strokes
FAINT_LINES: Final = (0.35, 0.5, 0.65)  # ink of lines fainter than the pen: what is darker is kept
STRAIGHT_PARTS: Final = 6  # lines as dark as the pen are straight for at least 1/6 of the picture's width
STROKE_THICKNESS: Final = 1.5  # times that of the lines: a stroke along a line


def remove_ruled_lines(ink: Ink) -> Ink:
    """Return [H, W] without the lines of ruled or squared paper; without any, the same array."""
    if min(ink.shape) < MIN_SIDE or not _is_ruled(ink):
        return ink
    for level in FAINT_LINES:
        darker = np.asarray(np.clip((ink - level) / (1 - level), 0, 1), np.float32)
        if not _is_ruled(darker):
            return darker
    has_horizontal, has_vertical = _has_lines_across(ink.T), _has_lines_across(ink)
    ink = _remove_horizontal_lines(ink) if has_horizontal else ink
    return np.ascontiguousarray(_remove_horizontal_lines(ink.T).T) if has_vertical else ink


def _is_ruled(ink: Ink) -> bool:
    return _has_lines_across(ink.T) or _has_lines_across(ink)


def _has_lines_across(ink: Ink) -> bool:
    """Return whether several lines cross most rows of [H, W], the first and the last included."""
    if not all(_count_runs(ink[edge : edge + 1])[0] >= MIN_LINES for edge in (0, len(ink) - 1)):
        return False  # as in most pictures, after two rows
    rows = np.arange(SECTIONS) * (len(ink) - 1) // (SECTIONS - 1)
    return bool((_count_runs(ink[rows]) >= MIN_LINES).mean() >= MIN_SECTIONS)


def _count_runs(rows: Ink) -> NDArray[np.integer]:
    """Return the number of runs of ink, [N], along each row of [N, W]."""
    mask = rows > MIN_INK
    return np.asarray((mask[:, 1:] & ~mask[:, :-1]).sum(1) + mask[:, 0])


def _remove_horizontal_lines(ink: Ink) -> Ink:
    """Remove horizontal lines, but not the strokes along them, and close the gaps in the strokes that they crossed."""
    lines = _find_horizontal_lines(ink)
    if not lines.any():
        return ink
    thickness = _measure_thickness(lines)
    thicker = np.ones((int(STROKE_THICKNESS * thickness) + 1, 1), np.uint8)
    strokes = np.asarray(cv2.morphologyEx(lines, cv2.MORPH_OPEN, thicker), np.uint8)
    with_soft_edges = np.asarray(cv2.dilate(lines - strokes, np.ones((3, 1), np.uint8)), np.uint8)
    is_removed = with_soft_edges > strokes
    remaining = np.where(is_removed, 0, ink).astype(np.float32)
    gap = thickness + 2  # a line and its two edges
    closed = cv2.morphologyEx(remaining, cv2.MORPH_CLOSE, np.ones((2 * gap + 1, 1), np.uint8))
    return np.asarray(np.where(is_removed, closed, remaining), np.float32)


def _measure_thickness(lines: NDArray[np.uint8]) -> int:
    """Return the median thickness of horizontal lines, [H, W] of 0 and 1, in pixels."""
    steps = np.diff(np.pad(lines.T, ((0, 0), (1, 1))).ravel().astype(np.int8))
    return int(np.median(np.flatnonzero(steps == -1) - np.flatnonzero(steps == 1)))


def _find_horizontal_lines(ink: Ink) -> NDArray[np.uint8]:
    """Return a mask, [H, W] of 0 and 1, of straight horizontal runs of ink that together span the picture."""
    mask = (ink > MIN_INK).astype(np.uint8)
    run = np.ones((1, max(MIN_SIDE, ink.shape[1] // STRAIGHT_PARTS)), np.uint8)
    runs = cv2.morphologyEx(mask, cv2.MORPH_OPEN, run)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    is_line = stats[:, cv2.CC_STAT_WIDTH] >= MIN_SECTIONS * ink.shape[1]
    is_line[0] = False
    return np.asarray(is_line[labels], np.uint8)
