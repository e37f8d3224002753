import numpy as np
import pytest

from src.model.training.scoring import compute_metrics


def test_metrics_are_accuracy_and_mean_cross_entropy() -> None:
    logits = np.log(np.array([[0.7] + [0.3 / 9] * 9, [0.1] * 10], np.float32))
    metrics = compute_metrics(logits, np.array([0, 5]))
    assert metrics.accuracy == 0.5
    assert metrics.loss == pytest.approx(-(np.log(0.7) + np.log(0.1)) / 2, rel=1e-5)
