"""The readings of a picture: what may be its paper and what its ink.

A drawing on plain paper has one. Where the paper is uneven, or ink touches the edge of the picture, there are several,
and the network tells which of them shows a digit.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from src.model.preprocessing.background import estimate_shading, find_background, find_difference
from src.model.preprocessing.components import STRONG_INK
from src.model.preprocessing.contrast import GreyHistogram
from src.model.preprocessing.decode import Colours
from src.model.preprocessing.ink import Ink, find_box, read_colours, read_grey
from src.model.preprocessing.inverted_bands import undo_inversion
from src.model.preprocessing.ruled_lines import remove_ruled_lines
from src.model.preprocessing.sheet import cover_surroundings

MAX_READINGS: Final = 8
MAX_PAGE_READINGS: Final = 4  # of a page, which take longer
SQUEEZED: Final = (80, 160)  # pixels: width and height of a digit that was stretched into a square


@dataclass(frozen=True)
class BoxReadings:
    """The readings of a picture, or of the inside of a box on it, and the row and column where it begins."""

    inks: list[Ink]
    top: int
    left: int


def find_inks(colours: Colours) -> list[Ink]:
    """Return the ink of a picture, uint8 [H, W, C], in each of its readings, float32 [H, W] in 0..1.

    The likeliest is the first: that of the inside of a box if there is one, else even paper of the border's colour.
    There is none if the contrast is too low.
    """
    return list_inks(read_boxes(colours))


def list_inks(boxes: list[BoxReadings]) -> list[Ink]:
    """Return the readings of a picture and its boxes as `find_inks` does."""
    return [ink for box in reversed(boxes) for ink in box.inks][:MAX_READINGS]


def list_page_inks(colours: Colours, boxes: list[BoxReadings]) -> list[Ink]:
    """Return the readings of a page, uint8 [H, W, C], on which there may be several digits: all are [H, W].

    If a sheet of paper lies on something, what is on the sheet comes first; then what is inside a box.
    """
    readings: list[Ink] = []
    for box in boxes:
        whole = [ink for ink in box.inks if ink.shape == box.inks[0].shape]  # not those that are squeezed
        readings = [_paste(ink, colours.shape[:2], box.top, box.left) for ink in whole] + readings
        if len(readings) >= MAX_PAGE_READINGS:
            break
    covered = cover_surroundings(colours)
    if covered is not colours and (sheet := read_colours(covered, estimate_shading(covered))) and not sheet.is_blank():
        readings = [*_repair(sheet.ink), *readings]
    return readings[:MAX_PAGE_READINGS]


def read_boxes(colours: Colours) -> list[BoxReadings]:
    """Return the readings of a picture, then those of the inside of its box, and so on, until there are enough."""
    boxes: list[BoxReadings] = []
    top = left = 0
    while True:
        inks = _read(colours)
        boxes.append(BoxReadings(inks, top, left))
        is_enough = sum(len(box.inks) for box in boxes) >= MAX_READINGS
        inside = find_box(inks[0]) if inks and not is_enough else None
        if inside is None:
            return boxes
        colours, top, left = colours[inside], top + inside[0].start, left + inside[1].start


def _paste(ink: Ink, shape: tuple[int, ...], top: int, left: int) -> Ink:
    """Return `ink` at its place in a picture of `shape` that is bare elsewhere."""
    if ink.shape == shape:
        return ink
    page = np.zeros(shape, np.float32)
    page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return page


def _read(colours: Colours) -> list[Ink]:
    """Return the readings of a picture, apart from boxes; only one if the paper is clearly even, none if it is blank.

    Else they are even paper, and shaded paper; the reverse of the first, if ink touches the edges; both narrower, if
    the digit may have been stretched into a square; and shaded paper whose ink is of the other sign, if any of these
    holds a stroke.
    """
    difference = find_difference(colours)
    histogram = GreyHistogram(colours[..., 0], difference) if colours.shape[2] == 1 else None
    paper, is_clear = find_background(colours, histogram, difference)
    if histogram:
        even = read_grey(colours[..., 0], histogram, float(paper[0]), difference)
        is_clear = is_clear or histogram.has_two_levels()
    else:
        even = read_colours(colours, paper)
    shaded = None if is_clear else read_colours(colours, estimate_shading(colours))
    readings = [reading for reading in (even, shaded) if reading]
    if all(reading.is_blank() for reading in readings):
        return []
    if is_clear and even and even.has_bare_edges(difference):
        return [even.ink]  # lines and bands would reach the edges, too
    inks = [version for reading in readings for version in _repair(reading.ink)]
    if even and any(ink is even.ink for ink in inks) and (edges := _count_edges(even.ink)):
        inks.append(1 - even.ink)
        if edges == 4 and even.ink.shape[0] == even.ink.shape[1]:
            inks += [_squeeze(even.ink), _squeeze(1 - even.ink)]
    if not is_clear and any(ink.max() > STRONG_INK for ink in inks):
        outshone = read_colours(colours, estimate_shading(colours, reverse=True))
        inks += _repair(outshone.ink) if outshone else []
    return inks


def _repair(ink: Ink) -> list[Ink]:
    """Return `ink`, and without its ruled lines or with its inverted bands inverted back if it seems to have any.

    If nothing is left without the lines, the page is ruled and blank, and `ink` is left out.
    """
    unruled = remove_ruled_lines(ink)
    if unruled is not ink:
        return [unruled, ink] if unruled.max() > STRONG_INK else [unruled]
    undone = undo_inversion(ink)
    return [ink] if undone is ink else [ink, undone]


def _count_edges(ink: Ink) -> int:
    """Return how many of the picture's edges ink touches."""
    return sum(bool(edge.max() > STRONG_INK) for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))


def _squeeze(ink: Ink) -> Ink:
    """Return square ink half as wide as it is high."""
    method = cv2.INTER_AREA if len(ink) > SQUEEZED[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(ink, SQUEEZED, interpolation=method).clip(0, 1), np.float32)
