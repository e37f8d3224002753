"""What happens to a digit on its way: drawn hollow, crossed out, grainy, smudged. Ink is float32 [H, W] in 0..1."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator

from src.model.data.pen_strokes import smooth
from src.model.preprocessing.ink import Ink


def wear(ink: Ink, random: Generator) -> Ink:
    """Return `ink` worn in one way, or in two."""
    ways = random.choice(len(WAYS), 1 if random.random() < 0.8 else 2, replace=False, p=SHARES)
    for way in ways:
        ink = WAYS[way](ink, random)
    return np.asarray(np.clip(ink, 0, 1), np.float32)


def hollow(ink: Ink, random: Generator) -> Ink:
    """Leave the outline of its strokes, drawn by a pen of 2 to 5 pixels, as people write letters for a poster."""
    solid = cv2.dilate(ink, _disc(int(random.integers(1, 8))))
    wide = int(random.integers(2, 6))
    return np.asarray(
        solid - cv2.erode(solid, _disc(2 * wide + 1), borderValue=0) * random.uniform(0.85, 1), np.float32
    )


def crossed(ink: Ink, random: Generator) -> Ink:
    """Draw one to three stray lines over it, straight, bent or broken."""
    lines = np.zeros(ink.shape, np.float32)
    for _ in range(random.choice([1, 2, 3], p=[0.6, 0.25, 0.15])):
        path = random.uniform(-0.05, 1.05, (int(random.integers(2, 7)), 2))
        if random.random() < 0.6:  # most cross the picture from one side to the other
            path[:, 0] = np.linspace(random.uniform(-0.1, 0.2), random.uniform(0.8, 1.1), len(path))
            path[:, 1] = random.uniform(0, 1) + random.uniform(0.02, 0.15) * random.normal(0, 1, len(path))
        path = path[:, ::-1] if random.random() < 0.3 else path
        points = (smooth(path) if random.random() < 0.4 else path) * ink.shape[::-1]
        width = int(random.integers(1, 6))
        cv2.polylines(lines, [points.astype(np.int32)[:, None]], False, random.uniform(0.4, 1), width, cv2.LINE_AA)
    return np.asarray(np.maximum(ink, lines), np.float32)


def grainy(ink: Ink, random: Generator) -> Ink:
    """Let each grain of 3 to 5 pixels keep some of its ink, as dry chalk and noisy sensors do."""
    grain = int(random.integers(3, 6))
    grains = [-(-side // grain) for side in ink.shape]
    kept = np.clip(random.normal(1, random.uniform(0.3, 0.9), grains), 0, 1.5).astype(np.float32)
    large = cv2.resize(kept, None, fx=grain, fy=grain, interpolation=cv2.INTER_NEAREST)
    return np.asarray(ink * large[: ink.shape[0], : ink.shape[1]], np.float32)


def smudged(ink: Ink, random: Generator) -> Ink:
    """Bring a part of the picture to one faint tone, as a wet finger does."""
    clouds = random.random((int(random.integers(3, 8)),) * 2).astype(np.float32)
    field = cv2.resize(clouds, ink.shape[::-1], interpolation=cv2.INTER_CUBIC)
    part = field > np.quantile(field, random.uniform(0.7, 0.92))
    return np.where(part, np.float32(random.uniform(0, 0.45)), ink)


def _disc(width: int) -> cv2.typing.MatLike:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))


WAYS: Final[tuple[Callable[[Ink, Generator], Ink], ...]] = (hollow, crossed, grainy, smudged)
SHARES: Final = (0.3, 0.4, 0.15, 0.15)
