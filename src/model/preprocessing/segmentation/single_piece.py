"""Plain drawings of one connected piece of ink, most often one digit: without a graph, in a fraction of its time.

Whether the piece is one whole digit, the networks tell from its frame and its context (`read_piece` in
`src/model/inference/numbers.py`); if it may be several that touch, the picture is segmented after all.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.components import STRONG_INK
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import Candidates, find_plain_inks, frame_all
from src.model.preprocessing.segmentation.graph import CONTEXT_SCALE, CONTEXT_SIZE, DIGIT_HEIGHT, MAX_WIDTH
from src.model.preprocessing.segmentation.primitives import threshold
from src.model.preprocessing.sheet import is_sheet


@dataclass(frozen=True)
class SinglePiece:
    """The only piece of ink on a picture."""

    box: tuple[int, int, int, int]  # left, top, width, height in pixels
    context: NDArray[np.float32]  # [2, 24, 36] in 0..1, as `LineGraph.draw_contexts` draws it


def segment_plain(
    data: bytes, max_pixels: int, keep_steps: bool = False
) -> tuple[Candidates, SinglePiece | None] | None:
    """Return what `preprocess_plain` does, and the piece of ink if there is only one and no doubt about the paper."""
    inks = find_plain_inks(data, max_pixels)
    if inks is None:
        return None
    return frame_all(inks, keep_steps), find_single_piece(inks[0]) if len(inks) == 1 else None


def find_single_piece(ink: Ink) -> SinglePiece | None:
    """Return the piece of ink on a picture, [H, W], None if there are several or it is no digit by its form."""
    strokes = threshold(ink)
    mask = (strokes > 0).view(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    area = slice(top, top + height), slice(left, left + width)
    is_digit_wide = 0 < width <= MAX_WIDTH * height
    if not is_digit_wide or strokes[area].max() <= STRONG_INK or not _is_one(mask, area):
        return None
    return SinglePiece((left, top, width, height), _draw_context(strokes[area]))


def _draw_context(strokes: Ink) -> NDArray[np.float32]:
    """Return the context of a piece, [h, w], alone on its line: scaled as the line, then with the paper around it."""
    columns = max(1, round(strokes.shape[1] * DIGIT_HEIGHT / strokes.shape[0]))
    method = cv2.INTER_AREA if strokes.shape[0] > DIGIT_HEIGHT else cv2.INTER_CUBIC
    scaled = cv2.resize(strokes, (columns, DIGIT_HEIGHT), interpolation=method)
    window = np.zeros([side * DIGIT_HEIGHT // CONTEXT_SCALE for side in CONTEXT_SIZE], np.float32)
    top, left = (len(window) - DIGIT_HEIGHT) // 2, window.shape[1] // 2 - columns // 2
    window[top : top + DIGIT_HEIGHT, left : left + columns] = scaled.clip(0, 1)
    context = np.zeros((2, *CONTEXT_SIZE), np.float32)
    context[0] = cv2.resize(window, CONTEXT_SIZE[::-1], interpolation=cv2.INTER_AREA)
    return context


def _is_one(mask: NDArray[np.uint8], area: tuple[slice, slice]) -> bool:
    """Return whether the ink in `mask`, [H, W], is connected and no sheet of paper; it lies in `area`."""
    outlines, parents = cv2.findContours(
        mask[area], cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=(area[1].start, area[0].start)
    )
    outer = [outline for outline, parent in zip(outlines, parents[0, :, 3], strict=True) if parent < 0]
    return len(outer) == 1 and not is_sheet(outer[0], mask)
