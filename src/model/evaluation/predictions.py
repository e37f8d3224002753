"""Predictions of a set of labelled pictures, and their counts by digit."""

from collections.abc import Callable, Iterable
from multiprocessing import parent_process
from typing import Final

import numpy as np
from tqdm import tqdm

from src.model.errors import PictureError
from src.model.evaluation.metrics import DIGITS, calibration_error
from src.model.evaluation.report import DigitCounts
from src.model.inference.predictor import Prediction, Predictor
from src.model.preprocessing.preprocess import Candidates, preprocess
from src.settings import get_settings

MIN_DIGIT_SCORE: Final = 0.5  # below it, a digit is doubted
MIN_CONFIDENCE: Final = 0.9  # from it on, and with that score, a picture is taken for a digit without any doubt

LabelledFile = tuple[bytes, int]  # a picture file and its digit
Predictions = list[tuple[Prediction | None, int]]  # with the labels; None where the picture was refused


def predict_all(
    predictor: Predictor, files: Iterable[LabelledFile], frame: Callable[[bytes], Candidates] | None = None
) -> Predictions:
    """Predict the digits of picture files; `frame` replaces the usual preprocessing."""
    max_pixels = get_settings().max_pixels
    predictions: Predictions = []
    hidden = True if parent_process() else None  # one of several processes draws no bar; None: only on a terminal
    for data, label in tqdm(list(files), leave=False, unit="picture", disable=hidden):
        try:
            candidates = frame(data) if frame else preprocess(data, max_pixels)
        except PictureError:
            predictions.append((None, label))
        else:
            predictions.append((predictor.predict_candidates(candidates), label))
    return predictions


def count_digits(predictions: Predictions) -> DigitCounts:
    """Count pictures and correct predictions by digit, and measure calibration error and loss."""
    answered = [(prediction, label) for prediction, label in predictions if prediction]
    pictures = [label for _, label in predictions]
    correct = [label for prediction, label in answered if prediction.prediction == label]
    probabilities = np.array([prediction.probabilities for prediction, _ in answered]).reshape(-1, 10)
    labels = np.array([label for _, label in answered], np.int64)
    likelihood = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)
    return DigitCounts(
        correct=[correct.count(digit) for digit in DIGITS],
        pictures=[pictures.count(digit) for digit in DIGITS],
        doubted=sum(prediction.digit_score < MIN_DIGIT_SCORE for prediction, _ in answered),
        refused=len(predictions) - len(answered),
        doubtful=sum(prediction.candidates > 1 for prediction, _ in answered),
        calibration_error=round(calibration_error(probabilities, labels), 5) if answered else 0.0,
        loss=round(float(-np.log(likelihood).mean()), 5) if answered else 0.0,
    )


def find_taken(predictions: Predictions) -> list[Prediction]:
    """Return the predictions of pictures that are taken for a digit without any doubt; a refused one is not."""
    answered = [prediction for prediction, _ in predictions if prediction]
    return [
        prediction
        for prediction in answered
        if prediction.digit_score >= MIN_DIGIT_SCORE and max(prediction.probabilities) >= MIN_CONFIDENCE
    ]
