"""Prediction picture files and counting what was right."""

from collections.abc import Callable, Iterable

import numpy as np
from tqdm import tqdm

from src.model.errors import PictureError
from src.model.evaluation.metrics import calibration_error
from src.model.evaluation.report import DigitCounts, counts
from src.model.inference.predictor import Prediction, Predictor
from src.model.preprocessing.preprocess import Framed, preprocess
from src.settings import get_settings

File = tuple[bytes, int]  # a picture and the digit that it shows
Frame = Callable[[bytes], Framed]
Predictions = list[tuple[Prediction | None, int]]  # None where the picture was refused


def predict_all(predictor: Predictor, pictures: Iterable[File], frame: Frame | None = None) -> Predictions:
    """Read picture files; `frame` takes the place of the usual framing."""
    limit = get_settings().max_pixels
    found: Predictions = []
    for data, label in tqdm(list(pictures), leave=False, unit="picture", disable=None):
        try:
            framed = frame(data) if frame else preprocess(data, limit)
        except PictureError:
            found.append((None, label))
            continue
        found.append((predictor.predict_framed(framed), label))
    return found


def tally(answered: Predictions) -> DigitCounts:
    """Count what was right, and how far confidence is from it."""
    labels = np.array([label for _, label in answered], np.int64)
    read = [(prediction, label) for prediction, label in answered if prediction]
    right = np.array([label for prediction, label in read if prediction.prediction == label], np.int64)
    shares = np.array([prediction.probabilities for prediction, _ in read]).reshape(-1, 10)
    truth = np.array([label for _, label in read], np.int64)
    likelihood = np.clip(shares[np.arange(len(truth)), truth], 1e-12, 1)
    return DigitCounts(
        right=counts(right),
        pictures=counts(labels),
        refused=len(answered) - len(read),
        calibration_error=round(calibration_error(shares, truth), 5) if read else 0.0,
        loss=round(float(-np.log(likelihood).mean()), 5) if read else 0.0,
    )
