"""Fixtures of the training's tests."""

import pytest

from src.model.data.mnist import Mnist
from src.model.data.synthetic import KINDS, make_synthetic
from src.model.training.fit_resumable import TrainingData
from tests.model.references import few_references


@pytest.fixture(scope="session")
def training_data(few_digits: Mnist) -> TrainingData:
    """Return the few digits and ten synthetic pictures of each kind, without a teacher."""
    with few_references():
        return TrainingData(few_digits, {kind: make_synthetic(kind, few_digits.train, 10, seed=0) for kind in KINDS})
