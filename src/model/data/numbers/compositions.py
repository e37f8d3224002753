"""Pictures of numbers, composed from single digits: lines, two digits in one small picture, and photographed sheets.

Pictures are grey, uint8 [H, W]. A composition comes with its lines of text, top to bottom.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from src.model.data.mnist import Digits
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import SIDE, crop

Grey = NDArray[np.uint8]

GAP: Final = (1, 9)  # pixels between two digits, at MNIST's size
MAX_OVERLAP: Final = 1  # pixel by which the ink of touching digits overlaps, where it meets first ...
MAX_NESTING: Final = 0.4  # ... unless their boxes would overlap by more of the narrower one's width
TOUCHING: Final = 0.5  # ink from which pixels of two digits count as touching
PAPER: Final = (150, 245)  # grey level of the paper of a sheet


@dataclass(frozen=True)
class Composition:
    """A picture and the digits on it."""

    picture: Grey
    lines: tuple[str, ...]


def compose_number(digits: Digits, random: Generator, touching: float = 0.0) -> Composition:
    """Put 2 to 6 digits in a row, apart from each other or, with probability `touching`, touching the next one."""
    row = compose_row(digits, random, int(random.integers(2, 7)), touching)
    margins = random.integers(2, 20, 4)
    ink = np.pad(row.ink, (margins[:2], margins[2:]))
    if (scale := random.uniform(1, 4)) > 1.5:
        ink = np.asarray(cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.float32)
    levels = np.asarray(np.rint(np.clip(ink, 0, 1) * 255), np.uint8)
    return Composition(255 - levels if random.random() < 0.5 else levels, (row.text,))


def compose_pair(digits: Digits, random: Generator) -> Composition:
    """Put two digits into 28x28 pixels: whole pictures narrowed, or shrunk; or digits cropped and shrunk."""
    chosen = [digits.choose(random) for _ in range(2)]
    kind = int(random.integers(3))
    ink = np.zeros((SIDE, SIDE), np.float32)
    half = SIDE // 2
    for number, (picture, _) in enumerate(chosen):
        digit = crop(picture) if kind == 2 else picture
        if kind == 2:
            factor = min((half - 1) / digit.shape[1], random.uniform(16, 24) / digit.shape[0])
            size = (max(1, int(digit.shape[1] * factor)), max(1, int(digit.shape[0] * factor)))
        else:
            size = (half, SIDE if kind == 0 else half)
        small = cv2.resize(digit, size, interpolation=cv2.INTER_AREA)
        left, top = number * half + (half - size[0]) // 2, (SIDE - size[1]) // 2
        ink[top : top + size[1], left : left + size[0]] = small
    return Composition(np.asarray(np.rint(ink * 255), np.uint8), ("".join(str(label) for _, label in chosen),))


def compose_sheet(digits: Digits, random: Generator) -> Composition:
    """Photograph a sheet with 1 to 6 lines of 1 to 8 digits: pen, shading, rotation, perspective, blur, noise, JPEG."""
    rows = [compose_row(digits, random, int(random.integers(1, 9)), 0.05) for _ in range(random.integers(1, 7))]
    size = random.uniform(1.5, 3.5)
    inks = [_write(row.ink, size, random) for row in rows]
    width = max(ink.shape[1] for ink in inks)
    spacing = [int(random.uniform(0.35, 1.0) * SIDE * size) for _ in inks]
    margin = int(random.uniform(0.8, 2.5) * SIDE * size)
    sheet = np.zeros((sum(ink.shape[0] for ink in inks) + sum(spacing) + 2 * margin, width + 2 * margin), np.float32)
    top = margin
    for ink, space in zip(inks, spacing, strict=True):
        left = margin + int(random.uniform(0, 1) ** 2 * (width - ink.shape[1]))
        sheet[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        top += ink.shape[0] + space
    return Composition(_photograph(_turn(sheet, random), random), tuple(row.text for row in rows))


@dataclass(frozen=True)
class Row:
    """A row of digits, cropped: ink [h, w], the number of the digit that each pixel belongs to or -1, and the text."""

    ink: Ink
    owners: NDArray[np.int8]
    text: str


def compose_row(digits: Digits, random: Generator, count: int, touching: float) -> Row:
    """Return a row of `count` digits, of which neighbours touch with probability `touching`.

    They are a little up or down, larger or smaller.
    """
    ink = np.zeros((2 * SIDE, (count + 1) * (SIDE + GAP[1])), np.float32)
    owners = np.full(ink.shape, -1, np.int8)
    end, last_width, text = 0, 0, ""
    for number in range(count):
        digit, label = digits.choose(random)
        factor = random.uniform(0.85, 1.15)
        digit = np.asarray(
            cv2.resize(crop(digit), None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.float32
        )
        height, width = digit.shape
        rows = slice(SIDE - height // 2 + int(random.integers(-2, 3)), None)
        left = end + int(random.integers(*GAP))
        if number and random.random() < touching:
            approach = _measure_approach(ink[rows, :end][:height], digit) + int(random.integers(MAX_OVERLAP + 1))
            left = end - min(approach, int(MAX_NESTING * min(width, last_width)))
        part = ink[rows, left : left + width][:height]
        owners[rows, left : left + width][:height][(digit > part)] = number
        np.maximum(part, digit, out=part)
        end, last_width, text = left + width, width, text + str(label)
    x, y, width, height = cv2.boundingRect((ink > 0).view(np.uint8))
    return Row(ink[y : y + height, x : x + width], owners[y : y + height, x : x + width], text)


def _measure_approach(row: Ink, digit: Ink) -> int:
    """Return by how many pixels `digit` may move to the left, from the end of `row`, until their ink meets."""
    left = np.where((row > TOUCHING).any(1), (row[:, ::-1] > TOUCHING).argmax(1), row.shape[1])
    right = np.where((digit > TOUCHING).any(1), (digit > TOUCHING).argmax(1), digit.shape[1])
    return int(min((left + right).min(), row.shape[1], digit.shape[1]))


def _write(ink: Ink, size: float, random: Generator) -> Ink:
    """Redraw a row `size` times as large, with ink of any darkness and a margin."""
    padded = np.pad(ink, 2)
    dimensions = (round(padded.shape[1] * size), round(padded.shape[0] * size))
    return redraw(padded, dimensions, random) * np.float32(random.uniform(0.75, 1))


def redraw(ink: Ink, size: tuple[int, int], random: Generator) -> Ink:
    """Enlarge a row to `size`, width and height, and draw it with a thinner or a thicker pen."""
    large = cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC)
    level = random.uniform(0.3, 0.65)  # the higher, the thinner
    blurred = cv2.GaussianBlur(large, (0, 0), 0.3 * size[0] / ink.shape[1])
    sharp = np.clip((blurred - level) * random.uniform(3, 8) + 0.5, 0, 1)
    return np.asarray(sharp, np.float32)


def _turn(sheet: Ink, random: Generator) -> Ink:
    """Rotate a sheet by up to 5 degrees, and tilt it a little."""
    height, width = sheet.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    angle = np.radians(random.uniform(-5, 5))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = corners.mean(0)
    moved = (corners - middle) @ rotation.T + middle + random.uniform(-0.03, 0.03, (4, 2)) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return np.asarray(cv2.warpPerspective(sheet, matrix, (width, height), flags=cv2.INTER_LINEAR), np.float32)


def _photograph(ink: Ink, random: Generator) -> Grey:
    """Return ink on shaded paper, blurred, with noise, and compressed as JPEG."""
    paper = random.uniform(*PAPER) * (1 - _draw_clouds(ink.shape, 3, random) * random.uniform(0, 0.45))
    paper = paper * (1 + (_draw_clouds(ink.shape, 60, random) - 0.5) * random.uniform(0, 0.05))
    pen = random.uniform(10, 90)
    tones = cv2.GaussianBlur(paper + (np.minimum(pen, paper - 50) - paper) * ink, (0, 0), random.uniform(0.4, 1.2))
    noisy = tones + random.normal(0, random.uniform(1, 6), ink.shape)
    levels = np.asarray(np.rint(np.clip(noisy, 0, 255)), np.uint8)
    file = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(50, 96))])[1]
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)


def _draw_clouds(shape: tuple[int, ...], cells: int, random: Generator) -> NDArray[np.float32]:
    """Return a smooth random field [H, W] in 0..1, with about `cells` bumps along each side."""
    field = cv2.resize(random.random((cells, cells)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(field, 0, 1), np.float32)
