"""Measure how much ink lies on each pixel, whatever the colours of pen and paper.

First the colour of the paper is found (even or shaded), then the colour farthest from it, which is full ink. A pixel's
ink is its position on the line between the two.
"""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.contrast import LEVELS, Box, GreyHistogram, estimate_noise, find_ink_axis, project
from src.model.preprocessing.decode import Colours

Ink = NDArray[np.float32]  # [H, W] in 0..1, 0 is paper
Mask = NDArray[np.uint8]  # [H, W] of 0 and 1

MIN_CONTRAST: Final = 7.0  # levels of 255
MIN_SIGNAL_TO_NOISE: Final = 3.0  # a slope of light across even paper has 2.6

# A box is a filled rectangle with a hole in the form of the digit, such as a black picture pasted on a white page.
MIN_BOX_SIDE: Final = 0.4  # of the picture's sides
MIN_BOX_FILL: Final = 0.6  # of its bounding box, without the holes: less is an outline, maybe of a square zero
MIN_BOX_SOLIDITY: Final = 0.95  # of its bounding box, with the holes filled
BOX_MARGIN: Final = 50  # the soft edge cut off a box is 1 pixel and this part of its shorter side
MAX_RUNS: Final = 2  # per row: outlines of busier pictures are not looked at, labelling is faster


@dataclass(frozen=True)
class Reading:
    """What is on a picture if its paper has a certain colour."""

    ink: Ink  # [H, W]
    contrast: float  # levels of 255 between paper and ink
    noise: float  # standard deviation of the paper in the same levels

    def is_blank(self) -> bool:
        """Return whether uneven light alone may look like this ink."""
        return self.contrast < MIN_SIGNAL_TO_NOISE * self.noise

    def has_bare_edges(self, difference: Box) -> bool:
        """Return whether there is no ink along the picture's edges. Outside of `difference` it has one colour."""
        is_apart = all(
            side.start > 0 and side.stop < length for side, length in zip(difference, self.ink.shape, strict=True)
        )
        return is_apart and not self.ink[0, 0]


def read_grey(grey: NDArray[np.uint8], histogram: GreyHistogram, paper: float, difference: Box) -> Reading | None:
    """Read a grey picture, [H, W], on even paper, from a table of the 256 levels. Returns None without contrast.

    Outside of the box `difference`, all pixels have the level of the first one.
    """
    sign, contrast = histogram.find_ink_axis(paper)
    if contrast < MIN_CONTRAST:
        return None
    table = (LEVELS.astype(np.float32) - np.float32(paper)) / np.float32(sign * contrast)
    table = np.minimum(np.maximum(table, 0), 1)
    ink = np.full(grey.shape, table[grey[0, 0]], np.float32)
    ink[difference] = cv2.LUT(grey[difference], table)
    return Reading(ink, contrast, histogram.estimate_noise(paper, sign, contrast / 2))


def read_colours(colours: Colours, paper: NDArray[np.float32]) -> Reading | None:
    """Read a picture, [H, W, C], on even paper, [C], or shaded paper, [H, W, C]. Returns None without contrast."""
    difference = (colours - paper).reshape(-1, colours.shape[2])
    axis, contrast = find_ink_axis(difference)
    if contrast < MIN_CONTRAST * math.sqrt(len(axis)):
        return None
    distance = project(difference, axis)
    ink = np.asarray(np.clip(distance / np.float32(contrast), 0, 1), np.float32).reshape(colours.shape[:2])
    return Reading(ink, contrast, estimate_noise(distance, contrast / 2))


def find_box(ink: Ink) -> Box | None:
    """Return the rows and columns inside a box of ink, None if there is no box."""
    mask = (ink > 0.5).view(np.uint8)
    if cv2.countNonZero(mask) < MIN_BOX_FILL * MIN_BOX_SIDE**2 * ink.size or not _may_hold_box(mask):
        return None
    component, left, top = _largest_component(mask)
    height, width = component.shape
    margin = 1 + min(height, width) // BOX_MARGIN
    if min(height, width) <= 4 * margin or not _is_box(component, ink.shape):
        return None
    return slice(top + margin, top + height - margin), slice(left + margin, left + width - margin)


def _may_hold_box(mask: Mask) -> bool:
    """Return False if no outline in `mask` is as large and full as a box; faster than labelling the components."""
    if count_runs(mask) > MAX_RUNS * len(mask):
        return True
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        _, _, width, height = cv2.boundingRect(outline)
        if _is_large(width, height, mask.shape):
            pixels = cv2.contourArea(outline) + len(outline) / 2 + 1  # inside the outline and on it, by Pick's theorem
            if pixels >= MIN_BOX_SOLIDITY * width * height:
                return True
    return False


def count_runs(mask: Mask) -> int:
    """Return how many runs of ink begin inside the rows of `mask`: at least one for each piece not at the left edge."""
    return int(np.count_nonzero(mask[:, 1:] > mask[:, :-1]))


def _largest_component(mask: Mask) -> tuple[Mask, int, int]:
    """Return the largest connected component of `mask`, cut out, and the column and row where it starts."""
    x, y, width, height = cv2.boundingRect(mask)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask[y : y + height, x : x + width], connectivity=8)
    label = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    left, top, width, height, _ = stats[label].tolist()
    component = labels[top : top + height, left : left + width] == label
    return component.view(np.uint8), x + left, y + top


def _is_box(component: Mask, shape: tuple[int, ...]) -> bool:
    """Return whether a component, cut out of a picture of `shape`, is a filled rectangle and not all of the picture."""
    height, width = component.shape
    is_full = cv2.countNonZero(component) >= MIN_BOX_FILL * component.size
    if not (is_full and _is_large(width, height, shape)) or component.shape == shape:
        return False
    outline, _ = cv2.findContours(component, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled_area = cv2.countNonZero(cv2.drawContours(np.zeros_like(component), outline, -1, 1, cv2.FILLED))
    return filled_area >= MIN_BOX_SOLIDITY * component.size


def _is_large(width: int, height: int, shape: tuple[int, ...]) -> bool:
    return min(width / shape[1], height / shape[0]) >= MIN_BOX_SIDE
