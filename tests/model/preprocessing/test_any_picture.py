"""Pictures of nothing in particular: lines, bands, blots and grain on a sheet of any size."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from src.model.data.mnist import encode_png
from src.model.errors import PictureError
from src.model.preprocessing.preprocess import preprocess
from tests.model.conftest import MAX_PIXELS

LONGEST: Final = 200  # pixels a side; the shortest is one
PICTURES: Final = 200  # for each seed

Sheet = NDArray[np.uint8]


@pytest.mark.parametrize("seed", range(4))
def test_any_picture_is_framed_or_refused_with_a_sentence(seed: int) -> None:
    random = np.random.default_rng(seed)
    refusals = []
    for _ in range(PICTURES):
        try:
            pixels = preprocess(encode_png(sheet(random)), MAX_PIXELS).pixels
        except PictureError as error:
            refusals.append(str(error))
        else:
            assert pixels.shape == (28, 28)
            assert pixels.min() >= 0
            assert pixels.max() == 1
    assert 0 < len(refusals) < PICTURES
    assert all(sentence.endswith(".") for sentence in refusals)


def sheet(random: Generator) -> Sheet:
    """Draw up to four things on a sheet, grey or coloured: [H, W] or [H, W, 3]."""
    high, wide = np.exp(random.uniform(0, np.log(LONGEST), 2)).astype(int)
    levels = np.full((high, wide), random.integers(256), np.uint8)
    for _ in range(random.integers(0, 5)):
        levels = THINGS[random.integers(len(THINGS))](levels, random)
    return levels if random.random() < 0.7 else np.dstack([levels, levels[::-1], levels[:, ::-1]])


def _ruled(levels: Sheet, random: Generator) -> Sheet:
    levels[:: random.integers(1, 20)] = random.integers(256)
    return levels


def _upright(levels: Sheet, random: Generator) -> Sheet:
    levels[:, :: random.integers(1, 20)] = random.integers(256)
    return levels


def _blotted(levels: Sheet, random: Generator) -> Sheet:
    (top, bottom), (left, right) = (sorted(random.integers(0, side + 1, 2)) for side in levels.shape)
    levels[top:bottom, left:right] = random.integers(256)
    return levels


def _stroked(levels: Sheet, random: Generator) -> Sheet:
    ends = [tuple(int(random.integers(-20, side + 20)) for side in levels.shape[::-1]) for _ in range(2)]
    cv2.line(levels, ends[0], ends[1], int(random.integers(256)), int(random.integers(1, 6)))
    return levels


def _specked(levels: Sheet, random: Generator) -> Sheet:
    return np.where(random.random(levels.shape) < random.uniform(0, 0.2), random.integers(256), levels).astype(np.uint8)


def _grainy(levels: Sheet, random: Generator) -> Sheet:
    return np.clip(levels + random.normal(0, random.uniform(0, 30), levels.shape), 0, 255).astype(np.uint8)


THINGS: Final[tuple[Callable[[Sheet, Generator], Sheet], ...]] = (
    _ruled, _upright, _blotted, _stroked, _specked, _grainy,
)  # fmt: skip
