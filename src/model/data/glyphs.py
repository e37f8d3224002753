"""The ways in which people write the ten digits, as strokes (see `pen_strokes.py`), chosen at random."""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.random import Generator

from src.model.data.pen_strokes import Curve, Shape, Stroke, join_strokes

JOINED: Final = 0.12  # share of the digits with several strokes that are drawn without lifting the pen
STRAIGHT: Final = 0.15  # share of the digits built of straight strokes, as on displays and in letter boxes
STRAIGHT_STROKES: Final[tuple[tuple[tuple[tuple[float, float], ...], ...], ...]] = (  # by digit: strokes and points
    (((0, 0), (0, 1), (1, 1), (1, 0), (0, 0)),),
    (((0.5, 0), (0.5, 1)),),
    (((0, 0), (1, 0), (1, 0.5), (0, 0.5), (0, 1), (1, 1)),),
    (((0, 0), (1, 0), (1, 0.5), (1, 1), (0, 1)), ((0.2, 0.5), (1, 0.5))),
    (((0, 0), (0, 0.55), (1, 0.55)), ((0.85, 0), (0.85, 1))),
    (((1, 0), (0, 0), (0, 0.5), (1, 0.5), (1, 1), (0, 1)),),
    (((1, 0), (0, 0), (0, 1), (1, 1), (1, 0.5), (0, 0.5)),),
    (((0, 0), (1, 0), (0.6, 1)),),
    (((0, 0.5), (0, 0), (1, 0), (1, 1), (0, 1), (0, 0.5), (1, 0.5)),),
    (((1, 0.5), (0, 0.5), (0, 0), (1, 0), (1, 1), (0, 1)),),
)


def write_digit(digit: int, random: Generator) -> Shape:
    """Return one way to write `digit`, 0..9."""
    shape = _write_straight(digit, random) if random.random() < STRAIGHT else WRITERS[digit](random)
    return join_strokes(shape) if len(shape) > 1 and random.random() < JOINED else shape


def _write_straight(digit: int, random: Generator) -> Shape:
    """Build a digit of straight strokes; some have corners cut off, and some nines end in a stem."""
    strokes = [list(points) for points in STRAIGHT_STROKES[digit]]
    if digit == 9 and random.random() < 0.5:
        strokes[0].pop()
    width, cut = random.uniform(0.4, 1), random.uniform(0.08, 0.3) if random.random() < 0.4 else 0
    shape: Shape = []
    for points in strokes:
        corners = [(x * width, y) for x, y in _cut_corners(points, cut, random)]
        shape.append([list(line) for line in pairwise(corners)])
    return shape


def _cut_corners(points: list[tuple[float, float]], cut: float, random: Generator) -> list[tuple[float, float]]:
    """Cut off about half the corners, by the share `cut` of the sides that meet there."""
    path = points[:1]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        if cut and random.random() < 0.5:
            path += [_interpolate(corner, before, cut), _interpolate(corner, after, cut)]
        else:
            path.append(corner)
    return [*path, points[-1]]


def _interpolate(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _write_zero(random: Generator) -> Shape:
    ellipse = _sample_ellipse((0.5, 0.5), (0.5, 0.5), random.uniform(-2.2, -0.6), random.uniform(-6.6, -5.7))
    if random.random() < 0.35:  # slashed, to distinguish it from the letter
        out = random.uniform(-0.2, 0.2)
        return [[ellipse], [[(0.85 + out, 0.1 - out), (0.15 - out, 0.9 + out)]]]
    return [[ellipse]]


def _write_one(random: Generator) -> Shape:
    lean = random.uniform(-0.1, 0.15)
    top, foot = (0.6 + lean, 0.0), (0.6 - lean, 1.0)
    stem: Curve = [top, foot]
    if random.random() < 0.15:
        return [[stem]]
    reach, drop = random.uniform(0.12, 0.75), random.uniform(0.12, 0.62)
    drop = max(drop, 0.3 * reach)  # a flatter upstroke would make it a seven
    start = (top[0] - reach, drop)
    bend = (top[0] - reach * 0.45, drop * random.uniform(0.35, 0.65))
    stroke: Stroke = [[start, bend, top], stem]
    if random.random() < 0.3:
        half = random.uniform(0.15, 0.45)
        return [stroke, [[(foot[0] - half, 1.0), (foot[0] + half, random.uniform(0.97, 1.03))]]]
    return [stroke]


def _write_two(random: Generator) -> Shape:
    start, right = (0.08, random.uniform(0.12, 0.35)), (0.85, random.uniform(0.2, 0.32))
    foot = (random.uniform(0.95, 1.1), random.uniform(0.88, 1.02))
    if random.random() < 0.5:
        return [[[start, (0.45, 0.0), right, (0.5, 0.68), (0.08, 1.0)], [(0.08, 1.0), foot]]]
    loop: Curve = [(0.42, 0.78), (0.18, 0.97), (0.1, 0.85), (0.28, 0.8), (0.6, 0.95), foot]
    return [[[start, (0.45, 0.0), right, *loop]]]


def _write_three(random: Generator) -> Shape:
    waist = (random.uniform(0.25, 0.55), random.uniform(0.4, 0.5))
    belly: Curve = [waist, (0.92, 0.68), (0.55, 1.0), (0.05, random.uniform(0.8, 0.97))]
    if random.random() < 0.3:
        corner = (random.uniform(0.75, 0.95), 0.03)
        return [[[(0.08, random.uniform(0.0, 0.08)), corner], [corner, waist], belly]]
    return [[[(0.08, random.uniform(0.08, 0.25)), (0.5, 0.0), (0.85, 0.2), waist], belly]]


def _write_four(random: Generator) -> Shape:
    bar, stem = random.uniform(0.5, 0.85), random.uniform(0.5, 0.8)
    end, left = (random.uniform(0.85, 1.05), bar + random.uniform(-0.06, 0.04)), (0.05, bar)
    tail = (stem + random.uniform(-0.12, 0.05), 1.0)
    form = random.random()
    if form < 0.3:  # closed, as printed
        return [[[(stem, 0.0), left], [left, end]], [[(stem, 0.0), tail]]]
    high = (stem + random.uniform(-0.05, 0.12), random.uniform(0.0, min(0.55, bar - 0.12)))
    if form < 0.7:  # open, left arm straight
        return [[[(random.uniform(0.15, 0.45), 0.0), left], [left, end]], [[high, tail]]]
    # open, left arm round
    arm: Curve = [(0.12, random.uniform(0.0, 0.15)), (0.1, 0.45), (0.4, 0.6), (stem, 0.5)]
    return [[arm], [[(stem, random.uniform(0.0, 0.2)), tail]]]


def _write_five(random: Generator) -> Shape:
    corner, neck = (random.uniform(0.15, 0.3), 0.02), (random.uniform(0.1, 0.22), random.uniform(0.38, 0.5))
    end, tail = (random.uniform(0.7, 1.05), random.uniform(-0.08, 0.08)), (0.06, random.uniform(0.82, 0.98))
    belly: Curve = [neck, (0.6, 0.38), (0.9, 0.68), (0.5, 1.0), tail]
    form = random.random()
    if form < 0.35:
        return [[[end, corner], [corner, neck], belly]]
    if form < 0.8:  # the bar drawn last and displaced
        gap = random.uniform(-0.05, 0.12)
        return [[[corner, neck], belly], [[(corner[0] + gap, corner[1] - gap / 2), end]]]
    return [[[end, (0.3, 0.05), (0.18, 0.35), (0.7, 0.52), (0.8, 0.82), (0.42, 1.0), tail]]]


def _write_six(random: Generator) -> Shape:
    start = (random.uniform(0.45, 0.95), 0.0)
    waist = random.uniform(0.42, 0.62)
    back = (random.uniform(0.1, 0.4), random.uniform(0.55, 0.8))
    return [[[start, (0.28, 0.32), (0.08, 0.7), (0.45, 1.0), (0.85, 0.78), (0.52, waist), back]]]


def _write_seven(random: Generator) -> Shape:
    corner = (random.uniform(0.8, 1.0), random.uniform(-0.03, 0.1))
    foot = (random.uniform(0.2, 0.65), 1.0)
    bend = (0.5 * corner[0] + 0.5 * foot[0] - random.uniform(0.0, 0.12), 0.5)
    rise = random.uniform(-0.08, 0.1)
    top: Stroke = [[(0.05, 0.05 + rise), (0.5, 0.04 + rise / 2 + random.uniform(-0.03, 0.06)), corner]]
    if random.random() < 0.3:
        top = [[(0.05, random.uniform(0.12, 0.28)), (0.05, 0.05 + rise)], *top]
    stroke: Stroke = [*top, [corner, bend, foot]]
    if random.random() < 0.45:
        middle, half = random.uniform(0.4, 0.65), random.uniform(0.15, 0.4)
        tilt = random.uniform(-0.1, 0.08)
        return [stroke, [[(bend[0] - half, middle - tilt), (bend[0] + half, middle + tilt)]]]
    return [stroke]


def _write_eight(random: Generator) -> Shape:
    waist = random.uniform(0.4, 0.52)
    if random.random() < 0.25:  # two rings, one on the other
        small = random.uniform(0.3, 0.45)
        upper = _sample_ellipse((0.5, waist / 2), (small, waist / 2), -1.6, random.uniform(-6.8, -6.0))
        lower = _sample_ellipse((0.5, (1 + waist) / 2), (0.5, (1 - waist) / 2), -1.6, random.uniform(-6.8, -6.0))
        return [[upper], [lower]]
    upper_left, crossing = (0.18, waist / 2), (0.5, waist)
    end = (random.uniform(0.6, 0.9), random.uniform(-0.05, 0.2))
    turn: Curve = [(0.88, 0.75), (0.5, 1.0), (0.12, 0.76), (0.48, waist + 0.03), (0.8, waist / 2), end]
    return [[[(random.uniform(0.65, 0.85), random.uniform(0.05, 0.2)), (0.45, 0.0), upper_left, crossing, *turn]]]


def _write_nine(random: Generator) -> Shape:
    right, low = random.uniform(0.75, 0.9), random.uniform(0.4, 0.55)
    shut = (right, random.uniform(0.12, 0.35))
    ring: Curve = [(right, random.uniform(0.05, 0.25)), (0.5, 0.0), (0.12, low / 2), (0.4, low), shut]
    form = random.random()
    if form < 0.45:
        return [[ring, [shut, (right + random.uniform(-0.45, 0.05), 1.0)]]]
    if form < 0.8:
        end = (random.uniform(0.0, 0.3), random.uniform(0.8, 1.0))
        return [[ring, [shut, (right + 0.04, 0.65), (0.55, 1.0), end]]]
    gap = (right - random.uniform(0.0, 0.1), random.uniform(0.0, 0.1))  # ring open at the top
    return [[[gap, (0.4, 0.02), (0.12, low / 2), (0.42, low), (right, 0.2)], [(right, 0.2), (right - 0.08, 1.0)]]]


def _sample_ellipse(centre: tuple[float, float], radii: tuple[float, float], start: float, sweep: float) -> Curve:
    """Return points on an ellipse from the angle `start` over `sweep` radians, clockwise from the right if positive."""
    (x, y), (width, height) = centre, radii
    angles = start + np.linspace(0, sweep, 12)
    return [(float(x + width * np.cos(angle)), float(y + height * np.sin(angle))) for angle in angles]


WRITERS: Final[tuple[Callable[[Generator], Shape], ...]] = (
    _write_zero, _write_one, _write_two, _write_three, _write_four,
    _write_five, _write_six, _write_seven, _write_eight, _write_nine,
)  # fmt: skip
