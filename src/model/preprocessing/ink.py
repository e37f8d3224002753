"""Colours → ink: how much of the pen lies on each pixel, whatever pen and paper were.

Neither polarity nor colour is assumed. The paper's colour is found first (its even tone, or its shading), then the
colour that stands farthest from it is the ink's, and each pixel is measured along the line between the two.
"""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.errors import BlankPicture
from src.model.preprocessing.background import find_background
from src.model.preprocessing.contrast import LEVELS, GreyHistogram, estimate_noise, find_ink_axis, project
from src.model.preprocessing.decode import Colours

Ink = NDArray[np.float32]  # [H, W] in 0..1, 0 is paper

FAINTEST: Final = 7.0  # levels of 255: what differs less from even paper is paper
FAINTEST_SHADED: Final = 16.0  # levels of 255: likewise for shaded paper, whose shade is known less well
NOISE_TIMES: Final = 5.0  # ink stands this many deviations of the paper's grain above it
BOX_SIDE: Final = 0.4  # of the picture's: a solid rectangle at least this large holds the digit
BOX_SOLID: Final = 0.95  # of its bounding box, holes filled
FEW: Final = 20  # outlines, that looking at each is quicker than labelling all
BOX_INK: Final = 0.6  # of its bounding box: less is an outline, which may be a square zero


def find_ink(colours: Colours) -> Ink:
    """Return how much ink lies on each pixel of uint8 [H, W, C]. Raises `BlankPicture`.

    Where the ink turns out to be a solid box with something in it (a black picture pasted on a white page), the ink
    inside that box is returned instead, and the shape is the box's.
    """
    histogram = GreyHistogram(colours[..., 0]) if colours.shape[2] == 1 else None
    paper = find_background(colours, histogram)
    if histogram and paper.shape == (1,):
        ink = _by_level(colours[..., 0], histogram, float(paper[0]))
    else:
        ink = _by_pixel(colours, paper)
    inside = _inside_box(ink)
    return ink if inside is None else find_ink(colours[inside])


def _by_level(grey: NDArray[np.uint8], histogram: GreyHistogram, paper: float) -> Ink:
    """Return the ink on grey [H, W] on even paper, level by level."""
    sign, contrast = histogram.find_ink_axis(paper)
    _require_ink(contrast, FAINTEST, histogram.estimate_noise(paper, sign, contrast / 2))
    table = (LEVELS.astype(np.float32) - np.float32(paper)) / np.float32(sign * contrast)
    return np.asarray(cv2.LUT(grey, np.minimum(np.maximum(table, 0), 1)), np.float32)


def _by_pixel(colours: Colours, paper: NDArray[np.float32]) -> Ink:
    """Return the ink on [H, W, C], pixel by pixel."""
    difference = (colours - paper).reshape(-1, colours.shape[2])
    axis, contrast = find_ink_axis(difference)
    ink = project(difference, axis)
    faintest = FAINTEST if paper.ndim == 1 else FAINTEST_SHADED
    _require_ink(contrast, faintest * math.sqrt(len(axis)), estimate_noise(ink, contrast / 2))
    return np.asarray(np.clip(ink / np.float32(contrast), 0, 1), np.float32).reshape(colours.shape[:2])


def _require_ink(contrast: float, faintest: float, noise: float) -> None:
    """Raise `BlankPicture` where the ink lies no farther from the paper than paper itself does."""
    if contrast < max(faintest, NOISE_TIMES * noise):
        raise BlankPicture("The picture is blank. Draw or photograph one digit, dark on light or light on dark.")


def _inside_box(ink: Ink) -> tuple[slice, slice] | None:
    """Return the inside of a solid box of ink that holds something else, None if there is no such box."""
    inked = ink > 0.5
    if np.count_nonzero(inked) < BOX_INK * BOX_SIDE**2 * ink.size or not _may_be_box(inked):
        return None
    x, y, wide, high = cv2.boundingRect(inked.view(np.uint8))
    there = inked[y : y + high, x : x + wide].view(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(there, connectivity=8)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    left, top, width, height, area = (int(number) for number in stats[largest])
    if min(width / ink.shape[1], height / ink.shape[0]) < BOX_SIDE or area < BOX_INK * width * height:
        return None
    piece = np.asarray(labels[top : top + height, left : left + width] == largest, np.uint8)
    outline, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solid = float(cv2.drawContours(np.zeros_like(piece), outline, -1, 1, cv2.FILLED).sum())
    if solid < BOX_SOLID * width * height or area > 0.995 * solid:
        return None
    margin = 1 + min(width, height) // 50
    if min(width, height) <= 4 * margin or solid > 0.995 * ink.size:
        return None
    return (
        slice(y + top + margin, y + top + height - margin),
        slice(x + left + margin, x + left + width - margin),
    )


def _may_be_box(inked: NDArray[np.bool_]) -> bool:
    """Tell whether some outline, [H, W] true inside it, is as large and full as a box: quickly said of most digits."""
    outlines, _ = cv2.findContours(inked.view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    if len(outlines) > FEW:
        return True
    for outline in outlines:
        _, _, wide, high = cv2.boundingRect(outline)
        if min(wide / inked.shape[1], high / inked.shape[0]) >= BOX_SIDE:
            most = cv2.contourArea(outline) + len(outline) / 2 + 1  # pixels inside and on it, by Pick's theorem
            if most >= BOX_SOLID * wide * high:
                return True
    return False
