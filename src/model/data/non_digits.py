"""Pictures that nobody would call a digit, so that a network can learn to reject them.

Invented signs, scribbles, rotated and mirrored digits, digits on top of each other, filled shapes and textures; for
letters and marks see `symbols.py`. None come from a data set of handwriting or photos: those measure the digit score.
"""

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from src.model.data.pen_strokes import CANVAS, PEN, Points, smooth
from src.model.preprocessing.ink import Ink

Strokes = list[Points]  # x and y in 0..1
Pictures = NDArray[np.uint8]  # [N, 28, 28]

NOT_DIGITS_ROTATED: Final = (2, 3, 4, 7)  # by 90 degrees
NOT_DIGITS_MIRRORED: Final = (3, 4, 6, 7, 9)  # not 2 and 5, which become each other
LATTICE: Final = (0.15, 0.5, 0.85)  # coordinates where the strokes of signs begin and end
NEIGHBOURS: Final = 5


class DigitSimilarity:
    """Measures how similar pictures are to a set of reference digits."""

    def __init__(self, digits: Pictures) -> None:
        self._references = _normalise(digits).T

    def measure(self, pictures: Pictures) -> NDArray[np.float32]:
        """Return for each picture [N, 28, 28] the mean cosine to the most similar reference digits: [N] in 0..1."""
        cosines = _normalise(pictures) @ self._references
        nearest = np.partition(cosines, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
        return np.asarray(nearest.mean(1), np.float32)


def _normalise(pictures: Pictures) -> NDArray[np.float32]:
    """Return pictures as vectors [N, 784] of length 1, blurred so that a shift by a pixel makes little difference."""
    blurred = np.stack([cv2.blur(picture.astype(np.float32), (3, 3)).ravel() for picture in pictures])
    return np.asarray(blurred / np.maximum(np.linalg.norm(blurred, axis=1, keepdims=True), 1e-6), np.float32)


def draw_non_digit(digit: Ink, label: int, other: Ink, random: Generator) -> Ink:
    """Draw a non-digit, float32 [H, W] in 0..1, perhaps from `digit`, which shows `label`, or from both digits."""
    kind = random.random()
    if kind < 0.12 and label in NOT_DIGITS_ROTATED:
        return np.ascontiguousarray(np.rot90(digit, random.choice([1, 3])))
    if kind < 0.2 and label in NOT_DIGITS_MIRRORED:
        return np.ascontiguousarray(digit[:, ::-1])
    if kind < 0.26:
        return _overlay(digit, other, random)
    if kind < 0.46:
        return _draw_texture(_draw_silhouette(random), random)
    return _draw_strokes(SIGNS[random.choice(len(SIGNS), p=SHARES)](random), random)


def _overlay(digit: Ink, other: Ink, random: Generator) -> Ink:
    """Lay `other` over `digit`, shifted by 20 to 40 % of its height or width."""
    shift = int(len(other) * random.uniform(0.2, 0.4)) * int(random.choice([-1, 1]))
    return np.asarray(np.maximum(digit, np.roll(other, shift, axis=int(random.integers(2)))), np.float32)


def _draw_silhouette(random: Generator) -> NDArray[np.uint8]:
    """Draw one to three filled polygons or blobs, 255 inside; half of the pictures are symmetric."""
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    for _ in range(random.integers(1, 4)):
        corners = random.uniform(0.08, 0.92, (random.integers(3, 9), 2))
        if random.random() < 0.6:
            corners = smooth(np.concatenate([corners, corners[:1]]))
        cv2.fillPoly(canvas, [(corners * CANVAS).astype(np.int32)], 255)
    return np.maximum(canvas, canvas[:, ::-1]) if random.random() < 0.5 else canvas


def _draw_texture(silhouette: NDArray[np.uint8], random: Generator) -> Ink:
    """Fill a silhouette: plain, cloudy, or striped across or down."""
    cells = random.random((int(random.integers(2, 12)),) * 2)
    clouds = cv2.resize(cells, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)
    waves = 0.5 + 0.5 * np.sin(np.arange(CANVAS) * random.uniform(0.1, 1.2))
    stripes = waves[:, None] * np.ones(CANVAS)
    texture = [np.ones_like(clouds), clouds, stripes, stripes.T][random.integers(4)]
    tone = random.uniform(0.2, 1) + texture * random.uniform(0.2, 0.8)
    return np.asarray(silhouette / 255 * np.clip(tone, 0, 1), np.float32)


def _draw_strokes(strokes: Strokes, random: Generator) -> Ink:
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    width = max(1, round(random.uniform(*PEN)))
    for points in strokes:
        path = np.clip(points * CANVAS, 2, CANVAS - 2).astype(np.int32)[:, None]
        cv2.polylines(canvas, [path], False, 255, width, cv2.LINE_AA)
    return np.asarray(canvas / 255, np.float32)


def _make_sign(random: Generator) -> Strokes:
    """Return two to six strokes between points of a lattice, like signs of many scripts, some with a ring or dot."""
    points = [_choose_point(random) for _ in range(random.integers(3, 6))]
    strokes: Strokes = []
    for _ in range(random.integers(2, 7)):
        start, end = random.choice(len(points), 2, replace=False)
        strokes.append(_make_bow(points[start], points[end], random))
    if random.random() < 0.3:
        strokes.append(_make_ring(_choose_point(random), random.uniform(0.05, 0.2), random))
    if random.random() < 0.2:
        strokes.append(_make_ring(_choose_point(random), 0.02, random))
    return strokes


def _make_grid(random: Generator) -> Strokes:
    """Return parallel strokes with others across them: combs, grids, crosses."""
    counts = random.integers(2, 5), random.integers(1, 4)
    angle = random.uniform(0, np.pi)
    start, end = random.uniform(0.05, 0.35), random.uniform(0.65, 0.95)
    columns, rows = (np.linspace(0.2, 0.8, count) if count > 1 else np.array([0.5]) for count in counts)
    lines = [np.array([[x, start], [x, end]]) for x in columns] + [np.array([[start, y], [end, y]]) for y in rows]
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [(line + random.normal(0, 0.03, line.shape) - 0.5) @ rotation + 0.5 for line in lines]


def _make_walks(random: Generator) -> Strokes:
    """Return one to five strokes whose direction drifts."""
    return [_walk(random) for _ in range(random.integers(1, 6))]


def _walk(random: Generator) -> Points:
    angles = np.cumsum(random.normal(0, random.uniform(0.1, 1.2), random.integers(12, 60)))
    steps = random.uniform(0.02, 0.08) * np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.asarray(random.uniform(0.2, 0.8, 2) + np.cumsum(steps, axis=0))


def _make_scribbles(random: Generator) -> Strokes:
    """Return one stroke, or two, through 4 to 20 random points: mostly smooth, some with corners.

    Half have at most 8 points: with more, few resemble a digit.
    """
    most = 8 if random.random() < 0.5 else 20
    strokes = [random.uniform(0.1, 0.9, (random.integers(4, most + 1), 2)) for _ in range(1 + (random.random() < 0.25))]
    return strokes if random.random() < 0.2 else [smooth(points) for points in strokes]


def _make_curls(random: Generator) -> Strokes:
    """Return one to three rings or arcs, and one or two waves."""
    rings = [_make_ring(_choose_point(random), random.uniform(0.08, 0.3), random) for _ in range(random.integers(1, 4))]
    return rings + [_make_wave(random) for _ in range(random.integers(1, 3))]


def _make_wave(random: Generator) -> Points:
    """Return a sine wave across the canvas, or down it."""
    amplitude, periods = random.uniform(0.05, 0.25), random.uniform(1.5, 5)
    t = np.linspace(0, 1, 40)
    wave = np.stack([0.1 + 0.8 * t, random.uniform(0.3, 0.7) + amplitude * np.sin(2 * np.pi * periods * t)], 1)
    return wave if random.random() < 0.5 else wave[:, ::-1]


def _choose_point(random: Generator) -> Points:
    """Choose a point near one of the lattice."""
    return random.choice(LATTICE, 2) + random.normal(0, 0.06, 2)


def _make_bow(start: Points, end: Points, random: Generator) -> Points:
    """Return a straight or bent stroke between two points."""
    if random.random() < 0.45:
        return np.stack([start, end])
    normal = (end - start)[::-1] * (1, -1)
    return smooth(np.stack([start, (start + end) / 2 + normal * random.uniform(-0.6, 0.6), end]))


def _make_ring(centre: Points, radius: float, random: Generator) -> Points:
    """Return an arc of an ellipse, closed or not."""
    angles = random.uniform(0, 6) + np.linspace(0, random.uniform(2.5, 6.5), 24)
    return centre + radius * np.stack([np.cos(angles), random.uniform(0.6, 1.4) * np.sin(angles)], 1)


SIGNS: Final[Sequence[Callable[[Generator], Strokes]]] = (
    _make_sign,
    _make_grid,
    _make_walks,
    _make_scribbles,
    _make_curls,
)
SHARES: Final = (0.36, 0.1, 0.12, 0.32, 0.1)  # probability of each kind of sign
