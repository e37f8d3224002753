"""Turn a picture file into the network's input: find the ink and frame the digit as MNIST does.

MNIST (LeCun et al., http://yann.lecun.com/exdb/mnist) scales a digit into a box of 20x20 pixels, with its aspect ratio
kept and its edges anti-aliased, and puts its centre of mass in the middle of 28x28 pixels.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.errors import BlankPicture, TooLittleInk
from src.model.preprocessing import png
from src.model.preprocessing.candidates import find_inks
from src.model.preprocessing.components import WEAK_INK, extract_digit
from src.model.preprocessing.decode import WORK_SIDE, decode, flatten
from src.model.preprocessing.ink import MAX_RUNS, Ink, count_runs

# Increase the version when the same file may give other pixels. Artefacts name the version they were measured with.
VERSION: Final = 4
# Networks measured with these versions still work: version 2 added ruled paper and inverted bands, version 3 strokes
# along dark lines, version 4 candidates. Clear pictures give the same pixels as in version 1.
COMPATIBLE_VERSIONS: Final = (1, 2, 3, 4)

SIDE: Final = 28  # pixels: the network's input
BOX_SIDE: Final = 20  # pixels: the longer side of the digit in it
OVERSAMPLING: Final = 4  # strokes are measured and corrected at this many times the digit's final size
MIN_STROKE_WIDTH: Final = 2.5  # pixels of the input; a quarter of MNIST's digits are thinner
MAX_STROKE_WIDTH: Final = 4.5  # pixels of the input; 5 % of MNIST's digits are thicker
STEP_SIDE: Final = 112  # pixels: the longer side of the copies in `Framed.steps`

PLAIN_BYTES: Final = 32_768  # the largest file that may be plain, see `preprocess_plain`
PLAIN_VALUES: Final = 90_000  # pixels times channels: a grey drawing of 300x300

Steps = dict[Literal["ink", "crop", "box"], Ink]


@dataclass(frozen=True)
class Framed:
    """A digit as the network takes it."""

    pixels: NDArray[np.float32]  # [28, 28] in 0..1, ink bright
    digits_seen: int  # separate digits that stand side by side on the picture
    steps: Steps | None = None  # small copies of the intermediate pictures, if they were asked for


Candidates = tuple[Framed, ...]  # of one picture, at least one; the likeliest first


def preprocess(data: bytes, max_pixels: int, keep_steps: bool = False) -> Candidates:
    """Return the digit in the picture file `data`, framed as in MNIST. Raises a `PictureError`.

    Where it is doubtful what is paper and what is ink, there are a few candidates, the likeliest first.
    """
    return frame_all(find_inks(decode(data, max_pixels)), keep_steps)


def preprocess_plain(data: bytes, max_pixels: int, keep_steps: bool = False) -> Candidates | None:
    """Return what `preprocess` does for a plain picture, None for any other, in a few milliseconds at most."""
    inks = find_plain_inks(data, max_pixels)
    return None if inks is None else frame_all(inks, keep_steps)


def find_plain_inks(data: bytes, max_pixels: int) -> list[Ink] | None:
    """Return the readings of a plain picture as `find_inks` does, None for any other.

    A plain picture is a small, ordinary PNG of a drawing with few strokes: its time does not depend on what it shows.
    """
    if len(data) > PLAIN_BYTES or (pixels := png.decode(data, WORK_SIDE, min(max_pixels, PLAIN_VALUES))) is None:
        return None
    colours = flatten(pixels)
    if colours.size > PLAIN_VALUES:
        return None
    inks = find_inks(colours)
    if sum(ink.size for ink in inks) > PLAIN_VALUES or any(_is_busy(ink) for ink in inks):
        return None
    return inks


def _is_busy(ink: Ink) -> bool:
    return count_runs((ink > WEAK_INK).view(np.uint8)) > MAX_RUNS * len(ink)


def frame_all(inks: list[Ink], keep_steps: bool = False) -> Candidates:
    """Frame the digit in each reading of a picture. Raises `BlankPicture` if none holds a stroke."""
    candidates: list[Framed] = []
    problem = BlankPicture("The picture is blank. Draw or photograph one digit, dark on light or light on dark.")
    for ink in inks:
        try:
            candidates.append(frame(ink, keep_steps))
        except BlankPicture as error:
            problem = error
    if not candidates:
        raise problem
    return tuple(candidates)


def frame(ink: Ink, keep_steps: bool = False) -> Framed:
    """Return the digit in `ink`, [H, W], framed as in MNIST. Raises `BlankPicture` if there is no stroke."""
    strokes, digits_seen = extract_digit(ink)
    steps: Steps = {"ink": ink}
    if _is_framed(ink):
        pixels = ink
    else:
        box = fit_to_box(normalise_stroke_width(strokes))
        steps |= {"crop": strokes, "box": box}
        pixels = centre(box)
    return Framed(pixels, digits_seen, {name: _shrink(step) for name, step in steps.items()} if keep_steps else None)


def _shrink(ink: Ink) -> Ink:
    """Return a copy of [H, W] whose longer side is at most `STEP_SIDE`."""
    if max(ink.shape) <= STEP_SIDE:
        return ink.copy()
    return np.asarray(cv2.resize(ink, _scale_size(ink, STEP_SIDE), interpolation=cv2.INTER_AREA), np.float32)


def _is_framed(ink: Ink) -> bool:
    """Return whether the picture is framed as in MNIST already: such pictures are not changed."""
    if ink.shape != (SIDE, SIDE):
        return False
    return max(crop(ink).shape) == BOX_SIDE and all(abs(middle - SIDE / 2) <= 1 for middle in _centre_of_mass(ink))


def crop(ink: Ink) -> Ink:
    """Return the bounding box of all ink."""
    x, y, width, height = cv2.boundingRect((ink > 0).view(np.uint8))
    return ink[y : y + height, x : x + width]


def normalise_stroke_width(ink: Ink) -> Ink:
    """Scale a cropped digit to `OVERSAMPLING` times its size in the box, and its stroke width into MNIST's range.

    Raises `TooLittleInk` if it is a dot: less than twice as long as wide.
    """
    digit = _scale(ink, BOX_SIDE * OVERSAMPLING)
    width = measure_stroke_width(digit) / OVERSAMPLING
    if 2 * width > BOX_SIDE:
        raise TooLittleInk
    change = round((min(max(width, MIN_STROKE_WIDTH), MAX_STROKE_WIDTH) - width) * OVERSAMPLING / 2)
    if change == 0:
        return digit
    diameter = 2 * abs(change) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
    if change < 0:
        thinner = np.asarray(cv2.erode(digit, disc), np.float32)
        return thinner if thinner.any() else digit  # a hairline beside a blot would vanish
    padded = cv2.copyMakeBorder(digit, change, change, change, change, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.dilate(padded, disc), np.float32)


def measure_stroke_width(ink: Ink) -> float:
    """Return the mean width of the strokes in pixels.

    In a stroke of width w, the distance to the paper is w / 4 on average.
    """
    mask = cv2.copyMakeBorder((ink > 0.5).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return 4 * cv2.mean(cv2.distanceTransform(mask, cv2.DIST_L2, 5), mask)[0]


def fit_to_box(ink: Ink) -> Ink:
    """Scale a digit so that its longer side is `BOX_SIDE` and its darkest pixel 1."""
    digit = _scale(crop(ink), BOX_SIDE)
    return np.asarray(digit / digit.max(), np.float32)


def centre(ink: Ink) -> Ink:
    """Put the centre of mass of a digit in the middle of [28, 28], rounded to whole pixels as in MNIST."""
    height, width = ink.shape
    corner, pixels = np.zeros((2, SIDE, SIDE), np.float32)
    corner[:height, :width] = ink
    row, column = _centre_of_mass(corner)
    top = min(max(round(SIDE / 2 - row), 0), SIDE - height)
    left = min(max(round(SIDE / 2 - column), 0), SIDE - width)
    pixels[top : top + height, left : left + width] = ink
    return pixels


def _centre_of_mass(pixels: Ink) -> tuple[float, float]:
    """Return the row and column of the centre of mass."""
    moments = cv2.moments(pixels)
    return moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]


def _scale(ink: Ink, side: int) -> Ink:
    """Scale [H, W] so that its longer side is `side`: by averages if it shrinks, by bicubic interpolation if not."""
    method = cv2.INTER_AREA if side < max(ink.shape) else cv2.INTER_CUBIC
    scaled = cv2.resize(ink, _scale_size(ink, side), interpolation=method)
    return np.asarray(np.minimum(np.maximum(scaled, 0), 1), np.float32)


def _scale_size(ink: Ink, side: int) -> tuple[int, int]:
    """Return the width and height of [H, W] when its longer side is `side`."""
    factor = side / max(ink.shape)
    return max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor))
