"""From ink to candidate digits: a segmentation graph for each line of text.

Boundaries lie between the primitives of a line. A candidate is a run of primitives, between two boundaries, framed as
in MNIST; a path through the graph, from the first boundary to the last, is a reading. LeCun et al., "Gradient-based
learning applied to document recognition" (1998), section IV.
"""

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.errors import BlankPicture
from src.model.preprocessing.candidates import list_inks, list_page_inks, read_boxes
from src.model.preprocessing.components import NO_STROKE
from src.model.preprocessing.decode import decode, measure_size
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import (
    SIDE,
    Candidates,
    centre,
    fit_to_box,
    frame_all,
    measure_stroke_width,
    normalise_stroke_width,
)
from src.model.preprocessing.segmentation.primitives import Primitives, find_pieces, split_line, threshold
from src.model.preprocessing.segmentation.text_lines import group_lines, measure_digit_height

DIGIT_HEIGHT: Final = 80  # pixels: pictures are scaled so that most digits are this high ...
MAX_ENLARGED_SIDE: Final = 800  # ... but not enlarged beyond this
MIN_THICKNESS: Final = 2.0  # pixels of the scaled picture: thinner strokes are thickened
MAX_PIECES: Final = 256  # on a picture; of more, the smallest are left out
MAX_CUTS: Final = 256  # on a picture; components found later are not cut
MAX_RUN: Final = 16  # primitives of a candidate, unless it is a whole component
MAX_WIDTH: Final = 1.8  # of the digit height: wider candidates are whole components only
MAX_GAP: Final = 0.4  # of the digit height: primitives farther apart are no digit

CONTEXT_SIZE: Final = (24, 36)  # rows and columns of a context
CONTEXT_SCALE: Final = 16  # rows that a digit takes up in a context


@dataclass(frozen=True)
class LineGraph:
    """The segmentation graph of a line: E candidates between B boundaries. They are drawn only when they are needed."""

    primitives: Primitives
    height: float  # of the digits, in the pixels of the primitives
    spans: NDArray[np.intp]  # [E, 2]: the boundaries where each candidate begins and ends
    boxes: NDArray[np.float64]  # [E, 4]: left, top, width, height in pixels of the picture
    is_cut: NDArray[np.bool_]  # [B]: whether a component is cut at a boundary

    def frame(self, index: int) -> Ink:
        """Return a candidate framed as in MNIST, [28, 28] in 0..1; blank if it is a dot."""
        start, end = self.spans[index]
        left, top, right, bottom = _bound(self.primitives.boxes[start:end])
        area = slice(top, bottom), slice(left, right)
        ids = self.primitives.ids[area]
        strokes = np.where((ids >= start) & (ids < end), self.primitives.ink[area], np.float32(0))
        try:
            return centre(fit_to_box(normalise_stroke_width(strokes)))
        except BlankPicture:
            return np.zeros((SIDE, SIDE), np.float32)

    def draw_contexts(self, indices: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return candidates, and the rest of the line around each, at the scale of the line: [N, 2, 24, 36] in 0..1."""
        rows, columns = (max(1, round(side * self.height / CONTEXT_SCALE)) for side in CONTEXT_SIZE)
        contexts = np.empty((len(indices), 2, *CONTEXT_SIZE), np.float32)
        for context, (start, end) in zip(contexts, self.spans[indices], strict=True):
            left, top, right, bottom = _bound(self.primitives.boxes[start:end])
            y, x = (top + bottom) // 2 + rows // 2 - rows, (left + right) // 2 + columns // 2 - columns
            ink, ids = self._cut_out(y, x, (rows, columns))
            own = np.where((ids >= start) & (ids < end), ink, np.float32(0))
            for layer, picture in zip(context, (own, ink - own), strict=True):
                layer[:] = cv2.resize(picture, CONTEXT_SIZE[::-1], interpolation=cv2.INTER_AREA)
        return contexts

    def _cut_out(self, y: int, x: int, shape: tuple[int, int]) -> tuple[Ink, NDArray[np.int16]]:
        """Return the ink and the primitives of a rectangle that starts at (y, x) and may go beyond the line."""
        ink, ids = np.zeros(shape, np.float32), np.full(shape, -1, np.int16)
        top, left = max(y, 0), max(x, 0)
        inside = slice(top, max(y + shape[0], top)), slice(left, max(x + shape[1], left))
        found = self.primitives.ink[inside]
        place = slice(top - y, top - y + found.shape[0]), slice(left - x, left - x + found.shape[1])
        ink[place], ids[place] = found, self.primitives.ids[inside]
        return ink, ids


@dataclass(frozen=True)
class Segmentation:
    """The lines of a picture, in reading order."""

    lines: list[LineGraph]
    truncated: bool  # there were too many pieces, and the smallest were left out


@dataclass(frozen=True)
class SegmentedPicture:
    """A picture as a single digit, and as lines of candidates with their boxes in pixels of the upright picture."""

    candidates: Candidates
    segmentations: tuple[Segmentation, ...]  # of each reading of the page that holds a stroke, the likeliest first


def segment_picture(data: bytes, max_pixels: int, keep_steps: bool = False) -> SegmentedPicture:
    """Return the picture file `data` as `preprocess` does, and segmented. Raises a `PictureError`."""
    colours = decode(data, max_pixels)
    boxes = read_boxes(colours)
    candidates = frame_all(list_inks(boxes), keep_steps)
    width, height = measure_size(data, colours)
    scale = np.array([width / colours.shape[1], height / colours.shape[0]] * 2)
    segmentations = []
    for ink in list_page_inks(colours, boxes):
        with suppress(BlankPicture):
            segmentation = segment(ink)
            lines = [replace(line, boxes=line.boxes * scale) for line in segmentation.lines]
            segmentations.append(replace(segmentation, lines=lines))
    return SegmentedPicture(candidates, tuple(segmentations))


def segment(ink: Ink) -> Segmentation:
    """Return the candidates on a picture from its `ink`, [H, W]. Raises `BlankPicture` if there is no stroke."""
    ink, scale = _normalise_height(ink)
    strokes = threshold(ink)
    pieces = find_pieces(strokes, MAX_PIECES)
    if not len(pieces.label):
        raise BlankPicture(NO_STROKE)
    boxes = pieces.boxes.astype(np.float64)
    graphs, max_cuts = [], MAX_CUTS
    for line in group_lines(boxes, measure_digit_height(boxes, pieces.mass)):
        height = measure_digit_height(boxes[line], pieces.mass[line])
        primitives = split_line(strokes, pieces, line, height, max_cuts)
        max_cuts -= len(primitives.pieces) - len(line)
        graphs.append(build_graph(primitives, height, scale))
    return Segmentation(graphs, pieces.truncated)


def _normalise_height(ink: Ink) -> tuple[Ink, float]:
    """Scale a picture so that its digits are about `DIGIT_HEIGHT` high; return it and the factor."""
    pieces = find_pieces(threshold(ink), MAX_PIECES)
    if not len(pieces.label):
        return ink, 1.0
    factor = DIGIT_HEIGHT / measure_digit_height(pieces.boxes.astype(np.float64), pieces.mass)
    factor = min(factor, max(1.0, MAX_ENLARGED_SIDE / max(ink.shape)))
    if (thickness := measure_stroke_width(ink)) * factor < MIN_THICKNESS:  # hairlines would fade
        side = math.ceil(MIN_THICKNESS / factor - thickness) + 1
        ink = np.asarray(cv2.dilate(ink, np.ones((side, side), np.uint8)), np.float32)
    size = tuple(max(1, round(side * factor)) for side in ink.shape[::-1])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(np.clip(cv2.resize(ink, size, interpolation=method), 0, 1), np.float32), factor


def build_graph(primitives: Primitives, height: float, scale: float = 1.0) -> LineGraph:
    """Return the segmentation graph of a line whose digits are `height` high, in a picture enlarged by `scale`."""
    gaps, is_cut = _describe_boundaries(primitives)
    spans = np.array(_list_spans(primitives, gaps / height, is_cut, height), np.intp)
    boxes = np.array([_bound(primitives.boxes[start:end]) for start, end in spans])
    placed = np.column_stack([boxes[:, :2] + (primitives.left, primitives.top), boxes[:, 2:] - boxes[:, :2]]) / scale
    return LineGraph(primitives, height, spans, placed, is_cut)


def _bound(boxes: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])


def _describe_boundaries(primitives: Primitives) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the gap in pixels, negative if primitives overlap, and whether a piece is cut, at each boundary."""
    count = len(primitives.pieces)
    gaps, is_cut = np.zeros(count + 1), np.zeros(count + 1, bool)
    ends = np.maximum.accumulate(primitives.boxes[:, 2])
    gaps[1:-1] = primitives.boxes[1:, 0] - ends[:-1]
    for piece in np.unique(primitives.pieces):
        parts = np.flatnonzero(primitives.pieces == piece)
        is_cut[parts[0] + 1 : parts[-1] + 1] = True
    return gaps, is_cut


def _list_spans(
    primitives: Primitives, gaps: NDArray[np.float64], is_cut: NDArray[np.bool_], height: float
) -> list[tuple[int, int]]:
    """Return the runs of primitives that may be digits: all that are not too wide, and those without a cut at an end.

    There is a path through them with and without cuts.
    """
    whole = np.flatnonzero(~is_cut).tolist()
    next_whole = dict(pairwise(whole))
    spans = []
    for start in range(len(primitives.pieces)):
        right = 0
        left = primitives.boxes[start, 0]
        for end in range(start + 1, len(primitives.pieces) + 1):
            if end > start + 1 and not is_cut[end - 1] and gaps[end - 1] > MAX_GAP:
                break
            left, right = min(left, primitives.boxes[end - 1, 0]), max(right, primitives.boxes[end - 1, 2])
            is_narrow = right - left <= MAX_WIDTH * height and end - start <= MAX_RUN
            if is_narrow or end == start + 1 or next_whole.get(start) == end:
                spans.append((start, end))
    return spans
