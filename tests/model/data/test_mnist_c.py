import numpy as np
import pytest

from src.model.data.mnist import Mnist
from src.model.data.mnist_c import CORRUPTIONS, corrupted


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_changes_pictures_and_leaves_pictures(name: str, few_digits: Mnist) -> None:
    clean = few_digits.test.pixels().numpy()[:20, 0]
    found = corrupted(name, clean)
    assert found.shape == clean.shape
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1
    assert (np.abs(found - clean).max((1, 2)) > 0.2).all()
    assert np.array_equal(found, corrupted(name, clean))


def test_there_are_the_fifteen_of_the_benchmark() -> None:
    assert len(CORRUPTIONS) == 15


def test_a_stripe_inverts_both_sides(few_digits: Mnist) -> None:
    clean = few_digits.test.pixels().numpy()[:5, 0]
    found = corrupted("stripe", clean)
    assert np.array_equal(found[:, :, 7:21], clean[:, :, 7:21])
    assert found[:, :, :7] == pytest.approx(1 - clean[:, :, :7], abs=1e-6)


def test_a_translation_is_three_pixels_each_way(few_digits: Mnist) -> None:
    clean = few_digits.test.pixels().numpy()[:30, 0]
    found = corrupted("translate", clean)
    moved = [np.roll(clean, (down, right), (1, 2)) for down in (-3, 3) for right in (-3, 3)]
    distance = np.min([np.abs(found - each)[:, 4:-4, 4:-4].max((1, 2)) for each in moved], axis=0)
    assert distance.max() < 0.01


def test_shrinking_takes_ink_away_and_keeps_the_middle(few_digits: Mnist) -> None:
    clean = few_digits.test.pixels().numpy()[:30, 0]
    found = corrupted("scale", clean)
    assert found.sum() == pytest.approx(clean.sum() * 0.49, rel=0.1)
