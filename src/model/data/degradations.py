"""Degraded digits: outlined, crossed by lines, grainy or smudged. Ink is float32 [H, W] in 0..1."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator

from src.model.data.pen_strokes import Points, smooth
from src.model.preprocessing.ink import Ink


def degrade(ink: Ink, random: Generator) -> Ink:
    """Return `ink` degraded in one way, or in two."""
    count = 1 if random.random() < 0.8 else 2
    for index in random.choice(len(DEGRADATIONS), count, replace=False, p=SHARES):
        ink = DEGRADATIONS[index](ink, random)
    return np.asarray(np.clip(ink, 0, 1), np.float32)


def outline(ink: Ink, random: Generator) -> Ink:
    """Keep the outline of the strokes, drawn with a pen of 2 to 5 pixels, like hollow letters on a poster."""
    solid = cv2.dilate(ink, _disc(int(random.integers(1, 8))))
    pen = int(random.integers(2, 6))
    inside = cv2.erode(solid, _disc(2 * pen + 1), borderValue=0)
    return np.asarray(solid - inside * random.uniform(0.85, 1), np.float32)


def cross_out(ink: Ink, random: Generator) -> Ink:
    """Draw one to three stray lines over the digit: straight, bent or broken."""
    lines = np.zeros(ink.shape, np.float32)
    for _ in range(random.choice([1, 2, 3], p=[0.6, 0.25, 0.15])):
        points = _draw_path(random) * ink.shape[::-1]
        width = int(random.integers(1, 6))
        cv2.polylines(lines, [points.astype(np.int32)[:, None]], False, random.uniform(0.4, 1), width, cv2.LINE_AA)
    return np.asarray(np.maximum(ink, lines), np.float32)


def _draw_path(random: Generator) -> Points:
    """Draw the points [P, 2] of a stray line; the picture is 0..1."""
    path = random.uniform(-0.05, 1.05, (int(random.integers(2, 7)), 2))
    if random.random() < 0.6:  # from one side to the other
        path[:, 0] = np.linspace(random.uniform(-0.1, 0.2), random.uniform(0.8, 1.1), len(path))
        path[:, 1] = random.uniform(0, 1) + random.uniform(0.02, 0.15) * random.normal(0, 1, len(path))
    path = path[:, ::-1] if random.random() < 0.3 else path
    return smooth(path) if random.random() < 0.4 else path


def add_grain(ink: Ink, random: Generator) -> Ink:
    """Scale the ink of each square of 3 to 5 pixels at random, like dry chalk and noisy sensors."""
    side = int(random.integers(3, 6))
    shape = [-(-length // side) for length in ink.shape]
    factors = np.clip(random.normal(1, random.uniform(0.3, 0.9), shape), 0, 1.5).astype(np.float32)
    enlarged = cv2.resize(factors, None, fx=side, fy=side, interpolation=cv2.INTER_NEAREST)
    return np.asarray(ink * enlarged[: ink.shape[0], : ink.shape[1]], np.float32)


def smudge(ink: Ink, random: Generator) -> Ink:
    """Set a part of the picture to one faint tone, as a wet finger does."""
    clouds = random.random((int(random.integers(3, 8)),) * 2).astype(np.float32)
    field = cv2.resize(clouds, ink.shape[::-1], interpolation=cv2.INTER_CUBIC)
    smudged = field > np.quantile(field, random.uniform(0.7, 0.92))
    return np.where(smudged, np.float32(random.uniform(0, 0.45)), ink)


def _disc(width: int) -> cv2.typing.MatLike:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))


DEGRADATIONS: Final[tuple[Callable[[Ink, Generator], Ink], ...]] = (outline, cross_out, add_grain, smudge)
SHARES: Final = (0.3, 0.4, 0.15, 0.15)  # probability of each degradation
