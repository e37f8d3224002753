"""Fixtures for all tests of the models."""

from collections.abc import Iterator

import pytest
import torch

from src.model.data import synthetic
from src.model.data.mnist import Digits, Mnist
from src.model.inference.artefact import find_newest
from src.model.inference.predictor import Predictor, open_predictor
from src.settings import ROOT
from tests import pictures
from tests.model.references import few_references
from tests.pictures import MAX_PIXELS


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """Return the shipped network, ready to predict."""
    return open_predictor(find_newest(ROOT / "model"), MAX_PIXELS)


@pytest.fixture(scope="session")
def few_digits() -> Mnist:
    """Return a tiny MNIST: the same hundred real digits in every part."""
    images, labels = pictures.all_mnist()
    digits = Digits(torch.from_numpy(images.copy()), torch.from_numpy(labels))
    return Mnist(digits, digits, digits)


@pytest.fixture(name="few_references")
def _few_references() -> Iterator[None]:
    with few_references():
        yield


@pytest.fixture(scope="session")
def synthetic_digits(few_digits: Mnist) -> dict[str, Digits]:
    """Return 200 synthetic pictures of each kind, made from `few_digits`."""
    with few_references():
        return {kind: synthetic.make_synthetic(kind, few_digits.train, 200, seed=1) for kind in synthetic.KINDS}
