"""Pictures for tests: MNIST digits from `tests/data`, and digits drawn with a pen."""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

from src.settings import ROOT
from tests.hand import DIGITS

MAX_PIXELS = 25_000_000  # the default of DIGITS_MAX_PIXELS
SHEET = ROOT / "tests" / "data" / "mnist-validation.png"  # a row of ten for each digit, from MNIST's training digits
FINER = 4  # drawings are made this many times larger and scaled down, which anti-aliases their edges


def mnist(digit: int, number: int = 0) -> Image.Image:
    """Return MNIST picture `number`, 0..9, of `digit`: 28x28, mode L, ink bright."""
    left, top = 28 * number, 28 * digit
    return Image.open(SHEET).crop((left, top, left + 28, top + 28))


def all_mnist() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the hundred pictures, uint8 [100, 28, 28], and their labels, int64 [100]."""
    sheet = np.asarray(Image.open(SHEET))
    return sheet.reshape(10, 28, 10, 28).swapaxes(1, 2).reshape(100, 28, 28), np.repeat(np.arange(10), 10)


def drawn(
    digit: int, size: tuple[int, int] = (280, 280), pen: float = 18, box: tuple[int, int, int] | None = None
) -> Image.Image:
    """Draw `digit` in black on white, mode L. `box` is the square to draw it in: left, top and side."""
    picture = Image.new("L", (size[0] * FINER, size[1] * FINER), 255)
    left, top, side = box or (0, 0, min(size))
    for stroke in DIGITS[digit]:
        points = [((left + x * side / 100) * FINER, (top + y * side / 100) * FINER) for x, y in stroke]
        _line(ImageDraw.Draw(picture), points, pen * FINER)
    return picture.resize(size, Image.Resampling.BOX)


def written(*lines: str, side: int = 100, step: float = 0.62, pen: float = 7) -> Image.Image:
    """Write lines of digits in black on white, mode L: each digit in a square of `side` pixels, the next one `step` of
    it further to the right, and a blank for a space. They touch from a step of about 0.45.
    """
    width = round(side * (1 + step * (max(map(len, lines)) - 1)))
    picture = Image.new("L", (width, side * len(lines)), 255)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            if character != " ":
                box = (round(side * step * column), side * row, side)
                picture = ImageChops.darker(picture, drawn(int(character), picture.size, pen, box))
    return picture


def dot() -> Image.Image:
    """Return what a single click draws: a dot as wide as the pen, mode L."""
    picture = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(picture).ellipse((140, 100, 160, 120), 0)
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return `picture` as a file of the format `kind`."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(side: int) -> bytes:
    """Return a PNG that claims `side` x `side` pixels in a few bytes."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * 100), 9)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _line(pencil: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], width: float) -> None:
    pencil.line(points, 0, round(width), joint="curve")
    for x, y in points:
        pencil.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), 0)
