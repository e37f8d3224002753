"""Digits cut out to their edges, as scanners and segmentation programs deliver them, drawn from a set of digits.

A crop is 8 to 64 pixels high, has a margin of 0 to 2 pixels on each side, either polarity, and is a PNG or a JPEG.
"""

import io
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from src.model.data.mnist import Digits
from src.model.evaluation.predictions import LabelledFile
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import crop

HEIGHTS: Final = (8, 64)  # pixels, both included
MAX_MARGIN: Final = 2  # pixels on each side
MIN_CONTRAST: Final = 120  # levels of 255 between paper and ink of a grey crop
MIN_QUALITY: Final = 70  # of a JPEG

KINDS: Final = ("grey crops", "stretched grey crops", "binary crops", "stretched binary crops")


def make_crops(kind: str, digits: Digits, size: int, seed: int) -> list[LabelledFile]:
    """Return `size` crops of one of `KINDS` as files, the digits taken in turn."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    sample = digits[:size]
    inks = sample.pixels().numpy()[:, 0]
    return [
        (_draw_crop(crop(ink), "stretched" in kind, "binary" in kind, random), label)
        for ink, label in zip(inks, sample.labels.tolist(), strict=True)
    ]


def _draw_crop(digit: Ink, stretched: bool, binary: bool, random: Generator) -> bytes:
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
    """Encode [H, W] or [H, W, 3] as a PNG or, as often, as a JPEG."""
    file = io.BytesIO()
    if random.random() < 0.5:
        Image.fromarray(levels).save(file, "PNG")
    else:
        Image.fromarray(levels).save(file, "JPEG", quality=int(random.integers(MIN_QUALITY, 96)))
    return file.getvalue()
