"""Split the ink of a line of text into primitives: the smallest parts of which digits may consist, from left to right.

A primitive is a connected component, or one of the parts into which a component is cut where digits may touch.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.components import STRONG_INK, WEAK_INK
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import measure_stroke_width
from src.model.preprocessing.segmentation.cuts import find_cuts

MIN_SPECK: Final = 0.75  # of the stroke width: pieces whose longer side is shorter are specks
MIN_CUT_WIDTH: Final = 0.3  # of the digit height: narrower pieces are not cut

Labels = NDArray[np.int32]  # [H, W]


@dataclass(frozen=True)
class Pieces:
    """Connected components that are strokes, not specks."""

    labels: Labels  # of the components in the picture
    label: NDArray[np.intp]  # [N]: which of the labels are pieces
    boxes: NDArray[np.int32]  # [N, 4]: left, top, width, height
    mass: NDArray[np.float64]  # [N]: sum of the ink
    truncated: bool  # there were more, and the smallest were left out


@dataclass(frozen=True)
class Primitives:
    """The primitives of a line, in the bounding box of the line."""

    left: int  # of the bounding box in the picture
    top: int
    ink: Ink  # [h, w]
    ids: NDArray[np.int16]  # [h, w]: number of the primitive, -1 elsewhere
    boxes: NDArray[np.intp]  # [P, 4]: left, top, right, bottom
    pieces: NDArray[np.intp]  # [P]: the piece that each one is part of


def find_pieces(strokes: Ink, max_pieces: int) -> Pieces:
    """Return the `max_pieces` largest pieces of `strokes`, [H, W], which is 0 where there is hardly any ink."""
    mask = (strokes > 0).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    mass = np.bincount(labels.ravel(), strokes.ravel(), count)
    is_stroke = np.bincount(labels[strokes > STRONG_INK], minlength=count) > 0
    is_stroke[0] = False
    strong = np.flatnonzero(is_stroke)
    sides = stats[strong, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(1)
    kept = strong[sides >= min(MIN_SPECK * measure_stroke_width(strokes), sides.max(initial=0))]
    largest = kept[mass[kept].argsort()[::-1][:max_pieces]]
    boxes = np.asarray(stats[largest, :4], np.int32)
    return Pieces(np.asarray(labels, np.int32), largest, boxes, mass[largest], len(kept) > max_pieces)


def threshold(ink: Ink) -> Ink:
    """Return `ink` with 0 where it is too weak to be part of a stroke."""
    return np.asarray(cv2.threshold(ink, WEAK_INK, 0, cv2.THRESH_TOZERO)[1], np.float32)


def split_line(strokes: Ink, pieces: Pieces, line: NDArray[np.intp], height: float, max_cuts: int) -> Primitives:
    """Return the primitives of the line that consists of the pieces `line`; its digits are about `height` high."""
    left, top = pieces.boxes[line, :2].min(0).tolist()
    right, bottom = (pieces.boxes[line, :2] + pieces.boxes[line, 2:]).max(0).tolist()
    ids = np.full((bottom - top, right - left), -1, np.int16)
    boxes: list[tuple[int, int, int, int]] = []
    owners: list[np.intp] = []
    for number in line:
        x, y, width, height_ = pieces.boxes[number].tolist()
        area = slice(y, y + height_), slice(x, x + width)
        is_piece = pieces.labels[area] == pieces.label[number]
        parts = np.zeros(is_piece.shape, np.int32)
        if width >= MIN_CUT_WIDTH * height and max_cuts > 0:
            parts = _cut(np.where(is_piece, strokes[area], np.float32(0)), max_cuts)
            max_cuts -= int(parts.max())
        place = ids[y - top : y - top + height_, x - left : x - left + width]
        for part in range(parts.max() + 1):
            inside = is_piece & (parts == part)
            px, py, w, h = cv2.boundingRect(inside.view(np.uint8))
            if w:
                place[inside] = len(boxes)
                boxes.append((x - left + px, y - top + py, x - left + px + w, y - top + py + h))
                owners.append(number)
    placed = np.array(boxes, np.intp)
    order = (placed[:, 0] + placed[:, 2]).argsort(kind="stable")
    rank = np.append(order.argsort(), -1).astype(np.int16)
    ids = rank[ids]
    ink = np.where(ids >= 0, strokes[top:bottom, left:right], np.float32(0))
    return Primitives(left, top, ink, ids, placed[order], np.array(owners)[order])


def _cut(ink: Ink, max_cuts: int) -> Labels:
    """Return the number of the part that each pixel belongs to, from left to right, [h, w]."""
    cuts = find_cuts(ink)
    parts = np.zeros(ink.shape, np.int32)
    columns = np.arange(ink.shape[1]) + 0.5
    for path in cuts.columns[np.sort(cuts.ink.argsort(kind="stable")[:max_cuts])]:
        parts += columns > path[:, None]
    return parts
