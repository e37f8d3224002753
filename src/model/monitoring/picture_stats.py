"""The statistics of pictures and predictions that the service counts, and that drift is measured by.

The service counts every prediction, the pipeline the validation digits. With the same buckets the histograms can be
compared, and no picture has to be stored.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.inference.predictor import Prediction
from src.model.preprocessing.preprocess import measure_stroke_width

SIDES: Final = (4.0, 6, 8, 10, 12, 14, 16, 18, 20, 22)
SHARES: Final = (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1)


@dataclass(frozen=True)
class Statistic:
    """How a statistic is counted in a histogram."""

    metric: str  # its name in Prometheus and in docs/results/reference-*.json
    help: str
    buckets: tuple[float, ...]  # upper bounds
    in_reference: bool = True  # whether drift is measured by it


# by name, as in the results of `measure_picture` and `measure_prediction`
STATISTICS: Final = {
    "ink": Statistic(
        "digits_ink", "sum of the framed picture's pixels", (20.0, 40, 60, 80, 100, 120, 140, 160, 200, 250, 300)
    ),
    "stroke_width": Statistic(
        "digits_stroke_width_pixels", "of the framed picture", (1.0, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 8)
    ),
    "width": Statistic("digits_box_width_pixels", "of the ink in the framed picture", SIDES),
    "height": Statistic("digits_box_height_pixels", "of the ink in the framed picture", SIDES),
    "confidence": Statistic("digits_confidence", "calibrated probability of the answer", SHARES),
    "digit_score": Statistic("digits_digit_score", "how much the picture is a digit at all", SHARES, False),
    "digits_seen": Statistic("digits_seen", "separate digits on the picture", (1, 2, 3, 5, 10), False),
}
ANSWERS: Final = "digits_answers"  # the metric that counts predictions by digit


def measure_picture(pixels: NDArray[np.float32]) -> dict[str, float]:
    """Return the statistics of a framed picture [28, 28] in 0..1, ink bright; lengths in its pixels."""
    _, _, width, height = cv2.boundingRect((pixels > 0.5).view(np.uint8))
    return {
        "ink": cv2.sumElems(pixels)[0],  # MNIST's mean is 103
        "stroke_width": measure_stroke_width(pixels),
        "width": width,
        "height": height,
    }


def measure_prediction(prediction: Prediction) -> dict[str, float]:
    """Return all `STATISTICS` of a prediction."""
    return measure_picture(prediction.pixels) | {
        "confidence": prediction.probabilities[prediction.prediction],
        "digit_score": prediction.digit_score,
        "digits_seen": prediction.digits_seen,
    }
