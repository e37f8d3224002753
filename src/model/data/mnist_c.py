"""The fifteen corruptions of MNIST-C, rebuilt from their published parameters, to measure robustness.

Mu and Gilmer, "MNIST-C: a robustness benchmark for computer vision" (2019). The pictures differ from the published ones
in their random numbers. Corruptions take and return float32 [N, 28, 28]. No network is trained on them.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from skimage.feature import canny

from src.model.preprocessing.preprocess import SIDE

Pictures = NDArray[np.float32]
Numbers = NDArray[np.float64]
Corruption = Callable[[Pictures, Generator], Pictures]

CENTRE: Final = (SIDE - 1) / 2
FADE: Final = 2.3  # pixels above and below a line within which it fades out


def corrupt(name: str, pictures: Pictures, seed: int = 0) -> Pictures:
    """Return `pictures` [N, 28, 28] in 0..1 with the corruption `name`, rounded to the 255 levels of a file."""
    random = np.random.default_rng([seed, list(CORRUPTIONS).index(name)])
    corrupted = np.clip(CORRUPTIONS[name](pictures, random), 0, 1)
    return np.asarray(np.rint(corrupted * 255) / 255, np.float32)


def _add_shot_noise(pictures: Pictures, random: Generator) -> Pictures:
    return np.asarray(random.poisson(pictures * 3) / 3, np.float32)


def _add_impulse_noise(pictures: Pictures, random: Generator) -> Pictures:
    hit, salt = random.random(pictures.shape) < 0.17, random.random(pictures.shape) < 0.5
    return np.where(hit, salt.astype(np.float32), pictures)


def _blur_like_glass(pictures: Pictures, random: Generator) -> Pictures:
    """Swap about half of the pixels with a neighbour above or to the left, twice, between two slight blurs."""
    swapped = np.asarray(np.floor(_blur(pictures, 0.7) * 255) / 255, np.float32)
    count = len(pictures)
    indices, inner = np.arange(count), range(SIDE - 1, 1, -1)
    for _ in range(2):
        for row, column in product(inner, inner):
            chosen = random.random(count) < 0.5
            other_row = row + random.integers(-1, 1, count) * chosen
            other_column = column + random.integers(-1, 1, count) * chosen
            others = swapped[indices, other_row, other_column]
            swapped[indices, other_row, other_column] = swapped[:, row, column]
            swapped[:, row, column] = others
    return _blur(swapped, 0.7)


def _blur_by_motion(pictures: Pictures, random: Generator) -> Pictures:
    """Blur to one side, like ImageMagick with radius 10 and sigma 3."""
    distances = np.arange(21)
    weights = np.exp(-(distances**2) / (2 * 3**2))
    weights /= weights.sum()
    blurred = []
    for picture in pictures:
        angle = np.radians(random.uniform(-45, 45))
        kernel = np.zeros((43, 43))
        for distance, weight in zip(distances, weights, strict=True):
            kernel[21 + round(distance * np.sin(angle)), 21 + round(distance * np.cos(angle))] += weight
        blurred.append(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE))
    return np.asarray(blurred, np.float32)


def _shear(pictures: Pictures, random: Generator) -> Pictures:
    angles = 0.4 * random.choice([-1, 1], len(pictures))
    return _warp(pictures, [np.array([[1, -np.sin(angle)], [0, np.cos(angle)]]) for angle in angles])


def _scale(pictures: Pictures, _: Generator) -> Pictures:
    return _warp(pictures, [np.eye(2) / 0.7] * len(pictures))


def _rotate(pictures: Pictures, random: Generator) -> Pictures:
    angles = 0.4 * random.choice([-1, 1], len(pictures))
    rotations = [np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) for angle in angles]
    return _warp(pictures, rotations)


def _translate(pictures: Pictures, random: Generator) -> Pictures:
    return _warp(pictures, [np.eye(2)] * len(pictures), random.choice([-3, 3], (len(pictures), 2)))


def _warp(pictures: Pictures, matrices: Sequence[Numbers], shifts: Numbers | None = None) -> Pictures:
    """Fill each pixel from `matrix` times its position relative to the centre, plus `shift` (x, y)."""
    shifts = np.zeros((len(pictures), 2)) if shifts is None else shifts
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = []
    for picture, matrix, shift in zip(pictures, matrices, shifts, strict=True):
        inverse = np.column_stack([matrix, CENTRE - matrix @ np.full(2, CENTRE) + shift])
        warped.append(cv2.warpAffine(picture, inverse, (SIDE, SIDE), flags=flags))
    return np.asarray(warped, np.float32)


def _brighten(pictures: Pictures, _: Generator) -> Pictures:
    return pictures + np.float32(0.5)


def _invert_sides(pictures: Pictures, _: Generator) -> Pictures:
    """Invert all but a stripe of 14 columns in the middle."""
    columns = np.arange(SIDE)
    return np.where((columns < 7) | (columns >= 21), 1 - pictures, pictures)


def _add_fog(pictures: Pictures, random: Generator) -> Pictures:
    # copies: a view would keep the whole of its clouds, half a megabyte for each picture
    clouds = np.stack([_draw_clouds(random)[:SIDE, :SIDE].copy() for _ in pictures])
    brightest = pictures.max((1, 2), keepdims=True)
    return np.asarray((pictures + 3 * clouds) * brightest / (brightest + 3), np.float32)


def _draw_clouds(random: Generator, side: int = 256, decay: float = 1.4) -> Numbers:
    """Draw clouds [side, side] in 0..1 with the diamond-square algorithm; opposite edges fit together."""
    height = np.zeros((side, side))
    step, amplitude = side, 100.0

    def noise(shape: tuple[int, ...]) -> Numbers:
        return amplitude * random.uniform(-amplitude, amplitude, shape)

    while step >= 2:
        half = step // 2
        corners = height[::step, ::step]
        pairs = corners + np.roll(corners, -1, 0)
        centres = (pairs + np.roll(pairs, -1, 1)) / 4 + noise(corners.shape)
        height[half::step, half::step] = centres
        neighbours = centres + np.roll(centres, 1, 0) + corners + np.roll(corners, -1, 1)
        height[::step, half::step] = neighbours / 4 + noise(corners.shape)
        neighbours = centres + np.roll(centres, 1, 1) + corners + np.roll(corners, -1, 0)
        height[half::step, ::step] = neighbours / 4 + noise(corners.shape)
        step, amplitude = half, amplitude / decay
    height -= height.min()
    return np.asarray(height / height.max())


def _add_spatter(pictures: Pictures, random: Generator) -> Pictures:
    liquid = _blur(random.normal(0.65, 0.3, pictures.shape).astype(np.float32), 1)
    mud = _blur((liquid > 0.65).astype(np.float32), 1.5)
    mud[mud < 0.8] = 0
    return np.asarray(pictures * (1 - mud) + 63 / 255 * mud, np.float32)


def _add_dotted_line(pictures: Pictures, random: Generator) -> Pictures:
    """Add a line from the left to the right edge that shows two of every four columns."""
    shown = np.arange(SIDE) // 2 % 2 == 1
    heights = random.integers(0, SIDE - 1, (len(pictures), 2))
    lines = [_draw_line((0, left), (SIDE - 1, right)) * shown for left, right in heights]
    return pictures + np.asarray(lines, np.float32)


def _add_zigzag(pictures: Pictures, random: Generator) -> Pictures:
    corrupted = []
    for picture in pictures:
        height = int(random.integers(0, SIDE - 1))
        slope = int(random.integers(-5, 5)) / 23
        for start, end in pairwise(_place_zigzag(height, slope)):
            picture = np.clip(picture + _draw_line(start, end), 0, 1)  # noqa: PLW2901 - the lines add up
        corrupted.append(picture)
    return np.asarray(corrupted, np.float32)


def _place_zigzag(height: float, slope: float) -> list[tuple[float, float]]:
    """Return the corners (x, y) of a zigzag from column 2 to 25 about a line that begins at `height`."""
    left, right, tooth = 2, 25, 2.0
    cosine, sine = 1 / np.hypot(1, slope), slope / np.hypot(1, slope)
    length = (right - left) / cosine
    teeth = np.arange(int((length - tooth) // (2 * tooth)) + 1)
    along = np.concatenate([[0], (2 * teeth + 1) * tooth, [length]])  # distances along the line, and from it
    across = np.concatenate([[0], np.where(teeth % 2, -tooth, tooth), [0]])
    columns, rows = left + along * cosine - across * sine, height + along * sine + across * cosine
    return list(zip(columns, rows, strict=True))


def _draw_line(start: tuple[float, float], end: tuple[float, float]) -> Numbers:
    """Draw a line [28, 28] in 0..1 from `start` to `end` (x, y), fading out above and below."""
    (left, top), (right, bottom) = start, end
    steps = np.arange(SIDE)
    heights = top + (bottom - top) / (right - left) * (steps - left)
    distances = np.clip(np.abs(steps[:, None] - heights), 0, FADE - 1e-10)
    shown = (steps >= int(left)) & (steps < np.ceil(right))
    return np.asarray(np.clip(np.log(1 - distances / FADE) + 1, 0, 1) * shown)


def _detect_edges(pictures: Pictures, _: Generator) -> Pictures:
    edges = [canny(picture.astype(np.float64)) for picture in pictures]  # type: ignore[no-untyped-call] # no types
    return np.stack(edges).astype(np.float32)


def _blur(pictures: Pictures, sigma: float) -> Pictures:
    return np.stack([cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) for picture in pictures])


CORRUPTIONS: Final[dict[str, Corruption]] = {
    "shot noise": _add_shot_noise,
    "impulse noise": _add_impulse_noise,
    "glass blur": _blur_like_glass,
    "motion blur": _blur_by_motion,
    "shear": _shear,
    "scale": _scale,
    "rotate": _rotate,
    "brightness": _brighten,
    "translate": _translate,
    "stripe": _invert_sides,
    "fog": _add_fog,
    "spatter": _add_spatter,
    "dotted line": _add_dotted_line,
    "zigzag": _add_zigzag,
    "canny edges": _detect_edges,
}
