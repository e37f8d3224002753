"""Digits drawn from pen strokes: the shapes that MNIST hardly holds, and ordinary ones beside them.

A digit is a list of strokes and a stroke a list of smooth curves that meet in corners; a curve goes through its points,
x and y in 0..1, y down. `draw` gives them a hand (its slant, tremor and carelessness) and a pen as round as the
drawing page's.
"""

from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Points = NDArray[np.float64]  # [P, 2], x and y
Curve = list[tuple[float, float]]
Stroke = list[Curve]
Shape = list[Stroke]

CANVAS: Final = 112  # pixels a side
MARGIN: Final = 16  # pixels of it that digits leave free
PEN: Final = (3.0, 20.0)  # pixels: from a hairline to a marker
SUBPIXEL: Final = 4  # bits of OpenCV's fixed-point coordinates


def draw(shape: Shape, random: Generator) -> NDArray[np.float32]:
    """Draw `shape` by a random hand with a random pen: ink, float32 [CANVAS, CANVAS] in 0..1."""
    strokes = placed(by_hand([_path(stroke, random) for stroke in shape], random))
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    width = max(1, round(random.uniform(*PEN)))
    for points in strokes:
        path = (points * (1 << SUBPIXEL)).astype(np.int32)[:, None]
        cv2.polylines(canvas, [path], False, 255, width, cv2.LINE_AA, SUBPIXEL)
    return np.asarray(canvas / 255, np.float32)


def by_hand(strokes: list[Points], random: Generator) -> list[Points]:
    """Slant, turn, stretch and shake strokes as one hand would."""
    angle, shear = np.radians(random.uniform(-12, 12)), random.uniform(-0.35, 0.2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slanted = np.array([[random.uniform(0.45, 1.1), shear], [0, 1]])
    tremor = random.uniform(0, 0.012)
    return [points @ (turn @ slanted).T + _tremor(len(points), tremor, random) for points in strokes]


def placed(strokes: list[Points]) -> list[Points]:
    """Scale strokes so that the longer side fills the canvas up to its margin, and put them in its middle."""
    joined = np.concatenate(strokes)
    low, high = joined.min(0), joined.max(0)
    scale = (CANVAS - 2 * MARGIN) / max(float((high - low).max()), 1e-6)
    return [(points - (low + high) / 2) * scale + CANVAS / 2 for points in strokes]


def smooth(points: Points, steps: int = 8) -> Points:
    """Return the uniform Catmull-Rom curve through `points` [P, 2], `steps` points for each piece.

    Catmull and Rom, "A class of local interpolating splines" (1974).
    """
    if len(points) < 3:
        return points
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    before, start, end, after = ends[:-3], ends[1:-2], ends[2:-1], ends[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return np.concatenate([curve.transpose(1, 0, 2).reshape(-1, 2), points[-1:]])


def _path(stroke: Stroke, random: Generator) -> Points:
    """Return a stroke's points [P, 2], each of its own displaced a little; one in four is coarse, as a fast mouse's."""
    care = random.uniform(0.01, 0.045)
    moved: dict[tuple[float, float], Points] = {}
    for point in (point for curve in stroke for point in curve):
        moved.setdefault(point, np.array(point) + random.normal(0, care, 2))
    path = np.concatenate([smooth(np.array([moved[point] for point in curve])) for curve in stroke])
    return _sampled(path, int(random.integers(6, 12))) if random.random() < 1 / 4 else path


def _sampled(path: Points, count: int) -> Points:
    """Return `count` points at equal distances along a path."""
    along = np.concatenate([[0], np.linalg.norm(np.diff(path, axis=0), axis=1).cumsum()])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, path[:, axis]) for axis in (0, 1)], 1)


def _tremor(count: int, size: float, random: Generator) -> Points:
    """Return a smooth random walk [count, 2] of deviation `size`."""
    noise = random.normal(0, size, (count + 4, 2))
    return np.asarray(sum(noise[start : start + count] for start in range(5)), np.float64) / 2


def joined(strokes: Shape) -> Shape:
    """Return the strokes as one, drawn without lifting the pen."""
    whole: Stroke = []
    for stroke in strokes:
        if whole:
            whole.append([whole[-1][-1], stroke[0][0]])
        whole += stroke
    return [whole]
