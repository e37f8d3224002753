"""Which of the ink is the digit: strokes kept, specks and what the picture's edge cut off left out."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.ink import Ink

SURE: Final = 0.5  # a stroke reaches this much of the darkest ink somewhere ...
FAINT: Final = 0.2  # ... and goes on wherever there is at least this much
PART: Final = 0.25  # a piece whose longer side has this share of the digit's belongs to it
PART_AT_EDGE: Final = 0.6  # likewise for what touches the picture's edge, where neighbours are cut off
FRAME_SIDE: Final = 0.4  # of the picture's sides: a box drawn around the digit is at least as large ...
FRAME_RIM: Final = 0.1  # ... and its line stays within this share of its sides from its bounding box
NEIGHBOUR_HEIGHT: Final = 0.6  # a piece at least this high beside the digit is a digit of its own
NOTHING: Final = (np.zeros((1, 1), np.float32), 0)  # no strokes, no digits


@dataclass(frozen=True)
class Pieces:
    """The connected pieces of ink of a picture, background left out, in the box that holds all ink."""

    ink: Ink  # [h, w]
    labels: NDArray[np.integer]  # [h, w], 0 is paper, piece i has i + 1
    boxes: NDArray[np.int32]  # [N, 4] left, top, width, height, inside the box
    mass: NDArray[np.float64]  # [N] sum of ink
    at_edge: NDArray[np.bool_]  # [N] touches the picture's edge


def main_strokes(ink: Ink) -> tuple[Ink, int]:
    """Return the digit's ink, cut out and all else removed, and how many separate digits stand on the picture."""
    inked = (ink > FAINT).view(np.uint8)
    x, y, wide, high = cv2.boundingRect(inked)  # nothing outside it is looked at: most of a drawing is paper
    if not wide:
        return NOTHING  # where there is no pixel, OpenCV labels what isn't its own and the process dies
    there = slice(y, y + high), slice(x, x + wide)
    # the smaller kind is faster; a piece and its rim take four pixels
    kind = cv2.CV_16U if wide * high < 2**18 else cv2.CV_32S
    if cv2.connectedComponents(inked[there], connectivity=8, ltype=kind)[0] == 2:  # paper and one piece
        return (_inked(ink[there]), 1) if ink[there].max() > SURE else NOTHING
    pieces = _pieces(ink, inked, there, kind)
    kept = _belonging(pieces, np.flatnonzero(~_is_frame(pieces, ink.shape)))
    if not len(kept):
        return NOTHING
    wanted = np.zeros(len(pieces.mass) + 1, np.float32)
    wanted[kept + 1] = 1
    left, top = pieces.boxes[kept, :2].min(0)
    right, bottom = (pieces.boxes[kept, :2] + pieces.boxes[kept, 2:]).max(0)
    box = slice(top, bottom), slice(left, right)
    return pieces.ink[box] * wanted[pieces.labels[box]], _count_digits(pieces.boxes[kept])


def _inked(ink: Ink) -> Ink:
    """Return the ink without what is fainter than any stroke."""
    return np.asarray(cv2.threshold(ink, FAINT, 0, cv2.THRESH_TOZERO)[1], np.float32)


def _is_frame(pieces: Pieces, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell which pieces, [N], are a box that was drawn around the digit: large, hollow, and with something in it."""
    found = np.zeros(len(pieces.mass), bool)
    large = (pieces.boxes[:, 2:] >= FRAME_SIDE * np.array(shape[::-1])).all(1)
    for number in np.flatnonzero(large):
        left, top, width, height = pieces.boxes[number]
        rim_x, rim_y = max(2, int(FRAME_RIM * width)), max(2, int(FRAME_RIM * height))
        inside = pieces.labels[top + rim_y : top + height - rim_y, left + rim_x : left + width - rim_x]
        others = np.unique(inside[inside > 0]) - 1
        hollow = len(others) > 0 and number not in others
        found[number] = hollow and pieces.boxes[others, 2:].max() >= PART * max(width, height)
    return found


def _pieces(ink: Ink, inked: NDArray[np.uint8], there: tuple[slice, slice], kind: int) -> Pieces:
    """Find the connected pieces that hold some sure ink, with the fainter ink that goes on from it."""
    ink_there = ink[there]
    found = cv2.connectedComponentsWithStats(inked[there], connectivity=8, ltype=kind)
    count, labels, stats = found[:3]
    sure = np.bincount(labels[ink_there > SURE], minlength=count) > 0
    sure[0] = False
    new = np.asarray(np.cumsum(sure) * sure, np.int32)
    boxes = np.asarray(stats[sure, :4], np.int32)
    corner = (there[1].start, there[0].start)
    start, end = boxes[:, :2] + corner, boxes[:, :2] + boxes[:, 2:] + corner
    at_edge = (start == 0).any(1) | (end == ink.shape[::-1]).any(1)
    mass = np.asarray(np.bincount(labels.ravel(), ink_there.ravel(), minlength=count)[sure], np.float64)
    return Pieces(ink_there, new[labels], boxes, mass, at_edge)


def _belonging(pieces: Pieces, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return those of the pieces `numbers` that make up the digit: the heaviest, and what is no speck beside it."""
    if not len(numbers):
        return numbers
    at_edge = pieces.at_edge[numbers]
    weight = pieces.mass[numbers] * np.where(at_edge & ~at_edge.all(), 0.5, 1.0)
    side = pieces.boxes[numbers, 2:].max(1)
    kept = side >= np.where(at_edge, PART_AT_EDGE, PART) * side[weight.argmax()]
    kept[weight.argmax()] = True
    return np.asarray(numbers[kept])


def _count_digits(boxes: NDArray[np.int32]) -> int:
    """Count the groups of pieces that don't overlap from left to right and are about as high as the highest."""
    tall = boxes[boxes[:, 3] >= NEIGHBOUR_HEIGHT * boxes[:, 3].max()]
    groups, reach = 0, -1
    for left, _, width, _ in tall[tall[:, 0].argsort()]:
        groups += int(left > reach)
        reach = max(reach, left + width)
    return groups
