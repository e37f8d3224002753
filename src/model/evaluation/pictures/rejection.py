"""Pictures that are no digits and that no network is trained on, to measure how many are taken for one.

They need no download: letters come from matplotlib's fonts, patches of photos from scikit-learn's sample images, and
scribbles and marks are drawn with the pen of the page's canvas. All are PNG files, like users' pictures.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import matplotlib as mpl
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_images

from src.model.data.mnist import encode_png
from src.model.data.pen_strokes import Points, draw_paths, smooth

CANVAS: Final = 280  # pixels, as on the page
PEN: Final = 18  # pixels, the page's default
FONTS: Final = ("DejaVuSans", "DejaVuSerif-Italic", "DejaVuSansMono-Bold", "STIXGeneral", "STIXGeneralItalic")
LETTERS: Final = "ACEFHKLMNPRTUVWXYacdefhkmnprtuvwx"  # without those that resemble a digit
GREEK: Final = "ΓΔΛΞΠΣΦΨΩαγεζηκλμνξπρτφχψω"
PATCH: Final = 32  # side of a patch of a photo, in pixels

Picture = NDArray[np.uint8]  # [H, W] or [H, W, 3]


def make_non_digits(kind: str, size: int, seed: int) -> list[bytes]:
    """Make `size` PNG files of one of `KINDS`."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    return [encode_png(MAKERS[kind](random)) for _ in range(size)]


def _print_letter(random: Generator, letters: str) -> Picture:
    """Print one of the letters in a random font and size, a little rotated."""
    path = Path(mpl.get_data_path(), "fonts", "ttf", f"{random.choice(FONTS)}.ttf")
    picture = Image.new("L", (CANVAS, CANVAS), 255)
    font = ImageFont.truetype(str(path), int(random.integers(60, 180)))
    letter = letters[random.integers(len(letters))]
    ImageDraw.Draw(picture).text((CANVAS / 2, CANVAS / 2), letter, fill=0, font=font, anchor="mm")
    turned = picture.rotate(random.uniform(-10, 10), fillcolor=255, resample=Image.Resampling.BICUBIC)
    return np.asarray(turned, np.uint8)


def _scribble(random: Generator, points: int) -> Picture:
    return _draw([smooth(random.uniform(30, CANVAS - 30, (points, 2)))])


def _click(random: Generator) -> Picture:
    """Draw what a click leaves: a dot, or a stroke shorter than the pen is wide."""
    start = _choose_place(random)
    return _draw([np.stack([start, start + random.uniform(-4, 4, 2)])])


def _dash(random: Generator) -> Picture:
    """Draw a line near the horizontal."""
    return _draw([_choose_place(random) + _make_line(random.uniform(1.5, 6) * PEN, random.uniform(-0.35, 0.35))])


def _two_dots(random: Generator) -> Picture:
    line = _choose_place(random) + _make_line(random.uniform(2, 5) * PEN, random.uniform(0, np.pi))
    return _draw([np.repeat(line[:1], 2, 0), np.repeat(line[1:], 2, 0)])


def _comma(random: Generator) -> Picture:
    """Draw a dot with a short tail to the lower left."""
    start, length = _choose_place(random), random.uniform(0.8, 1.6) * PEN
    bend = start + 0.3 * length
    return _draw([np.stack([start, bend, bend + _make_line(length, random.uniform(1.7, 2.4))[1]])])


def _cut_photo(random: Generator) -> Picture:
    """Cut a square out of a photo in colour, and scale it down to a few pixels."""
    photos = load_sample_images().images
    photo, side = photos[random.integers(len(photos))], int(random.choice([1, 2, 4, 8])) * PATCH
    top, left = (int(random.integers(length - side)) for length in photo.shape[:2])
    patch = photo[top : top + side, left : left + side]
    return np.asarray(cv2.resize(patch, (PATCH, PATCH), interpolation=cv2.INTER_AREA), np.uint8)


def _choose_place(random: Generator) -> Points:
    return np.asarray(random.uniform(60, CANVAS - 60, 2), np.float64)


def _make_line(length: float, angle: float) -> Points:
    """Return a line [2, 2] from (0, 0)."""
    return np.array([(0, 0), (length * np.cos(angle), length * np.sin(angle))])


def _draw(strokes: list[Points]) -> Picture:
    """Draw strokes in black on white with the page's pen."""
    picture = np.full((CANVAS, CANVAS), 255, np.uint8)
    draw_paths(picture, strokes, 0, PEN)
    return picture


MAKERS: Final[dict[str, Callable[[Generator], Picture]]] = {
    "letters": partial(_print_letter, letters=LETTERS),
    "Greek letters": partial(_print_letter, letters=GREEK),
    "scribbles through 4 points": partial(_scribble, points=4),
    "scribbles through 6 points": partial(_scribble, points=6),
    "scribbles through 12 points": partial(_scribble, points=12),
    "clicks": _click,
    "dashes": _dash,
    "two dots": _two_dots,
    "commas": _comma,
    "patches of photos": _cut_photo,
}
KINDS: Final = tuple(MAKERS)
