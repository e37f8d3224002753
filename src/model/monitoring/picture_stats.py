"""What a framed picture looks like, in four numbers, and the bounds of their histograms.

The service counts them for each picture that it reads, and the pipeline for the digits that a network was measured on:
counted between the same bounds, the two can be compared without keeping a picture.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.preprocess import measure_stroke_width

INK: Final = (20.0, 40, 60, 80, 100, 120, 140, 160, 200, 250, 300)  # sum of the 28x28 pixels in 0..1
WIDTHS: Final = (1.0, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 8)  # of strokes, in pixels of 28
SIDES: Final = (4.0, 6, 8, 10, 12, 14, 16, 18, 20, 22)  # of the box around the ink, in pixels of 28
SHARES: Final = (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1)  # of confidence


@dataclass(frozen=True)
class PictureStats:
    """Of one picture, in pixels of the frame."""

    ink: float  # sum of the pixels in 0..1; MNIST's mean is 103
    stroke_width: float
    width: int  # of the box around the ink
    height: int


def measure_picture(pixels: NDArray[np.float32]) -> PictureStats:
    """Measure a framed picture [28, 28] in 0..1, ink bright."""
    _, _, width, height = cv2.boundingRect((pixels > 0.5).view(np.uint8))
    return PictureStats(cv2.sumElems(pixels)[0], measure_stroke_width(pixels), width, height)
