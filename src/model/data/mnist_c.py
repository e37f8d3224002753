"""The fifteen corruptions of MNIST-C, made anew from their published parameters.

Mu and Gilmer, "MNIST-C: a robustness benchmark for computer vision" (2019). Each takes and returns float32 [N, 28, 28]
in 0..1 and is drawn from the generator given, so that the pictures are not the published ones but their like. Only for
measuring: nothing is trained on them.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from skimage.feature import canny

from src.model.preprocessing.preprocess import SIDE

Pictures = NDArray[np.float32]
Corruption = Callable[[Pictures, Generator], Pictures]

CENTRE: Final = (SIDE - 1) / 2
LINE_REACH: Final = 2.3  # pixels above and below a line at which it has faded


def corrupted(name: str, pictures: Pictures, seed: int = 0) -> Pictures:
    """Return `pictures` [N, 28, 28] with the corruption `name`, in whole levels of 255 as files hold them."""
    random = np.random.default_rng([seed, list(CORRUPTIONS).index(name)])
    found = np.clip(CORRUPTIONS[name](pictures, random), 0, 1)
    return np.asarray(np.rint(found * 255) / 255, np.float32)


def _shot_noise(pictures: Pictures, random: Generator) -> Pictures:
    return np.asarray(random.poisson(pictures * 3) / 3, np.float32)


def _impulse_noise(pictures: Pictures, random: Generator) -> Pictures:
    hit, salt = random.random(pictures.shape) < 0.17, random.random(pictures.shape) < 0.5
    return np.where(hit, salt.astype(np.float32), pictures)


def _glass_blur(pictures: Pictures, random: Generator) -> Pictures:
    shaken = np.asarray(np.floor(_blurred(pictures, 0.7) * 255) / 255, np.float32)
    each = np.arange(len(pictures))
    for row, column in 2 * [(row, column) for row in range(SIDE - 1, 1, -1) for column in range(SIDE - 1, 1, -1)]:
        moved = random.random(len(pictures)) < 0.5
        down, right = (random.integers(-1, 1, len(pictures)) * moved for _ in range(2))
        there = shaken[each, row + down, column + right]
        shaken[each, row + down, column + right] = shaken[:, row, column]
        shaken[:, row, column] = there
    return _blurred(shaken, 0.7)


def _motion_blur(pictures: Pictures, random: Generator) -> Pictures:
    """Smear to one side, as ImageMagick does with radius 10 and sigma 3."""
    taps = np.arange(21)
    weights = np.exp(-(taps**2) / (2 * 3**2))
    weights /= weights.sum()
    blurred = [_smeared(picture, weights, random.uniform(-45, 45)) for picture in pictures]
    return np.stack(blurred)


def _smeared(picture: Pictures, weights: NDArray[np.float64], degrees: float) -> Pictures:
    angle, reach = np.radians(degrees), len(weights)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for distance, weight in enumerate(weights):
        kernel[reach + round(distance * np.sin(angle)), reach + round(distance * np.cos(angle))] += weight
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)


def _shear(pictures: Pictures, random: Generator) -> Pictures:
    return _each_moved(pictures, random, lambda sign: np.array([[1, -np.sin(0.4 * sign)], [0, np.cos(0.4 * sign)]]))


def _scale(pictures: Pictures, random: Generator) -> Pictures:
    return _each_moved(pictures, random, lambda _: np.eye(2) / 0.7)


def _rotate(pictures: Pictures, random: Generator) -> Pictures:
    def turn(sign: int) -> NDArray[np.float64]:
        cosine, sine = np.cos(0.4), np.sin(0.4 * sign)
        return np.array([[cosine, -sine], [sine, cosine]])

    return _each_moved(pictures, random, turn)


def _translate(pictures: Pictures, random: Generator) -> Pictures:
    shifts = random.choice([-3, 3], (len(pictures), 2))
    return np.stack([_moved(picture, np.eye(2), shift) for picture, shift in zip(pictures, shifts, strict=True)])


def _each_moved(pictures: Pictures, random: Generator, matrix: Callable[[int], NDArray[np.float64]]) -> Pictures:
    signs = random.choice([-1, 1], len(pictures))
    return np.stack([_moved(picture, matrix(sign), np.zeros(2)) for picture, sign in zip(pictures, signs, strict=True)])


def _moved(picture: Pictures, matrix: NDArray[np.float64], shift: NDArray[np.float64]) -> Pictures:
    """Sample a picture at `matrix` times each place from the centre, and `shift` farther: x, y."""
    inverse = np.column_stack([matrix, CENTRE - matrix @ np.full(2, CENTRE) + shift])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, inverse, (SIDE, SIDE), flags=flags), np.float32)


def _brightness(pictures: Pictures, _: Generator) -> Pictures:
    return pictures + np.float32(0.5)


def _stripe(pictures: Pictures, _: Generator) -> Pictures:
    outside = (np.arange(SIDE) < 7) | (np.arange(SIDE) >= 21)
    return np.where(outside, 1 - pictures, pictures)


def _fog(pictures: Pictures, random: Generator) -> Pictures:
    clouds = np.stack([_plasma(random)[:SIDE, :SIDE] for _ in pictures])
    brightest = pictures.max((1, 2), keepdims=True)
    return np.asarray((pictures + 3 * clouds) * brightest / (brightest + 3), np.float32)


def _plasma(random: Generator, side: int = 256, decay: float = 1.4) -> NDArray[np.float64]:
    """Return clouds [side, side] in 0..1 by the diamond-square algorithm, whose edges meet."""
    height = np.zeros((side, side))
    step, size = side, 100.0
    while step >= 2:
        half = step // 2
        corners = height[::step, ::step]
        sums = corners + np.roll(corners, -1, 0)
        centres = (sums + np.roll(sums, -1, 1)) / 4 + size * random.uniform(-size, size, corners.shape)
        height[half::step, half::step] = centres
        beside = centres + np.roll(centres, 1, 0) + corners + np.roll(corners, -1, 1)
        height[::step, half::step] = beside / 4 + size * random.uniform(-size, size, corners.shape)
        below = centres + np.roll(centres, 1, 1) + corners + np.roll(corners, -1, 0)
        height[half::step, ::step] = below / 4 + size * random.uniform(-size, size, corners.shape)
        step, size = half, size / decay
    height -= height.min()
    return np.asarray(height / height.max())


def _spatter(pictures: Pictures, random: Generator) -> Pictures:
    liquid = _blurred(random.normal(0.65, 0.3, pictures.shape).astype(np.float32), 1)
    mud = _blurred((liquid > 0.65).astype(np.float32), 1.5)
    mud[mud < 0.8] = 0
    return np.asarray(pictures * (1 - mud) + 63 / 255 * mud, np.float32)


def _dotted_line(pictures: Pictures, random: Generator) -> Pictures:
    shown = np.arange(SIDE) // 2 % 2 == 1
    ends = random.integers(0, SIDE - 1, (len(pictures), 2))
    lines = [_line(0, start, SIDE - 1, end) * shown for start, end in ends]
    return pictures + np.asarray(lines, np.float32)


def _zigzag(pictures: Pictures, random: Generator) -> Pictures:
    return np.stack([_zigzagged(picture, random) for picture in pictures])


def _zigzagged(picture: Pictures, random: Generator) -> Pictures:
    left, right, tooth = 2, 25, 2.0
    start = int(random.integers(0, SIDE - 1))
    slope = int(random.integers(-5, 5)) / (right - left)
    cosine, sine = 1 / np.hypot(1, slope), slope / np.hypot(1, slope)
    length = (right - left) / cosine
    teeth = np.arange(int((length - tooth) // (2 * tooth)) + 1)
    along = np.concatenate([[0], (2 * teeth + 1) * tooth, [length]])
    across = np.concatenate([[0], np.where(teeth % 2, -tooth, tooth), [0]])
    columns, rows = left + along * cosine - across * sine, start + along * sine + across * cosine
    for piece in range(len(along) - 1):
        picture = np.clip(picture + _line(columns[piece], rows[piece], columns[piece + 1], rows[piece + 1]), 0, 1)
    return np.asarray(picture, np.float32)


def _line(left: float, start: float, right: float, end: float) -> NDArray[np.float64]:
    """Return a line [28, 28] in 0..1 between two points, fading away above and below."""
    steps = np.arange(SIDE)
    height = start + (end - start) / (right - left) * (steps - left)
    distance = np.clip(np.abs(steps[:, None] - height), 0, LINE_REACH - 1e-10)
    shown = (steps >= int(left)) & (steps < np.ceil(right))
    return np.asarray(np.clip(np.log(1 - distance / LINE_REACH) + 1, 0, 1) * shown)


def _canny_edges(pictures: Pictures, _: Generator) -> Pictures:
    # skimage leaves it without types
    return np.stack([canny(picture.astype(np.float64)) for picture in pictures]).astype(np.float32)  # type: ignore[no-untyped-call]


def _blurred(pictures: Pictures, sigma: float) -> Pictures:
    return np.stack([cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) for picture in pictures])


CORRUPTIONS: Final[dict[str, Corruption]] = {
    "shot noise": _shot_noise, "impulse noise": _impulse_noise, "glass blur": _glass_blur, "motion blur": _motion_blur,
    "shear": _shear, "scale": _scale, "rotate": _rotate, "brightness": _brightness, "translate": _translate,
    "stripe": _stripe, "fog": _fog, "spatter": _spatter, "dotted line": _dotted_line, "zigzag": _zigzag,
    "canny edges": _canny_edges,
}  # fmt: skip
