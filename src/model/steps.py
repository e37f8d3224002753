"""What lies between a picture and the 28x28 pixels that the network sees, kept small enough to be shown."""

from collections.abc import Callable
from typing import Final, Literal

import cv2
import numpy as np

from src.model.ink import Ink

SHOWN: Final = 112  # pixels: the longer side of a step that is kept is no longer

Name = Literal["ink", "crop", "box"]
Watch = Callable[[Name, Ink], None]
Steps = dict[Name, Ink]


def unwatched(_name: Name, _ink: Ink) -> None:
    """Keep nothing."""


def kept_in(steps: Steps) -> Watch:
    """Return what keeps a small copy of each step in `steps`."""

    def watch(name: Name, ink: Ink) -> None:
        steps[name] = _small(ink)

    return watch


def _small(ink: Ink) -> Ink:
    """Return a copy of [h, w] whose longer side is at most `SHOWN`, as the picture it came from may be large."""
    factor = SHOWN / max(ink.shape)
    if factor >= 1:
        return ink.copy()
    size = (max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor)))
    return np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.float32)
