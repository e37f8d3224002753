import numpy as np
import pytest
import torch

from src.model import networks
from src.model.data.augmentation import NONE
from src.model.data.mnist import Digits, Mnist
from src.model.inference.artefact import Confidence
from src.model.inference.confidence import compute_digit_score, compute_probabilities
from src.model.inference.runtime import open_runtime
from src.model.training.saving import calibration
from tests import released

LOGITS = [[4.0, 1, 0, 0, 0, 0, 0, 0, 0, 0], [0.5] * 10]


def test_probabilities_are_the_softmax_of_scaled_logits() -> None:
    for temperature in (1.0, 4.0):
        fitted = Confidence(temperature=temperature, score_slope=1, score_offset=0)
        probabilities = [compute_probabilities(row, fitted) for row in LOGITS]
        expected = (torch.tensor(LOGITS, dtype=torch.float64) / temperature).softmax(1)
        np.testing.assert_allclose(probabilities, expected.numpy(), rtol=1e-12)


def test_huge_logits_do_not_overflow() -> None:
    fitted = Confidence(temperature=0.1, score_slope=-1, score_offset=0)
    logits = [1e4 * logit for logit in LOGITS[0]]
    assert compute_probabilities(logits, fitted)[0] == 1
    assert compute_digit_score(logits, fitted) == 0


def test_digit_score_is_a_logistic_function_of_the_energy() -> None:
    fitted = Confidence(temperature=1, score_slope=2, score_offset=-7)
    scores = [compute_digit_score(row, fitted) for row in LOGITS]
    energies = torch.tensor(LOGITS, dtype=torch.float64).logsumexp(1)
    assert scores == pytest.approx((2 * energies - 7).sigmoid().tolist())
    assert 0 < scores[1] < 0.5 < scores[0] < 1


def test_temperature_undoes_a_scaling_of_the_logits() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (5000,), generator=generator)
    logits = torch.nn.functional.one_hot(labels, 10) * 3.0 + torch.randn(5000, 10, generator=generator)
    assert calibration.fit_temperature(logits * 7, labels) == pytest.approx(
        7 * calibration.fit_temperature(logits, labels), rel=1e-2
    )


def test_score_separates_two_distributions_of_energies() -> None:
    generator = torch.Generator().manual_seed(0)
    digits, others = torch.randn(1000, generator=generator) + 12, torch.randn(1000, generator=generator) + 6
    slope, offset = calibration.fit_score(digits, others)
    assert slope > 0
    assert -offset / slope == pytest.approx(9, abs=0.3)


def test_released_network_scores_digits_above_non_digits(
    synthetic_digits: dict[str, Digits], few_digits: Mnist
) -> None:
    runtime = open_runtime(released.PATH.with_suffix(".onnx"), released.DESCRIPTION.network)
    digits, others = (
        np.mean([compute_digit_score(row, released.DESCRIPTION.confidence) for row in logits.tolist()])
        for logits in (
            runtime.logits(pictures.pixels().numpy()) for pictures in (few_digits.train, synthetic_digits["others"])
        )
    )
    assert digits > others + 0.4


@pytest.mark.usefixtures("few_references")
def test_confidence_is_fitted_the_same_every_time(few_digits: Mnist) -> None:
    network = networks.build_seeded("cnn", 0)
    once, again = (calibration.calibrate(network, few_digits.validation, NONE, seed=3) for _ in range(2))
    assert once == again
