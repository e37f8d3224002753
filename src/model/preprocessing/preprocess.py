"""Bytes → what the network takes: the ink found, framed as MNIST framed its digits.

MNIST (LeCun et al., http://yann.lecun.com/exdb/mnist): the digit is fitted into a box of 20x20 with its aspect kept
and its edges anti-aliased, then its centre of mass is put in the middle of 28x28.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.errors import BlankPicture
from src.model.preprocessing.components import main_strokes
from src.model.preprocessing.decode import decode
from src.model.preprocessing.ink import Ink, find_ink
from src.model.preprocessing.inverted_bands import straightened
from src.model.preprocessing.ruled_lines import without_ruling

VERSION: Final = 3  # counted up when the same bytes may give other pixels; an artefact says which it was measured with
# Networks of these go on: 2 reads ruled paper and exchanged bands, 3 strokes along dark lines, and all else as 1 did.
FITTING: Final = (1, 2, 3)
SIDE: Final = 28  # pixels of the picture that the network sees
BOX: Final = 20  # pixels that the digit's longer side takes up in it
FINE: Final = 4  # times `BOX`: the resolution at which strokes are measured and mended
THINNEST: Final = 2.5  # pixels in the frame: a quarter of MNIST has thinner strokes; thinner ones are widened to it
THICKEST: Final = 4.5  # pixels in the frame: 5 % of MNIST has fatter ones; fatter ones are thinned to it

SHOWN: Final = 112  # pixels: the longer side of a step that is kept is no longer

Steps = dict[Literal["ink", "crop", "box"], Ink]


@dataclass(frozen=True)
class Framed:
    """A picture as the network takes it, and what was seen on the way."""

    pixels: NDArray[np.float32]  # [28, 28] in 0..1, ink bright
    digits_seen: int  # separate digits that stand side by side on the picture
    steps: Steps | None = None  # small copies of the intermediate pictures, if they were asked for


def _small(ink: Ink) -> Ink:
    """Return a copy of [h, w] whose longer side is at most `SHOWN`, as the picture it came from may be large."""
    factor = SHOWN / max(ink.shape)
    if factor >= 1:
        return ink.copy()
    size = (max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor)))
    return np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.float32)


def preprocess(data: bytes, max_pixels: int, keep_steps: bool = False) -> Framed:
    """Return the digit in the picture file `data`, framed as in MNIST. Raises a `PictureError`."""
    return frame(find_ink(decode(data, max_pixels)), keep_steps)


def frame(ink: Ink, keep_steps: bool = False) -> Framed:
    """Frame the digit in `ink`. Raises `BlankPicture` if there is none."""
    steps: Steps = {"ink": ink}
    ink = without_ruling(straightened(ink))
    strokes, digits_seen = main_strokes(ink)
    if not digits_seen:
        raise BlankPicture("There is no stroke on the picture. Draw or photograph one digit.")
    if _is_framed(ink):
        pixels = ink
    else:
        box = fitted(mended(strokes))
        steps |= {"crop": strokes, "box": box}
        pixels = centred(box)
    return Framed(pixels, digits_seen, {name: _small(step) for name, step in steps.items()} if keep_steps else None)


def _is_framed(ink: Ink) -> bool:
    """Tell whether this is a picture of MNIST's own form, which must come through as it is."""
    if ink.shape != (SIDE, SIDE):
        return False
    box = cropped(ink)
    return max(box.shape) == BOX and all(abs(centre - SIDE / 2) <= 1 for centre in _centre_of_mass(ink))


def cropped(ink: Ink) -> Ink:
    """Cut the paper away around the ink."""
    x, y, wide, high = cv2.boundingRect((ink > 0).view(np.uint8))
    return ink[y : y + high, x : x + wide]


def mended(ink: Ink) -> Ink:
    """Bring the digit to `FINE` times its size in the frame, with strokes as wide as MNIST's."""
    fine = _scaled(ink, BOX * FINE)
    width = stroke_width(fine) / FINE
    change = round((min(max(width, THINNEST), THICKEST) - width) * FINE / 2)
    if change == 0:
        return fine
    reach = 2 * abs(change) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    if change < 0:
        return np.asarray(cv2.erode(fine, disc), np.float32)
    padded = cv2.copyMakeBorder(fine, change, change, change, change, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.dilate(padded, disc), np.float32)


def stroke_width(ink: Ink) -> float:
    """Estimate the mean width of the strokes in pixels.

    Across a stroke of width w the distance to the paper averages w / 4.
    """
    solid = cv2.copyMakeBorder((ink > 0.5).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return 4 * cv2.mean(cv2.distanceTransform(solid, cv2.DIST_L2, 5), solid)[0]


def fitted(ink: Ink) -> Ink:
    """Scale the ink so that its longer side takes up `BOX` pixels, its edges anti-aliased, its darkest spot at 1."""
    small = _scaled(cropped(ink), BOX)
    return np.asarray(small / small.max(), np.float32)


def centred(ink: Ink) -> Ink:
    """Put the centre of mass of [h, w] into the middle of a frame of `SIDE` pixels, by whole pixels as MNIST does."""
    height, width = ink.shape
    corner, pixels = np.zeros((2, SIDE, SIDE), np.float32)
    corner[:height, :width] = ink
    row, column = _centre_of_mass(corner)
    top, left = _place(row, height), _place(column, width)
    pixels[top : top + height, left : left + width] = ink
    return pixels


def _place(centre: float, length: int) -> int:
    """Return where `length` pixels start so that `centre` falls on the frame's middle, none of them cut off."""
    return min(max(round(SIDE / 2 - centre), 0), SIDE - length)


def _centre_of_mass(frame: Ink) -> tuple[float, float]:
    """Return where the centre of mass of a frame's ink, [28, 28], lies: row, column."""
    moments = cv2.moments(frame)
    return moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]


def _scaled(ink: Ink, side: int) -> Ink:
    """Scale [h, w] so that its longer side is `side`: averaged when it shrinks, smoothly interpolated when it grows."""
    factor = side / max(ink.shape)
    size = (max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(np.minimum(np.maximum(cv2.resize(ink, size, interpolation=method), 0), 1), np.float32)
