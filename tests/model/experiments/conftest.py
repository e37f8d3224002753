"""Fixtures of the experiments' tests."""

import pytest

from src.model.experiments.results import Run
from tests.model.experiments.make_run import MakeRun


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    """Return a function that makes the result of a run."""

    def make(seed: int = 0, recipe: str = "course", accuracy: float = 0.9, mask_bits: int = 0) -> Run:
        return Run(
            recipe=recipe,
            network="cnn",
            layout="given",
            seed=seed,
            parameters=6422,
            mask_bits=mask_bits,
            test_loss=0.25,
            test_accuracy=accuracy,
            seconds=2,
            learning=[(0.5, 0.8), (0.3, 0.9)],
        )

    return make
