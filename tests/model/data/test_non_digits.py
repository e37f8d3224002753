import numpy as np
import pytest

from src.model.data import synthetic
from src.model.data.mnist import Mnist
from src.model.data.non_digits import DigitSimilarity
from src.model.data.synthetic import make_synthetic


@pytest.fixture(scope="module")
def similarity(few_digits: Mnist) -> DigitSimilarity:
    """Return the similarity to every other of the digits."""
    return DigitSimilarity(few_digits.train.images[::2].numpy())


def test_digits_are_similar_to_digits_and_noise_is_not(similarity: DigitSimilarity, few_digits: Mnist) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    assert np.median(similarity.measure(few_digits.train.images[1::2].numpy())) > 0.75
    assert similarity.measure(noise).max() < 0.6


def test_blank_picture_is_not_similar(similarity: DigitSimilarity) -> None:
    assert similarity.measure(np.zeros((1, 28, 28), np.uint8)).item() == 0


@pytest.mark.usefixtures("few_references")
def test_non_digits_that_look_like_a_digit_are_dropped(
    similarity: DigitSimilarity, few_digits: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 0.7  # lower than in use, so that many of the pictures exceed it
    monkeypatch.setattr(synthetic, "MAX_SIMILARITY", {"others": 1.1})
    everything = make_synthetic("others", few_digits.train, 50, seed=3).images.numpy()
    monkeypatch.setattr(synthetic, "MAX_SIMILARITY", {"others": limit})
    different = make_synthetic("others", few_digits.train, 50, seed=3).images.numpy()
    assert similarity.measure(everything).max() > limit
    assert similarity.measure(different).max() < limit
