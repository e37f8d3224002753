import numpy as np
import pytest

from src.model.data.synthetic import NO_DIGIT
from src.model.evaluation import plots
from src.model.evaluation.pictures.rejection import KINDS, make_non_digits
from src.model.evaluation.predictions import find_taken
from src.model.evaluation.report import TakenCounts
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


def make_prediction(score: float, confidence: float) -> Prediction:
    """Return the prediction of a 0 with this digit score and confidence."""
    probabilities = [confidence, *[(1 - confidence) / 9] * 9]
    return Prediction(0, probabilities, score, 1, np.zeros((28, 28), np.float32))


def test_only_sure_digits_with_a_high_score_count_as_taken() -> None:
    pictures = [make_prediction(0.5, 0.9), make_prediction(0.49, 0.99), make_prediction(0.99, 0.89), None]
    assert find_taken([(prediction, NO_DIGIT) for prediction in pictures]) == pictures[:1]


def test_plot_shows_the_pictures_with_the_highest_score_of_each_kind() -> None:
    some = [make_prediction(score, 0.95) for score in np.linspace(0.5, 0.99, 12)]
    axes = plots.draw_taken({"letters": some, "clicks": [], "dashes": some[:1]}).axes
    titles = [place.get_title() for place in axes]
    assert titles[0] == "0: 99%"
    assert [place.get_ylabel() for place in axes[::10]] == ["letters", "dashes"]
    assert titles[10:] == ["0: 50%", *[""] * 9]


def test_counts_are_printed_with_their_share() -> None:
    assert str(TakenCounts(taken=1, pictures=4)) == "1 of 4 taken for a digit, 25.0%"
