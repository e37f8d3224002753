import numpy as np
import pytest

from src.model.training.scoring import figures


def test_figures_are_accuracy_and_mean_cross_entropy() -> None:
    logits = np.log(np.array([[0.7] + [0.3 / 9] * 9, [0.1] * 10], np.float32))
    found = figures(logits, np.array([0, 5]))
    assert found.accuracy == 0.5
    assert found.loss == pytest.approx(-(np.log(0.7) + np.log(0.1)) / 2, rel=1e-5)
