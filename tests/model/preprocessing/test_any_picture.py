"""Random pictures of any size and content: lines, blots, strokes, specks and noise."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from src.model.data.mnist import encode_png
from src.model.errors import PictureError
from src.model.preprocessing.candidates import MAX_READINGS
from src.model.preprocessing.preprocess import preprocess
from tests.pictures import MAX_PIXELS

LONGEST: Final = 200  # pixels; the shortest side is 1
PICTURES: Final = 200  # for each seed

Picture = NDArray[np.uint8]


@pytest.mark.parametrize("seed", range(4))
def test_random_pictures_are_framed_or_refused(seed: int) -> None:
    random = np.random.default_rng(seed)
    refusals = []
    for _ in range(PICTURES):
        try:
            candidates = preprocess(encode_png(random_picture(random)), MAX_PIXELS)
        except PictureError as error:
            refusals.append(str(error))
        else:
            assert 1 <= len(candidates) <= MAX_READINGS
            for pixels in (framed.pixels for framed in candidates):
                assert pixels.shape == (28, 28)
                assert pixels.min() >= 0
                assert pixels.max() == 1
    assert 0 < len(refusals) < PICTURES
    assert all(sentence.endswith(".") for sentence in refusals)


def random_picture(random: Generator) -> Picture:
    """Return a random picture, grey [H, W] or coloured [H, W, 3]."""
    height, width = np.exp(random.uniform(0, np.log(LONGEST), 2)).astype(int)
    levels = np.full((height, width), random.integers(256), np.uint8)
    for _ in range(random.integers(0, 5)):
        levels = EFFECTS[random.integers(len(EFFECTS))](levels, random)
    return levels if random.random() < 0.7 else np.dstack([levels, levels[::-1], levels[:, ::-1]])


def _add_rows(levels: Picture, random: Generator) -> Picture:
    levels[:: random.integers(1, 20)] = random.integers(256)
    return levels


def _add_columns(levels: Picture, random: Generator) -> Picture:
    levels[:, :: random.integers(1, 20)] = random.integers(256)
    return levels


def _add_blot(levels: Picture, random: Generator) -> Picture:
    (top, bottom), (left, right) = (sorted(random.integers(0, side + 1, 2)) for side in levels.shape)
    levels[top:bottom, left:right] = random.integers(256)
    return levels


def _add_stroke(levels: Picture, random: Generator) -> Picture:
    ends = [tuple(int(random.integers(-20, side + 20)) for side in levels.shape[::-1]) for _ in range(2)]
    cv2.line(levels, ends[0], ends[1], int(random.integers(256)), int(random.integers(1, 6)))
    return levels


def _add_specks(levels: Picture, random: Generator) -> Picture:
    return np.where(random.random(levels.shape) < random.uniform(0, 0.2), random.integers(256), levels).astype(np.uint8)


def _add_noise(levels: Picture, random: Generator) -> Picture:
    return np.clip(levels + random.normal(0, random.uniform(0, 30), levels.shape), 0, 255).astype(np.uint8)


EFFECTS: Final[tuple[Callable[[Picture, Generator], Picture], ...]] = (
    _add_rows, _add_columns, _add_blot, _add_stroke, _add_specks, _add_noise,
)  # fmt: skip
