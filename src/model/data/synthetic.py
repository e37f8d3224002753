"""What the production network learns from beside MNIST itself: digits as other pens, scanners and hands make them.

    retraced   MNIST's digits drawn once more along their middle, with a pen of any width
    scanned    MNIST's digits as a coarse scanner hands them out: few pixels, often black and white, often stretched
    written    digits from parametric strokes, for the shapes that MNIST hardly holds (`src/model/data/glyphs.py`)
    worn       MNIST's digits as outlines, crossed by stray lines, grainy or smudged (`src/model/data/degradations.py`)
    others     what is no digit (`src/model/data/non_digits.py`), with the label `NO_DIGIT`

Every one goes through the framing that people's pictures go through, so that what it does to them is learnt, too.
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

from src.model.data.degradations import wear
from src.model.data.glyphs import write
from src.model.data.mnist import Digits
from src.model.data.non_digits import TOO_LIKE, Likeness, draw_other
from src.model.data.pen_strokes import draw
from src.model.errors import BlankPicture
from src.model.files import atomic_path
from src.model.parallel import in_parallel
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import VERSION, cropped, frame

NO_DIGIT: Final = 10  # the label of what is none
PICTURES: Final = f"{VERSION}.2"  # edition of framing and of what is drawn here: a new one is made and measured anew
SIZE: Final = 30_000  # pictures of each kind
KNOWN: Final = 10_000  # digits of MNIST, and as many written, that what is none is held against
BATCH: Final = 1000  # pictures that are held against them at once
UPSCALED: Final = 4  # times MNIST's size: where digits are retraced
KINDS: Final = ("retraced", "scanned", "written", "worn", "others")

Maker = Callable[[Digits, Generator], tuple[Ink, int]]


def practice(train: Digits, folder: Path, size: int = SIZE, seed: int = 0) -> dict[str, Digits]:
    """Return `size` pictures of each kind, made from `train` and kept in `folder` for the next time."""
    path = folder / f"practice-{PICTURES}-{len(train)}-{size}-{seed}.pt"
    if not path.exists():
        made = dict(in_parallel(partial(_named, train=train, size=size, seed=seed), KINDS))
        with atomic_path(path) as file:
            torch.save(made, file)
    kept = torch.load(path, weights_only=True)
    return {kind: Digits(images, labels) for kind, (images, labels) in kept.items()}


def _named(kind: str, train: Digits, size: int, seed: int) -> tuple[str, tuple[Tensor, Tensor]]:
    made = make(kind, train, size, seed)
    return kind, (made.images, made.labels)


def make(kind: str, train: Digits, size: int, seed: int) -> Digits:
    """Draw and frame `size` pictures of one kind, from digits of `train` where it needs any."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    if kind != "others":
        return _framed(kind, train, size, random)
    alike = Likeness(torch.cat([train.images[:KNOWN], _framed("written", train, KNOWN, random).images]).numpy())
    found = torch.empty(0, *train.images.shape[1:], dtype=torch.uint8)
    while len(found) < size:
        some = _framed(kind, train, min(BATCH, size), random).images
        found = torch.cat([found, some[torch.from_numpy(alike(some.numpy()) < TOO_LIKE)]])
    return Digits(found[:size], torch.full((size,), NO_DIGIT))


def _framed(kind: str, train: Digits, size: int, random: Generator) -> Digits:
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


def retraced(train: Digits, random: Generator) -> tuple[Ink, int]:
    """Draw the middle line of a digit of `train` with a pen of any width: ink [112 + 2 * margin, ...] in 0..1."""
    solid, label = _enlarged(train, random)
    line = np.asarray(skeletonize(solid), np.uint8)  # type: ignore[no-untyped-call] # skimage leaves it without types
    width = int(random.integers(2, 20))
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    drawn = cv2.dilate(np.pad(line, width), pen).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 0.7), np.float32), label


def scanned(train: Digits, random: Generator) -> tuple[Ink, int]:
    """Bring a digit of `train` to a raster of 12 to 32 pixels: ink [h, w] in 0..1."""
    digit, label = _any(train, random)
    return _raster(cropped(digit), random), label


def _raster(ink: Ink, random: Generator) -> Ink:
    """Bring ink to few pixels, often to black and white: [h, w] in 0..1, with a margin."""
    high, wide = ink.shape
    longest = int(random.integers(12, 33))
    aspect = (wide / high) ** (1 if random.random() < 0.4 else random.uniform(0.35, 1))  # scanners' boxes are square
    size = (max(3, round(longest * min(1, aspect))), max(3, round(longest / max(1, aspect))))
    raster: Ink = np.asarray(
        cv2.resize(ink, size, interpolation=cv2.INTER_AREA if longest < high else cv2.INTER_CUBIC), np.float32
    )
    if random.random() < 0.7:  # black and white, with the ragged edges of a threshold
        ragged = raster + random.normal(0, random.uniform(0, 0.2), raster.shape)
        raster = (ragged > random.uniform(0.3, 0.6)).astype(np.float32)
    return np.asarray(np.pad(np.clip(raster, 0, 1), 2), np.float32)


def written(_: Digits, random: Generator) -> tuple[Ink, int]:
    """Write a digit with pen strokes: ink [112, 112] in 0..1."""
    label = int(random.integers(10))
    return draw(write(label, random), random), label


def worn(train: Digits, random: Generator) -> tuple[Ink, int]:
    """Wear down a digit of `train`: ink [112, 112] in 0..1."""
    solid, label = _enlarged(train, random)
    return wear(np.asarray(cv2.GaussianBlur(solid.astype(np.float32), (0, 0), 0.7), np.float32), random), label


def others(train: Digits, random: Generator) -> tuple[Ink, int]:
    """Draw what is no digit, worn or scanned as often as digits are: ink [H, W] in 0..1."""
    digit, label = retraced(train, random) if random.random() < 0.5 else written(train, random)
    other, _ = written(train, random)
    fitting = np.asarray(cv2.resize(other, digit.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
    drawn, treatment = draw_other(digit, label, fitting, random), random.random()
    if treatment < 0.2:
        drawn = wear(drawn, random)
    elif treatment < 0.45 and drawn.max() > 0:
        drawn = _raster(cropped(drawn), random)
    return drawn, NO_DIGIT


def _enlarged(train: Digits, random: Generator) -> tuple[NDArray[np.bool_], int]:
    """Return where the ink of a digit of `train` is, bool [112, 112], and its label."""
    digit, label = _any(train, random)
    side = digit.shape[0] * UPSCALED
    large = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(large, (0, 0), 1.5) > 0.45, label


def _any(train: Digits, random: Generator) -> tuple[Ink, int]:
    chosen = int(random.integers(len(train)))
    return train[chosen : chosen + 1].pixels()[0, 0].numpy(), int(train.labels[chosen])


MAKERS: Final[dict[str, Maker]] = {
    "retraced": retraced,
    "scanned": scanned,
    "written": written,
    "worn": worn,
    "others": others,
}
