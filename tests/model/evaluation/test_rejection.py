import numpy as np
import pytest

from src.model.evaluation.predictions import count_taken
from src.model.evaluation.rejection import KINDS, make_non_digits
from src.model.inference.predictor import Prediction
from src.model.preprocessing.decode import decode
from tests.pictures import MAX_PIXELS


@pytest.mark.parametrize("kind", KINDS)
def test_seed_alone_decides_the_pictures(kind: str) -> None:
    assert make_non_digits(kind, 3, seed=1) == make_non_digits(kind, 3, seed=1)
    assert make_non_digits(kind, 3, seed=1) != make_non_digits(kind, 3, seed=2)


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_shows_something(kind: str) -> None:
    for data in make_non_digits(kind, 5, seed=0):
        assert np.ptp(decode(data, MAX_PIXELS)) > 20


def test_only_sure_digits_with_a_high_score_count_as_taken() -> None:
    def make(score: float, confidence: float) -> tuple[Prediction, int]:
        probabilities = [confidence, *[(1 - confidence) / 9] * 9]
        return Prediction(0, probabilities, score, 1, np.zeros((28, 28), np.float32)), 10

    predictions = [make(0.5, 0.9), make(0.49, 0.99), make(0.99, 0.89), (None, 10)]
    counts = count_taken(predictions)
    assert (counts.taken, counts.pictures) == (1, 4)
    assert str(counts) == "1 of 4 taken for a digit, 25.0%"
