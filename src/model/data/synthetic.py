"""Synthetic training pictures, to learn beside MNIST from other pens, scanners and hands.

    retraced   MNIST's digits redrawn along their skeleton with a pen of any width
    scanned    MNIST's digits as from a coarse scanner: few pixels, often black and white, often stretched
    written    digits drawn from strokes, in ways of writing that are rare in MNIST (`glyphs.py`)
    worn       MNIST's digits as outlines, crossed by lines, grainy or smudged (`degradations.py`)
    others     invented signs, scribbles, textures, scenes, with the label `NO_DIGIT` (`non_digits.py`)
    symbols    letters, signs and marks, with the label `NO_DIGIT` (`symbols.py`)

These names of the kinds are keys in docs/results/evaluation-*.json and in cached files, so they must not change.
All pictures pass through the same framing as users' pictures.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from skimage.morphology import skeletonize
from torch import Tensor

from src.model.data.degradations import degrade
from src.model.data.glyphs import write_digit
from src.model.data.mnist import Digits
from src.model.data.non_digits import DigitSimilarity, draw_non_digit
from src.model.data.pen_strokes import draw_shape
from src.model.data.scenes import draw_scene
from src.model.data.symbols import draw_symbol
from src.model.errors import BlankPicture
from src.model.files import atomic_path
from src.model.parallel import in_parallel
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import VERSION, crop, frame

NO_DIGIT: Final = 10  # label of non-digits
EDITION: Final = f"{VERSION}.5"  # of the framing and of these pictures; a new one invalidates caches and measurements
SIZE: Final = 30_000  # pictures of each kind
REFERENCES: Final = 10_000  # digits of MNIST, and as many written ones, that non-digits must differ from
# Non-digits that resemble a digit more are dropped (chosen by eye among 3,000: hardly any below is one).
MAX_SIMILARITY: Final = {"others": 0.93, "symbols": 0.945}
BATCH: Final = 1000  # non-digits made at once, before the similar ones are dropped
SCENES: Final = 0.15  # share of the made-up non-digits
SCALE: Final = 4  # enlargement of MNIST's digits before they are redrawn

Maker = Callable[[Digits, Generator], tuple[Ink, int]]


def load_synthetic(train: Digits, folder: Path, size: int = SIZE, seed: int = 0) -> dict[str, Digits]:
    """Return `size` pictures of each kind, made from `train`, by kind; made once, then read from `folder`."""
    path = folder / f"practice-{EDITION}-{len(train)}-{size}-{seed}.pt"
    if not path.exists():
        tensors = dict(in_parallel(partial(_make_tensors, train=train, size=size, seed=seed), KINDS))
        with atomic_path(path) as part:
            torch.save(tensors, part)
    return {kind: Digits(*tensors) for kind, tensors in torch.load(path, weights_only=True).items()}


def _make_tensors(kind: str, train: Digits, size: int, seed: int) -> tuple[str, tuple[Tensor, Tensor]]:
    digits = make_synthetic(kind, train, size, seed)
    return kind, (digits.images, digits.labels)


def make_synthetic(kind: str, train: Digits, size: int, seed: int) -> Digits:
    """Make `size` framed pictures of one kind, most of them from digits of `train`."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    if kind not in MAX_SIMILARITY:
        return _make(kind, train, size, random)
    references = torch.cat([train.images[:REFERENCES], _make("written", train, REFERENCES, random).images])
    similarity = DigitSimilarity(references.numpy())
    images = torch.empty(0, *train.images.shape[1:], dtype=torch.uint8)
    while len(images) < size:
        batch = _make(kind, train, min(BATCH, size), random).images
        different = torch.from_numpy(similarity.measure(batch.numpy()) < MAX_SIMILARITY[kind])
        images = torch.cat([images, batch[different]])
    return Digits(images[:size], torch.full((size,), NO_DIGIT))


def _make(kind: str, train: Digits, size: int, random: Generator) -> Digits:
    """Make `size` framed pictures of one kind; non-digits that resemble a digit are among them."""
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    while len(images) < size:
        ink, label = MAKERS[kind](train, random)
        try:
            framed = frame(ink)
        except BlankPicture:
            continue
        images.append(np.asarray(np.rint(framed.pixels * 255), np.uint8))
        labels.append(label)
    return Digits(torch.from_numpy(np.stack(images)), torch.tensor(labels))


def redraw_skeleton(train: Digits, random: Generator) -> tuple[Ink, int]:
    """Draw the skeleton of a digit of `train` with a pen of any width: ink [112 + 2 * width, ...] in 0..1."""
    mask, label = _enlarge_digit(train, random)
    skeleton = np.asarray(skeletonize(mask), np.uint8)  # type: ignore[no-untyped-call] # skimage has no types
    width = int(random.integers(2, 20))
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    drawn = cv2.dilate(np.pad(skeleton, width), pen).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 0.7), np.float32), label


def scan(train: Digits, random: Generator) -> tuple[Ink, int]:
    """Rasterise a digit of `train` to 12 to 32 pixels: ink [h, w] in 0..1."""
    digit, label = train.choose(random)
    return _rasterise(crop(digit), random), label


def _rasterise(ink: Ink, random: Generator) -> Ink:
    """Reduce ink to few pixels, often black and white: [h, w] in 0..1, with a margin."""
    height, width = ink.shape
    longest = int(random.integers(12, 33))
    # A power below 1 brings the digit closer to a square, the shape of most scanned boxes.
    aspect = (width / height) ** (1 if random.random() < 0.4 else random.uniform(0.35, 1))
    size = (max(3, round(longest * min(1, aspect))), max(3, round(longest / max(1, aspect))))
    interpolation = cv2.INTER_AREA if longest < height else cv2.INTER_CUBIC
    raster: Ink = np.asarray(cv2.resize(ink, size, interpolation=interpolation), np.float32)
    if random.random() < 0.7:  # black and white, with ragged edges
        noisy = raster + random.normal(0, random.uniform(0, 0.2), raster.shape)
        raster = (noisy > random.uniform(0.3, 0.6)).astype(np.float32)
    return np.asarray(np.pad(np.clip(raster, 0, 1), 2), np.float32)


def write(_: Digits, random: Generator) -> tuple[Ink, int]:
    """Write any digit with pen strokes: ink [112, 112] in 0..1."""
    label = int(random.integers(10))
    return draw_shape(write_digit(label, random), random), label


def degrade_digit(train: Digits, random: Generator) -> tuple[Ink, int]:
    """Degrade a digit of `train`: ink [112, 112] in 0..1."""
    mask, label = _enlarge_digit(train, random)
    return degrade(np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7), np.float32), random), label


def make_non_digit(train: Digits, random: Generator) -> tuple[Ink, int]:
    """Draw a scene, or a sign that is degraded or rasterised as often as digits are: ink [H, W] in 0..1."""
    if random.random() < SCENES and (scene := draw_scene(random)) is not None:
        return scene, NO_DIGIT
    digit, label = redraw_skeleton(train, random) if random.random() < 0.5 else write(train, random)
    other, _ = write(train, random)
    resized = np.asarray(cv2.resize(other, digit.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
    return _treat(draw_non_digit(digit, label, resized, random), random), NO_DIGIT


def make_symbol(_: Digits, random: Generator) -> tuple[Ink, int]:
    """Draw a letter, sign or mark, degraded or rasterised as often as digits are: ink [H, W] in 0..1."""
    return _treat(draw_symbol(random), random), NO_DIGIT


def _treat(ink: Ink, random: Generator) -> Ink:
    """Degrade or rasterise some of the pictures."""
    treatment = random.random()
    if treatment < 0.2:
        return degrade(ink, random)
    if treatment < 0.45 and ink.max() > 0:
        return _rasterise(crop(ink), random)
    return ink


def _enlarge_digit(train: Digits, random: Generator) -> tuple[NDArray[np.bool_], int]:
    """Return the mask of a digit of `train`, bool [112, 112], and its label."""
    digit, label = train.choose(random)
    enlarged = cv2.resize(digit, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(enlarged, (0, 0), 1.5) > 0.45, label


MAKERS: Final[dict[str, Maker]] = {
    "retraced": redraw_skeleton,
    "scanned": scan,
    "written": write,
    "worn": degrade_digit,
    "others": make_non_digit,
    "symbols": make_symbol,
}
KINDS: Final = tuple(MAKERS)
DIGIT_KINDS: Final = tuple(kind for kind in KINDS if kind not in MAX_SIMILARITY)
NON_DIGIT_KINDS: Final = tuple(MAX_SIMILARITY)
