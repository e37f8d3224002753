"""Select the connected pieces of ink that form the digit; remove specks, drawn frames and cut-off neighbours."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.errors import BlankPicture
from src.model.preprocessing.ink import Ink

WEAK_INK: Final = 0.2  # hysteresis thresholding: pixels above this belong to a component ...
STRONG_INK: Final = 0.5  # ... and a component with a pixel above this is a stroke
MIN_PART: Final = 0.25  # a stroke is part of the digit if its longer side has this share of the heaviest stroke's
MIN_PART_AT_EDGE: Final = 0.6  # the same at the picture's edge, where neighbouring digits are cut off
MIN_FRAME_SIDE: Final = 0.4  # of the picture's sides: the size of a frame drawn around the digit
FRAME_RIM: Final = 0.1  # of the frame's sides: its line lies this close to its bounding box
MAX_FRAMES: Final = 4  # strokes checked for being a frame, the largest first: more can't be large side by side
MIN_DIGIT_HEIGHT: Final = 0.6  # of the highest stroke: lower strokes are no digits of their own
NO_STROKE: Final = "There is no stroke on the picture. Draw or photograph one digit."
MAX_LABELS: Final = 2**16  # of 16 bits, which are faster than 32
MIN_COMPONENT: Final = 4  # pixels that a component takes up at least, with the paper around it


@dataclass(frozen=True)
class Components:
    """The connected components of the ink, in the bounding box of all ink.

    Row i of the arrays [N, ...] describes the component with label i; label 0 is the paper.
    """

    labels: NDArray[np.integer]  # [h, w]
    boxes: NDArray[np.int32]  # [N, 4]: left, top, width, height
    mass: NDArray[np.float64]  # [N]: sum of the ink
    is_stroke: NDArray[np.bool_]  # [N]: has strong ink
    at_edge: NDArray[np.bool_]  # [N]: touches the picture's edge


def extract_digit(ink: Ink) -> tuple[Ink, int]:
    """Return the ink of the digit, cut out and without anything else, and how many digits stand side by side.

    Raises `BlankPicture` if there is no stroke.
    """
    mask = (ink > WEAK_INK).view(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)  # most of a drawing is paper
    box = slice(top, top + height), slice(left, left + width)
    if not width or ink[box].max() <= STRONG_INK:  # OpenCV crashes when it labels an empty picture
        raise BlankPicture(NO_STROKE)
    strokes = np.asarray(cv2.threshold(ink[box], WEAK_INK, 0, cv2.THRESH_TOZERO)[1], np.float32)
    label_type = cv2.CV_16U if strokes.size < MAX_LABELS * MIN_COMPONENT else cv2.CV_32S
    count, _ = cv2.connectedComponents(mask[box], connectivity=8, ltype=label_type)
    if count == 2:  # the paper and one stroke, as on most drawings
        return strokes, 1
    components = _find_components(strokes, label_type, (left, top), ink.shape)
    kept = _select_digit(components, ink.shape)
    if not len(kept):
        raise BlankPicture(NO_STROKE)
    left, top = components.boxes[kept, :2].min(0)
    right, bottom = (components.boxes[kept, :2] + components.boxes[kept, 2:]).max(0)
    digit = slice(top, bottom), slice(left, right)
    is_kept = np.zeros(len(components.boxes), np.float32)
    is_kept[kept] = 1
    return strokes[digit] * is_kept[components.labels[digit]], _count_digits(components.boxes[kept])


def _find_components(strokes: Ink, label_type: int, offset: tuple[int, int], shape: tuple[int, ...]) -> Components:
    """Return the components of `strokes`, which start at `offset` (x, y) of a picture of `shape`."""
    mask = strokes > 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8, ltype=label_type)
    boxes = np.asarray(stats[:, :4], np.int32)
    start = boxes[:, :2] + offset
    return Components(
        labels=np.asarray(labels, np.uint16 if label_type == cv2.CV_16U else np.int32),
        boxes=boxes,
        mass=np.asarray(np.bincount(labels[mask], strokes[mask], minlength=count), np.float64),
        is_stroke=np.bincount(labels[strokes > STRONG_INK], minlength=count) > 0,
        at_edge=(start == 0).any(1) | (start + boxes[:, 2:] == shape[::-1]).any(1),
    )


def _select_digit(components: Components, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the labels of the digit's strokes: the heaviest one, and those that are not too small beside it."""
    is_candidate = components.is_stroke.copy()
    is_large = (components.boxes[:, 2:] >= MIN_FRAME_SIDE * np.array(shape[::-1])).all(1)
    large = np.flatnonzero(components.is_stroke & is_large)
    for label in large[components.boxes[large, 2:].prod(1).argsort()[::-1]][:MAX_FRAMES]:
        is_candidate[label] = not _is_frame(components, label)
    strokes = np.flatnonzero(is_candidate)
    if not len(strokes):
        return strokes
    at_edge = components.at_edge[strokes]
    weight = components.mass[strokes] * np.where(at_edge & ~at_edge.all(), 0.5, 1.0)
    side = components.boxes[strokes, 2:].max(1)
    is_part = side >= np.where(at_edge, MIN_PART_AT_EDGE, MIN_PART) * side[weight.argmax()]
    is_part[weight.argmax()] = True
    return np.asarray(strokes[is_part])


def _is_frame(components: Components, label: np.intp) -> bool:
    """Return whether a large component is a frame drawn around the digit: hollow, with another stroke inside."""
    left, top, width, height = components.boxes[label]
    rim_x, rim_y = max(2, int(FRAME_RIM * width)), max(2, int(FRAME_RIM * height))
    inner = components.labels[top + rim_y : top + height - rim_y, left + rim_x : left + width - rim_x]
    is_inside = np.bincount(inner.ravel(), minlength=len(components.boxes)) > 0
    if is_inside[label]:
        return False
    return bool(components.boxes[is_inside & components.is_stroke, 2:].max(initial=0) >= MIN_PART * max(width, height))


def _count_digits(boxes: NDArray[np.int32]) -> int:
    """Count the groups of strokes, [N, 4], that overlap from left to right, leaving out low ones."""
    high = boxes[boxes[:, 3] >= MIN_DIGIT_HEIGHT * boxes[:, 3].max()]
    high = high[high[:, 0].argsort()]
    ends = np.maximum.accumulate(high[:, 0] + high[:, 2])  # of the group that each stroke belongs to or begins
    return 1 + int((high[1:, 0] > ends[:-1]).sum())
