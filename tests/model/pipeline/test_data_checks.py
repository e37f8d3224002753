"""MNIST as it must be passes, and each thing that may be wrong with it is named."""

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
    """Return a small MNIST whose parts have nothing in common: 60, 20 and 20 pictures."""
    monkeypatch.setattr(data_checks, "PARTS", {"train": 60, "validation": 20, "test": 20})
    places = torch.arange(100) % 10
    chosen = [few_digits.train[torch.isin(places, torch.tensor(each))] for each in (range(6), (6, 7), (8, 9))]
    return Mnist(*chosen)


def test_mnist_as_it_must_be_has_no_faults(parts: Mnist) -> None:
    assert data_checks.faults(parts, LIMITS) == []


def with_images(digits: Digits, change: Callable[[torch.Tensor], object]) -> Digits:
    images = digits.images.clone()
    change(images)
    return Digits(images, digits.labels)


def with_first_of(others: Digits, digits: Digits) -> Digits:
    return with_images(digits, lambda images: images[0].copy_(others.images[0]))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda m: replace(m, train=m.train[:50]), "pictures of 28x28 bytes"),
        (lambda m: replace(m, train=Digits(m.train.images.float(), m.train.labels)), "float32"),
        (lambda m: replace(m, test=Digits(m.test.images, m.test.labels + 1)), "labels that are no digits"),
        (lambda m: replace(m, train=Digits(m.train.images, m.train.labels // 2)), "too few or too many of a digit"),
        (lambda m: replace(m, train=with_images(m.train, lambda i: i[3].zero_())), "without ink"),
        (lambda m: replace(m, train=with_images(m.train, lambda i: i[3].copy_(i[4]))), "train holds a picture twice"),
        (lambda m: replace(m, test=with_first_of(m.train, m.test)), "of the test set"),
        (lambda m: replace(m, validation=with_first_of(m.train, m.validation)), "of the validation set"),
    ],
    ids=["too few", "type", "labels", "balance", "blank", "twice", "test leaks", "validation leaks"],
)
def test_each_fault_is_named(parts: Mnist, broken: Callable[[Mnist], Mnist], said: str) -> None:
    found = data_checks.faults(broken(parts), LIMITS)
    assert len(found) == 1
    assert said in found[0]


def test_digits_that_look_otherwise_are_further_away(parts: Mnist) -> None:
    fainter = Digits(parts.train.images // 2, parts.train.labels)
    alike = data_checks.distances(parts.train, parts.train)
    other = data_checks.distances(fainter, parts.train)
    assert set(alike.values()) == {0}
    assert other["ink"] > 1
    assert other["digits"] == 0
