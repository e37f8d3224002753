"""Drawing digits from pen strokes, with the variation of a hand and a pen.

A digit is a list of strokes. A stroke is a list of smooth curves that meet in corners. A curve goes through its points,
x and y in 0..1, y down.
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

CANVAS: Final = 112  # side, in pixels
MARGIN: Final = 16  # pixels left free on each side
PEN: Final = (3.0, 20.0)  # range of the pen's width, in pixels: from a hairline to a marker
NARROWEST: Final = 0.45  # the least width of a digit's drawn shape, as a share of its described width
SUBPIXEL: Final = 4  # bits of OpenCV's fixed-point coordinates


def draw_shape(
    shape: Shape, random: Generator, pen: tuple[float, float] = PEN, narrowest: float = NARROWEST
) -> NDArray[np.float32]:
    """Draw `shape` with a random hand and a random pen: ink, float32 [CANVAS, CANVAS] in 0..1.

    The pen's width is in the range `pen`, in pixels; the shape's width is at least the share `narrowest` of its own.
    """
    strokes = fit_to_canvas(_vary_hand([_draw_path(stroke, random) for stroke in shape], narrowest, random))
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    draw_paths(canvas, strokes, 255, max(1, round(random.uniform(*pen))))
    return np.asarray(canvas / 255, np.float32)


def draw_paths(canvas: NDArray[np.uint8], paths: list[Points], level: int, width: int) -> None:
    """Draw paths, in pixels of `canvas`, on it: with a grey level and a pen's width in pixels, edges anti-aliased."""
    for points in paths:
        path = (points * (1 << SUBPIXEL)).astype(np.int32)[:, None]
        cv2.polylines(canvas, [path], False, level, width, cv2.LINE_AA, SUBPIXEL)


def _draw_path(stroke: Stroke, random: Generator) -> Points:
    """Return a path along `stroke` [P, 2], a little displaced; one in four is coarse, as drawn with a fast mouse."""
    deviation = random.uniform(0.01, 0.045)
    displaced: dict[tuple[float, float], Points] = {}  # a point shared by two curves moves once
    for point in (point for curve in stroke for point in curve):
        displaced.setdefault(point, np.array(point) + random.normal(0, deviation, 2))
    path = np.concatenate([smooth(np.array([displaced[point] for point in curve])) for curve in stroke])
    return _resample(path, int(random.integers(6, 12))) if random.random() < 1 / 4 else path


def _resample(path: Points, count: int) -> Points:
    """Return `count` points at equal distances along a path."""
    lengths = np.concatenate([[0], np.linalg.norm(np.diff(path, axis=0), axis=1).cumsum()])
    targets = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(targets, lengths, path[:, axis]) for axis in (0, 1)], 1)


def _vary_hand(strokes: list[Points], narrowest: float, random: Generator) -> list[Points]:
    """Rotate, slant and stretch all strokes alike, and let each tremble."""
    angle, shear = np.radians(random.uniform(-12, 12)), random.uniform(-0.35, 0.2)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[random.uniform(narrowest, 1.1), shear], [0, 1]])
    tremor = random.uniform(0, 0.012)
    return [points @ (rotation @ slant).T + _draw_tremor(len(points), tremor, random) for points in strokes]


def _draw_tremor(count: int, deviation: float, random: Generator) -> Points:
    """Draw smooth noise [count, 2]: sums of five neighbouring normal numbers, halved."""
    noise = random.normal(0, deviation, (count + 4, 2))
    return np.asarray(sum(noise[start : start + count] for start in range(5)), np.float64) / 2


def fit_to_canvas(strokes: list[Points]) -> list[Points]:
    """Scale strokes so that the longer side fills the canvas up to its margin, and centre them."""
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    scale = (CANVAS - 2 * MARGIN) / max(float((high - low).max()), 1e-6)
    return [(points - (low + high) / 2) * scale + CANVAS / 2 for points in strokes]


def smooth(points: Points, steps: int = 8) -> Points:
    """Return the uniform Catmull-Rom curve through `points` [P, 2], with `steps` points between two of them.

    Catmull and Rom, "A class of local interpolating splines" (1974).
    """
    if len(points) < 3:
        return points
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return np.concatenate([curve.transpose(1, 0, 2).reshape(-1, 2), points[-1:]])


def join_strokes(strokes: Shape) -> Shape:
    """Join the strokes to one, as if drawn without lifting the pen."""
    stroke = list(strokes[0])
    for following in strokes[1:]:
        stroke += [[stroke[-1][-1], following[0][0]], *following]
    return [stroke]
