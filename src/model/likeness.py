"""How much a picture looks like a digit, by its pixels alone: what is drawn to be none must not be one by chance."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

NEIGHBOURS: Final = 5
TOO_LIKE: Final = 0.93  # chosen by eye among 3,000 made-up signs: below it hardly any is a digit

Pictures = NDArray[np.uint8]  # [N, 28, 28]


class Likeness:
    """Digits to hold pictures against."""

    def __init__(self, digits: Pictures) -> None:
        self._digits = _directions(digits).T

    def __call__(self, pictures: Pictures) -> NDArray[np.float32]:
        """Return the mean cosine between each picture [N, 28, 28], blurred, and the digits most like it: [N], 0..1."""
        cosines = _directions(pictures) @ self._digits
        nearest = np.partition(cosines, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
        return np.asarray(nearest.mean(1), np.float32)


def _directions(pictures: Pictures) -> NDArray[np.float32]:
    """Return pictures as vectors [N, 784] of length 1; blurred, since a pixel's distance is not another shape."""
    blurred = np.stack([cv2.blur(picture.astype(np.float32), (3, 3)).ravel() for picture in pictures])
    return np.asarray(blurred / np.maximum(np.linalg.norm(blurred, axis=1, keepdims=True), 1e-6), np.float32)
