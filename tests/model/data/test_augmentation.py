from dataclasses import replace

import torch

from src.model.data import augmentation
from src.model.data.mnist import Mnist


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_generator_alone_decides_the_distortion(few_digits: Mnist) -> None:
    pixels, limits = few_digits.train.pixels(), augmentation.Distortion()
    once, again, other = (augmentation.augment(pixels, limits, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_pixels_stay_in_range(few_digits: Mnist) -> None:
    pixels = augmentation.augment(few_digits.train.pixels(), augmentation.Distortion(), generator())
    assert pixels.shape == (100, 1, 28, 28)
    assert pixels.min() >= 0
    assert pixels.max() <= 1 + 1e-5


def test_zero_limits_change_nothing(few_digits: Mnist) -> None:
    pixels = few_digits.train.pixels()
    assert torch.equal(augmentation.augment(pixels, augmentation.NONE, generator()), pixels)


def test_each_distortion_changes_pictures_and_about_keeps_their_ink(few_digits: Mnist) -> None:
    pixels = few_digits.train.pixels()
    for limits in (
        augmentation.Distortion(15, 0, 0, 0, 0, 0, 0),
        augmentation.Distortion(0, 0.2, 0, 0, 0, 0, 0),
        augmentation.Distortion(0, 0, 0.1, 0, 0, 0, 0),
        augmentation.Distortion(0, 0, 0, 2, 0, 0, 0),
        augmentation.Distortion(0, 0, 0, 0, 1, 0, 0),
    ):
        moved = augmentation.augment(pixels, limits, generator())
        assert (moved - pixels).abs().max() > 0.2
        assert torch.allclose(moved.sum(), pixels.sum(), rtol=0.05)


def test_strokes_get_thicker_and_thinner(few_digits: Mnist) -> None:
    pixels = few_digits.train.pixels()
    amount = torch.ones(100, 1, 1, 1)
    assert (augmentation.change_thickness(pixels, amount) >= pixels).all()
    assert (augmentation.change_thickness(pixels, -amount) <= pixels).all()
    assert torch.equal(augmentation.change_thickness(pixels, 0 * amount), pixels)


def test_gaps_remove_ink_and_specks_add_some(few_digits: Mnist) -> None:
    pixels = few_digits.train.pixels()
    gaps = augmentation.augment(pixels, replace(augmentation.NONE, gaps=1.0), generator())
    specks = augmentation.augment(pixels, replace(augmentation.NONE, specks=1.0), generator())
    assert (gaps <= pixels + 1e-4).all()
    assert (specks >= pixels - 1e-4).all()
    assert ((gaps < pixels - 0.01).flatten(1).sum(1) <= 25).all()
    assert (gaps < pixels - 0.01).flatten(1).any(1).sum() > 20
    assert (specks > pixels + 0.01).flatten(1).any(1).sum() > 20
