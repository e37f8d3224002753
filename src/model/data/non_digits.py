"""What no one would call a digit, drawn here, so that the network can be taught to say so.

Made-up signs, digits lying on their side or seen in a mirror, digits on top of each other, filled shapes, textures.
None of it comes from a data set of letters, signs or pictures: those are what the score is judged on.
"""

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from src.model.data.pen_strokes import CANVAS, PEN, Points, smooth
from src.model.preprocessing.ink import Ink

TURNED: Final = (2, 3, 4, 7)  # no digits when they lie on their side
MIRRORED: Final = (3, 4, 6, 7, 9)  # no digits in a mirror; 2 and 5 are each other's
NODES: Final = (0.15, 0.5, 0.85)  # of the canvas: where the strokes of made-up signs begin and end

Strokes = list[Points]


def draw_other(digit: Ink, label: int, other: Ink, random: Generator) -> Ink:
    """Draw one thing that is no digit, float32 [H, W] in 0..1, perhaps of `digit`, which shows `label`, or `other`."""
    kind = random.random()
    if kind < 0.12 and label in TURNED:
        return np.ascontiguousarray(np.rot90(digit, random.choice([1, 3])))
    if kind < 0.2 and label in MIRRORED:
        return np.ascontiguousarray(digit[:, ::-1])
    if kind < 0.26:
        return _overlaid(digit, other, random)
    if kind < 0.46:
        return _textured(random)
    return _drawn(SIGNS[random.choice(len(SIGNS), p=SHARES)](random), random)


def _drawn(strokes: Strokes, random: Generator) -> Ink:
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    width = max(1, round(random.uniform(*PEN)))
    for points in strokes:
        path = np.clip(points * CANVAS, 2, CANVAS - 2).astype(np.int32)[:, None]
        cv2.polylines(canvas, [path], False, 255, width, cv2.LINE_AA)
    return np.asarray(canvas / 255, np.float32)


def _sign(random: Generator) -> Strokes:
    """Return two to six strokes between the nodes of a lattice, as the signs of most scripts are built."""
    strokes: Strokes = []
    nodes = [_node(random) for _ in range(random.integers(3, 6))]
    for _ in range(random.integers(2, 7)):
        start, end = (nodes[i] for i in random.choice(len(nodes), 2, replace=False))
        strokes.append(_bow(start, end, random))
    if random.random() < 0.3:
        strokes.append(_ring(_node(random), random.uniform(0.05, 0.2), random))
    if random.random() < 0.2:
        strokes.append(_ring(_node(random), 0.02, random))  # a dot
    return strokes


def _ladder(random: Generator) -> Strokes:
    """Return parallel strokes with others across them: combs, grids, crosses, arrows."""
    many, across = random.integers(2, 5), random.integers(1, 4)
    turn = random.uniform(0, np.pi)
    places = [np.linspace(0.2, 0.8, count) if count > 1 else np.array([0.5]) for count in (many, across)]
    ends = [random.uniform(0.05, 0.35), random.uniform(0.65, 0.95)]
    lines = [np.array([[place, ends[0]], [place, ends[1]]]) for place in places[0]]
    lines += [np.array([[ends[0], place], [ends[1], place]]) for place in places[1]]
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return [(line + random.normal(0, 0.03, line.shape) - 0.5) @ rotation + 0.5 for line in lines]


def _wandering(random: Generator) -> Strokes:
    """Return one to five strokes whose direction drifts."""
    return [_walk(random) for _ in range(random.integers(1, 6))]


def _walk(random: Generator) -> Points:
    turns = np.cumsum(random.normal(0, random.uniform(0.1, 1.2), random.integers(12, 60)))
    steps = random.uniform(0.02, 0.08) * np.stack([np.cos(turns), np.sin(turns)], 1)
    return np.asarray(random.uniform(0.2, 0.8, 2) + np.cumsum(steps, axis=0))


def _knots(random: Generator) -> Strokes:
    """Return one or two smooth strokes through many random points: scribbles."""
    return [smooth(random.uniform(0.1, 0.9, (random.integers(6, 14), 2))) for _ in range(random.integers(1, 3))]


def _curls(random: Generator) -> Strokes:
    """Return rings, arcs and waves beside and on each other."""
    strokes = [_ring(_node(random), random.uniform(0.08, 0.3), random) for _ in range(random.integers(1, 4))]
    waves = np.linspace(0, 1, 40)
    for _ in range(random.integers(1, 3)):
        height, turns = random.uniform(0.05, 0.25), random.uniform(1.5, 5)
        wave = np.stack([0.1 + 0.8 * waves, random.uniform(0.3, 0.7) + height * np.sin(2 * np.pi * turns * waves)], 1)
        strokes.append(wave if random.random() < 0.5 else wave[:, ::-1])
    return strokes


def _node(random: Generator) -> Points:
    return random.choice(NODES, 2) + random.normal(0, 0.06, 2)


def _bow(start: Points, end: Points, random: Generator) -> Points:
    """Return a straight or bent stroke between two points."""
    if random.random() < 0.45:
        return np.stack([start, end])
    side = (end - start)[::-1] * (1, -1)
    return smooth(np.stack([start, (start + end) / 2 + side * random.uniform(-0.6, 0.6), end]))


def _ring(centre: Points, radius: float, random: Generator) -> Points:
    angles = random.uniform(0, 6) + np.linspace(0, random.uniform(2.5, 6.5), 24)
    return centre + radius * np.stack([np.cos(angles), random.uniform(0.6, 1.4) * np.sin(angles)], 1)


def _overlaid(digit: Ink, other: Ink, random: Generator) -> Ink:
    """Lay one digit on another, moved by a quarter of the picture or more."""
    far = int(len(other) * random.uniform(0.2, 0.4)) * int(random.choice([-1, 1]))
    return np.asarray(np.maximum(digit, np.roll(other, far, axis=int(random.integers(2)))), np.float32)


def _textured(random: Generator) -> Ink:
    """Draw a filled shape, plain, shaded, striped or cloudy: things, not strokes."""
    shape = np.zeros((CANVAS, CANVAS), np.uint8)
    for _ in range(random.integers(1, 4)):
        corners = random.uniform(0.08, 0.92, (random.integers(3, 9), 2))
        if random.random() < 0.6:
            corners = smooth(np.concatenate([corners, corners[:1]]))
        cv2.fillPoly(shape, [(corners * CANVAS).astype(np.int32)], 255)
    if random.random() < 0.5:
        shape = np.maximum(shape, shape[:, ::-1])  # clothes, faces, houses: things are often the same on both sides
    clouds = cv2.resize(
        random.random((int(random.integers(2, 12)),) * 2), (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC
    )
    stripes = 0.5 + 0.5 * np.sin(np.arange(CANVAS) * random.uniform(0.1, 1.2))[:, None] * np.ones(CANVAS)
    tone = [np.ones_like(clouds), clouds, stripes, stripes.T][random.integers(4)]
    return np.asarray(shape / 255 * np.clip(random.uniform(0.2, 1) + tone * random.uniform(0.2, 0.8), 0, 1), np.float32)


SIGNS: Final[Sequence[Callable[[Generator], Strokes]]] = (_sign, _ladder, _wandering, _knots, _curls)
SHARES: Final[NDArray[np.float64]] = np.array([0.5, 0.12, 0.15, 0.08, 0.15])
NEIGHBOURS: Final = 5
TOO_LIKE: Final = 0.93  # chosen by eye among 3,000 made-up signs: below it hardly any is a digit

Pictures = NDArray[np.uint8]  # [N, 28, 28]


class Likeness:
    """Digits to hold pictures against."""

    def __init__(self, digits: Pictures) -> None:
        self._digits = _directions(digits).T

    def __call__(self, pictures: Pictures) -> NDArray[np.float32]:
        """Return the mean cosine between each picture [N, 28, 28], blurred, and the digits most like it: [N], 0..1."""
        cosines = _directions(pictures) @ self._digits
        nearest = np.partition(cosines, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
        return np.asarray(nearest.mean(1), np.float32)


def _directions(pictures: Pictures) -> NDArray[np.float32]:
    """Return pictures as vectors [N, 784] of length 1; blurred, since a pixel's distance is not another shape."""
    blurred = np.stack([cv2.blur(picture.astype(np.float32), (3, 3)).ravel() for picture in pictures])
    return np.asarray(blurred / np.maximum(np.linalg.norm(blurred, axis=1, keepdims=True), 1e-6), np.float32)
