"""Letters and signs of many scripts, and marks such as dots, dashes, ticks and arrows, drawn with a pen.

Letters and signs come from the Hershey vector fonts (A. V. Hershey, "Calligraphy for computers", 1967), which describe
glyphs as strokes. A hand and a pen vary them as they vary digits (`pen_strokes.py`).
"""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from HersheyFonts import HersheyFonts  # type: ignore[import-untyped] # the package has no types
from numpy.random import Generator

from src.model.data.pen_strokes import CANVAS, Curve, Points, Shape, Stroke, draw_shape
from src.model.preprocessing.ink import Ink

LATIN: Final = "#%*+:;<=@~ACEFHKLMNPRTUVWXYcdehkmnptuvwx"
# The glyphs that are used, by the characters that stand for them in each font. Left out are digits, what some people
# write as a digit (B, O, Z, a, f, j, q, y, slashes, brackets, Lambda, Theta), and fonts whose strokes run along the
# outline.
GLYPHS: Final = {
    "futural": LATIN,
    "rowmans": LATIN,
    "cursive": LATIN,
    "scripts": LATIN,
    "greek": "ACDEGKMNPRSTUWXYacefghjklmnptuvwxy",
    "greeks": "ACDEGKMNPRSTUWXacefghjklmnptuvwx",
    "cyrillic": "$%&@ADEFGHIKLMNPQRSTUWX[`defghiklmnpqrtuwx{}",
    "cyrilc_1": "ADEFGIJKLMNPQSUVWYZdefgijklmnpqsuvwyz",
    "japanese": "$%&'()*+,-./012345679:;ADEFGIJKMNPUVWXZ\\]_`abcdfghlnoqrxyz{|}",
    "mathlow": "!#&':;?@bcdfghikln",
    "symbolic": "68<=>?@DEFGJLMNOPQRSTUVWXYZ[]^_`abcdfghmnp~",
    "astrology": "!$%'/:;=>?@]_`{|}~",
    "music": "'(,-/;<>?",
}
MIN_SPACING: Final = 0.12  # between the points of a curve, as a share of the glyph: more points would make it jagged
CORNER: Final = 50.0  # degrees; sharper turns stay corners
# Letters keep a thinner pen and more of their width than digits: squeezed to a bar, many are what people write as a 1.
SYMBOL_PEN: Final = (3.0, 14.0)
SYMBOL_NARROWEST: Final = 0.75
BLOT_PEN: Final = (6.0, 30.0)  # range of the pen's width in a dot or dash, in pixels of the canvas


def draw_symbol(random: Generator) -> Ink:
    """Draw a letter, sign or mark: ink [112, 112] in 0..1."""
    kind = random.random()
    if kind < 0.12:
        return _draw_blots(random)
    if kind < 0.24:
        return draw_shape(MARKS[random.integers(len(MARKS))](random), random, SYMBOL_PEN, SYMBOL_NARROWEST)
    symbols = load_symbols()
    return draw_shape(symbols[random.integers(len(symbols))], random, SYMBOL_PEN, SYMBOL_NARROWEST)


@cache
def load_symbols() -> tuple[Shape, ...]:
    """Return the glyphs of all fonts as strokes; the longer side of each is 1."""
    font = HersheyFonts()
    symbols = []
    for name, characters in GLYPHS.items():
        font.load_default_font(name)
        glyphs = [font.all_glyphs[character] for character in characters]
        symbols += [_to_shape([np.array(stroke, np.float64) for stroke in glyph.strokes]) for glyph in glyphs]
    return tuple(symbols)


def _to_shape(strokes: list[Points]) -> Shape:
    """Return polylines as strokes of smooth curves that meet in corners."""
    points = np.concatenate(strokes)
    low, side = points.min(0), max(float(np.ptp(points, axis=0).max()), 1.0)
    return [_split_at_corners((stroke - low) / side) for stroke in strokes]


def _split_at_corners(path: Points) -> Stroke:
    """Return a path as curves between its corners, without points that are closer than `MIN_SPACING`."""
    steps = np.diff(path, axis=0)
    angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    corners = np.flatnonzero(np.abs(np.degrees(np.diff(angles))) > CORNER) + 1
    ends = [0, *corners, len(path) - 1]
    return [_thin_out(path[start : end + 1]) for start, end in pairwise(ends)]


def _thin_out(path: Points) -> Curve:
    """Return the points of a curve, its ends among them, at least `MIN_SPACING` apart."""
    kept = [path[0]]
    for point in path[1:-1]:
        if min(np.linalg.norm(point - kept[-1]), np.linalg.norm(point - path[-1])) >= MIN_SPACING:
            kept.append(point)
    return [(float(x), float(y)) for x, y in (*kept, path[-1])]


def _draw_blots(random: Generator) -> Ink:
    """Draw what a pen leaves in a moment: a dot, several, a dash or a comma."""
    width = random.uniform(*BLOT_PEN)
    form = random.random()
    if form < 0.35:
        paths = [_draw_dash(random.uniform(0, 0.8) * width, random.uniform(0, np.pi), random)]
    elif form < 0.65:  # near the horizontal: an upright one is a 1
        paths = [_draw_dash(random.uniform(0.8, 8) * width, random.uniform(-0.6, 0.6), random)]
    elif form < 0.85:
        dots = (_draw_dash(random.uniform(0, 0.6) * width, 0, random) for _ in range(random.integers(2, 5)))
        paths = [dot + random.uniform(-40, 40, 2) for dot in dots]
    else:
        tail = _draw_dash(random.uniform(0.6, 1.3) * width, random.uniform(1.6, 2.6), random)
        paths = [np.concatenate([tail[:1] + random.uniform(-0.2, 0.2, (2, 2)) * width, tail])]
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    for path in paths:
        cv2.polylines(canvas, [(path + CANVAS / 2).astype(np.int32)[:, None]], False, 255, round(width), cv2.LINE_AA)
    return np.asarray(canvas / 255, np.float32)


def _draw_dash(length: float, angle: float, random: Generator) -> Points:
    """Return a stroke of three points around (0, 0), slightly bent."""
    direction = np.array([np.cos(angle), np.sin(angle)]) * min(length, CANVAS - 16)
    bend = direction[::-1] * (1, -1) * random.uniform(-0.15, 0.15)
    return np.stack([-direction / 2, bend, direction / 2])


def _make_tick(random: Generator) -> Shape:
    turn = (random.uniform(0.25, 0.5), 1.0)
    return [[[(0.0, random.uniform(0.45, 0.75)), turn], [turn, (random.uniform(0.9, 1.5), 0.0)]]]


def _make_arrow(random: Generator) -> Shape:
    """Return an arrow in any direction but up: that resembles a 1."""
    barb, spread = random.uniform(0.2, 0.45), random.uniform(0.15, 0.35)
    points = np.array([(0.0, 0.0), (1.0, 0.0), (1 - barb, -spread), (1 - barb, spread)])
    angle = random.uniform(-0.3, 1.3) * np.pi  # from the right, clockwise; 1.5 is up
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    tail, tip, left, right = ((float(x), float(y)) for x, y in points @ rotation)
    return [[[tail, tip]], [[left, tip], [tip, right]]]


def _make_heart(random: Generator) -> Shape:
    dip, side = (0.5, random.uniform(0.15, 0.35)), random.uniform(0.1, 0.3)
    left: Curve = [dip, (0.25, 0.0), (0.0, side), (0.5, 1.0)]
    return [[left, [(0.5, 1.0), (1.0, side), (0.75, 0.0), dip]]]


def _make_spiral(random: Generator) -> Shape:
    angles = np.linspace(0, random.uniform(2.2, 4.5) * 2 * np.pi, 40) * random.choice([-1, 1])
    radii = np.linspace(0.02, 0.5, 40)
    return [[[(float(r * np.cos(a)), float(r * np.sin(a))) for r, a in zip(radii, angles, strict=True)]]]


def _make_zigzag(random: Generator) -> Shape:
    """Return a wide zigzag of four to nine lines: fewer may be a Z or an N."""
    count = int(random.integers(5, 11))
    corners = [(index / 2, float(index % 2)) for index in range(count)]
    return [[[start, end] for start, end in pairwise(corners)]]


def _make_face(random: Generator) -> Shape:
    """Return a circle with two eyes and a mouth."""
    angles = random.uniform(0, 6) + np.linspace(0, 6.4, 14)
    ring: Curve = [(float(0.5 + 0.5 * np.cos(angle)), float(0.5 + 0.5 * np.sin(angle))) for angle in angles]
    height, mood = random.uniform(0.3, 0.42), random.uniform(-0.15, 0.2)
    mouth: Curve = [(0.28, 0.68 - mood / 2), (0.5, 0.68 + mood), (0.72, 0.68 - mood / 2)]
    return [[ring], [[(0.33, height), (0.34, height + 0.04)]], [[(0.67, height), (0.66, height + 0.04)]], [mouth]]


MARKS: Final[tuple[Callable[[Generator], Shape], ...]] = (
    _make_tick,
    _make_arrow,
    _make_heart,
    _make_spiral,
    _make_zigzag,
    _make_face,
)
