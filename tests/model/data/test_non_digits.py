import numpy as np
import pytest

from src.model.data import synthetic
from src.model.data.mnist import Mnist
from src.model.data.non_digits import TOO_LIKE, Likeness


@pytest.fixture
def alike(few_digits: Mnist) -> Likeness:
    return Likeness(few_digits.train.images.numpy())


def test_a_digit_is_like_digits_and_noise_is_not(alike: Likeness, few_digits: Mnist) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    assert np.median(alike(few_digits.validation.images.numpy())) > 0.8
    assert alike(noise).max() < 0.7


def test_a_blank_picture_is_like_none(alike: Likeness) -> None:
    assert alike(np.zeros((1, 28, 28), np.uint8)).item() == 0


def test_nothing_that_looks_like_a_digit_is_given_as_none(alike: Likeness, few_digits: Mnist) -> None:
    assert alike(synthetic.make("others", few_digits.train, 200, seed=3).images.numpy()).max() < TOO_LIKE
