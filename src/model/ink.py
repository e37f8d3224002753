"""Colours → ink: how much of the pen lies on each pixel, whatever pen and paper were.

Neither polarity nor colour is assumed. The paper's colour is found first (its even tone, or its shading), then the
colour that stands farthest from it is the ink's, and each pixel is measured along the line between the two.
"""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model import levels
from src.model.decode import Colours
from src.model.errors import BlankPicture
from src.model.levels import Counts
from src.model.pen import along, find_pen, grain

Ink = NDArray[np.float32]  # [H, W] in 0..1, 0 is paper

SAME_TONE: Final = 10  # levels of 255: colours as near as this count as one tone
TWO_TONES: Final = 0.8  # of the pixels: a picture of two tones up to this share has even paper
RING_SHARE: Final = 0.7  # of the pixels along the edge: with fewer of its tone the paper is not even
LEAST_PAPER: Final = 0.1  # of the pixels: and then its paper is at least this
MUCH_PAPER: Final = 0.5  # of the pixels: with as many of one tone, paper is even whatever the rest is
SHADING_SIDE: Final = 96  # pixels: shading is smooth, so that a small copy shows it whole
WIDE_WINDOW: Final = 45  # pixels of that copy, in which the ink is the minority
STROKE_WINDOW: Final = 17  # pixels of that copy, wider than any stroke
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
    counts = Counts(colours[..., 0]) if colours.shape[2] == 1 else None
    paper = _paper(colours, counts)
    if counts and paper.shape == (1,):
        ink = _by_level(colours[..., 0], counts, float(paper[0]))
    else:
        ink = _by_pixel(colours, paper)
    inside = _inside_box(ink)
    return ink if inside is None else find_ink(colours[inside])


def _by_level(grey: NDArray[np.uint8], counts: Counts, paper: float) -> Ink:
    """Return the ink on grey [H, W] on even paper, level by level."""
    sign, reach = levels.find_pen(counts, paper)
    _require_ink(reach, FAINTEST, levels.grain(counts, paper, sign, reach / 2))
    table = (levels.LEVELS - np.float32(paper)) / np.float32(sign * reach)
    return np.asarray(cv2.LUT(grey, np.minimum(np.maximum(table, 0), 1)), np.float32)


def _by_pixel(colours: Colours, paper: NDArray[np.float32]) -> Ink:
    """Return the ink on [H, W, C], pixel by pixel."""
    difference = (colours - paper).reshape(-1, colours.shape[2])
    pen, reach = find_pen(difference)
    ink = along(pen, difference)
    faintest = FAINTEST if paper.ndim == 1 else FAINTEST_SHADED
    _require_ink(reach, faintest * math.sqrt(len(pen)), grain(ink, reach / 2))
    return np.asarray(np.clip(ink / np.float32(reach), 0, 1), np.float32).reshape(colours.shape[:2])


def _require_ink(reach: float, faintest: float, paper_grain: float) -> None:
    """Raise `BlankPicture` where the ink lies no farther from the paper than paper itself does."""
    if reach < max(faintest, NOISE_TIMES * paper_grain):
        raise BlankPicture("The picture is blank. Draw or photograph one digit, dark on light or light on dark.")


def _paper(colours: Colours, counts: Counts | None) -> NDArray[np.float32]:
    """Return the paper's colour: [C] where it is even, [H, W, C] where it is shaded. `counts` are of greys."""
    tone = np.asarray(colours[0, 0], np.float32)
    if not _is_edged(colours, tone):
        ring = _ring(colours)
        tone = _edge_tone(colours, ring)
        if _near_share(ring, tone) <= RING_SHARE:
            return _shading(colours)
    return tone if _is_even(colours, counts, tone) else _shading(colours)


def _is_edged(colours: Colours, tone: NDArray[np.float32]) -> bool:
    """Tell whether all of the picture's edge is exactly of one tone, as on most drawings."""
    height, width = colours.shape[:2]
    edge = _edge_width(colours)
    exactly = tone.astype(np.float64)
    x, y, wide, high = cv2.boundingRect(cv2.bitwise_not(cv2.inRange(colours, exactly, exactly)))
    return not wide or (min(x, y) >= edge and x + wide <= width - edge and y + high <= height - edge)


def _is_even(colours: Colours, counts: Counts | None, tone: NDArray[np.float32]) -> bool:
    """Tell whether `tone` is most of the picture, or one of two tones that are."""
    share = _counted_share(counts, float(tone[0])) if counts else _near_share(colours, tone)
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


def _counted_share(counts: Counts, tone: float) -> float:
    """Return the share of greys that are near `tone`."""
    return counts.within(math.ceil(tone - SAME_TONE), math.floor(tone + SAME_TONE)) / counts.below[-1]


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
    pen, _ = find_pen((small - wide).reshape(-1, channels))
    window = np.ones((STROKE_WINDOW, STROKE_WINDOW), np.uint8)
    for channel in range(channels):
        operation = cv2.MORPH_CLOSE if pen[channel] < 0 else cv2.MORPH_OPEN
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
