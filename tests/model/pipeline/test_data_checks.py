from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from src.model.data.mnist import Digits, Mnist
from src.model.params import Data
from src.model.pipeline import data_checks

LIMITS = Data(least_share=0.08, most_share=0.13, psi=0.25, least_pictures=100)


@pytest.fixture
def parts(few_digits: Mnist, monkeypatch: pytest.MonkeyPatch) -> Mnist:
    """Return a small MNIST without overlap: 60, 20 and 20 pictures."""
    monkeypatch.setattr(data_checks, "SIZES", {"train": 60, "validation": 20, "test": 20})
    places = torch.arange(100) % 10
    chosen = [few_digits.train[torch.isin(places, torch.tensor(each))] for each in (range(6), (6, 7), (8, 9))]
    return Mnist(*chosen)


def test_sound_data_has_no_problems(parts: Mnist) -> None:
    assert data_checks.find_problems(parts, LIMITS) == []


def change_images(digits: Digits, change: Callable[[torch.Tensor], object]) -> Digits:
    images = digits.images.clone()
    change(images)
    return Digits(images, digits.labels)


def replace_first(others: Digits, digits: Digits) -> Digits:
    return change_images(digits, lambda images: images[0].copy_(others.images[0]))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda m: replace(m, train=m.train[:50]), "pictures of 28x28 bytes"),
        (lambda m: replace(m, train=Digits(m.train.images.float(), m.train.labels)), "float32"),
        (lambda m: replace(m, test=Digits(m.test.images, m.test.labels + 1)), "labels that are no digits"),
        (lambda m: replace(m, train=Digits(m.train.images, m.train.labels // 2)), "too few or too many of a digit"),
        (lambda m: replace(m, train=change_images(m.train, lambda i: i[3].zero_())), "without ink"),
        (lambda m: replace(m, train=change_images(m.train, lambda i: i[3].copy_(i[4]))), "train holds a picture twice"),
        (
            lambda m: replace(m, test=replace_first(m.train, m.test)),
            "Pictures of the test set",
        ),
        (
            lambda m: replace(m, validation=replace_first(m.train, m.validation)),
            "Pictures of the validation set",
        ),
    ],
    ids=["too few", "type", "labels", "balance", "blank", "twice", "test leaks", "validation leaks"],
)
def test_each_problem_is_named(parts: Mnist, damage: Callable[[Mnist], Mnist], problem: str) -> None:
    (sentence,) = data_checks.find_problems(damage(parts), LIMITS)
    assert problem in sentence


def test_distance_grows_with_the_difference(parts: Mnist) -> None:
    fainter = Digits(parts.train.images // 2, parts.train.labels)
    same = data_checks.measure_distances(parts.train, parts.train)
    different = data_checks.measure_distances(fainter, parts.train)
    assert set(same.values()) == {0}
    assert different["ink"] > 1
    assert different["digits"] == 0
