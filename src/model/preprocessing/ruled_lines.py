"""Paper that is ruled or squared: its lines go from edge to edge, in rows, and are no part of what was written."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.ink import Ink

INKED: Final = 0.2  # of the darkest ink: lines are at least so dark where they matter
LINES: Final = 3  # from edge to edge make a ruling; a tightly cropped 8 has two strokes at either edge
SECTIONS: Final = 17  # through a picture, in which lines are counted
CROSSED: Final = 0.8  # of the sections cross that many lines
SMALLEST: Final = 64  # pixels a side: below this no ruling can be told from a digit
FAINTER: Final = (0.35, 0.5, 0.65)  # of the darkest ink: how dark a ruling may be that is fainter than the pen
LONG: Final = 6  # a line as dark as the pen is told by being straight for this part of the picture
FATTER: Final = 1.5  # times as thick as the lines: a stroke that lies along one


def without_ruling(ink: Ink) -> Ink:
    """Return the ink without the lines of ruled or squared paper; what is not ruled comes back as it is."""
    if min(ink.shape) < SMALLEST or not _is_ruled(ink):
        return ink
    for level in FAINTER:
        darker = np.asarray(np.clip((ink - level) / (1 - level), 0, 1), np.float32)
        if not _is_ruled(darker):
            return darker
    across, down = _is_crossed(ink.T), _is_crossed(ink)
    ink = _unlined(ink) if across else ink
    return np.ascontiguousarray(_unlined(ink.T).T) if down else ink


def _is_ruled(ink: Ink) -> bool:
    """Tell whether lines cross the picture from left to right, or from top to bottom."""
    return _is_crossed(ink.T) or _is_crossed(ink)


def _is_crossed(picture: Ink) -> bool:
    """Tell whether lines cross the rows of a picture, [N, length], its first and its last among them."""
    if not all(_crossings(picture[edge : edge + 1])[0] >= LINES for edge in (0, len(picture) - 1)):
        return False  # as on most pictures: their rest is not looked at
    places = np.arange(SECTIONS) * (len(picture) - 1) // (SECTIONS - 1)
    return bool((_crossings(picture[places]) >= LINES).mean() >= CROSSED)


def _crossings(rows: Ink) -> NDArray[np.integer]:
    """Count the runs of ink along each row of [N, length]."""
    inked = rows > INKED
    return np.asarray((inked[:, 1:] & ~inked[:, :-1]).sum(1) + inked[:, 0])


def _unlined(ink: Ink) -> Ink:
    """Take lines from left to right away, but for strokes along them, and close the strokes that they crossed."""
    lines = _lines(ink)
    if not lines.any():
        return ink
    thickness = _thickness(lines)
    fat = np.ones((int(FATTER * thickness) + 1, 1), np.uint8)
    strokes = np.asarray(cv2.morphologyEx(lines, cv2.MORPH_OPEN, fat), np.uint8)
    edged = np.asarray(cv2.dilate(lines - strokes, np.ones((3, 1), np.uint8)), np.uint8)  # with their faint edges
    ruling = edged > strokes
    rest = np.where(ruling, 0, ink).astype(np.float32)
    gap = thickness + 2  # a line and its two edges
    closed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((2 * gap + 1, 1), np.uint8))
    return np.asarray(np.where(ruling, closed, rest), np.float32)


def _thickness(lines: NDArray[np.uint8]) -> int:
    """Return how many pixels thick lines from left to right mostly are."""
    steps = np.diff(np.pad(lines.T, ((0, 0), (1, 1))).ravel().astype(np.int8))
    return int(np.median(np.flatnonzero(steps == -1) - np.flatnonzero(steps == 1)))


def _lines(ink: Ink) -> NDArray[np.uint8]:
    """Return which pixels lie on straight ink that goes on nearly from left to right, [H, W] of 0 and 1."""
    inked = (ink > INKED).astype(np.uint8)
    straight = cv2.morphologyEx(inked, cv2.MORPH_OPEN, np.ones((1, max(SMALLEST, ink.shape[1] // LONG)), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(straight, connectivity=8)
    whole = stats[:, cv2.CC_STAT_WIDTH] >= CROSSED * ink.shape[1]
    whole[0] = False
    return np.asarray(whole[labels], np.uint8)
