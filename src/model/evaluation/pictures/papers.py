"""Photographs of digits on papers that are not even, drawn from a set of digits by script.

A picture is a paper, RGB float [H, W, 3] in levels of 255, on which a pen takes away a part of the light. Then the
camera adds blur, noise and the artefacts of JPEG.
"""

from collections.abc import Callable
from colorsys import hsv_to_rgb
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from src.model.data.mnist import Digits, encode_jpeg
from src.model.evaluation.predictions import LabelledFile
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import crop, measure_stroke_width

Field = NDArray[np.float64]  # [SIDE, SIDE]
Paper = NDArray[np.float64]  # [SIDE, SIDE, 3]

SIDE: Final = 320  # pixels of a picture
ENLARGEMENT: Final = 8  # of a digit before it is redrawn
FAINT: Final = "faint pencil"


def make_photos(paper: str, digits: Digits, size: int, seed: int) -> list[LabelledFile]:
    """Return `size` photographs of digits on one of `PAPERS`, as JPEG files, the digits taken in turn."""
    random = np.random.default_rng([seed, list(PAPERS).index(paper)])
    sample = digits[:size]
    inks = sample.pixels().numpy()[:, 0]
    return [(_take_photo(paper, ink, random), label) for ink, label in zip(inks, sample.labels.tolist(), strict=True)]


def _take_photo(paper: str, digit: Ink, random: Generator) -> bytes:
    page = PAPERS[paper](random)
    covered = _place(_redraw(digit, random), random)
    if paper == FAINT:  # graphite lies on the grain only
        covered *= random.uniform(0.12, 0.3) * np.clip(1 + 0.3 * _noise(random, 2), 0, 1.3)
    else:
        covered *= random.uniform(0.55, 0.95)
    colour = 0.2 if paper == FAINT else random.uniform(0, 0.35, 3)
    return _shoot(page * (1 - covered[..., None] * (1 - colour)), random)


def _redraw(digit: Ink, random: Generator) -> Ink:
    """Draw a digit's skeleton with another pen, from a hairline to a pen a quarter wider than its own."""
    enlarged = cv2.resize(crop(digit), None, fx=ENLARGEMENT, fy=ENLARGEMENT, interpolation=cv2.INTER_CUBIC)
    ink = np.pad(np.asarray(cv2.GaussianBlur(enlarged, (0, 0), ENLARGEMENT / 3), np.float32), ENLARGEMENT)
    mask = ink > 0.45
    skeleton = np.asarray(skeletonize(mask), np.uint8)  # type: ignore[no-untyped-call] # skimage has no types
    width = max(1, round(random.uniform(2, 1.25 * measure_stroke_width(ink))))
    drawn = cv2.dilate(skeleton, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    return np.asarray(drawn, np.float32)


def _place(ink: Ink, random: Generator) -> Field:
    """Scale a digit to 25 to 75 % of the picture and put it anywhere, at least 5 % from the edges."""
    factor = SIDE * random.uniform(0.25, 0.75) / max(ink.shape)
    small = cv2.resize(ink, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    margin = SIDE // 20
    top, left = (int(random.integers(margin, SIDE - margin - side + 1)) for side in small.shape)
    page = np.zeros((SIDE, SIDE))
    page[top : top + small.shape[0], left : left + small.shape[1]] = small
    return page


def _shoot(light: Paper, random: Generator) -> bytes:
    """Return the JPEG that a camera makes of the light that a page reflects."""
    blurred = cv2.GaussianBlur(light, (0, 0), random.uniform(0.5, 1.2))
    noisy = blurred + random.normal(0, random.uniform(0.5, 4), blurred.shape)
    return encode_jpeg(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), quality=int(random.integers(60, 96)))


def _noise(random: Generator, grain: float) -> Field:
    """Return smooth noise with deviation 1 whose spots are about `grain` pixels wide."""
    field = cv2.GaussianBlur(random.normal(size=(SIDE, SIDE)), (0, 0), grain / 2)
    return np.asarray(field / field.std(), np.float64)


def _plain(random: Generator, least: float = 150) -> Paper:
    """Return paper of one light tone, white, grey or tinted."""
    level, tint = random.uniform(least, 245), random.uniform(-12, 12, 3)
    return np.full((SIDE, SIDE, 3), level) + tint


def _make_fibres(random: Generator) -> Paper:
    """Return paper with visible fibres, darker and lighter."""
    fibres = np.zeros((SIDE, SIDE))
    for _ in range(int(random.integers(150, 500))):
        start, angle = random.uniform(0, SIDE, 2), random.uniform(0, np.pi)
        bend, length = random.normal(0, 0.4), random.uniform(8, 40)
        middle = start + length / 2 * np.array([np.cos(angle), np.sin(angle)])
        end = middle + length / 2 * np.array([np.cos(angle + bend), np.sin(angle + bend)])
        path = np.array([start, middle, end]).astype(np.int32)[:, None]
        cv2.polylines(fibres, [path], False, random.uniform(-1, 0.6), 1)
    blurred = np.asarray(cv2.GaussianBlur(fibres, (0, 0), 0.6), np.float64)
    return _plain(random) + random.uniform(25, 70) * blurred[..., None]


def _make_mottles(random: Generator) -> Paper:
    """Return coloured paper with soft spots of several sizes, most often green or grey."""
    spots = sum(weight * _noise(random, grain) for weight, grain in ((0.6, 3), (0.7, 8), (0.5, 20)))
    tint = random.uniform(-30, 15, 3) + random.choice([0, 25]) * np.array([-0.6, 1, -0.6])
    return np.asarray(random.uniform(120, 200) + tint + random.uniform(4, 11) * np.asarray(spots)[..., None])


def _make_weave(random: Generator) -> Paper:
    """Return cloth: crossing threads, a little irregular."""
    period, angle = random.uniform(3, 9), random.uniform(0, np.pi / 2)
    rows, columns = np.mgrid[:SIDE, :SIDE] + 1.5 * np.stack([_noise(random, 40), _noise(random, 40)])
    across, along = columns * np.cos(angle) + rows * np.sin(angle), rows * np.cos(angle) - columns * np.sin(angle)
    threads = np.sin(2 * np.pi * across / period) * np.sin(2 * np.pi * along / period)
    return np.asarray(_plain(random) + random.uniform(8, 28) * threads[..., None])


def _make_cork(random: Generator) -> Paper:
    """Return cork: brown, with grains and dark specks."""
    grains = 9 * _noise(random, 5) + 6 * _noise(random, 2)
    specks = np.maximum(_noise(random, 4) - 2, 0) * random.uniform(15, 35)
    brown = np.array([205, 165, 120]) + random.uniform(-15, 15)
    return np.asarray(brown + (grains * random.uniform(0.6, 1.2) - specks)[..., None], np.float64)


def _make_recycled(random: Generator) -> Paper:
    """Return grey-brown paper with coloured specks."""
    paper = _plain(random, 160) + np.array([4, 0, -10]) + 3 * _noise(random, 4)[..., None]
    for _ in range(int(random.integers(40, 200))):
        centre = tuple(int(place) for place in random.integers(0, SIDE, 2))
        colour = random.uniform(60, 200, 3)
        cv2.circle(paper, centre, int(random.integers(0, 3)), colour.tolist(), -1, cv2.LINE_AA)
    return np.asarray(paper)


def _make_coloured(random: Generator) -> Paper:
    """Return paper of a strong colour with a slope of light."""
    colour = 255 * np.array(hsv_to_rgb(random.random(), random.uniform(0.25, 0.8), random.uniform(0.65, 1)))
    return np.asarray(colour * _slope(random)[..., None] + 2 * _noise(random, 3)[..., None])


def _slope(random: Generator) -> Field:
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    angle = random.uniform(0, 2 * np.pi)
    along = (columns - 0.5) * np.cos(angle) + (rows - 0.5) * np.sin(angle)
    return np.asarray(0.85 + random.uniform(0, 0.25) * along, np.float64)


def _make_moire(random: Generator) -> Paper:
    """Return a screen photographed from near: its pixels interfere with the camera's."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    waves = np.zeros((SIDE, SIDE, 3))
    for channel in range(3):
        for _ in range(2):
            period, angle = random.uniform(4, 40), random.uniform(0, np.pi)
            curve = random.uniform(-0.002, 0.002) * (rows - SIDE / 2) ** 2
            waves[..., channel] += np.sin(2 * np.pi * (columns * np.cos(angle) + rows * np.sin(angle) + curve) / period)
    return _plain(random, 180) + random.uniform(3, 9) * waves


def _make_flash(random: Generator) -> Paper:
    """Return dark paper lit by a flash: a bright spot whose middle may be white."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    row, column = random.uniform(0.1, 0.9, 2) * SIDE
    distance = np.hypot(rows - row, columns - column) / SIDE
    spot = np.exp(-((distance / random.uniform(0.25, 0.6)) ** 2))
    levels = random.uniform(90, 150) + random.uniform(60, 140) * spot + 2 * _noise(random, 3)
    return np.asarray(levels[..., None] + random.uniform(-10, 10, 3))


def _make_pencil_paper(random: Generator) -> Paper:
    return _plain(random, 190) * _slope(random)[..., None] + random.uniform(0.5, 2) * _noise(random, 3)[..., None]


PAPERS: Final[dict[str, Callable[[Generator], Paper]]] = {
    "fibres": _make_fibres,
    "mottles": _make_mottles,
    "weave": _make_weave,
    "cork": _make_cork,
    "recycled paper": _make_recycled,
    "coloured paper": _make_coloured,
    "moire": _make_moire,
    "flash": _make_flash,
    FAINT: _make_pencil_paper,
}
