import numpy as np
import pytest

from src.model.inference.predictor import Prediction
from src.model.monitoring.picture_stats import STATISTICS, measure_picture, measure_prediction


def test_picture_is_measured_by_ink_strokes_and_box() -> None:
    pixels = np.zeros((28, 28), np.float32)
    pixels[4:24, 12:16] = 1
    stats = measure_picture(pixels)
    assert (stats["ink"], stats["width"], stats["height"]) == (80, 4, 20)
    assert stats["stroke_width"] == pytest.approx(4, rel=0.5)
    assert measure_picture(np.zeros((28, 28), np.float32))["width"] == 0


def test_every_statistic_is_measured() -> None:
    prediction = Prediction(2, [0.1, 0.2, 0.7], 0.6, 3, np.ones((28, 28), np.float32))
    stats = measure_prediction(prediction)
    assert set(stats) == set(STATISTICS)
    assert (stats["confidence"], stats["digit_score"], stats["digits_seen"], stats["ink"]) == (0.7, 0.6, 3, 784)
