"""From ink to candidate digits: a segmentation graph for each line of text.

A line's ink is split into primitives, from left to right: its connected components, and the parts of components that
may be digits that touch. Boundaries lie between them. A candidate is a run of primitives, framed as in MNIST; the
network judges whether it is a digit, and a path through the graph, from the first boundary to the last, is a reading.
LeCun et al., "Gradient-based learning applied to document recognition" (1998), section IV.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.errors import BlankPicture
from src.model.preprocessing.components import NO_STROKE, STRONG_INK, WEAK_INK
from src.model.preprocessing.cuts import find_cuts
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import SIDE, centre, fit_to_box, measure_stroke_width, normalise_stroke_width
from src.model.preprocessing.text_lines import group_lines, measure_digit_height

MIN_SIDE: Final = 160  # pixels: smaller pictures are enlarged, so that paths between digits are found
MIN_SPECK: Final = 0.75  # of the stroke width: pieces whose longer side is shorter are specks
MAX_PIECES: Final = 256  # on a picture; of more, the smallest are left out
MAX_WIDTH: Final = 1.8  # of the line's digit height: wider candidates are single components only
MAX_GAP: Final = 0.4  # of the line's digit height: pieces farther apart are no digit
MIN_CUT_WIDTH: Final = 0.4  # of the line's digit height: narrower components are not cut
MAX_CUT: Final = 2.2  # stroke widths that a cut may cross


@dataclass(frozen=True)
class LineGraph:
    """The segmentation graph of a line: E candidates between B boundaries. All lengths are in digit heights."""

    pixels: NDArray[np.float32]  # [E, 28, 28] in 0..1, framed as in MNIST
    spans: NDArray[np.intp]  # [E, 2]: the boundaries where each candidate begins and ends
    boxes: NDArray[np.float64]  # [E, 4]: left, top, width, height in pixels of the picture
    heights: NDArray[np.float64]  # [E]: of the candidates
    gaps: NDArray[np.float64]  # [B]: between the primitives at a boundary; negative if they overlap; NaN at a cut
    cuts: NDArray[np.float64]  # [B]: stroke widths that are cut through at a boundary; 0 between components


@dataclass(frozen=True)
class Segmentation:
    """The lines of a picture, in reading order."""

    lines: list[LineGraph]
    truncated: bool  # there were too many pieces, and the smallest were left out


@dataclass(frozen=True)
class _Piece:
    """A connected component: its label and box in the picture, and the sum of its ink."""

    label: int
    left: int
    top: int
    width: int
    height: int
    mass: float


@dataclass(frozen=True)
class _Primitive:
    """A component or a part of one: box [left, top, right, bottom], and what was cut to separate it from the last."""

    component: int
    box: tuple[int, int, int, int]
    cut: float


def segment(ink: Ink) -> Segmentation:
    """Return the candidates of a picture's `ink`, [H, W]. Raises `BlankPicture` if there is no stroke."""
    scale = max(1.0, MIN_SIDE / max(ink.shape))
    if scale > 1:
        large = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        ink = np.asarray(np.clip(large, 0, 1), np.float32)
    strokes = np.asarray(cv2.threshold(ink, WEAK_INK, 0, cv2.THRESH_TOZERO)[1], np.float32)
    labels, pieces, truncated = _find_pieces(strokes)
    if not pieces:
        raise BlankPicture(NO_STROKE)
    boxes = np.array([(piece.left, piece.top, piece.width, piece.height) for piece in pieces], np.float64)
    height = measure_digit_height(boxes, np.array([piece.mass for piece in pieces]))
    lines = [_build_graph(strokes, labels, [pieces[i] for i in line], scale) for line in group_lines(boxes, height)]
    return Segmentation(lines, truncated)


def _find_pieces(strokes: Ink) -> tuple[NDArray[np.int32], list[_Piece], bool]:
    """Return the labels, [H, W], the components that are strokes, and whether some were left out."""
    mask = (strokes > 0).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    mass = np.bincount(labels.ravel(), strokes.ravel(), count)
    is_stroke = np.bincount(labels[strokes > STRONG_INK], minlength=count) > 0
    is_stroke[0] = False
    candidates = np.flatnonzero(is_stroke)
    if not len(candidates):
        return labels, [], False
    stroke_width = measure_stroke_width(strokes)
    sides = stats[candidates, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(1)
    kept = candidates[(sides >= MIN_SPECK * stroke_width) | (sides == sides.max())]
    largest = kept[mass[kept].argsort()[::-1][:MAX_PIECES]]
    pieces = [_Piece(int(label), *stats[label, :4].tolist(), float(mass[label])) for label in largest]
    return np.asarray(labels, np.int32), pieces, len(kept) > MAX_PIECES


def _build_graph(strokes: Ink, labels: NDArray[np.int32], pieces: list[_Piece], scale: float) -> LineGraph:
    """Return the segmentation graph of the line that consists of `pieces`."""
    boxes = np.array([(piece.left, piece.top, piece.width, piece.height) for piece in pieces], np.float64)
    height = measure_digit_height(boxes, np.array([piece.mass for piece in pieces]))
    left, top = boxes[:, :2].min(0).astype(int)
    right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(0).astype(int)
    ids = np.full((bottom - top, right - left), -1, np.int32)
    primitives = _split(strokes, labels, pieces, height, ids, (left, top))
    order = sorted(range(len(primitives)), key=lambda i: primitives[i].box[0] + primitives[i].box[2])
    rank = np.empty(len(order) + 1, np.int32)
    rank[order] = np.arange(len(order))
    rank[-1] = -1
    ids = rank[ids]
    ordered = [primitives[i] for i in order]
    gaps, cuts = _describe_boundaries(ordered, height)
    line_ink = strokes[top:bottom, left:right]
    spans = _list_spans(ordered, gaps, cuts, height)
    pixels, candidate_boxes = [], []
    for start, end in spans:
        box = np.array([primitive.box for primitive in ordered[start:end]])
        (x, y), (x2, y2) = box[:, :2].min(0), box[:, 2:].max(0)
        area = slice(y - top, y2 - top), slice(x - left, x2 - left)
        inside = (ids[area] >= start) & (ids[area] < end)
        pixels.append(frame_strokes(np.where(inside, line_ink[area], np.float32(0))))
        candidate_boxes.append((x, y, x2 - x, y2 - y))
    placed = np.array(candidate_boxes, np.float64)
    return LineGraph(np.array(pixels), np.array(spans), placed / scale, placed[:, 3] / height, gaps, cuts)


def frame_strokes(strokes: Ink) -> Ink:
    """Return the strokes of one digit, cut out, framed as in MNIST: [28, 28]."""
    return centre(fit_to_box(normalise_stroke_width(strokes)))


def _split(
    strokes: Ink,
    labels: NDArray[np.int32],
    pieces: list[_Piece],
    height: float,
    ids: NDArray[np.int32],
    offset: tuple[int, int],
) -> list[_Primitive]:
    """Return the primitives of a line and write their numbers into `ids`, which starts at `offset` of the picture."""
    primitives: list[_Primitive] = []
    for number, piece in enumerate(pieces):
        area = slice(piece.top, piece.top + piece.height), slice(piece.left, piece.left + piece.width)
        place = ids[
            piece.top - offset[1] : piece.top - offset[1] + piece.height,
            piece.left - offset[0] : piece.left - offset[0] + piece.width,
        ]
        is_piece = labels[area] == piece.label
        part_of = np.zeros(is_piece.shape, np.int32)
        costs = np.zeros(1)
        if piece.width >= MIN_CUT_WIDTH * height:
            ink = np.where(is_piece, strokes[area], np.float32(0))
            cuts = find_cuts(ink)
            crossed = cuts.ink / measure_stroke_width(ink)
            kept = crossed <= MAX_CUT
            columns = np.arange(piece.width) + 0.5
            for path in cuts.columns[kept]:
                part_of += columns > path[:, None]
            costs = np.append(costs, crossed[kept])
        for part, cost in enumerate(costs):
            inside = is_piece & (part_of == part)
            x, y, w, h = cv2.boundingRect(inside.view(np.uint8))
            if not w:
                continue
            place[inside] = len(primitives)
            box = (piece.left + x, piece.top + y, piece.left + x + w, piece.top + y + h)
            primitives.append(_Primitive(number, box, float(cost)))
    return primitives


def _describe_boundaries(primitives: list[_Primitive], height: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the gap and the cut at each boundary, before, between and after the primitives of a line."""
    count = len(primitives)
    gaps, cuts = np.full(count + 1, np.nan), np.zeros(count + 1)
    first = {primitive.component: count for primitive in primitives}
    for index, primitive in enumerate(primitives):
        first[primitive.component] = min(first[primitive.component], index)
    last = {primitive.component: index for index, primitive in enumerate(primitives)}
    for boundary in range(1, count):
        crossing = [
            component for component in first if first[component] < boundary <= last[component]
        ]
        for component in crossing:
            right = next(p for p in primitives[boundary:] if p.component == component)
            cuts[boundary] += right.cut
        if not crossing:
            end = max(primitive.box[2] for primitive in primitives[:boundary])
            gaps[boundary] = (primitives[boundary].box[0] - end) / height
    return gaps, cuts


def _list_spans(
    primitives: list[_Primitive], gaps: NDArray[np.float64], cuts: NDArray[np.float64], height: float
) -> list[tuple[int, int]]:
    """Return the runs of primitives that may be digits: all that are not too wide, and those without a cut at an end.

    There is a path through them with and without cuts.
    """
    spans = []
    whole = np.flatnonzero(cuts == 0)
    next_whole = dict(zip(whole[:-1], whole[1:], strict=True))
    for start in range(len(primitives)):
        right = left = primitives[start].box[0]
        for end in range(start + 1, len(primitives) + 1):
            if end > start + 1 and gaps[end - 1] > MAX_GAP:
                break
            right = max(right, primitives[end - 1].box[2])
            if right - left <= MAX_WIDTH * height or end == start + 1 or next_whole.get(start) == end:
                spans.append((start, end))
    return spans
