import numpy as np
import pytest

from src.model.data.mnist import Mnist
from src.model.data.mnist_c import CORRUPTIONS, corrupt

# The benchmark's corruptions in the order that their seeds depend on, and the mean of the pixels that each leaves.
MEANS = {
    "shot noise": 0.110,
    "impulse noise": 0.196,
    "glass blur": 0.133,
    "motion blur": 0.134,
    "shear": 0.145,
    "scale": 0.066,
    "rotate": 0.134,
    "brightness": 0.581,
    "translate": 0.134,
    "stripe": 0.602,
    "fog": 0.412,
    "spatter": 0.147,
    "dotted line": 0.157,
    "zigzag": 0.182,
    "canny edges": 0.103,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruption_changes_every_picture(name: str, few_digits: Mnist) -> None:
    clean = few_digits.test.pixels().numpy()[:20, 0]
    pictures = corrupt(name, clean)
    assert pictures.shape == clean.shape
    assert pictures.dtype == np.float32
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert (np.abs(pictures - clean).max((1, 2)) > 0.2).all()
    assert np.array_equal(pictures, corrupt(name, clean))


def test_corruptions_are_those_of_the_benchmark(few_digits: Mnist) -> None:
    clean = few_digits.test.pixels().numpy()[:20, 0]
    assert list(CORRUPTIONS) == list(MEANS)
    assert {name: corrupt(name, clean).mean() for name in CORRUPTIONS} == pytest.approx(MEANS, abs=0.002)


def test_stripe_inverts_both_sides(few_digits: Mnist) -> None:
    clean = few_digits.test.pixels().numpy()[:5, 0]
    pictures = corrupt("stripe", clean)
    assert np.array_equal(pictures[:, :, 7:21], clean[:, :, 7:21])
    assert pictures[:, :, :7] == pytest.approx(1 - clean[:, :, :7], abs=1e-6)


def test_translation_moves_three_pixels_each_way(few_digits: Mnist) -> None:
    clean = few_digits.test.pixels().numpy()[:30, 0]
    pictures = corrupt("translate", clean)
    moved = [np.roll(clean, (down, right), (1, 2)) for down in (-3, 3) for right in (-3, 3)]
    distance = np.min([np.abs(pictures - picture)[:, 4:-4, 4:-4].max((1, 2)) for picture in moved], axis=0)
    assert distance.max() < 0.01


def test_scaling_shrinks_the_digit(few_digits: Mnist) -> None:
    clean = few_digits.test.pixels().numpy()[:30, 0]
    pictures = corrupt("scale", clean)
    assert pictures.sum() == pytest.approx(clean.sum() * 0.49, rel=0.1)
