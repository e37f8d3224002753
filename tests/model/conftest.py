"""What the tests of the science share."""

import pytest
import torch

from src.model.data.mnist import Digits, Mnist
from src.model.inference.artefact import newest
from src.model.inference.predictor import Predictor, open_predictor
from src.settings import ROOT
from tests import pictures

MAX_PIXELS = 25_000_000


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """Return the shipped network, ready to read."""
    return open_predictor(newest(ROOT / "model"), MAX_PIXELS)


@pytest.fixture(scope="session")
def few_digits() -> Mnist:
    """Return a tiny MNIST: real digits, the same in every part."""
    images, labels = pictures.all_mnist()
    digits = Digits(torch.from_numpy(images.copy()), torch.from_numpy(labels))
    return Mnist(digits, digits, digits)
