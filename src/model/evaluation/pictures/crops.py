"""Digits cut out of pages, as scanners and segmentation programs deliver them, drawn from a set of digits.

A crop is 8 to 64 pixels high, has a margin of 0 to 2 pixels on each side, either polarity, and is a PNG or a JPEG. A
form cell is cut out where the form expects a digit, with what else is there: pieces of its frame, and maybe not all of
the digit.
"""

from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from src.model.data.mnist import Digits, encode_jpeg, encode_png
from src.model.evaluation.predictions import LabelledFile
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import crop

HEIGHTS: Final = (8, 64)  # pixels, both included
MAX_MARGIN: Final = 2  # pixels on each side
MIN_CONTRAST: Final = 120  # levels of 255 between paper and ink of a grey crop
MIN_QUALITY: Final = 70  # of a JPEG

CELL: Final = (88, 66)  # pixels: height and width of a form cell

CROPS: Final = ("form cells", "grey crops", "stretched grey crops", "binary crops", "stretched binary crops")


def make_crops(kind: str, digits: Digits, size: int, seed: int) -> list[LabelledFile]:
    """Return `size` crops of one of `CROPS` as files, the digits taken in turn."""
    random = np.random.default_rng([seed, CROPS.index(kind)])
    sample = digits[:size]
    inks = sample.pixels().numpy()[:, 0]
    draw = (
        _draw_cell
        if kind == "form cells"
        else partial(_draw_crop, stretched="stretched" in kind, binary="binary" in kind)
    )
    return [(draw(crop(ink), random=random), label) for ink, label in zip(inks, sample.labels.tolist(), strict=True)]


def _draw_cell(digit: Ink, random: Generator) -> bytes:
    """Draw a digit of 50 to 95 % of a cell, up to 3 pixels beyond its edges, with pieces of the cell's frame."""
    height, width = CELL
    factor = random.uniform(0.5, 0.95) * min(height / digit.shape[0], width / digit.shape[1])
    resized = cv2.resize(digit, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    cell = np.zeros((height + 6, width + 6), np.float32)
    top, left = (int(random.integers(0, room - side + 1)) for room, side in zip(cell.shape, resized.shape, strict=True))
    cell[top : top + len(resized), left : left + resized.shape[1]] = resized
    cell = cell[3:-3, 3:-3]
    for _ in range(int(random.integers(0, 3))):
        side = np.rot90(cell, int(random.integers(4)))  # a view
        start, end = np.sort(random.integers(0, side.shape[1] + 1, 2))
        side[: random.integers(1, 4), start:end] = random.uniform(0.3, 1)
    paper, opacity = random.uniform(170, 250), random.uniform(0.4, 0.9)
    levels = paper * (1 - opacity * cell) + random.normal(0, random.uniform(0, 5), cell.shape)
    return encode(np.clip(np.rint(levels), 0, 255).astype(np.uint8), random)


def _draw_crop(digit: Ink, random: Generator, stretched: bool, binary: bool) -> bytes:
    ink = _resize(digit, stretched, random)
    if binary:
        ink = (ink > random.uniform(0.35, 0.6) * ink.max()).astype(np.float32)
    ink = np.pad(ink, [tuple(random.integers(0, MAX_MARGIN + 1, 2)) for _ in range(2)])
    if binary:
        return encode((255 * (ink if random.random() < 0.5 else 1 - ink)).astype(np.uint8), random)
    low = random.uniform(0, 255 - MIN_CONTRAST)
    high = random.uniform(low + MIN_CONTRAST, 255)
    levels = low + (high - low) * (ink if random.random() < 0.5 else 1 - ink)
    return encode(np.rint(levels).astype(np.uint8), random)


def _resize(digit: Ink, stretched: bool, random: Generator) -> Ink:
    """Scale a digit to a height in `HEIGHTS`; a stretched one is as wide as it is high, or nearly."""
    height, width = digit.shape
    new_height = int(np.exp(random.uniform(*np.log(HEIGHTS))).round())
    aspect = width / height
    if stretched:
        aspect **= random.uniform(0, 0.5)
    size = (max(2, round(new_height * aspect)), new_height)
    large = cv2.resize(digit, (4 * size[0], 4 * size[1]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.resize(large.clip(0, 1), size, interpolation=cv2.INTER_AREA), np.float32)


def encode(levels: NDArray[np.uint8], random: Generator) -> bytes:
    """Encode [H, W] as a PNG or, as often, as a JPEG."""
    if random.random() < 0.5:
        return encode_png(levels)
    return encode_jpeg(levels, quality=int(random.integers(MIN_QUALITY, 96)))
