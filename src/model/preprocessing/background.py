"""TODO."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.contrast import GreyHistogram, find_ink_axis
from src.model.preprocessing.decode import Colours

SAME_TONE: Final = 10  # levels of 255: colours as near as this count as one tone
TWO_TONES: Final = 0.8  # of the pixels: a picture of two tones up to this share has even paper
RING_SHARE: Final = 0.7  # of the pixels along the edge: with fewer of its tone the paper is not even
LEAST_PAPER: Final = 0.1  # of the pixels: and then its paper is at least this
MUCH_PAPER: Final = 0.5  # of the pixels: with as many of one tone, paper is even whatever the rest is
SHADING_SIDE: Final = 96  # pixels: shading is smooth, so that a small copy shows it whole
WIDE_WINDOW: Final = 45  # pixels of that copy, in which the ink is the minority
STROKE_WINDOW: Final = 17  # pixels of that copy, wider than any stroke


def find_background(colours: Colours, histogram: GreyHistogram | None) -> NDArray[np.float32]:
    """Return the paper's colour: [C] where it is even, [H, W, C] where it is shaded."""
    tone = np.asarray(colours[0, 0], np.float32)
    if not _is_edged(colours, tone):
        ring = _ring(colours)
        tone = _edge_tone(colours, ring)
        if _near_share(ring, tone) <= RING_SHARE:
            return _shading(colours)
    return tone if _is_even(colours, histogram, tone) else _shading(colours)


def _is_edged(colours: Colours, tone: NDArray[np.float32]) -> bool:
    """Tell whether all of the picture's edge is exactly of one tone, as on most drawings."""
    height, width = colours.shape[:2]
    edge = _edge_width(colours)
    exactly = tone.astype(np.float64)
    x, y, wide, high = cv2.boundingRect(cv2.bitwise_not(cv2.inRange(colours, exactly, exactly)))
    return not wide or (min(x, y) >= edge and x + wide <= width - edge and y + high <= height - edge)


def _is_even(colours: Colours, histogram: GreyHistogram | None, tone: NDArray[np.float32]) -> bool:
    """Tell whether `tone` is most of the picture, or one of two tones that are."""
    level = float(tone[0])
    share = histogram.share_within(level - SAME_TONE, level + SAME_TONE) if histogram else _near_share(colours, tone)
    if share > MUCH_PAPER or share <= LEAST_PAPER:
        return share > MUCH_PAPER
    rest = colours[_near(colours, tone) == 0]
    return share + (1 - share) * _near_share(rest, np.median(rest, axis=0)) > TWO_TONES


def _ring(colours: Colours) -> Colours:
    """Return the pixels along the picture's edge, [N, C]."""
    edge = _edge_width(colours)
    sides = (colours[:edge], colours[-edge:], colours[:, :edge], colours[:, -edge:])
    return np.concatenate([_flat(side) for side in sides])


def _edge_width(colours: Colours) -> int:
    """Return how many pixels from the picture's edge count as its edge."""
    return max(1, int(min(colours.shape[:2])) // 40)


def _edge_tone(colours: Colours, ring: Colours) -> NDArray[np.float32]:
    """Return the colour [C] of three corners if they agree, else of most of the edge: digits seldom fill corners."""
    edge = _edge_width(colours)
    near, far = slice(None, edge), slice(-edge, None)
    corners = [_flat(colours[rows, columns]) for rows in (near, far) for columns in (near, far)]
    tones = np.array([np.median(corner, axis=0) for corner in corners])
    agreeing = (np.abs(tones[:, None] - tones).max(2) <= SAME_TONE).sum(1)
    tone = tones[agreeing.argmax()] if agreeing.max() >= 3 else np.median(ring, axis=0)
    return np.asarray(tone, np.float32)


def _flat(colours: Colours) -> Colours:
    return colours.reshape(-1, colours.shape[-1])


def _near_share(colours: Colours, tone: NDArray[np.floating]) -> float:
    """Return the share of the colours [..., C] that are near `tone`."""
    near = _near(colours, tone)
    return cv2.countNonZero(near) / near.size


def _near(colours: Colours, tone: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return 255 for colours [..., C] within `SAME_TONE` of `tone` in every channel, else 0: [...]."""
    low, high = np.ceil(tone - SAME_TONE).clip(0, 255), np.floor(tone + SAME_TONE).clip(0, 255)
    table = colours.reshape(-1, 1, colours.shape[-1]) if colours.ndim == 2 else colours
    near = cv2.inRange(table, low.astype(np.float64), high.astype(np.float64))
    return np.asarray(near, np.uint8).reshape(colours.shape[:-1])


def _shading(colours: Colours) -> NDArray[np.float32]:
    """Estimate uneven paper, [H, W, C].

    The median of wide windows, in which strokes are the minority, tells whether the ink is darker or lighter than the
    paper, channel by channel; then a closing (or opening) takes the strokes away and keeps the edges of shadows.
    """
    height, width, channels = colours.shape
    scale = SHADING_SIDE / max(height, width)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], channels)
    wide = _wide_median(small)
    axis, _ = find_ink_axis((small - wide).reshape(-1, channels))
    window = np.ones((STROKE_WINDOW, STROKE_WINDOW), np.uint8)
    for channel in range(channels):
        operation = cv2.MORPH_CLOSE if axis[channel] < 0 else cv2.MORPH_OPEN
        wide[..., channel] = cv2.morphologyEx(small[..., channel], operation, window)
    smooth = cv2.GaussianBlur(wide.astype(np.float32), (0, 0), 1)
    full = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.float32).reshape(colours.shape)


def _wide_median(small: NDArray[np.integer | np.floating]) -> NDArray[np.float32]:
    """Return the median of the window around each pixel of [h, w, C], the edges mirrored outwards."""
    margin = WIDE_WINDOW // 2
    padded = np.asarray(cv2.copyMakeBorder(small, margin, margin, margin, margin, cv2.BORDER_REFLECT), np.uint8)
    median = cv2.medianBlur(padded, WIDE_WINDOW)[margin:-margin, margin:-margin]
    return np.asarray(median, np.float32).reshape(small.shape)
