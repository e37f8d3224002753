"""Marks that are no digits: a click, a dash, two dots and a comma, drawn with the page's pens on its canvas."""

import io
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

Point = tuple[float, float]

SIDE: Final = 280  # pixels of the page's canvas
PENS: Final = (10, 30)  # pixels: range of the pen's width
FINER: Final = 4  # drawn this many times larger and scaled down, which anti-aliases the edges


def make_marks(kind: str, size: int, seed: int) -> list[bytes]:
    """Return `size` drawings of one of `MARKS` as PNG files."""
    random = np.random.default_rng([seed, list(MARKS).index(kind)])
    return [_draw(MARKS[kind](random), random) for _ in range(size)]


def _draw(strokes: list[list[Point]], random: Generator) -> bytes:
    canvas = Image.new("L", (SIDE * FINER, SIDE * FINER), 255)
    pencil = ImageDraw.Draw(canvas)
    width = random.uniform(*PENS) * FINER
    for stroke in strokes:
        points = [(x * FINER, y * FINER) for x, y in stroke]
        pencil.line(points, 0, round(width), joint="curve")
        for x, y in points:
            pencil.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), 0)
    file = io.BytesIO()
    canvas.resize((SIDE, SIDE), Image.Resampling.BOX).save(file, "PNG")
    return file.getvalue()


def _choose_place(random: Generator) -> Point:
    x, y = random.uniform(0.3, 0.7, 2) * SIDE
    return float(x), float(y)


def _click(random: Generator) -> list[list[Point]]:
    return [[_choose_place(random)]]


def _dash(random: Generator) -> list[list[Point]]:
    """Return one straight stroke, level or nearly: an upright one would be a 1."""
    (x, y), angle, length = _choose_place(random), random.uniform(-0.3, 0.3), random.uniform(15, 50)
    dx, dy = length * float(np.cos(angle)), length * float(np.sin(angle))
    return [[(x - dx, y - dy), (x + dx, y + dy)]]


def _two_dots(random: Generator) -> list[list[Point]]:
    (x, y), angle, distance = _choose_place(random), random.uniform(0, np.pi), random.uniform(45, 120)
    dx, dy = distance / 2 * float(np.cos(angle)), distance / 2 * float(np.sin(angle))
    return [[(x - dx, y - dy)], [(x + dx, y + dy)]]


def _comma(random: Generator) -> list[list[Point]]:
    """Return a short stroke that bends down to the left."""
    (x, y), length = _choose_place(random), random.uniform(20, 45)
    return [[(x, y), (x + 0.15 * length, y + 0.5 * length), (x - 0.3 * length, y + length)]]


MARKS: Final[dict[str, Callable[[Generator], list[list[Point]]]]] = {
    "click": _click,
    "dash": _dash,
    "two dots": _two_dots,
    "comma": _comma,
}
