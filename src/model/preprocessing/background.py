"""Find the colour of the paper: one colour where it is even, a colour for each pixel where light and shadow vary."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.contrast import Box, GreyHistogram, find_ink_axis
from src.model.preprocessing.decode import Colours

TOLERANCE: Final = 10  # levels of 255: colours that differ by no more in any channel count as the same
MOSTLY_PAPER: Final = 0.5  # of all pixels: the paper is clear if more are near it
BORDER: Final = 40  # the border is this part of the picture's shorter side wide
SHADING_SIDE: Final = 96  # pixels: the longer side of the copy on which shading is estimated; shading is smooth
WIDE_WINDOW: Final = 45  # pixels of that copy: the ink is the minority in such a window
STROKE_WINDOW: Final = 17  # pixels of that copy: wider than any stroke


def find_difference(colours: Colours) -> Box:
    """Return the smallest box of [H, W, C] outside of which all pixels have exactly the colour of the first one.

    Most drawings are bare there. In a picture of one colour the box is its first pixel.
    """
    first = colours[0, 0].astype(np.float64)
    left, top, width, height = cv2.boundingRect(cv2.bitwise_not(cv2.inRange(colours, first, first)))
    return slice(top, top + max(height, 1)), slice(left, left + max(width, 1))


def find_background(
    colours: Colours, histogram: GreyHistogram | None, difference: Box
) -> tuple[NDArray[np.float32], bool]:
    """Return the colour of the paper, [C], if it is even, and whether it clearly is.

    It is if the whole border and most other pixels of `colours`, [H, W, C], are near it. `histogram` is that of the
    colours if C is 1; `difference` is what `find_difference` returns.
    """
    paper = np.asarray(colours[0, 0], np.float32)
    is_clear = _is_inside(difference, colours)
    if not is_clear:
        border = _cut_border(colours)
        paper = _find_border_colour(colours, border)
        is_clear = _share_near(border, paper) == 1
    return paper, is_clear and _share_paper(colours, histogram, paper) > MOSTLY_PAPER


def _share_paper(colours: Colours, histogram: GreyHistogram | None, paper: NDArray[np.float32]) -> float:
    """Return the share of the pixels that are near the colour of the paper."""
    if not histogram:
        return _share_near(colours, paper)
    level = float(paper[0])
    return histogram.share_within(level - TOLERANCE, level + TOLERANCE)


def _is_inside(box: Box, colours: Colours) -> bool:
    """Return whether `box` lies inside the border of [H, W, C], or is no more than its first pixel."""
    border = _border_width(colours)
    return (box[0].stop, box[1].stop) == (1, 1) or all(
        border <= side.start and side.stop <= length - border for side, length in zip(box, colours.shape, strict=False)
    )


def _cut_border(colours: Colours) -> Colours:
    """Return the pixels along the picture's edge, [N, C]."""
    border = _border_width(colours)
    sides = (colours[:border], colours[-border:], colours[:, :border], colours[:, -border:])
    return np.concatenate([_flatten(side) for side in sides])


def _border_width(colours: Colours) -> int:
    return max(1, int(min(colours.shape[:2])) // BORDER)


def _find_border_colour(colours: Colours, border: Colours) -> NDArray[np.float32]:
    """Return the colour [C] of at least three corners if they agree, else the median of the border.

    Digits that touch the edge seldom reach the corners.
    """
    width = _border_width(colours)
    first, last = slice(None, width), slice(-width, None)
    corners = [_flatten(colours[rows, columns]) for rows in (first, last) for columns in (first, last)]
    medians = np.array([np.median(corner, axis=0) for corner in corners])
    agreeing = (np.abs(medians[:, None] - medians).max(2) <= TOLERANCE).sum(1)
    colour = medians[agreeing.argmax()] if agreeing.max() >= 3 else np.median(border, axis=0)
    return np.asarray(colour, np.float32)


def _flatten(colours: Colours) -> Colours:
    return colours.reshape(-1, colours.shape[-1])


def _share_near(colours: Colours, colour: NDArray[np.floating]) -> float:
    """Return the share of the pixels [..., C] that have nearly this colour, [C]."""
    near = _find_near(colours, colour)
    return cv2.countNonZero(near) / near.size


def _find_near(colours: Colours, colour: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return a mask, [...]: 255 for pixels [..., C] that have nearly this colour, [C], else 0."""
    low, high = np.ceil(colour - TOLERANCE).clip(0, 255), np.floor(colour + TOLERANCE).clip(0, 255)
    picture = colours[:, None] if colours.ndim == 2 else colours  # OpenCV takes [H, W, C] only
    near = cv2.inRange(picture, low.astype(np.float64), high.astype(np.float64))
    return np.asarray(near, np.uint8).reshape(colours.shape[:-1])


def estimate_shading(colours: Colours, reverse: bool = False) -> NDArray[np.float32]:
    """Return the colour of shaded paper, [H, W, C].

    In each channel, the median of wide windows, in which ink is the minority, tells whether the ink is darker or
    lighter than the paper; with `reverse` the opposite is assumed, as a spot of light may outshine the ink. A
    morphological closing or opening then removes the strokes and keeps the edges of shadows.
    """
    height, width, channels = colours.shape
    scale = SHADING_SIDE / max(height, width)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], channels)
    paper = _median_of_windows(small)
    axis, _ = find_ink_axis((small - paper).reshape(-1, channels))
    window = np.ones((STROKE_WINDOW, STROKE_WINDOW), np.uint8)
    margin = STROKE_WINDOW  # slopes continue beyond the edges
    wider = np.pad(
        small.astype(np.float32), ((margin, margin), (margin, margin), (0, 0)), "reflect", reflect_type="odd"
    )
    for channel in range(channels):
        operation = cv2.MORPH_CLOSE if (axis[channel] < 0) != reverse else cv2.MORPH_OPEN
        without = cv2.morphologyEx(wider[..., channel], operation, window)
        paper[..., channel] = without[margin:-margin, margin:-margin]
    smooth = cv2.GaussianBlur(paper, (0, 0), 1)
    full = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.float32).reshape(colours.shape)


def _median_of_windows(small: NDArray[np.integer | np.floating]) -> NDArray[np.float32]:
    """Return the median of the window around each pixel of [h, w, C], which is mirrored at its edges."""
    margin = WIDE_WINDOW // 2
    padded = np.asarray(cv2.copyMakeBorder(small, margin, margin, margin, margin, cv2.BORDER_REFLECT), np.uint8)
    median = cv2.medianBlur(padded, WIDE_WINDOW)[margin:-margin, margin:-margin]
    return np.asarray(median, np.float32).reshape(small.shape)
