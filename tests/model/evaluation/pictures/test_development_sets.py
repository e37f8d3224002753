"""The pictures of the development sets are read, and the same seed draws them again."""

import pytest

from src.model.data.mnist import Mnist
from src.model.evaluation.pictures.crops import CROPS, make_crops
from src.model.evaluation.pictures.papers import FAINT, PAPERS, make_photos
from src.model.evaluation.predictions import count_digits, predict_all
from src.model.inference.predictor import Predictor


@pytest.mark.parametrize("kind", CROPS)
def test_crops_are_read(kind: str, few_digits: Mnist, predictor: Predictor) -> None:
    counts = count_digits(predict_all(predictor, make_crops(kind, few_digits.validation, 100, seed=1)))
    assert sum(counts.pictures) == 100
    assert counts.refused == 0
    assert counts.accuracy >= 0.95  # some of the smallest can't be read


@pytest.mark.parametrize("paper", PAPERS)
def test_photographs_on_uneven_paper_are_read(paper: str, few_digits: Mnist, predictor: Predictor) -> None:
    counts = count_digits(predict_all(predictor, make_photos(paper, few_digits.validation[::5], 20, seed=1)))
    assert counts.refused == 0
    assert counts.errors <= (3 if paper == FAINT else 1)


def test_the_same_seed_draws_the_same_pictures(few_digits: Mnist) -> None:
    digits = few_digits.validation
    assert make_crops("binary crops", digits, 3, seed=1) == make_crops("binary crops", digits, 3, seed=1)
    assert make_photos("cork", digits, 2, seed=1) == make_photos("cork", digits, 2, seed=1)
